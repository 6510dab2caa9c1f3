/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages over a link: framing, the table of legal messages, deadlines and
 * keepalive. The picture of the exchange is in protocol.h.
 */
#include "lib/session/protocol.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/util/clock.h"
#include "lib/util/io.h"

#define HEAD 8

static const char *const names[NSE_MSG_COUNT] = {
	"none",	 "HELLO",  "WELCOME", "OFFER",	   "VERDICT",  "CONTEXT",  "ROUND",
	"HAVE",	 "FREEZE", "COMMIT",  "COMMITTED", "REFUSED",  "RELEASED", "QUERY",
	"FACTS", "SETTLE", "SETTLED", "DONE",	   "BYE",      "ABORT",	   "ABORTED",
	"PING",	 "PONG",   "FAILED",  "PREPARE",   "PREPARED",
};

static const char *const states[NSE_ST_COUNT] = {
	"hello",     "offer",	 "gather",  "frozen",
	"committed", "released", "settled", "closed",
};

#define BIT(m) (1u << NSE_MSG_##m)

/* What the target accepts in each state; PING is answered below this table. */
static const uint32_t legal[NSE_ST_COUNT] = {
	[NSE_ST_HELLO] = BIT(HELLO),
	[NSE_ST_OFFER] = BIT(OFFER) | BIT(ABORT),
	[NSE_ST_GATHER] =
		BIT(CONTEXT) | BIT(ROUND) | BIT(PREPARE) | BIT(FREEZE) | BIT(ABORT),
	[NSE_ST_FROZEN] = BIT(CONTEXT) | BIT(ROUND) | BIT(COMMIT) | BIT(ABORT),
	[NSE_ST_COMMITTED] = BIT(RELEASED) | BIT(ABORT) | BIT(QUERY),
	[NSE_ST_RELEASED] =
		BIT(QUERY) | BIT(CONTEXT) | BIT(ROUND) | BIT(SETTLE) | BIT(ABORT),
	[NSE_ST_SETTLED] = BIT(DONE) | BIT(QUERY),
	[NSE_ST_CLOSED] = 0,
};

const char *nse_message_name(enum nse_message type)
{
	return (unsigned int)type < NSE_MSG_COUNT ? names[type] : "unknown";
}

const char *nse_state_name(enum nse_state state)
{
	return (unsigned int)state < NSE_ST_COUNT ? states[state] : "unknown";
}

bool nse_message_legal(enum nse_state state, enum nse_message type)
{
	if ((unsigned int)state >= NSE_ST_COUNT || (unsigned int)type >= NSE_MSG_COUNT)
		return false;
	return legal[state] & (1u << type);
}

void nse_channel_init(struct nse_channel *ch, int in, int out)
{
	memset(ch, 0, sizeof(*ch));
	ch->in = in;
	ch->out = out;
	ch->inbuf.max = HEAD + NSE_MESSAGE_MAX + 65536;
	ch->heard_us = ch->pinged_us = nse_now_us();
}

void nse_channel_release(struct nse_channel *ch)
{
	nse_buf_release(&ch->inbuf);
}

static int64_t send_deadline(const struct nse_channel *ch)
{
	return ch->silence_us ? nse_now_us() + ch->silence_us : NSE_FOREVER;
}

int nse_channel_send(struct nse_channel *ch, enum nse_message type, const void *payload,
		     size_t n, struct nse_error *err)
{
	uint8_t head[HEAD] = { 0 };
	int64_t deadline = send_deadline(ch);
	int rc;

	nse_st32(head, (uint32_t)n);
	nse_st16(head + 4, type);
	rc = nse_write_full(ch->out, head, sizeof(head), deadline);
	if (rc == 0 && n)
		rc = nse_write_full(ch->out, payload, n, deadline);
	if (rc < 0) {
		ch->lost = rc != -ETIMEDOUT;
		return nse_errno(err, rc, "the link broke while sending %s",
				 nse_message_name(type));
	}
	ch->bytes_out += HEAD + n;
	ch->pinged_us = nse_now_us();
	return 0;
}

int nse_channel_send_json(struct nse_channel *ch, enum nse_message type, json_t *obj,
			  struct nse_error *err)
{
	char *text = obj ? json_dumps(obj, JSON_COMPACT) : NULL;
	int rc;

	json_decref(obj);
	if (!text)
		return nse_error(err, -ENOMEM, "out of memory");
	rc = nse_channel_send(ch, type, text, strlen(text), err);
	free(text);
	return rc;
}

int nse_channel_write_context(void *channel, const void *p, size_t n)
{
	const uint8_t *bytes = p;

	while (n) {
		size_t part = n < NSE_CONTEXT_CHUNK ? n : NSE_CONTEXT_CHUNK;
		int rc = nse_channel_send(channel, NSE_MSG_CONTEXT, bytes, part, NULL);

		if (rc < 0)
			return rc;
		bytes += part;
		n -= part;
	}
	return 0;
}

/* Takes a whole message from the buffer: 0, or -EAGAIN for more bytes. */
static int take(struct nse_channel *ch, struct nse_incoming *msg, struct nse_error *err)
{
	const uint8_t *p = ch->inbuf.data;
	uint32_t n;

	if (ch->inbuf.len < HEAD)
		return -EAGAIN;
	n = nse_ld32(p);
	msg->type = nse_ld16(p + 4);
	if (n > NSE_MESSAGE_MAX || nse_ld16(p + 6) != 0 || msg->type == NSE_MSG_NONE ||
	    msg->type >= NSE_MSG_COUNT)
		return nse_error(err, -EPROTO,
				 "the peer does not speak the session protocol (message "
				 "type %u, %u bytes)",
				 msg->type, n);
	if (ch->inbuf.len < HEAD + (size_t)n)
		return -EAGAIN;
	msg->payload = p + HEAD;
	msg->n = n;
	ch->taken = HEAD + n;
	return 0;
}

/* Reads what is there: 0, -EAGAIN for nothing, -EPIPE at the end. */
static int fill(struct nse_channel *ch, struct nse_error *err)
{
	ssize_t n;
	int rc = nse_buf_reserve(&ch->inbuf, 65536);

	if (rc < 0)
		return nse_error(err, rc, "out of memory for a message");
	n = read(ch->in, ch->inbuf.data + ch->inbuf.len, 65536);
	if (n > 0) {
		ch->inbuf.len += (size_t)n;
		ch->heard_us = nse_now_us();
		return 0;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	ch->lost = true;
	if (n == 0)
		return nse_error(err, -EPIPE, "the link was closed by the other end");
	return nse_errno(err, -EPIPE, "the link broke");
}

/*
 * The message that was handed out last still lies at the front of the buffer
 * (its payload is a view): it is dropped when the next one is asked for.
 */
static void drop_last(struct nse_channel *ch)
{
	if (ch->taken)
		nse_buf_consume(&ch->inbuf, ch->taken);
	ch->taken = 0;
}

int nse_channel_poll(struct nse_channel *ch, struct nse_incoming *msg,
		     struct nse_error *err)
{
	int rc;

	for (;;) {
		drop_last(ch);
		rc = take(ch, msg, err);
		if (rc == -EAGAIN) {
			rc = nse_wait_readable(ch->in, 0);
			if (rc == -ETIMEDOUT)
				return -EAGAIN;
			rc = fill(ch, err);
			if (rc < 0)
				return rc;
			continue;
		}
		if (rc < 0)
			return rc;
		if (msg->type != NSE_MSG_PING && msg->type != NSE_MSG_PONG)
			return 0;
		if (msg->type == NSE_MSG_PING)
			rc = nse_channel_send(ch, NSE_MSG_PONG, NULL, 0, err);
		if (rc < 0)
			return rc;
	}
}

/* The next moment at which something has to be done without news. */
static int64_t wake_up(const struct nse_channel *ch, int64_t deadline_us)
{
	int64_t t = deadline_us;

	if (ch->silence_us && ch->heard_us + ch->silence_us < t)
		t = ch->heard_us + ch->silence_us;
	if (ch->ping_us && ch->pinged_us + ch->ping_us < t)
		t = ch->pinged_us + ch->ping_us;
	return t;
}

int nse_channel_receive(struct nse_channel *ch, int64_t deadline_us,
			struct nse_incoming *msg, struct nse_error *err)
{
	int64_t now;
	int rc;

	for (;;) {
		rc = nse_channel_poll(ch, msg, err);
		if (rc != -EAGAIN)
			return rc;
		rc = nse_wait_readable(ch->in, wake_up(ch, deadline_us));
		if (rc == 0)
			continue;
		if (rc != -ETIMEDOUT)
			return nse_errno(err, rc, "waiting for the other end");
		now = nse_now_us();
		if (ch->silence_us && now >= ch->heard_us + ch->silence_us)
			return nse_error(err, -EHOSTDOWN,
					 "nothing was heard from the other end for %d s",
					 (int)(ch->silence_us / 1000000));
		if (now >= deadline_us)
			return nse_error(err, -ETIMEDOUT,
					 "the other end did not answer in time");
		if (ch->ping_us && now >= ch->pinged_us + ch->ping_us) {
			rc = nse_channel_send(ch, NSE_MSG_PING, NULL, 0, err);
			if (rc < 0)
				return rc;
		}
	}
}

json_t *nse_incoming_json(const struct nse_incoming *msg, struct nse_error *err)
{
	json_error_t je;
	json_t *obj = json_loadb((const char *)msg->payload, msg->n, 0, &je);

	if (json_is_object(obj))
		return obj;
	json_decref(obj);
	nse_error(err, -EPROTO, "%s from the other end is not a JSON object",
		  nse_message_name(msg->type));
	return NULL;
}

/* What a login shell or an error printed instead of the greeting. */
static int wrong_greeting(struct nse_channel *ch, struct nse_error *err)
{
	char text[160];
	size_t n = 0;

	while (n < ch->inbuf.len && n < sizeof(text) - 1) {
		char c = (char)ch->inbuf.data[n];

		text[n++] = isprint((unsigned char)c) ? c : ' ';
	}
	text[n] = '\0';
	if (n == 0) {
		nse_error(err, -EPIPE, "nothing was answered");
		return nse_advise(err, "is nsemig installed there and in PATH? "
				       "(--remote-command names it)");
	}
	nse_error(err, -EPROTO, "this was answered instead of a session: '%s'", text);
	return nse_advise(err,
			  "is it nsemig that runs there (--remote-command), and does "
			  "the login print nothing?");
}

int nse_channel_greeting(struct nse_channel *ch, int64_t deadline_us,
			 struct nse_error *err)
{
	const size_t want = strlen(NSE_PROTOCOL_GREETING);
	const size_t stem = strlen("nsemig-session ");
	int rc;

	for (;;) {
		size_t n = ch->inbuf.len < want ? ch->inbuf.len : want;

		if (memcmp(ch->inbuf.data ? ch->inbuf.data : (const uint8_t *)"",
			   NSE_PROTOCOL_GREETING, n < stem ? n : stem) != 0)
			return wrong_greeting(ch, err);
		if (n == want)
			break;
		rc = nse_wait_readable(ch->in, deadline_us);
		if (rc == 0)
			rc = fill(ch, err);
		if (rc == -ETIMEDOUT)
			return nse_error(err, rc, "no greeting came in time");
		if (rc < 0 && rc != -EAGAIN)
			return rc == -EPIPE ? wrong_greeting(ch, err) : rc;
	}
	if (memcmp(ch->inbuf.data, NSE_PROTOCOL_GREETING, want) != 0) {
		nse_error(err, -EPROTONOSUPPORT,
			  "it speaks another session protocol ('%.*s', here %d)",
			  (int)(want - 1), (const char *)ch->inbuf.data,
			  NSE_PROTOCOL_VERSION);
		return nse_advise(err, "install the same nsemig version on both hosts");
	}
	nse_buf_consume(&ch->inbuf, want);
	return 0;
}
