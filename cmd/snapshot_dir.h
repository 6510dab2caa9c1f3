/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A directory of snapshots, which one process at a time writes to:
 *
 *	NAME-20261122T140500.123456Z.nsc	a snapshot, by the time in UTC
 *	NAME-latest.nsc				a link to the newest one
 *
 * NAME is the domain's; what is not in [A-Za-z0-9._-], and a dot in front, is
 * written as %XX. The end of a name has a fixed form, so that one domain's
 * files are never taken for another's, and files of other names are left alone.
 */
#ifndef NSE_CMD_SNAPSHOT_DIR_H
#define NSE_CMD_SNAPSHOT_DIR_H

#include <stddef.h>
#include <stdint.h>

#include "lib/util/error.h"

struct cmd_snapdir {
	const char *path; /* the caller's */
	int fd;		  /* holds the lock */
};
#define CMD_SNAPDIR_INIT                                                                 \
	{                                                                                \
		.fd = -1                                                                 \
	}

/*
 * Makes the directory (mode 0700) if need be, locks it, and removes what a run
 * that was killed has left half written. -EBUSY with a text when another one
 * has the lock.
 */
int cmd_snapdir_open(struct cmd_snapdir *d, const char *path, struct nse_error *err);
void cmd_snapdir_release(struct cmd_snapdir *d);

/* The name (without the directory) for a snapshot; NULL without memory. */
char *cmd_snapdir_name(const char *domain, int64_t realtime_us);

/* Points the domain's link at `file`, at once, and flushes the directory. */
int cmd_snapdir_latest(const struct cmd_snapdir *d, const char *domain, const char *file,
		       struct nse_error *err);

/*
 * Removes the domain's oldest snapshots, so that `keep` are left; `file`, the one
 * just made, is one of them whatever its time. *removed is their number, also
 * after an error.
 */
int cmd_snapdir_prune(const struct cmd_snapdir *d, const char *domain, const char *file,
		      size_t keep, size_t *removed, struct nse_error *err);

#endif
