/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The progress of a migration while it runs: a line on the terminal that is
 * written again and again, or JSON for programs.
 */
#ifndef NSE_CMD_PROGRESS_H
#define NSE_CMD_PROGRESS_H

#include "cmd/options.h"
#include "lib/session/source.h"

enum cmd_progress_when {
	CMD_PROGRESS_AUTO, /* the line, when stderr is a terminal, unless quiet */
	CMD_PROGRESS_NEVER,
	CMD_PROGRESS_JSON, /* an object a line on stderr */
};

struct cmd_progress;

/*
 * Begins to show. From here to the stop all that is written to stderr, by
 * this process and by the programs that it starts, passes through the
 * display, so that neither garbles the other. by_ssh: ssh(1) carries the
 * session's link and may ask for a password on the terminal. NULL when there
 * is nothing to be shown, and stderr is left as it is.
 */
struct cmd_progress *cmd_progress_start(int when, const struct cmd_common *common,
					const char *target, bool by_ssh);

/* What is to be shown next: only takes note. arg may be NULL. */
void cmd_progress_update(void *arg, const struct nse_source_progress *now);

/* Takes the line away, shows what is still under way, restores stderr. */
void cmd_progress_stop(struct cmd_progress *p);

#endif
