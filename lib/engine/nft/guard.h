/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The guard: while it is on, no packet from or to the given addresses passes
 * this host, and connection tracking does not even see it (chains at priority
 * -450 ahead of everything: family bridge prerouting and output, family inet
 * prerouting and output). It is an nft table of its own with the OWNER flag:
 * the kernel removes it when our socket closes, so that a killed process
 * cannot leave a domain cut off.
 */
#ifndef NSE_ENGINE_NFT_GUARD_H
#define NSE_ENGINE_NFT_GUARD_H

#include <stddef.h>
#include <stdint.h>

#include "lib/util/addr.h"
#include "lib/util/error.h"

struct nse_guard;

/*
 * Puts the guard up in one atomic batch; `label` (up to 64 bytes, letters,
 * digits, '-', '_', '.') makes the tables' names unique: "nsemig-guard-LABEL".
 * It is up when 0 is returned. A kernel without the OWNER flag (before 5.12)
 * is -EOPNOTSUPP.
 */
int nse_guard_up(struct nse_guard **g, const char *label, const struct nse_addr *addrs,
		 size_t naddrs, struct nse_error *err);

/*
 * The same that drops nothing: it counts the TCP packets of the addresses, but for
 * those from or to `others`. Its tables are called "nsemig-watch-LABEL".
 */
int nse_guard_watch(struct nse_guard **g, const char *label, const struct nse_addr *addrs,
		    size_t naddrs, const struct nse_addr *others, size_t nothers,
		    struct nse_error *err);

/*
 * Lets everything pass again, in one batch. What is left is to be freed by
 * nse_guard_down(), for which the kernel may let us wait for some 15 ms: it waits
 * for readers of the rules that are gone when a socket is closed.
 */
int nse_guard_lift(struct nse_guard *g, struct nse_error *err);

/* The same unless it was done, and frees it; NULL is accepted. */
int nse_guard_down(struct nse_guard *g, struct nse_error *err);

/* Packets that were dropped so far; of a watch, that it has counted. */
int nse_guard_dropped(struct nse_guard *g, uint64_t *packets, struct nse_error *err);

#endif
