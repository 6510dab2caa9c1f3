/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Contexts of domains on other hosts, written [USER@]HOST[:PORT]:DOMAIN. An
 * IPv6 address stands in brackets; a number is a port when another colon
 * follows it and the domain's id otherwise; all that comes then is the domain,
 * with further colons, unless host and domain together look like an IPv6 address
 * without brackets. What has a slash ahead of its first colon is a file, as ./a:b.
 */
#ifndef NSE_CMD_SOURCE_REMOTE_H
#define NSE_CMD_SOURCE_REMOTE_H

#include "cmd/groups.h"
#include "lib/context/snapshot.h"

struct cmd_remote_name {
	char target[384];   /* [USER@]HOST[:PORT], for nse_target_parse() */
	const char *domain; /* into the word; may be empty */
};

/* Is it written so? A file of that name is not looked for. */
bool cmd_remote_is(const char *word);

/* 0, or -EINVAL with a text. */
int cmd_remote_split(const char *word, struct cmd_remote_name *name,
		     struct nse_error *err);

/*
 * "snapshot …" for a shell on the other host: the engines and the options of
 * the scope, and the domain unless it is "". Owned by the caller; NULL without
 * memory.
 */
char *cmd_remote_args(const struct cmd_scope *chosen, const char *domain);

/*
 * Loads what `word` names into *s (empty). Without a domain in it the options
 * of the scope choose there, and without such options it is `domain` (may be
 * NULL). 0, or -errno with a text that names the host: as nse_link_open(),
 * -EBADMSG (no good stream), -EREMOTEIO (nsemig failed there), -EPIPE,
 * -ETIMEDOUT.
 */
int cmd_load_remote(const struct cmd_scope *chosen, const struct cmd_remote *remote,
		    const char *word, const char *domain, struct nse_snapshot *s,
		    struct nse_error *err);

#endif
