/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What context.c and context_memory.c share: the inside of a context.
 */
#ifndef NSE_CONTEXT_CONTEXT_PRIVATE_H
#define NSE_CONTEXT_CONTEXT_PRIVATE_H

#include "lib/context/context.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HEAD	  7	       /* bytes before a record's key */
#define EMPTY	  (1ull << 63) /* offset of an empty slot: this | next empty one */
#define SLOT_BITS 28	       /* of a place in the index; the rest is the tag */
#define SLOT_MASK ((1u << SLOT_BITS) - 1)
#define MAX_SLOTS (SLOT_MASK - 1)
#define MIN_INDEX 64

struct kind {
	struct nse_kind name;
	uint64_t digest; /* of both names */
};

struct nse_context {
	uint8_t *arena;
	size_t used, cap, garbage;
	uint64_t *offsets; /* by slot */
	uint32_t nslots, slots_cap;
	uint32_t empty_slot; /* first of the list of empty slots */
	uint32_t *index;     /* tag and slot + 1, 0 empty */
	uint32_t mask;	     /* size of the index - 1 */
	size_t count;
	uint64_t seed;
	uint64_t sum; /* of the records' digests without state */
	struct kind *kinds[NSE_CONTEXT_MAX_KINDS];
	unsigned int nkinds, last_kind;
};

static inline uint64_t hash_key(const struct nse_context *ctx, int kind,
				struct nse_bytes key)
{
	return XXH3_64bits_withSeed(key.p, key.n, ctx->seed + (uint64_t)kind);
}

/* What a place of the index holds for a slot. */
static inline uint32_t place_of(uint64_t hash, uint32_t slot)
{
	return (uint32_t)(hash >> (32 + SLOT_BITS)) << SLOT_BITS | (slot + 1);
}

static inline bool is_empty(const struct nse_context *ctx, uint32_t slot)
{
	return ctx->offsets[slot] & EMPTY;
}

static inline void load(const struct nse_context *ctx, uint32_t slot,
			struct nse_record *rec)
{
	const uint8_t *p = ctx->arena + ctx->offsets[slot];
	uint16_t n[3];

	memcpy(n, p + 1, sizeof(n));
	rec->kind = &ctx->kinds[p[0]]->name;
	rec->key = (struct nse_bytes){ p + HEAD, n[0] };
	rec->body = (struct nse_bytes){ p + HEAD + n[0], n[1] };
	rec->state = (struct nse_bytes){ p + HEAD + n[0] + n[1], n[2] };
}

static inline size_t record_size(const struct nse_record *rec)
{
	return HEAD + rec->key.n + rec->body.n + rec->state.n;
}

/* A record's digest without its state. */
static inline uint64_t digest_body(const struct kind *kind, const struct nse_record *rec)
{
	uint64_t h = XXH3_64bits_withSeed(rec->key.p, rec->key.n, kind->digest);

	return XXH3_64bits_withSeed(rec->body.p, rec->body.n, h);
}

/* The context's own number of a kind; -ENOENT when it has none yet. */
int nse_context_kind_find(const struct nse_context *ctx, const struct nse_kind *kind);

/* The same, and a new number for a new kind: -ENOMEM, -E2BIG. */
int nse_context_kind_intern(struct nse_context *ctx, const struct nse_kind *kind);

/*
 * Room for count records in the index, for n more bytes in the arena (which
 * may move), for n more slots. 0, -ENOMEM, -E2BIG.
 */
int nse_context_reserve_index(struct nse_context *ctx, size_t count);
int nse_context_reserve_arena(struct nse_context *ctx, size_t n);
int nse_context_reserve_slots(struct nse_context *ctx, size_t n);

#endif
