/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A context's nft records, sorted by name, rules and elements grouped by what
 * they lie in.
 */
#include "lib/engine/nft/admit_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int bytes_cmp(struct nse_bytes a, struct nse_bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

static int key_cmp(const struct nft_key *a, const struct nft_key *b)
{
	int c = a->family - b->family;

	c = c ? c : (int)a->type - (int)b->type;
	c = c ? c : bytes_cmp(a->table, b->table);
	c = c ? c : bytes_cmp(a->name, b->name);
	return c ? c : (a->objtype > b->objtype) - (a->objtype < b->objtype);
}

static int named_cmp(const void *p, const void *q, void *arg)
{
	const struct nft_items *items = arg;

	return key_cmp(&items->at[*(const uint32_t *)p].key,
		       &items->at[*(const uint32_t *)q].key);
}

static bool is_child(const struct nft_key *key)
{
	return key->type == NFT_RULE || key->type == NFT_ELEMENT;
}

uint32_t nft_items_find(const struct nft_items *items, enum nft_type type, uint8_t family,
			struct nse_bytes table, struct nse_bytes name, uint32_t objtype)
{
	const struct nft_key want = { .type = type,
				      .family = family,
				      .table = table,
				      .name = name,
				      .objtype = type == NFT_OBJECT ? objtype : 0 };
	uint32_t low = 0, high = items->nnamed;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int c = key_cmp(&want, &items->at[items->named[mid]].key);

		if (c == 0)
			return items->named[mid];
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NFT_ITEM_NONE;
}

static int refuse(const struct nft_item *item, const char *why, struct nse_error *err)
{
	char text[400];

	nft_key_text(&item->key, text, sizeof(text));
	return nse_error(err, -EPERM, "%s %s", text, why);
}

static int read_item(struct nft_items *items, uint32_t slot, const struct nse_record *rec,
		     struct nse_error *err)
{
	struct nft_item *item = &items->at[items->n];
	struct nft_ifnames names;
	int rc;

	*item = (struct nft_item){ .slot = slot, .container = NFT_ITEM_NONE };
	rc = nft_key_decode(rec, &item->key, err);
	if (rc == 0)
		rc = nft_ifindex_split(nft_body_attrs(item->key.type, rec->body),
				       &item->attrs, &names);
	if (rc == 0 && item->key.type == NFT_TABLE)
		item->key.name = (struct nse_bytes){ NULL, 0 };
	if (rc == 0)
		items->n++;
	return rc;
}

static int read_items(struct nft_items *items, const struct nse_context *ctx,
		      struct nse_error *err)
{
	struct nse_record rec;
	enum nft_type type;
	bool need;
	int rc = 0;

	for (uint32_t s = 0; rc == 0 && s < nse_context_slots(ctx); s++)
		if (nse_context_at(ctx, s, &rec) && nft_kind_of(rec.kind, &type, &need))
			rc = read_item(items, s, &rec, err);
	return rc;
}

static int sort_names(struct nft_items *items, struct nse_error *err)
{
	for (uint32_t i = 0; i < items->n; i++)
		if (!is_child(&items->at[i].key))
			items->named[items->nnamed++] = i;
	qsort_r(items->named, items->nnamed, sizeof(uint32_t), named_cmp, items);
	for (uint32_t i = 1; i < items->nnamed; i++)
		if (named_cmp(&items->named[i - 1], &items->named[i], items) == 0)
			return refuse(&items->at[items->named[i]],
				      "is there as a part of the domain and as a "
				      "dependency",
				      err);
	return 0;
}

static int find_container(struct nft_items *items, struct nft_item *item,
			  struct nse_error *err)
{
	static const struct nse_bytes none = { NULL, 0 };
	const struct nft_key *k = &item->key;

	if (k->type == NFT_TABLE)
		return 0;
	item->container =
		is_child(k)
			? nft_items_find(items, k->type == NFT_RULE ? NFT_CHAIN : NFT_SET,
					 k->family, k->table, k->name, 0)
			: nft_items_find(items, NFT_TABLE, k->family, k->table, none, 0);
	if (item->container != NFT_ITEM_NONE)
		return 0;
	return refuse(item,
		      k->type == NFT_RULE      ? "is in a chain that is not there"
		      : k->type == NFT_ELEMENT ? "is in a set that is not there"
					       : "is in a table that is not there",
		      err);
}

/* Groups what is no dependency by its container: counts, then places. */
static void group(struct nft_items *items)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < items->n; i++)
		if (is_child(&items->at[i].key) && !items->at[i].key.need)
			items->at[items->at[i].container].n++;
	for (uint32_t i = 0; i < items->n; i++) {
		items->at[i].first = at;
		at += items->at[i].n;
		items->at[i].n = 0;
	}
	for (uint32_t i = 0; i < items->n; i++) {
		const struct nft_item *item = &items->at[i];
		struct nft_item *in;

		if (!is_child(&item->key) || item->key.need)
			continue;
		in = &items->at[item->container];
		at = in->first + in->n++;
		items->children[at] = i;
		items->elements[at] = (struct nft_element){ item->key.bytes, item->attrs,
							    item->key.kind };
	}
}

static int read_layouts(struct nft_items *items)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < items->n; i++)
		if (items->at[i].key.type == NFT_SET)
			items->at[i].layout = n++;
	items->layouts = calloc((size_t)n + 1, sizeof(*items->layouts));
	if (!items->layouts)
		return -ENOMEM;
	for (uint32_t i = 0; i < items->n; i++)
		if (items->at[i].key.type == NFT_SET)
			nft_layout_of(items->at[i].attrs,
				      &items->layouts[items->at[i].layout]);
	return 0;
}

int nft_items_read(struct nft_items *items, const struct nse_context *ctx,
		   struct nse_error *err)
{
	size_t n = nse_context_count(ctx) + 1;
	int rc;

	*items = (struct nft_items){ .n = 0 };
	items->at = calloc(n, sizeof(*items->at));
	items->named = calloc(n, sizeof(*items->named));
	items->children = calloc(n, sizeof(*items->children));
	items->elements = calloc(n, sizeof(*items->elements));
	if (!items->at || !items->named || !items->children || !items->elements)
		return nse_error(err, -ENOMEM, "out of memory");
	rc = read_items(items, ctx, err);
	if (rc == 0)
		rc = sort_names(items, err);
	for (uint32_t i = 0; i < items->n && rc == 0; i++)
		rc = find_container(items, &items->at[i], err);
	if (rc < 0)
		return rc;
	group(items);
	return read_layouts(items) < 0 ? nse_error(err, -ENOMEM, "out of memory") : 0;
}

void nft_items_release(struct nft_items *items)
{
	free(items->at);
	free(items->named);
	free(items->children);
	free(items->elements);
	free(items->layouts);
	*items = (struct nft_items){ .n = 0 };
}
