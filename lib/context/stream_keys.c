/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A set-associative table of hashes, never too full to answer: when a bucket
 * has no place left, one of its blocks has to be written. A false match costs
 * a smaller block and nothing else.
 */
#include "lib/context/stream_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK ((1u << NSE_KEYS_BLOCK_BITS) - 1)

int nse_keys_init(struct nse_keys *k)
{
	size_t size = (size_t)NSE_KEYS_BUCKETS * NSE_KEYS_WAYS * sizeof(*k->entries);

	k->entries = aligned_alloc(NSE_KEYS_WAYS * sizeof(*k->entries), size);
	if (!k->entries)
		return -ENOMEM;
	memset(k->entries, 0, size);
	return 0;
}

void nse_keys_release(struct nse_keys *k)
{
	free(k->entries);
	k->entries = NULL;
}

uint32_t nse_keys_note(struct nse_keys *k, uint64_t hash, uint32_t block,
		       nse_keys_open *open, const void *arg)
{
	uint32_t *e = k->entries + hash % NSE_KEYS_BUCKETS * NSE_KEYS_WAYS;
	uint32_t tag = (uint32_t)(hash >> 32) & ~BLOCK;

	for (int i = 0; i < NSE_KEYS_WAYS; i++) {
		uint32_t other = e[i] & BLOCK;

		if ((e[i] & ~BLOCK) == tag && other && open(arg, other))
			return other == block ? 0 : other;
	}
	for (int i = 0; i < NSE_KEYS_WAYS; i++) {
		if ((e[i] & BLOCK) && open(arg, e[i] & BLOCK))
			continue;
		e[i] = tag | block;
		return 0;
	}
	return e[tag >> 28] & BLOCK;
}
