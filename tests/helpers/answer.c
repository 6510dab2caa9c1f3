/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The VM's side of the probes: a server that sends back whatever it receives,
 * over TCP and UDP, IPv4 and IPv6. With --knock ADDR PORT it opens a UDP flow
 * from its own port to the prober, who can then ask along that flow alone;
 * with --dial it opens a TCP connection to the prober, again and again until
 * one is accepted.
 *
 *	answer [--tcp PORT]... [--udp PORT]... [--knock ADDR PORT FROM-PORT]...
 *	       [--dial ADDR PORT]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_FDS 1024
#define DIAL_MS 500

enum role { LISTENER, STREAM, DATAGRAM };

struct server {
	struct pollfd fds[MAX_FDS];
	enum role roles[MAX_FDS];
	int n;
	struct sockaddr_in6 dial; /* sin6_port 0: nobody, or it has been done */
};

static void die(const char *what)
{
	fprintf(stderr, "answer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int port_of(const char *text)
{
	char *end;
	long port = strtol(text, &end, 10);

	if (*end || port < 1 || port > 65535) {
		fprintf(stderr, "answer: '%s' is not a port\n", text);
		exit(2);
	}
	return (int)port;
}

static void add(struct server *s, int fd, enum role role)
{
	if (s->n == MAX_FDS) {
		close(fd);
		return;
	}
	s->fds[s->n].fd = fd;
	s->fds[s->n].events = POLLIN;
	s->roles[s->n++] = role;
}

/* A socket for both families, bound to the port. */
static int bound(int type, int port)
{
	struct sockaddr_in6 sa = { .sin6_family = AF_INET6 };
	int one = 1, zero = 0, fd;

	sa.sin6_port = htons((uint16_t)port);
	fd = socket(AF_INET6, type | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero)) < 0 ||
	    bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		die("bind");
	return fd;
}

static struct sockaddr_in6 peer(const char *addr, int port)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6 };
	char mapped[INET6_ADDRSTRLEN + 8];

	snprintf(mapped, sizeof(mapped), strchr(addr, ':') ? "%s" : "::ffff:%s", addr);
	to.sin6_port = htons((uint16_t)port);
	if (inet_pton(AF_INET6, mapped, &to.sin6_addr) != 1) {
		fprintf(stderr, "answer: '%s' is not an address\n", addr);
		exit(2);
	}
	return to;
}

static void knock(int fd, const char *addr, int port)
{
	struct sockaddr_in6 to = peer(addr, port);

	if (sendto(fd, "knock\n", 6, 0, (struct sockaddr *)&to, sizeof(to)) != 6)
		die("knock");
}

static void setup(struct server *s, char **argv)
{
	int fd;

	while (*argv) {
		if (!strcmp(argv[0], "--tcp") && argv[1]) {
			fd = bound(SOCK_STREAM, port_of(argv[1]));
			if (listen(fd, 128) < 0)
				die("listen");
			add(s, fd, LISTENER);
			argv += 2;
		} else if (!strcmp(argv[0], "--udp") && argv[1]) {
			add(s, bound(SOCK_DGRAM, port_of(argv[1])), DATAGRAM);
			argv += 2;
		} else if (!strcmp(argv[0], "--knock") && argv[1] && argv[2] && argv[3]) {
			fd = bound(SOCK_DGRAM, port_of(argv[3]));
			knock(fd, argv[1], port_of(argv[2]));
			add(s, fd, DATAGRAM);
			argv += 4;
		} else if (!strcmp(argv[0], "--dial") && argv[1] && argv[2]) {
			s->dial = peer(argv[1], port_of(argv[2]));
			argv += 3;
		} else {
			fprintf(stderr, "usage: answer [--tcp PORT]... [--udp PORT]... "
					"[--knock ADDR PORT FROM-PORT]... "
					"[--dial ADDR PORT]\n");
			exit(2);
		}
	}
}

static void dial(struct server *s)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	if (connect(fd, (struct sockaddr *)&s->dial, sizeof(s->dial)) < 0) {
		close(fd);
		return;
	}
	s->dial.sin6_port = 0;
	add(s, fd, STREAM);
}

/* Returns false when the connection has ended. */
static bool echo_stream(int fd)
{
	char buf[65536];
	ssize_t n = read(fd, buf, sizeof(buf)), sent = 0, m;

	if (n <= 0)
		return false;
	while (sent < n) {
		m = send(fd, buf + sent, (size_t)(n - sent), MSG_NOSIGNAL);
		if (m < 0)
			return false;
		sent += m;
	}
	return true;
}

static void echo_datagram(int fd)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	char buf[2048];
	ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len);

	/* An ICMP error of an earlier datagram is no reason to end. */
	if (n > 0 && sendto(fd, buf, (size_t)n, 0, (struct sockaddr *)&from, len) < 0)
		return;
}

static void serve(struct server *s, int i)
{
	int fd = s->fds[i].fd, conn;

	switch (s->roles[i]) {
	case LISTENER:
		conn = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (conn >= 0)
			add(s, conn, STREAM);
		break;
	case STREAM:
		if (echo_stream(fd))
			break;
		close(fd);
		s->n--;
		s->fds[i] = s->fds[s->n];
		s->roles[i] = s->roles[s->n];
		break;
	case DATAGRAM:
		echo_datagram(fd);
		break;
	}
}

int main(int argc, char **argv)
{
	struct server s = { .n = 0 };
	int i;

	(void)argc;
	setup(&s, argv + 1);
	for (;;) {
		if (s.dial.sin6_port)
			dial(&s);
		if (poll(s.fds, (nfds_t)s.n, s.dial.sin6_port ? DIAL_MS : -1) < 0 &&
		    errno != EINTR)
			die("poll");
		for (i = s.n - 1; i >= 0; i--)
			if (s.fds[i].revents)
				serve(&s, i);
	}
}
