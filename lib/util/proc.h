/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Child processes: an argument vector, never a shell.
 */
#ifndef NSE_UTIL_PROC_H
#define NSE_UTIL_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/util/error.h"

struct nse_spawn {
	char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	int in;		   /* becomes stdin; -1: /dev/null */
	int out;	   /* becomes stdout; -1: inherited; both may be one fd */
	int errfd;	   /* becomes stderr; -1: inherited */
	/*
	 * The keys of the terminal are not for it: SIGINT, SIGQUIT and SIGHUP are
	 * ignored, unless it does something about them itself.
	 */
	bool shielded;
};

/*
 * Starts a program. The child gets SIGKILL when the caller's thread ends
 * only if it asks for that itself; every other descriptor must be O_CLOEXEC.
 * Returns the pid, or -errno (also when the program cannot be executed) with
 * a text that names it.
 */
pid_t nse_spawn(const struct nse_spawn *s, struct nse_error *err);

/*
 * Waits for a child until the deadline. Returns its exit status (0 to 255,
 * or 128 + signal), -ETIMEDOUT (the child still runs), or -errno.
 */
int nse_wait_child(pid_t pid, int64_t deadline_us);

/* SIGTERM, a grace time in microseconds, then SIGKILL; reaps the child. */
int nse_stop_child(pid_t pid, int64_t grace_us);

/*
 * Runs a program with input text (may be NULL) and returns its stdout in
 * *out (owned by the caller, NUL-terminated, at most max bytes). The exit
 * status is returned, or -errno with a text.
 */
int nse_run(char *const argv[], const char *input, char **out, size_t max,
	    int64_t deadline_us, struct nse_error *err);

#endif
