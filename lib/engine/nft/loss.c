/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * State that the kernel keeps to itself: neither limits nor counted connections
 * are in its dumps, so that nobody can restore them. Rules, sets and elements
 * that have such state are counted by what they are made of.
 */
#include "lib/engine/nft/loss.h"

#include <inttypes.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>

#include "lib/engine/nft/attr.h"
#include "lib/util/cleanup.h"

struct loss {
	const char *name; /* of the expression, or of xtables' extension */
	bool xt;
	enum nse_severity severity;
	const char *what;
};

static const struct loss losses[] = {
	{ "limit", false, NSE_NOTE, "a `limit` begins with its whole burst" },
	{ "connlimit", false, NSE_LOSS, "`ct count` begins to count at 0" },
	{ "limit", true, NSE_NOTE, "iptables' -m limit begins with its whole burst" },
	{ "hashlimit", true, NSE_LOSS,
	  "iptables' -m hashlimit forgets whom it has seen" },
	{ "connlimit", true, NSE_LOSS, "iptables' -m connlimit begins to count at 0" },
	{ "quota", true, NSE_LOSS, "iptables' -m quota begins with its whole quota" },
	{ "recent", true, NSE_LOSS, "iptables' -m recent forgets whom it has seen" },
};

#define COUNT NSE_ARRAY_SIZE(losses)

static bool is_name(struct nse_bytes name, const char *text)
{
	return name.n == strlen(text) && memcmp(name.p, text, name.n) == 0;
}

/* One expression: NFTA_EXPR_NAME and NFTA_EXPR_DATA. */
static uint32_t of_expr(struct nse_bytes expr)
{
	struct nse_bytes name = nft_attr_str(nft_attr_find(expr, NFTA_EXPR_NAME));
	bool xt = name.p && is_name(name, "match");
	uint32_t found = 0;

	if (xt)
		name = nft_attr_str(nft_attr_find(nft_attr_find(expr, NFTA_EXPR_DATA),
						  NFTA_MATCH_NAME));
	for (size_t i = 0; name.p && i < COUNT; i++)
		if (losses[i].xt == xt && is_name(name, losses[i].name))
			found |= 1u << i;
	return found;
}

static uint32_t of_list(struct nse_bytes list)
{
	struct nse_cur c = nse_cur(list.p, list.n);
	struct nft_attr a;
	uint32_t found = 0;

	while (nft_attr_next(&c, &a) > 0)
		found |= of_expr(a.data);
	return found;
}

/* What a record loses, as bits by the table. */
static uint32_t of_record(enum nft_type type, struct nse_bytes body)
{
	struct nse_bytes attrs = nft_body_attrs(type, body);

	if (type == NFT_RULE)
		return of_list(nft_attr_find(attrs, NFTA_RULE_EXPRESSIONS));
	return of_expr(nft_attr_find(attrs, NFTA_SET_ELEM_EXPR)) |
	       of_list(nft_attr_find(attrs, NFTA_SET_ELEM_EXPRESSIONS));
}

static void count_type(const struct nse_context *ctx, const struct nft_order *o,
		       enum nft_type type, uint64_t n[])
{
	const uint32_t *slots = o->slots + o->first[type][0];
	struct nse_record rec;

	for (uint32_t i = 0; i < o->count[type][0]; i++) {
		uint32_t found;

		nse_context_at(ctx, slots[i], &rec);
		found = of_record(type, rec.body);
		for (size_t k = 0; k < COUNT; k++)
			n[k] += found >> k & 1;
	}
}

int nft_loss_problems(const struct nse_context *ctx, const struct nft_order *o,
		      struct nse_problems *problems)
{
	uint64_t n[COUNT] = { 0 };
	int rc = 0;

	count_type(ctx, o, NFT_RULE, n);
	count_type(ctx, o, NFT_ELEMENT, n);
	for (size_t i = 0; i < COUNT && rc == 0; i++)
		if (n[i])
			rc = nse_problem_add(problems, losses[i].severity, "nft", NULL,
					     "%s: %" PRIu64 " rules or elements have it",
					     losses[i].what, n[i]);
	return rc;
}

int nft_losses(const struct nse_context *ctx, struct nse_problems *problems,
	       struct nse_error *err)
{
	NSE_CLEANUP(nft_order_release) struct nft_order o = { 0 };
	int rc = nft_order_make(&o, ctx) ?: nft_loss_problems(ctx, &o, problems);

	return rc < 0 ? nse_errno(err, rc, "looking for what the rules lose") : 0;
}
