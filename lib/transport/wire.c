/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Moves bytes between libssh2 and a socket. The end of the connection is kept
 * from libssh2, which would forget packets that arrived just before it.
 */
#include "lib/transport/wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/util/clock.h"

#define WIRE_OUT_MAX (8u << 20)

void nse_wire_init(struct nse_wire *w, int fd)
{
	*w = (struct nse_wire){ .fd = fd, .out = NSE_BUF_INIT(WIRE_OUT_MAX) };
	w->heard_us = nse_now_us();
}

void nse_wire_release(struct nse_wire *w)
{
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	nse_buf_release(&w->out);
}

void nse_wire_flush(struct nse_wire *w)
{
	ssize_t n;

	while (!w->mute && nse_wire_pending(w) > 0) {
		n = send(w->fd, w->out.data + w->sent, nse_wire_pending(w), MSG_NOSIGNAL);
		if (n >= 0)
			w->sent += (size_t)n;
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR)
			w->mute = true; /* the reader finds the end, and what came before
					   it */
	}
	w->sent = 0;
	nse_buf_reset(&w->out);
}

static LIBSSH2_SEND_FUNC(wire_send)
{
	struct nse_wire *w = *abstract;

	(void)socket;
	(void)flags;
	if (w->mute)
		return (ssize_t)length;
	if (w->out.len > NSE_WIRE_FULL && w->sent > 0) {
		nse_buf_consume(&w->out, w->sent);
		w->sent = 0;
	}
	/* More than the maximum has piled up: the peer does not read at all. */
	if (nse_buf_put(&w->out, buffer, length) < 0)
		w->mute = w->ended = true;
	return (ssize_t)length;
}

static LIBSSH2_RECV_FUNC(wire_recv)
{
	struct nse_wire *w = *abstract;
	ssize_t n;

	(void)flags;
	if (w->ended || w->gone)
		return w->gone ? 0 : -EAGAIN;
	do
		n = recv(socket, buffer, length, 0);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		w->heard_us = nse_now_us();
	else if (n == 0 || errno != EAGAIN)
		w->ended = true;
	return n > 0 ? n : -EAGAIN;
}

void nse_wire_attach(LIBSSH2_SESSION *session)
{
	libssh2_session_callback_set(session, LIBSSH2_CALLBACK_SEND, (void *)wire_send);
	libssh2_session_callback_set(session, LIBSSH2_CALLBACK_RECV, (void *)wire_recv);
}
