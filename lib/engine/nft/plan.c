/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Deciding: objects by their names, then elements, then rules; what belongs to
 * a rule alone goes with its rule. An object that the host has is kept when it
 * is alike and refused otherwise; a dependency that it does not have is
 * refused, too.
 */
#include "lib/engine/nft/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/engine/nft/differ.h"
#include "lib/engine/nft/rule_list.h"
#include "lib/util/cleanup.h"

int nft_plan_init(struct nft_plan *p, struct nse_job *job, struct nse_error *err)
{
	int rc;

	*p = (struct nft_plan){ .job = job, .ctx = job->ctx };
	rc = nft_order_make(&p->order, job->ctx);
	if (rc == 0) {
		p->todo = calloc((size_t)nse_context_slots(job->ctx) + 1, 1);
		rc = p->todo ? 0 : -ENOMEM;
	}
	return rc < 0 ? nse_errno(err, rc, "installing rules") : 0;
}

void nft_plan_release(struct nft_plan *p)
{
	nft_order_release(&p->order);
	nft_host_release(&p->host);
	free(p->todo);
	free(p->before);
	p->todo = NULL;
	p->before = NULL;
}

void nft_plan_refuse(struct nft_plan *p, uint32_t slot, int code, const char *fmt, ...)
{
	NSE_FREE char *why = NULL;
	struct nse_record rec;
	struct nft_key key;
	char name[512];
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&why, fmt, ap) < 0)
		why = NULL;
	va_end(ap);
	if (!nse_context_at(p->ctx, slot, &rec) || nft_key_decode(&rec, &key, NULL) < 0)
		snprintf(name, sizeof(name), "a record");
	else
		nft_key_text(&key, name, sizeof(name));
	nse_job_refuse(p->job, slot, code, "%s %s", name,
		       why ? why : "cannot be installed");
	p->todo[slot] = NFT_REFUSE;
	p->refused = true;
}

void nft_plan_set(struct nft_plan *p, const struct nft_run *run, enum nft_todo todo)
{
	for (uint32_t i = run->first; i < run->end; i++)
		p->todo[p->order.slots[i]] = (uint8_t)todo;
}

uint32_t nft_plan_find(const struct nft_plan *p, enum nft_type type, bool need,
		       const struct nft_key *key)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(NSE_RECORD_MAX);
	struct nft_key k = *key;

	k.type = type;
	if (nft_key_encode(&k, &b) < 0)
		return NSE_CONTEXT_NONE;
	return nse_context_find(p->ctx, need ? &nft_need_kinds[type] : &nft_kinds[type],
				(struct nse_bytes){ b.data, b.len });
}

/* A table that the context does not speak of is none of its business. */
static bool has_table(struct nft_plan *p, const struct nft_key *key)
{
	return nft_plan_find(p, NFT_TABLE, false, key) != NSE_CONTEXT_NONE ||
	       nft_plan_find(p, NFT_TABLE, true, key) != NSE_CONTEXT_NONE;
}

static void refuse_missing(struct nft_plan *p, uint32_t slot)
{
	nft_plan_refuse(p, slot, -ENOENT,
			"is needed, and this host does not have it: make it here first, "
			"or carry it along with --carry-shared");
}

static int compare(struct nft_plan *p, uint32_t slot, const struct nft_key *key,
		   struct nse_bytes body, uint32_t node, struct nse_error *err)
{
	struct nse_record live;
	char what[256];
	int rc = nft_encode_node(&p->host.enc, node, true, &live, err);

	if (rc < 0)
		return rc;
	if (nse_bytes_equal(live.body, body)) {
		p->todo[slot] = NFT_KEEP;
		return 0;
	}
	nft_differ_text(key->type, body, live.body, what, sizeof(what));
	nft_plan_refuse(p, slot, -EEXIST,
			key->need ? "is needed, and this host has another one of that "
				    "name: they differ in %s"
				  : "exists already on this host, and is another one: "
				    "they differ in %s",
			what);
	return 0;
}

static int decide_object(struct nft_plan *p, uint32_t slot, struct nse_error *err)
{
	uint32_t node = NFT_NODE_NONE;
	struct nse_record rec;
	struct nft_key key;
	int rc;

	nse_context_at(p->ctx, slot, &rec);
	rc = nft_key_decode(&rec, &key, err);
	if (rc < 0 || nft_name_is_ours(key.name))
		return rc;
	if (p->host.rs)
		node = nft_ruleset_resolve(p->host.rs, &key);
	if (node != NFT_NODE_NONE)
		return compare(p, slot, &key, rec.body, node, err);
	if (key.need)
		refuse_missing(p, slot);
	else if (has_table(p, &key))
		p->todo[slot] = NFT_CREATE;
	else
		nft_plan_refuse(p, slot, -ENOENT, "has no table in this context");
	return 0;
}

static int decide_objects(struct nft_plan *p, struct nse_error *err)
{
	int rc = 0;

	for (int type = 0; type < NFT_TYPES; type++) {
		uint32_t first = p->order.first[type][1];
		uint32_t n = p->order.count[type][1] + p->order.count[type][0];

		if (type == NFT_ELEMENT || type == NFT_RULE)
			continue;
		for (uint32_t i = first; i < first + n && rc == 0; i++)
			rc = decide_object(p, p->order.slots[i], err);
	}
	return rc;
}

/* What became of the rule that "@CHAIN:RULE:K" leads to in the end. */
static enum nft_todo of_owner(const struct nft_plan *p, const struct nft_key *key)
{
	struct nft_key rule = *key;
	uint32_t k, slot;

	while (nft_name_is_ours(rule.name))
		if (!nft_name_split(rule.name, &rule.name, &rule.rule, &k))
			return NFT_UNDECIDED;
	slot = nft_plan_find(p, NFT_RULE, key->need, &rule);
	return slot == NSE_CONTEXT_NONE ? NFT_UNDECIDED : p->todo[slot];
}

/* Sets and chains of rules, and what is in them. */
static int decide_owned(struct nft_plan *p, enum nft_type type, bool need,
			struct nse_error *err)
{
	uint32_t i = p->order.first[type][need], end = i + p->order.count[type][need];
	struct nft_run run;

	for (; i < end; i = run.end) {
		int rc = nft_run_next(&p->order, p->ctx, type, need, i, &run, err);

		if (rc < 0)
			return rc;
		if (nft_name_is_ours(run.key.name))
			nft_plan_set(p, &run, of_owner(p, &run.key));
	}
	return 0;
}

static int decide_all_owned(struct nft_plan *p, struct nse_error *err)
{
	static const enum nft_type types[] = { NFT_CHAIN, NFT_SET, NFT_ELEMENT,
					       NFT_RULE };
	int rc = 0;

	for (size_t i = 0; i < NSE_ARRAY_SIZE(types) && rc == 0; i++)
		rc = decide_owned(p, types[i], true, err)
			     ?: decide_owned(p, types[i], false, err);
	return rc;
}

/* Nothing may be left without a decision; but a refusal leaves what hangs on it. */
static void refuse_stray(struct nft_plan *p)
{
	for (uint32_t i = 0; i < p->order.n && !p->refused; i++)
		if (p->todo[p->order.slots[i]] == NFT_UNDECIDED)
			nft_plan_refuse(p, p->order.slots[i], -ENOENT,
					"is part of something that is not in this "
					"context");
}

static void begin(struct nft_plan *p)
{
	for (uint32_t i = 0; i < p->order.n; i++) {
		uint32_t slot = p->order.slots[i];

		if (p->todo[slot] == NFT_REFUSE)
			nse_job_outcome(p->job, slot, NSE_UNTOUCHED);
		p->todo[slot] = NFT_UNDECIDED;
	}
	p->refused = false;
	free(p->before);
	p->before = NULL;
}

int nft_plan_decide(struct nft_plan *p, struct nse_error *err)
{
	int rc;

	begin(p);
	rc = nft_host_load(&p->host, p->ctx, err);
	rc = rc ?: decide_objects(p, err);
	rc = rc ?: nft_plan_elements(p, err);
	rc = rc ?: nft_plan_rules(p, err);
	rc = rc ?: decide_all_owned(p, err);
	if (rc == 0)
		refuse_stray(p);
	return rc;
}
