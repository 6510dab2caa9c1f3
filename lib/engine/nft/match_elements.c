/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whose the elements of a set are, by the fields of their keys. In a set of
 * intervals one value is two elements: the value, and the end, which is the
 * value behind it.
 */
#include <errno.h>
#include <string.h>

#include "lib/engine/nft/match.h"
#include "lib/util/cleanup.h"

/* One field of a key; `other` is the same field of a range's second half. */
static void match_field(const struct nft_owners *o, const struct nft_field *f,
			struct nse_bytes half, struct nse_bytes other,
			struct nft_match *m)
{
	struct nft_site site = { .kind = f->kind, .op = NFT_OP_EQ };
	struct nft_value v;

	if (f->kind == NFT_PLAIN || (size_t)f->offset + f->len > half.n)
		return;
	site.data = (struct nse_bytes){ half.p + f->offset, f->len };
	if (other.p && memcmp(site.data.p, other.p + f->offset, f->len) != 0)
		return;
	if (nft_site_value(&site, o->live, &v))
		nft_match_value(o, &v, m);
}

void nft_match_key(const struct nft_owners *o, const struct nft_layout *layout,
		   const struct nft_element *e, struct nft_match *m)
{
	struct nse_bytes half = e->bytes, other = { NULL, 0 };

	if (e->kind == NFT_ELEMENT_CATCHALL)
		return;
	if (e->kind == NFT_ELEMENT_RANGE) {
		half.n /= 2;
		other = (struct nse_bytes){ e->bytes.p + half.n, half.n };
	}
	if (half.n != layout->key_len)
		return;
	for (int i = 0; i < layout->nkey; i++)
		match_field(o, &layout->key[i], half, other, m);
}

static uint8_t claim(const struct nft_owners *o, const struct nft_layout *layout,
		     const struct nft_element *e)
{
	struct nft_match m = { 0 };
	enum nft_whose whose;

	nft_match_key(o, layout, e, &m);
	whose = nft_match_whose(&m);
	return NFT_CLAIM(whose, whose == NFT_OTHERS ? m.other : m.mine);
}

/* A start that somebody claims, if its interval ends right behind it. */
struct start {
	struct nse_bytes bytes;
	uint32_t at, end; /* elements */
};

#define NO_END UINT32_MAX

static int start_cmp(const void *p, const void *q)
{
	const struct start *a = p, *b = q;
	size_t n = a->bytes.n < b->bytes.n ? a->bytes.n : b->bytes.n;
	int c = memcmp(a->bytes.p, b->bytes.p, n);

	return c ? c : (a->bytes.n > b->bytes.n) - (a->bytes.n < b->bytes.n);
}

/* The value before it; false ahead of zero. */
static bool before(struct nse_bytes end, uint8_t *to)
{
	size_t i = end.n;

	memcpy(to, end.p, end.n);
	while (i-- > 0)
		if (to[i]-- != 0)
			return true;
	return false;
}

static void find_ends(struct start *starts, uint32_t n, const struct nft_element *e,
		      uint32_t count)
{
	uint8_t bytes[64];

	for (uint32_t i = 0; i < count; i++) {
		struct start want = { { bytes, e[i].bytes.n }, 0, 0 }, *found;

		if (e[i].kind != NFT_ELEMENT_END || e[i].bytes.n > sizeof(bytes) ||
		    !before(e[i].bytes, bytes))
			continue;
		found = bsearch(&want, starts, n, sizeof(*starts), start_cmp);
		if (found)
			found->end = i;
	}
}

static int match_intervals(const struct nft_owners *o, const struct nft_layout *layout,
			   const struct nft_element *e, uint32_t n, uint8_t *claims)
{
	NSE_FREE struct start *starts = NULL;
	uint32_t nstarts = 0, at = 0;

	memset(claims, 0, n);
	for (uint32_t i = 0; i < n; i++) {
		if (e[i].kind != NFT_ELEMENT_PLAIN)
			continue;
		claims[i] = claim(o, layout, &e[i]);
		nstarts += claims[i] != 0;
	}
	if (!nstarts)
		return 0;
	starts = calloc(nstarts, sizeof(*starts));
	if (!starts)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		if (claims[i])
			starts[at++] = (struct start){ e[i].bytes, i, NO_END };
	qsort(starts, nstarts, sizeof(*starts), start_cmp);
	find_ends(starts, nstarts, e, n);
	for (uint32_t i = 0; i < nstarts; i++) {
		if (starts[i].end == NO_END)
			claims[starts[i].at] = 0;
		else
			claims[starts[i].end] = claims[starts[i].at];
	}
	return 0;
}

int nft_match_elements(const struct nft_owners *o, const struct nft_layout *layout,
		       const struct nft_element *elements, uint32_t n, uint8_t *claims)
{
	if (layout->interval)
		return match_intervals(o, layout, elements, n, claims);
	for (uint32_t i = 0; i < n; i++)
		claims[i] = claim(o, layout, &elements[i]);
	return 0;
}
