/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requests about entries, sent in batches with one ack at the end. Each
 * request has a tag, and is answered once through the callback.
 */
#ifndef NSE_ENGINE_CT_BATCH_H
#define NSE_ENGINE_CT_BATCH_H

#include "lib/engine/ct_msg.h"
#include "lib/netlink/nl.h"

#define CT_BATCH 128 /* messages; 50 to 200 is where the kernel is fastest */

/*
 * The answer: code 0 or -errno (-ENOBUFS: it got lost, look yourself), the
 * kernel's text or "", and the entry of a GET. It is called in the middle of
 * an exchange and must not send.
 */
typedef void ct_answer(void *arg, uint32_t tag, int code, const char *text,
		       const struct ct_entry *live);

struct ct_batch {
	struct nse_nl *nl; /* owned */
	uint8_t *buf;	   /* owned */
	size_t len, last;  /* used; offset of the last message */
	uint32_t n, first_seq;
	uint32_t tags[CT_BATCH];
	bool answered[CT_BATCH];
	ct_answer *answer;
	void *arg;
};

/* Opens a socket. -EPERM without CAP_NET_ADMIN shows with the first flush. */
int ct_batch_init(struct ct_batch *b, ct_answer *answer, void *arg,
		  struct nse_error *err);
void ct_batch_release(struct ct_batch *b);

/* Where to build the next message; then ct_batch_add() with its length. */
static inline void *ct_batch_room(struct ct_batch *b)
{
	return b->buf + b->len;
}

/* Adds the message that was built, and flushes when the batch is full. */
int ct_batch_add(struct ct_batch *b, uint32_t tag, size_t len, struct nse_error *err);

/* Sends what is there and waits for all answers. -errno when netlink itself
 * does not work. */
int ct_batch_flush(struct ct_batch *b, struct nse_error *err);

#endif
