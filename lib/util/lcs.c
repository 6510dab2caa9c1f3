/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Myers' algorithm in linear space (An O(ND) Difference Algorithm and Its
 * Variations, 1986): the shortest path through the grid of both sequences is
 * looked for from both ends at once; where the two meet it is cut in halves,
 * which are worked off in the same way. What only one side has at all is taken
 * out before, since it can be in no common subsequence.
 */
#include "lib/util/lcs.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "lib/util/cleanup.h"

#define MOST (1 << 30)
#define NONE (INT_MIN / 2) /* a diagonal that no path has reached */

/* A sequence without what the other one does not have. */
struct side {
	uint32_t *class;
	uint32_t *at; /* index in the caller's sequence */
	int n;
	uint8_t *keep;
};

struct work {
	struct side a, b;
	int *forward, *backward; /* furthest x by diagonal; may be indexed by -m … n */
};

/* The part of the grid from (a0, b0) to (a1, b1). */
struct box {
	int a0, a1, b0, b1;
};

/* A run of equal things from (x, y) to (u, v), counted from the box's corner. */
struct snake {
	int x, y, u, v;
};

/*
 * The furthest x that one more step reaches on diagonal k: down from k + 1 or
 * to the right from k - 1, within n columns and m rows.
 */
static int step(const int *furthest, int k, int d, int n, int m)
{
	int down = k < d ? furthest[k + 1] : NONE;
	int right = k > -d ? furthest[k - 1] + 1 : NONE;

	if (d == 0)
		return 0;
	if (down - k > m)
		down = NONE;
	if (right > n)
		right = NONE;
	return down > right ? down : right;
}

static bool forward(const struct work *w, const struct box *q, int d, struct snake *s)
{
	const uint32_t *a = w->a.class + q->a0, *b = w->b.class + q->b0;
	int n = q->a1 - q->a0, m = q->b1 - q->b0, delta = n - m;

	for (int k = -d; k <= d; k += 2) {
		int x = k < -m || k > n ? NONE : step(w->forward, k, d, n, m), from = x;

		while (x >= 0 && x < n && x - k < m && a[x] == b[x - k])
			x++;
		w->forward[k] = x;
		/* Has the other side been here in its last step? */
		if (x < 0 || !(delta & 1) || delta - k < 1 - d || delta - k > d - 1 ||
		    x + w->backward[delta - k] < n)
			continue;
		*s = (struct snake){ from, from - k, x, x - k };
		return true;
	}
	return false;
}

/* The same from the far corner, with x and k counted from there. */
static bool backward(const struct work *w, const struct box *q, int d, struct snake *s)
{
	const uint32_t *a = w->a.class + q->a1 - 1, *b = w->b.class + q->b1 - 1;
	int n = q->a1 - q->a0, m = q->b1 - q->b0, delta = n - m;

	for (int k = -d; k <= d; k += 2) {
		int x = k < -m || k > n ? NONE : step(w->backward, k, d, n, m), from = x;

		while (x >= 0 && x < n && x - k < m && a[-x] == b[k - x])
			x++;
		w->backward[k] = x;
		if (x < 0 || (delta & 1) || delta - k < -d || delta - k > d ||
		    x + w->forward[delta - k] < n)
			continue;
		*s = (struct snake){ n - x, m - (x - k), n - from, m - (from - k) };
		return true;
	}
	return false;
}

static void keep(const struct work *w, int a, int b, int count)
{
	for (int i = 0; i < count; i++) {
		w->a.keep[w->a.at[a + i]] = 1;
		w->b.keep[w->b.at[b + i]] = 1;
	}
}

/* Takes off what is equal at both ends of the box. */
static void trim(const struct work *w, struct box *q)
{
	while (q->a0 < q->a1 && q->b0 < q->b1 && w->a.class[q->a0] == w->b.class[q->b0])
		keep(w, q->a0++, q->b0++, 1);
	while (q->a0 < q->a1 && q->b0 < q->b1 &&
	       w->a.class[q->a1 - 1] == w->b.class[q->b1 - 1])
		keep(w, --q->a1, --q->b1, 1);
}

/* Each half has at most half of the differences: the depth is their logarithm. */
static void compare(const struct work *w, struct box q)
{
	struct snake s = { 0, 0, 0, 0 };
	bool met = false;

	trim(w, &q);
	if (q.a0 == q.a1 || q.b0 == q.b1)
		return;
	for (int d = 0; !met; d++)
		met = forward(w, &q, d, &s) || backward(w, &q, d, &s);
	keep(w, q.a0 + s.x, q.b0 + s.y, s.u - s.x);
	compare(w, (struct box){ q.a0, q.a0 + s.x, q.b0, q.b0 + s.y });
	compare(w, (struct box){ q.a0 + s.u, q.a1, q.b0 + s.v, q.b1 });
}

/* Copies what the other side has as well. */
static int fill(struct side *s, const uint32_t *class, size_t n, const uint8_t *others,
		uint8_t *kept)
{
	s->class = calloc(n + 1, sizeof(*s->class));
	s->at = calloc(n + 1, sizeof(*s->at));
	s->keep = kept;
	if (!s->class || !s->at)
		return -ENOMEM;
	memset(kept, 0, n);
	for (size_t i = 0; i < n; i++) {
		if (!others[class[i]])
			continue;
		s->class[s->n] = class[i];
		s->at[s->n++] = (uint32_t)i;
	}
	return 0;
}

static int prepare(struct work *w, const uint32_t *a, size_t n, const uint32_t *b,
		   size_t m, uint32_t classes, uint8_t *keep_a, uint8_t *keep_b)
{
	NSE_FREE uint8_t *in_a = calloc(classes + 1ull, 1);
	NSE_FREE uint8_t *in_b = calloc(classes + 1ull, 1);

	if (!in_a || !in_b)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		in_a[a[i]] = 1;
	for (size_t i = 0; i < m; i++)
		in_b[b[i]] = 1;
	return fill(&w->a, a, n, in_b, keep_a) ?: fill(&w->b, b, m, in_a, keep_b);
}

static void work_release(struct work *w)
{
	free(w->a.class);
	free(w->a.at);
	free(w->b.class);
	free(w->b.at);
}

int nse_lcs(const uint32_t *a, size_t n, const uint32_t *b, size_t m, uint32_t classes,
	    uint8_t *keep_a, uint8_t *keep_b)
{
	NSE_CLEANUP(work_release) struct work w = { .forward = NULL };
	NSE_FREE int *paths = NULL;
	size_t width;
	int rc;

	if (n > MOST || m > MOST || n + m > MOST)
		return -E2BIG;
	rc = prepare(&w, a, n, b, m, classes, keep_a, keep_b);
	if (rc < 0)
		return rc;
	/* The two meet before d is more than half of both lengths, rounded up. */
	width = (size_t)w.a.n + (size_t)w.b.n + 3;
	paths = malloc(2 * width * sizeof(*paths));
	if (!paths)
		return -ENOMEM;
	w.forward = paths + width / 2;
	w.backward = paths + width + width / 2;
	compare(&w, (struct box){ 0, w.a.n, 0, w.b.n });
	return 0;
}
