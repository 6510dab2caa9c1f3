/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The thread that moves bytes between a link and its SSH channel:
 *
 *	caller <-> socket pair <-> up, down <-> libssh2 <-> wire <-> TCP
 *
 * Each round moves what can be moved and then waits for either end. What the
 * caller does not read yet stays in the channel's window, and what the peer
 * does not read stays in the socket pair, so neither side can fill memory.
 */
#include "lib/transport/ssh.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/util/cleanup.h"
#include "lib/util/clock.h"

#define CHUNK	   (256u << 10)
#define DEAD_AFTER 3	   /* keepalives without a sign of life */
#define PARTING_US 1000000 /* for the caller to take what came before a break */

/* Bytes on their way: from `from` to `to`. */
struct part {
	size_t from;
	size_t to;
	char data[CHUNK];
};

struct pump {
	struct nse_ssh *s;
	struct part up;	   /* to the peer */
	struct part down;  /* to the caller */
	bool caller_ended; /* its end of file was read */
	bool caller_gone;  /* it reads no more: what comes is thrown away */
	bool told_peer;	   /* of caller_ended */
	bool told_caller;  /* that the channel's output has ended */
	bool closed;	   /* the channel, by the peer */
	bool broken;
	int64_t keepalive_us; /* when the next is due */
};

static bool empty(const struct part *p)
{
	return p->from == p->to;
}

/* Channel to caller; true when something moved. */
static bool pump_stderr(struct pump *p)
{
	char buf[4096];
	bool moved = false;
	ssize_t n;

	/* This also takes in all that has arrived, whatever it is. */
	while ((n = libssh2_channel_read_stderr(p->s->channel, buf, sizeof(buf))) > 0) {
		nse_far_stderr_put(&p->s->relay, buf, (size_t)n);
		moved = true;
	}
	if (n < 0 && n != LIBSSH2_ERROR_EAGAIN)
		p->broken = true;
	return moved;
}

static bool pump_down(struct pump *p)
{
	bool moved = false;
	ssize_t n;

	if (empty(&p->down)) {
		n = libssh2_channel_read(p->s->channel, p->down.data, CHUNK);
		if (n < 0 && n != LIBSSH2_ERROR_EAGAIN)
			p->broken = true;
		p->down.from = 0;
		p->down.to = n > 0 ? (size_t)n : 0;
		moved = n > 0;
	}
	if (empty(&p->down))
		return moved;
	if (p->caller_gone) {
		p->down.from = p->down.to;
		return true;
	}
	n = send(p->s->local, p->down.data + p->down.from, p->down.to - p->down.from,
		 MSG_NOSIGNAL);
	if (n > 0)
		p->down.from += (size_t)n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		p->caller_gone = true;
	return moved || n > 0;
}

static bool read_caller(struct pump *p)
{
	ssize_t n;

	if (p->caller_ended || !empty(&p->up))
		return false;
	n = recv(p->s->local, p->up.data, CHUNK, 0);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		p->caller_ended = true;
	p->up.from = 0;
	p->up.to = n > 0 ? (size_t)n : 0;
	return n >= 0;
}

static bool pump_up(struct pump *p)
{
	bool moved = read_caller(p);
	ssize_t n;

	while (!empty(&p->up) && nse_wire_pending(&p->s->wire) < NSE_WIRE_FULL) {
		n = libssh2_channel_write(p->s->channel, p->up.data + p->up.from,
					  p->up.to - p->up.from);
		if (n == LIBSSH2_ERROR_EAGAIN || n == 0)
			break; /* the window is used up */
		if (n < 0) {
			/* The program there reads no more; its status is still to come.
			 */
			p->up.from = p->up.to;
			p->caller_ended = p->told_peer = true;
			break;
		}
		p->up.from += (size_t)n;
		moved = true;
	}
	if (p->caller_ended && empty(&p->up) && !p->told_peer &&
	    libssh2_channel_send_eof(p->s->channel) != LIBSSH2_ERROR_EAGAIN)
		p->told_peer = moved = true;
	return moved;
}

/* The ends of the channel's output and of the channel. */
static bool pump_ends(struct pump *p)
{
	if (!empty(&p->down) || !libssh2_channel_eof(p->s->channel))
		return false;
	if (!p->told_caller) {
		p->told_caller = true;
		shutdown(p->s->local, SHUT_WR);
	}
	p->closed = libssh2_channel_wait_closed(p->s->channel) == 0;
	return p->closed;
}

static void keep_alive(struct pump *p)
{
	struct nse_ssh *s = p->s;
	int64_t now = nse_now_us();
	int next = 0;

	if (s->keepalive_s <= 0 || now < p->keepalive_us)
		return;
	if (now - s->wire.heard_us > (int64_t)DEAD_AFTER * s->keepalive_s * 1000000)
		p->broken = true;
	else if (libssh2_keepalive_send(s->session, &next) < 0)
		p->broken = true;
	p->keepalive_us = now + 500000LL * s->keepalive_s;
}

/* Waits until something can move, or only looks. False when told to stop. */
static bool pump_wait(struct pump *p, bool only_look)
{
	struct nse_ssh *s = p->s;
	struct pollfd fds[3] = {
		{ .fd = s->stop, .events = POLLIN },
		{ .fd = s->wire.fd, .events = POLLIN },
		{ .fd = s->local, .events = 0 },
	};

	if (nse_wire_pending(&s->wire) > 0)
		fds[1].events |= POLLOUT;
	if (empty(&p->up) && !p->caller_ended)
		fds[2].events |= POLLIN;
	if (!empty(&p->down) && !p->caller_gone)
		fds[2].events |= POLLOUT;
	if (!fds[2].events)
		fds[2].fd = -1; /* a hang-up that cannot be acted on would spin */
	if (only_look)
		poll(fds, 1, 0);
	else
		poll(fds, 3,
		     nse_poll_ms(s->keepalive_s > 0 ? p->keepalive_us : NSE_FOREVER));
	return !(fds[0].revents & POLLIN);
}

/* After a break the caller still gets what had arrived. */
static void part_company(struct pump *p)
{
	int64_t deadline = nse_now_us() + PARTING_US;

	while (!p->caller_gone && (pump_down(p) || !empty(&p->down))) {
		struct pollfd fds[2] = {
			{ .fd = p->s->stop, .events = POLLIN },
			{ .fd = p->s->local, .events = POLLOUT },
		};

		poll(fds, 2, nse_poll_ms(deadline));
		if (fds[0].revents || nse_now_us() >= deadline)
			return;
	}
}

static void settle_status(struct pump *p)
{
	char *signal_name = NULL;

	if (!p->closed)
		return;
	libssh2_channel_get_exit_signal(p->s->channel, &signal_name, NULL, NULL, NULL,
					NULL, NULL);
	p->s->ended_there = true;
	if (signal_name)
		snprintf(p->s->killed_by, sizeof(p->s->killed_by), "SIG%s", signal_name);
	else
		p->s->exit_status = libssh2_channel_get_exit_status(p->s->channel) & 0xff;
	free(signal_name);
}

static void pump_run(struct pump *p)
{
	for (;;) {
		bool moved = pump_stderr(p);

		moved |= pump_down(p);
		moved |= pump_up(p);
		moved |= pump_ends(p);
		nse_wire_flush(&p->s->wire);
		keep_alive(p);
		if (p->broken || p->closed)
			break;
		if (!moved && p->s->wire.ended) {
			p->broken = true;
			break;
		}
		if (!pump_wait(p, moved))
			return;
	}
	if (p->broken)
		part_company(p);
}

static void *pump_thread(void *arg)
{
	struct pump *p = arg;
	struct nse_ssh *s = p->s;

	pump_run(p);
	settle_status(p);
	nse_far_stderr_flush(&s->relay);
	shutdown(s->local, SHUT_RDWR);
	free(p);
	eventfd_write(s->impl.done, 1);
	return NULL;
}

int nse_ssh_pump_start(struct nse_ssh *s, struct nse_error *err)
{
	struct pump *p = calloc(1, sizeof(*p));
	sigset_t all, old;
	int rc;

	if (!p)
		return nse_error(err, -ENOMEM, "out of memory");
	p->s = s;
	s->exit_status = NSE_LINK_BROKEN;
	s->wire.heard_us = nse_now_us();
	s->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->impl.done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->stop < 0 || s->impl.done < 0) {
		free(p);
		return nse_errno(err, -errno, "cannot watch the link");
	}
	/* The sender of a keepalive wants an answer, so that silence tells. */
	libssh2_keepalive_config(s->session, 1, s->keepalive_s > 0 ? s->keepalive_s : 0);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&s->thread, NULL, pump_thread, p);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc) {
		free(p);
		return nse_errno(err, -rc, "cannot start a thread");
	}
	s->running = true;
	return 0;
}

void nse_ssh_pump_stop(struct nse_ssh *s)
{
	if (!s->running)
		return;
	eventfd_write(s->stop, 1);
	pthread_join(s->thread, NULL);
	s->running = false;
}
