/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sites in expressions: which attribute of which expression holds a name,
 * a compared value, or a value that moves. A rule's expressions are passed
 * twice, first for what its immediates are taken for further on.
 */
#include <errno.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>

#include "lib/engine/nft/walk_private.h"
#include "lib/util/cleanup.h"

#define MATCH_INFO 3 /* NFTA_MATCH_INFO and NFTA_TARGET_INFO, _NAME is 1 */
#define MATCH_NAME 1
#define MATCH_REV  2

/* The expression's attributes by type, for what one needs of another. */
struct view {
	struct nse_bytes at[NFT_AT_MAX];
};

static int verdict_part(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	(void)ctx;
	if (a->type == NFTA_VERDICT_CHAIN)
		return nft_walk_name(w, a, NFT_SITE_CHAIN);
	return nft_walk_copy(w, a);
}

struct value {
	const struct nft_mean *mean; /* NFT_REG_BYTES of them; NULL: no meaning */
	enum nft_site_op op;
	bool sizes;
};

static int data_part(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	const struct value *v = ctx;

	if (a->type == NFTA_DATA_VERDICT)
		return nft_walk_nested(w, a, verdict_part, NULL);
	if (a->type == NFTA_DATA_VALUE && v->mean && a->data.n <= NFT_REG_BYTES)
		return nft_walk_value(w, a, v->mean, v->op, v->sizes);
	return nft_walk_copy(w, a);
}

int nft_walk_data(struct nft_walker *w, const struct nft_in *a,
		  const struct nft_mean *mean, enum nft_site_op op, bool sizes)
{
	const struct value v = { mean, op, sizes };

	return nft_walk_nested(w, a, data_part, &v);
}

static enum nft_site_op cmp_op(uint32_t op)
{
	return op == NFT_CMP_EQ	   ? NFT_OP_EQ
	       : op == NFT_CMP_NEQ ? NFT_OP_NEQ
				   : NFT_OP_OTHER;
}

static int at_cmp(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	const struct view *v = ctx;
	struct nft_mean mean[NFT_REG_BYTES];

	if (a->type != NFTA_CMP_DATA)
		return nft_walk_copy(w, a);
	nft_regs_get(w, nft_attr_u32(v->at[NFTA_CMP_SREG]), mean, NFT_REG_BYTES);
	return nft_walk_data(w, a, mean, cmp_op(nft_attr_u32(v->at[NFTA_CMP_OP])), true);
}

static int at_range(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	const struct view *v = ctx;
	struct nft_mean mean[NFT_REG_BYTES];

	if (a->type != NFTA_RANGE_FROM_DATA && a->type != NFTA_RANGE_TO_DATA)
		return nft_walk_copy(w, a);
	nft_regs_get(w, nft_attr_u32(v->at[NFTA_RANGE_SREG]), mean, NFT_REG_BYTES);
	return nft_walk_data(w, a, mean,
			     a->type == NFTA_RANGE_FROM_DATA ? NFT_OP_FROM : NFT_OP_TO,
			     false);
}

static int at_immediate(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	struct nft_mean mean[NFT_REG_BYTES];
	uint8_t kind = MEAN_NONE;

	(void)ctx;
	if (a->type != NFTA_IMMEDIATE_DATA)
		return nft_walk_copy(w, a);
	if (w->names)
		return nft_walk_data(w, a, NULL, NFT_OP_NONE, false);
	if (w->depth == 1 && w->imm < NFT_IMMEDIATES)
		kind = w->imm_kind[w->imm];
	for (size_t i = 0; i < NFT_REG_BYTES; i++)
		mean[i] = (struct nft_mean){ kind, (uint8_t)i, 0xff, 0 };
	return nft_walk_data(w, a, mean, NFT_OP_NONE, false);
}

static int at_lookup(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	(void)ctx;
	if (a->type == NFTA_LOOKUP_SET)
		return nft_walk_name(w, a, NFT_SITE_SET);
	return nft_walk_copy(w, a);
}

static int at_dynset(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	(void)ctx;
	switch (a->type) {
	case NFTA_DYNSET_SET_NAME:
		return nft_walk_name(w, a, NFT_SITE_SET);
	case NFTA_DYNSET_EXPR:
		return nft_walk_expr(w, a);
	case NFTA_DYNSET_EXPRESSIONS:
		return nft_walk_exprs(w, a, false);
	default:
		return nft_walk_copy(w, a);
	}
}

static int at_objref(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	const struct view *v = ctx;
	struct nft_site site = { .kind = NFT_SITE_OBJECT, .data = a->data };

	if (a->type == NFTA_OBJREF_SET_NAME)
		return nft_walk_name(w, a, NFT_SITE_SET);
	if (a->type != NFTA_OBJREF_IMM_NAME)
		return nft_walk_copy(w, a);
	site.data = nft_attr_str(a->data);
	if (!site.data.p)
		return -EBADMSG;
	site.objtype = nft_attr_u32(v->at[NFTA_OBJREF_IMM_TYPE]);
	return nft_walk_site(w, a, &site);
}

static int at_flow(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	(void)ctx;
	if (a->type == NFTA_FLOW_TABLE_NAME)
		return nft_walk_name(w, a, NFT_SITE_FLOWTABLE);
	return nft_walk_copy(w, a);
}

static int at_match(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	const struct view *v = ctx;

	if (a->type != MATCH_INFO)
		return nft_walk_copy(w, a);
	return nft_walk_xt(w, a, nft_attr_str(v->at[MATCH_NAME]),
			   nft_attr_u32(v->at[MATCH_REV]));
}

/* The deprecated form of a map of numgen and hash. */
static int at_numgen(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	(void)ctx;
	if (a->type == NFTA_NG_SET_NAME)
		return nft_walk_name(w, a, NFT_SITE_SET);
	return nft_walk_copy(w, a);
}

static int at_hash(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	(void)ctx;
	if (a->type == NFTA_HASH_SET_NAME)
		return nft_walk_name(w, a, NFT_SITE_SET);
	return nft_walk_copy(w, a);
}

static int value(struct nft_walker *w, const struct nft_in *a)
{
	struct nft_site site = { .kind = NFT_SITE_VALUE, .data = a->data };

	if (a->data.n != 4 && a->data.n != 8)
		return -EBADMSG;
	return nft_walk_site(w, a, &site);
}

static int at_counter(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	(void)ctx;
	if (a->type == NFTA_COUNTER_BYTES || a->type == NFTA_COUNTER_PACKETS)
		return value(w, a);
	return nft_walk_copy(w, a);
}

static int at_quota(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	uint8_t flags[4];
	struct nft_in copy = *a;

	(void)ctx;
	if (a->type == NFTA_QUOTA_CONSUMED)
		return value(w, a);
	if (a->type == NFTA_QUOTA_FLAGS && a->data.n == sizeof(flags)) {
		nse_st32(flags, nse_ld32(a->data.p) & ~(uint32_t)NFT_QUOTA_F_DEPLETED);
		copy.data.p = flags;
	}
	return nft_walk_copy(w, &copy);
}

static int at_last(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	(void)ctx;
	if (a->type == NFTA_LAST_SET || a->type == NFTA_LAST_MSECS)
		return value(w, a);
	return nft_walk_copy(w, a);
}

nft_in_fn *nft_walk_values_of(uint32_t objtype)
{
	return objtype == NFT_OBJECT_COUNTER ? at_counter
	       : objtype == NFT_OBJECT_QUOTA ? at_quota
					     : NULL;
}

static const struct {
	struct nse_bytes name;
	nft_in_fn *fn;
} sites[] = {
#define NAME(s)                                                                          \
	{                                                                                \
		(const uint8_t *)(s), sizeof(s) - 1                                      \
	}
	{ NAME("immediate"), at_immediate }, { NAME("cmp"), at_cmp },
	{ NAME("counter"), at_counter },     { NAME("lookup"), at_lookup },
	{ NAME("range"), at_range },	     { NAME("match"), at_match },
	{ NAME("target"), at_match },	     { NAME("dynset"), at_dynset },
	{ NAME("objref"), at_objref },	     { NAME("quota"), at_quota },
	{ NAME("last"), at_last },	     { NAME("flow_offload"), at_flow },
	{ NAME("numgen"), at_numgen },	     { NAME("hash"), at_hash },
#undef NAME
};

static nft_in_fn *sites_of(struct nse_bytes name)
{
	for (size_t i = 0; i < NSE_ARRAY_SIZE(sites); i++)
		if (nse_bytes_equal(name, sites[i].name))
			return sites[i].fn;
	return NULL;
}

/* One of the two attributes of an expression. */
static int expr_part(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	nft_in_fn *fn = *(nft_in_fn *const *)ctx;
	struct view v;
	int rc;

	if (a->type != NFTA_EXPR_DATA || !fn)
		return nft_walk_copy(w, a);
	rc = nft_attr_index(a->data, v.at, NFT_AT_MAX);
	return rc < 0 ? rc : nft_walk_nested(w, a, fn, &v);
}

int nft_walk_expr(struct nft_walker *w, const struct nft_in *a)
{
	nft_in_fn *fn = sites_of(nft_attr_str(nft_attr_find(a->data, NFTA_EXPR_NAME)));
	int rc;

	if (w->depth >= NFT_WALK_DEPTH)
		return -EBADMSG;
	if (w->names && (!fn || fn == at_cmp || fn == at_range))
		return nft_walk_copy(w, a);
	w->depth++;
	rc = nft_walk_nested(w, a, expr_part, &fn);
	w->depth--;
	return rc;
}

static void effect(struct nft_walker *w, struct nse_bytes expr)
{
	nft_effect(w, nft_attr_find(expr, NFTA_EXPR_NAME),
		   nft_attr_find(expr, NFTA_EXPR_DATA));
}

/* The pass that finds out what immediates are for. */
static int look_ahead(struct nft_walker *w, struct nse_bytes list)
{
	struct nft_walker first = *w;
	struct nse_cur c = nse_cur(list.p, list.n);
	struct nft_in a;
	int rc;

	while ((rc = nft_walk_next(&c, &a)) > 0)
		if (a.type == NFTA_LIST_ELEM)
			effect(&first, a.data);
	memcpy(w->imm_kind, first.imm_kind, sizeof(w->imm_kind));
	return rc;
}

static int list_part(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	const bool *rule = ctx;
	int rc;

	if (a->type != NFTA_LIST_ELEM)
		return nft_walk_copy(w, a);
	rc = nft_walk_expr(w, a);
	if (rc == 0 && *rule && !w->names)
		effect(w, a->data);
	return rc;
}

int nft_walk_exprs(struct nft_walker *w, const struct nft_in *a, bool rule)
{
	int rc = rule && !w->names ? look_ahead(w, a->data) : 0;

	return rc < 0 ? rc : nft_walk_nested(w, a, list_part, &rule);
}
