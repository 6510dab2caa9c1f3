/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finding records on the host. What belongs to a rule alone is found with its
 * rule, whose digest covers it.
 */
#include "lib/engine/nft/locate.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/engine/nft/chain_rules.h"
#include "lib/engine/nft/differ.h"
#include "lib/engine/nft/rule_list.h"
#include "lib/util/cleanup.h"

int nft_locate_init(struct nft_located *l, struct nse_job *job, enum nse_outcome which,
		    struct nse_error *err)
{
	size_t n = (size_t)nse_context_slots(job->ctx) + 1;
	int rc;

	*l = (struct nft_located){ .job = job, .ctx = job->ctx, .which = which };
	rc = nft_order_make(&l->order, job->ctx);
	l->node = malloc(n * sizeof(*l->node));
	l->found = malloc(n);
	if (rc == 0 && (!l->node || !l->found))
		rc = -ENOMEM;
	return rc < 0 ? nse_errno(err, rc, "looking for rules") : 0;
}

void nft_locate_release(struct nft_located *l)
{
	nft_order_release(&l->order);
	nft_host_release(&l->host);
	free(l->node);
	free(l->found);
	l->node = NULL;
	l->found = NULL;
}

static void note(struct nft_located *l, uint32_t slot, uint32_t node, bool alike)
{
	l->node[slot] = node;
	l->found[slot] = alike ? NFT_ALIKE : NFT_DIFFERS;
}

static int locate_object(struct nft_located *l, uint32_t slot, struct nse_error *err)
{
	struct nse_record rec, live;
	struct nft_key key;
	uint32_t node;
	int rc;

	nse_context_at(l->ctx, slot, &rec);
	rc = nft_key_decode(&rec, &key, err);
	if (rc < 0 || nft_name_is_ours(key.name))
		return rc;
	node = nft_ruleset_resolve(l->host.rs, &key);
	if (node == NFT_NODE_NONE)
		return 0;
	rc = nft_encode_node(&l->host.enc, node, true, &live, err);
	if (rc == 0)
		note(l, slot, node, nse_bytes_equal(rec.body, live.body));
	return rc;
}

static int locate_objects(struct nft_located *l, enum nft_type type,
			  struct nse_error *err)
{
	const uint32_t *slots = l->order.slots + l->order.first[type][0];
	int rc = 0;

	for (uint32_t i = 0; i < l->order.count[type][0] && rc == 0; i++)
		if (nft_is_wanted(l, slots[i]))
			rc = locate_object(l, slots[i], err);
	return rc;
}

static int locate_chain(struct nft_located *l, const struct nft_run *run,
			struct nse_error *err)
{
	NSE_CLEANUP(nft_chain_rules_release) struct nft_chain_rules c = { 0 };
	struct nft_key key = run->key;
	uint32_t chain, at = 0;
	struct nse_record rec;
	int rc;

	key.type = NFT_CHAIN;
	chain = nft_ruleset_resolve(l->host.rs, &key);
	if (chain == NFT_NODE_NONE)
		return 0;
	rc = nft_chain_rules_read(&c, &l->host.enc, chain, err);
	for (uint32_t i = run->first; i < run->end && rc == 0; i++) {
		uint32_t slot = l->order.slots[i], found;

		if (!nft_is_wanted(l, slot))
			continue;
		nse_context_at(l->ctx, slot, &rec);
		found = nft_chain_rules_find(&c, rec.body, at);
		if (found == c.n)
			continue;
		c.rules[found].used = true;
		at = found + 1;
		note(l, slot, c.first + found, true);
	}
	return rc;
}

/* The slot of the rule that "@CHAIN:RULE:K" leads to in the end. */
static uint32_t owner_of(const struct nft_located *l, const struct nft_key *key)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(NSE_RECORD_MAX);
	struct nft_key rule = *key;
	uint32_t k;

	while (nft_name_is_ours(rule.name))
		if (!nft_name_split(rule.name, &rule.name, &rule.rule, &k))
			return NSE_CONTEXT_NONE;
	rule.type = NFT_RULE;
	if (nft_key_encode(&rule, &b) < 0)
		return NSE_CONTEXT_NONE;
	return nse_context_find(l->ctx, &nft_kinds[NFT_RULE],
				(struct nse_bytes){ b.data, b.len });
}

static void follow_owner(struct nft_located *l, const struct nft_run *run)
{
	uint32_t owner = owner_of(l, &run->key);

	for (uint32_t i = run->first; i < run->end; i++) {
		uint32_t slot = l->order.slots[i];

		if (nft_is_wanted(l, slot) && owner != NSE_CONTEXT_NONE)
			l->found[slot] = l->found[owner];
	}
}

/* Rules of chains that have a name, or what is in those that have none. */
static int locate_runs(struct nft_located *l, enum nft_type type, bool owned,
		       struct nse_error *err)
{
	uint32_t i = l->order.first[type][0], end = i + l->order.count[type][0];
	struct nft_run run;
	int rc = 0;

	for (; i < end && rc == 0; i = run.end) {
		rc = nft_run_next(&l->order, l->ctx, type, false, i, &run, err);
		if (rc < 0 || nft_name_is_ours(run.key.name) != owned)
			continue;
		if (owned)
			follow_owner(l, &run);
		else
			rc = locate_chain(l, &run, err);
	}
	return rc;
}

int nft_locate(struct nft_located *l, struct nse_error *err)
{
	static const enum nft_type objects[] = { NFT_TABLE, NFT_OBJECT, NFT_CHAIN,
						 NFT_FLOWTABLE, NFT_SET };
	static const enum nft_type owned[] = { NFT_CHAIN, NFT_SET, NFT_ELEMENT,
					       NFT_RULE };
	uint32_t n = nse_context_slots(l->ctx);
	int rc;

	for (uint32_t s = 0; s < n; s++) {
		l->node[s] = NFT_NODE_NONE;
		l->found[s] = NFT_ABSENT;
	}
	rc = nft_host_load(&l->host, l->ctx, err);
	if (rc < 0 || !l->host.rs)
		return rc;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(objects) && rc == 0; i++)
		rc = locate_objects(l, objects[i], err);
	rc = rc ?: locate_runs(l, NFT_RULE, false, err);
	for (size_t i = 0; i < NSE_ARRAY_SIZE(owned) && rc == 0; i++)
		rc = locate_runs(l, owned[i], true, err);
	return rc;
}

struct look {
	struct nft_located *l;
	uint32_t set;
	nft_located_cb *cb;
	void *arg;
	struct nse_error *err;
};

static int on_element(void *arg, const struct nft_element *e)
{
	struct look *k = arg;
	struct nse_record live, rec;
	uint32_t slot;
	int rc = nft_encode_element(&k->l->host.enc, k->set, e, false, &live, k->err);

	if (rc < 0)
		return rc;
	slot = nse_context_find(k->l->ctx, live.kind, live.key);
	if (slot == NSE_CONTEXT_NONE || !nft_is_wanted(k->l, slot))
		return 0;
	nse_context_at(k->l->ctx, slot, &rec);
	note(k->l, slot, k->set, nft_element_alike(&rec, live.body));
	return k->cb ? k->cb(k->arg, slot, e) : 0;
}

int nft_locate_elements(struct nft_located *l, const struct nft_run *run,
			nft_located_cb *cb, void *arg, struct nse_error *err)
{
	struct look k = { .l = l, .cb = cb, .arg = arg, .err = err };

	if (!l->host.rs)
		return 0;
	k.set = nft_ruleset_resolve(l->host.rs, &run->key);
	if (k.set == NFT_NODE_NONE)
		return 0;
	return nft_host_elements(&l->host, l->ctx, &l->order, run, k.set, on_element, &k,
				 err);
}
