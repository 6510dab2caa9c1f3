/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What may stand where the cursor is in a line of the shell.
 */
#ifndef NSE_CMD_SHELL_PLACE_H
#define NSE_CMD_SHELL_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "cmd/shell.h"

/*
 * kind is that of an option's value or an operand as --list-options names it, or
 * "command", "option" (of `command`), "filter", "shell" (a file for sh(1)), "none".
 * What completes it goes behind the first `stem` bytes of word.
 */
struct shell_place {
	char *word;  /* up to the cursor, without its quotation marks; owned */
	size_t stem; /* bytes of it that stay, as "--color=" */
	char kind[256];
	char command[64]; /* "" for none */
	bool raw;	  /* the word is the rest of the line, blanks and all */
};

/* line ends where the cursor is. 0 or -ENOMEM. */
int shell_place_find(struct shell *sh, const char *line, struct shell_place *p);
void shell_place_release(struct shell_place *p);

/* A place in a filter expression. */
struct shell_filter_place {
	enum { SHELL_FIELD, SHELL_OPERATOR, SHELL_VALUE, SHELL_WORD } what;
	char field[64]; /* whose value it is */
	size_t at;	/* where what is completed begins */
};

void shell_filter_place(const char *text, struct shell_filter_place *p);

#endif
