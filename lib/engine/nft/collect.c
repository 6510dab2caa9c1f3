/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From the kernel to the sink. Of the whole host everything is handed on as it
 * comes, elements straight out of the receive buffer; of a domain the closure
 * is found first, in a ruleset that has all elements in memory.
 */
#include <errno.h>
#include <poll.h>

#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/closure.h"
#include "lib/engine/nft/encode.h"
#include "lib/engine/nft/nft_engine.h"
#include "lib/engine/nft/ruleset.h"
#include "lib/util/cleanup.h"

#define TRIES 50
#define GUARD "nsemig-guard-"

struct collection {
	struct nse_nl *nl;
	const struct nft_ruleset *rs;
	const struct nse_sink *sink;
	struct nse_error *err;
	struct nft_encoder enc;
	uint32_t set; /* whose elements are being put */
	bool need;    /* as what */
	bool final;   /* what went wrong would do so again */
};

static int put(struct collection *c, const struct nse_record *rec)
{
	int rc = c->sink->put(c->sink->arg, rec);

	c->final = rc < 0;
	return rc;
}

static int put_node(struct collection *c, uint32_t node, bool need)
{
	struct nse_record rec;

	return nft_encode_node(&c->enc, node, need, &rec, c->err) ?: put(c, &rec);
}

static int put_element(void *arg, const struct nft_element *e)
{
	struct collection *c = arg;
	struct nse_record rec;
	int rc = nft_encode_element(&c->enc, c->set, e, c->need, &rec, c->err);

	return rc ?: put(c, &rec);
}

/* What a process holds by its socket goes with it; our own guard is such, too. */
static bool is_held(const struct nft_ruleset *rs, uint32_t node)
{
	const struct nft_node *table = &rs->nodes[rs->nodes[node].table];

	return (table->flags & NFT_TABLE_F_OWNER) ||
	       (table->name.n >= strlen(GUARD) &&
		memcmp(table->name.p, GUARD, strlen(GUARD)) == 0);
}

static int put_all_elements(struct collection *c, uint32_t set)
{
	const struct nft_node *n = &c->rs->nodes[set];
	int rc = 0;

	c->set = set;
	c->need = false;
	if (!n->loaded)
		return nft_ruleset_elements(c->nl, c->rs, set, put_element, c, c->err);
	for (uint32_t i = 0; i < n->nelements && rc == 0; i++)
		rc = put_element(c, &n->elements[i]);
	return rc;
}

static int begin(struct collection *c, const struct nft_numbering *as)
{
	int rc = nft_encoder_init(&c->enc, c->rs, as);

	return rc < 0 ? nse_errno(c->err, rc, "the records of nf_tables") : 0;
}

static int put_all(struct collection *c)
{
	int rc = begin(c, NULL);

	for (uint32_t i = 0; i < c->rs->n && rc == 0; i++) {
		if (is_held(c->rs, i))
			continue;
		rc = put_node(c, i, false);
		if (rc == 0 && c->rs->nodes[i].type == NFT_SET)
			rc = put_all_elements(c, i);
	}
	if (rc < 0)
		return rc;
	rc = nft_ruleset_current(c->nl, c->rs, c->err);
	return rc < 0 ? rc : rc ? 0 : -EAGAIN;
}

static int put_part(struct collection *c, const struct nft_closure *closure,
		    uint32_t node)
{
	const struct nft_node *n = &c->rs->nodes[node];
	const struct nft_member *parts = closure->elements[node];
	uint8_t part = closure->nodes[node].part;
	int rc = 0;

	if (part != NFT_NOT_OURS)
		rc = put_node(c, node, part != NFT_OURS);
	if (rc < 0 || n->type != NFT_SET)
		return rc;
	c->set = node;
	for (uint32_t i = 0; i < n->nelements && rc == 0; i++) {
		uint8_t p = parts ? parts[i].part : part;

		c->need = p != NFT_OURS;
		if (p != NFT_NOT_OURS)
			rc = put_element(c, &n->elements[i]);
	}
	return rc;
}

static int put_closure(struct collection *c, const struct nse_scope *scope)
{
	NSE_CLEANUP(nft_closure_release) struct nft_closure closure = { 0 };
	struct nft_numbering as;
	int rc = nft_closure_find(c->rs, scope, scope->carry_shared, &closure, c->err);

	if (rc < 0)
		return rc;
	as = (struct nft_numbering){ closure.number, closure.place };
	rc = begin(c, &as);
	for (uint32_t i = 0; i < c->rs->n && rc == 0; i++)
		if (!is_held(c->rs, i))
			rc = put_part(c, &closure, i);
	return rc;
}

static int collect_once(struct collection *c, const struct nse_scope *scope)
{
	NSE_CLEANUP(nft_ruleset_freep) struct nft_ruleset *rs = NULL;
	int rc = nft_ruleset_load(c->nl,
				  scope->all ? NFT_ELEMENTS_ANONYMOUS : NFT_ELEMENTS_ALL,
				  &rs, c->err);

	/* That has tried often enough. */
	c->final = rc < 0;
	if (rc < 0)
		return rc;
	c->rs = rs;
	rc = scope->all ? put_all(c) : put_closure(c, scope);
	nft_encoder_release(&c->enc);
	return rc;
}

int nft_collect(const struct nse_scope *scope, const struct nse_sink *sink,
		struct nse_error *err)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	struct collection c = { .sink = sink, .err = err };
	int rc;

	if (!scope->all && !scope->domain.naddrs && !scope->domain.nvifs &&
	    !scope->ntables && !scope->nchains)
		return 0;
	rc = nse_nl_open(&nl, 0, 0, err);
	if (rc < 0)
		return rc;
	c.nl = nl;
	for (int try = 0; try < TRIES; try++) {
		rc = collect_once(&c, scope);
		if (rc != -EAGAIN || c.final)
			return rc;
		rc = sink->reset(sink->arg, nft_kinds[NFT_TABLE].engine);
		if (rc < 0)
			return rc;
		poll(NULL, 0, 1 + 2 * try);
	}
	return nse_error(
		err, -EAGAIN,
		"the nf_tables ruleset did not keep still: it changed while its "
		"sets were read, %d times in a row; stop what changes it, or try "
		"again",
		TRIES);
}
