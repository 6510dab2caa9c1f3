/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The session's messages and who may say what when.
 *
 *	source                                target
 *	                    <- greeting line  "nsemig-session 1\n"
 *	HELLO               -> WELCOME        versions, host, facts
 *	OFFER               -> VERDICT        scope; policy, room, what is missing
 *	CONTEXT*, ROUND     -> HAVE           a context stream in pieces; its digest;
 *	 … further rounds …                   what can be is installed ahead
 *	PREPARE             -> PREPARED       the domain is on its way: its names here,
 *	                                      when they are known already
 *	FREEZE                                the domain is suspended: guard up
 *	CONTEXT*, ROUND     -> HAVE
 *	COMMIT              -> COMMITTED | REFUSED
 *	RELEASED                              the line of no return is passed
 *	QUERY               -> FACTS          does the domain run there?
 *	CONTEXT*, ROUND     -> HAVE           the exact states
 *	SETTLE              -> SETTLED        preliminary state made final, read back
 *	DONE                -> BYE            the target forgets its journal
 *	ABORT               -> ABORTED        any time: everything is undone
 *	PING                -> PONG           any time; PONG also without having been
 *	                                      asked, in the middle of long work
 *	                    <- FAILED         any time: the target has undone everything;
 *	                                      with "asks" it has COMMITTED, and would
 *	                                      like to: ABORT, unless it is RELEASED
 *
 * A message is u32 length of the payload, u16 type, u16 zero, payload; all big
 * endian. Payloads are JSON objects but for CONTEXT (bytes of the stream).
 */
#ifndef NSE_SESSION_PROTOCOL_H
#define NSE_SESSION_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "lib/util/buf.h"
#include "lib/util/error.h"

#define NSE_PROTOCOL_VERSION  1
#define NSE_PROTOCOL_GREETING "nsemig-session 1\n"
#define NSE_MESSAGE_MAX	      (4u << 20)   /* bytes of one payload */
#define NSE_CONTEXT_CHUNK     (256u << 10) /* bytes of one CONTEXT payload */

enum nse_message {
	NSE_MSG_NONE,
	NSE_MSG_HELLO,
	NSE_MSG_WELCOME,
	NSE_MSG_OFFER,
	NSE_MSG_VERDICT,
	NSE_MSG_CONTEXT,
	NSE_MSG_ROUND,
	NSE_MSG_HAVE,
	NSE_MSG_FREEZE,
	NSE_MSG_COMMIT,
	NSE_MSG_COMMITTED,
	NSE_MSG_REFUSED,
	NSE_MSG_RELEASED,
	NSE_MSG_QUERY,
	NSE_MSG_FACTS,
	NSE_MSG_SETTLE,
	NSE_MSG_SETTLED,
	NSE_MSG_DONE,
	NSE_MSG_BYE,
	NSE_MSG_ABORT,
	NSE_MSG_ABORTED,
	NSE_MSG_PING,
	NSE_MSG_PONG,
	NSE_MSG_FAILED,
	NSE_MSG_PREPARE,
	NSE_MSG_PREPARED,
	NSE_MSG_COUNT,
};

/* Where the target stands; the source follows the same states. */
enum nse_state {
	NSE_ST_HELLO,	  /* nothing said yet */
	NSE_ST_OFFER,	  /* versions agreed */
	NSE_ST_GATHER,	  /* rounds arrive */
	NSE_ST_FROZEN,	  /* guard up, last round */
	NSE_ST_COMMITTED, /* installed */
	NSE_ST_RELEASED,  /* the domain is on its way to run at the target */
	NSE_ST_SETTLED,
	NSE_ST_CLOSED,
	NSE_ST_COUNT,
};

const char *nse_message_name(enum nse_message type);
const char *nse_state_name(enum nse_state state);

/* May the target get this message in this state? */
bool nse_message_legal(enum nse_state state, enum nse_message type);

struct nse_channel {
	int in, out;	      /* may be one descriptor */
	struct nse_buf inbuf; /* bytes not yet consumed */
	size_t taken;	      /* of these, the message handed out last */
	int64_t heard_us;     /* when the peer was last heard */
	int64_t silence_us;   /* give up after this long without a word; 0: never */
	int64_t ping_us;      /* ping an idle peer this often; 0: never */
	int64_t pinged_us;
	uint64_t bytes_out;
	bool lost; /* the link has ended or broken */
};

void nse_channel_init(struct nse_channel *ch, int in, int out);
void nse_channel_release(struct nse_channel *ch);

/* Sends one message within the channel's silence limit: 0 or -errno with a text. */
int nse_channel_send(struct nse_channel *ch, enum nse_message type, const void *payload,
		     size_t n, struct nse_error *err);

/* Sends a JSON object; the reference is taken, NULL is -ENOMEM. */
int nse_channel_send_json(struct nse_channel *ch, enum nse_message type, json_t *obj,
			  struct nse_error *err);

struct nse_incoming {
	enum nse_message type;
	const uint8_t *payload; /* valid until the next receive */
	size_t n;
};

/*
 * Receives one message. Pings are answered and pongs swallowed here. Returns
 * 0, -ETIMEDOUT when the deadline passed (nothing is lost, call again),
 * -EPIPE at the end of the link, -EHOSTDOWN when the peer was silent for too
 * long, -EPROTO for nonsense; with a text.
 */
int nse_channel_receive(struct nse_channel *ch, int64_t deadline_us,
			struct nse_incoming *msg, struct nse_error *err);

/* As above without waiting; -EAGAIN when no whole message is there. */
int nse_channel_poll(struct nse_channel *ch, struct nse_incoming *msg,
		     struct nse_error *err);

/* The message's payload as an object, a new reference; NULL with a text. */
json_t *nse_incoming_json(const struct nse_incoming *msg, struct nse_error *err);

/* Source: reads the greeting line; its text says what came instead of it. */
int nse_channel_greeting(struct nse_channel *ch, int64_t deadline_us,
			 struct nse_error *err);

/* nse_write_fn that sends CONTEXT messages; arg is the channel. */
int nse_channel_write_context(void *channel, const void *p, size_t n);

#endif
