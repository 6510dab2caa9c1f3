/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Findings of a preflight for people and as an exit status.
 */
#ifndef NSE_CMD_PROBLEMS_H
#define NSE_CMD_PROBLEMS_H

#include "cmd/output.h"
#include "lib/context/problem.h"

/* Prints those of at least the severity on stderr, each with what mends it. */
void cmd_problems_say(const struct cmd_common *common, const struct nse_problems *p,
		      enum nse_severity least);

/* CMD_DONE, CMD_DIFFERS (would lose something) or CMD_FAILED (would fail). */
int cmd_problems_status(const struct nse_problems *p);

#endif
