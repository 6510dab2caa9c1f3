/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A ruleset in memory: read until it was read in one generation, and the
 * lookups in it.
 */
#include "lib/engine/nft/ruleset.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/arena.h"
#include "lib/engine/nft/ruleset_load.h"
#include "lib/util/cleanup.h"

#define TRIES	 50
#define MAX_DEEP 64 /* chains in chains, by the length of a name; the kernel has 16 */

void nft_ruleset_free(struct nft_ruleset *rs)
{
	if (!rs)
		return;
	free(rs->nodes);
	free(rs->refs);
	free(rs->users);
	nft_arena_free(rs->arena);
	nft_names_free(rs->names);
	free(rs);
}

void nft_ruleset_freep(struct nft_ruleset **rs)
{
	nft_ruleset_free(*rs);
}

static struct nft_ruleset *new_ruleset(void)
{
	struct nft_ruleset *rs = calloc(1, sizeof(*rs));

	if (!rs)
		return NULL;
	rs->arena = nft_arena_new();
	rs->names = nft_names_new();
	if (rs->arena && rs->names)
		return rs;
	nft_ruleset_free(rs);
	return NULL;
}

/* The elements of one set while they come. */
struct pile {
	struct nft_element *items;
	size_t n, room;
};

static void pile_release(struct pile *p)
{
	free(p->items);
}

static int pile_add(void *arg, const struct nft_element *e)
{
	struct pile *p = arg;

	if (p->n == p->room) {
		size_t room = p->room ? p->room * 2 : 64;
		struct nft_element *items = realloc(p->items, room * sizeof(*items));

		if (!items || room >= NFT_NODE_NONE)
			return -ENOMEM;
		p->items = items;
		p->room = room;
	}
	p->items[p->n++] = *e;
	return 0;
}

static int keep_elements(struct nse_nl *nl, struct nft_ruleset *rs, uint32_t set,
			 struct pile *p, struct nse_error *err)
{
	struct nft_node *n = &rs->nodes[set];
	int rc;

	p->n = 0;
	rc = nft_dump_elements(nl, rs, set, rs->arena, pile_add, p, err);
	if (rc < 0)
		return rc;
	n->elements = nft_arena_alloc(rs->arena, p->n * sizeof(*p->items));
	if (!n->elements)
		return nse_errno(err, -ENOMEM, "the elements of a set");
	if (p->n)
		memcpy(n->elements, p->items, p->n * sizeof(*p->items));
	n->nelements = (uint32_t)p->n;
	n->loaded = true;
	return 0;
}

static int load_sets(struct nse_nl *nl, struct nft_ruleset *rs, enum nft_elements which,
		     struct nse_error *err)
{
	NSE_CLEANUP(pile_release) struct pile pile = { 0 };
	int rc = 0;

	if (which == NFT_ELEMENTS_NONE)
		return 0;
	for (uint32_t i = 0; i < rs->n && rc == 0; i++) {
		const struct nft_node *n = &rs->nodes[i];

		if (n->type != NFT_SET)
			continue;
		if (which == NFT_ELEMENTS_ALL || nft_named_by_kernel(n))
			rc = keep_elements(nl, rs, i, &pile, err);
	}
	return rc;
}

static int find_refs(struct nft_ruleset *rs, struct nse_error *err)
{
	int rc = nft_refs_find(rs);

	return rc < 0 ? nse_errno(err, rc, "the references of the nf_tables ruleset") : 0;
}

int nft_ruleset_current(struct nse_nl *nl, const struct nft_ruleset *rs,
			struct nse_error *err)
{
	uint32_t genid;
	int rc = nft_dump_generation(nl, &genid, err);

	if (rc == -EOPNOTSUPP)
		genid = rc = 0;
	return rc < 0 ? rc : genid == rs->genid;
}

static int changed(struct nse_error *err)
{
	return nse_error(err, -EAGAIN, "the nf_tables ruleset changed while it was read");
}

static int load_once(struct nse_nl *nl, enum nft_elements which, struct nft_ruleset **out,
		     struct nse_error *err)
{
	NSE_CLEANUP(nft_ruleset_freep) struct nft_ruleset *rs = new_ruleset();
	int rc;

	if (!rs)
		return nse_errno(err, -ENOMEM, "the nf_tables ruleset");
	rc = nft_dump_generation(nl, &rs->genid, err);
	if (rc == -EOPNOTSUPP) {
		*out = nse_take(rs);
		return find_refs(*out, err);
	}
	rc = rc ?: nft_dump_nodes(nl, rs, err);
	rc = rc ?: load_sets(nl, rs, which, err);
	rc = rc ?: nft_ruleset_current(nl, rs, err);
	if (rc == 0)
		return changed(err);
	rc = rc < 0 ? rc : find_refs(rs, err);
	if (rc == 0)
		*out = nse_take(rs);
	return rc;
}

int nft_ruleset_load(struct nse_nl *nl, enum nft_elements which, struct nft_ruleset **rs,
		     struct nse_error *err)
{
	int rc;

	*rs = NULL;
	for (int try = 0; try < TRIES; try++) {
		rc = load_once(nl, which, rs, err);
		if (rc != -EAGAIN)
			return rc;
		/* Whoever changes it does so in bursts. */
		poll(NULL, 0, 1 + 2 * try);
	}
	return nse_error(err, -EAGAIN,
			 "the nf_tables ruleset did not keep still: it changed during "
			 "each of %d dumps in a row; stop what changes it, or try again",
			 TRIES);
}

int nft_ruleset_elements(struct nse_nl *nl, const struct nft_ruleset *rs, uint32_t set,
			 nft_element_cb *cb, void *arg, struct nse_error *err)
{
	return nft_dump_elements(nl, rs, set, NULL, cb, arg, err);
}

uint32_t nft_ruleset_find(const struct nft_ruleset *rs, enum nft_type type,
			  uint8_t family, struct nse_bytes table, struct nse_bytes name,
			  uint32_t objtype)
{
	uint32_t t;

	if (type == NFT_TABLE)
		return nft_names_find(rs, NFT_TABLE, family, NFT_NODE_NONE, name, 0);
	t = nft_names_find(rs, NFT_TABLE, family, NFT_NODE_NONE, table, 0);
	if (t == NFT_NODE_NONE)
		return t;
	return nft_names_find(rs, type, family, t, name, objtype);
}

/* Takes ":NUMBER" off the end of a name that is ours. */
static bool take_number(struct nse_bytes *name, uint32_t *number)
{
	uint64_t v = 0, unit = 1;
	size_t n = name->n;

	while (n && name->p[n - 1] >= '0' && name->p[n - 1] <= '9') {
		if (unit > 1000000000)
			return false;
		v += unit * (uint64_t)(name->p[--n] - '0');
		unit *= 10;
	}
	if (n == 0 || n == name->n || name->p[n - 1] != ':' || v > UINT32_MAX)
		return false;
	name->n = n - 1;
	*number = (uint32_t)v;
	return true;
}

static uint32_t resolve_name(const struct nft_ruleset *rs, enum nft_type type,
			     uint8_t family, uint32_t table, struct nse_bytes name,
			     unsigned int deep);

static uint32_t rule_of(const struct nft_ruleset *rs, uint32_t chain, uint32_t number)
{
	if (chain == NFT_NODE_NONE || number >= rs->nodes[chain].nrules)
		return NFT_NODE_NONE;
	return rs->nodes[chain].first_rule + number;
}

/* "@CHAIN:RULE:K": what the rule has as its K-th. */
static uint32_t resolve_owned(const struct nft_ruleset *rs, enum nft_type type,
			      uint8_t family, uint32_t table, struct nse_bytes name,
			      unsigned int deep)
{
	uint32_t k, number, rule;

	if (deep == MAX_DEEP || !take_number(&name, &k) || !take_number(&name, &number))
		return NFT_NODE_NONE;
	name.p++;
	name.n--;
	rule = rule_of(rs, resolve_name(rs, NFT_CHAIN, family, table, name, deep + 1),
		       number);
	if (rule == NFT_NODE_NONE)
		return rule;
	for (uint32_t i = 0; i < rs->nodes[rule].nrefs; i++) {
		uint32_t to = rs->refs[rs->nodes[rule].first_ref + i].to;
		const struct nft_node *n = &rs->nodes[to];

		if (n->owner == rule && n->owner_k == k)
			return n->type == type ? to : NFT_NODE_NONE;
	}
	return NFT_NODE_NONE;
}

static uint32_t resolve_name(const struct nft_ruleset *rs, enum nft_type type,
			     uint8_t family, uint32_t table, struct nse_bytes name,
			     unsigned int deep)
{
	if (nft_name_is_ours(name))
		return resolve_owned(rs, type, family, table, name, deep);
	return nft_names_find(rs, type, family, table, name, 0);
}

uint32_t nft_ruleset_resolve(const struct nft_ruleset *rs, const struct nft_key *key)
{
	uint32_t table =
		nft_names_find(rs, NFT_TABLE, key->family, NFT_NODE_NONE, key->table, 0);
	uint32_t found;

	if (table == NFT_NODE_NONE || key->type == NFT_TABLE)
		return table;
	switch (key->type) {
	case NFT_OBJECT:
		return nft_names_find(rs, NFT_OBJECT, key->family, table, key->name,
				      key->objtype);
	case NFT_FLOWTABLE:
		return nft_names_find(rs, NFT_FLOWTABLE, key->family, table, key->name,
				      0);
	case NFT_RULE:
		found = resolve_name(rs, NFT_CHAIN, key->family, table, key->name, 0);
		return rule_of(rs, found, key->rule);
	case NFT_CHAIN:
		return resolve_name(rs, NFT_CHAIN, key->family, table, key->name, 0);
	default:
		return resolve_name(rs, NFT_SET, key->family, table, key->name, 0);
	}
}
