/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who refers to whom in a ruleset. Rules and the elements of verdict and object
 * maps are walked for names, which are looked up in their own table: nf_tables
 * knows no reference across tables.
 */
#include <errno.h>
#include <stdlib.h>

#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/ruleset_load.h"
#include "lib/util/cleanup.h"

struct search {
	struct nft_ruleset *rs;
	uint32_t from, element;
	uint32_t owned; /* of the kernel's own names in this rule */
	uint32_t room;
};

static bool all_digits(struct nse_bytes s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

/* "__set7", "__map7", "__objmap7"; chains are bound to a rule by nothing else. */
bool nft_named_by_kernel(const struct nft_node *n)
{
	static const char *const stems[] = { "__set", "__map", "__objmap" };

	if (n->type == NFT_CHAIN)
		return n->flags & NFT_CHAIN_BINDING;
	if (n->type != NFT_SET || !(n->flags & NFT_SET_ANONYMOUS))
		return false;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(stems); i++) {
		size_t len = strlen(stems[i]);
		struct nse_bytes rest = { n->name.p + len, n->name.n - len };

		if (n->name.n > len && memcmp(n->name.p, stems[i], len) == 0)
			return all_digits(rest);
	}
	return false;
}

static int add_ref(struct search *s, uint32_t to)
{
	struct nft_ruleset *rs = s->rs;
	struct nft_node *target = &rs->nodes[to];

	if (rs->nrefs == s->room) {
		uint32_t room = s->room ? s->room * 2 : 256;
		struct nft_ref *p;

		if (room < s->room)
			return -ENOMEM;
		p = realloc(rs->refs, room * sizeof(*p));
		if (!p)
			return -ENOMEM;
		rs->refs = p;
		s->room = room;
	}
	rs->refs[rs->nrefs++] = (struct nft_ref){ s->from, s->element, to };
	rs->nodes[s->from].nrefs++;
	if (rs->nodes[s->from].type == NFT_RULE && target->owner == NFT_NODE_NONE &&
	    nft_named_by_kernel(target)) {
		target->owner = s->from;
		target->owner_k = s->owned++;
	}
	return 0;
}

static int on_site(void *arg, const struct nft_site *site, struct nse_buf *to)
{
	static const int types[] = {
		[NFT_SITE_SET] = NFT_SET,
		[NFT_SITE_CHAIN] = NFT_CHAIN,
		[NFT_SITE_OBJECT] = NFT_OBJECT,
		[NFT_SITE_FLOWTABLE] = NFT_FLOWTABLE,
	};
	struct search *s = arg;
	const struct nft_node *from = &s->rs->nodes[s->from];
	uint32_t objtype = site->objtype, found;

	(void)to;
	if (site->kind > NFT_SITE_FLOWTABLE)
		return 0;
	if (site->kind == NFT_SITE_OBJECT && !objtype)
		objtype = from->objtype;
	found = nft_names_find(s->rs, types[site->kind], from->family, from->table,
			       site->data, objtype);
	return found == NFT_NODE_NONE ? 0 : add_ref(s, found);
}

/* Do elements of the set name chains or objects? */
static bool has_names(const struct nft_node *set)
{
	uint32_t data = nft_attr_u32(nft_attr_find(set->attrs, NFTA_SET_DATA_TYPE));

	return (set->flags & NFT_SET_OBJECT) ||
	       ((set->flags & NFT_SET_MAP) && data == NFT_DATA_VERDICT);
}

static int search_elements(struct search *s)
{
	const struct nft_node *n = &s->rs->nodes[s->from];
	int rc = 0;

	if (!n->loaded || !has_names(n))
		return 0;
	for (uint32_t i = 0; i < n->nelements && rc >= 0; i++) {
		s->element = i;
		rc = nft_walk(NFT_ELEMENT, n->elements[i].attrs, n->layout, on_site, s,
			      NULL);
	}
	s->element = NFT_NODE_NONE;
	return rc;
}

static int search_node(struct search *s, uint32_t node)
{
	struct nft_node *n = &s->rs->nodes[node];

	s->from = node;
	s->owned = 0;
	n->first_ref = s->rs->nrefs;
	n->nrefs = 0;
	if (n->type == NFT_SET)
		return search_elements(s);
	if (n->type == NFT_RULE)
		return nft_walk_names(NFT_RULE, n->attrs, on_site, s, NULL);
	return 0;
}

/* The references once more in the order of their targets. */
static int find_users(struct nft_ruleset *rs)
{
	uint32_t at = 0;

	free(rs->users);
	rs->users = calloc(rs->nrefs ? rs->nrefs : 1, sizeof(*rs->users));
	if (!rs->users)
		return -ENOMEM;
	for (uint32_t i = 0; i < rs->n; i++)
		rs->nodes[i].nusers = 0;
	for (uint32_t i = 0; i < rs->nrefs; i++)
		rs->nodes[rs->refs[i].to].nusers++;
	for (uint32_t i = 0; i < rs->n; i++) {
		rs->nodes[i].first_user = at;
		at += rs->nodes[i].nusers;
		rs->nodes[i].nusers = 0;
	}
	for (uint32_t i = 0; i < rs->nrefs; i++) {
		struct nft_node *n = &rs->nodes[rs->refs[i].to];

		rs->users[n->first_user + n->nusers++] = i;
	}
	return 0;
}

int nft_refs_find(struct nft_ruleset *rs)
{
	struct search s = { .rs = rs, .element = NFT_NODE_NONE };
	int rc = 0;

	free(rs->refs);
	rs->refs = NULL;
	rs->nrefs = 0;
	for (uint32_t i = 0; i < rs->n; i++)
		rs->nodes[i].owner = NFT_NODE_NONE;
	for (uint32_t i = 0; i < rs->n && rc >= 0; i++)
		rc = search_node(&s, i);
	return rc < 0 ? rc : find_users(rs);
}
