/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Does the kernel have what the records say? What was created is read back and
 * compared, but for what traffic may have changed since.
 */
#include "lib/engine/ct_engine.h"

#include <errno.h>

#include "lib/engine/ct_readback.h"
#include "lib/util/clock.h"

struct verify {
	struct nse_job *job;
	uint64_t verified, differ;
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
	if (ct_alike(e, live, v->job->flags & (NSE_JOB_LIBERAL | NSE_JOB_AHEAD)))
		v->verified++;
	else
		differs(v, slot, "the entry is another one");
}

/* An entry that is not there: has its time simply passed? */
static void judge_missing(struct verify *v, uint32_t slot, const struct ct_entry *e)
{
	int64_t from = v->job->taken_us ?: v->job->installed_us;
	int64_t since = from ? nse_now_us() - from : 0;

	if ((int64_t)e->timeout <= since / 1000000 + 2)
		v->verified++;
	else
		differs(v, slot, "the entry is gone before its time");
}

static void on_found(void *arg, uint32_t slot, const struct ct_entry *e,
		     const struct ct_entry *live, int code)
{
	struct verify *v = arg;

	if (live)
		judge(v, slot, e, live);
	else if (code == -ENOENT)
		judge_missing(v, slot, e);
	else
		v->rc = code;
}

static void on_again(void *arg)
{
	struct verify *v = arg;

	v->verified = v->differ = 0;
}

int ct_verify(struct nse_job *job, struct nse_error *err)
{
	struct verify v = { .job = job };
	struct ct_readback to = { on_found, on_again, &v };
	int rc;

	if (job->flags & NSE_JOB_DRY_RUN)
		return 0;
	rc = ct_read_back(job, &to, err);
	if (rc == 0 && v.rc < 0)
		rc = nse_errno(err, v.rc, "reading conntrack entries back");
	job->verified += v.verified;
	job->differ += v.differ;
	return rc;
}
