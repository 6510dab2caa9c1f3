/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The order in which the kernel takes the records of a context.
 */
#ifndef NSE_ENGINE_NFT_BUILD_ORDER_H
#define NSE_ENGINE_NFT_BUILD_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/context/context.h"
#include "lib/engine/nft/object.h"

/*
 * Type by type (enum nft_type), in each the dependencies first. Then objects in
 * the order in which they were made (NFT_STATE_ORDER), elements and rules by
 * key: elements of one set and rules of one chain follow each other, but rules
 * of bound chains come ahead of those that jump there.
 */
#define NFT_ORDER_AHEAD 12 /* records that are on their way from memory at once */

struct nft_order {
	uint32_t *slots; /* owned */
	uint32_t *ends;	 /* owned; by place: where the run ends that begins there */
	uint32_t n;
	uint32_t first[NFT_TYPES][2]; /* by type and need */
	uint32_t count[NFT_TYPES][2];
};

/* All records of this engine. 0 or -ENOMEM; released in any case. */
int nft_order_make(struct nft_order *o, const struct nse_context *ctx);
void nft_order_release(struct nft_order *o);

/* The record at place i is next: gets those ready that come soon after it. */
static inline void nft_order_go(const struct nft_order *o, const struct nse_context *ctx,
				uint32_t i)
{
	if (i + NFT_ORDER_AHEAD < o->n)
		nse_context_soon(ctx, o->slots[i + NFT_ORDER_AHEAD]);
}

/* How deep a chain's name is nested: the number of its leading '@'. */
unsigned int nft_name_depth(struct nse_bytes name);

#endif
