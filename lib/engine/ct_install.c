/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Installing: entries are created in batches with EXCL, those that expected
 * others before those that were expected. What exists already is looked at,
 * never touched: the same flow is kept, anything else is a refusal that names
 * the clash. A dry run takes the way of the looking with every record. While the
 * domain still runs elsewhere, what cannot be made waits instead.
 */
#include "lib/engine/ct_install.h"

#include <errno.h>

#include <linux/netfilter/nf_conntrack_common.h>

#include "lib/util/clock.h"

#define NAT_BITS (IPS_SRC_NAT | IPS_DST_NAT)

void ct_slots_push(struct ct_install *in, struct nse_slots *s, uint32_t slot)
{
	if (nse_slots_push(s, slot) < 0)
		in->rc = -ENOMEM;
}

static void release(struct ct_install *in)
{
	ct_batch_release(&in->batch);
	nse_slots_release(&in->lost);
	nse_slots_release(&in->look);
	nse_slots_release(&in->reply);
	nse_slots_release(&in->gone);
	nse_slots_release(&in->half);
	nse_slots_release(&in->child);
	nse_slots_release(&in->orphan);
	nse_slots_release(&in->alone);
}

int ct_install_flush(struct ct_install *in, struct nse_error *err)
{
	int rc = ct_batch_flush(&in->batch, err);

	if (rc == 0 && in->rc < 0)
		rc = nse_errno(err, in->rc, "installing conntrack entries");
	return rc;
}

void ct_on_create(void *arg, uint32_t slot, int code, const char *text,
		  const struct ct_entry *live)
{
	struct ct_install *in = arg;

	(void)live;
	if (code == 0)
		nse_job_outcome(in->job, slot, NSE_CREATED);
	else if (code == -EEXIST)
		ct_slots_push(in, &in->look, slot);
	else if (code == -ENOBUFS)
		ct_slots_push(in, &in->lost, slot);
	else
		ct_refuse_code(in, slot, code, text);
}

/* Is there room for one more? The kernel would make it by dropping others. */
static bool have_room(struct ct_install *in, struct nse_error *err, int *rc)
{
	if (in->room == 0) {
		*rc = ct_install_flush(in, err);
		in->room = ct_host_room();
	}
	/* Ahead of the commit nothing more is tried in this call. */
	in->full = in->room == 0 && in->ahead;
	if (in->room == 0)
		return false;
	in->room--;
	return true;
}

/* Does NAT of the entry work here? Otherwise it is refused, or waits. */
static int nat_ok(struct ct_install *in, uint32_t slot, const struct ct_entry *e,
		  struct nse_error *err)
{
	char name[CT_TEXT];
	int rc;

	if (!(e->status & NAT_BITS))
		return 1;
	if (!in->nat_known) {
		rc = ct_host_nat(&in->nat, err);
		if (rc < 0)
			return rc;
		in->nat_known = true;
	}
	if (e->l3 == 4 ? in->nat.v4 : in->nat.v6)
		return 1;
	CT_REFUSE(in, slot, -EOPNOTSUPP,
		  "%s is translated, and this host has no nat chain, without which "
		  "the kernel would not translate it: %s",
		  ct_entry_text(e, name), CT_NAT_MEND(e->l3));
	return 0;
}

static bool half_open(const struct ct_entry *e)
{
	return (e->present & CT_HAS_TCP) && (e->tcp.wscale[0] || e->tcp.wscale[1]) &&
	       !(e->tcp.flags[0] & e->tcp.flags[1] & CT_TCP_WINDOW_SCALE);
}

static int add_create(struct ct_install *in, uint32_t slot, const struct ct_entry *e,
		      struct nse_error *err)
{
	void *msg = ct_batch_room(&in->batch);
	struct ct_entry timed;

	if (in->longer) {
		timed = *e;
		timed.timeout = ct_install_timeout(in, e);
		e = &timed;
	}
	return ct_batch_add(&in->batch, slot, ct_msg_create(msg, e, in->liberal), err);
}

int ct_install_one(struct ct_install *in, uint32_t slot, const struct ct_entry *e,
		   struct nse_error *err)
{
	int rc = in->ahead ? ct_ahead_waits(in, e, err) : 0;

	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = nat_ok(in, slot, e, err);
	if (rc <= 0)
		return rc;
	rc = 0;
	if (in->dry) {
		ct_slots_push(in, &in->look, slot);
		return 0;
	}
	if (!have_room(in, err, &rc)) {
		if (rc == 0)
			ct_refuse_full(in, slot);
		return rc;
	}
	if (rc < 0)
		return rc;
	if (half_open(e))
		ct_slots_push(in, &in->half, slot);
	return add_create(in, slot, e, err);
}

/*
 * Answers that were lost are made up for by reading back. Then everything
 * that was in the way is looked at; it may have expired since it was met, so
 * what is not found is tried once more.
 */
int ct_install_resolve(struct ct_install *in, struct nse_error *err)
{
	struct ct_entry e;
	int rc = ct_install_flush(in, err);

	in->read_back = true;
	rc = rc ?: ct_look(in, &in->lost, err);
	in->read_back = false;
	rc = rc ?: ct_look(in, &in->look, err);
	in->batch.answer = ct_on_create;
	for (size_t i = 0; i < in->gone.n && rc == 0; i++)
		if (ct_job_load(in->job, in->gone.p[i], NSE_UNTOUCHED, &e))
			rc = ct_install_one(in, in->gone.p[i], &e, err);
	in->gone.n = 0;
	rc = rc ?: ct_install_flush(in, err);
	in->again = true;
	rc = rc ?: ct_look(in, &in->look, err);
	in->again = false;
	in->batch.answer = ct_on_create;
	return rc;
}

static bool interrupted(const struct nse_job *job)
{
	return job->interrupted && *job->interrupted;
}

static int install_others(struct ct_install *in, struct nse_error *err)
{
	struct ct_entry e;
	size_t i = 0;
	uint32_t s;
	int rc = 0;

	while (rc == 0 && !interrupted(in->job) && ct_job_next(in->job, &i, &s)) {
		if (in->job->outcome[s] != NSE_UNTOUCHED)
			continue;
		if (ct_is_child(in->job, s))
			ct_slots_push(in, &in->child, s);
		else if (ct_job_load(in->job, s, NSE_UNTOUCHED, &e))
			rc = ct_install_one(in, s, &e, err);
	}
	rc = rc ?: ct_install_resolve(in, err);
	return rc == 0 && interrupted(in->job) ? nse_error(err, -EINTR, "interrupted")
					       : rc;
}

static void on_half(void *arg, uint32_t slot, int code, const char *text,
		    const struct ct_entry *live)
{
	struct ct_install *in = arg;

	(void)slot;
	(void)text;
	(void)live;
	/* It may have ended, or gone on and have both sides' flags by right. */
	if (code < 0 && code != -ENOENT)
		in->rc = code;
}

/* Clears the window-scale flags that were only set for the scale's sake. */
static int finish_half_open(struct ct_install *in, struct nse_error *err)
{
	struct ct_entry e;
	int rc = 0;

	in->batch.answer = on_half;
	for (size_t i = 0; i < in->half.n && rc == 0; i++) {
		uint8_t mask[2];

		if (!ct_job_load(in->job, in->half.p[i], NSE_CREATED, &e))
			continue;
		mask[0] = CT_TCP_WINDOW_SCALE & ~e.tcp.flags[0];
		mask[1] = CT_TCP_WINDOW_SCALE & ~e.tcp.flags[1];
		rc = ct_batch_add(&in->batch, in->half.p[i],
				  ct_msg_clear_flags(ct_batch_room(&in->batch), &e, mask),
				  err);
	}
	return rc ?: ct_install_flush(in, err);
}

static int run(struct ct_install *in, struct nse_error *err)
{
	int rc = install_others(in, err);

	if (rc == 0 && in->child.n)
		rc = ct_install_children(in, err);
	if (rc == 0 && !in->dry)
		rc = finish_half_open(in, err);
	return rc;
}

int ct_install(struct nse_job *job, struct nse_error *err)
{
	struct ct_install in = {
		.job = job,
		.dry = job->flags & NSE_JOB_DRY_RUN,
		.liberal = job->flags & (NSE_JOB_LIBERAL | NSE_JOB_AHEAD),
		.ahead = job->flags & NSE_JOB_AHEAD,
		.longer = job->flags & (NSE_JOB_LONG | NSE_JOB_AHEAD),
		.room = ct_host_room(),
	};
	int rc = ct_batch_init(&in.batch, ct_on_create, &in, err);

	if (!job->installed_us)
		job->installed_us = nse_now_us();
	if (rc == 0)
		rc = run(&in, err);
	release(&in);
	if (rc == -EPERM)
		return nse_error(err, rc,
				 "changing the conntrack table needs CAP_NET_ADMIN: run "
				 "as root");
	return rc;
}
