/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading back what was installed, and comparing it with the records: all but
 * what moves by itself.
 */
#include <errno.h>

#include "lib/engine/nft/locate.h"
#include "lib/engine/nft/nft_engine.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"

/* Elements that were made with their set or added to one. */
static int find_elements(struct nft_located *l, struct nse_error *err)
{
	uint32_t i = l->order.first[NFT_ELEMENT][0];
	uint32_t end = i + l->order.count[NFT_ELEMENT][0];
	struct nft_run run;
	int rc = 0;

	for (; i < end && rc == 0; i = run.end) {
		bool any = false;

		rc = nft_run_next(&l->order, l->ctx, NFT_ELEMENT, false, i, &run, err);
		if (rc < 0 || nft_name_is_ours(run.key.name))
			continue;
		for (uint32_t k = run.first; k < run.end && !any; k++)
			any = nft_is_wanted(l, l->order.slots[k]);
		if (any)
			rc = nft_locate_elements(l, &run, NULL, NULL, err);
	}
	return rc;
}

static bool has_expired(const struct nft_located *l, uint32_t slot, int64_t since_us)
{
	struct nse_record rec;
	struct nse_cur c;
	enum nft_type type;
	uint64_t left;
	uint8_t flags;
	bool need;

	nse_context_at(l->ctx, slot, &rec);
	c = nse_cur(rec.state.p, rec.state.n);
	if (!nft_kind_of(rec.kind, &type, &need) || type != NFT_ELEMENT ||
	    nse_get_u8(&c, &flags) < 0 || !(flags & NFT_STATE_EXPIRES) ||
	    nse_get_u64(&c, &left) < 0)
		return false;
	/* The kernel counts in ticks. */
	return left < (uint64_t)(since_us / 1000) + 20;
}

static void differs(struct nft_located *l, uint32_t slot)
{
	l->job->differ++;
	nse_job_tell_difference(l->job, slot,
				l->found[slot] == NFT_ABSENT ? "it is gone"
							     : "it is another one");
}

static void count(struct nft_located *l)
{
	int64_t since = 0;

	if (l->job->installed_us)
		since = nse_now_us() - l->job->installed_us;
	for (uint32_t i = 0; i < l->order.n; i++) {
		uint32_t slot = l->order.slots[i];

		if (!nft_is_wanted(l, slot))
			continue;
		if (l->found[slot] == NFT_ALIKE ||
		    (l->found[slot] == NFT_ABSENT && has_expired(l, slot, since)))
			l->job->verified++;
		else
			differs(l, slot);
	}
}

int nft_verify(struct nse_job *job, struct nse_error *err)
{
	NSE_CLEANUP(nft_locate_release) struct nft_located l = { 0 };
	int rc;

	if (job->flags & NSE_JOB_DRY_RUN)
		return 0;
	rc = nft_locate_init(&l, job, NSE_CREATED, err);
	if (rc < 0 || l.order.n == 0)
		return rc;
	rc = -EAGAIN;
	for (int try = 0; try < NFT_HOST_TRIES && rc == -EAGAIN; try++) {
		if (try)
			nft_host_wait(try);
		rc = nft_locate(&l, err) ?: find_elements(&l, err);
	}
	if (rc == -EAGAIN)
		return nse_error(err, rc,
				 "the nf_tables ruleset of this host changed each of "
				 "%d times that it was to be read back",
				 NFT_HOST_TRIES);
	if (rc == 0)
		count(&l);
	return rc;
}
