/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where commands take contexts from and put streams to: files, pipes and the
 * live host.
 */
#ifndef NSE_CMD_SOURCE_H
#define NSE_CMD_SOURCE_H

#include "cmd/groups.h"
#include "lib/context/snapshot.h"
#include "lib/util/io.h"

/* Is the word "-" or the name of something that exists and is no directory? */
bool cmd_is_file(const char *word);

/* Loads a file or "-", and drops what the set of engines does not hold. */
int cmd_load_file(const char *path, uint32_t engines, struct nse_snapshot *s,
		  struct nse_error *err);

/* Collects the scope (copied into the header) from this host. */
int cmd_load_live(const struct nse_scope *scope, uint32_t engines, struct nse_snapshot *s,
		  struct nse_error *err);

/*
 * FILE, "-", or DOMAIN; NULL: what the options choose. Options beside a file
 * choose from its records.
 */
int cmd_load(const struct cmd_scope *chosen, const char *word, struct nse_snapshot *s,
	     struct nse_error *err);

/* The same, and [USER@]HOST[:PORT]:DOMAIN of cmd/source_remote.h. */
int cmd_load_any(const struct cmd_scope *chosen, const struct cmd_remote *remote,
		 const char *word, struct nse_snapshot *s, struct nse_error *err);

/*
 * Checks the context of a snapshot, and puts its relocated copy in its place.
 * *old (may be NULL) gets the one from before, or NULL when there was nothing
 * to rewrite. 0 or -errno with a text.
 */
int cmd_relocate(struct nse_snapshot *s, const struct nse_map *map,
		 struct nse_context **old, struct nse_error *err);

/*
 * An output file that appears whole or not at all; NULL or "-" is stdout,
 * which must not be a terminal (-EINVAL), and what exists and is no regular
 * file (a pipe, /dev/null) is written to as it is.
 */
struct cmd_outfile {
	int fd;	 /* to write to */
	int own; /* to be closed, or -1 */
	struct nse_newfile file;
};
#define CMD_OUTFILE_INIT                                                                 \
	{                                                                                \
		.fd = -1, .own = -1, .file = {.fd = -1 }                                 \
	}

int cmd_outfile_open(struct cmd_outfile *f, const char *path, struct nse_error *err);
int cmd_outfile_commit(struct cmd_outfile *f, struct nse_error *err);
void cmd_outfile_release(struct cmd_outfile *f);

#endif
