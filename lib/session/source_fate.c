/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a migration ends at the source: aborting with the target's confirmation,
 * deciding by facts after the release, settling, and the report.
 */
#include "lib/session/source_private.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"

#define SECOND		1000000LL
#define QUERY_US	(20 * SECOND)
#define SETTLE_US	(600 * SECOND)
#define SETTLE_WAIT_US	(1 * SECOND)
#define SETTLE_MAX_US	(120 * SECOND) /* no retransmission waits longer (RFC 6298) */
#define RESUME_US	(5 * SECOND)
#define CONFIRM_TRIES	20
#define CONFIRM_STEP_MS 500

void nse_source_new_id(char id[37])
{
	uint8_t r[16];

	if (getrandom(r, sizeof(r), 0) != sizeof(r))
		memset(r, getpid() & 0xff, sizeof(r));
	snprintf(id, 37,
		 "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8], r[9], r[10], r[11],
		 r[12], r[13], r[14], r[15]);
}

void nse_source_say_abort(struct nse_source_session *s)
{
	if (s->linked && !s->abort_said)
		nse_channel_send_json(&s->ch, NSE_MSG_ABORT, json_object(), NULL);
	s->abort_said = true;
}

void nse_source_part(struct nse_source_session *s, int64_t deadline_us)
{
	struct nse_incoming msg;

	nse_source_say_abort(s);
	while (s->linked && nse_channel_receive(&s->ch, deadline_us, &msg, NULL) == 0) {
		/* FAILED and REFUSED say as well that nothing is left. */
		if (msg.type == NSE_MSG_ABORTED || msg.type == NSE_MSG_FAILED ||
		    msg.type == NSE_MSG_REFUSED) {
			s->there = s->commit_sent = false;
			return;
		}
	}
}

/* 1 it runs at the target, 0 it does not, -errno unknown. */
static int runs_there(struct nse_source_session *s)
{
	json_t *facts = NULL;
	struct nse_error own = { 0 };
	const json_t *running;
	int rc;

	if (!s->linked)
		return -ENOTCONN;
	rc = nse_source_ask(s, NSE_MSG_QUERY, json_object(), NSE_MSG_FACTS,
			    nse_now_us() + QUERY_US, &facts, &own);
	if (rc < 0)
		return rc;
	running = json_object_get(facts, "running");
	rc = json_is_boolean(running) ? json_is_true(running) : -ENOTSUP;
	json_decref(facts);
	return rc;
}

bool nse_source_runs_here(struct nse_source_session *s)
{
	struct nse_platform *p = s->spec->platform;
	int64_t deadline = nse_now_us() + RESUME_US;
	int rc;

	do {
		rc = p->ops->running(p, s->spec->scope->domain.name, NULL);
		if (rc > 0)
			break;
		poll(NULL, 0, 50);
	} while (nse_now_us() < deadline);
	return rc > 0;
}

int nse_source_decide(struct nse_source_session *s, int rc, struct nse_error *err)
{
	const struct nse_platform_ops *ops = s->spec->platform->ops;
	const char *name = s->spec->scope->domain.name;
	const char *reason = "";
	int status = NSE_MOVE_UNCLEAR;

	if (rc == 0)
		status = ops->move_status(s->move);
	if (status == 0) {
		s->arrived = true;
		return 0;
	}
	if (ops->move_reason && rc == 0)
		reason = ops->move_reason(s->move);
	if (nse_source_runs_here(s)) {
		s->steps.crossed = false;
		s->released_us = 0;
		nse_journal_mark(s->journal, NSE_JOURNAL_GATHER, NULL);
		return nse_error(err, -ECHILD,
				 "the platform (%s) gave the move up (status %d)%s%s",
				 ops->name, status, reason[0] ? ": " : "", reason);
	}
	if (runs_there(s) > 0) {
		s->arrived = true;
		nse_source_note(s, "warning: phase end: %s, yet %s runs at %s",
				reason[0] ? reason : "the platform told nothing", name,
				s->spec->target);
		return 0;
	}
	return nse_error(
		err, -ENOTRECOVERABLE,
		"it was released, then the platform (%s) ended with status %d, and %s is "
		"seen running on neither host%s%s",
		ops->name, status, name, reason[0] ? ": " : "", reason);
}

/*
 * When the windows have been learnt, so that the liberal check can be taken
 * back. A peer that met a frozen domain has doubled its retransmission time
 * again and again: its next packet may take as long as the domain was away, and
 * is an old segment, whose answer lies beyond what the new entry has seen. The
 * platform's program ends when the domain runs, which may be long after the release.
 */
static int64_t settle_at(const struct nse_source_session *s)
{
	int64_t runs = s->ended_us > s->released_us ? s->ended_us : s->released_us;
	int64_t wait = SETTLE_WAIT_US + 2 * (runs - s->suspended_us);

	return runs + (wait < SETTLE_MAX_US ? wait : SETTLE_MAX_US);
}

/*
 * Of the records that the target has, by engines that are followed. Where all of
 * them were looked at when the domain was frozen only their times can be news:
 * whatever else has changed since was done by packets that no longer find it here.
 */
static int put_exact(struct nse_delta *d, const struct nse_source_session *s,
		     const struct nse_diff_item *item)
{
	bool all_seen = s->followed.left == 0;
	struct nse_record was, is;
	const struct nse_engine *e;

	if (item->change == NSE_ADDED)
		return 0;
	nse_context_at(s->sent, item->a, &was);
	e = nse_engine_find(was.kind->engine);
	if (!e || !e->follow)
		return 0;
	if (item->change == NSE_REMOVED)
		return all_seen ? 0 : nse_delta_del(d, was.kind, was.key);
	nse_context_at(s->last, item->b, &is);
	return all_seen && !nse_bytes_equal(was.body, is.body) ? 0
							       : nse_delta_put(d, &is);
}

/* What is exact now: remaining times, and what there was no time to look at. */
static int send_exact(struct nse_source_session *s, struct nse_error *err)
{
	NSE_CLEANUP(nse_delta_release) struct nse_delta d = { 0 };
	NSE_CLEANUP(nse_diff_release) struct nse_diff diff = { 0 };
	int rc = nse_delta_init(&d);

	if (!s->last)
		return 0;
	rc = rc ?: nse_diff(s->sent, s->last, NSE_DIFF_STATE, &diff);
	for (size_t i = 0; i < diff.n && rc == 0; i++)
		rc = put_exact(&d, s, &diff.items[i]);
	if (rc < 0)
		return nse_errno(err, rc, "comparing the last states");
	return nse_context_count(d.puts) + nse_context_count(d.dels)
		       ? nse_source_send_delta(s, &d, err)
		       : 0;
}

int nse_source_settle(struct nse_source_session *s, struct nse_error *err)
{
	int64_t at = settle_at(s);
	struct nse_error own = { 0 }, unsent = { 0 };
	json_int_t created = 0, verified = 0, differ = -1;
	json_t *answer = NULL;
	int rc = s->linked ? send_exact(s, &unsent) : 0;

	(void)err;
	rc = s->linked ? nse_source_wait(s, NSE_MSG_NONE, NSE_MOVE_NONE, at, NULL, &own)
		       : nse_error(&own, -ENOTCONN, "no link");
	if (rc == -ETIMEDOUT)
		rc = nse_source_ask(s, NSE_MSG_SETTLE, json_object(), NSE_MSG_SETTLED,
				    nse_now_us() + SETTLE_US, &answer, &own);
	if (rc < 0) {
		nse_source_name_loss(s, &own);
		nse_source_note(
			s,
			"warning: %s runs at %s with its context, but phase settle "
			"failed there, and nothing was read back: %s. `nsemig "
			"recover` there makes it final",
			s->spec->scope->domain.name, s->spec->target, own.text);
		return 0;
	}
	if (unsent.code)
		nse_source_note(s,
				"warning: phase settle: the last states of %s were not "
				"sent to %s, where it runs: %s",
				s->spec->scope->domain.name, s->spec->target,
				unsent.text);
	json_unpack(answer, "{s:I, s:I, s:I}", "created", &created, "verified", &verified,
		    "differ", &differ);
	/* Some may have ended since the commit. */
	s->carried = (uint64_t)created;
	json_array_extend(s->differ, json_object_get(answer, "differing"));
	json_array_extend(s->refused, json_object_get(answer, "refused"));
	json_decref(answer);
	s->settled = true;
	s->verified = differ == 0 && (uint64_t)verified == s->carried &&
		      json_array_size(s->refused) == 0;
	if (!s->verified)
		nse_source_note(s,
				"warning: of %llu records %lld were read back alike and "
				"%lld differ; the report says which",
				(unsigned long long)s->carried, (long long)verified,
				(long long)differ);
	return 0;
}

/* One try: does the target still have something of our session? */
static int ask_again(struct nse_source_session *s, struct nse_error *err)
{
	json_t *welcome = NULL;
	char id[37];
	int leftover = 1, rc;

	nse_source_new_id(id);
	/* What was interrupted is to be cleaned up. */
	rc = nse_source_connect(s, NULL, err);
	if (rc == 0)
		rc = nse_source_ask(
			s, NSE_MSG_HELLO,
			json_pack("{s:i, s:s, s:s, s:s}", "protocol",
				  NSE_PROTOCOL_VERSION, "version", NSEMIG_VERSION,
				  "session", id, "previous", s->id),
			NSE_MSG_WELCOME, nse_now_us() + QUERY_US, &welcome, err);
	if (rc == 0)
		json_unpack(welcome, "{s:b}", "leftover", &leftover);
	json_decref(welcome);
	nse_source_disconnect(s);
	return rc < 0 ? rc : leftover;
}

int nse_source_confirm_undone(struct nse_source_session *s)
{
	struct nse_error own = { 0 };
	int rc = 0;

	if (!s->there)
		return 0;
	s->ended = false;
	for (int i = 0; i < (s->commit_sent ? CONFIRM_TRIES : 1); i++) {
		rc = ask_again(s, &own);
		if (rc <= 0)
			break;
		poll(NULL, 0, CONFIRM_STEP_MS);
	}
	if (rc == 0) {
		s->there = false;
		return 0;
	}
	snprintf(s->unconfirmed, sizeof(s->unconfirmed), "%.400s",
		 rc < 0 ? own.text : "a part of it is still being removed there");
	return s->commit_sent ? -ENOTRECOVERABLE : 0;
}

int nse_source_facts(const struct nse_link_spec *link, const char *target,
		     json_t **welcome, struct nse_error *err)
{
	struct nse_source_spec spec = { .link = *link,
					.target = target,
					.timeout_s = QUERY_US / SECOND };
	struct nse_source_session s = { .spec = &spec, .lock = -1 };
	int rc = nse_source_connect(&s, NULL, err);

	*welcome = NULL;
	nse_source_new_id(s.id);
	if (rc == 0)
		rc = nse_source_ask(
			&s, NSE_MSG_HELLO,
			json_pack("{s:i, s:s, s:s}", "protocol", NSE_PROTOCOL_VERSION,
				  "version", NSEMIG_VERSION, "session", s.id),
			NSE_MSG_WELCOME, nse_now_us() + QUERY_US, welcome, err);
	if (rc == 0)
		nse_source_part(&s, nse_now_us() + QUERY_US);
	nse_source_disconnect(&s);
	return rc;
}

static void set_us(json_t *obj, const char *name, int64_t from, int64_t to)
{
	if (from && to >= from)
		json_object_set_new(obj, name, json_integer(to - from));
}

/* What following has come to; null when it did not begin. */
static json_t *follow_report(const struct nse_source_session *s)
{
	const struct nse_follow_stats *f = &s->followed;

	return s->follows
		       ? json_pack("{s:I, s:I, s:I, s:I, s:I}", "events",
				   (json_int_t)f->events, "silent", (json_int_t)f->silent,
				   "checked", (json_int_t)f->checked, "left",
				   (json_int_t)f->left, "resyncs", (json_int_t)f->resyncs)
		       : json_null();
}

json_t *nse_source_report(struct nse_source_session *s, enum nse_source_result result,
			  const struct nse_error *err)
{
	static const char *const names[] = { "migrated", "aborted", "unclear" };
	json_t *phases = nse_steps_times(&s->steps);
	int64_t hold = 0;

	if (s->released_us && s->ready_us && s->released_us > s->ready_us)
		hold = s->released_us - s->ready_us;
	set_us(phases, "commit", s->suspended_us, s->committed_us);
	set_us(phases, "frozen", s->suspended_us, s->released_us);
	return json_pack(
		"{s:i, s:s, s:s, s:s, s:s?, s:o, s:I, s:O, s:o, s:{s:I, s:I, s:I, s:O, s:O}, "
		"s:b, s:b, s:o}",
		"format", 1, "result", names[result], "domain",
		s->spec->scope->domain.name, "target", s->spec->target, "reason",
		err->code ? err->text : NULL, "phases_us", phases, "hold_us",
		(json_int_t)hold, "rounds", s->rounds, "follow", follow_report(s),
		"records", "carried", (json_int_t)s->carried, "kept", (json_int_t)s->kept,
		"kept_at_source", (json_int_t)s->kept_here, "refused", s->refused,
		"differ", s->differ, "verified", s->verified, "dry_run", s->spec->dry_run,
		"problems", nse_problems_to_json(s->problems));
}
