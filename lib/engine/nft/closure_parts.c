/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From colours to parts: what is the domain's is ours, what it refers to or
 * lies in besides is needed, and so are the rules of everybody in a needed
 * chain. When dependencies are carried they are ours as well, with what they
 * refer to in turn; what other domains have in them is left out.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/engine/nft/closure_private.h"

static uint8_t part_of(const struct nft_finder *f, uint32_t node)
{
	return f->c->nodes[node].part;
}

static void take(struct nft_finder *f, uint32_t node, enum nft_part part,
		 enum nft_reason reason, uint32_t by)
{
	f->c->nodes[node] = (struct nft_member){ (uint8_t)part, (uint8_t)reason, by };
	if (part == NFT_OURS)
		f->queue[f->tail++] = node;
}

/* Somebody of ours refers to the node, or lies in it. */
static void need(struct nft_finder *f, uint32_t node, enum nft_reason reason, uint32_t by)
{
	uint32_t table = f->rs->nodes[node].table;

	if (part_of(f, node) != NFT_NOT_OURS)
		return;
	take(f, node, f->carry_shared ? NFT_OURS : NFT_NEEDED, reason, by);
	if (table != node)
		need(f, table, NFT_WHY_CONTAINS, node);
}

/* A rule or element of everybody, in what is carried although it is shared. */
static bool is_carried(const struct nft_finder *f, uint32_t container, uint8_t whose,
		       bool foreign)
{
	return f->carry_shared && part_of(f, container) == NFT_OURS &&
	       whose != NFT_OTHERS && !foreign;
}

static bool element_is_ours(const struct nft_finder *f, uint32_t set, uint32_t i)
{
	uint8_t claim = f->claims[set] ? f->claims[set][i] : NFT_CLAIM(NFT_NOBODYS, 0);
	uint8_t whose = NFT_CLAIM_WHOSE(claim);

	if (nft_color(f, set) == NFT_MINE)
		return true;
	if (nft_color(f, set) != NFT_BOTH)
		return false;
	return whose == NFT_MINE || is_carried(f, set, whose, whose == NFT_BOTH);
}

static void visit_rules(struct nft_finder *f, uint32_t chain)
{
	const struct nft_node *n = &f->rs->nodes[chain];

	for (uint32_t i = n->first_rule; i < n->first_rule + n->nrules; i++)
		if (part_of(f, i) == NFT_NOT_OURS &&
		    is_carried(f, chain, nft_color(f, i), f->colors[i] & NFT_FOREIGN))
			take(f, i, NFT_OURS, NFT_WHY_PART, chain);
}

/* The references of a node of ours, or of a set's elements that are. */
static void visit_refs(struct nft_finder *f, uint32_t node)
{
	const struct nft_node *n = &f->rs->nodes[node];

	for (uint32_t i = 0; i < n->nrefs; i++) {
		const struct nft_ref *ref = &f->rs->refs[n->first_ref + i];

		if (ref->element == NFT_NODE_NONE
			    ? part_of(f, node) == NFT_OURS
			    : element_is_ours(f, node, ref->element))
			need(f, ref->to, NFT_WHY_USED, node);
	}
}

static void visit(struct nft_finder *f, uint32_t node)
{
	const struct nft_node *n = &f->rs->nodes[node];

	if (n->table != node)
		need(f, n->table, NFT_WHY_CONTAINS, node);
	if (n->type == NFT_RULE)
		need(f, n->chain, NFT_WHY_CONTAINS, node);
	if (n->type == NFT_CHAIN)
		visit_rules(f, node);
	visit_refs(f, node);
}

static void visit_all(struct nft_finder *f)
{
	while (f->head < f->tail)
		visit(f, f->queue[f->head++]);
}

static bool has_claim(const struct nft_finder *f, uint32_t set)
{
	for (uint32_t i = 0; f->claims[set] && i < f->rs->nodes[set].nelements; i++)
		if (NFT_CLAIM_WHOSE(f->claims[set][i]) == NFT_MINE)
			return true;
	return false;
}

/*
 * Elements of ours do nothing where no rule looks into their set: the chains of
 * these rules are needed as well, and with them their skeletons.
 */
static void need_readers(struct nft_finder *f, uint32_t set)
{
	const struct nft_node *n = &f->rs->nodes[set];

	for (uint32_t i = 0; i < n->nusers; i++) {
		uint32_t rule = f->rs->refs[f->rs->users[n->first_user + i]].from;

		if (f->rs->nodes[rule].type == NFT_RULE &&
		    nft_color(f, rule) != NFT_OTHERS)
			need(f, f->rs->nodes[rule].chain, NFT_WHY_CONTAINS, set);
	}
}

static void add_skeletons(struct nft_finder *f)
{
	for (uint32_t i = 0; i < f->rs->n; i++) {
		const struct nft_node *n = &f->rs->nodes[i];

		if (n->type == NFT_RULE && part_of(f, i) == NFT_NOT_OURS &&
		    part_of(f, n->chain) == NFT_NEEDED && nft_color(f, i) != NFT_OTHERS &&
		    !(f->colors[i] & NFT_FOREIGN))
			take(f, i, NFT_SKELETON, NFT_WHY_PART, n->chain);
	}
}

static struct nft_member element_part(const struct nft_finder *f, uint32_t set,
				      uint32_t i)
{
	uint8_t claim = f->claims[set] ? f->claims[set][i] : NFT_CLAIM(NFT_NOBODYS, 0);
	struct nft_member m = { .by = set };

	if (element_is_ours(f, set, i)) {
		m.part = NFT_OURS;
		m.reason = (uint8_t)(NFT_CLAIM_WHOSE(claim) == NFT_MINE
					     ? nft_reason_of(NFT_CLAIM_LEVEL(claim))
					     : NFT_WHY_PART);
	} else if (NFT_CLAIM_WHOSE(claim) == NFT_BOTH) {
		m.reason = NFT_WHY_SHARED;
	}
	return m;
}

/* Of a needed set, and of a carried one, not all elements are what it is. */
static int find_elements(struct nft_finder *f, uint32_t set)
{
	const struct nft_node *n = &f->rs->nodes[set];
	struct nft_member *m;

	if (n->type != NFT_SET || !n->nelements || part_of(f, set) == NFT_NOT_OURS ||
	    nft_color(f, set) == NFT_MINE)
		return 0;
	m = calloc(n->nelements, sizeof(*m));
	if (!m)
		return -ENOMEM;
	f->c->elements[set] = m;
	for (uint32_t i = 0; i < n->nelements; i++)
		m[i] = element_part(f, set, i);
	return 0;
}

/* Reasons stay with what is in, and with what ought to be. */
static void clean(struct nft_finder *f)
{
	for (uint32_t i = 0; i < f->rs->n; i++) {
		struct nft_member *m = &f->c->nodes[i];

		if (m->part == NFT_NOT_OURS && m->reason != NFT_WHY_SHARED &&
		    m->reason != NFT_WHY_HELD)
			*m = (struct nft_member){ .by = NFT_NODE_NONE };
	}
}

int nft_find_parts(struct nft_finder *f)
{
	const struct nft_ruleset *rs = f->rs;

	f->head = f->tail = 0;
	for (uint32_t i = 0; i < rs->n; i++)
		if (nft_color(f, i) == NFT_MINE)
			take(f, i, NFT_OURS, f->c->nodes[i].reason, f->c->nodes[i].by);
	for (uint32_t i = 0; i < rs->n; i++) {
		if (rs->nodes[i].type != NFT_SET || !has_claim(f, i) ||
		    nft_color(f, i) != NFT_BOTH)
			continue;
		need(f, i, NFT_WHY_CONTAINS, i);
		visit_refs(f, i);
	}
	visit_all(f);
	for (uint32_t i = 0; i < rs->n; i++)
		if (rs->nodes[i].type == NFT_SET && has_claim(f, i) &&
		    nft_color(f, i) == NFT_BOTH)
			need_readers(f, i);
	visit_all(f);
	if (!f->carry_shared)
		add_skeletons(f);
	for (uint32_t i = 0; i < rs->n; i++)
		if (find_elements(f, i) < 0)
			return -ENOMEM;
	clean(f);
	return 0;
}
