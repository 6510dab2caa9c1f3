/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Many clients of answer(1) at once, each on a flow of its own, all of which
 * must live through whatever happens:
 *
 *	crowd ADDR PORT [options]
 *	-T N       TCP connections that say a numbered line at every interval
 *	-B N       TCP connections that stream without a pause (-r each)
 *	-U N       UDP flows; the first datagram is "knock\n"
 *	-I N       ICMP echo, each with an id of its own
 *	-a ADDR    one more of -T, to this address (a DNAT)
 *	-l PORT    one more of -T, which the guest dials (answer --dial)
 *	-u PORT    UDP flows go to this port (7006)
 *	-i MS      interval of a flow (5000)
 *	-r BYTES   a second for each stream (20000)
 *	-d MS      a flow without an answer for so long is dead (30000)
 *
 * It prints "ready" when every flow has been answered once, a line of JSON
 * after each SIGUSR1, when every flow has been answered since or is dead, and a
 * last one at SIGTERM: flows, alive, dead, wrong, sent,
 * answered, bytes (of the streams), longest_gap_ms, and why the first died.
 * Exit status 0: all live and nothing came back wrong.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
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

#define MAX_FLOWS 1024

enum kind { LINES, STREAM, UDP, ICMP, DIALLED };

static const char *const kind_names[] = { "tcp", "bulk", "udp", "icmp", "dialled" };

struct flow {
	enum kind kind;
	int fd;
	uint64_t sent, answered, wrong; /* of STREAM: bytes */
	int64_t asked_us;		/* of the oldest without an answer; 0: none */
	int64_t heard_us, next_us, gap_us;
	const char *reason; /* why it is dead, or NULL */
};

static struct flow flows[MAX_FLOWS];
static struct pollfd fds[MAX_FLOWS];
static int n_flows;
static struct {
	const char *dnat;
	int port, udp_port, dialled_port;
	int64_t interval_us, dead_us;
	uint64_t rate;
	struct sockaddr_in to;
} opt = { .udp_port = 7006, .interval_us = 5000000, .dead_us = 30000000, .rate = 20000 };
static volatile sig_atomic_t stopped, asked;

static void on_signal(int sig)
{
	if (sig == SIGUSR1)
		asked = 1;
	else
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
	fprintf(stderr, "crowd: %s: %s\n", what, strerror(errno));
	exit(3);
}

static void kill_flow(struct flow *f, const char *why)
{
	if (!f->reason)
		f->reason = why;
}

/* What the stream carries at a position: a lost or doubled byte shows. */
static unsigned char pattern(uint64_t at)
{
	return (unsigned char)((at * 2654435761u) >> 16);
}

static void unblock(int fd)
{
	int one = 1;

	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		die("fcntl");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static struct flow *add(enum kind kind, int fd)
{
	struct flow *f = &flows[n_flows];

	if (n_flows == MAX_FLOWS) {
		fprintf(stderr, "crowd: too many flows\n");
		exit(2);
	}
	unblock(fd);
	*f = (struct flow){ .kind = kind, .fd = fd, .heard_us = now_us() };
	/* Their turns are spread over the interval. */
	f->next_us = f->heard_us + n_flows * (opt.interval_us / 256);
	n_flows++;
	return f;
}

static void connect_tcp(enum kind kind, const char *addr)
{
	struct sockaddr_in to = opt.to;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (addr && inet_pton(AF_INET, addr, &to.sin_addr) != 1) {
		fprintf(stderr, "crowd: '%s' is not an address\n", addr);
		exit(2);
	}
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die(addr ? addr : "connect");
	add(kind, fd);
}

static void open_udp(void)
{
	struct sockaddr_in to = opt.to;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char buf[64];

	to.sin_port = htons((uint16_t)opt.udp_port);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
	    send(fd, "knock\n", 6, 0) != 6 || recv(fd, buf, sizeof(buf), 0) != 6)
		die("udp");
	add(UDP, fd);
}

static void open_icmp(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);

	if (fd < 0 || connect(fd, (struct sockaddr *)&opt.to, sizeof(opt.to)) < 0)
		die("icmp (net.ipv4.ping_group_range)");
	add(ICMP, fd);
}

static void accept_dialled(void)
{
	struct sockaddr_in me = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, conn;

	me.sin_port = htons((uint16_t)opt.dialled_port);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&me, sizeof(me)) < 0 || listen(fd, 1) < 0)
		die("listen");
	conn = accept(fd, NULL, NULL);
	if (conn < 0)
		die("accept");
	close(fd);
	add(DIALLED, conn);
}

static void send_stream(struct flow *f, int64_t now)
{
	unsigned char buf[4096];
	ssize_t n;
	size_t i;

	for (i = 0; i < sizeof(buf); i++)
		buf[i] = pattern(f->sent + i);
	n = send(f->fd, buf, sizeof(buf), MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN)
		kill_flow(f, strerror(errno));
	if (n > 0)
		f->sent += (uint64_t)n;
	if (f->sent > f->answered && !f->asked_us)
		f->asked_us = now;
	f->next_us = now + (int64_t)(sizeof(buf) * 1000000 / opt.rate);
}

static void send_turn(struct flow *f, int64_t now)
{
	struct icmphdr echo = { .type = ICMP_ECHO };
	char buf[64];
	int n;

	if (f->kind == STREAM) {
		send_stream(f, now);
		return;
	}
	n = snprintf(buf, sizeof(buf), "%020llu\n", (unsigned long long)f->sent);
	if (f->kind == ICMP) {
		echo.un.echo.sequence = htons((uint16_t)f->sent);
		n = (int)sizeof(echo);
		memcpy(buf, &echo, sizeof(echo));
	}
	if (send(f->fd, buf, (size_t)n, MSG_NOSIGNAL) == n)
		f->sent++;
	else if (errno != EAGAIN)
		kill_flow(f, strerror(errno));
	if (!f->asked_us)
		f->asked_us = now;
	f->next_us = now + opt.interval_us;
}

/* Returns how much of what came is an answer in its place. */
static uint64_t judge(struct flow *f, const unsigned char *buf, ssize_t n)
{
	char want[64];
	ssize_t i;

	switch (f->kind) {
	case STREAM:
		for (i = 0; i < n; i++)
			f->wrong += buf[i] != pattern(f->answered + (uint64_t)i);
		return (uint64_t)n;
	case ICMP:
		f->wrong += buf[0] != ICMP_ECHOREPLY;
		return 1;
	case UDP:
		f->wrong += n != 21 && n != 6;
		return 1;
	default: /* 21 bytes each; a segment can hold several */
		for (i = 0; i + 21 <= n; i += 21) {
			snprintf(want, sizeof(want), "%020llu\n",
				 (unsigned long long)(f->answered + (uint64_t)i / 21));
			f->wrong += memcmp(buf + i, want, 21) != 0;
		}
		f->wrong += n % 21 != 0;
		return (uint64_t)n / 21;
	}
}

static void hear(struct flow *f, int64_t now)
{
	unsigned char buf[16384];
	ssize_t n = recv(f->fd, buf, sizeof(buf), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* A host that does not answer for a moment is no end of a UDP flow. */
	if (n < 0 && (f->kind == UDP || f->kind == ICMP) && errno == EHOSTUNREACH)
		return;
	if (n <= 0) {
		kill_flow(f, n == 0 ? "closed" : strerror(errno));
		return;
	}
	f->answered += judge(f, buf, n);
	if (f->asked_us && now - f->asked_us > f->gap_us)
		f->gap_us = now - f->asked_us;
	f->asked_us =
		f->answered < f->sent && f->kind != UDP && f->kind != ICMP ? now : 0;
	f->heard_us = now;
}

static int print_report(void)
{
	uint64_t sent = 0, answered = 0, wrong = 0, bytes = 0;
	int64_t gap = 0;
	int i, alive = 0, first = -1;

	for (i = 0; i < n_flows; i++) {
		struct flow *f = &flows[i];

		alive += !f->reason;
		if (f->reason && first < 0)
			first = i;
		wrong += f->wrong;
		if (f->gap_us > gap)
			gap = f->gap_us;
		if (f->kind == STREAM) {
			bytes += f->answered;
			continue;
		}
		sent += f->sent;
		answered += f->answered;
	}
	printf("{\"flows\":%d,\"alive\":%d,\"dead\":%d,\"wrong\":%llu,\"sent\":%llu,"
	       "\"answered\":%llu,\"bytes\":%llu,\"longest_gap_ms\":%lld,",
	       n_flows, alive, n_flows - alive, (unsigned long long)wrong,
	       (unsigned long long)sent, (unsigned long long)answered,
	       (unsigned long long)bytes, (long long)(gap / 1000));
	if (first < 0)
		printf("\"reason\":null}\n");
	else
		printf("\"reason\":\"%s flow %d: %s\"}\n", kind_names[flows[first].kind],
		       first, flows[first].reason);
	fflush(stdout);
	return alive == n_flows && !wrong ? 0 : 1;
}

static bool all_heard(void)
{
	int i;

	for (i = 0; i < n_flows; i++)
		if (!flows[i].answered && !flows[i].reason)
			return false;
	return true;
}

static bool all_heard_since(int64_t us)
{
	int i;

	for (i = 0; i < n_flows; i++)
		if (flows[i].heard_us <= us && !flows[i].reason)
			return false;
	return true;
}

static void run(void)
{
	bool ready = false;
	int64_t now, since = 0;
	int i;

	while (!stopped) {
		if (asked) {
			asked = 0;
			since = now_us();
		}
		for (i = 0; i < n_flows; i++) {
			fds[i].fd = flows[i].reason ? -1 : flows[i].fd;
			fds[i].events = POLLIN;
		}
		if (poll(fds, (nfds_t)n_flows, 20) < 0 && errno != EINTR)
			die("poll");
		now = now_us();
		for (i = 0; i < n_flows; i++) {
			struct flow *f = &flows[i];

			if (f->reason)
				continue;
			if (fds[i].revents)
				hear(f, now);
			if (now >= f->next_us)
				send_turn(f, now);
			if (f->asked_us && now - f->asked_us > opt.dead_us &&
			    now - f->heard_us > opt.dead_us)
				kill_flow(f, "no answer");
		}
		if (since && all_heard_since(since)) {
			since = 0;
			print_report();
		}
		if (!ready && all_heard()) {
			ready = true;
			puts("ready");
			fflush(stdout);
		}
	}
}

static void usage(void)
{
	fprintf(stderr, "usage: crowd ADDR PORT [-T N] [-B N] [-U N] [-I N] [-a ADDR] "
			"[-l PORT] [-u PORT] [-i MS] [-r BYTES] [-d MS]\n");
	exit(2);
}

/* n: how many of each kind. */
static void parse(int argc, char **argv, int n[4])
{
	int c;

	while ((c = getopt(argc, argv, "T:B:U:I:a:l:u:i:r:d:")) != -1) {
		switch (c) {
		case 'T':
			n[LINES] = atoi(optarg);
			break;
		case 'B':
			n[STREAM] = atoi(optarg);
			break;
		case 'U':
			n[UDP] = atoi(optarg);
			break;
		case 'I':
			n[ICMP] = atoi(optarg);
			break;
		case 'a':
			opt.dnat = optarg;
			break;
		case 'l':
			opt.dialled_port = atoi(optarg);
			break;
		case 'u':
			opt.udp_port = atoi(optarg);
			break;
		case 'i':
			opt.interval_us = atoll(optarg) * 1000;
			break;
		case 'r':
			opt.rate = strtoull(optarg, NULL, 10);
			break;
		case 'd':
			opt.dead_us = atoll(optarg) * 1000;
			break;
		default:
			usage();
		}
	}
	if (argc - optind != 2 || !opt.rate ||
	    inet_pton(AF_INET, argv[optind], &opt.to.sin_addr) != 1)
		usage();
	opt.to.sin_family = AF_INET;
	opt.to.sin_port = htons((uint16_t)atoi(argv[optind + 1]));
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };
	int n[4] = { 0 }, i;

	parse(argc, argv, n);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	for (i = 0; i < n[LINES]; i++)
		connect_tcp(LINES, NULL);
	for (i = 0; i < n[STREAM]; i++)
		connect_tcp(STREAM, NULL);
	for (i = 0; i < n[UDP]; i++)
		open_udp();
	for (i = 0; i < n[ICMP]; i++)
		open_icmp();
	if (opt.dnat)
		connect_tcp(LINES, opt.dnat);
	if (opt.dialled_port)
		accept_dialled();
	if (!n_flows)
		usage();
	run();
	return print_report();
}
