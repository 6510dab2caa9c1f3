/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Elements that go into sets which this host has already: those that are there
 * alike are kept, missing ones are added, and one with other data is refused.
 * An interval is looked at as a whole, and must not lie across another.
 */
#include "lib/engine/nft/plan.h"

#include <errno.h>
#include <stdio.h>

#include "lib/engine/nft/differ.h"
#include "lib/engine/nft/interval.h"
#include "lib/util/cleanup.h"

/* One set, and our records for it. */
struct look {
	struct nft_plan *p;
	const struct nft_run *run;
	uint32_t node;
	bool need;
	bool intervals;
	uint32_t there; /* elements that the host has */
	struct nft_edges host;
	struct nse_error *err;
};

static int on_element(void *arg, const struct nft_element *e)
{
	struct look *l = arg;
	struct nft_plan *p = l->p;
	uint32_t slot = NSE_CONTEXT_NONE;
	struct nse_record live, rec;
	char what[256];
	int rc;

	l->there++;
	if (l->intervals && e->kind <= NFT_ELEMENT_PLAIN) {
		rc = nft_edges_add(&l->host, e->bytes, e->kind, 0);
		if (rc < 0)
			return rc;
	}
	rc = nft_encode_element(&p->host.enc, l->node, e, l->need, &live, l->err);
	if (rc < 0)
		return rc;
	slot = nse_context_find(p->ctx, live.kind, live.key);
	if (slot == NSE_CONTEXT_NONE || p->todo[slot] == NFT_REFUSE)
		return 0;
	nse_context_at(p->ctx, slot, &rec);
	if (nft_element_alike(&rec, live.body)) {
		p->todo[slot] = NFT_KEEP;
		return 0;
	}
	nft_differ_text(NFT_ELEMENT, rec.body, live.body, what, sizeof(what));
	nft_plan_refuse(p, slot, -EEXIST, "exists already on this host with another %s",
			what);
	return 0;
}

static int our_edges(const struct look *l, struct nft_edges *ours)
{
	struct nse_record rec;
	struct nft_key key;
	int rc = 0;

	for (uint32_t i = l->run->first; i < l->run->end && rc == 0; i++) {
		uint32_t slot = l->p->order.slots[i];

		nse_context_at(l->p->ctx, slot, &rec);
		rc = nft_key_decode(&rec, &key, l->err);
		if (rc == 0 && key.kind <= NFT_ELEMENT_PLAIN)
			rc = nft_edges_add(ours, key.bytes, key.kind, slot);
	}
	nft_edges_sort(ours);
	return rc;
}

static void hex(struct nse_bytes b, char *text, size_t room)
{
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < b.n && len + 3 < room; i++)
		len += (size_t)snprintf(text + len, room - len, "%02x", b.p[i]);
}

/* What an interval of ours comes to beside one of the host that it meets. */
static void meet(struct look *l, const struct nft_edges *ours,
		 const struct nft_interval *a, const struct nft_interval *b)
{
	char from[68], to[68] = "the last value";

	/* When it is the same the comparison of its elements has decided. */
	if (nft_interval_equal(ours, a, &l->host, b))
		return;
	hex(nft_edge_bytes(&l->host, b->from), from, sizeof(from));
	if (b->to)
		hex(nft_edge_bytes(&l->host, b->to), to, sizeof(to));
	nft_plan_refuse(l->p, a->from->tag, -EEXIST,
			"begins an interval that lies across one that the set has on "
			"this host, from 0x%s to before %s%s",
			from, b->to ? "0x" : "", to);
}

static void create(struct nft_plan *p, uint32_t slot)
{
	if (p->todo[slot] == NFT_UNDECIDED || p->todo[slot] == NFT_KEEP)
		p->todo[slot] = NFT_CREATE;
}

static void decide_intervals(struct look *l, const struct nft_edges *ours)
{
	size_t i = 0, j = 0;
	struct nft_interval a, b;
	bool more = nft_edges_next(&l->host, &j, &b);

	while (nft_edges_next(ours, &i, &a)) {
		while (more && nft_interval_cmp(&l->host, &b, ours, &a) < 0)
			more = nft_edges_next(&l->host, &j, &b);
		if (more && nft_interval_cmp(&l->host, &b, ours, &a) == 0) {
			meet(l, ours, &a, &b);
			continue;
		}
		create(l->p, a.from->tag);
		if (a.closed)
			create(l->p, a.to->tag);
	}
}

/*
 * An end that ends nothing stands before the first interval of a set that nft
 * has made. A set that has elements has it or does without.
 */
static void decide_rest(struct look *l)
{
	struct nft_plan *p = l->p;

	for (uint32_t i = l->run->first; i < l->run->end; i++) {
		uint32_t slot = p->order.slots[i];
		struct nse_record rec;
		bool end;

		if (p->todo[slot] != NFT_UNDECIDED)
			continue;
		nse_context_at(p->ctx, slot, &rec);
		end = rec.key.p[rec.key.n - 1] == NFT_ELEMENT_END;
		if (l->need)
			nft_plan_refuse(p, slot, -ENOENT,
					"is needed, and this host does not have it");
		else
			p->todo[slot] =
				l->intervals && end && l->there ? NFT_KEEP : NFT_CREATE;
	}
}

static int look_at(struct look *l)
{
	NSE_CLEANUP(nft_edges_release) struct nft_edges ours;
	struct nft_host *h = &l->p->host;
	int rc;

	nft_edges_init(&ours);
	rc = nft_host_elements(h, l->p->ctx, &l->p->order, l->run, l->node, on_element, l,
			       l->err);
	if (rc == 0 && l->intervals && !l->need) {
		nft_edges_sort(&l->host);
		rc = our_edges(l, &ours);
		if (rc == 0)
			decide_intervals(l, &ours);
	}
	if (rc == 0)
		decide_rest(l);
	return rc;
}

static int decide_set(struct nft_plan *p, const struct nft_run *run, bool need,
		      struct nse_error *err)
{
	struct look l = { .p = p, .run = run, .need = need, .err = err };
	uint32_t set = nft_plan_find(p, NFT_SET, need, &run->key);
	int rc;

	if (set == NSE_CONTEXT_NONE)
		set = nft_plan_find(p, NFT_SET, !need, &run->key);
	if (set == NSE_CONTEXT_NONE || p->todo[set] == NFT_REFUSE)
		return 0;
	if (p->todo[set] == NFT_CREATE) {
		nft_plan_set(p, run, NFT_CREATE);
		return 0;
	}
	l.node = nft_ruleset_resolve(p->host.rs, &run->key);
	if (l.node == NFT_NODE_NONE)
		return 0;
	l.intervals = p->host.rs->nodes[l.node].layout->interval;
	nft_edges_init(&l.host);
	rc = look_at(&l);
	nft_edges_release(&l.host);
	return rc;
}

int nft_plan_elements(struct nft_plan *p, struct nse_error *err)
{
	int rc = 0;

	for (int need = 1; need >= 0 && rc == 0; need--) {
		uint32_t i = p->order.first[NFT_ELEMENT][need];
		uint32_t end = i + p->order.count[NFT_ELEMENT][need];
		struct nft_run run;

		for (; i < end && rc == 0; i = run.end) {
			rc = nft_run_next(&p->order, p->ctx, NFT_ELEMENT, need, i, &run,
					  err);
			if (rc == 0 && !nft_name_is_ours(run.key.name))
				rc = decide_set(p, &run, need, err);
		}
	}
	return rc;
}
