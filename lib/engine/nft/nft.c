/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The nft engine's table, and what needs no file of its own: facts about the
 * host, and the steps in which there is nothing to do for rules.
 */
#include "lib/engine/nft/nft.h"

#include <errno.h>

#include <linux/netfilter/nfnetlink.h>

#include "lib/engine/nft/loss.h"
#include "lib/engine/nft/nft_engine.h"
#include "lib/engine/nft/object.h"
#include "lib/engine/nft/relocate.h"
#include "lib/engine/nft/rule_diff.h"
#include "lib/engine/nft/ruleset.h"
#include "lib/util/cleanup.h"

#define AREA "nft"

static int count_types(const struct nft_ruleset *rs, json_t *o)
{
	json_int_t counts[NFT_TYPES] = { 0 };
	char name[32];

	for (uint32_t i = 0; i < rs->n; i++)
		counts[rs->nodes[i].type]++;
	for (int i = 0; i < NFT_TYPES; i++) {
		if (i == NFT_ELEMENT)
			continue;
		snprintf(name, sizeof(name), "%ss", nft_kinds[i].type);
		if (json_object_set_new(o, name, json_integer(counts[i])) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Is there nf_tables, and what is in it? */
int nft_facts(json_t *facts, struct nse_error *err)
{
	NSE_CLEANUP(nft_ruleset_freep) struct nft_ruleset *rs = NULL;
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	json_t *o = json_object();
	int rc;

	if (!o || json_object_set_new(facts, AREA, o) < 0)
		return nse_errno(err, -ENOMEM, "facts about nf_tables");
	rc = nse_nl_open(&nl, 0, 0, err)
		     ?: nft_ruleset_load(nl, NFT_ELEMENTS_NONE, &rs, err);
	if (rc < 0)
		return rc;
	/* Where there is nf_tables its generations count from 1. */
	if (json_object_set_new(o, "available", json_boolean(rs->genid != 0)) < 0 ||
	    count_types(rs, o) < 0)
		return nse_errno(err, -ENOMEM, "facts about nf_tables");
	return 0;
}

/* Nothing is installed preliminarily. */
static int settle(struct nse_job *job, struct nse_error *err)
{
	(void)job;
	(void)err;
	return 0;
}

/* What others use too is a dependency, and no record of the domain. */
static bool shared(const struct nse_record *rec, const struct nse_scope *scope,
		   const struct nse_addr *local, size_t nlocal)
{
	(void)rec;
	(void)scope;
	(void)local;
	(void)nlocal;
	return false;
}

static const unsigned int news[] = {
	NFNLGRP_NFTABLES,
	0,
};

static const char *const fields[] = {
	"family",     "table",	  "name",	 "order",      "flags",
	"comment",    "userdata", "expressions", "interfaces", "packets",
	"bytes",      "used",	  "last_set",	 "last_ms",    "more",
	"type",	      "hook",	  "priority",	 "policy",     "device",
	"devices",    "counters", "limit",	 "rate",       "unit",
	"per",	      "burst",	  "count",	 "mss",	       "wscale",
	"context",    "id",	  "tos",	 "ttl",	       "sport",
	"dport",      "helper",	  "l3proto",	 "l4proto",    "timeouts",
	"timeout_ms", "size",	  "hook_number", "key_type",   "data_type",
	"key_len",    "data_len", "field_lens",	 "objects",    "gc_interval_ms",
	"set",	      "kind",	  "hex",	 "element",    "data",
	"verdict",    "chain",	  "object",	 "expires_ms", "number",
	"place",      "digest",	  NULL
};

const struct nse_engine nse_engine_nft = {
	.name = "nft",
	.types = nft_type_names,
	.fields = fields,
	.news = news,
	.facts = nft_facts,
	.preflight = nft_preflight,
	.losses = nft_losses,
	.collect = nft_collect,
	.check = nft_check,
	.in_scope = nft_in_scope,
	.admit = nft_admit,
	.shared = shared,
	.relocate = nft_relocate,
	.relocate_all = nft_relocate_context,
	.install = nft_install,
	.settle = settle,
	.verify = nft_verify,
	.undo = nft_undo,
	.remove = nft_remove,
	.rediff = nft_rule_diff,
	.describe = nft_describe,
};
