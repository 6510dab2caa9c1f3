/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The memory of a ruleset: bytes that all live as long as it does, and the
 * index of its nodes by name.
 */
#ifndef NSE_ENGINE_NFT_ARENA_H
#define NSE_ENGINE_NFT_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "lib/context/record.h"
#include "lib/engine/nft/ruleset.h"

struct nft_arena;

/* NULL without memory; freed with all that was taken from it (NULL ok). */
struct nft_arena *nft_arena_new(void);
void nft_arena_free(struct nft_arena *a);

/* n bytes, aligned for any type and not cleared; NULL without memory. */
void *nft_arena_alloc(struct nft_arena *a, size_t n);

/* A copy of the bytes: 0 or -ENOMEM. An empty one has a pointer, too. */
int nft_arena_copy(struct nft_arena *a, struct nse_bytes from, struct nse_bytes *to);

struct nft_names;

struct nft_names *nft_names_new(void);
void nft_names_free(struct nft_names *names);

/* Puts rs->nodes[node] into rs->names: 0 or -ENOMEM. Rules have no names. */
int nft_names_add(struct nft_ruleset *rs, uint32_t node);

/*
 * The node of that type and name in a table (NFT_NODE_NONE for tables), or
 * NFT_NODE_NONE. family counts for tables, objtype for objects alone.
 */
uint32_t nft_names_find(const struct nft_ruleset *rs, enum nft_type type, uint8_t family,
			uint32_t table, struct nse_bytes name, uint32_t objtype);

#endif
