/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Commands of `nsemig shell`, each in a child process of its own, so that it may
 * exit, be interrupted, and leave nothing behind.
 */
#ifndef NSE_CMD_SHELL_RUN_H
#define NSE_CMD_SHELL_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/util/error.h"

/*
 * The signals that the shell reads instead of being interrupted: at the prompt and
 * while it waits for a child. Children get what the shell had before.
 */
struct shell_signals {
	int fd;	   /* signalfd, or -1 */
	int ended; /* the signal that ends the shell, or 0 */
};
#define SHELL_SIGNALS_INIT                                                               \
	{                                                                                \
		.fd = -1                                                                 \
	}

int shell_signals_open(struct shell_signals *s, struct nse_error *err);
/* Takes the next signal, 0: there is none. SIGTERM and SIGHUP set ended. */
int shell_signals_next(struct shell_signals *s);
/* Stops the shell as SIGTSTP would, until it is continued. */
void shell_signals_stop(void);
void shell_signals_close(struct shell_signals *s);

struct shell_job {
	int argc;
	char **argv; /* NULL-terminated */
	/* What the child does and returns its status; NULL: cmd_run(). */
	int (*call)(void *arg, int argc, char **argv);
	void *arg;
	const char *tail; /* "| COMMAND" or "> FILE" for sh(1), or NULL */
	bool no_input;	  /* stdin is /dev/null */
};

/* Runs it to its end. Returns its exit status; what went wrong has been printed. */
int shell_run(struct shell_signals *s, const struct shell_job *job);

/* Runs a line of sh(1) likewise. */
int shell_run_sh(struct shell_signals *s, const char *line, bool no_input);

/*
 * Runs the job without a word on stderr, and returns its stdout (owned by the
 * caller, NUL-terminated), or NULL when it failed.
 */
char *shell_capture(const struct shell_job *job);

#endif
