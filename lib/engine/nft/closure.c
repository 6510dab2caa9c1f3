/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finding a closure: what was selected, then the colours, then the parts and
 * the numbers. Of the whole host everything is in that can be moved at all.
 */
#include "lib/engine/nft/closure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/engine/nft/closure_private.h"
#include "lib/util/cleanup.h"

static void finder_release(struct nft_finder *f)
{
	for (uint32_t i = 0; f->claims && i < f->rs->n; i++)
		free(f->claims[i]);
	free(f->claims);
	free(f->colors);
	free(f->waiting);
	free(f->queue);
}

static int finder_init(struct nft_finder *f)
{
	size_t n = (size_t)f->rs->n + 1;

	f->colors = calloc(n, 1);
	f->waiting = calloc(n, sizeof(*f->waiting));
	f->queue = calloc(n, sizeof(*f->queue));
	f->claims = calloc(n, sizeof(uint8_t *));
	return f->colors && f->waiting && f->queue && f->claims ? 0 : -ENOMEM;
}

static int closure_init(struct nft_closure *c, const struct nft_ruleset *rs,
			const struct nse_scope *scope)
{
	*c = (struct nft_closure){ .n = rs->n };
	c->nodes = calloc((size_t)rs->n + 1, sizeof(*c->nodes));
	c->elements = calloc((size_t)rs->n + 1, sizeof(struct nft_member *));
	c->owners = calloc(1, sizeof(*c->owners));
	if (!c->nodes || !c->elements || !c->owners)
		return -ENOMEM;
	for (uint32_t i = 0; i < rs->n; i++)
		c->nodes[i].by = NFT_NODE_NONE;
	return nft_owners_init(c->owners, &scope->domain, &scope->others, true);
}

static void take_all(struct nft_finder *f)
{
	for (uint32_t i = 0; i < f->rs->n; i++)
		if (!(f->colors[i] & NFT_HELD))
			f->c->nodes[i] = (struct nft_member){ NFT_OURS, NFT_WHY_ALL,
							      NFT_NODE_NONE };
}

static int find(struct nft_finder *f)
{
	int rc = finder_init(f);

	if (rc == 0)
		rc = nft_find_selected(f);
	if (rc == 0 && f->scope->all)
		take_all(f);
	if (rc == 0 && !f->scope->all)
		rc = nft_find_colors(f) ?: nft_find_parts(f);
	return rc ?: nft_find_numbers(f->rs, f->c);
}

int nft_closure_find(const struct nft_ruleset *rs, const struct nse_scope *scope,
		     bool carry_shared, struct nft_closure *c, struct nse_error *err)
{
	NSE_CLEANUP(finder_release)
	struct nft_finder f = {
		.rs = rs, .scope = scope, .carry_shared = carry_shared, .c = c, .err = err
	};
	int rc = closure_init(c, rs, scope);

	if (rc == 0)
		rc = find(&f);
	if (rc == 0)
		return 0;
	nft_closure_release(c);
	return rc == -ENOMEM ? nse_error(err, rc, "out of memory") : rc;
}

void nft_closure_release(struct nft_closure *c)
{
	for (uint32_t i = 0; c->elements && i < c->n; i++)
		free(c->elements[i]);
	free(c->elements);
	free(c->nodes);
	free(c->number);
	free(c->place);
	free(c->shared);
	if (c->owners)
		nft_owners_release(c->owners);
	free(c->owners);
	memset(c, 0, sizeof(*c));
}

int nft_closure_general(const struct nft_ruleset *rs, const struct nse_domain *others,
			uint32_t chain, uint8_t *general)
{
	NSE_CLEANUP(nft_owners_release) struct nft_owners owners = { .size = 0 };
	const struct nft_node *n = &rs->nodes[chain];
	int rc = nft_owners_init(&owners, NULL, others, true);

	for (uint32_t i = 0; i < n->nrules && rc == 0; i++) {
		struct nft_set_finder sets = { rs, n->first_rule + i };
		const struct nft_node *rule = &rs->nodes[n->first_rule + i];
		struct nft_match m = { 0 };

		rc = nft_match_rule(&owners, rule->family, rule->attrs, nft_find_own_set,
				    &sets, &m);
		general[i] = !m.other;
	}
	return rc;
}
