/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The nft records of a context as something to look things up in: names, and
 * what lies in what.
 */
#ifndef NSE_ENGINE_NFT_ADMIT_INDEX_H
#define NSE_ENGINE_NFT_ADMIT_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/context/context.h"
#include "lib/engine/nft/ifindex.h"
#include "lib/engine/nft/object.h"
#include "lib/engine/nft/ruleset.h"

#define NFT_ITEM_NONE UINT32_MAX

struct nft_item {
	struct nft_key key;	/* views into the context */
	struct nse_bytes attrs; /* the kernel's attributes of the body */
	uint32_t slot;
	uint32_t container; /* item: chain of a rule, set of an element, else table */
	uint32_t first, n;  /* chains: rules; sets: elements; into children[] */
	uint32_t layout;    /* sets: into layouts[] */
	bool in;
};

struct nft_items {
	struct nft_item *at; /* owned */
	uint32_t n;
	uint32_t *named; /* owned; items with a name of their own, sorted by it */
	uint32_t nnamed;
	uint32_t *children; /* owned; rules and elements that are no dependencies */
	struct nft_element *elements; /* owned; what children[] is, for elements */
	struct nft_layout *layouts;   /* owned */
};

/*
 * Reads the (checked) records; dependencies and others alike. 0, -ENOMEM,
 * -EPERM with a text: something is there as a part and as a dependency, or lies
 * in something that is not there. Released in any case.
 */
int nft_items_read(struct nft_items *items, const struct nse_context *ctx,
		   struct nse_error *err);
void nft_items_release(struct nft_items *items);

/* By name: a table, chain, set, object or flowtable. NFT_ITEM_NONE. */
uint32_t nft_items_find(const struct nft_items *items, enum nft_type type, uint8_t family,
			struct nse_bytes table, struct nse_bytes name, uint32_t objtype);

#endif
