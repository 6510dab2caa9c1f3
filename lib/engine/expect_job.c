/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Expectations into this host and out of it again. There are few of them, so
 * each one is asked for, made and read back by itself. The kernel puts out the
 * oldest expectation of a master when a helper's limit is reached (FTP: one);
 * since nothing that exists may be harmed, a master that has other ones than
 * ours keeps them, and what we made is looked at once more at the end.
 */
#include "lib/engine/expect_engine.h"

#include <errno.h>

#include "lib/engine/ct_row.h"
#include "lib/engine/expect_host.h"
#include "lib/util/cleanup.h"

typedef uint8_t message[NSE_EXPECT_MSG_MAX] __attribute__((aligned(4)));

/* Loads a slot when it is ours and has that outcome. */
static bool load(struct nse_job *job, uint32_t slot, enum nse_outcome outcome,
		 struct nse_expect *e)
{
	struct nse_error err;
	struct nse_record rec;
	int rc;

	if (job->outcome[slot] != outcome || !nse_context_at(job->ctx, slot, &rec) ||
	    !nse_expect_is(&rec))
		return false;
	rc = nse_expect_decode(&rec, e, &err);
	if (rc < 0)
		nse_job_refuse(job, slot, rc, "%s", err.text);
	return rc == 0;
}

/* Is there anything to do at all? Spares a socket where there is not. */
static bool any(const struct nse_job *job, enum nse_outcome outcome)
{
	struct nse_record rec;

	for (uint32_t s = 0; s < nse_context_slots(job->ctx); s++)
		if (job->outcome[s] == outcome && nse_context_at(job->ctx, s, &rec) &&
		    nse_expect_is(&rec))
			return true;
	return false;
}

uint32_t nse_expect_master_slot(const struct nse_context *ctx, const struct nse_expect *e,
				char helper[CT_HELPER_NAME])
{
	uint8_t key[CT_KEY_V6];
	struct ct_entry entry;
	struct nse_record rec;
	uint32_t slot;
	size_t n;

	helper[0] = '\0';
	nse_expect_child(e, &entry);
	n = ct_row_master_key(&entry, key);
	slot = nse_context_find(ctx, &ct_kind, (struct nse_bytes){ key, n });
	if (slot == NSE_CONTEXT_NONE || !nse_context_at(ctx, slot, &rec) ||
	    ct_row_decode(&rec, &entry, NULL) < 0)
		return NSE_CONTEXT_NONE;
	if (entry.present & CT_HAS_HELPER)
		memcpy(helper, entry.helper, sizeof(entry.helper));
	return slot;
}

struct install {
	struct nse_job *job;
	struct nse_nl *nl;
	struct nse_error *err;
	bool dry;
};

static int refuse(struct install *in, uint32_t slot, const struct nse_expect *e, int code,
		  const char *why)
{
	char text[NSE_EXPECT_TEXT];

	nse_job_refuse(in->job, slot, code, "expectation %s: %s",
		       nse_expect_text(e, text), why);
	return 0;
}

static int refuse_helper(struct install *in, uint32_t slot, const struct nse_expect *e)
{
	char text[NSE_EXPECT_TEXT];

	nse_job_refuse(in->job, slot, -EOPNOTSUPP,
		       "expectation %s: its master is here without the helper '%s'",
		       nse_expect_text(e, text), e->helper);
	return 0;
}

/* 0 when the master is or would be there with its helper; 1 when refused. */
static int look_at_master(struct install *in, uint32_t slot, const struct nse_expect *e)
{
	char helper[CT_HELPER_NAME];
	struct ct_entry master;
	uint32_t m;
	int rc = nse_expect_host_master(in->nl, e, &master, in->err);

	if (rc == -ENOENT && in->dry) {
		m = nse_expect_master_slot(in->job->ctx, e, helper);
		if (m != NSE_CONTEXT_NONE && in->job->outcome[m] != NSE_REFUSED) {
			if (strcmp(helper, e->helper) == 0)
				return 0;
			refuse_helper(in, slot, e);
			return 1;
		}
	}
	if (rc == -ENOENT) {
		refuse(in, slot, e, -ENOENT,
		       "its master is not on this host; install it together with its "
		       "master");
		return 1;
	}
	if (rc < 0)
		return rc;
	if (!(master.present & CT_HAS_HELPER) || strcmp(master.helper, e->helper) != 0) {
		refuse_helper(in, slot, e);
		return 1;
	}
	return 0;
}

/* Is it one of the context's own? */
static bool is_ours(const struct nse_context *ctx, const struct nse_expect *e)
{
	struct nse_buf key = NSE_BUF_INIT(NSE_RECORD_MAX);
	struct nse_buf body = NSE_BUF_INIT(NSE_RECORD_MAX);
	struct nse_buf state = NSE_BUF_INIT(NSE_RECORD_MAX);
	bool ours = nse_expect_encode(e, &key, &body, &state) == 0 &&
		    nse_context_find(ctx, &nse_expect_kind,
				     (struct nse_bytes){ key.data, key.len }) !=
			    NSE_CONTEXT_NONE;

	nse_buf_release(&key);
	nse_buf_release(&body);
	nse_buf_release(&state);
	return ours;
}

/* 0 when no other expectation could be put out by ours; 1 when refused. */
static int look_at_siblings(struct install *in, uint32_t slot, const struct nse_expect *e)
{
	NSE_CLEANUP(nse_expect_list_release) struct nse_expect_list l = { 0 };
	int rc = nse_expect_host_siblings(in->nl, e, &l, in->err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < l.n; i++) {
		if (l.items[i].class != e->class || is_ours(in->job->ctx, &l.items[i]))
			continue;
		refuse(in, slot, e, -EEXIST,
		       "its master expects something else on this host already, which "
		       "is left alone");
		return 1;
	}
	return 0;
}

static const char *reason(int code)
{
	switch (code) {
	case -ENOENT:
		return "its master has just gone";
	case -EEXIST:
	case -EBUSY:
	case -EALREADY:
		return "it overlaps with another expectation on this host";
	case -EMFILE:
		return "too many expectations; raise "
		       "net.netfilter.nf_conntrack_expect_max";
	case -EOPNOTSUPP:
		return "this kernel lacks its helper or NAT";
	case -EINVAL:
		return "this kernel does not know its class or its function (is the "
		       "helper's NAT module loaded?)";
	default:
		return strerror(-code);
	}
}

static int create(struct install *in, uint32_t slot, const struct nse_expect *e)
{
	struct nse_expect timed = *e;
	message buf;
	int rc = nse_nl_talk(in->nl, nse_expect_msg_create(buf, e), NULL, NULL, in->err);

	if (rc == -ETIMEDOUT || rc == -ENOBUFS || rc == -EPERM)
		return rc;
	if (rc < 0)
		return refuse(in, slot, e, rc, reason(rc));
	nse_job_outcome(in->job, slot, NSE_CREATED);
	if (!timed.timeout)
		timed.timeout = 1; /* less than a second was left */
	if (timed.timeout > NSE_EXPECT_TIMEOUT_MAX)
		timed.timeout = NSE_EXPECT_TIMEOUT_MAX;
	rc = nse_nl_talk(in->nl, nse_expect_msg_timeout(buf, &timed), NULL, NULL,
			 in->err);
	return rc == -ENOENT ? 0 : rc;
}

static int install_one(struct install *in, uint32_t slot, const struct nse_expect *e)
{
	struct nse_expect live;
	int rc = look_at_master(in, slot, e);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = nse_expect_host_find(in->nl, e, &live, in->err);
	if (rc == 0) {
		if (!nse_expect_key_equal(e, &live) || !nse_expect_body_equal(e, &live))
			return refuse(in, slot, e, -EEXIST, reason(-EEXIST));
		nse_job_outcome(in->job, slot, NSE_KEPT);
		return 0;
	}
	if (rc != -ENOENT)
		return rc;
	rc = look_at_siblings(in, slot, e);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	if (!in->dry)
		return create(in, slot, e);
	nse_job_outcome(in->job, slot, NSE_CREATED);
	return 0;
}

/* What the kernel has put out again to make room is not there. */
static int look_again(struct install *in, uint32_t slot, const struct nse_expect *e)
{
	struct nse_expect live;
	int rc = nse_expect_host_find(in->nl, e, &live, in->err);

	if (rc == 0 && nse_expect_key_equal(e, &live))
		return 0;
	if (rc < 0 && rc != -ENOENT)
		return rc;
	return refuse(in, slot, e, -EMFILE,
		      "the helper of this kernel allows fewer at once: it was put out "
		      "by another one of the same master");
}

int nse_expect_install(struct nse_job *job, struct nse_error *err)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	struct install in = { .job = job,
			      .err = err,
			      .dry = job->flags & NSE_JOB_DRY_RUN };
	struct nse_expect e;
	int rc;

	if (!any(job, NSE_UNTOUCHED))
		return 0;
	rc = nse_expect_open(&nl, err);
	in.nl = nl;
	for (uint32_t s = 0; rc == 0 && s < nse_context_slots(job->ctx); s++)
		if (load(job, s, NSE_UNTOUCHED, &e))
			rc = install_one(&in, s, &e);
	for (uint32_t s = 0; rc == 0 && !in.dry && s < nse_context_slots(job->ctx); s++)
		if (load(job, s, NSE_CREATED, &e))
			rc = look_again(&in, s, &e);
	return rc;
}

static void differs(struct nse_job *job, uint32_t slot, int code)
{
	job->differ++;
	nse_job_tell_difference(job, slot,
				code == -ENOENT ? "the expectation is gone"
						: "the expectation is another one");
}

int nse_expect_verify(struct nse_job *job, struct nse_error *err)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	struct nse_expect e, live;
	int rc;

	if ((job->flags & NSE_JOB_DRY_RUN) || !any(job, NSE_CREATED))
		return 0;
	rc = nse_expect_open(&nl, err);
	for (uint32_t s = 0; rc == 0 && s < nse_context_slots(job->ctx); s++) {
		if (!load(job, s, NSE_CREATED, &e))
			continue;
		rc = nse_expect_host_find(nl, &e, &live, err);
		if (rc == 0 && nse_expect_key_equal(&e, &live) &&
		    nse_expect_body_equal(&e, &live))
			job->verified++;
		else
			differs(job, s, rc);
		rc = rc == -ENOENT ? 0 : rc;
	}
	return rc;
}

/* Deletes exactly e: 0, or -ENOENT when it is not there. */
static int delete (struct nse_nl *nl, const struct nse_expect *e, bool dry,
		   struct nse_error *err)
{
	struct nse_expect live;
	message buf;
	int rc = nse_expect_host_find(nl, e, &live, err);

	if (rc < 0)
		return rc;
	if (!nse_expect_key_equal(e, &live))
		return -ENOENT;
	if (dry)
		return 0;
	return nse_nl_talk(nl, nse_expect_msg_delete(buf, &live), NULL, NULL, err);
}

int nse_expect_undo(struct nse_job *job, struct nse_error *err)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	struct nse_expect e;
	int first = 0, rc;

	if ((job->flags & NSE_JOB_DRY_RUN) || !any(job, NSE_CREATED))
		return 0;
	rc = nse_expect_open(&nl, err);
	if (rc < 0)
		return rc;
	for (uint32_t s = 0; s < nse_context_slots(job->ctx); s++) {
		if (!load(job, s, NSE_CREATED, &e))
			continue;
		rc = delete (nl, &e, false, first ? NULL : err);
		if (rc == 0 || rc == -ENOENT)
			nse_job_outcome(job, s, NSE_UNTOUCHED);
		else if (!first)
			first = rc;
	}
	return first;
}

int nse_expect_remove(struct nse_job *job, struct nse_error *err)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	bool dry = job->flags & NSE_JOB_DRY_RUN;
	struct nse_expect e;
	int first = 0, rc;

	if (!any(job, NSE_UNTOUCHED))
		return 0;
	rc = nse_expect_open(&nl, err);
	if (rc < 0)
		return rc;
	for (uint32_t s = 0; s < nse_context_slots(job->ctx); s++) {
		if (!load(job, s, NSE_UNTOUCHED, &e))
			continue;
		rc = delete (nl, &e, dry, first ? NULL : err);
		if (rc == 0 || rc == -ENOENT)
			nse_job_outcome(job, s, rc == 0 ? NSE_REMOVED_OK : NSE_ABSENT);
		else if (!first)
			first = rc;
	}
	return first;
}
