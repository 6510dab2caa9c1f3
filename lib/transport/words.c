/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Splits a command that the user wrote into an argument vector, so that no
 * shell is needed to run it.
 */
#include "lib/transport/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util/cleanup.h"

void nse_words_release(struct nse_words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->argv[i]);
	free(w->argv);
	*w = (struct nse_words){ 0 };
}

int nse_words_add(struct nse_words *w, const char *word, size_t len)
{
	char **argv, *copy;

	if (w->n >= NSE_WORDS_MAX)
		return -E2BIG;
	argv = realloc(w->argv, (w->n + 2) * sizeof(*argv));
	if (!argv)
		return -ENOMEM;
	w->argv = argv;
	argv[w->n] = NULL;
	copy = strndup(word, len);
	if (!copy)
		return -ENOMEM;
	argv[w->n++] = copy;
	argv[w->n] = NULL;
	return 0;
}

/*
 * Reads one word from *text into out (which has room for all of the text).
 * Returns the word's length or -EINVAL when a quote stays open.
 */
static ssize_t one_word(const char **text, char *out)
{
	const char *p = *text;
	size_t n = 0;
	char quote = 0;

	for (; *p && (quote || !strchr(" \t\n", *p)); p++) {
		if (quote == '\'' ? *p == '\'' : quote && *p == quote) {
			quote = 0;
		} else if (!quote && (*p == '\'' || *p == '"')) {
			quote = *p;
		} else if (*p == '\\' && !quote && p[1]) {
			out[n++] = *++p;
		} else if (*p == '\\' && quote == '"' && (p[1] == '"' || p[1] == '\\')) {
			out[n++] = *++p;
		} else {
			out[n++] = *p;
		}
	}
	*text = p;
	return quote ? -EINVAL : (ssize_t)n;
}

int nse_words_split(struct nse_words *w, const char *text, struct nse_error *err)
{
	NSE_FREE char *word = malloc(strlen(text) + 1);
	const char *p = text;
	ssize_t len;
	int rc;

	if (!word)
		return nse_error(err, -ENOMEM, "out of memory");
	for (p += strspn(p, " \t\n"); *p; p += strspn(p, " \t\n")) {
		len = one_word(&p, word);
		if (len < 0)
			return nse_error(err, -EINVAL, "a quote is not closed in: %s",
					 text);
		rc = nse_words_add(w, word, (size_t)len);
		if (rc == -E2BIG)
			return nse_error(err, rc, "more than %d words in: %s",
					 NSE_WORDS_MAX, text);
		if (rc < 0)
			return nse_error(err, rc, "out of memory");
	}
	return 0;
}
