/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a session ends at the target. Before the commit every failure is undone.
 * From the commit on a dead link proves nothing, since the source may have
 * released the domain just before it died: then the domain itself decides.
 * Does it run here, the context stays; is it gone, the context goes too.
 */
#include "lib/session/target_private.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "lib/engine/registry.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"

#define FACTS_TIMEOUT_US (60 * 1000000LL)
#define FACTS_STEP_MS	 100
#define ABSENT_US	 (3 * 1000000LL) /* neither incoming nor running for so long: gone */
#define LINGER_US	 (5 * 1000000LL)

int nse_target_settle(struct nse_target_session *t, struct nse_error *err)
{
	uint32_t ahead = nse_engines_ahead();

	t->job.taken_us = t->round_us;
	return nse_engines_settle(ahead, &t->job, err)
		       ?: nse_engines_settle(~ahead, &t->rest_job, err);
}

int nse_target_verify(struct nse_target_session *t, struct nse_error *err)
{
	uint32_t ahead = nse_engines_ahead();

	return nse_engines_verify(ahead, &t->job, err)
		       ?: nse_engines_verify(~ahead, &t->rest_job, err);
}

/* 1 it runs here, 0 it arrives, -ENOENT it does neither, -EAGAIN nobody can tell. */
static int look_for_domain(struct nse_platform *p, const char *name)
{
	NSE_CLEANUP(nse_domain_release) struct nse_domain d;
	int runs = p->ops->running(p, name, NULL), arrives;

	nse_domain_init(&d);
	if (runs > 0)
		return 1;
	arrives = p->ops->incoming(p, name, &d, NULL);
	if (arrives == 0)
		return 0;
	return runs == 0 && arrives == -ENOENT ? -ENOENT : -EAGAIN;
}

/*
 * Waits until it is a fact whether the domain runs here: 1 or 0, -EAGAIN when the
 * platform does not tell. Who arrives for so long does not come any more.
 */
static int wait_for_fact(struct nse_target_session *t)
{
	int64_t deadline = nse_now_us() + FACTS_TIMEOUT_US, seen = nse_now_us();
	int rc = -EAGAIN;

	if (!t->spec->platform)
		return t->state == NSE_ST_RELEASED;
	while (nse_now_us() < deadline) {
		rc = look_for_domain(t->spec->platform, t->scope.domain.name);
		if (rc == 1)
			return 1;
		if (rc != -ENOENT)
			seen = nse_now_us();
		else if (nse_now_us() > seen + ABSENT_US)
			return 0;
		poll(NULL, 0, FACTS_STEP_MS);
	}
	return rc == -EAGAIN ? rc : 0;
}

/* The domain runs here: its context is completed without the source. */
static int finish_alone(struct nse_target_session *t, struct nse_error *err)
{
	struct nse_error own = { 0 };
	int rc = nse_target_settle(t, &own) ?: nse_target_verify(t, &own);

	if (rc < 0)
		return nse_error(err, rc, "settling without the source: %s", own.text);
	nse_journal_forget(t->journal);
	t->journal = NULL;
	return nse_error(
		err, -EPIPE,
		"the link to the source was lost after the release of %s; it runs here, "
		"and its context is complete",
		t->scope.domain.name);
}

static void add_reasons(json_t *list, const struct nse_job *job, bool differ)
{
	const struct nse_refusal *items = differ ? job->differences : job->refusals;
	size_t n = differ ? job->ndifferences : job->nrefusals;

	for (size_t i = 0; i < n; i++) {
		struct nse_record rec;
		json_t *json = NULL;

		if (job->ctx && nse_context_at(job->ctx, items[i].slot, &rec))
			json = nse_record_to_json(&rec);
		json_array_append_new(list, json_pack("{s:O?, s:s}", "key",
						      json ? json_object_get(json, "key")
							   : NULL,
						      "why", items[i].why));
		json_decref(json);
	}
}

json_t *nse_target_reasons(const struct nse_target_session *t, bool differ)
{
	json_t *list = json_array();

	add_reasons(list, &t->rest_job, differ);
	add_reasons(list, &t->job, differ);
	return list;
}

/* Tells the source how it ended, and waits a moment for it to hang up. */
static void say_ended(struct nse_target_session *t, const struct nse_steps *steps, int rc,
		      const struct nse_error *why)
{
	int64_t deadline = nse_now_us() + LINGER_US;
	uint64_t count = t->job.refused + t->rest_job.refused;
	json_t *refused = nse_target_reasons(t, false);
	struct nse_incoming msg;
	int sent;

	t->state = NSE_ST_CLOSED;
	if (t->aborted) {
		json_decref(refused);
		sent = nse_channel_send_json(&t->ch, NSE_MSG_ABORTED, json_object(),
					     NULL);
	} else {
		sent = nse_channel_send_json(
			&t->ch, count ? NSE_MSG_REFUSED : NSE_MSG_FAILED,
			json_pack("{s:i, s:s, s:s?, s:s, s:s, s:I, s:o}", "code", -rc,
				  "text", why->text, "phase", steps->failed_at, "what",
				  nse_steps_failed_what(steps), "advice", why->advice,
				  "count", (json_int_t)count, "refused", refused),
			NULL);
		if (t->spec->told)
			*t->spec->told = sent == 0;
	}
	while (sent == 0 && nse_channel_receive(&t->ch, deadline, &msg, NULL) == 0)
		if (msg.type == NSE_MSG_ABORT)
			sent = nse_channel_send_json(&t->ch, NSE_MSG_ABORTED,
						     json_object(), NULL);
}

/*
 * A platform's program that was killed can leave its paused copy behind. From
 * the freeze on that copy is our session's; before it, it could be anybody's.
 */
static void drop_incoming(struct nse_target_session *t)
{
	struct nse_platform *p = t->spec->platform;

	if (p && t->frozen)
		p->ops->drop_incoming(p, t->scope.domain.name, NULL);
}

int nse_target_fate(struct nse_target_session *t, struct nse_steps *steps, int rc,
		    struct nse_error *err)
{
	bool lost = rc == -EPIPE || rc == -EHOSTDOWN;
	struct nse_error undo = { 0 };
	int fact = 0;

	t->result = NSE_TARGET_ARRIVED;
	if (lost && t->state >= NSE_ST_SETTLED) {
		nse_journal_forget(t->journal);
		t->journal = NULL;
		return rc;
	}
	if (t->state >= (lost ? NSE_ST_COMMITTED : NSE_ST_RELEASED))
		fact = wait_for_fact(t);
	if (lost && fact == 1)
		return finish_alone(t, err);
	t->result = fact < 0 ? NSE_TARGET_UNCLEAR : NSE_TARGET_ARRIVED;
	if (fact) {
		/* It runs here, or may: its context stays, and recovery finishes it. */
		if (t->aborted || fact < 0)
			rc = nse_error(
				err, -EBUSY,
				fact < 0 ? "it cannot be found out whether %s runs at "
					   "the target: its context stays there, until "
					   "`nsemig recover` there can tell"
					 : "%s runs at the target: its context stays "
					   "there",
				t->scope.domain.name);
		t->aborted = false;
		nse_journal_close(nse_take(t->journal));
		if (!lost)
			say_ended(t, steps, rc, err);
		return rc;
	}
	t->result = NSE_TARGET_UNDONE;
	if (nse_steps_undo(steps, &undo) < 0) {
		t->result = NSE_TARGET_UNCLEAR;
		/* The journal stays: the next receiver tries again. */
		nse_journal_close(t->journal);
		t->journal = NULL;
		rc = nse_error(err, -EUCLEAN, "%s", undo.text);
		t->aborted = false;
	}
	if (!lost)
		say_ended(t, steps, rc, err);
	drop_incoming(t);
	return t->aborted ? 0 : rc;
}

/* A session that only asked is no news. */
static void tell_end(const struct nse_target_session *t, const struct nse_error *err)
{
	const struct nse_target_end end = { t->result, t->id, t->scope.domain.name,
					    t->job.created + t->rest_job.created };

	if (t->spec->ended && t->scope.domain.name[0] && !t->dry_run)
		t->spec->ended(t->spec->arg, &end, err);
}

int nse_target_serve(const struct nse_target_spec *spec, struct nse_error *err)
{
	struct nse_target_session t = { .spec = spec, .lock = -1 };
	const struct nse_recover_spec dead = { .config = spec->config,
					       .platform = spec->platform };
	struct nse_steps steps;
	int rc;

	nse_channel_init(&t.ch, spec->in, spec->out);
	nse_scope_init(&t.scope);
	nse_scope_init(&t.here);
	t.map = (struct nse_map)NSE_MAP_INIT;
	nse_steps_init(&steps, nse_target_steps, &t);
	rc = nse_write_full(spec->out, NSE_PROTOCOL_GREETING,
			    strlen(NSE_PROTOCOL_GREETING), NSE_FOREVER);
	if (rc < 0)
		return nse_errno(err, rc, "cannot greet the source");
	t.ch.silence_us = FACTS_TIMEOUT_US;
	rc = nse_recover(&dead, &t.recovery, err);
	while (rc >= 0 && (rc = nse_steps_next(&steps, err)) > 0)
		;
	if (rc < 0)
		rc = nse_target_fate(&t, &steps, rc, err);
	tell_end(&t, rc < 0 ? err : NULL);
	nse_guard_down(t.guard, NULL);
	nse_guard_down(t.watch, NULL);
	nse_journal_close(t.journal);
	nse_job_release(&t.job);
	nse_job_release(&t.rest_job);
	nse_slots_release(&t.waiting);
	nse_map_release(&t.map);
	free(t.ends);
	nse_context_free(t.rest);
	nse_snapshot_release(&t.snap);
	nse_context_free(t.before);
	nse_scope_release(&t.scope);
	nse_scope_release(&t.here);
	nse_channel_release(&t.ch);
	if (t.lock >= 0)
		close(t.lock);
	return rc;
}
