/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The attributes in which two bodies differ, by names that an administrator
 * knows from nft(8).
 */
#include "lib/engine/nft/differ.h"

#include <stdio.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"
#include "lib/util/cleanup.h"

#define AT_MAX 64 /* attribute types; NFT_BODY_IFNAMES is the highest */

static const struct {
	enum nft_type type;
	uint16_t attr;
	const char *name;
} names[] = {
	{ NFT_TABLE, NFTA_TABLE_FLAGS, "flags" },
	{ NFT_TABLE, NFTA_TABLE_USERDATA, "comment" },
	{ NFT_OBJECT, NFTA_OBJ_DATA, "settings" },
	{ NFT_OBJECT, NFTA_OBJ_USERDATA, "comment" },
	{ NFT_CHAIN, NFTA_CHAIN_HOOK, "hook, priority or devices" },
	{ NFT_CHAIN, NFTA_CHAIN_POLICY, "policy" },
	{ NFT_CHAIN, NFTA_CHAIN_TYPE, "type" },
	{ NFT_CHAIN, NFTA_CHAIN_FLAGS, "flags" },
	{ NFT_CHAIN, NFTA_CHAIN_USERDATA, "comment" },
	{ NFT_FLOWTABLE, NFTA_FLOWTABLE_HOOK, "hook, priority or devices" },
	{ NFT_FLOWTABLE, NFTA_FLOWTABLE_FLAGS, "flags" },
	{ NFT_SET, NFTA_SET_FLAGS, "flags" },
	{ NFT_SET, NFTA_SET_KEY_TYPE, "type" },
	{ NFT_SET, NFTA_SET_KEY_LEN, "length of the type" },
	{ NFT_SET, NFTA_SET_DATA_TYPE, "type of the data" },
	{ NFT_SET, NFTA_SET_DATA_LEN, "length of the data" },
	{ NFT_SET, NFTA_SET_OBJ_TYPE, "type of the objects" },
	{ NFT_SET, NFTA_SET_POLICY, "policy" },
	{ NFT_SET, NFTA_SET_DESC, "size" },
	{ NFT_SET, NFTA_SET_TIMEOUT, "timeout" },
	{ NFT_SET, NFTA_SET_GC_INTERVAL, "gc-interval" },
	{ NFT_SET, NFTA_SET_EXPR, "statements of its elements" },
	{ NFT_SET, NFTA_SET_EXPRESSIONS, "statements of its elements" },
	{ NFT_SET, NFTA_SET_USERDATA, "comment or typeof" },
	{ NFT_ELEMENT, NFTA_SET_ELEM_DATA, "data" },
	{ NFT_ELEMENT, NFTA_SET_ELEM_OBJREF, "object" },
	{ NFT_ELEMENT, NFTA_SET_ELEM_FLAGS, "flags" },
	{ NFT_ELEMENT, NFTA_SET_ELEM_TIMEOUT, "timeout" },
	{ NFT_ELEMENT, NFTA_SET_ELEM_USERDATA, "comment" },
	{ NFT_ELEMENT, NFTA_SET_ELEM_EXPR, "statements" },
	{ NFT_ELEMENT, NFTA_SET_ELEM_EXPRESSIONS, "statements" },
	{ NFT_RULE, NFTA_RULE_EXPRESSIONS, "expressions" },
	{ NFT_RULE, NFTA_RULE_USERDATA, "comment" },
};

void nft_differ_text(enum nft_type type, struct nse_bytes a, struct nse_bytes b,
		     char *text, size_t n)
{
	struct nse_bytes in_a = nft_body_attrs(type, a), in_b = nft_body_attrs(type, b);
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < NSE_ARRAY_SIZE(names) && len < n; i++) {
		if (names[i].type != type ||
		    nse_bytes_equal(nft_attr_find(in_a, names[i].attr),
				    nft_attr_find(in_b, names[i].attr)))
			continue;
		len += (size_t)snprintf(text + len, n - len, "%s%s", len ? ", " : "",
					names[i].name);
	}
	if (len == 0)
		snprintf(text, n,
			 type == NFT_RULE ? "the sets or chains of its own"
					  : "an attribute");
}

static uint64_t time_left(const struct nse_record *rec)
{
	struct nse_cur c = nse_cur(rec->state.p, rec->state.n);
	uint64_t left = 0;
	uint8_t flags;

	if (nse_get_u8(&c, &flags) == 0 && (flags & NFT_STATE_EXPIRES))
		nse_get_u64(&c, &left);
	return left;
}

static bool same(const struct nse_bytes *a, const struct nse_bytes *b, int i)
{
	return !a[i].p == !b[i].p && nse_bytes_equal(a[i], b[i]);
}

static bool same_timeout(const struct nse_record *rec, const struct nse_bytes *a,
			 const struct nse_bytes *b)
{
	return same(a, b, NFTA_SET_ELEM_TIMEOUT) ||
	       (b[NFTA_SET_ELEM_TIMEOUT].p &&
		nft_attr_u64(b[NFTA_SET_ELEM_TIMEOUT]) == time_left(rec));
}

bool nft_element_alike(const struct nse_record *rec, struct nse_bytes live)
{
	struct nse_bytes a[AT_MAX], b[AT_MAX];

	if (nse_bytes_equal(rec->body, live))
		return true;
	if (rec->body.n == 0 || live.n == 0 || rec->body.p[0] != live.p[0] ||
	    nft_attr_index(nft_body_attrs(NFT_ELEMENT, rec->body), a, AT_MAX) < 0 ||
	    nft_attr_index(nft_body_attrs(NFT_ELEMENT, live), b, AT_MAX) < 0)
		return false;
	for (int i = 0; i < AT_MAX; i++)
		if (i != NFTA_SET_ELEM_TIMEOUT && !same(a, b, i))
			return false;
	return same_timeout(rec, a, b);
}
