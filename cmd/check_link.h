/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What keeps the other host from being reached, as findings.
 */
#ifndef NSE_CMD_CHECK_LINK_H
#define NSE_CMD_CHECK_LINK_H

#include "cmd/groups.h"
#include "lib/context/problem.h"

/*
 * An error of the link or of the session as a finding about `host`: 0, or the
 * error's code when it is none (wrong usage, no right to look, no memory).
 */
int cmd_check_error(struct nse_problems *p, const char *host,
		    const struct nse_error *err);

/*
 * Tries the way that the platform's own program takes to `target`, which must
 * work without being asked for anything, and find `program` there. 0 or -errno.
 */
int cmd_check_shell(struct nse_problems *p, const struct cmd_remote *r,
		    const struct nse_target *target, const char *program,
		    struct nse_error *err);

#endif
