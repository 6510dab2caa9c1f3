/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sorting records for a transaction. What comes out of a snapshot is sorted by
 * key already, which is found out with one look at each.
 */
#include "lib/engine/nft/build_order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/engine/nft/build.h"
#include "lib/engine/nft/host.h"
#include "lib/util/cleanup.h"

unsigned int nft_name_depth(struct nse_bytes name)
{
	unsigned int n = 0;

	while (n < name.n && name.p[n] == '@')
		n++;
	return n;
}

void nft_order_release(struct nft_order *o)
{
	free(o->slots);
	free(o->ends);
	*o = (struct nft_order){ 0 };
}

/* Which of the 2 * NFT_TYPES kinds a record is of; kinds are few and come in runs. */
struct kinds {
	const struct nse_kind *last;
	int number; /* type * 2 + (1: ours), or -1 */
};

static int number_of(struct kinds *k, const struct nse_kind *kind)
{
	enum nft_type type;
	bool need;

	if (kind != k->last) {
		k->last = kind;
		k->number = -1;
		if (nft_kind_of(kind, &type, &need))
			k->number = (int)type * 2 + !need;
	}
	return k->number;
}

static int collect(struct nft_order *o, const struct nse_context *ctx)
{
	uint32_t slots = nse_context_slots(ctx), at[2 * NFT_TYPES] = { 0 };
	struct kinds k = { NULL, -1 };
	struct nse_record rec;

	for (uint32_t s = 0; s < slots; s++)
		if (nse_context_at(ctx, s, &rec) && number_of(&k, rec.kind) >= 0)
			o->count[k.number / 2][!(k.number % 2)]++;
	for (int i = 0; i < 2 * NFT_TYPES; i++) {
		at[i] = o->first[i / 2][!(i % 2)] = o->n;
		o->n += o->count[i / 2][!(i % 2)];
	}
	o->slots = malloc(((size_t)o->n + 1) * sizeof(*o->slots));
	o->ends = malloc(((size_t)o->n + 1) * sizeof(*o->ends));
	if (!o->slots || !o->ends)
		return -ENOMEM;
	for (uint32_t s = 0; s < slots; s++)
		if (nse_context_at(ctx, s, &rec) && number_of(&k, rec.kind) >= 0)
			o->slots[at[k.number]++] = s;
	return 0;
}

/* What the state says of an object's place among its like. */
static bool order_of(const struct nse_record *rec, uint32_t *order)
{
	struct nse_cur c = nse_cur(rec->state.p, rec->state.n);
	uint64_t expires;
	uint8_t flags;

	if (nse_get_u8(&c, &flags) < 0 || !(flags & NFT_STATE_ORDER))
		return false;
	if ((flags & NFT_STATE_EXPIRES) && nse_get_u64(&c, &expires) < 0)
		return false;
	return nse_get_u32(&c, order) == 0;
}

/* "@…" behind the family and the name of the table. */
static bool has_made_name(const struct nse_record *rec)
{
	struct nft_key key;

	return nft_key_decode(rec, &key, NULL) == 0 && nft_name_is_ours(key.name);
}

struct ranked {
	uint64_t rank; /* of the table, and in it */
	uint32_t i;    /* by key */
	uint32_t slot;
};

static int by_rank(const void *p, const void *q)
{
	const struct ranked *a = p, *b = q;

	if (a->rank != b->rank)
		return a->rank < b->rank ? -1 : 1;
	return (a->i > b->i) - (a->i < b->i);
}

static void sort_ranked(struct ranked *r, uint32_t n, uint32_t *slots)
{
	qsort(r, n, sizeof(*r), by_rank);
	for (uint32_t i = 0; i < n; i++)
		slots[i] = r[i].slot;
}

/* The rank of the table of which a key is; `last` is the table before. */
static uint32_t table_rank(const struct nse_context *ctx, struct nse_bytes key,
			   struct nse_bytes *last, uint32_t rank)
{
	const uint8_t *end = key.n ? memchr(key.p + 1, '\0', key.n - 1) : NULL;
	struct nse_bytes table = { key.p, end ? (size_t)(end + 1 - key.p) : key.n };
	struct nse_record rec;
	uint32_t slot;

	if (nse_bytes_equal(table, *last))
		return rank;
	*last = table;
	slot = nse_context_find(ctx, &nft_kinds[NFT_TABLE], table);
	if (slot == NSE_CONTEXT_NONE || !nse_context_at(ctx, slot, &rec) ||
	    !order_of(&rec, &rank))
		return UINT32_MAX;
	return rank;
}

/*
 * What has a name in the order in which it was made; then what has none, since
 * the kernel gives those names that are not taken yet.
 */
static int as_made(const struct nse_context *ctx, uint32_t *slots, uint32_t n)
{
	NSE_FREE struct ranked *r = malloc(((size_t)n + 1) * sizeof(*r));
	struct nse_bytes last = { NULL, 0 };
	struct nse_record rec;
	uint32_t table = UINT32_MAX, order;

	if (!r)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		nse_context_at(ctx, slots[i], &rec);
		table = table_rank(ctx, rec.key, &last, table);
		r[i] = (struct ranked){ (uint64_t)table << 32 | UINT32_MAX, i, slots[i] };
		if (order_of(&rec, &order) && order < UINT32_MAX - 1)
			r[i].rank = (uint64_t)table << 32 | order;
		else if (!has_made_name(&rec))
			r[i].rank--;
	}
	sort_ranked(r, n, slots);
	return 0;
}

static bool is_sorted(const struct nse_context *ctx, const uint32_t *slots, uint32_t n)
{
	struct nse_record a, b;

	if (n && !nse_context_at(ctx, slots[0], &a))
		return false;
	for (uint32_t i = 1; i < n; i++, a = b)
		if (!nse_context_at(ctx, slots[i], &b) || nse_record_cmp_key(&a, &b) > 0)
			return false;
	return true;
}

static unsigned int depth_of(const struct nse_context *ctx, uint32_t slot)
{
	struct nse_record rec;
	struct nft_key key;

	if (!nse_context_at(ctx, slot, &rec) || nft_key_decode(&rec, &key, NULL) < 0)
		return 0;
	return nft_name_depth(key.name);
}

/* The deepest chains first, and otherwise as they are. */
static int deepest_first(const struct nse_context *ctx, uint32_t *slots, uint32_t n)
{
	NSE_FREE uint16_t *depth = malloc(((size_t)n + 1) * sizeof(*depth));
	NSE_FREE uint32_t *sorted = malloc(((size_t)n + 1) * sizeof(*sorted));
	uint16_t max = 0;
	uint32_t k = 0;

	if (!depth || !sorted)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		depth[i] = (uint16_t)depth_of(ctx, slots[i]);
		max = depth[i] > max ? depth[i] : max;
	}
	for (int d = max; max && d >= 0; d--)
		for (uint32_t i = 0; i < n; i++)
			if (depth[i] == d)
				sorted[k++] = slots[i];
	if (k)
		memcpy(slots, sorted, n * sizeof(*sorted));
	return 0;
}

/* The part of a key that names the set or chain; all of it when it is garbled. */
static struct nse_bytes place_in_key(struct nse_bytes key)
{
	size_t n = 1;

	for (int names = 0; names < 2; names++) {
		const uint8_t *end =
			n < key.n ? memchr(key.p + n, '\0', key.n - n) : NULL;

		if (!end)
			return key;
		n = (size_t)(end + 1 - key.p);
	}
	return (struct nse_bytes){ key.p, n };
}

/* Where the elements of one set end, and the rules of one chain. */
static void find_runs(const struct nse_context *ctx, struct nft_order *o,
		      enum nft_type type, bool need)
{
	uint32_t first = o->first[type][need], i = first + o->count[type][need];
	struct nse_bytes next = { NULL, 0 };
	struct nse_record rec;

	while (i-- > first) {
		if (i >= NFT_ORDER_AHEAD)
			nse_context_soon(ctx, o->slots[i - NFT_ORDER_AHEAD]);
		nse_context_at(ctx, o->slots[i], &rec);
		o->ends[i] = i + 1;
		if (next.n && rec.key.n >= next.n &&
		    memcmp(rec.key.p, next.p, next.n) == 0)
			o->ends[i] = o->ends[i + 1];
		else
			next = place_in_key(rec.key);
	}
}

/* Elements of a set of which they come in an order of their own. */
static int elements_as_made(const struct nse_context *ctx, struct nft_order *o)
{
	uint32_t i = o->first[NFT_ELEMENT][0], end = i + o->count[NFT_ELEMENT][0];
	struct nse_record rec;
	uint32_t order, next;

	for (; i < end; i = next) {
		NSE_FREE struct ranked *r = NULL;

		next = o->ends[i];
		nse_context_at(ctx, o->slots[i], &rec);
		if (!order_of(&rec, &order))
			continue;
		r = malloc((next - i) * sizeof(*r));
		if (!r)
			return -ENOMEM;
		for (uint32_t k = i; k < next; k++) {
			nse_context_at(ctx, o->slots[k], &rec);
			r[k - i] = (struct ranked){ UINT32_MAX, k, o->slots[k] };
			if (order_of(&rec, &order))
				r[k - i].rank = order;
		}
		sort_ranked(r, next - i, o->slots + i);
	}
	return 0;
}

int nft_order_make(struct nft_order *o, const struct nse_context *ctx)
{
	int rc;

	*o = (struct nft_order){ 0 };
	rc = collect(o, ctx);
	for (int i = 0; i < 2 * NFT_TYPES && rc == 0; i++) {
		uint32_t *slots = o->slots + o->first[i / 2][i % 2];
		uint32_t n = o->count[i / 2][i % 2];

		if (!is_sorted(ctx, slots, n))
			rc = nse_context_sort_slots(ctx, slots, n);
		if (rc == 0 && i / 2 == NFT_RULE)
			rc = deepest_first(ctx, slots, n);
		else if (rc == 0 && i / 2 != NFT_ELEMENT)
			rc = as_made(ctx, slots, n);
	}
	for (int i = 0; i < 2 * NFT_TYPES && rc == 0; i++)
		find_runs(ctx, o, i / 2, i % 2);
	return rc ?: elements_as_made(ctx, o);
}

int nft_build_context(struct nft_builder *bd, const struct nse_context *ctx,
		      nft_want_cb *want, void *arg, struct nse_error *err)
{
	NSE_CLEANUP(nft_order_release) struct nft_order o = { 0 };
	struct nse_record rec;
	struct nft_key key;
	int rc = nft_order_make(&o, ctx);

	if (rc < 0)
		return nse_errno(err, rc, "a ruleset of %u records", o.n);
	for (uint32_t i = 0; i < o.n && rc == 0; i++) {
		nft_order_go(&o, ctx, i);
		nse_context_at(ctx, o.slots[i], &rec);
		rc = nft_key_decode(&rec, &key, err);
		if (rc == 0 && (!want || want(arg, o.slots[i], &key)))
			rc = nft_build_key(bd, &key, &rec, o.slots[i], 0, 0, err);
	}
	return rc ?: nft_build_flush(bd);
}
