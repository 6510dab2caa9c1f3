/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Findings of a preflight for people and as an exit status.
 */
#ifndef NSE_CMD_PROBLEMS_H
#define NSE_CMD_PROBLEMS_H

#include <stdio.h>

#include "cmd/output.h"
#include "lib/context/problem.h"

/*
 * Prints those of at least the severity, one block each, in the order of the
 * list: where and what, what it means, and what mends it.
 */
void cmd_problems_print(FILE *to, const struct cmd_common *common,
			const struct nse_problems *p, enum nse_severity least);

/* The same on stderr, but not what an error tells that is printed anyway (or NULL). */
void cmd_problems_say(const struct cmd_common *common, const struct nse_problems *p,
		      enum nse_severity least, const struct nse_error *told);

/* "1 failure, 2 losses, 0 notes" into out. */
#define CMD_PROBLEMS_SUM 64
const char *cmd_problems_sum(const struct nse_problems *p, char out[CMD_PROBLEMS_SUM]);

/* CMD_DONE, CMD_DIFFERS (would lose something) or CMD_FAILED (would fail). */
int cmd_problems_status(const struct nse_problems *p);

#endif
