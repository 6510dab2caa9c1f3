/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds a host's addresses and connects to the first that answers.
 */
#include "lib/transport/connect.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/util/cleanup.h"
#include "lib/util/clock.h"

#define SLICE_US    200000
#define INTERRUPTED "interrupted while connecting to %s"

/* A query of the resolver, which runs beside us so that it can be given up. */
struct lookup {
	struct gaicb cb;
	struct addrinfo hints;
	char host[256];
	char port[8];
};

static struct lookup *lookup_new(const char *host, int port)
{
	struct lookup *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	snprintf(l->host, sizeof(l->host), "%s", host);
	snprintf(l->port, sizeof(l->port), "%d", port);
	l->hints.ai_socktype = SOCK_STREAM;
	l->hints.ai_flags = AI_NUMERICSERV;
	l->cb.ar_name = l->host;
	l->cb.ar_service = l->port;
	l->cb.ar_request = &l->hints;
	return l;
}

/* When an interrupt that nothing was heard of is noticed, before the deadline. */
static int64_t slice(int64_t deadline)
{
	int64_t next = nse_now_us() + SLICE_US;

	return next < deadline ? next : deadline;
}

/* Waits for the resolver; an EAI code. */
static int lookup_wait(struct lookup *l, int64_t deadline,
		       const volatile sig_atomic_t *interrupted)
{
	const struct gaicb *list[] = { &l->cb };

	while (gai_error(&l->cb) == EAI_INPROGRESS) {
		int ms = nse_poll_ms(slice(deadline));
		struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

		if (nse_poll_ms(deadline) == 0 || (interrupted && *interrupted))
			return EAI_INPROGRESS;
		gai_suspend(list, 1, &ts);
	}
	return gai_error(&l->cb);
}

static int resolve(const char *host, int port, int64_t deadline,
		   const volatile sig_atomic_t *interrupted, struct addrinfo **out,
		   struct nse_error *err)
{
	struct lookup *l = lookup_new(host, port);
	struct gaicb *list[] = { l ? &l->cb : NULL };
	int rc;

	if (!l)
		return nse_error(err, -ENOMEM, "out of memory");
	rc = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL);
	if (rc == 0)
		rc = lookup_wait(l, deadline, interrupted);
	if (rc == EAI_INPROGRESS) {
		/* What cannot be cancelled still writes there: it must stay. */
		if (gai_cancel(&l->cb) != EAI_NOTCANCELED)
			free(l);
		if (interrupted && *interrupted)
			return nse_error(err, -EINTR, INTERRUPTED, host);
		nse_error(err, -ETIMEDOUT, "looking up the host %s took too long", host);
		return nse_advise(err, "does the name server answer? `getent hosts %s`",
				  host);
	}
	*out = l->cb.ar_result;
	free(l);
	if (rc) {
		nse_error(err, -EHOSTUNREACH, "cannot find the host %s: %s", host,
			  gai_strerror(rc));
		return nse_advise(err,
				  "is the name right? `getent hosts %s` asks the same "
				  "sources; or give an address",
				  host);
	}
	return 0;
}

/* A connected socket or -errno. */
static int connect_one(const struct addrinfo *ai, int64_t deadline,
		       const volatile sig_atomic_t *interrupted)
{
	NSE_CLOSE int fd =
		socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int code = 0, on = 1, n;
	socklen_t len = sizeof(code);

	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0 && errno != EINPROGRESS)
		return -errno;
	do {
		n = poll(&p, 1, nse_poll_ms(slice(deadline)));
		if (interrupted && *interrupted)
			return -EINTR;
	} while ((n < 0 && errno == EINTR) || (n == 0 && nse_poll_ms(deadline) != 0));
	if (n == 0)
		return -ETIMEDOUT;
	if (n < 0 || getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0)
		return -errno;
	if (code)
		return -code;
	n = fd;
	fd = -1;
	return n;
}

/* Appends "ADDRESS: reason" to the list of failures. */
static void note(char *list, size_t room, const struct addrinfo *ai, int code)
{
	char addr[INET6_ADDRSTRLEN + 16];
	size_t n = strlen(list);

	if (getnameinfo(ai->ai_addr, ai->ai_addrlen, addr, sizeof(addr), NULL, 0,
			NI_NUMERICHOST))
		addr[0] = '\0';
	snprintf(list + n, room - n, "%s%s: %s", n ? "; " : "", addr, strerror(-code));
}

/* Of several failures the one that says most: somebody answered. */
static int worst(int before, int now)
{
	if (before == -ECONNREFUSED || now == -ECONNREFUSED)
		return -ECONNREFUSED;
	if (before == -ETIMEDOUT || now == -ETIMEDOUT)
		return -ETIMEDOUT;
	return -EHOSTUNREACH;
}

static int advise(int code, const char *host, struct nse_error *err)
{
	if (code == -ECONNREFUSED)
		return nse_advise(err,
				  "is sshd running there, and is the port right? "
				  "`ss -ltnp` on %s tells",
				  host);
	if (code == -ETIMEDOUT)
		return nse_advise(err,
				  "is the host up, and does a firewall drop the packets? "
				  "Try `ping %s`",
				  host);
	return nse_advise(err, "is there a route to it? `ip route get %s` tells", host);
}

int nse_connect(const char *host, int port, int64_t deadline_us,
		const volatile sig_atomic_t *interrupted, struct nse_error *err)
{
	struct addrinfo *all = NULL;
	char failures[512] = "";
	int fd = -1, code = 0, left = 0;

	int rc = resolve(host, port, deadline_us, interrupted, &all, err);
	if (rc < 0)
		return rc;
	for (struct addrinfo *ai = all; ai; ai = ai->ai_next)
		left++;
	for (struct addrinfo *ai = all; ai && fd < 0; ai = ai->ai_next, left--) {
		int64_t now = nse_now_us();

		/* A silent address must leave time for those behind it. */
		fd = connect_one(ai,
				 deadline_us == NSE_FOREVER
					 ? NSE_FOREVER
					 : now + (deadline_us - now) / left,
				 interrupted);
		if (fd >= 0 || fd == -EINTR)
			break;
		note(failures, sizeof(failures), ai, fd);
		code = worst(code, fd);
	}
	freeaddrinfo(all);
	if (fd >= 0)
		return fd;
	if (fd == -EINTR)
		return nse_error(err, fd, INTERRUPTED, host);
	nse_error(err, code, "cannot connect to %s port %d (%s)", host, port, failures);
	return advise(code, host, err);
}
