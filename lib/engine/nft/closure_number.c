/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The numbers of rules in records: those that move are counted from 0 in each
 * chain, so that another domain's rules between them do not show. What has a
 * name is counted likewise in its table.
 */
#include <errno.h>
#include <stdlib.h>

#include "lib/engine/nft/closure_private.h"

static void number_chain(const struct nft_ruleset *rs, struct nft_closure *c,
			 uint32_t chain)
{
	const struct nft_node *n = &rs->nodes[chain];
	uint32_t ours = 0, skeleton = 0;

	for (uint32_t i = n->first_rule; i < n->first_rule + n->nrules; i++) {
		if (c->nodes[i].part == NFT_SKELETON) {
			c->number[i] = skeleton++;
		} else if (c->nodes[i].part == NFT_OURS) {
			c->number[i] = ours++;
			if (c->nodes[chain].part == NFT_NEEDED)
				c->place[i] = skeleton;
		}
	}
}

/* Nodes of one type and table follow each other. */
static void number_named(const struct nft_ruleset *rs, struct nft_closure *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < rs->n && rs->nodes[i].type != NFT_RULE; i++) {
		const struct nft_node *node = &rs->nodes[i];

		if (i && (node[-1].type != node->type ||
			  (node->type != NFT_TABLE && node[-1].table != node->table)))
			n = 0;
		c->number[i] = n;
		n += c->nodes[i].part == NFT_OURS;
	}
}

int nft_find_numbers(const struct nft_ruleset *rs, struct nft_closure *c)
{
	c->number = malloc((rs->n + 1) * sizeof(*c->number));
	c->place = malloc((rs->n + 1) * sizeof(*c->place));
	if (!c->number || !c->place)
		return -ENOMEM;
	for (uint32_t i = 0; i < rs->n; i++) {
		c->number[i] = rs->nodes[i].number;
		c->place[i] = NFT_PLACE_NONE;
	}
	number_named(rs, c);
	for (uint32_t i = 0; i < rs->n; i++)
		if (rs->nodes[i].type == NFT_CHAIN)
			number_chain(rs, c, i);
	return 0;
}
