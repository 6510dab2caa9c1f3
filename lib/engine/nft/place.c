/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finding the places of anchor rules. Our own rules keep their order: each is
 * put in front of the rule that stands behind the place, and so behind those
 * of ours that came before it.
 */
#include "lib/engine/nft/place.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/engine/nft/closure.h"
#include "lib/util/cleanup.h"

static struct nse_bytes body_of(const struct nft_plan *p, uint32_t at)
{
	struct nse_record rec;

	nse_context_at(p->ctx, p->order.slots[at], &rec);
	return rec.body;
}

static void release(struct nft_place *pl)
{
	nft_chain_rules_release(&pl->rules);
	free(pl->skeleton);
}

/* What is nobody's own, and is none of the rules that come. */
static int find_skeleton(struct nft_place *pl, struct nse_error *err)
{
	struct nft_chain_rules *c = &pl->rules;
	NSE_FREE uint8_t *general = calloc((size_t)c->n + 1, 1);
	uint32_t at = 0;
	int rc;

	pl->skeleton = malloc(((size_t)c->n + 1) * sizeof(*pl->skeleton));
	if (!general || !pl->skeleton)
		return nse_errno(err, -ENOMEM, "the places of rules");
	rc = nft_closure_general(pl->plan->host.rs, pl->plan->job->others, pl->node,
				 general);
	if (rc < 0)
		return nse_errno(err, rc, "the places of rules");
	for (uint32_t i = pl->ours->first; i < pl->ours->end; i++) {
		uint32_t found = nft_chain_rules_find(c, body_of(pl->plan, i), at);

		if (found < c->n) {
			c->rules[found].used = true;
			at = found + 1;
		}
	}
	for (uint32_t i = 0; i < c->n; i++) {
		if (general[i] && !c->rules[i].used)
			pl->skeleton[pl->nskeleton++] = i;
		c->rules[i].used = false;
	}
	return 0;
}

static bool same_skeleton(const struct nft_place *pl)
{
	if (pl->need->end - pl->need->first != pl->nskeleton)
		return false;
	for (uint32_t i = 0; i < pl->nskeleton; i++)
		if (!nft_rule_alike(body_of(pl->plan, pl->need->first + i),
				    nft_chain_rules_body(&pl->rules, pl->skeleton[i])))
			return false;
	return true;
}

static int put_before(struct nft_place *pl, uint32_t slot, uint32_t i)
{
	struct nft_plan *p = pl->plan;

	p->todo[slot] = NFT_CREATE;
	if (i >= pl->rules.n)
		return 0;
	if (!p->before)
		p->before =
			calloc((size_t)nse_context_slots(p->ctx) + 1, sizeof(*p->before));
	if (!p->before)
		return -ENOMEM;
	p->before[slot] = p->host.rs->nodes[pl->rules.first + i].handle;
	return 0;
}

/* The rules between two of the skeleton: where our next one goes, and the end. */
struct gap {
	uint32_t place, at, end;
};

static void enter_gap(const struct nft_place *pl, uint32_t place, struct gap *g)
{
	if (g->place == place)
		return;
	g->place = place;
	g->at = place ? pl->skeleton[place - 1] + 1 : 0;
	g->end = place < pl->nskeleton ? pl->skeleton[place] : pl->rules.n;
}

static int place_rule(struct nft_place *pl, uint32_t slot, struct nse_bytes body,
		      struct gap *g, bool anywhere)
{
	uint32_t found = nft_chain_rules_find(&pl->rules, body, g->at);

	if (found == pl->rules.n)
		return put_before(pl, slot, g->at);
	if (!anywhere && (found < g->at || found >= g->end)) {
		nft_plan_refuse(
			pl->plan, slot, -EEXIST,
			"exists already on this host, and stands at another place "
			"of the chain there: remove it, or say "
			"--anchor=first or --anchor=last");
		return 0;
	}
	pl->rules.rules[found].used = true;
	pl->plan->todo[slot] = NFT_KEEP;
	if (!anywhere)
		g->at = found + 1;
	return 0;
}

static int place_all(struct nft_place *pl, struct nse_error *err)
{
	unsigned int flags = pl->plan->job->flags;
	bool first = flags & NSE_JOB_ANCHOR_FIRST, last = flags & NSE_JOB_ANCHOR_LAST;
	struct gap g = { NFT_PLACE_NONE, last ? pl->rules.n : 0, pl->rules.n };
	int rc = 0;

	for (uint32_t i = pl->ours->first; i < pl->ours->end && rc == 0; i++) {
		uint32_t slot = pl->plan->order.slots[i];
		struct nse_bytes body = body_of(pl->plan, i);
		uint32_t place = nft_rule_place(body);

		if (!first && !last) {
			if (place > pl->nskeleton) {
				nft_plan_refuse(pl->plan, slot, -EINVAL,
						"has no place among the %u rules that "
						"its chain needs",
						pl->nskeleton);
				continue;
			}
			enter_gap(pl, place, &g);
		}
		rc = place_rule(pl, slot, body, &g, first || last);
	}
	return rc < 0 ? nse_errno(err, rc, "the places of rules") : 0;
}

static void refuse_skeleton(struct nft_place *pl)
{
	NSE_FREE char *diff = nft_place_diff(pl);

	nft_plan_refuse(pl->plan, pl->slot, -EEXIST,
			"has other rules on this host (-: needed, +: here)%s%s\n"
			"make them alike, or say --anchor=first or --anchor=last",
			diff ? "\n" : "", diff ? diff : "");
}

int nft_place_chain(struct nft_plan *p, uint32_t slot, uint32_t node,
		    const struct nft_run *need, const struct nft_run *ours,
		    struct nse_error *err)
{
	NSE_CLEANUP(release)
	struct nft_place pl = {
		.plan = p, .slot = slot, .node = node, .need = need, .ours = ours
	};
	bool anyhow = ours->first < ours->end &&
		      (p->job->flags & (NSE_JOB_ANCHOR_FIRST | NSE_JOB_ANCHOR_LAST));
	int rc = nft_chain_rules_read(&pl.rules, &p->host.enc, node, err);

	rc = rc ?: find_skeleton(&pl, err);
	if (rc < 0)
		return rc;
	if (!anyhow && !same_skeleton(&pl)) {
		refuse_skeleton(&pl);
		return 0;
	}
	nft_plan_set(p, need, NFT_KEEP);
	return place_all(&pl, err);
}
