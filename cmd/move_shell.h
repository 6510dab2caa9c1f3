/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The remote shell that the platform's own program is to use for its move.
 */
#ifndef NSE_CMD_MOVE_SHELL_H
#define NSE_CMD_MOVE_SHELL_H

#include "cmd/groups.h"
#include "lib/transport/words.h"

/*
 * Fills *w (empty; owned by the caller) with the command, as our own link was
 * asked for: --rsh, or ssh with the same key, hosts file and port. batch: it shall
 * not ask for anything. 0 or -errno with a text.
 */
int cmd_move_shell(const struct cmd_remote *r, int port, bool batch, struct nse_words *w,
		   struct nse_error *err);

#endif
