/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds out what is asked for at the cursor, from the words ahead of it and from
 * what the command says that it takes.
 */
#include "cmd/shell_place.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util/cleanup.h"

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

/* The end of a value that begins at p. */
static const char *value_end(const char *p)
{
	char quote = *p;

	if (quote != '\'' && quote != '"')
		return p + strcspn(p, " \t()");
	p++;
	p += strcspn(p, quote == '"' ? "\"" : "'");
	return *p ? p + 1 : p;
}

static bool is_word(const char *p, size_t n, const char *word)
{
	return strlen(word) == n && strncmp(p, word, n) == 0;
}

void shell_filter_place(const char *text, struct shell_filter_place *f)
{
	bool more = false; /* a comparison is complete: "and", "or" or ")" follow */

	for (const char *p = text;;) {
		const char *from;
		size_t n;

		p += strspn(p, " \t()");
		from = p;
		while (is_name(*p))
			p++;
		n = (size_t)(p - from);
		f->at = (size_t)(from - text);
		f->what = more ? SHELL_WORD : SHELL_FIELD;
		if (!*p)
			return;
		if (n && !strchr("=!<>~ \t", *p)) {
			f->what = SHELL_OPERATOR;
			return;
		}
		if (is_word(from, n, "and") || is_word(from, n, "or") ||
		    is_word(from, n, "not")) {
			more = false;
			continue;
		}
		p += strspn(p, " \t");
		snprintf(f->field, sizeof(f->field), "%.*s", (int)n, from);
		f->at = (size_t)(p - text);
		f->what = SHELL_OPERATOR;
		n = strspn(p, "=!<>~");
		if (!*p || !n)
			return;
		p += n;
		p += strspn(p, " \t");
		f->at = (size_t)(p - text);
		f->what = SHELL_VALUE;
		p = value_end(p);
		if (!*p)
			return;
		more = true;
	}
}

static void set_kind(struct shell_place *p, const char *kind)
{
	snprintf(p->kind, sizeof(p->kind), "%s", kind);
}

/* Kind number n of a list of operands; the last one is for all that follow. */
static void operand_kind(struct shell_place *p, const char *operands, size_t n)
{
	size_t len = strcspn(operands, " ");

	while (n-- && operands[len]) {
		operands += len + 1;
		len = strcspn(operands, " ");
	}
	snprintf(p->kind, sizeof(p->kind), "%.*s", (int)len, operands);
}

static void option_kind(struct shell_place *p, const struct shell_option *o)
{
	if (strcmp(o->name, "--filter") == 0)
		set_kind(p, "filter");
	else if (!strcmp(o->name, "--columns") || !strcmp(o->name, "--sort"))
		set_kind(p, "columns");
	else
		set_kind(p, o->what);
}

/* In the words of a command that tells what it takes; the last is at the cursor. */
static void in_command(struct shell_place *p, const struct shell_takes *t,
		       const struct shell_words *w)
{
	const struct shell_option *o = shell_takes_option(t, p->word);
	struct shell_arg a = { .next = 1 };
	size_t operands = 0;

	/* The option whose value is still to come takes the word at the cursor. */
	while (a.next < w->n && shell_takes_next(t, w->v, w->n, a.next, &a)) {
		if (a.opt && a.opt->value && a.at == w->n - 2 &&
		    !strchr(w->v[a.at], '=') && a.value == w->v[w->n - 1]) {
			option_kind(p, a.opt);
			return;
		}
		operands += a.operand && a.at != w->n - 1;
	}
	if (o && o->value && strncmp(p->word, "--", 2) == 0 && strchr(p->word, '=')) {
		p->stem = strcspn(p->word, "=") + 1;
		option_kind(p, o);
	} else if (p->word[0] == '-') {
		set_kind(p, "option");
	} else {
		operand_kind(p, t->operands, operands);
	}
}

static void find(struct shell *sh, struct shell_place *p, const struct shell_words *w)
{
	const struct shell_builtin *b;
	const struct shell_takes *t;

	set_kind(p, "none");
	if (w->tail) {
		set_kind(p, "shell");
	} else if (w->n == 1) {
		set_kind(p, "command");
	} else {
		snprintf(p->command, sizeof(p->command), "%s", w->v[0]);
		b = shell_builtin_find(w->v[0]);
		t = b && strcmp(w->v[0], "open") ? NULL : shell_known(sh, w->v[0]);
		if (t)
			in_command(p, t, w);
		else if (b && w->n == 2)
			set_kind(p, b->operands);
		else if (!b)
			set_kind(p, "file");
	}
	/* The shell needs only the record; the context is there. */
	if (strcmp(p->command, "explain") == 0 && sh->context.file &&
	    !strcmp(p->kind, "any-context"))
		set_kind(p, "filter");
}

/* The line of the last of its commands, and whether that takes it as it is. */
static const char *last_command(const char *line, bool *raw)
{
	*raw = false;
	while (true) {
		struct shell_words w = { .v = NULL };
		struct nse_error unused = { 0 };
		const struct shell_builtin *b = NULL;
		const char *next = NULL;

		line += strspn(line, " \t");
		if (shell_words_split(&w, line, &unused) == 0 && w.n)
			b = shell_builtin_find(w.v[0]);
		next = w.next;
		shell_words_release(&w);
		/* Where it cannot be split, it may be a filter with a > in it. */
		*raw = (b && b->raw) || strncmp(line, "filter ", 7) == 0;
		if (*raw) {
			const char *rest = line + strcspn(line, " \t");

			shell_words_raw(rest, &next);
			*raw = *rest != '\0';
		}
		if (!next)
			return line;
		line = next;
	}
}

static int find_raw(struct shell_place *p, const char *line)
{
	const char *rest = line + strcspn(line, " \t");

	rest += strspn(rest, " \t");
	snprintf(p->command, sizeof(p->command), "filter");
	set_kind(p, "filter");
	p->raw = true;
	p->word = strdup(rest);
	return p->word ? 0 : -ENOMEM;
}

int shell_place_find(struct shell *sh, const char *line, struct shell_place *p)
{
	struct shell_words w = { .v = NULL };
	struct nse_error unused = { 0 };
	struct shell_argv words = { NULL, 0 };
	bool raw;
	int rc;

	*p = (struct shell_place){ .word = NULL };
	set_kind(p, "none");
	line = last_command(line, &raw);
	if (*line == '!') {
		const char *blank = strrchr(line, ' ');

		set_kind(p, "shell");
		p->word = strdup(blank ? blank + 1 : line + 1);
		return p->word ? 0 : -ENOMEM;
	}
	if (raw)
		return find_raw(p, line);
	rc = shell_words_split(&w, line, &unused);
	for (size_t i = 0; rc == 0 && i < w.n; i++)
		rc = shell_argv_add(&words, w.v[i]);
	/* Behind a blank a new word begins. */
	if (rc == 0 && (!w.growing || w.tail))
		rc = shell_argv_add(&words, "");
	if (rc == 0 && !(p->word = strdup(words.v[words.n - 1])))
		rc = -ENOMEM;
	if (rc == 0) {
		struct shell_words all = { .v = words.v, .n = words.n, .tail = w.tail };

		find(sh, p, &all);
	}
	shell_argv_release(&words);
	shell_words_release(&w);
	return rc == -EINVAL && (p->word = strdup("")) ? 0 : rc;
}

void shell_place_release(struct shell_place *p)
{
	free(p->word);
	p->word = NULL;
}
