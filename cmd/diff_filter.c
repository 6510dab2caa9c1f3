/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The filter of diff is put to the differences and not to the two contexts: a
 * record that satisfies it on one side only has changed, and was not added.
 */
#include "cmd/diff_filter.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/engine/nft/rule_list.h"
#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"

/* 1, 0 or -ENOMEM; there may be no record in that slot. */
static int matches(const struct nse_filter *filter, const struct nse_context *ctx,
		   uint32_t slot)
{
	struct nse_record rec;
	json_t *json;
	int match;

	if (slot == NSE_CONTEXT_NONE || !nse_context_at(ctx, slot, &rec))
		return 0;
	json = nse_record_to_json(&rec);
	match = json ? nse_filter_match(filter, json) : -ENOMEM;
	json_decref(json);
	return match;
}

static void add(struct nse_diff *d, const struct nse_diff_item *item)
{
	d->items[d->n++] = *item;
	d->added += item->change == NSE_ADDED;
	d->removed += item->change == NSE_REMOVED;
	d->changed += item->change == NSE_CHANGED;
}

int diff_filter(const struct nse_context *a, const struct nse_context *b,
		const struct nse_filter *filter, const struct nse_diff *all,
		struct nse_diff *to, struct nse_error *err)
{
	*to = (struct nse_diff){ .items = calloc(all->n + 1, sizeof(*to->items)) };
	if (!to->items)
		return nse_error(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < all->n; i++) {
		int rc = filter ? matches(filter, a, all->items[i].a) : 1;

		if (rc == 0)
			rc = matches(filter, b, all->items[i].b);
		if (rc < 0)
			return nse_error(err, rc, "out of memory");
		if (rc)
			add(to, &all->items[i]);
	}
	return 0;
}

static int is_counted(const struct nse_context *b, uint32_t slot,
		      const struct nse_filter *filter, bool parts)
{
	struct nse_record rec;
	struct nft_key key;

	if (!nse_context_at(b, slot, &rec) || (!parts && nft_rule_is_owned(&rec, &key)))
		return 0;
	return filter ? matches(filter, b, slot) : 1;
}

int diff_count_equal(const struct nse_context *b, const struct nse_filter *filter,
		     const struct nse_diff *all, bool parts, size_t *equal,
		     struct nse_error *err)
{
	NSE_FREE uint8_t *differs = calloc(nse_context_slots(b) + 1ul, 1);

	*equal = 0;
	if (!differs)
		return nse_error(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < all->n; i++)
		if (all->items[i].b != NSE_CONTEXT_NONE)
			differs[all->items[i].b] = 1;
	for (uint32_t s = 0; s < nse_context_slots(b); s++) {
		int rc = differs[s] ? 0 : is_counted(b, s, filter, parts);

		if (rc < 0)
			return nse_error(err, rc, "out of memory");
		*equal += (size_t)rc;
	}
	return 0;
}
