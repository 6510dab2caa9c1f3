/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A small interactive session, as a person typing would have it: sends a
 * numbered line at every interval and checks the line that comes back.
 *
 *	probe tcp ADDR PORT [options]	connects to answer(--tcp)
 *	probe udp ADDR PORT [options]	asks answer(--udp)
 *	probe knocked PORT [options]	waits on PORT for answer(--knock) and
 *					asks along that flow
 *	-t MS   end after so long (default: at SIGTERM or SIGINT)
 *	-i MS   interval (50)
 *	-d MS   without an answer for so long the session is dead (3000)
 *	-p MS   print "sent answered" that often, for an onlooker
 *	-b PORT bind to this port
 *
 * At the end, or when the session is dead, it prints one line of JSON: sent,
 * answered, lost, wrong, longest_gap_ms (between answers), alive, reason.
 * Exit status 0: alive and nothing wrong; 1: dead.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 64

struct probe {
	int fd;
	bool stream;
	int64_t interval_us, dead_us, progress_us, end_us;
	uint64_t sent, answered, wrong;
	int64_t last_us, gap_us;
	char in[LINE_MAX_BYTES];
	size_t in_len;
	const char *reason; /* why it is dead, or NULL */
};

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000LL + ts.tv_nsec / 1000;
}

static void die(const char *what)
{
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	exit(3);
}

static void bind_port(int fd, int family, const char *port)
{
	struct sockaddr_in6 sa = { .sin6_family = (sa_family_t)family };
	int one = 1;

	/* The port stands at the same place in both families' addresses. */
	sa.sin6_port = htons((uint16_t)atoi(port));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&sa,
		 family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(sa)) < 0)
		die("bind");
}

static int connected(int type, const char *addr, const char *port, const char *from)
{
	struct addrinfo hints = { .ai_socktype = type, .ai_flags = AI_NUMERICHOST }, *ai;
	int fd, one = 1;

	if (getaddrinfo(addr, port, &hints, &ai) != 0) {
		fprintf(stderr, "probe: '%s' '%s' is no address and port\n", addr, port);
		exit(2);
	}
	fd = socket(ai->ai_family, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket");
	if (from)
		bind_port(fd, ai->ai_family, from);
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) < 0)
		die("connect");
	if (type == SOCK_STREAM)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	freeaddrinfo(ai);
	return fd;
}

/* Waits for the first datagram and stays with its sender. */
static int knocked(const char *port)
{
	struct timeval tv = { .tv_sec = 10 };
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	char buf[64];

	if (fd < 0)
		die("socket");
	bind_port(fd, AF_INET6, port);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) < 0)
		die("setsockopt");
	if (recvfrom(fd, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len) < 0)
		die("waiting for the knock");
	if (connect(fd, (struct sockaddr *)&from, len) < 0)
		die("connect");
	return fd;
}

static void ask(struct probe *p)
{
	char line[LINE_MAX_BYTES];
	int len = snprintf(line, sizeof(line), "line %llu\n",
			   (unsigned long long)p->sent + 1);

	/* A full socket buffer or an ICMP error is an unanswered line. */
	if (send(p->fd, line, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL) != len) {
		if (p->stream && errno != EAGAIN)
			p->reason = strerror(errno);
		if (p->stream)
			return;
	}
	p->sent++;
}

static void take_line(struct probe *p, const char *line)
{
	unsigned long long n = 0;
	int64_t now = now_us();
	bool ok = sscanf(line, "line %llu", &n) == 1;

	/* A stream must come back in order, datagrams may have gaps. */
	if (!ok || (p->stream ? n != p->answered + 1 : n > p->sent)) {
		p->wrong++;
		return;
	}
	p->answered++;
	if (now - p->last_us > p->gap_us)
		p->gap_us = now - p->last_us;
	p->last_us = now;
}

static void listen_once(struct probe *p)
{
	ssize_t n = recv(p->fd, p->in + p->in_len, sizeof(p->in) - 1 - p->in_len,
			 MSG_DONTWAIT);
	char *nl;

	if (n < 0 && (!p->stream || errno == EAGAIN))
		return;
	if (n <= 0) {
		p->reason = n < 0 ? strerror(errno) : "closed by the other end";
		return;
	}
	p->in_len += (size_t)n;
	p->in[p->in_len] = '\0';
	while ((nl = strchr(p->in, '\n'))) {
		*nl = '\0';
		take_line(p, p->in);
		p->in_len -= (size_t)(nl + 1 - p->in);
		memmove(p->in, nl + 1, p->in_len + 1);
	}
	if (p->in_len == sizeof(p->in) - 1) {
		p->wrong++;
		p->in_len = 0;
	}
}

static void wait_until(struct probe *p, int64_t until)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };
	int64_t left;

	while (!p->reason && (left = until - now_us()) > 0) {
		if (poll(&pfd, 1, (int)(left / 1000) + 1) > 0)
			listen_once(p);
		if (stopped)
			return;
	}
}

static void run(struct probe *p)
{
	int64_t next = now_us(), shown = next;

	p->last_us = next;
	while (!stopped && !p->reason && (!p->end_us || next < p->end_us)) {
		ask(p);
		next += p->interval_us;
		wait_until(p, next);
		if (now_us() - p->last_us > p->dead_us && !p->reason)
			p->reason = "no answer any more";
		if (p->progress_us && now_us() - shown >= p->progress_us) {
			printf("%llu %llu\n", (unsigned long long)p->sent,
			       (unsigned long long)p->answered);
			fflush(stdout);
			shown += p->progress_us;
		}
	}
}

/* What is still on its way gets as long as a dead session would. */
static void collect_rest(struct probe *p)
{
	int64_t end = now_us() + (p->stream ? p->dead_us : 300000);

	stopped = 0;
	while (!p->reason && !stopped && p->answered < p->sent && now_us() < end)
		wait_until(p, now_us() + 10000);
	if (!p->reason && p->stream && p->answered < p->sent)
		p->reason = "no answer any more";
	if (now_us() - p->last_us > p->gap_us)
		p->gap_us = now_us() - p->last_us;
}

static void setup(struct probe *p, int argc, char **argv)
{
	const char *from = NULL;
	int opt;

	p->interval_us = 50000;
	p->dead_us = 3000000;
	while ((opt = getopt(argc, argv, "t:i:d:p:b:")) != -1) {
		if (opt == 't')
			p->end_us = now_us() + atoll(optarg) * 1000;
		else if (opt == 'i')
			p->interval_us = atoll(optarg) * 1000;
		else if (opt == 'd')
			p->dead_us = atoll(optarg) * 1000;
		else if (opt == 'p')
			p->progress_us = atoll(optarg) * 1000;
		else if (opt == 'b')
			from = optarg;
		else
			exit(2);
	}
	argv += optind;
	argc -= optind;
	p->stream = argc == 3 && !strcmp(argv[0], "tcp");
	if (argc == 2 && !strcmp(argv[0], "knocked")) {
		p->fd = knocked(argv[1]);
	} else if (p->stream || (argc == 3 && !strcmp(argv[0], "udp"))) {
		p->fd = connected(p->stream ? SOCK_STREAM : SOCK_DGRAM, argv[1], argv[2],
				  from);
	} else {
		fprintf(stderr, "usage: probe tcp|udp ADDR PORT | knocked PORT "
				"[-t MS] [-i MS] [-d MS] [-p MS] [-b PORT]\n");
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct probe p = { .fd = -1 };

	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	setup(&p, argc, argv);
	run(&p);
	collect_rest(&p);
	printf("{\"sent\":%llu,\"answered\":%llu,\"lost\":%llu,\"wrong\":%llu,"
	       "\"longest_gap_ms\":%lld,\"alive\":%s,\"reason\":\"%s\"}\n",
	       (unsigned long long)p.sent, (unsigned long long)p.answered,
	       (unsigned long long)(p.sent - p.answered), (unsigned long long)p.wrong,
	       (long long)(p.gap_us / 1000), p.reason ? "false" : "true",
	       p.reason ? p.reason : "");
	return p.reason || p.wrong ? 1 : 0;
}
