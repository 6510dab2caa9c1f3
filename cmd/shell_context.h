/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The current context of `nsemig shell`: a snapshot in a directory that only the
 * shell knows, and what commands get to know of it.
 */
#ifndef NSE_CMD_SHELL_CONTEXT_H
#define NSE_CMD_SHELL_CONTEXT_H

#include "cmd/shell_takes.h"
#include "cmd/shell_words.h"
#include "lib/util/error.h"

struct shell_context {
	char *dir; /* 0700; NULL: not made yet */
	int lock;  /* of the directory, while the shell lives; or -1 */
	/* All of these are NULL when nothing is open: */
	char *file;    /* the snapshot */
	char *name;    /* of the domain or the file, for the prompt */
	char *source;  /* the operand of open, NULL: its options chose */
	char **opened; /* the words of open, NULL-terminated; opened[0] is "open" */
	size_t nopened;
	char *filter;	     /* or NULL */
	unsigned long taken; /* counts what was opened: another one, another context */
};
#define SHELL_CONTEXT_INIT                                                               \
	{                                                                                \
		.lock = -1                                                               \
	}

/* Words of a command that is going to be run; NULL-terminated, owned. */
struct shell_argv {
	char **v;
	size_t n;
};
int shell_argv_add(struct shell_argv *a, const char *word);
void shell_argv_release(struct shell_argv *a);

/*
 * Loads what the words of open say (takes: of open) into the shell's directory, and
 * makes it the current context. Returns an exit status; what went wrong has been
 * printed, and the context is then as it was.
 */
int shell_context_open(struct shell_context *c, struct shell_signals *s,
		       const struct shell_takes *takes, char *const *words, size_t n,
		       bool no_input);
void shell_context_close(struct shell_context *c);
/* Also removes the directory. */
void shell_context_release(struct shell_context *c);

/* Did it come from a file (not from this or another host)? */
bool shell_context_is_file(const struct shell_context *c);

/* The command "open" itself: its options, for the child and for completion. */
int shell_open_call(void *arg, int argc, char **argv);

/*
 * What the words (v[0] is the command's name) become: with the current context for
 * the operand that was left out, with its filter, and with its file for %.
 * -EINVAL with a text when there is neither an operand nor a context.
 */
int shell_context_words(const struct shell_context *c, const struct shell_takes *takes,
			char *const *v, size_t n, struct shell_argv *out,
			struct nse_error *err);

#endif
