/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The expressions of the guard's rules. All of them work on the first register.
 */
#include "lib/engine/nft/guard_expr.h"

#include <errno.h>

#include <linux/netfilter/nf_tables.h>

void nse_guard_no_memory(struct nse_guard_batch *b)
{
	if (!b->rc)
		b->rc = -ENOMEM;
}

struct nftnl_expr *nse_guard_add_expr(struct nftnl_rule *r, const char *name,
				      struct nse_guard_batch *b)
{
	struct nftnl_expr *e = nftnl_expr_alloc(name);

	if (!e) {
		nse_guard_no_memory(b);
		return NULL;
	}
	nftnl_rule_add_expr(r, e);
	return e;
}

void nse_guard_expr_meta(struct nftnl_rule *r, uint32_t key, struct nse_guard_batch *b)
{
	struct nftnl_expr *e = nse_guard_add_expr(r, "meta", b);

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
	nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, NFT_REG_1);
}

static void compare(struct nftnl_rule *r, uint32_t op, const void *data, uint32_t len,
		    struct nse_guard_batch *b)
{
	struct nftnl_expr *e = nse_guard_add_expr(r, "cmp", b);

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op);
	nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, data, len);
}

void nse_guard_expr_equal(struct nftnl_rule *r, const void *data, uint32_t len,
			  struct nse_guard_batch *b)
{
	compare(r, NFT_CMP_EQ, data, len, b);
}

void nse_guard_expr_differs(struct nftnl_rule *r, const void *data, uint32_t len,
			    struct nse_guard_batch *b)
{
	compare(r, NFT_CMP_NEQ, data, len, b);
}

void nse_guard_expr_payload(struct nftnl_rule *r, uint32_t offset, uint32_t len,
			    struct nse_guard_batch *b)
{
	struct nftnl_expr *e = nse_guard_add_expr(r, "payload", b);

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, len);
	nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
}

void nse_guard_expr_lookup(struct nftnl_rule *r, const char *set, uint32_t id,
			   struct nse_guard_batch *b)
{
	struct nftnl_expr *e = nse_guard_add_expr(r, "lookup", b);

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, set);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SET_ID, id);
}
