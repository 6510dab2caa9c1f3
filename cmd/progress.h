/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The progress of what lasts while it runs: a line on the terminal that is written
 * again and again, or JSON for programs.
 */
#ifndef NSE_CMD_PROGRESS_H
#define NSE_CMD_PROGRESS_H

#include "cmd/options.h"
#include "cmd/progress_line.h"

enum cmd_progress_when {
	CMD_PROGRESS_AUTO, /* the line, when stderr is a terminal, unless quiet */
	CMD_PROGRESS_NEVER,
	CMD_PROGRESS_JSON, /* an object a line on stderr */
};

/* --progress of a command; the member is an int, an enum cmd_progress_when. */
extern const char *const cmd_progress_words[];
#define CMD_PROGRESS_OPT(type, member)                                                   \
	NSE_OPT_CHOICE('\0', "progress", "WHEN", type, member, cmd_progress_words,       \
		       "show it on stderr while it runs: auto (a line, on a terminal), " \
		       "never, or json")

struct cmd_progress;

/*
 * Begins to show. From here to the stop all that is written to stderr, by
 * this process and by the programs that it starts, passes through the
 * display, so that neither garbles the other. The line comes when half a second has
 * passed. target: of a migration, else "". by_ssh: ssh(1) carries the link, or may
 * be at the other end of the pipe, and may ask for a password on the terminal. NULL
 * when there is nothing to be shown, and stderr is left as it is.
 */
struct cmd_progress *cmd_progress_start(int when, const struct cmd_common *common,
					const char *target, bool by_ssh);

/* What is to be shown next: only takes note. p may be NULL. */
void cmd_progress_update(struct cmd_progress *p, const struct cmd_progress_at *now);

/*
 * Work that does not tell by itself how far it is: ask() is called from another
 * thread, with what was shown last, until the next update or the stop.
 */
void cmd_progress_ask(struct cmd_progress *p,
		      void (*ask)(void *arg, struct cmd_progress_at *now), void *arg);

/* Takes the line away, shows what is still under way, restores stderr. */
void cmd_progress_stop(struct cmd_progress *p);

#endif
