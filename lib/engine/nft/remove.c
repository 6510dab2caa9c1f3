/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Taking rules away: in one transaction, exactly what the records say. A table
 * or a chain that by now holds something of somebody else stays; so does what
 * others use, of which the kernel is the judge: what it finds in use is left
 * out, and the rest is tried again.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/nft_engine.h"
#include "lib/engine/nft/remove_batch.h"
#include "lib/util/cleanup.h"

#define BUF_SPARE (64u << 10)
#define RCVBUF	  (4u << 20)

/* How many things are in a table or chain, and how many of them go. */
struct content {
	uint32_t all, gone;
};

static void refuse_foreign(struct nft_removal *r, uint32_t slot, struct content c)
{
	r->goes[slot] = false;
	nse_job_keep(r->l.job, slot, -EBUSY,
		     "it stays: %u of the %u objects in it are not among the records",
		     c.all - c.gone, c.all);
}

static bool node_goes(const struct nft_removal *r, uint32_t node)
{
	uint32_t slot = r->slots[node];

	return slot != NSE_CONTEXT_NONE && r->goes[slot];
}

/* The rules of chains that would go. */
static void judge_chains(struct nft_removal *r)
{
	const struct nft_ruleset *rs = r->l.host.rs;

	for (uint32_t i = 0; i < rs->n; i++) {
		const struct nft_node *n = &rs->nodes[i];
		struct content c = { .all = n->nrules };

		if (n->type != NFT_CHAIN || !node_goes(r, i))
			continue;
		for (uint32_t k = 0; k < n->nrules; k++)
			c.gone += node_goes(r, n->first_rule + k);
		if (c.gone < c.all)
			refuse_foreign(r, r->slots[i], c);
	}
}

/* Everything that has a name in tables that would go. Rules go with chains. */
static int judge_tables(struct nft_removal *r, struct nse_error *err)
{
	const struct nft_ruleset *rs = r->l.host.rs;
	NSE_FREE struct content *c = calloc((size_t)rs->ntables + 1, sizeof(*c));

	if (!c)
		return nse_errno(err, -ENOMEM, "removing rules");
	for (uint32_t i = rs->ntables; i < rs->n; i++) {
		const struct nft_node *n = &rs->nodes[i];

		if (n->type == NFT_RULE || nft_node_is_owned(n))
			continue;
		c[n->table].all++;
		c[n->table].gone += node_goes(r, i);
	}
	for (uint32_t i = 0; i < rs->ntables; i++)
		if (node_goes(r, i) && c[i].gone < c[i].all)
			refuse_foreign(r, r->slots[i], c[i]);
	return 0;
}

/* A meter's set has a name, and goes with its rules as those without one do. */
static void judge_meters(struct nft_removal *r)
{
	const struct nft_ruleset *rs = r->l.host.rs;

	for (uint32_t i = 0; i < rs->n; i++) {
		const struct nft_node *n = &rs->nodes[i];

		if (n->type != NFT_SET || !(n->flags & NFT_SET_ANONYMOUS) ||
		    !node_goes(r, i) || node_goes(r, n->table))
			continue;
		for (uint32_t k = 0; k < n->nusers; k++)
			if (!node_goes(r, rs->refs[rs->users[n->first_user + k]].from))
				r->stays[r->slots[i]] = NFT_STAYS_BUSY;
		r->goes[r->slots[i]] = !r->stays[r->slots[i]];
	}
}

/* What is found goes, unless it is another one by now or was refused before. */
static int decide(struct nft_removal *r, struct nse_error *err)
{
	const struct nft_ruleset *rs = r->l.host.rs;

	free(r->slots);
	r->slots = NULL;
	if (!rs)
		return 0;
	r->slots = malloc(((size_t)rs->n + 1) * sizeof(*r->slots));
	if (!r->slots)
		return nse_errno(err, -ENOMEM, "removing rules");
	memset(r->slots, 0xff, ((size_t)rs->n + 1) * sizeof(*r->slots));
	for (uint32_t i = 0; i < r->l.order.n; i++) {
		uint32_t slot = r->l.order.slots[i];

		if (!nft_is_wanted(&r->l, slot) || r->l.node[slot] == NFT_NODE_NONE)
			continue;
		r->slots[r->l.node[slot]] = slot;
		r->goes[slot] = r->l.found[slot] == NFT_ALIKE && !r->stays[slot];
	}
	judge_chains(r);
	judge_meters(r);
	return judge_tables(r, err);
}

/* What of a set that goes is gone with it; elements of others by themselves. */
static void settle_elements(struct nft_removal *r)
{
	struct nft_located *l = &r->l;
	uint32_t i = l->order.first[NFT_ELEMENT][0];
	uint32_t end = i + l->order.count[NFT_ELEMENT][0];
	struct nft_run run;

	for (; i < end; i = run.end) {
		uint32_t set;

		if (nft_run_next(&l->order, l->ctx, NFT_ELEMENT, false, i, &run, NULL) <
		    0)
			return;
		if (nft_name_is_ours(run.key.name) || !l->host.rs)
			continue;
		set = nft_ruleset_resolve(l->host.rs, &run.key);
		if (set == NFT_NODE_NONE || !node_goes(r, set))
			continue;
		for (uint32_t k = run.first; k < run.end; k++)
			l->found[l->order.slots[k]] = NFT_ALIKE;
	}
}

static void publish_one(struct nft_removal *r, uint32_t slot)
{
	struct nse_job *job = r->l.job;

	if (r->stays[slot])
		nse_job_keep(job, slot,
			     r->stays[slot] == NFT_STAYS_BUSY ? -EBUSY : -EPERM,
			     r->stays[slot] == NFT_STAYS_BUSY
				     ? "it stays: something that is not among the "
				       "records uses it"
				     : "it stays: the kernel does not let it be removed");
	else if (r->l.found[slot] == NFT_ALIKE)
		nse_job_outcome(job, slot, r->gone);
	else if (r->l.found[slot] == NFT_DIFFERS)
		nse_job_keep(job, slot, -EEXIST,
			     "it stays: what has its name by now is another one");
	else
		nse_job_outcome(job, slot, r->absent);
}

/* Those that stay for what they contain have their outcome already. */
static void publish(struct nft_removal *r)
{
	struct nft_located *l = &r->l;
	enum nft_type type;
	struct nse_record rec;
	bool need;

	settle_elements(r);
	for (uint32_t i = 0; i < l->order.n; i++) {
		uint32_t slot = l->order.slots[i];

		if (!nft_is_wanted(l, slot))
			continue;
		nse_context_at(l->ctx, slot, &rec);
		nft_kind_of(rec.kind, &type, &need);
		if (!need)
			publish_one(r, slot);
	}
}

static void on_refused(void *arg, uint32_t slot, int code, const char *text)
{
	struct nft_removal *r = arg;

	(void)text;
	/* An element has expired since it was seen. */
	if (code == -ENOENT || slot == NFT_SLOT_NONE) {
		r->again = true;
		return;
	}
	r->stays[slot] = code == -EBUSY ? NFT_STAYS_BUSY : NFT_STAYS_REFUSED;
	r->again = true;
}

static int send_batch(struct nft_removal *r, struct nft_batch *batch,
		      struct nse_error *err)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	int rc = nse_nl_open(&nl, RCVBUF, batch->bytes.len + BUF_SPARE, err);

	rc = rc ?: nft_batch_send(nl, batch, r->l.host.genid, on_refused, r, err);
	return rc == -ERESTART || (rc == -ECANCELED && r->again) ? -EAGAIN : rc;
}

/* What stays for what it contains is decided anew each time. */
static void forget_outcomes(struct nft_removal *r)
{
	for (uint32_t i = 0; i < r->l.order.n; i++) {
		uint32_t slot = r->l.order.slots[i];

		if (r->wanted[slot] && r->l.job->outcome[slot] != r->l.which)
			nse_job_outcome(r->l.job, slot, r->l.which);
		r->goes[slot] = false;
	}
}

static int try_once(struct nft_removal *r, struct nse_error *err)
{
	NSE_CLEANUP(nft_batch_release) struct nft_batch batch;
	int rc;

	nft_batch_init(&batch);
	r->again = false;
	forget_outcomes(r);
	rc = nft_locate(&r->l, err) ?: decide(r, err);
	rc = rc ?: nft_remove_build(r, &batch, err);
	if (rc < 0 || (r->l.job->flags & NSE_JOB_DRY_RUN))
		return rc;
	return send_batch(r, &batch, err);
}

static void release(struct nft_removal *r)
{
	nft_locate_release(&r->l);
	free(r->slots);
	free(r->goes);
	free(r->stays);
	free(r->wanted);
}

static int init(struct nft_removal *r, struct nse_job *job, enum nse_outcome which,
		struct nse_error *err)
{
	size_t n = (size_t)nse_context_slots(job->ctx) + 1;
	int rc = nft_locate_init(&r->l, job, which, err);

	if (rc < 0)
		return rc;
	r->goes = calloc(n, 1);
	r->stays = calloc(n, 1);
	r->wanted = calloc(n, 1);
	if (!r->goes || !r->stays || !r->wanted)
		return nse_errno(err, -ENOMEM, "removing rules");
	for (uint32_t i = 0; i < r->l.order.n; i++)
		r->wanted[r->l.order.slots[i]] =
			job->outcome[r->l.order.slots[i]] == which;
	return 0;
}

static int remove_all(struct nft_removal *r, struct nse_job *job, enum nse_outcome which,
		      struct nse_error *err)
{
	int rc = init(r, job, which, err);

	if (rc < 0 || r->l.order.n == 0)
		return rc;
	rc = -EAGAIN;
	for (int try = 0; try < NFT_HOST_TRIES && rc == -EAGAIN; try++) {
		if (try)
			nft_host_wait(try);
		rc = try_once(r, err);
	}
	if (rc == 0) {
		publish(r);
		return 0;
	}
	forget_outcomes(r);
	if (rc == -EAGAIN)
		return nse_error(err, rc,
				 "the nf_tables ruleset of this host changed each of "
				 "%d times that rules were to be removed from it; stop "
				 "what changes it, or try again",
				 NFT_HOST_TRIES);
	return rc;
}

int nft_undo(struct nse_job *job, struct nse_error *err)
{
	NSE_CLEANUP(release)
	struct nft_removal r = { .gone = NSE_UNTOUCHED, .absent = NSE_UNTOUCHED };

	return job->flags & NSE_JOB_DRY_RUN ? 0 : remove_all(&r, job, NSE_CREATED, err);
}

int nft_remove(struct nse_job *job, struct nse_error *err)
{
	NSE_CLEANUP(release)
	struct nft_removal r = { .gone = NSE_REMOVED_OK, .absent = NSE_ABSENT };

	return remove_all(&r, job, NSE_UNTOUCHED, err);
}
