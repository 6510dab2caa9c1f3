/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The closure once more, for its reasons: collecting has no use for them.
 */
#include "lib/engine/nft/explain.h"

#include <stdio.h>

#include "lib/engine/nft/closure.h"
#include "lib/engine/nft/encode.h"
#include "lib/engine/nft/ruleset.h"
#include "lib/util/cleanup.h"

#define TEXT 1024

struct explanation {
	const struct nft_ruleset *rs;
	struct nft_closure closure;
	struct nft_encoder enc;
	nft_explain_cb *cb;
	void *arg;
	struct nse_error *err;
};

static int tell(struct explanation *x, const struct nse_record *rec, uint32_t node,
		uint32_t element)
{
	char why[TEXT];

	nft_closure_why(x->rs, &x->closure, node, element, why, sizeof(why));
	return x->cb(x->arg, rec, why);
}

static int tell_node(struct explanation *x, uint32_t node)
{
	uint8_t part = x->closure.nodes[node].part;
	struct nse_record rec;
	int rc;

	if (part == NFT_NOT_OURS)
		return 0;
	rc = nft_encode_node(&x->enc, node, part != NFT_OURS, &rec, x->err);
	return rc < 0 ? rc : tell(x, &rec, node, NFT_NODE_NONE);
}

/* Elements of a set that is of one part are in with it, without a reason more. */
static int tell_elements(struct explanation *x, uint32_t set)
{
	const struct nft_member *parts = x->closure.elements[set];
	const struct nft_node *n = &x->rs->nodes[set];
	struct nse_record rec;
	int rc = 0;

	for (uint32_t i = 0; parts && i < n->nelements && rc == 0; i++) {
		if (parts[i].part == NFT_NOT_OURS)
			continue;
		rc = nft_encode_element(&x->enc, set, &n->elements[i],
					parts[i].part != NFT_OURS, &rec, x->err);
		if (rc == 0)
			rc = tell(x, &rec, set, i);
	}
	return rc;
}

/* What names the domain and stays where it is. */
static int tell_staying(struct explanation *x, uint32_t node)
{
	const struct nft_node *n = &x->rs->nodes[node];
	struct nft_key key = { .type = n->type,
			       .family = n->family,
			       .table = x->rs->nodes[n->table].name,
			       .name = n->name,
			       .objtype = n->objtype,
			       .rule = n->number };
	char name[TEXT / 2], why[TEXT / 2], text[TEXT + 2];

	if (n->type == NFT_RULE)
		key.name = x->rs->nodes[n->chain].name;
	nft_key_text(&key, name, sizeof(name));
	/* As a part of the skeleton it has another reason. */
	if (x->closure.nodes[node].reason == NFT_WHY_HELD)
		nft_closure_why(x->rs, &x->closure, node, NFT_NODE_NONE, why,
				sizeof(why));
	else
		snprintf(why, sizeof(why), "names others together with the domain");
	snprintf(text, sizeof(text), "%s %s", name, why);
	return x->cb(x->arg, NULL, text);
}

static int tell_all(struct explanation *x)
{
	const struct nft_numbering as = { x->closure.number, x->closure.place };
	int rc = nft_encoder_init(&x->enc, x->rs, &as);

	if (rc < 0)
		return nse_errno(x->err, rc, "the reasons of the rules");
	for (uint32_t i = 0; i < x->rs->n && rc == 0; i++) {
		rc = tell_node(x, i);
		if (rc == 0 && x->rs->nodes[i].type == NFT_SET)
			rc = tell_elements(x, i);
	}
	for (uint32_t i = 0; i < x->closure.nshared && rc == 0; i++)
		rc = tell_staying(x, x->closure.shared[i]);
	nft_encoder_release(&x->enc);
	return rc;
}

int nft_explain(const struct nse_scope *scope, nft_explain_cb *cb, void *arg,
		struct nse_error *err)
{
	NSE_CLEANUP(nft_ruleset_freep) struct nft_ruleset *rs = NULL;
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	struct explanation x = { .cb = cb, .arg = arg, .err = err };
	int rc;

	if (scope->all)
		return 0;
	rc = nse_nl_open(&nl, 0, 0, err)
		     ?: nft_ruleset_load(nl, NFT_ELEMENTS_ALL, &rs, err);
	if (rc < 0)
		return rc;
	x.rs = rs;
	rc = nft_closure_find(rs, scope, scope->carry_shared, &x.closure, err);
	if (rc == 0)
		rc = tell_all(&x);
	nft_closure_release(&x.closure);
	return rc;
}
