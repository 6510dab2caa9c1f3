/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Intervals: in a set with NFT_SET_INTERVAL (and no concatenation) an interval
 * is an element that starts it and one that ends it, and the kernel does not
 * see in every case when new ones are put across one that is there.
 */
#ifndef NSE_ENGINE_NFT_INTERVAL_H
#define NSE_ENGINE_NFT_INTERVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/context/record.h"
#include "lib/util/buf.h"

struct nft_edge {
	uint32_t at, n; /* bytes of its key, in `bytes` */
	uint8_t kind;	/* NFT_ELEMENT_END or NFT_ELEMENT_PLAIN */
	uint32_t tag;	/* of the caller */
};

struct nft_edges {
	struct nft_edge *edges; /* owned */
	size_t n, room;
	struct nse_buf bytes;
};

/* From one edge to the next; without an end to the last value there is. */
struct nft_interval {
	const struct nft_edge *from, *to; /* to: NULL without an end */
	bool closed;			  /* `to` is an end, not the next start */
};

void nft_edges_init(struct nft_edges *e);
void nft_edges_release(struct nft_edges *e);
int nft_edges_add(struct nft_edges *e, struct nse_bytes bytes, uint8_t kind,
		  uint32_t tag);

/* In the order of their values; ends before starts of the same value. */
void nft_edges_sort(struct nft_edges *e);

struct nse_bytes nft_edge_bytes(const struct nft_edges *e, const struct nft_edge *edge);

/*
 * The next interval of sorted edges from *i on: true, and *i behind what was
 * taken. Ends that end nothing are passed by.
 */
bool nft_edges_next(const struct nft_edges *e, size_t *i, struct nft_interval *in);

/* <0: a lies wholly before b, >0: wholly behind it, 0: they have values in common. */
int nft_interval_cmp(const struct nft_edges *of_a, const struct nft_interval *a,
		     const struct nft_edges *of_b, const struct nft_interval *b);

/* Do both have the same first and last value? */
bool nft_interval_equal(const struct nft_edges *of_a, const struct nft_interval *a,
			const struct nft_edges *of_b, const struct nft_interval *b);

#endif
