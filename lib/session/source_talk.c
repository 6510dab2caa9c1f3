/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The source's talk with the target, while it keeps an eye on the move.
 */
#include "lib/session/source_private.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/util/clock.h"

#define SLICE_US 100000 /* an interrupt is noticed within this time */
#define SECOND	 1000000LL
#define PING_US	 (5 * SECOND)

int nse_source_connect(struct nse_source_session *s,
		       const volatile sig_atomic_t *interrupted, struct nse_error *err)
{
	struct nse_link_spec spec = s->spec->link;
	int rc;

	spec.interrupted = interrupted;
	rc = nse_link_open(&s->link, &spec, err);
	if (rc < 0)
		return rc;
	s->linked = true;
	nse_channel_init(&s->ch, s->link.fd, s->link.fd);
	s->ch.silence_us = s->spec->timeout_s * SECOND;
	s->ch.ping_us = s->ch.silence_us / 3 < PING_US ? s->ch.silence_us / 3 : PING_US;
	rc = nse_channel_greeting(&s->ch, nse_now_us() + s->spec->link.connect_timeout_us,
				  err);
	if (rc == 0)
		return 0;
	/* What came instead of a greeting says more than the end that followed. */
	nse_source_keep_ending(s);
	if (s->ending[0])
		nse_error_add(err, "; %s", s->ending);
	s->ending[0] = '\0';
	s->ch.lost = false;
	s->where = NSE_AT_TARGET;
	return rc;
}

void nse_source_disconnect(struct nse_source_session *s)
{
	if (!s->linked)
		return;
	nse_source_keep_ending(s);
	nse_link_close(&s->link);
	nse_channel_release(&s->ch);
	s->linked = false;
}

void nse_source_note(struct nse_source_session *s, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (!s->spec->note)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->spec->note(s->spec->arg, text);
}

void nse_source_tell_progress(void *arg)
{
	struct nse_source_session *s = arg;
	const struct nse_source_spec *spec = s->spec;
	struct nse_source_progress p = { .phase = s->steps.now,
					 .records = s->records_there,
					 .sent = s->bytes_sent,
					 .released = s->released_us != 0 };

	if (!spec->progress || !p.phase)
		return;
	if (s->move && spec->platform->ops->move_progress)
		spec->platform->ops->move_progress(s->move, &p.memory);
	spec->progress(spec->arg, &p);
}

/*
 * The target has given up and undone everything, or would like to: its reasons. What it
 * asks for behind the release comes too late: 0.
 */
static int target_failed(struct nse_source_session *s, const struct nse_incoming *msg,
			 struct nse_error *err)
{
	json_t *obj = nse_incoming_json(msg, err), *refused;
	const char *text = "no reason given", *what = "", *advice = "";

	if (!obj)
		return -EPROTO;
	if (s->released_us && json_is_true(json_object_get(obj, "asks"))) {
		json_decref(obj);
		return 0;
	}
	json_unpack(obj, "{s?s, s?s, s?s}", "text", &text, "what", &what, "advice",
		    &advice);
	refused = json_object_get(obj, "refused");
	if (json_is_array(refused) && json_array_size(refused)) {
		json_decref(s->refused);
		s->refused = json_incref(refused);
	}
	s->where = NSE_AT_TARGET;
	nse_error(err, -EREMOTEIO, "%s%s%s", what, what[0] ? ": " : "", text);
	if (advice[0])
		nse_advise(err, "at %s: %s", s->spec->target, advice);
	json_decref(obj);
	return -EREMOTEIO;
}

/* Takes note of what the move has come to. */
static int look_at_move(struct nse_source_session *s, struct nse_error *err)
{
	int64_t at = 0;
	int ev;

	/* Who only asks for facts has neither a move nor a platform. */
	while (s->move && !s->ended) {
		ev = s->spec->platform->ops->move_wait(s->move, nse_now_us(), &at, err);
		if (ev < 0)
			return ev;
		if (ev == NSE_MOVE_NONE)
			break;
		if (ev == NSE_MOVE_SUSPENDED)
			s->suspended_us = at;
		if (ev == NSE_MOVE_READY)
			s->ready_us = at;
		if (ev == NSE_MOVE_ENDED) {
			s->ended = true;
			s->ended_us = nse_now_us();
		}
	}
	return 0;
}

static bool move_has(const struct nse_source_session *s, enum nse_move_event event)
{
	return (event == NSE_MOVE_SUSPENDED && s->suspended_us) ||
	       (event == NSE_MOVE_READY && s->ready_us) ||
	       (event == NSE_MOVE_ENDED && s->ended);
}

static bool interrupted(const struct nse_source_session *s)
{
	const char *now = s->steps.now;

	/* Taking back is what was asked for. */
	return s->spec->interrupted && *s->spec->interrupted && !s->released_us &&
	       !(now && strcmp(now, NSE_STEPS_UNDO) == 0);
}

static int stopped(const struct nse_source_session *s, struct nse_error *err)
{
	const char *name = sigabbrev_np(*s->spec->interrupted);

	return nse_error(err, -EINTR, "interrupted by SIG%s", name ? name : "?");
}

static int ended_early(struct nse_source_session *s, struct nse_error *err)
{
	const struct nse_platform_ops *ops = s->spec->platform->ops;
	const char *reason = ops->move_reason ? ops->move_reason(s->move) : "";

	/* Ctrl-C reaches the platform's program as well. */
	if (interrupted(s))
		return stopped(s, err);
	if (reason[0])
		return nse_error(err, -ECHILD,
				 "the platform (%s) gave the move up by itself: %s",
				 ops->name, reason);
	return nse_error(err, -ECHILD,
			 "the platform (%s) gave the move up by itself, with status %d",
			 ops->name, ops->move_status(s->move));
}

/* Sleeps until the target or the move has news, or the slice is over. */
static void sleep_for_news(struct nse_source_session *s, int64_t deadline_us)
{
	int64_t until = nse_now_us() + SLICE_US;
	int fd = s->move && !s->ended ? s->spec->platform->ops->move_fd(s->move) : -1;
	struct pollfd p[2] = { { .fd = s->linked ? s->ch.in : -1, .events = POLLIN },
			       { .fd = fd, .events = POLLIN } };

	if (s->move && !s->ended && fd < 0)
		until = nse_now_us() + SLICE_US / 20;
	poll(p, 2, nse_poll_ms(until < deadline_us ? until : deadline_us));
}

/* Keepalive of an idle link: pings, and the limit of silence. */
static int keep_alive(struct nse_source_session *s, struct nse_error *err)
{
	int64_t now = nse_now_us();

	if (s->ch.silence_us && now > s->ch.heard_us + s->ch.silence_us)
		return nse_error(err, -EHOSTDOWN, "nothing was heard from %s for %d s",
				 s->spec->target, (int)(s->ch.silence_us / 1000000));
	if (s->ch.ping_us && now > s->ch.pinged_us + s->ch.ping_us)
		return nse_channel_send(&s->ch, NSE_MSG_PING, NULL, 0, err);
	return 0;
}

/* One look at the link: 1 the reply has come, 0 nothing, or an error. */
static int look_at_link(struct nse_source_session *s, enum nse_message reply,
			json_t **answer, struct nse_error *err)
{
	struct nse_incoming msg;
	int rc = nse_channel_poll(&s->ch, &msg, err);

	if (rc == -EAGAIN)
		return keep_alive(s, err);
	if (rc < 0)
		return rc;
	if (msg.type == NSE_MSG_FAILED || msg.type == NSE_MSG_REFUSED)
		return target_failed(s, &msg, err);
	if (msg.type != reply)
		return nse_error(err, -EPROTO,
				 "%s came from the target where %s was expected",
				 nse_message_name(msg.type), nse_message_name(reply));
	if (!answer)
		return 1;
	*answer = msg.n ? nse_incoming_json(&msg, err) : json_object();
	return *answer ? 1 : -EPROTO;
}

static int too_late(struct nse_source_session *s, enum nse_message reply,
		    enum nse_move_event event, struct nse_error *err)
{
	static const char *const answers[NSE_MSG_COUNT] = {
		[NSE_MSG_WELCOME] = "what it is and can",
		[NSE_MSG_VERDICT] = "whether the domain may come",
		[NSE_MSG_HAVE] = "that the context has come whole",
		[NSE_MSG_PREPARED] = "that it is prepared",
		[NSE_MSG_COMMITTED] = "that the context is installed",
		[NSE_MSG_FACTS] = "whether the domain runs there",
		[NSE_MSG_SETTLED] = "that the context is final",
		[NSE_MSG_BYE] = "that the session has ended",
	};
	static const char *const awaited[] = { [NSE_MOVE_SUSPENDED] = "suspended",
					       [NSE_MOVE_READY] = "ready",
					       [NSE_MOVE_ENDED] = "ended" };

	if (!reply)
		return nse_error(
			err, -ETIMEDOUT, "the platform's program has not %s in time",
			event == NSE_MOVE_NONE ? "told anything" : awaited[event]);
	s->where = NSE_AT_TARGET;
	return nse_error(err, -ETIMEDOUT, "it was not told in time %s", answers[reply]);
}

int nse_source_alive(struct nse_source_session *s, struct nse_error *err)
{
	return look_at_link(s, NSE_MSG_NONE, NULL, err);
}

int nse_source_wait(struct nse_source_session *s, enum nse_message reply,
		    enum nse_move_event event, int64_t deadline_us, json_t **answer,
		    struct nse_error *err)
{
	int rc;

	for (;;) {
		rc = look_at_move(s, err);
		if (rc < 0 || (event != NSE_MOVE_NONE && move_has(s, event)))
			return rc;
		if (s->ended && !s->released_us)
			return ended_early(s, err);
		rc = s->linked ? look_at_link(s, reply, answer, err) : 0;
		if (rc != 0)
			return rc < 0 ? rc : 0;
		if (interrupted(s))
			return stopped(s, err);
		nse_source_tell_progress(s);
		if (nse_now_us() >= deadline_us)
			return too_late(s, reply, event, err);
		sleep_for_news(s, deadline_us);
	}
}

int nse_source_ask(struct nse_source_session *s, enum nse_message type, json_t *obj,
		   enum nse_message reply, int64_t deadline_us, json_t **answer,
		   struct nse_error *err)
{
	int rc = nse_channel_send_json(&s->ch, type, obj, err);

	if (rc < 0) {
		/* The target may have said why it hung up. */
		struct nse_error own = { 0 };

		if (look_at_link(s, reply, answer, &own) == -EREMOTEIO)
			*err = own;
		return err->code;
	}
	return nse_source_wait(s, reply, NSE_MOVE_NONE, deadline_us, answer, err);
}
