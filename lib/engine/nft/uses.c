/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Looking through rules for what they do with connections. An address is
 * found by its bytes, where values of attributes begin: that holds for nft's
 * own expressions, for elements of maps and for the blobs of xtables alike.
 */
#include "lib/engine/nft/uses.h"

#include <errno.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/object.h"
#include "lib/engine/nft/ruleset.h"
#include "lib/engine/nft/ruleset_load.h"
#include "lib/util/cleanup.h"

#define TRIES 10

static bool is_name(struct nse_bytes name, const char *text)
{
	return name.p && name.n == strlen(text) && memcmp(name.p, text, name.n) == 0;
}

static void of_ct(struct nft_uses *u, struct nse_bytes data)
{
	uint32_t key = nft_attr_u32(nft_attr_find(data, NFTA_CT_KEY));

	if (key == NFT_CT_ZONE && nft_attr_find(data, NFTA_CT_SREG).p)
		u->zone = true;
	if (key == NFT_CT_MARK)
		u->mark = true;
}

/* One expression: NFTA_EXPR_NAME and NFTA_EXPR_DATA. */
static void of_expr(struct nft_uses *u, struct nse_bytes expr)
{
	struct nse_bytes name = nft_attr_str(nft_attr_find(expr, NFTA_EXPR_NAME));
	struct nse_bytes data = nft_attr_find(expr, NFTA_EXPR_DATA);

	if (is_name(name, "ct")) {
		of_ct(u, data);
	} else if (is_name(name, "target")) {
		name = nft_attr_str(nft_attr_find(data, NFTA_TARGET_NAME));
		u->zone |= is_name(name, "CT");
		u->mark |= is_name(name, "CONNMARK");
	} else if (is_name(name, "match")) {
		name = nft_attr_str(nft_attr_find(data, NFTA_MATCH_NAME));
		u->mark |= is_name(name, "connmark");
	}
}

static bool has_bytes(struct nse_bytes in, const uint8_t *p, size_t n)
{
	for (size_t at = 0; at + n <= in.n; at += 4)
		if (memcmp(in.p + at, p, n) == 0)
			return true;
	return false;
}

/* attrs begins at an attribute's header: values lie at multiples of four. */
static void look_for_addrs(struct nft_uses *u, struct nse_bytes attrs)
{
	for (size_t i = 0; i < u->naddrs; i++)
		if (!u->named[i])
			u->named[i] = has_bytes(attrs, u->addrs[i].bytes,
						nse_addr_size(u->addrs[i].family));
}

static void of_rule(struct nft_uses *u, struct nse_bytes attrs)
{
	struct nse_bytes list = nft_attr_find(attrs, NFTA_RULE_EXPRESSIONS);
	struct nse_cur c = nse_cur(list.p, list.n);
	struct nft_attr a;

	while (nft_attr_next(&c, &a) > 0)
		of_expr(u, a.data);
	look_for_addrs(u, list);
}

static int on_element(void *arg, const struct nft_element *e)
{
	look_for_addrs(arg, e->attrs);
	return 0;
}

static int of_map(struct nft_uses *u, struct nse_nl *nl, const struct nft_ruleset *rs,
		  uint32_t set, struct nse_error *err)
{
	const struct nft_node *n = &rs->nodes[set];

	for (uint32_t i = 0; i < n->nelements; i++)
		look_for_addrs(u, n->elements[i].attrs);
	if (n->loaded || !u->naddrs || !(n->flags & NFT_SET_MAP))
		return 0;
	return nft_ruleset_elements(nl, rs, set, on_element, u, err);
}

static int look(struct nft_uses *u, struct nse_nl *nl, struct nse_error *err)
{
	NSE_CLEANUP(nft_ruleset_freep) struct nft_ruleset *rs = NULL;
	int rc = nft_ruleset_load(nl, NFT_ELEMENTS_ANONYMOUS, &rs, err);

	for (uint32_t i = 0; rc == 0 && i < rs->n; i++) {
		if (rs->nodes[i].type == NFT_RULE)
			of_rule(u, rs->nodes[i].attrs);
		else if (rs->nodes[i].type == NFT_SET)
			rc = of_map(u, nl, rs, i, err);
	}
	return rc;
}

int nft_uses_of_host(struct nft_uses *u, struct nse_error *err)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	int rc = nse_nl_open(&nl, 0, 0, err);

	for (int i = 0; rc == 0 && i < TRIES; i++) {
		rc = look(u, nl, err);
		if (rc != -EAGAIN)
			break;
		rc = 0;
	}
	return rc == -EOPNOTSUPP ? 0 : rc;
}

void nft_uses_of_context(struct nft_uses *u, const struct nse_context *ctx)
{
	struct nse_record rec;
	enum nft_type type;
	bool need;

	for (uint32_t s = 0; s < nse_context_slots(ctx); s++)
		if (nse_context_at(ctx, s, &rec) && nft_kind_of(rec.kind, &type, &need) &&
		    type == NFT_RULE)
			of_rule(u, nft_body_attrs(type, rec.body));
}
