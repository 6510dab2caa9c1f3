/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sorting a million records by comparing them where they lie would be a
 * million times twenty looks at memory that is not in the cache. Instead the
 * next eight bytes of each key behind the part that all share are put beside
 * the item, the items are sorted by those, and runs that are still equal are
 * sorted again by the bytes behind.
 */
#include "lib/context/sort.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/context/context.h"
#include "lib/util/cleanup.h"

#define FEW	   64 /* items for which plain comparison is good enough */
#define MAX_ROUNDS 64 /* of eight bytes each; bounds the recursion */

struct entry {
	uint64_t bytes;
	uint32_t item;
};

struct sorter {
	nse_sort_get *get;
	const void *arg;
	struct entry *other; /* as many as there are items */
};

static int cmp_records(const void *a, const void *b, void *arg)
{
	const struct sorter *s = arg;
	struct nse_record ra, rb;

	s->get(s->arg, ((const struct entry *)a)->item, &ra);
	s->get(s->arg, ((const struct entry *)b)->item, &rb);
	return nse_record_cmp_key(&ra, &rb);
}

/* How many bytes from depth on are the same in all keys. */
static size_t shared(const struct sorter *s, const struct entry *e, size_t n,
		     size_t depth)
{
	struct nse_record first, rec;
	size_t same;

	s->get(s->arg, e[0].item, &first);
	if (first.key.n <= depth)
		return 0;
	same = first.key.n - depth;
	for (size_t i = 1; i < n && same; i++) {
		size_t max, k = 0;

		s->get(s->arg, e[i].item, &rec);
		max = rec.key.n > depth ? rec.key.n - depth : 0;
		if (max > same)
			max = same;
		while (k < max && first.key.p[depth + k] == rec.key.p[depth + k])
			k++;
		same = k;
	}
	return same;
}

/* Eight bytes of a key, the first the most significant, zero behind its end. */
static uint64_t bytes_at(struct nse_bytes key, size_t depth)
{
	uint64_t v = 0;

	for (size_t i = depth; i < depth + 8; i++)
		v = v << 8 | (i < key.n ? key.p[i] : 0);
	return v;
}

/* One pass of a radix sort, by the byte at shift; false: it is the same in all. */
static bool sort_byte(const struct entry *from, struct entry *to, size_t n, int shift)
{
	size_t at[256] = { 0 }, sum = 0;

	for (size_t i = 0; i < n; i++)
		at[from[i].bytes >> shift & 0xff]++;
	if (at[from[0].bytes >> shift & 0xff] == n)
		return false;
	for (int b = 0; b < 256; b++) {
		size_t count = at[b];

		at[b] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++)
		to[at[from[i].bytes >> shift & 0xff]++] = from[i];
	return true;
}

/* Sorts by the bytes beside the items; other has room for n, too. */
static void sort_bytes(struct entry *e, struct entry *other, size_t n)
{
	struct entry *from = e, *to = other;

	for (int shift = 0; shift < 64; shift += 8) {
		struct entry *was = from;

		if (!sort_byte(from, to, n, shift))
			continue;
		from = to;
		to = was;
	}
	if (from != e)
		memcpy(e, from, n * sizeof(*e));
}

/* Sorts items of one kind whose keys are the same before depth. */
static void sort_keys(struct sorter *s, struct entry *e, size_t n, size_t depth,
		      unsigned int round)
{
	struct nse_record rec;

	if (n <= FEW || round == MAX_ROUNDS) {
		qsort_r(e, n, sizeof(*e), cmp_records, s);
		return;
	}
	depth += shared(s, e, n, depth);
	for (size_t i = 0; i < n; i++) {
		s->get(s->arg, e[i].item, &rec);
		e[i].bytes = bytes_at(rec.key, depth);
	}
	sort_bytes(e, s->other, n);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && e[end].bytes == e[i].bytes;)
			end++;
		if (end - i > 1)
			sort_keys(s, e + i, end - i, depth + 8, round + 1);
	}
}

static int cmp_kinds(const void *a, const void *b)
{
	const struct nse_kind *const *x = a, *const *y = b;
	int c = strcmp((*x)->engine, (*y)->engine);

	return c ? c : strcmp((*x)->type, (*y)->type);
}

/* Collects the kinds of all items, by their addresses. */
static size_t find_kinds(const struct sorter *s, const uint32_t *items, size_t n,
			 const struct nse_kind **kinds, size_t max)
{
	const struct nse_kind *last = NULL;
	struct nse_record rec;
	size_t nkinds = 0;

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		s->get(s->arg, items[i], &rec);
		if (rec.kind == last)
			continue;
		last = rec.kind;
		while (k < nkinds && kinds[k] != last)
			k++;
		if (k < nkinds)
			continue;
		if (nkinds == max)
			return 0;
		kinds[nkinds++] = last;
	}
	qsort(kinds, nkinds, sizeof(*kinds), cmp_kinds);
	return nkinds;
}

/* The items of one kind, by its names, into e; their number. */
static size_t pick(const struct sorter *s, const uint32_t *items, size_t n,
		   const struct nse_kind *kind, struct entry *e)
{
	struct nse_record rec;
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		s->get(s->arg, items[i], &rec);
		if (nse_kind_equal(rec.kind, kind))
			e[found++].item = items[i];
	}
	return found;
}

int nse_sort_records(uint32_t *items, size_t n, nse_sort_get *get, const void *arg)
{
	const struct nse_kind *kinds[64];
	NSE_FREE struct entry *e = calloc(n, sizeof(*e));
	NSE_FREE struct entry *other = calloc(n, sizeof(*e));
	struct sorter s = { get, arg, other };
	size_t nkinds, done = 0;

	if (n < 2)
		return 0;
	if (!e || !other)
		return -ENOMEM;
	nkinds = find_kinds(&s, items, n, kinds, NSE_ARRAY_SIZE(kinds));
	for (size_t k = 0; k < nkinds; k++) {
		size_t found;

		/* Two contexts have two addresses for one kind. */
		if (k && nse_kind_equal(kinds[k], kinds[k - 1]))
			continue;
		found = pick(&s, items, n, kinds[k], e + done);
		sort_keys(&s, e + done, found, 0, 0);
		done += found;
	}
	if (!nkinds) {
		for (; done < n; done++)
			e[done].item = items[done];
		qsort_r(e, n, sizeof(*e), cmp_records, &s);
	}
	for (size_t i = 0; i < n; i++)
		items[i] = e[i].item;
	return 0;
}

static void get_slot(const void *arg, uint32_t item, struct nse_record *rec)
{
	nse_context_at(arg, item, rec);
}

int nse_context_sort_slots(const struct nse_context *ctx, uint32_t *slots, size_t n)
{
	return nse_sort_records(slots, n, get_slot, ctx);
}

uint32_t *nse_context_sorted(const struct nse_context *ctx)
{
	NSE_FREE uint32_t *slots = malloc((nse_context_count(ctx) + 1) * sizeof(*slots));
	struct nse_record rec;
	size_t n = 0;

	if (!slots)
		return NULL;
	for (uint32_t s = 0; s < nse_context_slots(ctx); s++)
		if (nse_context_at(ctx, s, &rec))
			slots[n++] = s;
	if (nse_context_sort_slots(ctx, slots, n) < 0)
		return NULL;
	return nse_take(slots);
}
