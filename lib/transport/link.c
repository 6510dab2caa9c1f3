/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The face of a link: chooses the carrier, and ends the link whatever it is.
 */
#include "lib/transport/link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/util/clock.h"
#include "lib/util/io.h"

/* The kernel may grant less (net.core.wmem_max); then more wake-ups are needed. */
#define PAIR_BUFFER (1 << 20)

int nse_link_pair(int ends[2], struct nse_error *err)
{
	int size = PAIR_BUFFER;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return nse_errno(err, -errno, "cannot make a socket pair");
	for (int i = 0; i < 2; i++)
		setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return 0;
}

int nse_link_open(struct nse_link *link, const struct nse_link_spec *spec,
		  struct nse_error *err)
{
	*link = (struct nse_link){ .fd = -1 };
	if (spec->target.host[0] == '\0' || spec->target.host[0] == '-' ||
	    spec->target.user[0] == '-')
		return nse_error(err, -EINVAL, "'%s' is no host name", spec->target.host);
	if (spec->rsh)
		return nse_rsh_open(link, spec, err);
	return nse_ssh_open(link, spec, err);
}

int nse_link_exec(struct nse_link *link, char *const argv[], struct nse_error *err)
{
	*link = (struct nse_link){ .fd = -1 };
	return nse_exec_start(link, argv, NULL, err);
}

int nse_link_shutdown(struct nse_link *link)
{
	if (link->fd < 0)
		return -ENOTCONN;
	/* ENOTCONN: the other side has gone, and knows. */
	if (shutdown(link->fd, SHUT_WR) < 0 && errno != ENOTCONN)
		return -errno;
	return 0;
}

/*
 * Throws away what the program still prints, so that it can end, until it
 * has. 0, -ETIMEDOUT or -errno.
 */
static int drain(struct nse_link *link, int64_t deadline_us)
{
	struct pollfd p[2] = {
		{ .fd = link->impl->done, .events = POLLIN },
		{ .fd = link->fd, .events = POLLIN },
	};
	char waste[65536];
	ssize_t n;

	for (;;) {
		int ready = poll(p, 2, nse_poll_ms(deadline_us));

		if (ready < 0 && errno != EINTR)
			return -errno;
		if (ready > 0 && p[0].revents)
			return 0;
		if (ready > 0 && p[1].revents) {
			n = read(link->fd, waste, sizeof(waste));
			if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
				p[1].fd = -1;
		}
		if (nse_poll_ms(deadline_us) == 0)
			return -ETIMEDOUT;
	}
}

int nse_link_finish(struct nse_link *link, int64_t deadline_us)
{
	int rc;

	if (!link->impl)
		return -ENOTCONN;
	nse_link_shutdown(link);
	rc = drain(link, deadline_us);
	if (rc == 0)
		rc = link->impl->status(link->impl);
	nse_link_close(link);
	return rc;
}

const char *nse_link_ending(struct nse_link *link, int64_t deadline_us,
			    char out[NSE_LINK_ENDING_MAX])
{
	snprintf(out, NSE_LINK_ENDING_MAX, "nobody said why");
	if (link->impl && nse_wait_readable(link->impl->done, deadline_us) == 0)
		link->impl->ending(link->impl, out, NSE_LINK_ENDING_MAX);
	return out;
}

void nse_link_close(struct nse_link *link)
{
	if (link->fd >= 0)
		close(link->fd);
	if (link->impl)
		link->impl->close(link->impl);
	*link = (struct nse_link){ .fd = -1 };
}
