/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The source of a migration as a table of steps, each with its undo, and one
 * line of no return: letting the platform run the domain at the target.
 */
#include "lib/session/source_private.h"

#include <errno.h>
#include <unistd.h>

#include "lib/engine/registry.h"
#include "lib/session/local.h"
#include "lib/session/recover.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"

#define SECOND	 1000000LL
#define REPLY_US (120 * SECOND) /* answers that need a dump of a big table */
#define ABORT_US (30 * SECOND)
#define READY_US (600 * SECOND) /* the rest of the memory, after the suspension */
#define END_US	 (120 * SECOND)
#define ROUND_US (SECOND / 10) /* between two deltas, while memory is copied; */
#define ROUNDS	 2000	       /* and a 2000th of the time that has passed */
/*
 * For looking at entries that do not tell of their changes, in each round and
 * during the freeze. What it leaves is settled after the release.
 */
#define RECHECK_US (10 * 1000)

static int64_t in_us(int64_t us)
{
	return nse_now_us() + us;
}

static int step_lock(void *arg, struct nse_error *err)
{
	struct nse_source_session *s = arg;

	return nse_lock_domain(s->spec->config->state_dir, s->spec->scope->domain.name,
			       &s->lock, err);
}

static int undo_lock(void *arg, struct nse_error *err)
{
	struct nse_source_session *s = arg;

	(void)err;
	if (s->lock >= 0)
		close(s->lock);
	s->lock = -1;
	return 0;
}

static int step_connect(void *arg, struct nse_error *err)
{
	struct nse_source_session *s = arg;

	return nse_source_connect(s, s->spec->interrupted, err);
}

static int undo_connect(void *arg, struct nse_error *err)
{
	(void)err;
	nse_source_disconnect(arg);
	return 0;
}

static json_t *hello(const struct nse_source_session *s)
{
	return json_pack("{s:i, s:s, s:s, s:i, s:s}", "protocol", NSE_PROTOCOL_VERSION,
			 "version", NSEMIG_VERSION, "session", s->id, "silence_s",
			 s->spec->timeout_s * 2, "domain", s->spec->scope->domain.name);
}

static int step_hello(void *arg, struct nse_error *err)
{
	struct nse_source_session *s = arg;
	json_t *welcome = NULL;
	int protocol = 0;
	int rc = nse_source_ask(s, NSE_MSG_HELLO, hello(s), NSE_MSG_WELCOME,
				in_us(REPLY_US), &welcome, err);

	if (rc < 0)
		return rc;
	json_unpack(welcome, "{s:i}", "protocol", &protocol);
	s->welcome = welcome;
	if (s->spec->welcome)
		*s->spec->welcome = json_incref(welcome);
	if (protocol != NSE_PROTOCOL_VERSION)
		return nse_error(
			err, -EPROTONOSUPPORT,
			"%s speaks session protocol %d, this host %d: install the "
			"same nsemig version on both",
			s->spec->target, protocol, NSE_PROTOCOL_VERSION);
	return 0;
}

/* Ends the session in order: the target confirms that nothing is left. */
static int undo_hello(void *arg, struct nse_error *err)
{
	struct nse_source_session *s = arg;

	(void)err;
	nse_source_part(s, in_us(ABORT_US));
	return 0;
}

static int collect(struct nse_source_session *s, struct nse_context **ctx,
		   struct nse_error *err)
{
	struct nse_sink sink;

	*ctx = nse_context_new();
	if (!*ctx)
		return nse_error(err, -ENOMEM, "out of memory");
	sink = nse_context_sink(*ctx);
	return nse_engines_collect(s->spec->engines, s->spec->scope, &sink, err);
}

/* Listens before it collects, so that nothing is missed between the two. */
static int follow(struct nse_source_session *s, struct nse_error *err)
{
	int64_t start = nse_now_us();
	int rc = nse_follow_open(&s->follow, s->spec->engines, s->spec->scope, RECHECK_US,
				 err);

	rc = rc ?: nse_follow_collect(s->follow, &s->sent, err);
	/* The target was not listened to meanwhile. */
	s->ch.heard_us += nse_now_us() - start;
	return rc;
}

static int step_round0(void *arg, struct nse_error *err)
{
	struct nse_source_session *s = arg;
	int rc;

	/* A dry run writes nothing. */
	if (s->spec->dry_run)
		rc = collect(s, &s->sent, err);
	else
		rc = nse_journal_open(&s->journal, s->spec->config->state_dir,
				      NSE_JOURNAL_MOVE, s->id, s->spec->scope, err)
			     ?: follow(s, err);
	if (rc == 0)
		rc = nse_source_send_first(s, err);
	if (rc == 0 && !s->spec->dry_run)
		rc = nse_source_catch_up(s, err);
	if (rc == 0)
		nse_source_note(s, "%zu records are at %s", nse_context_count(s->sent),
				s->spec->target);
	return rc;
}

static int undo_round0(void *arg, struct nse_error *err)
{
	struct nse_source_session *s = arg;

	(void)err;
	nse_follow_close(nse_take(s->follow));
	nse_journal_forget(nse_take(s->journal));
	return 0;
}

static int step_move(void *arg, struct nse_error *err)
{
	struct nse_source_session *s = arg;

	return s->spec->platform->ops->move_start(s->spec->platform, &s->spec->move,
						  &s->move, err);
}

static int undo_move(void *arg, struct nse_error *err)
{
	struct nse_source_session *s = arg;
	const struct nse_platform_ops *ops = s->spec->platform->ops;
	int rc = s->move ? ops->move_abort(s->move, in_us(ABORT_US), err) : 0;

	ops->move_free(nse_take(s->move));
	return rc;
}

/* While memory is copied the target is kept up to date. */
static int step_suspend(void *arg, struct nse_error *err)
{
	struct nse_source_session *s = arg;
	int64_t start = nse_now_us(), pause;
	int rc;

	for (;;) {
		/* Some thousands of rounds at most, however long it takes. */
		pause = ROUND_US + (nse_now_us() - start) / ROUNDS;
		rc = nse_source_wait(s, NSE_MSG_NONE, NSE_MOVE_SUSPENDED, in_us(pause),
				     NULL, err);
		if (rc != -ETIMEDOUT)
			return rc;
		*err = (struct nse_error){ 0 };
		rc = nse_source_prepare(s, err) ?: nse_source_send_changes(s, false, err);
		if (rc < 0)
			return rc;
	}
}

static int step_freeze(void *arg, struct nse_error *err)
{
	struct nse_source_session *s = arg;
	const struct nse_domain *d = &s->spec->scope->domain;
	int rc = nse_guard_up(&s->guard, s->id, d->addrs, d->naddrs, err);

	return rc < 0 ? rc
		      : nse_channel_send_json(&s->ch, NSE_MSG_FREEZE, json_object(), err);
}

static int undo_freeze(void *arg, struct nse_error *err)
{
	struct nse_source_session *s = arg;

	return nse_guard_down(nse_take(s->guard), err);
}

static int step_collect(void *arg, struct nse_error *err)
{
	return nse_source_send_changes(arg, true, err);
}

static int step_install(void *arg, struct nse_error *err)
{
	struct nse_source_session *s = arg;
	int64_t limit = s->suspended_us + s->spec->timeout_s * SECOND;
	json_int_t created = 0, kept = 0, dropped = 0;
	json_t *answer = NULL;
	int rc;

	s->commit_sent = true;
	rc = nse_source_ask(s, NSE_MSG_COMMIT, json_object(), NSE_MSG_COMMITTED, limit,
			    &answer, err);
	if (rc < 0)
		return rc;
	s->committed_us = nse_now_us();
	json_unpack(answer, "{s?I, s?I, s?I}", "created", &created, "kept", &kept,
		    "dropped", &dropped);
	json_decref(answer);
	s->carried = (uint64_t)created;
	s->kept = (uint64_t)kept;
	s->dropped = (uint64_t)dropped;
	return 0;
}

/* Only says so: the guest shall not wait here for the target's clean-up. */
static int undo_install(void *arg, struct nse_error *err)
{
	(void)err;
	nse_source_say_abort(arg);
	return 0;
}

static int step_ready(void *arg, struct nse_error *err)
{
	return nse_source_wait(arg, NSE_MSG_NONE, NSE_MOVE_READY, in_us(READY_US), NULL,
			       err);
}

/* The line of no return; should we die behind it, the journal says so. */
static int step_release(void *arg, struct nse_error *err)
{
	struct nse_source_session *s = arg;
	int rc = nse_source_alive(s, err);

	if (rc == 0)
		rc = nse_channel_send_json(&s->ch, NSE_MSG_RELEASED, json_object(), err);
	if (rc < 0 || (rc = nse_journal_mark(s->journal, NSE_JOURNAL_RELEASED, err)) < 0)
		return rc;
	rc = s->spec->platform->ops->move_go(s->move, err);
	if (rc == 0)
		s->released_us = nse_now_us();
	else
		nse_journal_mark(s->journal, NSE_JOURNAL_GATHER, NULL);
	return rc;
}

static int step_end(void *arg, struct nse_error *err)
{
	struct nse_source_session *s = arg;
	bool was_linked = s->linked;
	int rc;

	/* A link that dies now must not keep us from seeing how xl ends. */
	s->linked = false;
	rc = nse_source_wait(s, NSE_MSG_NONE, NSE_MOVE_ENDED, in_us(END_US), NULL, err);
	s->linked = was_linked;
	return nse_source_decide(s, rc, err);
}

static int step_thaw(void *arg, struct nse_error *err)
{
	struct nse_source_session *s = arg;
	struct nse_error own = { 0 };

	/* What fails from here on is told, but takes nothing back. */
	if (nse_guard_down(nse_take(s->guard), &own) < 0)
		nse_source_note(s, "warning: %s", own.text);
	(void)err;
	return 0;
}

static int step_clean(void *arg, struct nse_error *err)
{
	struct nse_source_session *s = arg;
	struct nse_addr *local = NULL;
	struct nse_job job = { 0 };
	size_t nlocal = 0;
	int rc = nse_local_ends(s->spec->config, s->spec->platform, s->spec->scope,
				NSE_LOCAL_TO_LEAVE, &local, &nlocal, err);

	if (rc == 0)
		rc = nse_install_purge(s->last ? s->last : s->sent, s->spec->engines,
				       s->spec->scope, local, nlocal, 0, &job, err);
	s->kept_here = job.kept;
	s->cleaned = rc == 0;
	nse_job_release(&job);
	free(local);
	if (rc == 0)
		nse_journal_forget(nse_take(s->journal));
	s->where = NSE_AT_SOURCE;
	return rc;
}

/* What is here now is what the domain had at the freeze, but for the time. */
static int step_settle(void *arg, struct nse_error *err)
{
	struct nse_source_session *s = arg;
	int64_t start = nse_now_us();
	struct nse_error own = { 0 };
	int rc = collect(s, &s->last, &own);

	s->ch.heard_us += nse_now_us() - start;
	nse_follow_close(nse_take(s->follow));
	if (rc < 0) { /* what was not read is not gone */
		nse_context_free(nse_take(s->last));
		nse_source_note(s,
				"warning: phase settle: the last states of %s were not "
				"read here: %s",
				s->spec->scope->domain.name, own.text);
	}
	return nse_source_settle(s, err);
}

static int step_done(void *arg, struct nse_error *err)
{
	struct nse_source_session *s = arg;
	struct nse_error own = { 0 };

	(void)err;
	if (s->linked && s->settled &&
	    nse_source_ask(s, NSE_MSG_DONE, json_object(), NSE_MSG_BYE, in_us(REPLY_US),
			   NULL, &own) < 0)
		nse_source_note(
			s,
			"warning: %s runs at %s, with its context; only the end of "
			"the session was not confirmed: %s. To be sure, run `nsemig "
			"recover` there",
			s->spec->scope->domain.name, s->spec->target, own.text);
	return 0;
}

const struct nse_step nse_source_steps[] = {
	{ "lock", step_lock, undo_lock, false, "taking the lock of the domain" },
	{ "connect", step_connect, undo_connect, false, "connecting to the target" },
	{ "hello", step_hello, undo_hello, false,
	  "agreeing on a version with the target" },
	{ "offer", nse_source_offer, NULL, false,
	  "asking the target whether it may come" },
	{ "round0", step_round0, undo_round0, false,
	  "sending the first copy of its context" },
	{ "move", step_move, undo_move, false, "starting the platform's move" },
	{ "suspend", step_suspend, NULL, false, "copying its memory" },
	{ "freeze", step_freeze, undo_freeze, false, "guarding it while it is frozen" },
	{ "collect", step_collect, NULL, false,
	  "sending the last changes of its context" },
	{ "install", step_install, undo_install, false,
	  "installing its context at the target" },
	{ "ready", step_ready, NULL, false, "waiting for the rest of its memory" },
	{ "release", step_release, NULL, true, "letting it run at the target" },
	{ "thaw", step_thaw, NULL, false, "lifting the guard here" },
	{ "end", step_end, NULL, false, "waiting until it runs at the target" },
	{ "settle", step_settle, NULL, false, "making its context final at the target" },
	{ "clean", step_clean, NULL, false, "removing its context here" },
	{ "done", step_done, NULL, false, "ending the session" },
	{ 0 },
};

static enum nse_source_result run(struct nse_source_session *s, struct nse_error *err)
{
	int rc;

	nse_steps_init(&s->steps, nse_source_steps, s);
	/* A dry run goes as far as the target's opinion of the real context. */
	s->steps.until = s->spec->dry_run ? "move" : NULL;
	s->steps.changed = nse_source_tell_progress;
	rc = nse_steps_run(&s->steps, err);
	if (s->spec->dry_run && rc == 0) {
		nse_steps_undo(&s->steps, err);
		return NSE_MIGRATED;
	}
	if (rc == 0 || s->cleaned || s->arrived)
		return NSE_MIGRATED;
	if (s->steps.crossed)
		return NSE_UNCLEAR;
	s->missing = s->steps.undo.code && !nse_source_runs_here(s);
	return nse_source_confirm_undone(s) < 0 || s->missing ? NSE_UNCLEAR : NSE_ABORTED;
}

static void tell_recovered(void *arg, const struct nse_recovered *what)
{
	char text[NSE_RECOVERED_TEXT];

	if (what->how != NSE_RECOVERED_NOTHING && what->how != NSE_RECOVERED_ALIVE)
		nse_source_note(arg, "%sfrom an earlier migration: %s",
				what->how == NSE_RECOVERED_FAILED ? "warning: " : "",
				nse_recovered_text(what, text));
}

/* What killed processes have left here; it is in nobody's way but its own. */
static void recover_first(struct nse_source_session *s)
{
	const struct nse_recover_spec dead = { s->spec->config, s->spec->platform,
					       tell_recovered, s };
	struct nse_recovery sum;
	struct nse_error own = { 0 };

	if (!s->spec->dry_run && nse_recover(&dead, &sum, &own) < 0 &&
	    !sum.n[NSE_RECOVERED_FAILED])
		nse_source_note(s, "warning: %s", own.text);
}

enum nse_source_result nse_source_migrate(const struct nse_source_spec *spec,
					  json_t **report, struct nse_problems *problems,
					  struct nse_error *err)
{
	struct nse_source_session s = { .spec = spec, .problems = problems, .lock = -1 };
	enum nse_source_result result;

	s.rounds = json_array();
	s.refused = json_array();
	s.differ = json_array();
	nse_source_new_id(s.id);
	recover_first(&s);
	result = run(&s, err);
	nse_source_explain(&s, result, err);
	*report = nse_source_report(&s, result, err);
	nse_source_disconnect(&s);
	if (s.move)
		spec->platform->ops->move_free(s.move);
	nse_guard_down(s.guard, NULL);
	nse_journal_close(s.journal);
	nse_follow_close(s.follow);
	nse_context_free(s.sent);
	nse_context_free(s.last);
	json_decref(s.rounds);
	json_decref(s.refused);
	json_decref(s.differ);
	json_decref(s.welcome);
	if (s.lock >= 0)
		close(s.lock);
	return result;
}
