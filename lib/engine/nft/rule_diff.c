/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rules of both contexts are sorted by chain; in each chain the need-rules
 * and the chain's own are put in their order, and the longest common
 * subsequence of both sides stays. A rule that stays has a partner with
 * another number, and by it the names of its own sets ("@CHAIN:RULE:K") are
 * found on the other side.
 */
#include "lib/engine/nft/rule_diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/context/sort.h"
#include "lib/engine/nft/object.h"
#include "lib/engine/nft/rule_list.h"
#include "lib/util/cleanup.h"
#include "lib/util/lcs.h"

struct items {
	struct nse_diff_item *at;
	size_t n, room;
};

struct work {
	const struct nse_context *ctx[2];
	struct nft_rule_list list[2];
	unsigned int flags;
	struct items rules, others;
};

static void work_release(struct work *w)
{
	nft_rule_list_release(&w->list[0]);
	nft_rule_list_release(&w->list[1]);
	free(w->rules.at);
	free(w->others.at);
}

static int add(struct items *to, enum nse_change change, uint32_t a, uint32_t b)
{
	if (to->n == to->room) {
		size_t room = to->room ? to->room * 2 : 64;
		struct nse_diff_item *p = realloc(to->at, room * sizeof(*p));

		if (!p)
			return -ENOMEM;
		to->at = p;
		to->room = room;
	}
	to->at[to->n++] = (struct nse_diff_item){ change, a, b };
	return 0;
}

static int add_one_sided(struct items *to, size_t side, uint32_t slot)
{
	if (side == 0)
		return add(to, NSE_REMOVED, slot, NSE_CONTEXT_NONE);
	return add(to, NSE_ADDED, NSE_CONTEXT_NONE, slot);
}

/* What is on both sides is changed when states count and differ. */
static int add_pair(struct work *w, struct items *to, uint32_t a, uint32_t b)
{
	struct nse_record ra, rb;

	if (!(w->flags & NSE_DIFF_STATE) || !nse_context_at(w->ctx[0], a, &ra) ||
	    !nse_context_at(w->ctx[1], b, &rb) || nse_bytes_equal(ra.state, rb.state))
		return 0;
	return add(to, NSE_CHANGED, a, b);
}

/* A chain's rules on one side. */
struct part {
	struct nft_rule **at;
	size_t n;
	uint32_t *class;
	uint8_t *keep;
};

static int emit(struct work *w, const struct part *p)
{
	size_t i = 0, j = 0;
	int rc = 0;

	while (rc == 0 && (i < p[0].n || j < p[1].n)) {
		if (i < p[0].n && !p[0].keep[i]) {
			rc = add_one_sided(&w->rules, 0, p[0].at[i++]->slot);
		} else if (j < p[1].n && !p[1].keep[j]) {
			rc = add_one_sided(&w->rules, 1, p[1].at[j++]->slot);
		} else {
			p[0].at[i]->partner = p[1].at[j];
			p[1].at[j]->partner = p[0].at[i];
			rc = add_pair(w, &w->rules, p[0].at[i]->slot, p[1].at[j]->slot);
			i++;
			j++;
		}
	}
	return rc;
}

static int compare_chain(struct work *w, struct nft_rule **a, size_t n,
			 struct nft_rule **b, size_t m)
{
	NSE_FREE uint32_t *classes = malloc((n + m + 1) * sizeof(*classes));
	NSE_FREE uint8_t *keep = calloc(n + m + 1, 1);
	struct part parts[2];
	long count;
	int rc;

	if (!classes || !keep)
		return -ENOMEM;
	parts[0] = (struct part){ a, n, classes, keep };
	parts[1] = (struct part){ b, m, classes + n, keep + n };
	count = nft_rule_classes(a, n, b, m, classes);
	if (count < 0)
		return (int)count;
	rc = nse_lcs(parts[0].class, n, parts[1].class, m, (uint32_t)count, parts[0].keep,
		     parts[1].keep);
	return rc < 0 ? rc : emit(w, parts);
}

/* Goes through the chains of both sides, which are in one order. */
static int compare_chains(struct work *w)
{
	struct nft_rule_list *l = w->list;
	size_t i = 0, j = 0;
	int rc = 0;

	while (rc == 0 && (i < l[0].n || j < l[1].n)) {
		size_t n = nft_rule_chain_end(&l[0], i) - i;
		size_t m = nft_rule_chain_end(&l[1], j) - j;
		int order = !n ? 1 : !m ? -1 : nft_rule_chain_cmp(l[0].at[i], l[1].at[j]);

		n = order > 0 ? 0 : n;
		m = order < 0 ? 0 : m;
		rc = compare_chain(w, l[0].at + i, n, l[1].at + j, m);
		i += n;
		j += m;
	}
	return rc;
}

/* The slot of an owned record's counterpart on the other side, or none. */
static int counterpart(const struct work *w, size_t side, const struct nse_record *rec,
		       const struct nft_key *key, uint32_t *slot)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(NSE_RECORD_MAX);
	char name[NFT_NAME_MAX];
	struct nft_key there = *key;
	int rc;

	*slot = NSE_CONTEXT_NONE;
	rc = nft_rule_map_name(&w->list[side], key, name);
	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return rc;
	there.name = (struct nse_bytes){ (const uint8_t *)name, strlen(name) };
	rc = nft_key_encode(&there, &b);
	if (rc == 0)
		*slot = nse_context_find(w->ctx[!side], rec->kind,
					 (struct nse_bytes){ b.data, b.len });
	return rc;
}

/* The sets, elements, chains and rules that belong to single rules. */
static int compare_owned(struct work *w, size_t side)
{
	struct nse_record rec;
	struct nft_key key;
	int rc = 0;

	for (uint32_t s = 0; rc == 0 && s < nse_context_slots(w->ctx[side]); s++) {
		uint32_t other;

		if (!nse_context_at(w->ctx[side], s, &rec) ||
		    !nft_rule_is_owned(&rec, &key))
			continue;
		rc = counterpart(w, side, &rec, &key, &other);
		if (rc == 0 && other == NSE_CONTEXT_NONE)
			rc = add_one_sided(&w->others, side, s);
		else if (rc == 0 && side == 1)
			rc = add_pair(w, &w->others, other, s);
	}
	return rc;
}

/* The record that an item is about. */
static bool item_record(const struct work *w, const struct nse_diff_item *it,
			struct nse_record *rec)
{
	bool b = it->b != NSE_CONTEXT_NONE;

	return nse_context_at(w->ctx[b], b ? it->b : it->a, rec);
}

static int keep_others(struct work *w, const struct nse_diff *d)
{
	struct nse_record rec;
	struct nft_key key;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < d->n; i++) {
		const struct nse_diff_item *it = &d->items[i];

		if (item_record(w, it, &rec) && !nft_rule_is_listed(&rec, &key) &&
		    !nft_rule_is_owned(&rec, &key))
			rc = add(&w->others, it->change, it->a, it->b);
	}
	return rc;
}

struct sort_arg {
	const struct work *w;
};

static void sort_get(const void *arg, uint32_t item, struct nse_record *rec)
{
	const struct work *w = ((const struct sort_arg *)arg)->w;

	item_record(w, &w->others.at[item], rec);
}

static void count(struct nse_diff *d)
{
	d->added = d->removed = d->changed = 0;
	for (size_t i = 0; i < d->n; i++) {
		d->added += d->items[i].change == NSE_ADDED;
		d->removed += d->items[i].change == NSE_REMOVED;
		d->changed += d->items[i].change == NSE_CHANGED;
	}
}

/* All items in the order of their keys, the rules ahead of what follows them. */
static int merge(struct work *w, struct nse_diff *d)
{
	const struct nse_record after = { .kind = &nft_kinds[NFT_RULE],
					  .key = { (const uint8_t *)"\xff", 1 } };
	size_t n = w->others.n + w->rules.n, to = 0;
	NSE_FREE uint32_t *order = malloc((w->others.n + 1) * sizeof(*order));
	struct nse_diff_item *items = malloc((n + 1) * sizeof(*items));
	struct sort_arg arg = { w };
	bool put = false;

	for (size_t i = 0; order && i < w->others.n; i++)
		order[i] = (uint32_t)i;
	if (!order || !items ||
	    nse_sort_records(order, w->others.n, sort_get, &arg) < 0) {
		free(items);
		return -ENOMEM;
	}
	for (size_t i = 0; i <= w->others.n; i++) {
		struct nse_record rec;

		if (!put &&
		    (i == w->others.n || (item_record(w, &w->others.at[order[i]], &rec) &&
					  nse_record_cmp_key(&rec, &after) > 0))) {
			for (size_t j = 0; j < w->rules.n; j++)
				items[to++] = w->rules.at[j];
			put = true;
		}
		if (i < w->others.n)
			items[to++] = w->others.at[order[i]];
	}
	free(d->items);
	d->items = items;
	d->n = n;
	count(d);
	return 0;
}

int nft_rule_diff(const struct nse_context *a, const struct nse_context *b,
		  unsigned int flags, struct nse_diff *d, struct nse_error *err)
{
	NSE_CLEANUP(work_release)
	struct work w = { .ctx = { a, b }, .flags = flags };
	int rc;

	rc = nft_rule_list_make(&w.list[0], a) ?: nft_rule_list_make(&w.list[1], b);
	/* Without rules there is nothing that the numbers could have changed. */
	if (rc == 0 && w.list[0].n + w.list[1].n == 0)
		return 0;
	if (rc == 0)
		rc = compare_chains(&w) ?: keep_others(&w, d) ?: compare_owned(&w, 0)
			     ?: compare_owned(&w, 1)
			     ?: merge(&w, d);
	return rc < 0 ? nse_errno(err, rc, "comparing rules") : 0;
}
