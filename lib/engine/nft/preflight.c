/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What stands against a context that would come: it is installed in a dry run,
 * whose refusals are the clashes, the missing dependencies and the skeletons
 * that differ, and tried in a throw-away namespace of this kernel.
 */
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "lib/engine/nft/build_order.h"
#include "lib/engine/nft/loss.h"
#include "lib/engine/nft/ifindex.h"
#include "lib/engine/nft/nft_engine.h"
#include "lib/engine/nft/preflight_devices.h"
#include "lib/engine/nft/preflight_mend.h"
#include "lib/engine/nft/ruleset_load.h"
#include "lib/engine/nft/trial.h"
#include "lib/util/cleanup.h"

#define AREA	 "nft"
#define EACH_MAX 20 /* refusals that are told one by one */

/* 1 or 0: is there nf_tables? */
static int available(struct nse_error *err)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	struct nse_error unused;
	uint32_t genid;
	int rc = nse_nl_open(&nl, 0, 0, err);

	if (rc < 0)
		return rc;
	rc = nft_dump_generation(nl, &genid, &unused);
	if (rc == -EOPNOTSUPP)
		return 0;
	return rc < 0 ? nse_error(err, rc, "%s", unused.text) : 1;
}

/* Does it name no interface by number but those that come later? */
static bool can_wait(const struct nse_job *job, const struct nse_refusal *r)
{
	struct nft_ifnames names;
	struct nse_record rec;
	struct nse_bytes kernel;
	enum nft_type type;
	bool need;

	if (r->code != -ENODEV || !nse_context_at(job->ctx, r->slot, &rec) ||
	    !nft_kind_of(rec.kind, &type, &need) ||
	    nft_ifindex_split(nft_body_attrs(type, rec.body), &kernel, &names) < 0)
		return false;
	for (unsigned int i = 0; i < names.n; i++)
		if (!if_nametoindex(names.names[i]) && !nft_comes_later(names.names[i]))
			return false;
	return names.n > 0;
}

static int refusal_problems(const struct nse_job *job, struct nse_problems *problems)
{
	uint64_t told = 0;
	char mend[NFT_MEND];
	int rc = 0;

	for (; told < job->nrefusals && told < EACH_MAX && rc == 0; told++) {
		const struct nse_refusal *r = &job->refusals[told];

		if (!can_wait(job, r))
			rc = nse_problem_add(problems, NSE_FAIL, AREA,
					     nft_preflight_mend(job, r, mend), "%s",
					     r->why);
	}
	if (rc == 0 && job->refused > told)
		rc = nse_problem_add(problems, NSE_FAIL, AREA, NULL,
				     "%" PRIu64 " more objects would be refused",
				     job->refused - told);
	return rc;
}

/* As it would be installed, on what is here. */
static int clash_problems(const struct nse_context *ctx, const struct nse_arrival *as,
			  struct nse_problems *problems, struct nse_error *err)
{
	struct nse_job job;
	int rc = nse_job_init(&job, ctx, (as ? as->flags : 0) | NSE_JOB_DRY_RUN);

	if (rc < 0)
		return nse_errno(err, rc, "the preflight of rules");
	job.others = as ? as->others : NULL;
	rc = nft_install(&job, err);
	if (rc == 0)
		rc = refusal_problems(&job, problems);
	nse_job_release(&job);
	return rc;
}

int nft_preflight(const struct nse_context *ctx, const struct nse_arrival *as,
		  struct nse_problems *problems, struct nse_error *err)
{
	NSE_CLEANUP(nft_order_release) struct nft_order o = { 0 };
	int rc = available(err), there = rc;

	if (rc >= 0 && ctx)
		rc = nft_order_make(&o, ctx);
	if (rc == -ENOMEM)
		return nse_errno(err, rc, "the preflight of rules");
	if (rc < 0)
		return rc;
	if (!there)
		return nse_problem_add(problems, o.n ? NSE_FAIL : NSE_NOTE, AREA,
				       "modprobe nf_tables",
				       "the kernel has no nf_tables: it takes no rules");
	if (o.n == 0)
		return 0;
	rc = clash_problems(ctx, as, problems, err) ?:
	     nft_device_problems(ctx, &o, as, problems, err) ?: nft_trial(ctx, problems, err);
	if (rc == 0 && nft_loss_problems(ctx, &o, problems) < 0)
		rc = nse_errno(err, -ENOMEM, "the preflight of rules");
	return rc;
}
