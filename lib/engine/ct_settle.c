/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * After the domain runs here: entries that no packet has met since they were
 * installed ahead get the time that they have left, and liberal TCP tracking is
 * taken back. What a packet has met keeps the time that it was given then. An
 * entry that has ended meanwhile has nothing to be taken back.
 */
#include "lib/engine/ct_engine.h"

#include <errno.h>

#include <linux/netfilter/nf_conntrack_common.h>

#include "lib/engine/ct_batch.h"
#include "lib/engine/ct_readback.h"
#include "lib/util/clock.h"

#define TRIES 3 /* what is settled already is left alone, so once more does no harm */

struct settle {
	const struct nse_job *job;
	struct ct_batch update; /* over a socket of its own */
	bool lost;		/* some answers */
	int rc;
	struct nse_error err; /* of a callback */
};

static void failed(struct settle *s, int code, const char *text)
{
	if (code == -ENOBUFS)
		s->lost = true;
	else if (s->rc == 0)
		s->rc = nse_errno(&s->err, code, "settling conntrack entries%s%s",
				  text[0] ? ": " : "", text);
}

static void on_settled(void *arg, uint32_t slot, int code, const char *text,
		       const struct ct_entry *live)
{
	(void)slot;
	(void)live;
	/* ETIME: it is dying. */
	if (code < 0 && code != -ENOENT && code != -ETIME)
		failed(arg, code, text);
}

/* What is left of the time that the source told, or 0: it has its own already. */
static uint32_t time_left(const struct nse_job *job, const struct ct_entry *e,
			  const struct ct_entry *live)
{
	int64_t left = e->timeout;

	if (!(job->flags & (NSE_JOB_LONG | NSE_JOB_AHEAD)) || !ct_unmet(live) ||
	    ((e->status | live->status) & IPS_FIXED_TIMEOUT))
		return 0;
	if (job->taken_us)
		left -= (nse_now_us() - job->taken_us) / 1000000;
	return left > (int64_t)CT_TIMEOUT_MIN ? (uint32_t)left : CT_TIMEOUT_MIN;
}

static void on_found(void *arg, uint32_t slot, const struct ct_entry *e,
		     const struct ct_entry *live, int code)
{
	uint8_t mask[2] = { 0, 0 };
	struct settle *s = arg;
	uint32_t left;
	int rc;

	if (!live && code != -ENOENT)
		failed(s, code, "");
	if (!live || !ct_same_flow(e, live))
		return;
	left = time_left(s->job, e, live);
	for (int d = 0; d < 2 && (e->present & live->present & CT_HAS_TCP); d++)
		mask[d] = CT_TCP_BE_LIBERAL & live->tcp.flags[d] & ~e->tcp.flags[d];
	if (!left && !mask[0] && !mask[1])
		return;
	rc = ct_batch_add(&s->update, slot,
			  ct_msg_settle(ct_batch_room(&s->update), e, left, mask),
			  &s->err);
	if (rc < 0 && s->rc == 0)
		s->rc = rc;
}

static int settle(struct settle *s, struct nse_job *job, struct nse_error *err)
{
	const struct ct_readback to = { on_found, NULL, s };
	int rc = 0;

	s->lost = true;
	for (int i = 0; i < TRIES && s->lost && s->rc == 0 && rc == 0; i++) {
		s->lost = false;
		rc = ct_read_back(job, &to, err);
		rc = rc ?: ct_batch_flush(&s->update, err);
	}
	if (rc == 0 && s->rc < 0)
		rc = nse_error(err, s->rc, "%s", s->err.text);
	if (rc == 0 && s->lost)
		rc = nse_errno(err, -ENOBUFS, "settling conntrack entries");
	return rc;
}

int ct_settle(struct nse_job *job, struct nse_error *err)
{
	struct settle s = { .job = job };
	int rc;

	if (!(job->flags & CT_PRELIMINARY) || (job->flags & NSE_JOB_DRY_RUN))
		return 0;
	rc = ct_batch_init(&s.update, on_settled, &s, err);
	if (rc < 0)
		return rc;
	rc = settle(&s, job, err);
	ct_batch_release(&s.update);
	if (rc < 0)
		return rc;
	job->flags &= ~(unsigned int)CT_PRELIMINARY;
	job->installed_us = nse_now_us();
	return 0;
}
