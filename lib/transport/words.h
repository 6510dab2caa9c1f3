/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Argument vectors made of text.
 */
#ifndef NSE_TRANSPORT_WORDS_H
#define NSE_TRANSPORT_WORDS_H

#include <stddef.h>

#include "lib/util/error.h"

#define NSE_WORDS_MAX 256

struct nse_words {
	char **argv; /* NULL-terminated once there is a word; owned */
	size_t n;
};

/*
 * Splits as a shell would: blanks separate, '…' and "…" and \ quote. Nothing
 * is expanded. Appends to w. -EINVAL (open quote), -E2BIG or -ENOMEM.
 */
int nse_words_split(struct nse_words *w, const char *text, struct nse_error *err);

/* Appends a copy of one word. 0, -E2BIG or -ENOMEM. */
int nse_words_add(struct nse_words *w, const char *word, size_t len);

void nse_words_release(struct nse_words *w);

#endif
