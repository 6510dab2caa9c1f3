/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The target of a migration as a table of steps. Each step waits for its
 * message; an ABORT, a dead link or an error undoes what the steps have done.
 * After the commit a dead link alone does not decide: then the facts do,
 * whether the domain runs here (see target_fate.c).
 */
#include "lib/session/target_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/engine/registry.h"
#include "lib/scope/resolve.h"
#include "lib/session/arrive.h"
#include "lib/session/local.h"
#include "lib/session/policy.h"
#include "lib/session/preflight.h"
#include "lib/session/target.h"
#include "lib/util/clock.h"

#define PEER_SILENCE_S 30
#define SILENCE_MAX_S  3600

/* Takes the session's parameters out of HELLO. */
static int read_hello(struct nse_target_session *t, const json_t *obj,
		      struct nse_error *err)
{
	const char *version = "?", *session = NULL, *previous = NULL;
	int protocol = 0, silence = PEER_SILENCE_S;

	if (json_unpack((json_t *)obj, "{s:i, s?s, s:s, s?i, s?s}", "protocol", &protocol,
			"version", &version, "session", &session, "silence_s", &silence,
			"previous", &previous) < 0)
		return nse_error(err, -EPROTO, "HELLO is not valid");
	if (protocol != NSE_PROTOCOL_VERSION)
		return nse_error(
			err, -EPROTONOSUPPORT,
			"the source speaks session protocol %d (nsemig %s), the target "
			"%d (nsemig %s): install the same version on both",
			protocol, version, NSE_PROTOCOL_VERSION, NSEMIG_VERSION);
	if (silence < 1 || silence > SILENCE_MAX_S)
		return nse_error(err, -EPROTO, "HELLO asks for a silence of %d s",
				 silence);
	snprintf(t->id, sizeof(t->id), "%s", session);
	t->leftover =
		previous && nse_journal_exists(t->spec->config->state_dir, previous);
	t->ch.silence_us = (int64_t)silence * 1000000;
	return 0;
}

static int step_hello(void *arg, struct nse_error *err)
{
	struct nse_target_session *t = arg;
	struct nse_incoming msg;
	json_t *obj, *facts, *own;
	int rc = nse_target_expect(t, NSE_MSG_HELLO, &msg, err);

	if (rc < 0)
		return rc;
	obj = nse_incoming_json(&msg, err);
	rc = obj ? read_hello(t, obj, err) : -EPROTO;
	json_decref(obj);
	if (rc < 0)
		return rc;
	facts = nse_preflight_facts(t->spec->platform, err);
	if (!facts)
		return err->code;
	own = json_pack("{s:i, s:i, s:i, s:b}", "recovered_undone",
			t->recovery.n[NSE_RECOVERED_UNDONE], "recovered_finished",
			t->recovery.n[NSE_RECOVERED_FINISHED], "recovered_cleaned",
			t->recovery.n[NSE_RECOVERED_CLEANED], "leftover", t->leftover);
	json_object_update(facts, own);
	json_decref(own);
	t->state = NSE_ST_OFFER;
	return nse_channel_send_json(&t->ch, NSE_MSG_WELCOME, facts, err);
}

/*
 * What this host has of the scope already, for the journal and for undo. Rules
 * are looked at when it is known by which names the domain goes here.
 */
static int collect_before(struct nse_target_session *t, struct nse_error *err)
{
	struct nse_sink sink;
	uint32_t nft = 0;
	int rc;

	t->before = nse_context_new();
	if (!t->before)
		return nse_error(err, -ENOMEM, "out of memory");
	sink = nse_context_sink(t->before);
	rc = nse_engines_parse("nft", &nft, err);
	return rc < 0 ? rc
		      : nse_engines_collect(NSE_ENGINES_ALL & ~nft, &t->scope, &sink,
					    err);
}

static int send_problems(struct nse_target_session *t, enum nse_message type,
			 const struct nse_problems *problems, json_t *obj,
			 struct nse_error *err)
{
	json_object_set_new(obj, "problems", nse_problems_to_json(problems));
	return nse_channel_send_json(&t->ch, type, obj, err);
}

static int read_offer(struct nse_target_session *t, const json_t *obj,
		      struct nse_error *err)
{
	const char *anchor = json_string_value(json_object_get(obj, "anchor"));
	json_int_t memory = json_integer_value(json_object_get(obj, "memory_kib"));
	int rc;

	t->dry_run = json_is_true(json_object_get(obj, "dry_run"));
	t->lossless = json_is_false(json_object_get(obj, "force"));
	t->memory_kib = memory > 0 ? (uint64_t)memory : 0;
	if (anchor && strcmp(anchor, "first") == 0)
		t->anchor = NSE_INSTALL_ANCHOR_FIRST;
	else if (anchor && strcmp(anchor, "last") == 0)
		t->anchor = NSE_INSTALL_ANCHOR_LAST;
	else if (anchor)
		return nse_error(err, -EPROTO, "OFFER asks for the anchor '%.32s'",
				 anchor);
	rc = nse_scope_from_json(json_object_get(obj, "scope"), &t->scope, err);
	/* What the source has chosen need not be here yet. */
	return rc < 0 ? rc : nse_scope_relax(&t->scope);
}

/*
 * Who else is here, before the domain freezes. What the source calls its
 * interfaces may be the names of others' here.
 */
static int look_around(struct nse_target_session *t, struct nse_error *err)
{
	NSE_CLEANUP(nse_scope_release) struct nse_scope unnamed;
	int rc;

	nse_scope_init(&unnamed);
	rc = nse_scope_copy(&unnamed, &t->scope);
	if (rc < 0)
		return nse_error(err, rc, "out of memory");
	unnamed.domain.nvifs = 0;
	rc = nse_scope_others(t->spec->config, t->spec->platform, &unnamed, err);
	if (rc == 0 && nse_domain_copy(&t->scope.others, &unnamed.others) < 0)
		rc = nse_error(err, -ENOMEM, "out of memory");
	return rc
		       ?: nse_local_ends(t->spec->config, t->spec->platform, &t->scope,
					 NSE_LOCAL_TO_COME, &t->ends, &t->nends, err);
}

/* May the domain come, and nobody else with it? */
static int take_in(struct nse_target_session *t, struct nse_error *err)
{
	const struct nse_target_spec *spec = t->spec;
	int rc = nse_policy_scope(spec->config, &t->scope, err);

	if (rc == 0)
		rc = nse_policy_claims(spec->config, spec->platform, &t->scope, err);
	if (rc == 0)
		rc = look_around(t, err);
	if (rc == 0)
		rc = nse_lock_domain(spec->config->state_dir, t->scope.domain.name,
				     &t->lock, err);
	return rc < 0 ? rc : collect_before(t, err);
}

static int step_offer(void *arg, struct nse_error *err)
{
	struct nse_target_session *t = arg;
	struct nse_problems problems = NSE_PROBLEMS_INIT;
	struct nse_incoming msg;
	json_t *obj;
	int rc = nse_target_expect(t, NSE_MSG_OFFER, &msg, err);

	if (rc < 0)
		return rc;
	obj = nse_incoming_json(&msg, err);
	rc = obj ? read_offer(t, obj, err) : -EPROTO;
	json_decref(obj);
	if (rc < 0 || (rc = take_in(t, err)) < 0)
		return rc;
	rc = nse_journal_open(&t->journal, t->spec->config->state_dir,
			      NSE_JOURNAL_SESSION, t->id, &t->scope, err);
	if (rc == 0)
		rc = nse_journal_before(t->journal, t->before, err);
	if (rc == 0)
		rc = nse_preflight_arrive(t->spec->platform, &t->scope, t->memory_kib,
					  &problems, err);
	if (rc == 0)
		rc = nse_engines_preflight(NSE_ENGINES_ALL, NULL, NULL, &problems, err);
	if (rc == 0) {
		t->state = NSE_ST_GATHER;
		obj = json_pack("{s:I}", "present",
				(json_int_t)nse_context_count(t->before));
		rc = send_problems(t, NSE_MSG_VERDICT, &problems, obj, err);
	}
	nse_problems_release(&problems);
	return rc;
}

static int undo_offer(void *arg, struct nse_error *err)
{
	struct nse_target_session *t = arg;

	(void)err;
	nse_journal_forget(t->journal);
	t->journal = NULL;
	return 0;
}

/* A million entries take some seconds each time that they are gone through. */
static int still_here(struct nse_target_session *t, struct nse_error *err)
{
	return nse_channel_send(&t->ch, NSE_MSG_PONG, NULL, 0, err);
}

/* Rules by names that are nobody's, where the source's are another domain's here. */
static int preflight(struct nse_target_session *t, struct nse_problems *problems,
		     struct nse_error *err)
{
	const struct nse_arrival as = { nse_install_job_flags(t->anchor),
					&t->scope.others, &t->scope };
	NSE_CLEANUP(nse_context_freep) struct nse_context *here = NULL;
	NSE_CLEANUP(nse_map_release) struct nse_map map = NSE_MAP_INIT;
	uint32_t nft = 0;
	int rc = nse_engines_parse("nft", &nft, err);

	rc = rc ?: nse_arrive_stand_in(&t->scope, &map, err);
	if (rc == 0 && !nse_map_empty(&map))
		rc = nse_engines_relocate(&map, t->rest, &here, err);
	rc = rc ?: nse_engines_preflight(nft, here ?: t->rest, &as, problems, err);
	return rc
		       ?: nse_engines_preflight(NSE_ENGINES_ALL & ~nft, t->snap.ctx, &as,
						problems, err);
}

/* The first round: is there anything against it? If not, it goes ahead. */
static int take_first(struct nse_target_session *t, struct nse_problems *problems,
		      struct nse_error *err)
{
	int rc = still_here(t, err) ?: nse_target_take_snapshot(t, err);

	rc = rc ?: still_here(t, err);
	rc = rc ?: preflight(t, problems, err);
	rc = rc ?: still_here(t, err);
	/* The source will not go on either. */
	if (rc == 0 &&
	    nse_problems_worst(problems) >= (t->lossless ? NSE_LOSS : NSE_FAIL))
		return 0;
	return rc < 0 || t->dry_run ? rc : nse_target_install_ahead(t, err);
}

static int send_have(struct nse_target_session *t, const struct nse_problems *problems,
		     int64_t start, struct nse_error *err)
{
	char digest[17];

	snprintf(digest, sizeof(digest), "%016" PRIx64,
		 nse_context_digest(t->snap.ctx, false));
	return send_problems(t, NSE_MSG_HAVE, problems,
			     json_pack("{s:I, s:s, s:I}", "records",
				       (json_int_t)nse_context_count(t->snap.ctx),
				       "digest", digest, "us",
				       (json_int_t)(nse_now_us() - start)),
			     err);
}

/* One round, whose first message has come. Answers HAVE. */
static int take_round(struct nse_target_session *t, const struct nse_incoming *first,
		      struct nse_error *err)
{
	NSE_CLEANUP(nse_problems_release)
	struct nse_problems problems = NSE_PROBLEMS_INIT;
	NSE_CLEANUP(nse_delta_release) struct nse_delta d = { 0 };
	int64_t start = nse_now_us();
	int rc = nse_delta_init(&d);

	if (rc < 0)
		return nse_errno(err, rc, "taking a round in");
	rc = nse_target_receive_round(t, first, &d, err);
	if (rc == 0 && t->rounds > 1 && t->state == NSE_ST_GATHER && !t->watch)
		rc = nse_error(err, -EPROTO,
			       "a round although this host was only asked, or refused");
	if (rc == 0 && t->rounds == 1)
		rc = take_first(t, &problems, err);
	else if (rc == 0)
		rc = nse_target_take_delta(t, &d, err);
	return rc < 0 ? rc : send_have(t, &problems, start, err);
}

/* The domain is on its way: what the commit would have to find out is found now. */
static int prepare(struct nse_target_session *t, struct nse_error *err)
{
	int rc = nse_target_find_names(t, false, err);

	return rc < 0 ? rc
		      : nse_channel_send_json(&t->ch, NSE_MSG_PREPARED,
					      json_pack("{s:b}", "named", t->named), err);
}

/* Takes rounds until the message `end` comes. */
static int rounds_until(struct nse_target_session *t, enum nse_message end,
			struct nse_error *err)
{
	struct nse_incoming msg;
	int rc;

	for (;;) {
		rc = nse_target_expect(t, NSE_MSG_NONE, &msg, err);
		if (rc < 0)
			return rc;
		if (msg.type == end)
			return 0;
		if (msg.type == NSE_MSG_PREPARE) {
			rc = prepare(t, err);
			if (rc < 0)
				return rc;
			continue;
		}
		if (msg.type != NSE_MSG_CONTEXT)
			return nse_error(err, -EPROTO, "%s without a context",
					 nse_message_name(msg.type));
		rc = take_round(t, &msg, err);
		if (rc < 0)
			return rc;
	}
}

static int step_gather(void *arg, struct nse_error *err)
{
	return rounds_until(arg, NSE_MSG_FREEZE, err);
}

static int undo_gather(void *arg, struct nse_error *err)
{
	struct nse_target_session *t = arg;
	int rc = nse_target_uninstall(t, err);

	return nse_guard_down(nse_take(t->watch), rc ? NULL : err) ?: rc;
}

static int step_freeze(void *arg, struct nse_error *err)
{
	struct nse_target_session *t = arg;

	if (!t->snap.ctx)
		return nse_error(err, -EPROTO, "FREEZE before any context has come");
	/* Nothing went ahead, nor is the journal marked. */
	if (!t->watch)
		return nse_error(err, -EPROTO,
				 "FREEZE although this host was only asked, or refused");
	t->state = NSE_ST_FROZEN;
	t->frozen = true;
	return nse_guard_up(&t->guard, t->id, t->scope.domain.addrs,
			    t->scope.domain.naddrs, err)
		       ?: nse_target_refresh(t, err);
}

static int undo_freeze(void *arg, struct nse_error *err)
{
	struct nse_target_session *t = arg;

	return nse_guard_down(nse_take(t->guard), err);
}

static int step_last_round(void *arg, struct nse_error *err)
{
	return rounds_until(arg, NSE_MSG_COMMIT, err);
}

static int send_committed(struct nse_target_session *t, int64_t start, uint64_t dropped,
			  struct nse_error *err)
{
	return nse_channel_send_json(
		&t->ch, NSE_MSG_COMMITTED,
		json_pack("{s:I, s:I, s:I, s:I}", "created",
			  (json_int_t)(t->job.created + t->rest_job.created), "kept",
			  (json_int_t)(t->job.kept + t->rest_job.kept), "us",
			  (json_int_t)(nse_now_us() - start), "dropped",
			  (json_int_t)dropped),
		err);
}

static int step_commit(void *arg, struct nse_error *err)
{
	struct nse_target_session *t = arg;
	int64_t start = nse_now_us();
	uint64_t dropped = 0;
	int rc = nse_target_give_up(t, err) ?: nse_target_install(t, err);

	if (rc < 0)
		return rc;
	rc = nse_journal_mark(t->journal, NSE_JOURNAL_COMMITTED, err);
	if (rc == 0)
		rc = nse_guard_dropped(t->guard, &dropped, err);
	if (rc == 0)
		rc = nse_guard_lift(t->guard, err);
	if (rc < 0)
		return rc;
	t->state = NSE_ST_COMMITTED;
	rc = send_committed(t, start, dropped, err);
	/* The source waits for the answer, and not for this. */
	nse_guard_down(nse_take(t->guard), NULL);
	nse_guard_down(nse_take(t->watch), NULL);
	return rc;
}

static int undo_commit(void *arg, struct nse_error *err)
{
	return nse_target_uninstall(arg, err);
}

static int step_release(void *arg, struct nse_error *err)
{
	struct nse_target_session *t = arg;
	struct nse_incoming msg;
	int rc = nse_target_expect(t, NSE_MSG_RELEASED, &msg, err);

	if (rc == 0)
		t->state = NSE_ST_RELEASED;
	return rc;
}

/* The exact states come once more, and then all is made final and read back. */
static int step_settle(void *arg, struct nse_error *err)
{
	struct nse_target_session *t = arg;
	int rc;

	t->job.flags |= NSE_JOB_UNMET;
	rc = rounds_until(t, NSE_MSG_SETTLE, err);
	rc = rc ?: nse_target_settle(t, err) ?: still_here(t, err);
	rc = rc ?: nse_target_verify(t, err);
	if (rc < 0)
		return rc;
	t->state = NSE_ST_SETTLED;
	return nse_channel_send_json(
		&t->ch, NSE_MSG_SETTLED,
		json_pack("{s:I, s:I, s:I, s:o, s:o}", "created",
			  (json_int_t)(t->job.created + t->rest_job.created), "verified",
			  (json_int_t)(t->job.verified + t->rest_job.verified), "differ",
			  (json_int_t)(t->job.differ + t->rest_job.differ), "differing",
			  nse_target_reasons(t, true), "refused",
			  nse_target_reasons(t, false)),
		err);
}

static int step_done(void *arg, struct nse_error *err)
{
	struct nse_target_session *t = arg;
	struct nse_incoming msg;
	int rc = nse_target_expect(t, NSE_MSG_DONE, &msg, err);

	if (rc < 0)
		return rc;
	nse_journal_forget(t->journal);
	t->journal = NULL;
	t->state = NSE_ST_CLOSED;
	return nse_channel_send(&t->ch, NSE_MSG_BYE, NULL, 0, err);
}

const struct nse_step nse_target_steps[] = {
	{ "hello", step_hello, NULL, false, "agreeing on a version" },
	{ "offer", step_offer, undo_offer, false, "looking whether it may come" },
	{ "gather", step_gather, undo_gather, false, "taking in its context" },
	{ "freeze", step_freeze, undo_freeze, false, "guarding it while it is frozen" },
	{ "last round", step_last_round, NULL, false, "taking in the last changes" },
	{ "commit", step_commit, undo_commit, false, "installing its context" },
	{ "release", step_release, NULL, true, "waiting for its release" },
	{ "settle", step_settle, NULL, false, "making its context final" },
	{ "done", step_done, NULL, false, "ending the session" },
	{ 0 },
};
