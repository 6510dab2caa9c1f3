/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A pager between the output of a command and the terminal. It is started
 * when a command begins to print, not before, so that a Ctrl-C still ends
 * what comes first.
 *
 *	rc = load(…);
 *	if (rc < 0)
 *		return cmd_fail(&err);
 *	cmd_pager_start(&args.common);
 *	rc = print(…);
 *	rc = cmd_pager_stop(&args.common, rc, &err);
 *	return rc < 0 ? cmd_fail(&err) : CMD_DONE;
 */
#ifndef NSE_CMD_PAGER_H
#define NSE_CMD_PAGER_H

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include "cmd/options.h"
#include "lib/util/error.h"

#define CMD_PAGER_SIGNALS 3 /* that the process is kept from */

/*
 * Puts $NSEMIG_PAGER, else $PAGER, else less behind stdout (and stderr, where
 * that is a terminal too) if stdout is a terminal; "cat" or an empty value and
 * --no-pager mean none. That a pager cannot be run is no failure: the output
 * then goes straight to the terminal. Until cmd_pager_stop() writing to a
 * pager that was quit gives EPIPE, which a long loop should look for by
 * ferror(stdout), and signals of the keyboard are for the pager alone.
 */
void cmd_pager_start(struct cmd_common *common);

/*
 * Waits until the pager is quit, and makes stdout and stderr what they were.
 * rc and err are the result of printing; returned is rc, or -errno with a text
 * when the output could not be flushed. That the pager was quit before the
 * end is no error: 0 then. Without a pager nothing is done.
 */
int cmd_pager_stop(struct cmd_common *common, int rc, struct nse_error *err);

/* A pager that runs. */
struct cmd_pager {
	pid_t pid;
	int out, err; /* the terminal; err is -1 where stderr is something else */
	struct sigaction before[CMD_PAGER_SIGNALS];
};

/* Does the stream (stdout or stderr) get to a terminal through the pager? */
static inline bool cmd_pager_shows(const struct cmd_common *common, FILE *stream)
{
	const struct cmd_pager *p = common->pager;

	return p && (fileno(stream) == STDOUT_FILENO ? p->out : p->err) >= 0;
}

/* The terminal behind the pager, or -1. */
static inline int cmd_pager_terminal(const struct cmd_common *common)
{
	return common->pager ? common->pager->out : -1;
}

#endif
