/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bulk mover of the gate: gigabytes of guest memory pass here, so that
 * the bytes stay in the kernel whenever one end is a pipe.
 */
#include "lib/platform/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define CHUNK	 (1u << 20)
#define PER_RUN	 16	   /* chunks before the caller looks elsewhere */
#define PIPE_MAX (1 << 20) /* what an unprivileged user may ask for */

void nse_relay_init(struct nse_relay *r, int in, int out)
{
	*r = (struct nse_relay){ .in = in, .out = out };
	/* Fails on what is not a pipe, which is fine. */
	fcntl(in, F_SETPIPE_SZ, PIPE_MAX);
	fcntl(out, F_SETPIPE_SZ, PIPE_MAX);
}

void nse_relay_release(struct nse_relay *r)
{
	free(r->buf);
	r->buf = NULL;
}

struct pollfd nse_relay_poll(const struct nse_relay *r)
{
	if (r->wait_out)
		return (struct pollfd){ .fd = r->out, .events = POLLOUT };
	return (struct pollfd){ .fd = r->in, .events = POLLIN };
}

/*
 * splice(2) says EAGAIN for an empty input and for a full output alike: wait
 * for one, and when it is ready and nothing moves, for the other.
 */
static ssize_t move_pages(struct nse_relay *r)
{
	ssize_t n = splice(r->in, NULL, r->out, NULL, CHUNK,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (n < 0 && errno == EAGAIN)
		r->wait_out = !r->wait_out;
	return n;
}

static ssize_t fill(struct nse_relay *r)
{
	ssize_t n;

	if (!r->buf && !(r->buf = malloc(CHUNK))) {
		errno = ENOMEM;
		return -1;
	}
	n = read(r->in, r->buf, CHUNK);
	r->off = 0;
	r->have = n > 0 ? (size_t)n : 0;
	return n;
}

static ssize_t move_copy(struct nse_relay *r)
{
	ssize_t n;

	if (r->have == 0) {
		r->wait_out = false;
		n = fill(r);
		if (n <= 0)
			return n;
	}
	n = write(r->out, r->buf + r->off, r->have);
	if (n > 0) {
		r->off += (size_t)n;
		r->have -= (size_t)n;
	}
	r->wait_out = r->have > 0;
	return n;
}

int nse_relay_run(struct nse_relay *r)
{
	bool moved = false;
	ssize_t n;

	for (int i = 0; i < PER_RUN; i++) {
		n = r->copy ? move_copy(r) : move_pages(r);
		if (n > 0) {
			r->bytes += (uint64_t)n;
			moved = true;
		} else if (n == 0) {
			r->eof = true;
			return 1;
		} else if (errno == EINVAL && !r->copy) {
			r->copy = true; /* neither end is a pipe */
		} else if (errno == EAGAIN) {
			break;
		} else if (errno != EINTR) {
			return errno == ECONNRESET ? -EPIPE : -errno;
		}
	}
	return moved;
}
