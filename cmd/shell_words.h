/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A line of `nsemig shell` as words: blanks part them, '...', "..." and a
 * backslash quote as in sh(1) ("..." knows \" and \\ only, nothing is expanded),
 * # begins a comment, ; ends a command. A | or > begins what sh(1) has to do with the
 * output.
 */
#ifndef NSE_CMD_SHELL_WORDS_H
#define NSE_CMD_SHELL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/util/error.h"

struct shell_words {
	char **v; /* NULL-terminated; the texts are owned */
	size_t n;
	char *tail;	  /* what stands from | or > on, or NULL; owned */
	const char *next; /* into the line: what stands behind the ; or NULL */
	/* The end of the line, for what completes it: */
	char quote;   /* the quotation that is open, or '\0' */
	bool growing; /* the last word goes on there */
};

/*
 * Splits the first command of the line. 0; -EINVAL with a text for a character
 * that would mean something else in sh(1), and then w is empty; -ENOMEM. An open
 * quotation is no error here: w->quote tells.
 */
int shell_words_split(struct shell_words *w, const char *line, struct nse_error *err);
void shell_words_release(struct shell_words *w);

/*
 * For commands that take their line as it is: where it ends (at a ; or a comment
 * outside of quotations, without blanks ahead of it). *next as above.
 */
size_t shell_words_raw(const char *line, const char **next);

#endif
