/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Comparing contexts: two passes over slots with a lookup each; only what
 * differs is sorted.
 */
#include "lib/context/diff.h"

#include <errno.h>
#include <stdlib.h>

struct sort_arg {
	const struct nse_context *a, *b;
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

static void key_of(const struct sort_arg *arg, const struct nse_diff_item *it,
		   struct nse_record *rec)
{
	if (it->b != NSE_CONTEXT_NONE)
		nse_context_at(arg->b, it->b, rec);
	else
		nse_context_at(arg->a, it->a, rec);
}

static int cmp_items(const void *x, const void *y, void *arg)
{
	struct nse_record rx, ry;

	key_of(arg, x, &rx);
	key_of(arg, y, &ry);
	return nse_record_cmp_key(&rx, &ry);
}

int nse_diff(const struct nse_context *a, const struct nse_context *b, unsigned int flags,
	     struct nse_diff *d)
{
	struct sort_arg arg = { a, b };
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
	if (rc < 0) {
		nse_diff_release(d);
		return rc;
	}
	if (d->n)
		qsort_r(d->items, d->n, sizeof(*d->items), cmp_items, &arg);
	return 0;
}

void nse_diff_release(struct nse_diff *d)
{
	if (!d)
		return;
	free(d->items);
	*d = (struct nse_diff){ 0 };
}
