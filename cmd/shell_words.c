/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Splits lines into words. Characters are looked at one by one; what a word has
 * so far lies in a buffer of the line's size.
 */
#include "cmd/shell_words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util/cleanup.h"

struct splitter {
	struct shell_words *w;
	const char *p;
	char *word; /* what it has so far */
	size_t len;
	bool in_word;
	struct nse_error *err;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int end_word(struct splitter *s)
{
	struct shell_words *w = s->w;
	char **v;

	if (!s->in_word)
		return 0;
	v = realloc(w->v, (w->n + 2) * sizeof(*v));
	if (!v)
		return nse_error(s->err, -ENOMEM, "out of memory");
	w->v = v;
	v[w->n] = strndup(s->word, s->len);
	if (!v[w->n])
		return nse_error(s->err, -ENOMEM, "out of memory");
	v[++w->n] = NULL;
	s->len = 0;
	s->in_word = false;
	return 0;
}

static void add(struct splitter *s, char c)
{
	s->word[s->len++] = c;
	s->in_word = true;
}

/* From the opening quotation mark to behind the closing one. */
static void take_quoted(struct splitter *s)
{
	char quote = *s->p++;

	s->in_word = true;
	while (*s->p && *s->p != quote) {
		if (quote == '"' && *s->p == '\\' && (s->p[1] == '"' || s->p[1] == '\\'))
			s->p++;
		add(s, *s->p++);
	}
	if (*s->p)
		s->p++;
	else
		s->w->quote = quote;
}

/* A character that sh(1) would not take as part of a word; 1: the command ends. */
static int take_operator(struct splitter *s)
{
	struct shell_words *w = s->w;

	if (*s->p == ';') {
		w->next = s->p + 1;
		return 1;
	}
	if (*s->p == '&' || *s->p == '<')
		return nse_error(s->err, -EINVAL,
				 "'%c' has no meaning here: put quotes around the word",
				 *s->p);
	if (*s->p == '>' && s->in_word)
		return nse_error(s->err, -EINVAL,
				 "a '>' right behind a word: put quotes around the word, "
				 "or a blank ahead of the '>' to write to a file");
	if (s->p[0] == '|' && s->p[1] == '|')
		return nse_error(s->err, -EINVAL, "'||' has no meaning here");
	w->tail = strndup(s->p, shell_words_raw(s->p, &w->next));
	return w->tail ? 1 : nse_error(s->err, -ENOMEM, "out of memory");
}

/* One character or quotation; 1: the command ends here. */
static int step(struct splitter *s)
{
	if (is_blank(*s->p)) {
		s->p++;
		return end_word(s);
	}
	if (*s->p == '#' && !s->in_word)
		return 1;
	if (strchr(";|>&<", *s->p))
		return take_operator(s);
	if (*s->p == '\'' || *s->p == '"') {
		take_quoted(s);
		return 0;
	}
	if (*s->p == '\\' && s->p[1])
		s->p++;
	add(s, *s->p++);
	return 0;
}

int shell_words_split(struct shell_words *w, const char *line, struct nse_error *err)
{
	NSE_FREE char *word = malloc(strlen(line) + 1);
	struct splitter s = { .w = w, .p = line, .word = word, .err = err };
	int rc = 0;

	*w = (struct shell_words){ .v = calloc(1, sizeof(*w->v)) };
	if (!word || !w->v)
		rc = nse_error(err, -ENOMEM, "out of memory");
	while (rc == 0 && *s.p)
		rc = step(&s);
	w->growing = s.in_word && !*s.p;
	if (rc >= 0)
		rc = end_word(&s);
	if (rc < 0)
		shell_words_release(w);
	return rc;
}

void shell_words_release(struct shell_words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->v[i]);
	free(w->v);
	free(w->tail);
	*w = (struct shell_words){ .v = NULL };
}

size_t shell_words_raw(const char *line, const char **next)
{
	const char *p = line, *end = line;
	char quote = '\0';

	*next = NULL;
	for (; *p; p++) {
		if (quote) {
			quote = *p == quote ? '\0' : quote;
		} else if (*p == ';') {
			*next = p + 1;
			break;
		} else if (*p == '#' && (p == line || is_blank(p[-1]))) {
			break;
		} else if (*p == '\'' || *p == '"') {
			quote = *p;
		}
		if (!is_blank(*p))
			end = p + 1;
	}
	return (size_t)(end - line);
}
