/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What `snapshot` of one scope and of all domains share.
 */
#ifndef NSE_CMD_SNAPSHOT_H
#define NSE_CMD_SNAPSHOT_H

#include "cmd/groups.h"
#include "lib/context/stream.h"

/*
 * Writes what the engines have of the scope to fd, as a whole stream. -EINTR
 * when a signal came (cmd_signal), or -errno with a text.
 */
int cmd_snapshot_collect(const struct nse_scope *scope, uint32_t engines, int fd,
			 struct nse_stream_stats *stats, struct nse_error *err);

struct cmd_snapshot_all {
	const char *dir; /* NULL: as configured */
	int64_t keep;	 /* 0: as configured */
	bool json;
	const struct cmd_scope *chosen; /* its engines and its platform count */
};

/*
 * One file for each domain of this host, see nsemig-snapshot(8). Prints its
 * errors; the exit status is returned.
 */
int cmd_snapshot_all(const struct cmd_common *common,
		     const struct cmd_snapshot_all *what);

#endif
