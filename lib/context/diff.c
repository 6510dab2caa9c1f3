/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Comparing contexts: two passes over slots with a lookup each; only what
 * differs is sorted.
 */
#include "lib/context/diff.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/context/sort.h"
#include "lib/util/cleanup.h"

struct sort_arg {
	const struct nse_context *a, *b;
	const struct nse_diff_item *items;
};

static int add(struct nse_diff *d, size_t *cap, enum nse_change change, uint32_t a,
	       uint32_t b)
{
	if (d->n == *cap) {
		size_t n = *cap ? *cap * 2 : 256;
		struct nse_diff_item *p = realloc(d->items, n * sizeof(*p));

		if (!p)
			return -ENOMEM;
		d->items = p;
		*cap = n;
	}
	d->items[d->n++] = (struct nse_diff_item){ change, a, b };
	d->added += change == NSE_ADDED;
	d->removed += change == NSE_REMOVED;
	d->changed += change == NSE_CHANGED;
	return 0;
}

static void get_item(const void *arg, uint32_t i, struct nse_record *rec)
{
	const struct sort_arg *s = arg;
	const struct nse_diff_item *it = &s->items[i];

	if (it->b != NSE_CONTEXT_NONE)
		nse_context_at(s->b, it->b, rec);
	else
		nse_context_at(s->a, it->a, rec);
}

static int sort_items(const struct nse_context *a, const struct nse_context *b,
		      struct nse_diff *d)
{
	struct sort_arg arg = { a, b, d->items };
	NSE_FREE uint32_t *order = malloc((d->n + 1) * sizeof(*order));
	struct nse_diff_item *sorted;

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < d->n; i++)
		order[i] = (uint32_t)i;
	if (nse_sort_records(order, d->n, get_item, &arg) < 0)
		return -ENOMEM;
	sorted = malloc((d->n + 1) * sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < d->n; i++)
		sorted[i] = d->items[order[i]];
	free(d->items);
	d->items = sorted;
	return 0;
}

int nse_diff(const struct nse_context *a, const struct nse_context *b, unsigned int flags,
	     struct nse_diff *d)
{
	struct nse_record ra, rb;
	size_t cap = 0;
	int rc = 0;

	*d = (struct nse_diff){ 0 };
	for (uint32_t s = 0; rc == 0 && s < nse_context_slots(b); s++) {
		uint32_t in_a;

		if (!nse_context_at(b, s, &rb))
			continue;
		in_a = nse_context_find(a, rb.kind, rb.key);
		if (in_a == NSE_CONTEXT_NONE) {
			rc = add(d, &cap, NSE_ADDED, in_a, s);
			continue;
		}
		nse_context_at(a, in_a, &ra);
		if (!nse_bytes_equal(ra.body, rb.body) ||
		    ((flags & NSE_DIFF_STATE) && !nse_bytes_equal(ra.state, rb.state)))
			rc = add(d, &cap, NSE_CHANGED, in_a, s);
	}
	for (uint32_t s = 0; rc == 0 && s < nse_context_slots(a); s++)
		if (nse_context_at(a, s, &ra) &&
		    nse_context_find(b, ra.kind, ra.key) == NSE_CONTEXT_NONE)
			rc = add(d, &cap, NSE_REMOVED, s, NSE_CONTEXT_NONE);
	if (rc == 0 && d->n)
		rc = sort_items(a, b, d);
	if (rc < 0)
		nse_diff_release(d);
	return rc;
}

void nse_diff_release(struct nse_diff *d)
{
	if (!d)
		return;
	free(d->items);
	*d = (struct nse_diff){ 0 };
}
