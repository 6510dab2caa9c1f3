/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The colours of a ruleset: who uses what. Jumps make no circles, so that
 * every chain and set gets its colour when the last of its users has one; the
 * whole takes a time that grows with the ruleset and not faster.
 */
#include <errno.h>
#include <stdlib.h>

#include "lib/engine/nft/closure_private.h"

enum nft_reason nft_reason_of(uint8_t level)
{
	return level == NFT_LEVEL_VIF	    ? NFT_WHY_VIF
	       : level == NFT_LEVEL_MAC	    ? NFT_WHY_MAC
	       : level == NFT_LEVEL_ADDRESS ? NFT_WHY_ADDRESS
					    : NFT_WHY_NONE;
}

static void because(struct nft_finder *f, uint32_t node, enum nft_reason reason,
		    uint32_t by)
{
	struct nft_member *m = &f->c->nodes[node];

	if (m->reason == NFT_WHY_NONE)
		*m = (struct nft_member){ .reason = (uint8_t)reason, .by = by };
}

int nft_note_shared(struct nft_finder *f, uint32_t node, enum nft_reason reason)
{
	struct nft_closure *c = f->c;
	uint32_t *p;

	if (c->nodes[node].reason == reason)
		return 0;
	/* As many as a power of two have room. */
	if ((c->nshared & (c->nshared - 1)) == 0) {
		p = realloc(c->shared, (c->nshared ? 2 * c->nshared : 1) * sizeof(*p));
		if (!p)
			return -ENOMEM;
		c->shared = p;
	}
	c->shared[c->nshared++] = node;
	c->nodes[node] =
		(struct nft_member){ .reason = (uint8_t)reason, .by = NFT_NODE_NONE };
	return 0;
}

/* One user of the node has got its colour. */
static void used(struct nft_finder *f, uint32_t node, uint8_t color, uint32_t by)
{
	if (!(f->colors[node] & NFT_CHOSEN)) {
		f->colors[node] |= color;
		if (color == NFT_MINE)
			because(f, node, NFT_WHY_USED, by);
	}
	if (--f->waiting[node] == 0)
		f->queue[f->tail++] = node;
}

int nft_find_own_set(void *arg, struct nse_bytes name, struct nft_own_set *set)
{
	const struct nft_set_finder *s = arg;
	const struct nft_ruleset *rs = s->rs;
	const struct nft_node *rule = &rs->nodes[s->rule], *n;
	uint32_t node = nft_ruleset_find(rs, NFT_SET, rule->family,
					 rs->nodes[rule->table].name, name, 0);

	if (node == NFT_NODE_NONE || rs->nodes[node].owner != s->rule)
		return 0;
	n = &rs->nodes[node];
	*set = (struct nft_own_set){ n->layout, n->elements, n->nelements };
	return n->layout ? 1 : 0;
}

static int match(struct nft_finder *f, uint32_t rule, struct nft_match *m)
{
	struct nft_set_finder s = { f->rs, rule };
	const struct nft_node *n = &f->rs->nodes[rule];

	*m = (struct nft_match){ 0 };
	return nft_match_rule(f->c->owners, n->family, n->attrs, nft_find_own_set, &s, m);
}

/* A rule in a chain that everybody uses. */
static int color_by_match(struct nft_finder *f, uint32_t chain, uint32_t rule)
{
	struct nft_match m;
	enum nft_whose whose;
	int rc = match(f, rule, &m);

	if (rc < 0)
		return rc;
	whose = nft_match_whose(&m);
	/* The chain of another rule takes no rule and gives none away. */
	if (whose == NFT_MINE && nft_node_is_owned(&f->rs->nodes[chain]))
		whose = NFT_BOTH;
	f->colors[rule] |= whose ? whose : NFT_BOTH;
	if (m.other)
		f->colors[rule] |= NFT_FOREIGN;
	if (whose == NFT_MINE)
		because(f, rule, nft_reason_of(m.mine), NFT_NODE_NONE);
	return whose == NFT_BOTH ? nft_note_shared(f, rule, NFT_WHY_SHARED) : 0;
}

/* The rules of a program: they stay, but are told of. */
static int color_held(struct nft_finder *f, uint32_t rule)
{
	struct nft_match m;
	int rc;

	f->colors[rule] |= NFT_OTHERS;
	if (f->colors[rule] & NFT_INVISIBLE)
		return 0;
	rc = match(f, rule, &m);
	if (rc < 0 || !(nft_match_whose(&m) & NFT_MINE))
		return rc;
	return nft_note_shared(f, rule, NFT_WHY_HELD);
}

static int color_rule(struct nft_finder *f, uint32_t chain, uint32_t rule)
{
	const struct nft_node *n = &f->rs->nodes[rule];
	enum nft_whose whose = nft_color(f, chain);
	int rc = 0;

	if (f->colors[rule] & NFT_HELD)
		rc = color_held(f, rule);
	else if (whose == NFT_BOTH)
		rc = color_by_match(f, chain, rule);
	else
		f->colors[rule] |= whose;
	if (whose == NFT_MINE)
		because(f, rule, NFT_WHY_PART, chain);
	for (uint32_t i = 0; i < n->nrefs && rc == 0; i++)
		used(f, f->rs->refs[n->first_ref + i].to, nft_color(f, rule), rule);
	return rc;
}

/* A base chain is everybody's, but for one that sees only a domain's devices. */
static int color_base(struct nft_finder *f, uint32_t chain)
{
	struct nft_match m = { 0 };
	enum nft_whose whose;
	int rc = nft_match_devices(f->c->owners, f->rs->nodes[chain].attrs, &m);

	if (rc < 0)
		return rc;
	whose = nft_match_whose(&m);
	f->colors[chain] |= whose ? whose : NFT_BOTH;
	if (whose == NFT_MINE)
		because(f, chain, nft_reason_of(m.mine), NFT_NODE_NONE);
	return whose == NFT_BOTH ? nft_note_shared(f, chain, NFT_WHY_SHARED) : 0;
}

static int color_chain(struct nft_finder *f, uint32_t chain)
{
	const struct nft_node *n = &f->rs->nodes[chain];
	int rc = 0;

	if (n->base && !nft_color(f, chain))
		rc = color_base(f, chain);
	/* What nobody uses is nobody's own. */
	if (!nft_color(f, chain))
		f->colors[chain] |= NFT_BOTH;
	for (uint32_t i = 0; i < n->nrules && rc == 0; i++)
		rc = color_rule(f, chain, n->first_rule + i);
	return rc;
}

/* Elements of a set that everybody uses. */
static int claim_elements(struct nft_finder *f, uint32_t set)
{
	const struct nft_node *n = &f->rs->nodes[set];
	uint8_t *claims;

	if (!n->layout || !n->layout->nkey || !n->nelements)
		return 0;
	claims = malloc(n->nelements);
	if (!claims)
		return -ENOMEM;
	f->claims[set] = claims;
	if (nft_match_elements(f->c->owners, n->layout, n->elements, n->nelements,
			       claims) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < n->nelements; i++) {
		/* What is in a rule's own set cannot leave it. */
		if (nft_node_is_owned(n) && NFT_CLAIM_WHOSE(claims[i]) == NFT_MINE)
			claims[i] = NFT_CLAIM(NFT_NOBODYS, 0);
		if (!nft_node_is_owned(n) && NFT_CLAIM_WHOSE(claims[i]) == NFT_BOTH &&
		    nft_note_shared(f, set, NFT_WHY_SHARED) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int color_set(struct nft_finder *f, uint32_t set)
{
	const struct nft_node *n = &f->rs->nodes[set];
	uint8_t whose;

	if (!nft_color(f, set))
		f->colors[set] |= NFT_BOTH;
	if (nft_color(f, set) == NFT_BOTH && claim_elements(f, set) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < n->nrefs; i++) {
		const struct nft_ref *ref = &f->rs->refs[n->first_ref + i];

		whose = nft_color(f, set);
		if (f->claims[set] && ref->element != NFT_NODE_NONE)
			whose = NFT_CLAIM_WHOSE(f->claims[set][ref->element]);
		used(f, ref->to, whose ? whose : NFT_BOTH, set);
	}
	return 0;
}

static int color(struct nft_finder *f, uint32_t node)
{
	if (f->colors[node] & NFT_COLORED)
		return 0;
	f->colors[node] |= NFT_COLORED;
	switch (f->rs->nodes[node].type) {
	case NFT_CHAIN:
		return color_chain(f, node);
	case NFT_SET:
		return color_set(f, node);
	default:
		return 0;
	}
}

static int drain(struct nft_finder *f)
{
	int rc = 0;

	while (f->head < f->tail && rc == 0)
		rc = color(f, f->queue[f->head++]);
	return rc;
}

/* Rules and tables have no users, and get their colour by other ways. */
static bool is_used(const struct nft_node *n)
{
	return n->type != NFT_TABLE && n->type != NFT_RULE;
}

int nft_find_colors(struct nft_finder *f)
{
	const struct nft_ruleset *rs = f->rs;
	int rc;

	for (uint32_t i = 0; i < rs->n; i++) {
		f->waiting[i] = rs->nodes[i].nusers;
		if (is_used(&rs->nodes[i]) && !f->waiting[i])
			f->queue[f->tail++] = i;
	}
	rc = drain(f);
	/* A circle, which the kernel does not let through: everybody's. */
	for (uint32_t i = 0; i < rs->n && rc == 0; i++) {
		if (!is_used(&rs->nodes[i]) || f->colors[i] & NFT_COLORED)
			continue;
		f->colors[i] |= NFT_BOTH;
		rc = color(f, i);
		if (rc == 0)
			rc = drain(f);
	}
	return rc;
}
