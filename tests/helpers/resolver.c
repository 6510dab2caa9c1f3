/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * DNS-like queries to answer(--udp): each is one datagram from a port of its
 * own and one back, so that there are always new flows. A query without an
 * answer is sent again, as resolvers do, and has failed after some attempts.
 *
 *	resolver ADDR PORT [options]
 *	-i MS   from one query to the next (20)
 *	-w MS   to wait for an answer (1000)
 *	-a N    attempts of a query (15)
 *
 * It prints a line of JSON after each SIGUSR1 and, when all queries have ended,
 * after SIGTERM or SIGINT: asked, answered, repeated, failed, wrong, open.
 * Exit status 0: no query has failed and no answer was a wrong one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
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

#define MAX_OPEN 900 /* below what a process may usually open */

struct query {
	uint64_t number;
	int attempts;
	int64_t again_us;
};

static struct query queries[MAX_OPEN];
static struct pollfd fds[MAX_OPEN];
static int n_open;
static uint64_t asked, answered, repeated, failed, wrong;
static struct {
	struct sockaddr_in to;
	int64_t interval_us, wait_us;
	int attempts;
} opt = { .interval_us = 20000, .wait_us = 1000000, .attempts = 15 };
static volatile sig_atomic_t stopped, told;

static void on_signal(int sig)
{
	if (sig == SIGUSR1)
		told = 1;
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
	fprintf(stderr, "resolver: %s: %s\n", what, strerror(errno));
	exit(3);
}

/* What does not get off is as good as lost on the way. */
static void send_query(int i)
{
	struct query *q = &queries[i];
	char text[32];
	int n = snprintf(text, sizeof(text), "query %llu", (unsigned long long)q->number);

	if (send(fds[i].fd, text, (size_t)n, MSG_DONTWAIT) != n && errno == EINVAL)
		die("send");
	q->attempts++;
	q->again_us = now_us() + opt.wait_us;
}

static void ask(void)
{
	int fd;

	asked++;
	if (n_open == MAX_OPEN) {
		failed++;
		return;
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&opt.to, sizeof(opt.to)) < 0)
		die("socket");
	fds[n_open] = (struct pollfd){ .fd = fd, .events = POLLIN };
	queries[n_open] = (struct query){ .number = asked };
	send_query(n_open++);
}

static void forget(int i)
{
	close(fds[i].fd);
	n_open--;
	fds[i] = fds[n_open];
	queries[i] = queries[n_open];
}

/* An error of the network is no answer: a move looks like that for a moment. */
static void hear(int i)
{
	char text[64], want[32];
	ssize_t n = recv(fds[i].fd, text, sizeof(text) - 1, 0);
	unsigned long long number;

	if (n < 0)
		return;
	text[n] = '\0';
	/* The second answer to what was asked twice from this port, before it was ours.
	 */
	if (sscanf(text, "query %llu", &number) == 1 && number < queries[i].number)
		return;
	snprintf(want, sizeof(want), "query %llu", (unsigned long long)queries[i].number);
	if (strcmp(text, want) == 0)
		answered++;
	else
		wrong++;
	forget(i);
}

static void wait_for_answers(int ms)
{
	int64_t now;

	if (poll(fds, (nfds_t)n_open, ms) < 0 && errno != EINTR)
		die("poll");
	now = now_us();
	for (int i = n_open - 1; i >= 0; i--) {
		if (fds[i].revents) {
			fds[i].revents = 0;
			hear(i);
		} else if (now >= queries[i].again_us &&
			   queries[i].attempts >= opt.attempts) {
			failed++;
			forget(i);
		} else if (now >= queries[i].again_us) {
			repeated++;
			send_query(i);
		}
	}
}

static void print_report(void)
{
	printf("{\"asked\":%llu,\"answered\":%llu,\"repeated\":%llu,\"failed\":%llu,"
	       "\"wrong\":%llu,\"open\":%d}\n",
	       (unsigned long long)asked, (unsigned long long)answered,
	       (unsigned long long)repeated, (unsigned long long)failed,
	       (unsigned long long)wrong, n_open);
	fflush(stdout);
}

static void run(void)
{
	int64_t next = now_us();

	while (!stopped) {
		int64_t left = next - now_us();

		if (left <= 0) {
			ask();
			next += opt.interval_us;
			left = 0;
		}
		wait_for_answers((int)(left / 1000));
		if (told) {
			told = 0;
			print_report();
		}
	}
	while (n_open)
		wait_for_answers(10);
}

static void usage(void)
{
	fprintf(stderr, "usage: resolver ADDR PORT [-i MS] [-w MS] [-a N]\n");
	exit(2);
}

static void parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "i:w:a:")) != -1) {
		if (c == 'i')
			opt.interval_us = atoll(optarg) * 1000;
		else if (c == 'w')
			opt.wait_us = atoll(optarg) * 1000;
		else if (c == 'a')
			opt.attempts = atoi(optarg);
		else
			usage();
	}
	if (argc - optind != 2 || opt.interval_us <= 0 || opt.wait_us <= 0 ||
	    inet_pton(AF_INET, argv[optind], &opt.to.sin_addr) != 1)
		usage();
	opt.to.sin_family = AF_INET;
	opt.to.sin_port = htons((uint16_t)atoi(argv[optind + 1]));
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };

	parse(argc, argv);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	run();
	print_report();
	return failed || wrong ? 1 : 0;
}
