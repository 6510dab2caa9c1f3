/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The messages of a removal. A table that goes takes all that is in it along;
 * a chain takes its rules, a rule its own sets and chains, a set its elements.
 */
#include "lib/engine/nft/remove_batch.h"

#include <errno.h>

#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/build.h"
#include "lib/engine/nft/interval.h"
#include "lib/util/cleanup.h"

#define ELEMENTS_FULL (32u << 10) /* bytes of one message */

struct making {
	struct nft_removal *r;
	struct nft_batch *batch;
	const struct nft_run *run; /* of elements */
	struct nft_edges found;	   /* of these, what goes */
	bool open;
	long list;
};

static bool goes(const struct nft_removal *r, uint32_t node)
{
	uint32_t slot = r->slots[node];

	return slot != NSE_CONTEXT_NONE && r->goes[slot];
}

static struct nse_bytes table_of(const struct nft_removal *r, const struct nft_node *n)
{
	return r->l.host.rs->nodes[n->table].name;
}

static int open_message(struct making *m, uint16_t type, uint32_t node)
{
	return nft_batch_open(m->batch, type, 0, m->r->l.host.rs->nodes[node].family,
			      m->r->slots[node]);
}

/* All rules of a chain, or one by its handle. */
static int remove_rules(struct making *m, uint32_t chain, uint32_t rule)
{
	const struct nft_ruleset *rs = m->r->l.host.rs;
	const struct nft_node *n = &rs->nodes[chain];
	uint32_t node = rule == NFT_NODE_NONE ? chain : rule;
	struct nse_buf *b = &m->batch->bytes;
	int rc = open_message(m, NFT_MSG_DELRULE, node);

	rc = rc ?: nft_put_str(b, NFTA_RULE_TABLE, table_of(m->r, n)) ?:
	     nft_put_str(b, NFTA_RULE_CHAIN, n->name);
	if (rc == 0 && rule != NFT_NODE_NONE)
		rc = nft_put_u64(b, NFTA_RULE_HANDLE, rs->nodes[rule].handle);
	return rc ?: nft_batch_close(m->batch);
}

static int remove_all_rules(struct making *m)
{
	const struct nft_ruleset *rs = m->r->l.host.rs;
	int rc = 0;

	for (uint32_t i = 0; i < rs->n && rc == 0; i++) {
		const struct nft_node *n = &rs->nodes[i];

		if (goes(m->r, n->table))
			continue;
		if (n->type == NFT_CHAIN && n->nrules && goes(m->r, i))
			rc = remove_rules(m, i, NFT_NODE_NONE);
		else if (n->type == NFT_RULE && goes(m->r, i) && !goes(m->r, n->chain))
			rc = remove_rules(m, n->chain, i);
	}
	return rc;
}

static int close_elements(struct making *m)
{
	if (!m->open)
		return 0;
	m->open = false;
	return nft_nest_end(&m->batch->bytes, m->list) ?: nft_batch_close(m->batch);
}

static int open_elements(struct making *m, uint32_t slot)
{
	struct nse_buf *b = &m->batch->bytes;
	const struct nft_key *key = &m->run->key;
	int rc = nft_batch_open(m->batch, NFT_MSG_DELSETELEM, 0, key->family, slot);

	rc = rc ?: nft_put_str(b, NFTA_SET_ELEM_LIST_TABLE, key->table) ?:
	     nft_put_str(b, NFTA_SET_ELEM_LIST_SET, key->name);
	if (rc < 0)
		return rc;
	m->list = nft_nest(b, NFTA_SET_ELEM_LIST_ELEMENTS);
	m->open = m->list >= 0;
	return m->open ? 0 : (int)m->list;
}

static int put_element(struct making *m, const struct nft_edge *e)
{
	struct nse_buf *b = &m->batch->bytes;
	uint32_t flags = e->kind == NFT_ELEMENT_END	   ? NFT_SET_ELEM_INTERVAL_END
			 : e->kind == NFT_ELEMENT_CATCHALL ? NFT_SET_ELEM_CATCHALL
							   : 0;
	long at = nft_nest(b, NFTA_LIST_ELEM);
	int rc = at < 0 ? (int)at
			: nft_build_element_key(b, e->kind, nft_edge_bytes(&m->found, e));

	if (rc == 0 && flags)
		rc = nft_put_u32(b, NFTA_SET_ELEM_FLAGS, flags);
	return rc ?: nft_nest_end(b, at);
}

static int on_element(void *arg, uint32_t slot, const struct nft_element *e)
{
	struct making *m = arg;

	if (m->r->l.found[slot] != NFT_ALIKE || m->r->stays[slot])
		return 0;
	return nft_edges_add(&m->found, e->bytes, e->kind, slot);
}

/* An interval's start goes ahead of its end: newer kernels ask for that. */
static int put_elements(struct making *m, bool intervals)
{
	int rc = 0;

	if (intervals)
		nft_edges_sort(&m->found);
	for (size_t i = 0; i < m->found.n && rc == 0; i++) {
		const struct nft_edge *e = &m->found.edges[i];

		if (m->open && m->batch->bytes.len - m->batch->open > ELEMENTS_FULL)
			rc = close_elements(m);
		if (rc == 0 && !m->open)
			rc = open_elements(m, e->tag);
		rc = rc ?: put_element(m, e);
	}
	return rc ?: close_elements(m);
}

static int remove_elements(struct making *m, const struct nft_run *run,
			   struct nse_error *err)
{
	struct nft_located *l = &m->r->l;
	uint32_t set = nft_ruleset_resolve(l->host.rs, &run->key);
	bool any = false;
	int rc;

	if (set == NFT_NODE_NONE || goes(m->r, set) ||
	    goes(m->r, l->host.rs->nodes[set].table))
		return 0;
	for (uint32_t i = run->first; i < run->end && !any; i++)
		any = nft_is_wanted(l, l->order.slots[i]);
	if (!any)
		return 0;
	m->run = run;
	nft_edges_init(&m->found);
	rc = nft_locate_elements(l, run, on_element, m, err);
	rc = rc ?: put_elements(m, l->host.rs->nodes[set].layout->interval);
	nft_edges_release(&m->found);
	return rc;
}

static int remove_all_elements(struct making *m, struct nse_error *err)
{
	struct nft_located *l = &m->r->l;
	uint32_t i = l->order.first[NFT_ELEMENT][0];
	uint32_t end = i + l->order.count[NFT_ELEMENT][0];
	struct nft_run run;
	int rc = 0;

	for (; i < end && rc == 0; i = run.end) {
		rc = nft_run_next(&l->order, l->ctx, NFT_ELEMENT, false, i, &run, err);
		if (rc == 0 && !nft_name_is_ours(run.key.name))
			rc = remove_elements(m, &run, err);
	}
	return rc;
}

static const struct {
	enum nft_type type;
	uint16_t msg, table, name, objtype;
} removals[] = {
	{ NFT_SET, NFT_MSG_DELSET, NFTA_SET_TABLE, NFTA_SET_NAME, 0 },
	{ NFT_FLOWTABLE, NFT_MSG_DELFLOWTABLE, NFTA_FLOWTABLE_TABLE, NFTA_FLOWTABLE_NAME,
	  0 },
	{ NFT_OBJECT, NFT_MSG_DELOBJ, NFTA_OBJ_TABLE, NFTA_OBJ_NAME, NFTA_OBJ_TYPE },
	{ NFT_CHAIN, NFT_MSG_DELCHAIN, NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME, 0 },
};

static int remove_type(struct making *m, size_t k)
{
	const struct nft_ruleset *rs = m->r->l.host.rs;
	struct nse_buf *b = &m->batch->bytes;
	int rc = 0;

	for (uint32_t i = 0; i < rs->n && rc == 0; i++) {
		const struct nft_node *n = &rs->nodes[i];

		/* Anonymous sets (meters) go with their rules. */
		if (n->type != removals[k].type || nft_node_is_owned(n) ||
		    (n->type == NFT_SET && (n->flags & NFT_SET_ANONYMOUS)) ||
		    !goes(m->r, i) || goes(m->r, n->table))
			continue;
		rc = open_message(m, removals[k].msg, i);
		rc = rc ?: nft_put_str(b, removals[k].table, table_of(m->r, n)) ?:
		     nft_put_str(b, removals[k].name, n->name);
		if (rc == 0 && removals[k].objtype)
			rc = nft_put_u32(b, removals[k].objtype, n->objtype);
		rc = rc ?: nft_batch_close(m->batch);
	}
	return rc;
}

static int remove_tables(struct making *m)
{
	const struct nft_ruleset *rs = m->r->l.host.rs;
	int rc = 0;

	for (uint32_t i = 0; i < rs->ntables && rc == 0; i++) {
		if (!goes(m->r, i))
			continue;
		rc = open_message(m, NFT_MSG_DELTABLE, i);
		rc = rc ?: nft_put_str(&m->batch->bytes, NFTA_TABLE_NAME,
				       rs->nodes[i].name) ?:
		     nft_batch_close(m->batch);
	}
	return rc;
}

int nft_remove_build(struct nft_removal *r, struct nft_batch *batch,
		     struct nse_error *err)
{
	struct making m = { .r = r, .batch = batch };
	int rc;

	if (!r->l.host.rs)
		return 0;
	rc = remove_all_rules(&m);
	rc = rc ?: remove_all_elements(&m, err);
	for (size_t k = 0; k < NSE_ARRAY_SIZE(removals) && rc == 0; k++)
		rc = remove_type(&m, k);
	rc = rc ?: remove_tables(&m);
	if (rc == -ENOMEM || rc == -EMSGSIZE)
		return nse_errno(err, rc, "removing rules");
	return rc;
}
