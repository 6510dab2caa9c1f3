/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The messages of the guard's nf_tables transactions.
 */
#ifndef NSE_ENGINE_NFT_GUARD_RULES_H
#define NSE_ENGINE_NFT_GUARD_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#include "lib/util/addr.h"

#define NSE_GUARD_FAMILIES 2

/* NFPROTO_INET and NFPROTO_BRIDGE, in this order. */
extern const uint16_t nse_guard_families[NSE_GUARD_FAMILIES];

/* The messages of one batch, numbered from 0 up, one behind the other. */
struct nse_guard_batch {
	uint8_t *bytes; /* owned */
	size_t len, room;
	uint32_t n;
	uint32_t first_seq;
	bool watch; /* it drops nothing */
	int rc;	    /* the first failure: -ENOMEM; later calls do nothing */
};

void nse_guard_batch_release(struct nse_guard_batch *b);

/* Everything that puts the guard up, or takes it down: begin to end. */
int nse_guard_build_up(struct nse_guard_batch *b, uint32_t first_seq, const char *table,
		       const struct nse_addr *addrs, size_t naddrs);
int nse_guard_build_watch(struct nse_guard_batch *b, uint32_t first_seq,
			  const char *table, const struct nse_addr *addrs, size_t naddrs,
			  const struct nse_addr *spared, size_t nspared);
int nse_guard_build_down(struct nse_guard_batch *b, uint32_t first_seq,
			 const char *table);

/* How many messages these may make of so many addresses. */
uint32_t nse_guard_up_max(size_t naddrs);

#endif
