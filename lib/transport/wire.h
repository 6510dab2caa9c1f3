/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The socket below an SSH session. libssh2 1.10 cannot go on with anything
 * else while a packet is half sent, so all that it sends is taken at once
 * and leaves from here when the socket has room.
 */
#ifndef NSE_TRANSPORT_WIRE_H
#define NSE_TRANSPORT_WIRE_H

#include <libssh2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/util/buf.h"

/* Bulk waits while this much has not left; single messages never do. */
#define NSE_WIRE_FULL (512u << 10)

struct nse_wire {
	int fd;		    /* non-blocking; owned */
	struct nse_buf out; /* what has not left yet, from `sent` on */
	size_t sent;
	bool mute;	  /* nothing more goes */
	bool ended;	  /* nothing more comes */
	bool gone;	  /* libssh2 shall see the end, and free all */
	int64_t heard_us; /* when the peer was last heard */
};

/* Takes fd over. */
void nse_wire_init(struct nse_wire *w, int fd);
void nse_wire_release(struct nse_wire *w);

/* Puts the wire below a session, whose abstract pointer must be the wire. */
void nse_wire_attach(LIBSSH2_SESSION *session);

/* Sends what the socket takes. */
void nse_wire_flush(struct nse_wire *w);

static inline size_t nse_wire_pending(const struct nse_wire *w)
{
	return w->out.len - w->sent;
}

#endif
