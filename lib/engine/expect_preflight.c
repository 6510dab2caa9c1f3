/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What this host can do with expectations, and what stands against those that
 * would come.
 */
#include "lib/engine/expect_engine.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <linux/netfilter/nf_conntrack_common.h>

#include "lib/engine/ct_host.h"
#include "lib/engine/expect_host.h"
#include "lib/util/cleanup.h"

#define AREA	 "expect"
#define EACH_MAX 20 /* refusals that are told one by one */

/* How many there are on this host: 0 or more, or -errno. */
static int64_t count_all(struct nse_error *err)
{
	NSE_CLEANUP(nse_expect_list_release) struct nse_expect_list l = { 0 };
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	int rc = nse_expect_open(&nl, err);

	if (rc == 0)
		rc = nse_expect_host_all(nl, &l, err);
	return rc < 0 ? rc : (int64_t)l.n;
}

/* What the kernel answers when it has no expectations at all. */
static bool lacks(int64_t rc)
{
	return rc == -EINVAL || rc == -EOPNOTSUPP || rc == -EPROTONOSUPPORT;
}

int nse_expect_facts(json_t *facts, struct nse_error *err)
{
	int64_t count = count_all(err), max = ct_host_sysctl("expect_max");
	json_t *o;

	if (count < 0 && !lacks(count))
		return (int)count;
	o = json_pack("{s:b}", "available", count >= 0);
	if (!o || json_object_set_new(facts, AREA, o) < 0)
		return nse_errno(err, -ENOMEM, "facts about expectations");
	if (count >= 0 && json_object_set_new(o, "count", json_integer(count)) < 0)
		return nse_errno(err, -ENOMEM, "facts about expectations");
	if (max >= 0 && json_object_set_new(o, "max", json_integer(max)) < 0)
		return nse_errno(err, -ENOMEM, "facts about expectations");
	return 0;
}

struct needs {
	uint64_t records, userspace, ras;
};

static void find_needs(const struct nse_context *ctx, struct needs *n)
{
	struct nse_record rec;
	struct nse_expect e;

	for (uint32_t s = 0; s < nse_context_slots(ctx); s++) {
		if (!nse_context_at(ctx, s, &rec) || !nse_expect_is(&rec) ||
		    nse_expect_decode(&rec, &e, NULL) < 0)
			continue;
		n->records++;
		n->userspace += (e.flags & NF_CT_EXPECT_USERSPACE) != 0;
		n->ras += strcmp(e.helper, "RAS") == 0;
	}
}

static int room_problem(const struct needs *n, int64_t count, struct nse_problems *p)
{
	int64_t max = ct_host_sysctl("expect_max");
	char mend[96];

	if (max < 0 || count + (int64_t)n->records <= max)
		return 0;
	snprintf(mend, sizeof(mend),
		 "sysctl -w net.netfilter.nf_conntrack_expect_max=%" PRIu64,
		 (uint64_t)count + 2 * n->records);
	return nse_problem_add(p, NSE_FAIL, AREA, mend,
			       "no room for %" PRIu64 " expectations: there are %" PRId64
			       " of max %" PRId64,
			       n->records, count, max);
}

static int loss_problems(const struct needs *n, struct nse_problems *p)
{
	int rc = 0;

	if (n->userspace)
		rc = nse_problem_add(p, NSE_LOSS, AREA,
				     "let the helper's daemon run on both hosts",
				     "%" PRIu64 " expectations are of helpers in user "
				     "space; they arrive without that mark, which the "
				     "kernel lets nobody set",
				     n->userspace);
	if (rc == 0 && n->ras)
		rc = nse_problem_add(p, NSE_LOSS, AREA,
				     "give calls their helper by a rule (ct helper set)",
				     "%" PRIu64 " expectations are of H.323 RAS: the "
				     "kernel lets nobody say that the expected call has "
				     "the helper Q.931",
				     n->ras);
	return rc;
}

/* What a dry run refuses. */
static int refusal_problems(const struct nse_context *ctx, struct nse_problems *p,
			    struct nse_error *err)
{
	struct nse_job job;
	int rc = nse_job_init(&job, ctx, NSE_JOB_DRY_RUN);

	if (rc < 0)
		return nse_errno(err, rc, "the preflight of expectations");
	rc = nse_expect_install(&job, err);
	for (size_t i = 0; rc == 0 && i < job.nrefusals && i < EACH_MAX; i++)
		rc = nse_problem_add(p, NSE_FAIL, AREA, NULL, "%s", job.refusals[i].why);
	if (rc == 0 && job.refused > EACH_MAX)
		rc = nse_problem_add(p, NSE_FAIL, AREA, NULL,
				     "%" PRIu64 " more expectations would be refused",
				     job.refused - EACH_MAX);
	nse_job_release(&job);
	return rc;
}

int nse_expect_preflight(const struct nse_context *ctx, const struct nse_arrival *as,
			 struct nse_problems *problems, struct nse_error *err)
{
	struct needs n = { 0 };
	int64_t count;

	(void)as;
	if (ctx)
		find_needs(ctx, &n);
	if (!n.records)
		return 0;
	count = count_all(err);
	if (lacks(count))
		return nse_problem_add(problems, NSE_FAIL, AREA,
				       "modprobe nf_conntrack_netlink",
				       "this kernel takes no expectations, and %" PRIu64
				       " would come",
				       n.records);
	if (count < 0)
		return (int)count;
	return room_problem(&n, count, problems) ?: loss_problems(&n, problems) ?:
	       refusal_problems(ctx, problems, err);
}
