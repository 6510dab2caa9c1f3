/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rules of a chain that others use as well (anchor rules). The chain's
 * skeleton are its rules that are nobody's own; it must be the same on both
 * hosts, and an anchor rule goes behind as many of its rules as it stood
 * behind where it comes from.
 */
#ifndef NSE_ENGINE_NFT_PLACE_H
#define NSE_ENGINE_NFT_PLACE_H

#include "lib/engine/nft/chain_rules.h"
#include "lib/engine/nft/plan.h"

struct nft_place {
	struct nft_plan *plan;
	uint32_t slot; /* of the need-chain */
	uint32_t node; /* of the chain here */
	const struct nft_run *need, *ours;
	struct nft_chain_rules rules;
	uint32_t *skeleton; /* owned; indexes in rules */
	uint32_t nskeleton;
};

/*
 * Decides about a chain that this host has alike: its need-rules are kept, or
 * the need-chain is refused with a diff; each anchor rule gets its place, or
 * is kept where it stands already. 0, -ENOMEM, -errno.
 */
int nft_place_chain(struct nft_plan *p, uint32_t slot, uint32_t node,
		    const struct nft_run *need, const struct nft_run *ours,
		    struct nse_error *err);

/*
 * How the skeletons differ, as diff(1) would say it ("-" what is needed, "+"
 * what is here); NULL without memory. Freed by the caller.
 */
char *nft_place_diff(const struct nft_place *pl);

#endif
