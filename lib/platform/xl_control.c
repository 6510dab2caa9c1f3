/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Opening both ends of the gate's control socket, and saying lines on it.
 */
#include "lib/platform/xl_control.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/platform/lines.h"
#include "lib/util/cleanup.h"

/* '@' stands for the NUL byte that makes a name abstract. */
static socklen_t address(const char *name, struct sockaddr_un *sun)
{
	size_t len = strlen(name);

	*sun = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(sun->sun_path + 1, name + 1, len - 1);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

/* Is the process at the other end one of our own user? */
static int check_peer(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return -errno;
	return peer.uid == geteuid() ? 0 : -EPERM;
}

int nse_xl_listen(char name[NSE_XL_SOCKET_MAX], struct nse_error *err)
{
	NSE_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un sun;
	uint64_t random[2];
	socklen_t len;
	int out;

	if (fd < 0)
		return nse_errno(err, -errno, "cannot open a socket for the gate");
	/* Not to be guessed, so that nobody sits on the name before us. */
	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return nse_errno(err, -errno, "getrandom");
	snprintf(name, NSE_XL_SOCKET_MAX, "@nsemig-xl-%016llx%016llx",
		 (unsigned long long)random[0], (unsigned long long)random[1]);
	len = address(name, &sun);
	if (bind(fd, (struct sockaddr *)&sun, len) < 0 || listen(fd, 4) < 0)
		return nse_errno(err, -errno, "cannot listen for the gate");
	out = fd;
	fd = -1;
	return out;
}

int nse_xl_accept(int fd)
{
	int conn;

	for (;;) {
		conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (conn < 0)
			return -errno;
		if (check_peer(conn) == 0)
			return conn;
		close(conn);
	}
}

int nse_xl_connect(const char *name, struct nse_error *err)
{
	NSE_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un sun;
	socklen_t len;
	int out;

	if (fd < 0)
		return nse_errno(err, -errno, "cannot open a socket");
	if (name[0] != '@' || strlen(name) < 2 || strlen(name) >= NSE_XL_SOCKET_MAX)
		return nse_error(err, -EINVAL, "'%s' is not the name of a gate's socket",
				 name);
	len = address(name, &sun);
	if (connect(fd, (struct sockaddr *)&sun, len) < 0)
		return nse_errno(err, -errno,
				 "cannot reach the nsemig that started this migration");
	if (check_peer(fd) < 0)
		return nse_error(err, -EPERM, "%s belongs to another user", name);
	out = fd;
	fd = -1;
	return out;
}

int nse_xl_say(int fd, const char *fmt, ...)
{
	char line[NSE_LINE_MAX];
	va_list ap;

	if (fd < 0)
		return -EPIPE;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	nse_line_printable(line);
	memcpy(line + strlen(line), "\n", 2);
	return nse_line_write(fd, line);
}

bool nse_xl_can_say(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return fd >= 0 && poll(&p, 1, 0) == 1 && (p.revents & POLLOUT);
}
