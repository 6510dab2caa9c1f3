/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Texts of one side or of both with the signs of diff -u in front.
 */
#include "cmd/diff_lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/diff_word.h"
#include "cmd/output.h"
#include "lib/util/cleanup.h"

static enum cmd_style style_of(char sign)
{
	return sign == '-'   ? CMD_RED
	       : sign == '+' ? CMD_GREEN
	       : sign == '~' ? CMD_YELLOW
			     : CMD_PLAIN;
}

static void print_lines(const struct diff_print *p, char sign, enum cmd_style style,
			const char *text, const char *note)
{
	size_t n = strlen(text), room = 4 * n + 8;
	NSE_FREE char *copy = strdup(text), *safe = malloc(room);
	char *save = NULL;
	bool color = p->color && sign != ' ';

	for (char *line = copy && safe ? strtok_r(copy, "\n", &save) : NULL; line;) {
		char *next = strtok_r(NULL, "\n", &save);
		int tabs = (int)strspn(line, "\t");

		printf("%s%c %.*s%s%s%s\n", cmd_style(color, style), sign, tabs, line,
		       cmd_safe(line + tabs, safe, room), next ? "" : note,
		       cmd_style(color, CMD_PLAIN));
		line = next;
	}
}

void diff_lines(const struct diff_print *p, char sign, const char *text, const char *note)
{
	print_lines(p, sign, style_of(sign), text, note);
}

void diff_lines_moved(const struct diff_print *p, char sign, const char *text,
		      const char *note)
{
	print_lines(p, sign, sign == '-' ? CMD_MOVED_FROM : CMD_MOVED_TO, text, note);
}

/* On one line, fit for a terminal; owned by the caller, or NULL. */
static char *flat(const char *text)
{
	size_t room = 4 * strlen(text) + 8, n = 0;
	NSE_FREE char *line = malloc(room);
	char *safe = malloc(room);

	for (const char *s = text; line && *s; s++) {
		if (*s != '\n' && *s != '\t')
			line[n++] = *s;
		if (*s != '\n')
			continue;
		/* Statements of a block stand on lines of their own. */
		s += strspn(s, "\n\t") - 1;
		if (n && line[n - 1] != '{' && s[1] != '}')
			line[n++] = ';';
		line[n++] = ' ';
	}
	if (line && safe) {
		line[n] = '\0';
		cmd_safe(line, safe, room);
	}
	return safe;
}

/* "~ tcp dport [-22-]{+80+} accept" */
static void print_words(const struct diff_print *p, const char *a, const char *b,
			const char *note)
{
	NSE_FREE char *fa = flat(a), *fb = flat(b);

	if (!fa || !fb)
		return;
	printf("%s~%s ", cmd_style(p->color, CMD_YELLOW), cmd_style(p->color, CMD_PLAIN));
	diff_word_print(stdout, fa, fb, p->color);
	printf("%s\n", note);
}

void diff_lines_pair(const struct diff_print *p, const char *ta, const char *tb,
		     uint32_t a, uint32_t b, const char *note)
{
	NSE_FREE char *safe = flat(tb);

	if (strcmp(ta, tb) != 0 && p->word) {
		print_words(p, ta, tb, note);
	} else if (strcmp(ta, tb) != 0) {
		diff_lines(p, '-', ta, note);
		diff_lines(p, '+', tb, note);
	} else {
		printf("%s~ %s%s%s%s", cmd_style(p->color, CMD_YELLOW), safe ? safe : "",
		       note, cmd_style(p->color, CMD_PLAIN), p->word ? "" : "\n");
		diff_print_fields(p, a, b);
	}
}
