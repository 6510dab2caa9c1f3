/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading back is by tuple for a few entries, and by a dump when most of the table
 * is ours.
 */
#include "lib/engine/ct_readback.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/engine/ct_batch.h"
#include "lib/engine/ct_dump.h"
#include "lib/engine/ct_host.h"
#include "lib/engine/ct_row.h"
#include "lib/util/cleanup.h"

#define DUMP_FROM 10000 /* records; below it, asking by tuple is fast enough */

struct reading {
	struct nse_job *job;
	const struct ct_readback *to;
	uint8_t *seen; /* by slot; owned */
};

static void on_get(void *arg, uint32_t slot, int code, const char *text,
		   const struct ct_entry *live)
{
	struct reading *r = arg;
	struct ct_entry e;

	(void)text;
	if (ct_job_load(r->job, slot, NSE_CREATED, &e))
		r->to->found(r->to->arg, slot, &e, live, code);
}

static int read_by_get(struct reading *r, struct nse_error *err)
{
	uint32_t n = nse_context_slots(r->job->ctx);
	struct ct_batch b;
	struct ct_entry e;
	int rc = ct_batch_init(&b, on_get, r, err);

	for (uint32_t s = 0; s < n && rc == 0; s++)
		if (ct_job_load(r->job, s, NSE_CREATED, &e))
			rc = ct_batch_add(
				&b, s, ct_msg_get(ct_batch_room(&b), &e, &e.orig, false),
				err);
	rc = rc ?: ct_batch_flush(&b, err);
	ct_batch_release(&b);
	return rc;
}

static int on_dumped(void *arg, const struct ct_entry *live)
{
	struct reading *r = arg;
	struct ct_entry e;
	struct ct_row row;
	uint32_t slot;

	ct_row_encode(live, &row);
	slot = nse_context_find(r->job->ctx, &ct_kind, row.rec.key);
	if (slot == NSE_CONTEXT_NONE || r->seen[slot] ||
	    !ct_job_load(r->job, slot, NSE_CREATED, &e))
		return 0;
	r->seen[slot] = 1;
	r->to->found(r->to->arg, slot, &e, live, 0);
	return 0;
}

static int on_again(void *arg)
{
	struct reading *r = arg;

	if (r->to->again)
		r->to->again(r->to->arg);
	memset(r->seen, 0, nse_context_slots(r->job->ctx));
	return 0;
}

static int read_by_dump(struct reading *r, struct nse_error *err)
{
	struct ct_dump_to to = { on_dumped, on_again, r };
	uint32_t n = nse_context_slots(r->job->ctx);
	struct nse_scope all;
	struct ct_entry e;
	int rc;

	r->seen = calloc((size_t)n + 1, 1);
	if (!r->seen)
		return nse_errno(err, -ENOMEM, "reading conntrack entries back");
	nse_scope_init(&all);
	all.all = true;
	rc = ct_dump(&all, &to, err);
	for (uint32_t s = 0; s < n && rc == 0; s++)
		if (!r->seen[s] && ct_job_load(r->job, s, NSE_CREATED, &e))
			r->to->found(r->to->arg, s, &e, NULL, -ENOENT);
	free(r->seen);
	return rc;
}

int ct_read_back(struct nse_job *job, const struct ct_readback *to, struct nse_error *err)
{
	struct reading r = { .job = job, .to = to };
	int64_t count = ct_host_sysctl("count");

	if (job->created >= DUMP_FROM && (int64_t)job->created * 3 > count)
		return read_by_dump(&r, err);
	return read_by_get(&r, err);
}
