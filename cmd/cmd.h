/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The commands, and what all of them share: exit status, the one way to
 * report an error, and the flag that a signal sets.
 */
#ifndef NSE_CMD_CMD_H
#define NSE_CMD_CMD_H

#include <signal.h>
#include <stdbool.h>

#include "lib/util/error.h"

/* The exit status of every command. */
enum cmd_status {
	CMD_DONE = 0,
	CMD_DIFFERS = 1, /* the contexts differ, or a move would lose something */
	CMD_USAGE = 2,	 /* the command line is wrong, nothing was done */
	CMD_FAILED = 3,	 /* failed, and everything is as before */
	CMD_UNCLEAR = 4, /* look at both hosts */
};

/* Flags of a command's row: what must be the case before it is run. */
#define CMD_NEEDS_ROOT 0x1 /* CAP_NET_ADMIN, unless only -h is asked for */
#define CMD_HIDDEN     0x2 /* not listed in help and completion */

struct cmd_row {
	const char *name;
	int (*run)(int argc, char **argv); /* argv[0] is the name */
	unsigned int flags;
	const char *help; /* one line, without a final full stop */
};

/* All commands, ended by a row without a name. */
extern const struct cmd_row cmd_rows[];

/* The row of a command, hidden ones too, or NULL. */
const struct cmd_row *cmd_find(const char *name);

/*
 * Runs the command argv[0] with the rights that it needs, or the program
 * nsemig-NAME in the place of this one. Returns its exit status.
 */
int cmd_run(int argc, char **argv);

/*
 * Prints "nsemig: TEXT" on stderr, each further line of the text indented.
 * Returns CMD_USAGE for -EINVAL, CMD_UNCLEAR for -EUCLEAN (an undo failed)
 * and CMD_FAILED for everything else.
 */
int cmd_fail(const struct nse_error *err);

/* Prints "nsemig: …" and says how to get help. Returns CMD_USAGE. */
int cmd_usage_error(const char *command, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * SIGINT, SIGTERM and SIGHUP set cmd_signal from now on instead of ending the
 * process; a second one ends it. Interrupted calls return EINTR.
 */
extern volatile sig_atomic_t cmd_signal;
void cmd_catch_signals(void);

/*
 * The same, but none of them ends the process: for what would be left half done.
 * Each is an occasion to say so: cmd_signal_again() is true once for each that came
 * since the last call with this *told (0 at first).
 */
void cmd_hold_signals(void);
bool cmd_signal_again(int *told);

int cmd_snapshot(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_watch(int argc, char **argv);
int cmd_apply(int argc, char **argv);
int cmd_purge(int argc, char **argv);
int cmd_send(int argc, char **argv);
int cmd_receive(int argc, char **argv);
int cmd_migrate(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_recover(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_explain(int argc, char **argv);
int cmd_shell(int argc, char **argv);
int cmd_help(int argc, char **argv);
int cmd_xl_gate(int argc, char **argv);

#endif
