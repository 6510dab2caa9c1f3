/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rules of chains that have a name. A chain that is made here gets all of its
 * rules. One that is here already, and is carried whole, must have the same
 * rules in the same order; missing ones at its end are added. In a chain that
 * is a dependency our rules are put in their places.
 */
#include <errno.h>
#include <stdlib.h>

#include "lib/engine/nft/chain_rules.h"
#include "lib/engine/nft/differ.h"
#include "lib/engine/nft/place.h"
#include "lib/engine/nft/plan.h"
#include "lib/util/cleanup.h"

static void refuse_differing(struct nft_plan *p, uint32_t slot, struct nse_bytes body,
			     struct nse_bytes live)
{
	char what[128];

	nft_differ_text(NFT_RULE, body, live, what, sizeof(what));
	nft_plan_refuse(p, slot, -EEXIST,
			"is not the rule that stands there on this host: they differ in "
			"%s; remove the chain here, or make it alike",
			what);
}

static int compare_chain(struct nft_plan *p, uint32_t chain, uint32_t node,
			 const struct nft_run *run, struct nse_error *err)
{
	NSE_CLEANUP(nft_chain_rules_release) struct nft_chain_rules c;
	uint32_t n = run->end - run->first;
	struct nse_record rec;
	int rc = nft_chain_rules_read(&c, &p->host.enc, node, err);

	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t slot = p->order.slots[run->first + i];

		nse_context_at(p->ctx, slot, &rec);
		if (i >= c.n) {
			p->todo[slot] = NFT_CREATE;
		} else if (nft_rule_alike(rec.body, nft_chain_rules_body(&c, i))) {
			p->todo[slot] = NFT_KEEP;
		} else {
			refuse_differing(p, slot, rec.body, nft_chain_rules_body(&c, i));
			return 0;
		}
	}
	if (c.n > n)
		nft_plan_refuse(p, chain, -EEXIST,
				"exists already on this host with %u more rules: remove "
				"it here, or make it alike",
				c.n - n);
	return 0;
}

static int decide_chain(struct nft_plan *p, uint32_t slot, bool need,
			struct nse_error *err)
{
	struct nft_run needed, ours;
	struct nse_record rec;
	struct nft_key key;
	uint32_t node;
	int rc;

	nse_context_at(p->ctx, slot, &rec);
	rc = nft_key_decode(&rec, &key, err);
	if (rc < 0 || nft_name_is_ours(key.name) || p->todo[slot] == NFT_REFUSE)
		return rc;
	rc = nft_run_find(&p->order, p->ctx, true, &key, &needed)
		     ?: nft_run_find(&p->order, p->ctx, false, &key, &ours);
	if (rc < 0)
		return nse_errno(err, rc, "the rules of a chain");
	if (p->todo[slot] == NFT_CREATE) {
		nft_plan_set(p, &ours, NFT_CREATE);
		return 0;
	}
	node = nft_ruleset_resolve(p->host.rs, &key);
	if (node == NFT_NODE_NONE)
		return 0;
	return need ? nft_place_chain(p, slot, node, &needed, &ours, err)
		    : compare_chain(p, slot, node, &ours, err);
}

int nft_plan_rules(struct nft_plan *p, struct nse_error *err)
{
	int rc = 0;

	for (int need = 1; need >= 0; need--) {
		const uint32_t *slots = p->order.slots + p->order.first[NFT_CHAIN][need];

		for (uint32_t i = 0; i < p->order.count[NFT_CHAIN][need] && rc == 0; i++)
			rc = decide_chain(p, slots[i], need, err);
	}
	return rc;
}
