/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The arena and its hash index. A record in the arena is
 *
 *	u8 kind | u16 key | u16 body | u16 state | key | body | state
 *
 * with lengths as varied as the engines like. Replacing a record in place is
 * possible when its size does not grow; otherwise the old bytes become
 * garbage, and the arena is rewritten when garbage exceeds half of it. The
 * index is open addressing with linear probing over slot numbers; four spare
 * bits of each place hold a piece of the hash, so that most strangers are
 * passed by without a look at their bytes. The hash is seeded per context,
 * since keys may be chosen by a hostile peer. The digest is kept up to date
 * by every change, so that asking for it costs nothing.
 */
#include "lib/context/context_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "lib/util/cleanup.h"

struct nse_context *nse_context_new(void)
{
	struct nse_context *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return NULL;
	ctx->index = calloc(MIN_INDEX, sizeof(*ctx->index));
	ctx->mask = MIN_INDEX - 1;
	ctx->empty_slot = NSE_CONTEXT_NONE;
	if (!ctx->index ||
	    getrandom(&ctx->seed, sizeof(ctx->seed), 0) != sizeof(ctx->seed)) {
		nse_context_free(ctx);
		return NULL;
	}
	return ctx;
}

void nse_context_free(struct nse_context *ctx)
{
	if (!ctx)
		return;
	for (unsigned int i = 0; i < ctx->nkinds; i++)
		free(ctx->kinds[i]);
	free(ctx->arena);
	free(ctx->offsets);
	free(ctx->index);
	free(ctx);
}

void nse_context_freep(struct nse_context **ctx)
{
	nse_context_free(*ctx);
}

static void store(uint8_t *p, int kind, const struct nse_record *rec)
{
	uint16_t n[3] = { (uint16_t)rec->key.n, (uint16_t)rec->body.n,
			  (uint16_t)rec->state.n };

	p[0] = (uint8_t)kind;
	memcpy(p + 1, n, sizeof(n));
	p += HEAD;
	if (rec->key.n)
		memcpy(p, rec->key.p, rec->key.n);
	if (rec->body.n)
		memcpy(p + rec->key.n, rec->body.p, rec->body.n);
	if (rec->state.n)
		memcpy(p + rec->key.n + rec->body.n, rec->state.p, rec->state.n);
}

/* The place in the index of a key, or the empty place where it would go. */
static uint32_t probe(const struct nse_context *ctx, int kind, struct nse_bytes key,
		      uint64_t hash)
{
	uint32_t i = (uint32_t)hash & ctx->mask;
	uint32_t tag = place_of(hash, 0) & ~SLOT_MASK;

	for (; ctx->index[i]; i = (i + 1) & ctx->mask) {
		const uint8_t *p;
		uint16_t n;

		if ((ctx->index[i] & ~SLOT_MASK) != tag)
			continue;
		p = ctx->arena + ctx->offsets[(ctx->index[i] & SLOT_MASK) - 1];
		memcpy(&n, p + 1, sizeof(n));
		if (p[0] == kind && n == key.n &&
		    (n == 0 || memcmp(p + HEAD, key.p, n) == 0))
			break;
	}
	return i;
}

static uint32_t take_slot(struct nse_context *ctx)
{
	uint32_t slot = ctx->empty_slot;

	if (slot == NSE_CONTEXT_NONE)
		return ctx->nslots++;
	ctx->empty_slot = (uint32_t)ctx->offsets[slot];
	return slot;
}

/* Gives a stored record new bytes; its key is the same. */
static int replace(struct nse_context *ctx, uint32_t slot, int kind,
		   const struct nse_record *rec)
{
	size_t size = record_size(rec), old_size;
	struct nse_record old;
	int rc;

	load(ctx, slot, &old);
	old_size = record_size(&old);
	if (size > old_size) {
		rc = nse_context_reserve_arena(ctx, size);
		if (rc < 0)
			return rc;
		load(ctx, slot, &old);
	}
	if (!nse_bytes_equal(old.body, rec->body))
		ctx->sum += digest_body(ctx->kinds[kind], rec) -
			    digest_body(ctx->kinds[kind], &old);
	if (size > old_size) {
		ctx->garbage += old_size;
		ctx->offsets[slot] = ctx->used;
		ctx->used += size;
	} else {
		ctx->garbage += old_size - size;
	}
	store(ctx->arena + ctx->offsets[slot], kind, rec);
	return 0;
}

static int insert(struct nse_context *ctx, int kind, const struct nse_record *rec,
		  uint32_t *slot)
{
	size_t size = record_size(rec);
	uint64_t hash = hash_key(ctx, kind, rec->key);
	uint32_t i = probe(ctx, kind, rec->key, hash);
	int rc;

	if (ctx->index[i]) {
		*slot = (ctx->index[i] & SLOT_MASK) - 1;
		return replace(ctx, *slot, kind, rec);
	}
	if ((ctx->count + 1) * 4 > ((size_t)ctx->mask + 1) * 3) {
		rc = nse_context_reserve_index(ctx, ctx->count + 1);
		if (rc < 0)
			return rc;
		i = probe(ctx, kind, rec->key, hash);
	}
	if ((rc = nse_context_reserve_arena(ctx, size)) < 0 ||
	    (rc = nse_context_reserve_slots(ctx, 1)) < 0)
		return rc;
	*slot = take_slot(ctx);
	store(ctx->arena + ctx->used, kind, rec);
	ctx->offsets[*slot] = ctx->used;
	ctx->used += size;
	ctx->index[i] = place_of(hash, *slot);
	ctx->sum += digest_body(ctx->kinds[kind], rec);
	ctx->count++;
	return 0;
}

static bool is_inside(const struct nse_context *ctx, struct nse_bytes b)
{
	return b.n && (uintptr_t)b.p - (uintptr_t)ctx->arena < ctx->cap;
}

/* A view of this context would move under our hands: it is copied first. */
static int put_own(struct nse_context *ctx, const struct nse_record *rec, uint32_t *slot)
{
	NSE_FREE uint8_t *copy = malloc(record_size(rec));
	struct nse_record r = *rec;

	if (!copy)
		return -ENOMEM;
	store(copy, 0, rec);
	r.key.p = copy + HEAD;
	r.body.p = r.key.p + r.key.n;
	r.state.p = r.body.p + r.body.n;
	return nse_context_put(ctx, &r, slot);
}

int nse_context_put(struct nse_context *ctx, const struct nse_record *rec, uint32_t *slot)
{
	uint32_t unused;
	int kind;

	if (rec->key.n > NSE_RECORD_MAX || rec->body.n > NSE_RECORD_MAX ||
	    rec->state.n > NSE_RECORD_MAX)
		return -EMSGSIZE;
	if (is_inside(ctx, rec->key) || is_inside(ctx, rec->body) ||
	    is_inside(ctx, rec->state))
		return put_own(ctx, rec, slot);
	kind = nse_context_kind_intern(ctx, rec->kind);
	if (kind < 0)
		return kind;
	return insert(ctx, kind, rec, slot ? slot : &unused);
}

/* Empties place i of the index, and closes the gap behind it. */
static void unlink_place(struct nse_context *ctx, uint32_t i)
{
	uint32_t j = i;

	for (;;) {
		struct nse_record rec;
		uint32_t home, slot;

		j = (j + 1) & ctx->mask;
		if (!ctx->index[j])
			break;
		slot = (ctx->index[j] & SLOT_MASK) - 1;
		load(ctx, slot, &rec);
		home = (uint32_t)hash_key(ctx, ctx->arena[ctx->offsets[slot]], rec.key) &
		       ctx->mask;
		/* May the record at j move to i? Only if its home is not in (i, j]. */
		if (((j - home) & ctx->mask) >= ((j - i) & ctx->mask)) {
			ctx->index[i] = ctx->index[j];
			i = j;
		}
	}
	ctx->index[i] = 0;
}

static void drop(struct nse_context *ctx, uint32_t place)
{
	uint32_t slot = (ctx->index[place] & SLOT_MASK) - 1;
	struct nse_record rec;

	load(ctx, slot, &rec);
	ctx->sum -= digest_body(ctx->kinds[ctx->arena[ctx->offsets[slot]]], &rec);
	ctx->garbage += record_size(&rec);
	unlink_place(ctx, place);
	ctx->offsets[slot] = EMPTY | ctx->empty_slot;
	ctx->empty_slot = slot;
	ctx->count--;
}

int nse_context_del(struct nse_context *ctx, const struct nse_kind *kind,
		    struct nse_bytes key)
{
	int k = nse_context_kind_find(ctx, kind);
	uint32_t i;

	if (k < 0)
		return -ENOENT;
	i = probe(ctx, k, key, hash_key(ctx, k, key));
	if (!ctx->index[i])
		return -ENOENT;
	drop(ctx, i);
	return 0;
}

void nse_context_del_engine(struct nse_context *ctx, const char *engine)
{
	struct nse_record rec;

	for (uint32_t s = 0; s < ctx->nslots; s++) {
		int kind;

		if (!nse_context_at(ctx, s, &rec) ||
		    strcmp(rec.kind->engine, engine) != 0)
			continue;
		kind = ctx->arena[ctx->offsets[s]];
		drop(ctx, probe(ctx, kind, rec.key, hash_key(ctx, kind, rec.key)));
	}
}

uint32_t nse_context_find(const struct nse_context *ctx, const struct nse_kind *kind,
			  struct nse_bytes key)
{
	int k = nse_context_kind_find(ctx, kind);
	uint32_t place;

	if (k < 0)
		return NSE_CONTEXT_NONE;
	place = ctx->index[probe(ctx, k, key, hash_key(ctx, k, key))];
	return place ? (place & SLOT_MASK) - 1 : NSE_CONTEXT_NONE;
}

bool nse_context_at(const struct nse_context *ctx, uint32_t slot, struct nse_record *rec)
{
	if (slot >= ctx->nslots || is_empty(ctx, slot))
		return false;
	load(ctx, slot, rec);
	return true;
}

void nse_context_soon(const struct nse_context *ctx, uint32_t slot)
{
	const uint8_t *p;

	if (slot >= ctx->nslots || is_empty(ctx, slot))
		return;
	p = ctx->arena + ctx->offsets[slot];
	__builtin_prefetch(p);
	__builtin_prefetch(p + 64);
}

size_t nse_context_count(const struct nse_context *ctx)
{
	return ctx->count;
}

uint32_t nse_context_slots(const struct nse_context *ctx)
{
	return ctx->nslots;
}

size_t nse_context_memory(const struct nse_context *ctx)
{
	return sizeof(*ctx) + ctx->cap + ctx->slots_cap * sizeof(*ctx->offsets) +
	       ((size_t)ctx->mask + 1) * sizeof(*ctx->index) +
	       ctx->nkinds * sizeof(struct kind);
}

static int sink_put(void *arg, const struct nse_record *rec)
{
	return nse_context_put(arg, rec, NULL);
}

static int sink_reset(void *arg, const char *engine)
{
	nse_context_del_engine(arg, engine);
	return 0;
}

struct nse_sink nse_context_sink(struct nse_context *ctx)
{
	return (struct nse_sink){ sink_put, sink_reset, ctx };
}
