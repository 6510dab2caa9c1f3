/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What rules do with connections: whether any of them sets a zone, looks at
 * marks, or speaks of an address.
 */
#ifndef NSE_ENGINE_NFT_USES_H
#define NSE_ENGINE_NFT_USES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/context/context.h"
#include "lib/util/addr.h"
#include "lib/util/error.h"

struct nft_uses {
	bool zone; /* some rule sets the zone of packets */
	bool mark; /* some rule reads or sets marks of connections */
	/* The addresses that are looked for; `named` gets one each. Not owned. */
	const struct nse_addr *addrs;
	bool *named;
	size_t naddrs;
};

/*
 * Adds what this network namespace's rules and verdict or data maps do, of
 * iptables-nft too. Fields that are set already stay. 0 or -errno; a kernel
 * without nf_tables has no such rules.
 */
int nft_uses_of_host(struct nft_uses *u, struct nse_error *err);

/* Adds what the (checked) rules of a context do. */
void nft_uses_of_context(struct nft_uses *u, const struct nse_context *ctx);

#endif
