/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The target's ear: legal messages only, and rounds of the context read off
 * CONTEXT messages while they are copied into the journal.
 */
#include "lib/session/target_private.h"

#include <errno.h>
#include <string.h>

#include "lib/util/clock.h"

#define SLICE_US 200000 /* a signal is noticed within this time */

static int answer_query(struct nse_target_session *t, struct nse_error *err)
{
	struct nse_platform *p = t->spec->platform;
	struct nse_error own = { 0 };
	int running = -ENOTSUP;

	if (p)
		running = p->ops->running(p, t->scope.domain.name, &own);
	return nse_channel_send_json(&t->ch, NSE_MSG_FACTS,
				     running < 0
					     ? json_pack("{s:n}", "running")
					     : json_pack("{s:b}", "running", running > 0),
				     err);
}

int nse_target_give_up(struct nse_target_session *t, struct nse_error *err)
{
	int sig = t->spec->interrupted ? *t->spec->interrupted : 0;
	struct nse_error why;

	if (!sig || t->asked || t->state > NSE_ST_COMMITTED)
		return 0;
	nse_error(&why, -EINTR, "interrupted by SIG%s", sigabbrev_np(sig) ?: "?");
	nse_advise(&why, "see what ended nsemig there: `journalctl -n 50`; is the host "
			 "going down?");
	if (t->state < NSE_ST_COMMITTED) {
		*err = why;
		return -EINTR;
	}
	t->asked = true;
	return nse_channel_send_json(&t->ch, NSE_MSG_FAILED,
				     json_pack("{s:i, s:s, s:s, s:b}", "code", EINTR,
					       "text", why.text, "advice", why.advice,
					       "asks", true),
				     err);
}

/* The next message, unless there is a reason to end first. */
static int next_message(struct nse_target_session *t, struct nse_incoming *msg,
			struct nse_error *err)
{
	struct nse_error own;
	int rc;

	do {
		rc = nse_target_give_up(t, err);
		if (rc < 0)
			return rc;
		rc = nse_channel_receive(&t->ch, nse_now_us() + SLICE_US, msg, &own);
	} while (rc == -ETIMEDOUT);
	if (rc < 0)
		*err = own;
	return rc;
}

int nse_target_expect(struct nse_target_session *t, enum nse_message type,
		      struct nse_incoming *msg, struct nse_error *err)
{
	int rc;

	for (;;) {
		rc = next_message(t, msg, err);
		if (rc < 0)
			return rc;
		if (!nse_message_legal(t->state, msg->type))
			return nse_error(err, -EPROTO, "%s is not allowed in state %s",
					 nse_message_name(msg->type),
					 nse_state_name(t->state));
		if (msg->type == NSE_MSG_ABORT) {
			t->aborted = true;
			return nse_error(err, -ECANCELED, "the source aborted");
		}
		if (msg->type != NSE_MSG_QUERY)
			break;
		rc = answer_query(t, err);
		if (rc < 0)
			return rc;
	}
	if (type != NSE_MSG_NONE && msg->type != type)
		return nse_error(err, -EPROTO, "%s came where %s was expected",
				 nse_message_name(msg->type), nse_message_name(type));
	return 0;
}

struct round {
	struct nse_target_session *t;
	struct nse_cur left; /* of the current CONTEXT message */
	bool ended;	     /* ROUND has come */
	struct nse_error *err;
};

/* Makes a message the current one; it goes into the journal as it is. */
static int next_piece(struct round *r, const struct nse_incoming *msg)
{
	int rc;

	if (msg->type == NSE_MSG_ROUND) {
		r->ended = true;
		return 0;
	}
	if (msg->type != NSE_MSG_CONTEXT)
		return nse_error(r->err, -EPROTO, "%s inside a round",
				 nse_message_name(msg->type));
	r->left = nse_cur(msg->payload, msg->n);
	rc = nse_journal_append(r->t->journal, msg->payload, msg->n);
	return rc < 0 ? nse_errno(r->err, rc, "cannot write the journal") : 0;
}

static ssize_t read_round(void *arg, void *p, size_t n)
{
	struct round *r = arg;
	struct nse_incoming msg;
	const uint8_t *bytes;
	int rc;

	while (!r->ended && nse_cur_left(&r->left) == 0) {
		rc = nse_target_expect(r->t, NSE_MSG_NONE, &msg, r->err);
		if (rc == 0)
			rc = next_piece(r, &msg);
		if (rc < 0)
			return rc;
	}
	if (n > nse_cur_left(&r->left))
		n = nse_cur_left(&r->left);
	if (n == 0 || nse_get_bytes(&r->left, n, &bytes) < 0)
		return 0;
	memcpy(p, bytes, n);
	return (ssize_t)n;
}

int nse_target_receive_round(struct nse_target_session *t,
			     const struct nse_incoming *first, struct nse_delta *d,
			     struct nse_error *err)
{
	struct nse_error link = { 0 };
	struct round r = { .t = t, .err = &link };
	char end;
	int rc = nse_journal_round(t->journal, err);

	t->round_us = nse_now_us();
	if (rc < 0 || (rc = next_piece(&r, first)) < 0)
		return rc;
	if (t->rounds++ == 0)
		rc = nse_snapshot_read(&t->snap, read_round, &r, err);
	else
		rc = nse_delta_receive(d, t->snap.ctx, read_round, &r, NULL, err);
	if (rc < 0 && link.code) {
		*err = link; /* what broke is the link, not the stream */
		return link.code;
	}
	if (rc < 0)
		return rc;
	rc = (int)read_round(&r, &end, 1);
	if (rc == 0)
		return 0;
	if (rc < 0) {
		*err = link;
		return rc;
	}
	return nse_error(err, -EPROTO, "bytes behind the end of a round");
}
