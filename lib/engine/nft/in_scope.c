/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A record looked at alone: does a scope choose it? This is for choosing from
 * a file. What else belongs to the domain because something of it refers there
 * shows only in the whole (closure.h, nft_admit()).
 */
#include "lib/engine/nft/ifindex.h"
#include "lib/engine/nft/match.h"
#include "lib/engine/nft/nft_engine.h"
#include "lib/engine/nft/rule_list.h"
#include "lib/engine/nft/select.h"
#include "lib/util/cleanup.h"

/* The chain by whose rules a name was made. */
static struct nse_bytes chain_of(struct nse_bytes name)
{
	uint32_t rule, k;

	while (nft_name_split(name, &name, &rule, &k))
		;
	return name;
}

static bool is_selected(const struct nse_scope *scope, const struct nft_key *key)
{
	bool by_chain = key->type == NFT_CHAIN || key->type == NFT_RULE ||
			nft_name_is_ours(key->name);

	if (!by_chain)
		return nft_selects_table(scope, key->family, key->table);
	return nft_selects_chain(scope, key->family, key->table, chain_of(key->name));
}

static int no_set(void *arg, struct nse_bytes name, struct nft_own_set *set)
{
	(void)arg;
	(void)name;
	(void)set;
	return 0;
}

/* Without the set it is not known where the fields begin: at any word. */
static void match_anywhere(const struct nft_owners *o, struct nse_bytes bytes,
			   struct nft_match *m)
{
	static const struct {
		uint8_t kind, len;
	} fields[] = { { NFT_SITE_IP4, 4 },
		       { NFT_SITE_MAC, 6 },
		       { NFT_SITE_IP6, 16 },
		       { NFT_SITE_IFNAME, 16 } };

	for (size_t at = 0; at < bytes.n; at += 4)
		for (size_t i = 0; i < NSE_ARRAY_SIZE(fields); i++) {
			struct nft_site site = { .kind = fields[i].kind,
						 .op = NFT_OP_EQ,
						 .data = { bytes.p + at,
							   fields[i].len } };
			struct nft_value v;

			if (at + fields[i].len <= bytes.n &&
			    nft_site_value(&site, false, &v))
				nft_match_value(o, &v, m);
		}
}

static bool matches(const struct nse_scope *scope, const struct nft_key *key,
		    struct nse_bytes attrs)
{
	NSE_CLEANUP(nft_owners_release) struct nft_owners o = { .size = 0 };
	struct nft_match m = { 0 };

	if (nft_owners_init(&o, &scope->domain, NULL, false) < 0)
		return false;
	if (key->type == NFT_RULE)
		nft_match_rule(&o, key->family, attrs, no_set, NULL, &m);
	else
		match_anywhere(&o, key->bytes, &m);
	return m.mine != NFT_LEVEL_NONE;
}

bool nft_in_scope(const struct nse_scope *scope, const struct nse_record *rec)
{
	struct nft_ifnames names;
	struct nse_bytes attrs;
	struct nft_key key;

	if (scope->all)
		return true;
	if (nft_key_decode(rec, &key, NULL) < 0 ||
	    nft_ifindex_split(nft_body_attrs(key.type, rec->body), &attrs, &names) < 0)
		return false;
	if (is_selected(scope, &key))
		return true;
	return (key.type == NFT_RULE || key.type == NFT_ELEMENT) &&
	       matches(scope, &key, attrs);
}
