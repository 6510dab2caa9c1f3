/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Taking entries away, exactly: each is asked for by tuple and zone, and only
 * when the answer is the same flow in the same direction it is deleted, by the
 * id that the kernel gave. There is no flush, filtered or not: kernels that do
 * not know the filter would empty the table.
 */
#include "lib/engine/ct_engine.h"

#include <errno.h>

#include "lib/engine/ct_batch.h"

struct erase {
	struct nse_job *job;
	enum nse_outcome from, gone, absent;
	bool dry;
	bool unmet; /* only what no packet has met */
	struct ct_batch get, del;
	int rc;
	struct nse_error err; /* of a callback */
};

static void on_deleted(void *arg, uint32_t slot, int code, const char *text,
		       const struct ct_entry *live)
{
	struct erase *x = arg;

	(void)live;
	if (code == 0)
		nse_job_outcome(x->job, slot, x->gone);
	else if (code == -ENOENT)
		nse_job_outcome(x->job, slot, x->absent);
	else if (x->rc == 0)
		x->rc = nse_errno(&x->err, code, "deleting a conntrack entry%s%s",
				  text[0] ? ": " : "", text);
}

/* The deletion goes over a socket of its own, in the middle of our asking. */
static void on_found(void *arg, uint32_t slot, int code, const char *text,
		     const struct ct_entry *live)
{
	struct erase *x = arg;
	struct ct_entry e;
	int rc = 0;

	if (!ct_job_load(x->job, slot, x->from, &e))
		return;
	if (code == -ENOENT || (live && !ct_same_flow(&e, live)))
		nse_job_outcome(x->job, slot, x->absent);
	else if (live && x->unmet && !ct_unmet(live))
		return;
	else if (live && x->dry)
		nse_job_outcome(x->job, slot, x->gone);
	else if (live)
		rc = ct_batch_add(&x->del, slot,
				  ct_msg_delete(ct_batch_room(&x->del), &e, live->id),
				  &x->err);
	else
		rc = nse_errno(&x->err, code, "looking for a conntrack entry%s%s",
			       text[0] ? ": " : "", text);
	if (rc < 0 && x->rc == 0)
		x->rc = rc;
}

static int erase_all(struct erase *x, struct nse_error *err)
{
	struct ct_entry e;
	size_t i = 0;
	uint32_t s;
	int rc = 0;

	while (rc == 0 && x->rc == 0 && ct_job_next(x->job, &i, &s)) {
		void *msg = ct_batch_room(&x->get);

		if (ct_job_load(x->job, s, x->from, &e))
			rc = ct_batch_add(&x->get, s, ct_msg_get(msg, &e, &e.orig, false),
					  err);
	}
	return rc ?: ct_batch_flush(&x->get, err) ?: ct_batch_flush(&x->del, err);
}

static int erase(struct erase *x, struct nse_error *err)
{
	int rc = ct_batch_init(&x->get, on_found, x, err);

	if (rc < 0)
		return rc;
	rc = ct_batch_init(&x->del, on_deleted, x, err);
	rc = rc ?: erase_all(x, err);
	ct_batch_release(&x->get);
	ct_batch_release(&x->del);
	if (rc == 0 && x->rc < 0)
		rc = nse_error(err, x->rc, "%s", x->err.text);
	return rc;
}

int ct_undo(struct nse_job *job, struct nse_error *err)
{
	struct erase x = {
		.job = job,
		.from = NSE_CREATED,
		.gone = NSE_UNTOUCHED,
		.absent = NSE_UNTOUCHED,
		.unmet = job->flags & NSE_JOB_UNMET,
	};

	return job->flags & NSE_JOB_DRY_RUN ? 0 : erase(&x, err);
}

int ct_remove(struct nse_job *job, struct nse_error *err)
{
	struct erase x = {
		.job = job,
		.from = NSE_UNTOUCHED,
		.gone = NSE_REMOVED_OK,
		.absent = NSE_ABSENT,
		.dry = job->flags & NSE_JOB_DRY_RUN,
	};

	return erase(&x, err);
}
