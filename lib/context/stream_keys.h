/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which keys lie in which open block of a writer: what is put or deleted
 * twice must reach the stream in that order, whatever the blocks' shapes.
 */
#ifndef NSE_CONTEXT_STREAM_KEYS_H
#define NSE_CONTEXT_STREAM_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/context/record.h"

#define NSE_KEYS_BUCKETS    8192 /* with 48 Ki open rows six in each */
#define NSE_KEYS_WAYS	    16	 /* of four bytes: one line of the cache */
#define NSE_KEYS_BLOCK_BITS 12	 /* of an entry; the rest is of the key's hash */

struct nse_keys {
	uint32_t *entries; /* owned; 0: none */
};

/* Is the block of that number still open? */
typedef bool nse_keys_open(const void *arg, uint32_t block);

int nse_keys_init(struct nse_keys *k);
void nse_keys_release(struct nse_keys *k);

/* Begins to fetch what nse_keys_note() will look at. */
static inline void nse_keys_prefetch(const struct nse_keys *k, uint64_t hash)
{
	__builtin_prefetch(k->entries + hash % NSE_KEYS_BUCKETS * NSE_KEYS_WAYS, 1);
}

/*
 * Notes that a key goes into a block, told by a number from 1 on. Numbers may
 * come again when their block is closed. Returns 0, or the number of another
 * open block which must be written first; then it is called again.
 */
uint32_t nse_keys_note(struct nse_keys *k, uint64_t hash, uint32_t block,
		       nse_keys_open *open, const void *arg);

#endif
