/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads the lines of nse_usage_list(), and walks a command's words by them.
 */
#include "cmd/shell_takes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util/cleanup.h"

static int add_option(struct shell_takes *t, char *rest)
{
	const char *name = strsep(&rest, "\t"), *letter = strsep(&rest, "\t");
	const char *arg = strsep(&rest, "\t"), *what = strsep(&rest, "\t");
	struct shell_option *o;

	if (!what)
		return -ENOENT;
	o = realloc(t->options, (t->n + 1) * sizeof(*o));
	if (!o)
		return -ENOMEM;
	t->options = o;
	o[t->n++] = (struct shell_option){
		.name = name,
		.letter = strlen(letter) == 2 ? letter[1] : '\0',
		.value = strcmp(arg, "-") != 0,
		.what = what,
	};
	return 0;
}

int shell_takes_load(struct shell_takes *t, const struct shell_job *list)
{
	char *rest, *line;
	int rc = 0;

	*t = (struct shell_takes){ .text = shell_capture(list) };
	rest = t->text;
	while (rc == 0 && (line = strsep(&rest, "\n"))) {
		const char *kind = strsep(&line, "\t");

		if (line && strcmp(kind, "operands") == 0)
			t->operands = line;
		else if (line && strcmp(kind, "option") == 0)
			rc = add_option(t, line);
	}
	if (rc == 0 && t->operands)
		return 0;
	shell_takes_release(t);
	return -ENOENT;
}

void shell_takes_release(struct shell_takes *t)
{
	free(t->options);
	free(t->text);
	*t = (struct shell_takes){ .n = 0 };
}

const struct shell_option *shell_takes_option(const struct shell_takes *t,
					      const char *word)
{
	size_t n = strcspn(word, "=");

	if (word[0] != '-' || !word[1])
		return NULL;
	for (size_t i = 0; i < t->n; i++) {
		const struct shell_option *o = &t->options[i];

		if (word[1] == '-' ? strlen(o->name) == n && !strncmp(o->name, word, n)
				   : o->letter == word[1])
			return o;
	}
	return NULL;
}

/* Of a bundle of letters, the one that takes a value; what is behind it is that. */
static const struct shell_option *of_bundle(const struct shell_takes *t, const char *word,
					    const char **value)
{
	const struct shell_option *o = NULL;

	for (const char *c = word + 1; *c; c++) {
		char one[3] = { '-', *c, '\0' };

		o = shell_takes_option(t, one);
		if (o && o->value) {
			*value = c[1] ? c + 1 : NULL;
			return o;
		}
	}
	return o;
}

bool shell_takes_next(const struct shell_takes *t, char *const *v, size_t n, size_t at,
		      struct shell_arg *a)
{
	bool only_operands = false;
	const char *word;

	for (size_t i = 1; i < at && i < n; i++)
		only_operands |= strcmp(v[i], "--") == 0;
	if (at < n && !only_operands && strcmp(v[at], "--") == 0) {
		only_operands = true;
		at++;
	}
	if (at >= n)
		return false;
	*a = (struct shell_arg){ .at = at, .next = at + 1 };
	word = v[at];
	a->operand = only_operands || word[0] != '-' || !word[1];
	if (a->operand)
		return true;
	if (word[1] == '-') {
		a->opt = shell_takes_option(t, word);
		a->value = strchr(word, '=') ? strchr(word, '=') + 1 : NULL;
	} else {
		a->opt = of_bundle(t, word, &a->value);
	}
	if (a->opt && a->opt->value && !a->value) {
		a->value = at + 1 < n ? v[at + 1] : NULL;
		a->next = at + 2 < n ? at + 2 : n;
	}
	return true;
}
