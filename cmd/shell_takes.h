/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a command takes, as it tells itself with --list-options: so the shell knows
 * the options of every command, also of a program nsemig-NAME.
 */
#ifndef NSE_CMD_SHELL_TAKES_H
#define NSE_CMD_SHELL_TAKES_H

#include <stdbool.h>
#include <stddef.h>

#include "cmd/shell_run.h"

struct shell_option {
	const char *name; /* with its dashes */
	char letter;	  /* or '\0' */
	bool value;	  /* it needs one */
	const char *what; /* completes the value: "file", "words:A|B", "-" … */
};

struct shell_takes {
	const char *operands; /* kinds, one word each; the last is for all that follow */
	struct shell_option *options;
	size_t n;
	char *text; /* what all of them point into */
};

/* Asks the command: 0, or -ENOENT when it does not tell. */
int shell_takes_load(struct shell_takes *t, const struct shell_job *list);
void shell_takes_release(struct shell_takes *t);

/* The option that a word names ("--NAME", "--NAME=VALUE", "-n"), or NULL. */
const struct shell_option *shell_takes_option(const struct shell_takes *t,
					      const char *word);

/* One step along a command's words. */
struct shell_arg {
	size_t at; /* of the word */
	bool operand;
	const struct shell_option *opt; /* NULL: an operand, or not known */
	const char *value;		/* of the option, or NULL */
	size_t next;			/* the word that follows it all */
};

/*
 * The option or operand at word `at` of the n in v, or false at the end. Behind a
 * word -- everything is an operand; it is skipped itself.
 */
bool shell_takes_next(const struct shell_takes *t, char *const *v, size_t n, size_t at,
		      struct shell_arg *a);

#endif
