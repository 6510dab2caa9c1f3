/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The memory of a context: the table of kinds, growing the arena, the slots
 * and the index, and rewriting the arena when too much of it is garbage.
 */
#include "lib/context/context_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#define HUGE (2u << 20) /* bytes of a huge page on most machines */

int nse_context_kind_find(const struct nse_context *ctx, const struct nse_kind *kind)
{
	if (ctx->nkinds && nse_kind_equal(&ctx->kinds[ctx->last_kind]->name, kind))
		return (int)ctx->last_kind;
	for (unsigned int i = 0; i < ctx->nkinds; i++)
		if (nse_kind_equal(&ctx->kinds[i]->name, kind))
			return (int)i;
	return -ENOENT;
}

static uint64_t kind_digest(const struct nse_kind *kind)
{
	uint64_t h = XXH3_64bits(kind->engine, strlen(kind->engine));

	return XXH3_64bits_withSeed(kind->type, strlen(kind->type), h);
}

int nse_context_kind_intern(struct nse_context *ctx, const struct nse_kind *kind)
{
	int k = nse_context_kind_find(ctx, kind);
	struct kind *new;

	if (k >= 0) {
		ctx->last_kind = (unsigned int)k;
		return k;
	}
	if (ctx->nkinds == NSE_CONTEXT_MAX_KINDS)
		return -E2BIG;
	new = malloc(sizeof(*new));
	if (!new)
		return -ENOMEM;
	new->name = *kind;
	new->digest = kind_digest(kind);
	ctx->kinds[ctx->nkinds] = new;
	ctx->last_kind = ctx->nkinds++;
	return (int)ctx->last_kind;
}

/*
 * Asks for huge pages behind big tables that are read at random: that halves
 * the time of filling them. Only a hint; it may fail.
 */
static void hint_huge(void *p, size_t n)
{
	uintptr_t from = ((uintptr_t)p + HUGE - 1) & ~(uintptr_t)(HUGE - 1);
	uintptr_t to = ((uintptr_t)p + n) & ~(uintptr_t)(HUGE - 1);

	if (from < to)
		madvise((void *)from, to - from, MADV_HUGEPAGE);
}

/* Makes the index big enough for count records. */
int nse_context_reserve_index(struct nse_context *ctx, size_t count)
{
	size_t size = (size_t)ctx->mask + 1;
	uint32_t *index;

	if (count > MAX_SLOTS)
		return -E2BIG;
	if (count * 4 <= size * 3)
		return 0;
	while (count * 4 > size * 3)
		size *= 2;
	index = calloc(size, sizeof(*index));
	if (!index)
		return -ENOMEM;
	hint_huge(index, size * sizeof(*index));
	free(ctx->index);
	ctx->index = index;
	ctx->mask = (uint32_t)(size - 1);
	for (uint32_t s = 0; s < ctx->nslots; s++) {
		struct nse_record rec;
		uint64_t hash;
		uint32_t i;

		if (is_empty(ctx, s))
			continue;
		load(ctx, s, &rec);
		hash = hash_key(ctx, ctx->arena[ctx->offsets[s]], rec.key);
		i = (uint32_t)hash & ctx->mask;
		while (index[i])
			i = (i + 1) & ctx->mask;
		index[i] = place_of(hash, s);
	}
	return 0;
}

/* Rewrites the arena into cap bytes, without what was replaced and deleted. */
static int compact(struct nse_context *ctx, size_t cap)
{
	uint8_t *arena = malloc(cap);
	size_t used = 0;

	if (!arena)
		return -ENOMEM;
	for (uint32_t s = 0; s < ctx->nslots; s++) {
		struct nse_record rec;
		size_t n;

		if (is_empty(ctx, s))
			continue;
		load(ctx, s, &rec);
		n = record_size(&rec);
		memcpy(arena + used, ctx->arena + ctx->offsets[s], n);
		ctx->offsets[s] = used;
		used += n;
	}
	free(ctx->arena);
	ctx->arena = arena;
	ctx->used = used;
	ctx->cap = cap;
	ctx->garbage = 0;
	return 0;
}

int nse_context_reserve_arena(struct nse_context *ctx, size_t n)
{
	size_t need = ctx->used + n;
	uint8_t *p;

	if (need <= ctx->cap)
		return 0;
	if (ctx->garbage > ctx->used / 2) {
		need -= ctx->garbage;
		return compact(ctx, need + need / 4);
	}
	need += need / 4 + 1024;
	p = realloc(ctx->arena, need);
	if (!p)
		return -ENOMEM;
	ctx->arena = p;
	ctx->cap = need;
	return 0;
}

/* Makes room for n slots that have never been used. */
int nse_context_reserve_slots(struct nse_context *ctx, size_t n)
{
	size_t need = ctx->nslots + n;
	uint64_t *p;

	if (need <= ctx->slots_cap)
		return 0;
	if (need > MAX_SLOTS)
		return -E2BIG;
	need += need / 4 + 32;
	p = realloc(ctx->offsets, need * sizeof(*p));
	if (!p)
		return -ENOMEM;
	ctx->offsets = p;
	ctx->slots_cap = (uint32_t)need;
	return 0;
}

int nse_context_reserve(struct nse_context *ctx, const struct nse_context *more)
{
	int rc;

	for (unsigned int i = 0; i < more->nkinds; i++) {
		rc = nse_context_kind_intern(ctx, &more->kinds[i]->name);
		if (rc < 0)
			return rc;
	}
	if ((rc = nse_context_reserve_index(ctx, ctx->count + more->count)) < 0 ||
	    (rc = nse_context_reserve_arena(ctx, more->used)) < 0)
		return rc;
	return nse_context_reserve_slots(ctx, more->count);
}

uint64_t nse_record_digest(const struct nse_record *rec)
{
	struct kind kind = { .digest = kind_digest(rec->kind) };

	return digest_body(&kind, rec);
}

uint64_t nse_context_digest(const struct nse_context *ctx, bool state)
{
	uint64_t sum = ctx->count;
	struct nse_record rec;

	if (!state)
		return ctx->sum + ctx->count;
	for (uint32_t s = 0; s < ctx->nslots; s++) {
		const struct kind *kind;

		if (!nse_context_at(ctx, s, &rec))
			continue;
		kind = ctx->kinds[ctx->arena[ctx->offsets[s]]];
		sum += XXH3_64bits_withSeed(rec.state.p, rec.state.n,
					    digest_body(kind, &rec));
	}
	return sum;
}
