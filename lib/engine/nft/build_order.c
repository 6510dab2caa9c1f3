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
	if (!o->slots)
		return -ENOMEM;
	for (uint32_t s = 0; s < slots; s++)
		if (nse_context_at(ctx, s, &rec) && number_of(&k, rec.kind) >= 0)
			o->slots[at[k.number]++] = s;
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
	}
	return rc;
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
		nse_context_at(ctx, o.slots[i], &rec);
		rc = nft_key_decode(&rec, &key, err);
		if (rc == 0 && (!want || want(arg, o.slots[i], &key)))
			rc = nft_build_key(bd, &key, &rec, o.slots[i], 0, 0, err);
	}
	return rc ?: nft_build_flush(bd);
}
