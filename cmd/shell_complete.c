/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The completion as readline wants it. Readline finds out itself where the text
 * that it will replace begins; our candidates are whole words, of which it gets
 * the end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/readline.h>

#include "cmd/shell_candidates.h"
#include "lib/util/cleanup.h"

#define BREAKS	      " \t\n|;>"
#define BREAKS_VALUE  BREAKS "=,"
#define BREAKS_FILTER BREAKS "=<!~()"

/* Readline's callbacks have no argument of their own. */
static struct shell *shell;
static struct shell_candidates found;
static size_t skip;  /* bytes of a candidate that stand ahead of readline's text */
static size_t shown; /* bytes of a match that are not shown in lists */

static int find_place(struct shell_place *p)
{
	NSE_FREE char *line = strndup(rl_line_buffer, (size_t)rl_point);

	return line ? shell_place_find(shell, line, p) : -1;
}

/* What parts words depends on where we are: in an expression, = does. */
static char *breaks(void)
{
	NSE_CLEANUP(shell_place_release) struct shell_place p = { .word = NULL };

	if (find_place(&p) < 0)
		return (char *)BREAKS;
	if (strcmp(p.kind, "filter") == 0)
		return (char *)BREAKS_FILTER;
	return (char *)(p.stem || !strcmp(p.kind, "engine") || !strcmp(p.kind, "columns")
				? BREAKS_VALUE
				: BREAKS);
}

static char *next_match(const char *text, int state)
{
	static size_t at;
	static bool files;

	if (!state) {
		at = 0;
		files = false;
	}
	while (at < found.words.n) {
		const char *word = found.words.v[at++];

		if (strlen(word) >= skip && !strncmp(word + skip, text, strlen(text)))
			return strdup(word + skip);
	}
	if (!found.files)
		return NULL;
	state = files;
	files = true;
	return rl_filename_completion_function(text, state);
}

static char **attempt(const char *text, int start, int end)
{
	NSE_CLEANUP(shell_place_release) struct shell_place p = { .word = NULL };
	char **matches;
	size_t n = strlen(text);

	(void)start;
	(void)end;
	rl_attempted_completion_over = 1;
	if (find_place(&p) < 0 || shell_candidates_find(shell, &p, &found) < 0)
		return NULL;
	/* With quotes or backslashes within, the texts need not be alike. */
	skip = strlen(p.word) >= n ? strlen(p.word) - n : 0;
	if (strcmp(p.word + skip, text))
		skip = 0;
	shown = p.stem > skip ? p.stem - skip : 0;
	rl_filename_completion_desired = found.files;
	rl_filename_quoting_desired = found.files;
	rl_completion_append_character = found.append;
	rl_completion_suppress_quote = found.open;
	matches = rl_completion_matches(text, next_match);
	shell_argv_release(&found.words);
	return matches;
}

/* Lists show what differs, and not the expression ahead of it. */
static void show_list(char **matches, int n, int longest)
{
	for (int i = 0; shown && i <= n; i++)
		if (strlen(matches[i]) >= shown)
			memmove(matches[i], matches[i] + shown,
				strlen(matches[i] + shown) + 1);
	rl_display_match_list(matches, n, longest - (int)shown);
	rl_forced_update_display();
}

/* Is the character at i quoted by a backslash? */
static int is_quoted(char *text, int i)
{
	int n = 0;

	while (i > n && text[i - 1 - n] == '\\')
		n++;
	return n % 2;
}

/* The name of a file as it is, for reading directories. */
static char *dequote(char *text, int quote)
{
	char *plain = malloc(strlen(text) + 1), *to = plain;

	for (const char *p = text; plain && *p; p++) {
		if (*p == '\\' && quote != '\'' && p[1])
			p++;
		*to++ = *p;
	}
	if (plain)
		*to = '\0';
	return plain;
}

void shell_complete_init(struct shell *sh)
{
	shell = sh;
	rl_attempted_completion_function = attempt;
	rl_completion_word_break_hook = breaks;
	rl_completer_word_break_characters = (char *)BREAKS;
	rl_completer_quote_characters = "'\"";
	rl_filename_quote_characters = " \t\n\\\"'|>;#&<";
	rl_filename_dequoting_function = dequote;
	rl_char_is_quoted_p = is_quoted;
	rl_completion_display_matches_hook = show_list;
}
