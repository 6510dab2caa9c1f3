/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The gate: stands where xl expects its remote shell, runs the real one, and
 * holds READY back until the controller lets it go.
 */
#ifndef NSE_PLATFORM_XL_GATE_H
#define NSE_PLATFORM_XL_GATE_H

#include "lib/util/error.h"

/*
 * Runs the gate in this process, which must have no other purpose: SIGPIPE,
 * SIGINT, SIGQUIT and SIGHUP are ignored from here on, also by the remote
 * shell, so that a key stroke at the terminal ends the move in order and not
 * in the middle. `name` is the controller's socket; argv is the remote shell
 * with its host and command. The two descriptors (xl's pipes) are closed.
 *
 * Returns the exit status for the process: 0 when everything was relayed to
 * the end, or -errno with a text. It returns at once when the migration is to
 * be aborted, since xl waits for it before it resumes the guest; a child then
 * stays for a while to hear the target out.
 */
int nse_xl_gate(const char *name, char *const argv[], int from_xl, int to_xl,
		struct nse_error *err);

#endif
