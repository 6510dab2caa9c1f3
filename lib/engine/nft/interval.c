/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Elements as intervals. In sets that never change two intervals may touch
 * with one element between them, a start that ends what is before it.
 */
#include "lib/engine/nft/interval.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/engine/nft/object.h"

#define BYTES_MAX (1u << 31)

void nft_edges_init(struct nft_edges *e)
{
	*e = (struct nft_edges){ .bytes = NSE_BUF_INIT(BYTES_MAX) };
}

void nft_edges_release(struct nft_edges *e)
{
	free(e->edges);
	nse_buf_release(&e->bytes);
	nft_edges_init(e);
}

int nft_edges_add(struct nft_edges *e, struct nse_bytes bytes, uint8_t kind, uint32_t tag)
{
	size_t at = e->bytes.len;
	int rc;

	if (e->n == e->room) {
		size_t room = e->room ? e->room * 2 : 64;
		struct nft_edge *p = realloc(e->edges, room * sizeof(*p));

		if (!p)
			return -ENOMEM;
		e->edges = p;
		e->room = room;
	}
	rc = nse_buf_put(&e->bytes, bytes.p, bytes.n);
	if (rc < 0)
		return rc;
	e->edges[e->n++] =
		(struct nft_edge){ (uint32_t)at, (uint32_t)bytes.n, kind, tag };
	return 0;
}

struct nse_bytes nft_edge_bytes(const struct nft_edges *e, const struct nft_edge *edge)
{
	return (struct nse_bytes){ e->bytes.data + edge->at, edge->n };
}

/* Keys are compared as memcmp() does, like the kernel's. */
static int value_cmp(struct nse_bytes a, struct nse_bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

static int edge_cmp(const void *p, const void *q, void *arg)
{
	const struct nft_edge *a = p, *b = q;
	const struct nft_edges *e = arg;
	int c = value_cmp(nft_edge_bytes(e, a), nft_edge_bytes(e, b));

	return c ? c : (int)a->kind - (int)b->kind;
}

void nft_edges_sort(struct nft_edges *e)
{
	if (e->n)
		qsort_r(e->edges, e->n, sizeof(*e->edges), edge_cmp, e);
}

bool nft_edges_next(const struct nft_edges *e, size_t *i, struct nft_interval *in)
{
	while (*i < e->n && e->edges[*i].kind == NFT_ELEMENT_END)
		(*i)++;
	if (*i >= e->n)
		return false;
	in->from = &e->edges[(*i)++];
	in->to = *i < e->n ? &e->edges[*i] : NULL;
	in->closed = in->to && in->to->kind == NFT_ELEMENT_END;
	if (in->closed)
		(*i)++;
	return true;
}

/* Does a end before b starts, or where it starts? */
static bool ends_before(const struct nft_edges *of_a, const struct nft_interval *a,
			const struct nft_edges *of_b, const struct nft_interval *b)
{
	return a->to &&
	       value_cmp(nft_edge_bytes(of_a, a->to), nft_edge_bytes(of_b, b->from)) <= 0;
}

int nft_interval_cmp(const struct nft_edges *of_a, const struct nft_interval *a,
		     const struct nft_edges *of_b, const struct nft_interval *b)
{
	if (ends_before(of_a, a, of_b, b))
		return -1;
	return ends_before(of_b, b, of_a, a) ? 1 : 0;
}

bool nft_interval_equal(const struct nft_edges *of_a, const struct nft_interval *a,
			const struct nft_edges *of_b, const struct nft_interval *b)
{
	if (value_cmp(nft_edge_bytes(of_a, a->from), nft_edge_bytes(of_b, b->from)) != 0)
		return false;
	if (!a->to || !b->to)
		return !a->to && !b->to;
	return value_cmp(nft_edge_bytes(of_a, a->to), nft_edge_bytes(of_b, b->to)) == 0;
}
