/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a round brings goes into the kernel at once, as far as it can while the
 * domain runs elsewhere: a record that is deleted or replaced is taken away
 * again, one that is new is made. What cannot be made yet waits for the commit.
 * Engines that do not install ahead have their records in a small context of
 * their own, so that the commit never has to look at the big one.
 */
#include "lib/session/target_private.h"

#include <errno.h>
#include <string.h>

#include "lib/engine/registry.h"
#include "lib/session/local.h"
#include "lib/session/policy.h"

static bool goes_ahead(const struct nse_kind *kind)
{
	const struct nse_engine *e = nse_engine_find(kind->engine);

	return e && e->ahead;
}

/* One of the job's functions on some slots only. */
static int on_slots(struct nse_target_session *t, const struct nse_slots *list,
		    int (*run)(uint32_t, struct nse_job *, struct nse_error *),
		    struct nse_error *err)
{
	int rc;

	if (!list->n)
		return 0;
	t->job.slots = list->p;
	t->job.nslots = list->n;
	rc = run(nse_engines_ahead(), &t->job, err);
	t->job.slots = NULL;
	t->job.nslots = 0;
	return rc;
}

/* The old records that a delta takes away or replaces, as far as they are ours. */
static int find_old(struct nse_target_session *t, const struct nse_delta *d,
		    struct nse_slots *old)
{
	const struct nse_context *lists[] = { d->dels, d->puts };
	struct nse_record rec, have;
	int rc = 0;

	for (size_t i = 0; i < NSE_ARRAY_SIZE(lists); i++) {
		for (uint32_t s = 0; s < nse_context_slots(lists[i]) && rc == 0; s++) {
			uint32_t slot;

			if (!nse_context_at(lists[i], s, &rec))
				continue;
			slot = nse_context_find(t->snap.ctx, rec.kind, rec.key);
			if (slot == NSE_CONTEXT_NONE ||
			    t->job.outcome[slot] != NSE_CREATED)
				continue;
			nse_context_at(t->snap.ctx, slot, &have);
			if (lists[i] == d->dels || !nse_bytes_equal(rec.body, have.body))
				rc = nse_slots_push(old, slot);
		}
	}
	return rc;
}

/* What is deleted is nobody's any more, whatever became of it. */
static void forget_deleted(struct nse_target_session *t, const struct nse_delta *d)
{
	struct nse_record rec;

	for (uint32_t s = 0; s < nse_context_slots(d->dels); s++) {
		uint32_t slot;

		if (!nse_context_at(d->dels, s, &rec))
			continue;
		slot = nse_context_find(t->snap.ctx, rec.kind, rec.key);
		if (slot != NSE_CONTEXT_NONE)
			nse_job_outcome(&t->job, slot, NSE_UNTOUCHED);
	}
}

static int find_new(struct nse_target_session *t, const struct nse_delta *d,
		    struct nse_slots *new)
{
	struct nse_record rec;
	int rc = 0;

	for (uint32_t s = 0; s < nse_context_slots(d->puts) && rc == 0; s++) {
		uint32_t slot;

		if (!nse_context_at(d->puts, s, &rec) || !goes_ahead(rec.kind))
			continue;
		slot = nse_context_find(t->snap.ctx, rec.kind, rec.key);
		if (t->job.outcome[slot] == NSE_UNTOUCHED)
			rc = nse_slots_push(new, slot);
	}
	return rc;
}

/* What could not be made yet waits for the commit. */
static int keep_waiting(struct nse_target_session *t, const struct nse_slots *tried)
{
	int rc = 0;

	for (size_t i = 0; i < tried->n && rc == 0; i++)
		if (t->job.outcome[tried->p[i]] == NSE_UNTOUCHED)
			rc = nse_slots_push(&t->waiting, tried->p[i]);
	/* A slot is tried again in each round in which its record is put. */
	if (t->waiting.n > 2 * (size_t)nse_context_slots(t->snap.ctx))
		nse_slots_unite(&t->waiting);
	return rc;
}

/* The records of a context, or its keys, that do not go ahead. */
static int put_rest(struct nse_delta *to, const struct nse_context *from, bool gone)
{
	struct nse_record rec;
	int rc = 0;

	for (uint32_t s = 0; s < nse_context_slots(from) && rc == 0; s++)
		if (nse_context_at(from, s, &rec) && !goes_ahead(rec.kind))
			rc = gone ? nse_delta_del(to, rec.kind, rec.key)
				  : nse_delta_put(to, &rec);
	return rc;
}

/* Changes the small context as the delta changes the whole one. */
static int change_rest(struct nse_target_session *t, const struct nse_delta *d)
{
	NSE_CLEANUP(nse_delta_release) struct nse_delta part = { 0 };
	int rc = nse_delta_init(&part);

	rc = rc ?: put_rest(&part, d->dels, true);
	rc = rc ?: put_rest(&part, d->puts, false);
	return rc ?: nse_delta_apply(&part, t->rest);
}

static bool touches_rest(const struct nse_delta *d)
{
	const struct nse_context *lists[] = { d->dels, d->puts };
	struct nse_record rec;

	for (size_t i = 0; i < NSE_ARRAY_SIZE(lists); i++)
		for (uint32_t s = 0; s < nse_context_slots(lists[i]); s++)
			if (nse_context_at(lists[i], s, &rec) && !goes_ahead(rec.kind))
				return true;
	return false;
}

static int no_memory(int rc, struct nse_error *err)
{
	return rc < 0 ? nse_errno(err, rc, "taking a round in") : 0;
}

/* Both contexts as the delta says, and the kernel without what is old. */
static int replace(struct nse_target_session *t, const struct nse_delta *d,
		   struct nse_error *err)
{
	NSE_CLEANUP(nse_slots_release) struct nse_slots old = { 0 };
	int rc = no_memory(find_old(t, d, &old), err);

	rc = rc ?: on_slots(t, &old, nse_engines_undo, err);
	if (rc < 0)
		return rc;
	forget_deleted(t, d);
	rc = nse_delta_apply(d, t->snap.ctx) ?: change_rest(t, d);
	return no_memory(rc ?: nse_job_grow(&t->job), err);
}

int nse_target_take_delta(struct nse_target_session *t, const struct nse_delta *d,
			  struct nse_error *err)
{
	NSE_CLEANUP(nse_slots_release) struct nse_slots new = { 0 };
	int rc;

	if (d->nresets)
		return nse_error(err, -EPROTO, "a round that voids a whole engine");
	rc = nse_policy_records(&t->scope, d->puts, err) ?: replace(t, d, err);
	if (rc == 0 && touches_rest(d))
		rc = nse_engines_admit(&t->scope, t->rest, err);
	rc = rc ?: no_memory(find_new(t, d, &new), err);
	rc = rc ?: on_slots(t, &new, nse_engines_install, err);
	return rc ?: no_memory(keep_waiting(t, &new), err);
}

/* The first round is looked at as a whole, and may be big. */
static int split(struct nse_target_session *t)
{
	NSE_CLEANUP(nse_delta_release) struct nse_delta part = { 0 };
	int rc = nse_delta_init(&part);

	rc = rc ?: put_rest(&part, t->snap.ctx, false);
	return rc ?: nse_delta_apply(&part, t->rest);
}

int nse_target_take_snapshot(struct nse_target_session *t, struct nse_error *err)
{
	int rc = nse_policy_context(&t->scope, t->snap.ctx, err);

	if (rc < 0)
		return rc;
	t->rest = nse_context_new();
	rc = t->rest ? split(t) : -ENOMEM;
	return no_memory(rc
				 ?: nse_job_init(&t->job, t->snap.ctx,
						 NSE_JOB_LIBERAL | NSE_JOB_AHEAD |
							 NSE_JOB_LONG),
			 err);
}

int nse_target_install_ahead(struct nse_target_session *t, struct nse_error *err)
{
	NSE_CLEANUP(nse_slots_release) struct nse_slots all = { 0 };
	const struct nse_domain *d = &t->scope.domain, *o = &t->scope.others;
	struct nse_record rec;
	int rc = nse_journal_mark(t->journal, NSE_JOURNAL_INSTALLING, err);

	rc = rc
		     ?: nse_guard_watch(&t->watch, t->id, d->addrs, d->naddrs, o->addrs,
					o->naddrs, err);
	for (uint32_t s = 0; s < nse_context_slots(t->snap.ctx) && rc == 0; s++)
		if (nse_context_at(t->snap.ctx, s, &rec) && goes_ahead(rec.kind))
			rc = no_memory(nse_slots_push(&all, s), err);
	rc = rc ?: on_slots(t, &all, nse_engines_install, err);
	return rc ?: no_memory(keep_waiting(t, &all), err);
}

/*
 * What was there already when it was to be made. It may have ended since, so it has to
 * be looked at once more. If the flow had its other end here, and that has left, no
 * packet has passed here since, and its windows are old: it is made anew.
 */
static int look_again(struct nse_target_session *t, const struct nse_addr *local,
		      size_t nlocal, struct nse_error *err)
{
	NSE_CLEANUP(nse_slots_release) struct nse_slots old = { 0 };
	const struct nse_scope *scope = &t->scope;
	const struct nse_engine *e;
	struct nse_record rec;
	int rc = 0;

	for (uint32_t s = 0; s < nse_context_slots(t->snap.ctx) && rc == 0; s++) {
		bool left;

		if (t->job.outcome[s] != NSE_KEPT ||
		    !nse_context_at(t->snap.ctx, s, &rec))
			continue;
		e = nse_engine_find(rec.kind->engine);
		left = e->shared(&rec, scope, t->ends, t->nends) &&
		       !e->shared(&rec, scope, local, nlocal);
		/* An undo takes away what is CREATED. */
		nse_job_outcome(&t->job, s, left ? NSE_CREATED : NSE_UNTOUCHED);
		rc = nse_slots_push(&t->waiting, s);
		if (rc == 0 && left)
			rc = nse_slots_push(&old, s);
	}
	rc = no_memory(rc, err);
	return rc ?: on_slots(t, &old, nse_engines_undo, err);
}

static int refresh_kept(struct nse_target_session *t, struct nse_error *err)
{
	NSE_FREE struct nse_addr *local = NULL;
	size_t nlocal = 0;
	int rc;

	if (!t->job.kept)
		return 0;
	rc = nse_local_ends(t->spec->config, t->spec->platform, &t->scope,
			    NSE_LOCAL_TO_MEET, &local, &nlocal, err);
	return rc ?: look_again(t, local, nlocal, err);
}

int nse_target_refresh(struct nse_target_session *t, struct nse_error *err)
{
	unsigned int flags = t->job.flags;
	uint64_t packets = 0;
	int rc = t->watch ? nse_guard_dropped(t->watch, &packets, err) : 0;

	rc = rc ?: refresh_kept(t, err);
	if (rc < 0 || !packets)
		return rc;
	/* What cannot be made again is refused. */
	t->job.flags &= ~(unsigned int)NSE_JOB_AHEAD;
	rc = nse_engines_refresh(nse_engines_ahead(), &t->job, err);
	t->job.flags = flags;
	return rc;
}

int nse_target_install_waiting(struct nse_target_session *t, struct nse_error *err)
{
	nse_slots_unite(&t->waiting);
	t->job.flags &= ~(unsigned int)NSE_JOB_AHEAD;
	return on_slots(t, &t->waiting, nse_engines_install, err);
}
