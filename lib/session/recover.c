/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recovery: what a killed process has left is finished, undone or cleaned up.
 * The journal says how far it had come; where the domain is now is asked of
 * the platform, and never guessed.
 */
#include "lib/session/recover.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/engine/registry.h"
#include "lib/scope/resolve.h"
#include "lib/session/arrive.h"
#include "lib/session/install.h"
#include "lib/session/local.h"
#include "lib/util/cleanup.h"

/* Where a domain is, as far as this host can tell. */
enum place { ABSENT, PRESENT, RUNNING };

struct sought {
	const struct nse_domain *domain;
	bool found;
};

static bool same_uuid(const struct nse_domain *a, const struct nse_domain *b)
{
	return a->uuid[0] && strcmp(a->uuid, b->uuid) == 0;
}

static int compare(void *arg, const struct nse_domain *d)
{
	struct sought *s = arg;

	if (strcmp(d->name, s->domain->name) == 0 || same_uuid(s->domain, d))
		s->found = true;
	return 0;
}

/* xl gives the domain another name while it leaves, but not another id. */
static int look_by_id(struct nse_platform *p, const struct nse_domain *domain,
		      struct nse_error *err)
{
	NSE_CLEANUP(nse_domain_release) struct nse_domain d;
	char id[16];
	int rc;

	nse_domain_init(&d);
	snprintf(id, sizeof(id), "%d", domain->id);
	rc = p->ops->describe(p, id, &d, err);
	if (rc < 0)
		return rc == -ENOENT ? ABSENT : rc;
	return !domain->uuid[0] || !d.uuid[0] || same_uuid(domain, &d) ? PRESENT : ABSENT;
}

/* An enum place, or -errno when it cannot be found out. */
static int whereabouts(struct nse_platform *p, const struct nse_domain *domain,
		       struct nse_error *err)
{
	struct sought s = { domain, false };
	int rc;

	if (!p)
		return nse_error(err, -ENODEV,
				 "there is no platform that would say whether it is "
				 "here; name one with --platform or in nsemig.conf");
	rc = p->ops->running(p, domain->name, err);
	if (rc != 0)
		return rc < 0 ? rc : RUNNING;
	rc = p->ops->list(p, compare, &s, err);
	if (rc < 0)
		return rc;
	if (s.found)
		return PRESENT;
	return domain->id < 0 ? ABSENT : look_by_id(p, domain, err);
}

/* The source's end: cleans up as the step of that name would have done. */
static int clean(const struct nse_recover_spec *spec, const struct nse_journal *j,
		 const struct nse_scope *scope, struct nse_recovered *what,
		 struct nse_error *err)
{
	NSE_CLEANUP(nse_snapshot_release) struct nse_snapshot snap = { 0 };
	NSE_CLEANUP(nse_job_release) struct nse_job job = { 0 };
	NSE_FREE struct nse_addr *local = NULL;
	size_t nlocal = 0;
	int rc = nse_journal_load(j, NULL, &snap, NULL, NULL, err);

	what->how = NSE_RECOVERED_CLEANED;
	if (rc < 0 || !snap.ctx)
		return rc;
	rc = nse_local_ends(spec->config, spec->platform, scope, NSE_LOCAL_TO_LEAVE,
			    &local, &nlocal, err);
	if (rc == 0)
		rc = nse_install_purge(snap.ctx, NSE_ENGINES_ALL, scope, local, nlocal, 0,
				       &job, err);
	what->removed = job.removed;
	what->kept = job.kept;
	if (rc == 0 && job.refused)
		rc = nse_error(err, -EIO,
			       "%" PRIu64 " records cannot be removed, the first: %s",
			       job.refused, job.nrefusals ? job.refusals[0].why : "?");
	return rc;
}

static int recover_source(const struct nse_recover_spec *spec,
			  const struct nse_journal *j, const struct nse_scope *scope,
			  struct nse_recovered *what, struct nse_error *err)
{
	int rc = whereabouts(spec->platform, &scope->domain, err);

	if (rc == ABSENT)
		return clean(spec, j, scope, what, err);
	if (rc == PRESENT)
		nse_error(err, -EAGAIN,
			  "it is still on this host, but does not run: its move may be "
			  "about to end");
	what->how = rc == RUNNING ? NSE_RECOVERED_RETURNED : NSE_RECOVERED_PENDING;
	return 0;
}

static bool has(const struct nse_context *ctx, const struct nse_record *rec)
{
	return ctx && nse_context_find(ctx, rec->kind, rec->key) != NSE_CONTEXT_NONE;
}

/*
 * A job over what a session brought minus what the host had: every such record
 * is CREATED.
 */
static int job_of(struct nse_job *job, const struct nse_context *ctx,
		  const struct nse_context *before, unsigned int flags)
{
	struct nse_record rec;
	int rc = nse_job_init(job, ctx, flags);

	if (rc < 0)
		return rc;
	for (uint32_t s = 0; s < nse_context_slots(ctx); s++)
		if (nse_context_at(ctx, s, &rec))
			nse_job_outcome(job, s,
					has(before, &rec) ? NSE_KEPT : NSE_CREATED);
	return 0;
}

/* What a session has brought, by this host's names. */
struct brought {
	struct nse_snapshot snap, before;
	struct nse_context *gone; /* deleted again by a later round */
};

static void brought_release(struct brought *b)
{
	nse_snapshot_release(&b->snap);
	nse_snapshot_release(&b->before);
	nse_context_free(b->gone);
}

/* What the session was not let have as a whole it has not installed. */
static void drop_not_admitted(const struct nse_scope *scope, struct nse_context *ctx)
{
	struct nse_sink sink = nse_context_sink(ctx);

	for (size_t i = 0; nse_engines[i]; i++)
		if (nse_engines[i]->admit && nse_engines[i]->admit(scope, ctx, NULL) < 0)
			sink.reset(sink.arg, nse_engines[i]->name);
}

static int load(const struct nse_journal *j, const struct nse_scope *scope,
		struct brought *b, struct nse_error *err)
{
	NSE_CLEANUP(nse_map_release) struct nse_map map = NSE_MAP_INIT;
	int rc;

	b->gone = nse_context_new();
	if (!b->gone)
		return nse_error(err, -ENOMEM, "out of memory");
	rc = nse_journal_load(j, scope, &b->snap, &b->before, b->gone, err);
	if (rc < 0 || !b->snap.ctx)
		return rc;
	rc = nse_journal_read_map(j, &map, err);
	rc = rc ?: nse_engines_check(b->snap.ctx, err);
	rc = rc ?: nse_engines_check(b->gone, err);
	if (rc == 0)
		drop_not_admitted(scope, b->snap.ctx);
	rc = rc ?: nse_arrive_relocate(&b->snap.ctx, &map, err);
	return rc ?: nse_arrive_relocate(&b->gone, &map, err);
}

static int finish(const struct brought *b, struct nse_error *err)
{
	NSE_CLEANUP(nse_job_release) struct nse_job job = { 0 };

	/* How it was installed is not known; what is final already stays as it is. */
	if (job_of(&job, b->snap.ctx, b->before.ctx, NSE_JOB_LIBERAL | NSE_JOB_LONG) < 0)
		return nse_error(err, -ENOMEM, "out of memory");
	return nse_engines_settle(NSE_ENGINES_ALL, &job, err);
}

/*
 * What of it has another end here may have been here before it came: then
 * packets have met it, and it stays.
 */
static int undo_part(const struct nse_context *ctx, const struct nse_context *before,
		     const struct nse_scope *scope, const struct nse_addr *local,
		     size_t nlocal, bool shared, struct nse_error *err)
{
	NSE_CLEANUP(nse_job_release) struct nse_job job = { 0 };
	struct nse_record rec;

	if (job_of(&job, ctx, before, shared ? NSE_JOB_UNMET : 0) < 0)
		return nse_error(err, -ENOMEM, "out of memory");
	for (uint32_t s = 0; s < nse_context_slots(ctx); s++) {
		const struct nse_engine *e;

		if (!nse_context_at(ctx, s, &rec))
			continue;
		e = nse_engine_find(rec.kind->engine);
		if (e->shared(&rec, scope, local, nlocal) != shared)
			nse_job_outcome(&job, s, NSE_KEPT);
	}
	return nse_engines_undo(NSE_ENGINES_ALL, &job, err);
}

static int undo(const struct nse_recover_spec *spec, const struct brought *b,
		const struct nse_scope *scope, struct nse_error *err)
{
	const struct nse_context *list[] = { b->gone, b->snap.ctx };
	NSE_FREE struct nse_addr *local = NULL;
	size_t nlocal = 0;
	int rc = nse_local_ends(spec->config, spec->platform, scope, NSE_LOCAL_TO_LEAVE,
				&local, &nlocal, err);

	for (size_t i = 0; i < NSE_ARRAY_SIZE(list) && rc == 0; i++)
		rc = undo_part(list[i], b->before.ctx, scope, local, nlocal, true, err)
			     ?: undo_part(list[i], b->before.ctx, scope, local, nlocal,
					  false, err);
	return rc;
}

static int finish_or_undo(const struct nse_recover_spec *spec,
			  const struct nse_journal *j, const struct nse_scope *scope,
			  bool keep, struct nse_error *err)
{
	NSE_CLEANUP(brought_release) struct brought b = { 0 };
	int rc = load(j, scope, &b, err);

	if (rc < 0 || !b.snap.ctx)
		return rc;
	return keep ? finish(&b, err) : undo(spec, &b, scope, err);
}

/*
 * Does the domain of a committed session run here? A source that has let it
 * go before our process died may still be making it run: -EAGAIN.
 */
static int has_come(struct nse_platform *p, const char *name, struct nse_error *err)
{
	NSE_CLEANUP(nse_domain_release) struct nse_domain d;
	int rc;

	nse_domain_init(&d);
	if (!p)
		return 0;
	rc = p->ops->running(p, name, err);
	if (rc != 0)
		return rc;
	rc = p->ops->incoming(p, name, &d, NULL);
	if (rc == 0)
		return nse_error(err, -EAGAIN,
				 "it has arrived, but does not run yet: its move may be "
				 "about to end");
	/* It may have begun to run between the two questions. */
	return rc == -ENOENT ? p->ops->running(p, name, err)
			     : nse_error(err, rc, "cannot find out whether it arrives");
}

static int recover_target(const struct nse_recover_spec *spec,
			  const struct nse_journal *j, enum nse_journal_state state,
			  const struct nse_scope *scope, struct nse_recovered *what,
			  struct nse_error *err)
{
	int rc = 0;

	if (state == NSE_JOURNAL_COMMITTED)
		rc = has_come(spec->platform, scope->domain.name, err);
	if (rc < 0) {
		what->how = NSE_RECOVERED_PENDING;
		return 0;
	}
	what->how = rc ? NSE_RECOVERED_FINISHED : NSE_RECOVERED_UNDONE;
	return finish_or_undo(spec, j, scope, rc, err);
}

/* A journal that is ours now. With a text in err when it is pending. */
static int recover_journal(const struct nse_recover_spec *spec,
			   const struct nse_journal *j, struct nse_scope *scope,
			   struct nse_recovered *what, struct nse_error *err)
{
	enum nse_journal_state state;
	NSE_CLOSE int lock = -1;
	int rc = nse_journal_read(j, &state, scope, err);

	if (rc < 0 || state == NSE_JOURNAL_GATHER)
		return rc;
	/* A later migration of the same domain may have put the same records. */
	rc = nse_lock_domain(spec->config->state_dir, scope->domain.name, &lock, err);
	if (rc == -EBUSY) {
		what->how = NSE_RECOVERED_PENDING;
		return 0;
	}
	if (rc < 0)
		return rc;
	return what->side == NSE_JOURNAL_MOVE
		       ? recover_source(spec, j, scope, what, err)
		       : recover_target(spec, j, state, scope, what, err);
}

struct visit {
	const struct nse_recover_spec *spec;
	enum nse_journal_side side;
	struct nse_recovery *sum;
	struct nse_error *err; /* the first failure */
	int rc;
};

static bool is_over(enum nse_recovered_how how)
{
	return how != NSE_RECOVERED_PENDING && how != NSE_RECOVERED_ALIVE &&
	       how != NSE_RECOVERED_FAILED;
}

static void close_journal(struct nse_journal *j, enum nse_recovered_how how)
{
	if (is_over(how))
		nse_journal_forget(j);
	else
		nse_journal_close(j);
}

/* The first failure is told whole: what, why, what becomes of it and what to do. */
static int failed(struct visit *v, const struct nse_recovered *what, int rc,
		  const struct nse_error *why)
{
	if (v->rc)
		return v->rc;
	nse_error(v->err, rc, "what a migration%s%s left on this host is still there: %s",
		  what->domain[0] ? " of " : "", what->domain, why->text);
	if (v->err)
		snprintf(v->err->state, sizeof(v->err->state),
			 "Its journal stays: %s/%s/%s.", v->spec->config->state_dir,
			 what->side == NSE_JOURNAL_MOVE ? "moves" : "sessions", what->id);
	nse_advise(v->err,
		   "%s%s`nsemig recover` tries again; to give it up, remove the journal",
		   why->advice, why->advice[0] ? ";\n" : "");
	return rc;
}

static int visit(void *arg, const char *id)
{
	struct visit *v = arg;
	NSE_CLEANUP(nse_scope_release) struct nse_scope scope;
	struct nse_recovered what = { .side = v->side, .id = id };
	enum nse_journal_state state;
	struct nse_journal *j = NULL;
	struct nse_error err = { 0 };
	int rc;

	nse_scope_init(&scope);
	rc = nse_journal_reopen(&j, v->spec->config->state_dir, v->side, id, &err);
	if (rc == -ENOENT)
		return 0; /* it has just ended */
	if (rc == -EBUSY) {
		what.how = NSE_RECOVERED_ALIVE;
		rc = 0;
		nse_journal_read(j, &state, &scope, NULL);
	} else if (rc == 0) {
		rc = recover_journal(v->spec, j, &scope, &what, &err);
	}
	what.domain = scope.domain.name;
	if (rc < 0) {
		what.how = NSE_RECOVERED_FAILED;
		v->rc = failed(v, &what, rc, &err);
	}
	close_journal(j, what.how);
	what.text = is_over(what.how) || what.how == NSE_RECOVERED_ALIVE ? "" : err.text;
	v->sum->n[what.how]++;
	if (v->spec->each)
		v->spec->each(v->spec->arg, &what);
	return 0;
}

int nse_recover(const struct nse_recover_spec *spec, struct nse_recovery *r,
		struct nse_error *err)
{
	struct visit v = { .spec = spec, .sum = r, .err = err };

	*r = (struct nse_recovery){ { 0 } };
	for (v.side = NSE_JOURNAL_SESSION; v.side <= NSE_JOURNAL_MOVE; v.side++) {
		int rc =
			nse_journal_each(spec->config->state_dir, v.side, visit, &v, err);

		if (rc < 0)
			return rc;
	}
	return v.rc;
}

const char *nse_recovered_name(enum nse_recovered_how how)
{
	static const char *const names[NSE_RECOVERED_KINDS] = {
		"nothing",  "finished", "undone", "cleaned",
		"returned", "pending",	"alive",  "failed",
	};

	return names[how];
}

const char *nse_recovered_text(const struct nse_recovered *what,
			       char out[NSE_RECOVERED_TEXT])
{
	static const char *const lines[NSE_RECOVERED_KINDS] = {
		"nothing had been changed here",
		"it runs here, its context is complete",
		"it did not come, its context is removed",
		"it has left",
		"it runs here, everything is kept",
		"pending: ",
		"a migration is under way",
		"failed: ",
	};
	int n = snprintf(out, NSE_RECOVERED_TEXT, "%s%s: %s%s",
			 what->domain[0] ? "" : "session ",
			 what->domain[0] ? what->domain : what->id, lines[what->how],
			 what->text);

	if (what->how == NSE_RECOVERED_CLEANED && n < NSE_RECOVERED_TEXT)
		snprintf(out + n, (size_t)(NSE_RECOVERED_TEXT - n),
			 "; %" PRIu64 " records removed, %" PRIu64
			 " kept for a local end",
			 what->removed, what->kept);
	return out;
}
