/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The arena and its hash index. A record in the arena is
 *
 *	u8 kind | u16 key | u16 body | u16 state | key | body | state
 *
 * with lengths as varied as the engines like. Replacing a record in place is
 * possible when its size does not grow; otherwise the old bytes become
 * garbage, and the arena is rewritten when garbage exceeds half of it. The
 * index is open addressing with linear probing over slot numbers; the hash is
 * seeded per context, since keys may be chosen by a hostile peer.
 */
#include "lib/context/context.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HEAD	  7		   /* bytes before a record's key */
#define NOWHERE	  UINT64_MAX	   /* offset of an empty slot */
#define MAX_SLOTS (UINT32_MAX - 1) /* slot numbers are 32 bits */
#define MIN_INDEX 64

struct nse_context {
	uint8_t *arena;
	size_t used, cap, garbage;
	uint64_t *offsets; /* by slot */
	uint32_t nslots, slots_cap;
	uint32_t *index; /* slot + 1, 0 empty */
	uint32_t mask;	 /* size of the index - 1 */
	size_t count;
	uint64_t seed;
	struct nse_kind *kinds[NSE_CONTEXT_MAX_KINDS];
	unsigned int nkinds;
};

struct nse_context *nse_context_new(void)
{
	struct nse_context *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return NULL;
	ctx->index = calloc(MIN_INDEX, sizeof(*ctx->index));
	ctx->mask = MIN_INDEX - 1;
	if (!ctx->index || getrandom(&ctx->seed, sizeof(ctx->seed), 0) < 0) {
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

/* The context's own number of a kind; -ENOENT when it has none yet. */
static int kind_find(const struct nse_context *ctx, const struct nse_kind *kind)
{
	for (unsigned int i = 0; i < ctx->nkinds; i++)
		if (nse_kind_equal(ctx->kinds[i], kind))
			return (int)i;
	return -ENOENT;
}

static int kind_intern(struct nse_context *ctx, const struct nse_kind *kind)
{
	int k = kind_find(ctx, kind);

	if (k >= 0)
		return k;
	if (ctx->nkinds == NSE_CONTEXT_MAX_KINDS)
		return -E2BIG;
	ctx->kinds[ctx->nkinds] = malloc(sizeof(*kind));
	if (!ctx->kinds[ctx->nkinds])
		return -ENOMEM;
	*ctx->kinds[ctx->nkinds] = *kind;
	return (int)ctx->nkinds++;
}

static inline uint32_t hash_key(const struct nse_context *ctx, int kind,
				struct nse_bytes key)
{
	return (uint32_t)XXH3_64bits_withSeed(key.p, key.n, ctx->seed + (uint64_t)kind);
}

static inline void load(const struct nse_context *ctx, uint32_t slot,
			struct nse_record *rec)
{
	const uint8_t *p = ctx->arena + ctx->offsets[slot];
	uint16_t n[3];

	memcpy(n, p + 1, sizeof(n));
	rec->kind = ctx->kinds[p[0]];
	rec->key = (struct nse_bytes){ p + HEAD, n[0] };
	rec->body = (struct nse_bytes){ p + HEAD + n[0], n[1] };
	rec->state = (struct nse_bytes){ p + HEAD + n[0] + n[1], n[2] };
}

static size_t record_size(const struct nse_record *rec)
{
	return HEAD + rec->key.n + rec->body.n + rec->state.n;
}

static void store(uint8_t *p, int kind, const struct nse_record *rec)
{
	uint16_t n[3] = { (uint16_t)rec->key.n, (uint16_t)rec->body.n,
			  (uint16_t)rec->state.n };

	p[0] = (uint8_t)kind;
	memcpy(p + 1, n, sizeof(n));
	p += HEAD;
	if (rec->key.n)
		memmove(p, rec->key.p, rec->key.n);
	if (rec->body.n)
		memmove(p + rec->key.n, rec->body.p, rec->body.n);
	if (rec->state.n)
		memmove(p + rec->key.n + rec->body.n, rec->state.p, rec->state.n);
}

/* The place in the index of a key, or the empty place where it would go. */
static uint32_t probe(const struct nse_context *ctx, int kind, struct nse_bytes key)
{
	uint32_t i = hash_key(ctx, kind, key) & ctx->mask;

	for (; ctx->index[i]; i = (i + 1) & ctx->mask) {
		uint32_t slot = ctx->index[i] - 1;
		const uint8_t *p = ctx->arena + ctx->offsets[slot];
		uint16_t n;

		memcpy(&n, p + 1, sizeof(n));
		if (p[0] == kind && n == key.n && memcmp(p + HEAD, key.p, n) == 0)
			break;
	}
	return i;
}

static int grow_index(struct nse_context *ctx)
{
	uint32_t size = (ctx->mask + 1) * 2, *index;

	if (size == 0)
		return -E2BIG;
	index = calloc(size, sizeof(*index));
	if (!index)
		return -ENOMEM;
	free(ctx->index);
	ctx->index = index;
	ctx->mask = size - 1;
	for (uint32_t s = 0; s < ctx->nslots; s++) {
		struct nse_record rec;
		uint32_t i;

		if (ctx->offsets[s] == NOWHERE)
			continue;
		load(ctx, s, &rec);
		i = hash_key(ctx, ctx->arena[ctx->offsets[s]], rec.key) & ctx->mask;
		while (index[i])
			i = (i + 1) & ctx->mask;
		index[i] = s + 1;
	}
	return 0;
}

/* Rewrites the arena without the bytes of replaced and deleted records. */
static int compact(struct nse_context *ctx)
{
	uint8_t *arena = malloc(ctx->cap);
	size_t used = 0;

	if (!arena)
		return -ENOMEM;
	for (uint32_t s = 0; s < ctx->nslots; s++) {
		struct nse_record rec;
		size_t n;

		if (ctx->offsets[s] == NOWHERE)
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
	ctx->garbage = 0;
	return 0;
}

static int reserve_arena(struct nse_context *ctx, size_t n)
{
	size_t cap;
	uint8_t *p;
	int rc;

	if (ctx->used + n <= ctx->cap)
		return 0;
	if (ctx->garbage > ctx->used / 2) {
		rc = compact(ctx);
		if (rc < 0 || ctx->used + n <= ctx->cap)
			return rc;
	}
	cap = ctx->cap + ctx->cap / 2;
	if (cap < ctx->used + n)
		cap = ctx->used + n + 4096;
	p = realloc(ctx->arena, cap);
	if (!p)
		return -ENOMEM;
	ctx->arena = p;
	ctx->cap = cap;
	return 0;
}

static int new_slot(struct nse_context *ctx, uint32_t *slot)
{
	if (ctx->nslots == ctx->slots_cap) {
		uint32_t cap = ctx->slots_cap ? ctx->slots_cap + ctx->slots_cap / 2 : 64;
		uint64_t *p;

		if (cap > MAX_SLOTS || cap < ctx->slots_cap)
			return -E2BIG;
		p = realloc(ctx->offsets, cap * sizeof(*p));
		if (!p)
			return -ENOMEM;
		ctx->offsets = p;
		ctx->slots_cap = cap;
	}
	*slot = ctx->nslots;
	ctx->offsets[ctx->nslots++] = NOWHERE;
	return 0;
}

/* Gives a stored record new bytes; its key is the same. */
static int replace(struct nse_context *ctx, uint32_t slot, int kind,
		   const struct nse_record *rec)
{
	struct nse_record old;
	size_t size = record_size(rec), old_size;
	int rc;

	load(ctx, slot, &old);
	old_size = record_size(&old);
	if (size > old_size) {
		rc = reserve_arena(ctx, size);
		if (rc < 0)
			return rc;
		ctx->garbage += old_size;
		ctx->offsets[slot] = ctx->used;
		ctx->used += size;
	} else {
		ctx->garbage += old_size - size;
	}
	store(ctx->arena + ctx->offsets[slot], kind, rec);
	return 0;
}

int nse_context_put(struct nse_context *ctx, const struct nse_record *rec,
		    uint32_t *slot_out)
{
	uint32_t i, slot;
	int kind, rc;

	if (rec->key.n > NSE_RECORD_MAX || rec->body.n > NSE_RECORD_MAX ||
	    rec->state.n > NSE_RECORD_MAX)
		return -EMSGSIZE;
	kind = kind_intern(ctx, rec->kind);
	if (kind < 0)
		return kind;
	i = probe(ctx, kind, rec->key);
	if (ctx->index[i]) {
		slot = ctx->index[i] - 1;
		if (slot_out)
			*slot_out = slot;
		return replace(ctx, slot, kind, rec);
	}
	if ((ctx->count + 1) * 4 > ((size_t)ctx->mask + 1) * 3) {
		rc = grow_index(ctx);
		if (rc < 0)
			return rc;
		i = probe(ctx, kind, rec->key);
	}
	rc = reserve_arena(ctx, record_size(rec));
	if (rc < 0 || (rc = new_slot(ctx, &slot)) < 0)
		return rc;
	store(ctx->arena + ctx->used, kind, rec);
	ctx->offsets[slot] = ctx->used;
	ctx->used += record_size(rec);
	ctx->index[i] = slot + 1;
	ctx->count++;
	if (slot_out)
		*slot_out = slot;
	return 0;
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
		slot = ctx->index[j] - 1;
		load(ctx, slot, &rec);
		home = hash_key(ctx, ctx->arena[ctx->offsets[slot]], rec.key) & ctx->mask;
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
	uint32_t slot = ctx->index[place] - 1;
	struct nse_record rec;

	load(ctx, slot, &rec);
	ctx->garbage += record_size(&rec);
	unlink_place(ctx, place);
	ctx->offsets[slot] = NOWHERE;
	ctx->count--;
}

int nse_context_del(struct nse_context *ctx, const struct nse_kind *kind,
		    struct nse_bytes key)
{
	int k = kind_find(ctx, kind);
	uint32_t i;

	if (k < 0)
		return -ENOENT;
	i = probe(ctx, k, key);
	if (!ctx->index[i])
		return -ENOENT;
	drop(ctx, i);
	return 0;
}

void nse_context_del_engine(struct nse_context *ctx, const char *engine)
{
	struct nse_record rec;

	for (uint32_t s = 0; s < ctx->nslots; s++)
		if (nse_context_at(ctx, s, &rec) && strcmp(rec.kind->engine, engine) == 0)
			drop(ctx, probe(ctx, ctx->arena[ctx->offsets[s]], rec.key));
}

uint32_t nse_context_find(const struct nse_context *ctx, const struct nse_kind *kind,
			  struct nse_bytes key)
{
	int k = kind_find(ctx, kind);
	uint32_t place;

	if (k < 0)
		return NSE_CONTEXT_NONE;
	place = ctx->index[probe(ctx, k, key)];
	return place ? place - 1 : NSE_CONTEXT_NONE;
}

bool nse_context_at(const struct nse_context *ctx, uint32_t slot, struct nse_record *rec)
{
	if (slot >= ctx->nslots || ctx->offsets[slot] == NOWHERE)
		return false;
	load(ctx, slot, rec);
	return true;
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
	       ctx->nkinds * sizeof(struct nse_kind);
}

static int cmp_slots(const void *a, const void *b, void *arg)
{
	struct nse_record ra, rb;

	load(arg, *(const uint32_t *)a, &ra);
	load(arg, *(const uint32_t *)b, &rb);
	return nse_record_cmp_key(&ra, &rb);
}

void nse_context_sort_slots(const struct nse_context *ctx, uint32_t *slots, size_t n)
{
	qsort_r(slots, n, sizeof(*slots), cmp_slots, (void *)ctx);
}

uint32_t *nse_context_sorted(const struct nse_context *ctx)
{
	uint32_t *slots = malloc((ctx->count + 1) * sizeof(*slots));
	size_t n = 0;

	if (!slots)
		return NULL;
	for (uint32_t s = 0; s < ctx->nslots; s++)
		if (ctx->offsets[s] != NOWHERE)
			slots[n++] = s;
	nse_context_sort_slots(ctx, slots, n);
	return slots;
}

uint64_t nse_context_digest(const struct nse_context *ctx, bool state)
{
	uint64_t sum = ctx->count;
	struct nse_record rec;

	for (uint32_t s = 0; s < ctx->nslots; s++) {
		uint64_t h;

		if (!nse_context_at(ctx, s, &rec))
			continue;
		h = XXH3_64bits(rec.kind->engine, strlen(rec.kind->engine));
		h = XXH3_64bits_withSeed(rec.kind->type, strlen(rec.kind->type), h);
		h = XXH3_64bits_withSeed(rec.key.p, rec.key.n, h);
		h = XXH3_64bits_withSeed(rec.body.p, rec.body.n, h);
		if (state)
			h = XXH3_64bits_withSeed(rec.state.p, rec.state.n, h);
		sum += h;
	}
	return sum;
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
