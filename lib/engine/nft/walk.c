/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The walk's entrance: which attributes of which object hold what.
 */
#include "lib/engine/nft/walk.h"

#include <errno.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/walk_private.h"

#define DEVICE_PREFIX 2 /* NFTA_DEVICE_PREFIX, Linux 6.16 */

static int device_part(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	struct nft_site site = { .kind = NFT_SITE_DEVICE };

	(void)ctx;
	if (a->type != NFTA_DEVICE_NAME && a->type != DEVICE_PREFIX)
		return nft_walk_copy(w, a);
	if (a->type == DEVICE_PREFIX)
		site.op = NFT_OP_OTHER;
	site.data = nft_attr_str(a->data);
	return site.data.p ? nft_walk_site(w, a, &site) : -EBADMSG;
}

static int chain_hook_part(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	(void)ctx;
	if (a->type == NFTA_HOOK_DEV)
		return nft_walk_name(w, a, NFT_SITE_DEVICE);
	if (a->type == NFTA_HOOK_DEVS)
		return nft_walk_nested(w, a, device_part, NULL);
	return nft_walk_copy(w, a);
}

static int chain_part(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	(void)ctx;
	if (a->type == NFTA_CHAIN_HOOK)
		return nft_walk_nested(w, a, chain_hook_part, NULL);
	if (a->type == NFTA_CHAIN_COUNTERS)
		return nft_walk_nested(w, a, nft_walk_values_of(NFT_OBJECT_COUNTER),
				       NULL);
	return nft_walk_copy(w, a);
}

static int flowtable_hook_part(struct nft_walker *w, const struct nft_in *a,
			       const void *ctx)
{
	(void)ctx;
	if (a->type == NFTA_FLOWTABLE_HOOK_DEVS)
		return nft_walk_nested(w, a, device_part, NULL);
	return nft_walk_copy(w, a);
}

static int flowtable_part(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	(void)ctx;
	if (a->type == NFTA_FLOWTABLE_HOOK)
		return nft_walk_nested(w, a, flowtable_hook_part, NULL);
	return nft_walk_copy(w, a);
}

static int address(struct nft_walker *w, const struct nft_in *a, enum nft_site_kind kind,
		   size_t len)
{
	struct nft_site site = { .kind = kind, .data = a->data };

	if (a->data.n != len)
		return nft_walk_copy(w, a);
	site.bits = (uint16_t)(len * 8);
	return nft_walk_site(w, a, &site);
}

static int tunnel_ip4_part(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	(void)ctx;
	if (a->type == NFTA_TUNNEL_KEY_IP_SRC || a->type == NFTA_TUNNEL_KEY_IP_DST)
		return address(w, a, NFT_SITE_IP4, 4);
	return nft_walk_copy(w, a);
}

static int tunnel_ip6_part(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	(void)ctx;
	if (a->type == NFTA_TUNNEL_KEY_IP6_SRC || a->type == NFTA_TUNNEL_KEY_IP6_DST)
		return address(w, a, NFT_SITE_IP6, 16);
	return nft_walk_copy(w, a);
}

static int tunnel_part(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	(void)ctx;
	if (a->type == NFTA_TUNNEL_KEY_IP)
		return nft_walk_nested(w, a, tunnel_ip4_part, NULL);
	if (a->type == NFTA_TUNNEL_KEY_IP6)
		return nft_walk_nested(w, a, tunnel_ip6_part, NULL);
	return nft_walk_copy(w, a);
}

static int object_part(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	const uint32_t *objtype = ctx;
	nft_in_fn *fn = nft_walk_values_of(*objtype);

	if (*objtype == NFT_OBJECT_TUNNEL)
		fn = tunnel_part;
	if (a->type != NFTA_OBJ_DATA || !fn)
		return nft_walk_copy(w, a);
	return nft_walk_nested(w, a, fn, NULL);
}

static int set_part(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	(void)ctx;
	if (a->type == NFTA_SET_EXPR)
		return nft_walk_expr(w, a);
	if (a->type == NFTA_SET_EXPRESSIONS)
		return nft_walk_exprs(w, a, false);
	return nft_walk_copy(w, a);
}

static int rule_part(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	(void)ctx;
	if (a->type == NFTA_RULE_EXPRESSIONS)
		return nft_walk_exprs(w, a, true);
	return nft_walk_copy(w, a);
}

static int table_part(struct nft_walker *w, const struct nft_in *a, const void *ctx)
{
	(void)ctx;
	return nft_walk_copy(w, a);
}

static uint8_t l3_of(uint8_t family)
{
	switch (family) {
	case NFPROTO_IPV4:
		return NFT_L3_IP4;
	case NFPROTO_IPV6:
		return NFT_L3_IP6;
	case NFPROTO_ARP:
		return NFT_L3_ARP;
	default:
		return NFT_L3_ANY;
	}
}

static int walk(struct nft_walker *w, enum nft_type type, struct nse_bytes attrs)
{
	static nft_in_fn *const parts[NFT_TYPES] = {
		[NFT_TABLE] = table_part, [NFT_OBJECT] = object_part,
		[NFT_CHAIN] = chain_part, [NFT_FLOWTABLE] = flowtable_part,
		[NFT_SET] = set_part,	  [NFT_RULE] = rule_part,
	};
	uint32_t objtype = 0;

	if (type == NFT_ELEMENT)
		return nft_walk_element(w, attrs);
	if (type >= NFT_TYPES)
		return -EINVAL;
	if (type == NFT_OBJECT)
		objtype = nft_attr_u32(nft_attr_find(attrs, NFTA_OBJ_TYPE));
	return nft_walk_list(w, attrs, parts[type], &objtype);
}

int nft_walk_in(uint8_t family, enum nft_type type, struct nse_bytes attrs,
		const struct nft_layout *layout, nft_site_cb *cb, void *arg,
		struct nse_buf *out)
{
	struct nft_walker w = { .cb = cb, .arg = arg, .out = out, .layout = layout };

	w.l3 = l3_of(family);
	for (size_t i = 0; i < NFT_REG_BYTES; i++)
		w.regs[i] = (struct nft_mean){ MEAN_NONE, 0, 0xff, 0 };
	memset(w.imm_kind, MEAN_NONE, sizeof(w.imm_kind));
	return walk(&w, type, attrs);
}

int nft_walk_names(enum nft_type type, struct nse_bytes attrs, nft_site_cb *cb, void *arg,
		   struct nse_buf *out)
{
	struct nft_walker w;

	/* What is behind is not looked at, and too big to be cleared each time. */
	memset(&w, 0, offsetof(struct nft_walker, regs));
	w.cb = cb;
	w.arg = arg;
	w.out = out;
	w.names = true;
	return type == NFT_ELEMENT ? -EINVAL : walk(&w, type, attrs);
}

int nft_walk(enum nft_type type, struct nse_bytes attrs, const struct nft_layout *layout,
	     nft_site_cb *cb, void *arg, struct nse_buf *out)
{
	return nft_walk_in(NFPROTO_UNSPEC, type, attrs, layout, cb, arg, out);
}
