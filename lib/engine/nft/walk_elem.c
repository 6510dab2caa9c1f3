/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The walk through a set's elements: the fields of key and data by the set's
 * layout, and how a field is compared in an interval.
 */
#include <errno.h>

#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/walk_private.h"

/* The meaning of each byte of a key or of data. */
static void means_of(const struct nft_field *fields, size_t nfields,
		     struct nft_mean mean[NFT_REG_BYTES])
{
	for (size_t i = 0; i < NFT_REG_BYTES; i++)
		mean[i] = (struct nft_mean){ MEAN_NONE, 0, 0xff, 0 };
	for (size_t i = 0; i < nfields; i++)
		for (size_t k = 0; k < fields[i].len; k++)
			if (fields[i].offset + k < NFT_REG_BYTES)
				mean[fields[i].offset + k] =
					(struct nft_mean){ fields[i].kind, (uint8_t)k,
							   0xff, 0 };
}

static void key_means(const struct nft_layout *l, size_t n, struct nft_mean *mean)
{
	means_of(l ? l->key : NULL, l && l->key_len == n ? l->nkey : 0, mean);
}

int nft_walk_key(const struct nft_layout *layout, uint8_t kind, struct nse_bytes bytes,
		 nft_site_cb *cb, void *arg, struct nse_buf *out)
{
	struct nft_walker w = { .cb = cb,
				.arg = arg,
				.out = out,
				.layout = layout,
				.ordered = layout && layout->ordered };
	struct nse_bytes first = bytes, last = { NULL, 0 };
	struct nft_mean mean[NFT_REG_BYTES];
	enum nft_site_op op = layout && layout->interval ? NFT_OP_FROM : NFT_OP_EQ;
	int rc;

	if (kind == NFT_ELEMENT_RANGE) {
		first.n = bytes.n / 2;
		last = (struct nse_bytes){ bytes.p + first.n, bytes.n - first.n };
	}
	if (first.n > NFT_REG_BYTES || last.n > NFT_REG_BYTES)
		return -EBADMSG;
	key_means(layout, first.n, mean);
	w.other = last;
	if (kind == NFT_ELEMENT_RANGE)
		op = NFT_OP_FROM;
	else if (kind == NFT_ELEMENT_END)
		op = NFT_OP_TO;
	rc = nft_walk_bytes(&w, first, mean, op, false);
	if (rc < 0 || kind != NFT_ELEMENT_RANGE)
		return rc;
	w.other = first;
	return nft_walk_bytes(&w, last, mean, NFT_OP_TO, false);
}

struct element {
	struct nse_bytes key, key_end;
	enum nft_site_op op; /* of the key */
};

static int key_part(struct nft_walker *w, const struct nft_in *a, enum nft_site_op op,
		    struct nse_bytes other)
{
	struct nse_bytes value = nft_attr_find(a->data, NFTA_DATA_VALUE);
	struct nft_mean mean[NFT_REG_BYTES];
	int rc;

	key_means(w->layout, value.n, mean);
	w->other = other;
	w->ordered = w->layout && w->layout->ordered;
	rc = nft_walk_data(w, a, mean, op, false);
	w->ordered = false;
	w->other = (struct nse_bytes){ NULL, 0 };
	return rc;
}

static int data_part(struct nft_walker *w, const struct nft_in *a)
{
	struct nse_bytes value = nft_attr_find(a->data, NFTA_DATA_VALUE);
	const struct nft_layout *l = w->layout;
	struct nft_mean mean[NFT_REG_BYTES];

	means_of(l ? l->data : NULL, l && l->data_len == value.n ? l->ndata : 0, mean);
	return nft_walk_data(w, a, mean, NFT_OP_NONE, false);
}

static int objref_part(struct nft_walker *w, const struct nft_in *a)
{
	struct nft_site site = { .kind = NFT_SITE_OBJECT };

	site.data = nft_attr_str(a->data);
	if (!site.data.p)
		return -EBADMSG;
	site.objtype = w->layout ? w->layout->objtype : 0;
	return nft_walk_site(w, a, &site);
}

static int element_part(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	const struct element *e = ctx;

	switch (a->type) {
	case NFTA_SET_ELEM_KEY:
		return key_part(w, a, e->op, e->key_end);
	case NFTA_SET_ELEM_KEY_END:
		return key_part(w, a, NFT_OP_TO, e->key);
	case NFTA_SET_ELEM_DATA:
		return data_part(w, a);
	case NFTA_SET_ELEM_OBJREF:
		return objref_part(w, a);
	case NFTA_SET_ELEM_EXPR:
		return nft_walk_expr(w, a);
	case NFTA_SET_ELEM_EXPRESSIONS:
		return nft_walk_exprs(w, a, false);
	default:
		return nft_walk_copy(w, a);
	}
}

int nft_walk_element(struct nft_walker *w, struct nse_bytes attrs)
{
	uint32_t flags = nft_attr_u32(nft_attr_find(attrs, NFTA_SET_ELEM_FLAGS));
	struct nse_bytes key = nft_attr_find(attrs, NFTA_SET_ELEM_KEY);
	struct nse_bytes end = nft_attr_find(attrs, NFTA_SET_ELEM_KEY_END);
	struct element e = { .op = NFT_OP_EQ };

	e.key = nft_attr_find(key, NFTA_DATA_VALUE);
	e.key_end = nft_attr_find(end, NFTA_DATA_VALUE);
	if (flags & NFT_SET_ELEM_INTERVAL_END)
		e.op = NFT_OP_TO;
	else if (end.p || (w->layout && w->layout->interval))
		e.op = NFT_OP_FROM;
	return nft_walk_list(w, attrs, element_part, &e);
}
