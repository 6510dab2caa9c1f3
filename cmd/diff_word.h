/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two lines as one, with what differs marked word by word. A word ends at
 * white space; a comma and a semicolon are words.
 */
#ifndef NSE_CMD_DIFF_WORD_H
#define NSE_CMD_DIFF_WORD_H

#include <stdbool.h>
#include <stdio.h>

/*
 * Prints "tcp dport [-22-]{+80+} accept" without a newline; the white space
 * is b's. 0 or -ENOMEM.
 */
int diff_word_print(FILE *to, const char *a, const char *b, bool color);

/* How many of 100 words are the same ones; 0 also without memory. */
unsigned int diff_word_likeness(const char *a, const char *b);

#endif
