/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * After an installation: taking back what was preliminary, and reading back
 * whether the kernel has what the records say. Reading is by tuple for a few
 * and by a dump when most of the table is ours.
 */
#include "lib/engine/ct_engine.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/engine/ct_batch.h"
#include "lib/engine/ct_dump.h"
#include "lib/engine/ct_host.h"
#include "lib/engine/ct_row.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"

#define DUMP_FROM 10000 /* records; below it, asking by tuple is fast enough */

struct settle {
	int rc;
};

static void on_settled(void *arg, uint32_t slot, int code, const char *text,
		       const struct ct_entry *live)
{
	struct settle *s = arg;

	(void)slot;
	(void)text;
	(void)live;
	/* A connection that has ended meanwhile has nothing to be taken back. */
	if (code < 0 && code != -ENOENT && s->rc == 0)
		s->rc = code;
}

static int settle_all(struct nse_job *job, struct ct_batch *b, struct nse_error *err)
{
	uint32_t n = nse_context_slots(job->ctx);
	struct ct_entry e;
	int rc = 0;

	for (uint32_t s = 0; s < n && rc == 0; s++) {
		uint8_t mask[2];

		if (!ct_job_load(job, s, NSE_CREATED, &e) || !(e.present & CT_HAS_TCP))
			continue;
		mask[0] = CT_TCP_BE_LIBERAL & ~e.tcp.flags[0];
		mask[1] = CT_TCP_BE_LIBERAL & ~e.tcp.flags[1];
		if (mask[0] || mask[1])
			rc = ct_batch_add(b, s,
					  ct_msg_clear_flags(ct_batch_room(b), &e, mask),
					  err);
	}
	return rc ?: ct_batch_flush(b, err);
}

int ct_settle(struct nse_job *job, struct nse_error *err)
{
	struct settle s = { 0 };
	struct ct_batch b;
	int rc;

	if (!(job->flags & NSE_JOB_LIBERAL) || (job->flags & NSE_JOB_DRY_RUN))
		return 0;
	rc = ct_batch_init(&b, on_settled, &s, err);
	if (rc < 0)
		return rc;
	/* Clearing a flag twice does no harm, so lost answers mean once more. */
	for (int tries = 0; tries < 3; tries++) {
		s.rc = 0;
		rc = settle_all(job, &b, err);
		if (rc < 0 || s.rc != -ENOBUFS)
			break;
	}
	ct_batch_release(&b);
	if (rc == 0 && s.rc < 0)
		rc = nse_errno(
			err, s.rc,
			"taking back the liberal TCP tracking of the first second");
	if (rc == 0)
		job->flags &= ~(unsigned int)NSE_JOB_LIBERAL;
	return rc;
}

struct verify {
	struct nse_job *job;
	uint64_t verified, differ;
	uint8_t *seen; /* by slot; owned */
	int rc;
};

static void differs(struct verify *v, uint32_t slot, const char *why)
{
	v->differ++;
	nse_job_tell_difference(v->job, slot, why);
}

static void judge(struct verify *v, uint32_t slot, const struct ct_entry *e,
		  const struct ct_entry *live)
{
	if (ct_alike(e, live, v->job->flags & NSE_JOB_LIBERAL))
		v->verified++;
	else
		differs(v, slot, "the entry is another one");
}

/* An entry that is not there: has its time simply passed? */
static void judge_missing(struct verify *v, uint32_t slot, const struct ct_entry *e)
{
	int64_t since = v->job->installed_us ? nse_now_us() - v->job->installed_us : 0;

	if ((int64_t)e->timeout <= since / 1000000 + 2)
		v->verified++;
	else
		differs(v, slot, "the entry is gone before its time");
}

static void on_get(void *arg, uint32_t slot, int code, const char *text,
		   const struct ct_entry *live)
{
	struct verify *v = arg;
	struct ct_entry e;

	(void)text;
	if (!ct_job_load(v->job, slot, NSE_CREATED, &e))
		return;
	if (live)
		judge(v, slot, &e, live);
	else if (code == -ENOENT)
		judge_missing(v, slot, &e);
	else
		v->rc = code;
}

static int verify_by_get(struct verify *v, struct nse_error *err)
{
	uint32_t n = nse_context_slots(v->job->ctx);
	struct ct_batch b;
	struct ct_entry e;
	int rc = ct_batch_init(&b, on_get, v, err);

	for (uint32_t s = 0; s < n && rc == 0; s++)
		if (ct_job_load(v->job, s, NSE_CREATED, &e))
			rc = ct_batch_add(
				&b, s, ct_msg_get(ct_batch_room(&b), &e, &e.orig, false),
				err);
	rc = rc ?: ct_batch_flush(&b, err);
	ct_batch_release(&b);
	return rc;
}

static int on_dumped(void *arg, const struct ct_entry *live)
{
	struct verify *v = arg;
	struct ct_entry e;
	struct ct_row row;
	uint32_t slot;

	ct_row_encode(live, &row);
	slot = nse_context_find(v->job->ctx, &ct_kind, row.rec.key);
	if (slot == NSE_CONTEXT_NONE || v->seen[slot] ||
	    !ct_job_load(v->job, slot, NSE_CREATED, &e))
		return 0;
	v->seen[slot] = 1;
	judge(v, slot, &e, live);
	return 0;
}

static int on_again(void *arg)
{
	struct verify *v = arg;

	v->verified = v->differ = 0;
	memset(v->seen, 0, nse_context_slots(v->job->ctx));
	return 0;
}

static int verify_by_dump(struct verify *v, struct nse_error *err)
{
	struct ct_dump_to to = { on_dumped, on_again, v };
	uint32_t n = nse_context_slots(v->job->ctx);
	struct nse_scope all;
	struct ct_entry e;
	int rc;

	v->seen = calloc((size_t)n + 1, 1);
	if (!v->seen)
		return nse_errno(err, -ENOMEM, "verifying conntrack entries");
	nse_scope_init(&all);
	all.all = true;
	rc = ct_dump(&all, &to, err);
	for (uint32_t s = 0; s < n && rc == 0; s++)
		if (!v->seen[s] && ct_job_load(v->job, s, NSE_CREATED, &e))
			judge_missing(v, s, &e);
	free(v->seen);
	return rc;
}

int ct_verify(struct nse_job *job, struct nse_error *err)
{
	struct verify v = { .job = job };
	int64_t count = ct_host_sysctl("count");
	bool dump = job->created >= DUMP_FROM && (int64_t)job->created * 3 > count;
	int rc;

	if (job->flags & NSE_JOB_DRY_RUN)
		return 0;
	rc = dump ? verify_by_dump(&v, err) : verify_by_get(&v, err);
	if (rc == 0 && v.rc < 0)
		rc = nse_errno(err, v.rc, "reading conntrack entries back");
	job->verified += v.verified;
	job->differ += v.differ;
	return rc;
}
