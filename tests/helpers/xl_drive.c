/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs one move of lib/platform/xl_move.c against a scripted xl and prints
 * what happens, a line each.
 *
 *   xl_drive PEER NSEMIG ACTION HOST [OPTION...]
 *
 * PEER is xl_peer; NSEMIG the program with xl-gate. ACTION says what to do at
 * READY: go, abort, hold (until the gate has enough), exit (die without a
 * word), go-exit (die after go), late-go (after a second); or earlier:
 * abort-start, abort-suspended, exit-suspended; or kill-xl, kill-gate,
 * kill-rsh: at READY, kill-gate-suspended. XL_DRIVE_LIMITS is
 * BANNER,STALL,HOLD,REPORT,CONNECT in milliseconds.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/platform/xl_move.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"

#define DEADLINE_US 60000000
#define ABORT_US    5000000

static int suspended(void *arg)
{
	char c;

	return read(*(int *)arg, &c, 1) == 1;
}

static int resume(void *arg, bool killed, struct nse_error *err)
{
	(void)arg, (void)err;
	printf("resume%s\n", killed ? " (xl was killed)" : "");
	return 0;
}

/* The first child of a process: xl is ours, the gate xl's, the shell its. */
static pid_t child_of(pid_t pid)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	return nse_read_text(path, text, sizeof(text)) == 0 ? atoi(text) : 0;
}

static void kill_child(int depth)
{
	pid_t pid = getpid();

	while (depth-- > 0)
		pid = child_of(pid);
	if (pid > 1)
		kill(pid, SIGKILL);
}

static unsigned long long bytes(const struct nse_move *m)
{
	struct nse_move_progress p;

	nse_xl_move_progress(m, &p);
	return p.bytes;
}

static int finish(struct nse_move *m, int rc, const struct nse_error *err)
{
	if (rc < 0)
		printf("error %s\n", err->text);
	printf("status %d\n", nse_xl_move_status(m));
	printf("reason %s\n", nse_xl_move_reason(m));
	printf("bytes %llu\n", bytes(m));
	nse_xl_move_free(m);
	return 0;
}

static int give_up(struct nse_move *m)
{
	struct nse_error err = { 0 };
	int64_t from = nse_now_us();
	int rc = nse_xl_move_abort(m, nse_now_us() + ABORT_US, &err);

	printf("aborted %d\n", rc);
	fprintf(stderr, "# abort took %lld ms\n",
		(long long)((nse_now_us() - from) / 1000));
	return finish(m, rc, &err);
}

static void at_ready(struct nse_move *m, const char *action)
{
	struct nse_error err = { 0 };

	if (strcmp(action, "late-go") == 0)
		poll(NULL, 0, 1000);
	if (strcmp(action, "exit") == 0)
		_exit(0);
	if (strcmp(action, "kill-xl") == 0)
		kill_child(1);
	else if (strcmp(action, "kill-gate") == 0)
		kill_child(2);
	else if (strcmp(action, "kill-rsh") == 0)
		kill_child(3);
	else if (strcmp(action, "hold") != 0 && nse_xl_move_go(m, &err) < 0)
		printf("go: %s\n", err.text);
	if (strcmp(action, "go-exit") == 0)
		_exit(0);
}

/* 1: the move was given up. */
static int on_event(struct nse_move *m, int event, const char *action)
{
	switch (event) {
	case NSE_MOVE_SUSPENDED:
		printf("suspended\n");
		fprintf(stderr, "bytes by then: %llu\n", bytes(m));
		if (strcmp(action, "abort-suspended") == 0)
			return 1;
		if (strcmp(action, "exit-suspended") == 0)
			_exit(0);
		if (strcmp(action, "kill-gate-suspended") == 0)
			kill_child(2);
		return 0;
	case NSE_MOVE_READY:
		printf("ready\n");
		fflush(stdout);
		if (strcmp(action, "abort") == 0)
			return 1;
		at_ready(m, action);
		return 0;
	default:
		printf("ended\n");
		return 0;
	}
}

static int drive(struct nse_move *m, const char *action)
{
	int64_t deadline = nse_now_us() + DEADLINE_US, at;
	struct nse_error err = { 0 };
	int rc;

	if (strcmp(action, "abort-start") == 0)
		return give_up(m);
	for (;;) {
		rc = nse_xl_move_wait(m, deadline, &at, &err);
		if (rc < 0) {
			printf("error %s\n", err.text);
			return give_up(m);
		}
		if (rc == NSE_MOVE_NONE) {
			printf("timeout\n");
			return give_up(m);
		}
		if (on_event(m, rc, action))
			return give_up(m);
		if (rc == NSE_MOVE_ENDED)
			return finish(m, 0, &err);
	}
}

int main(int argc, char **argv)
{
	struct nse_xl_limits limits = NSE_XL_LIMITS_DEFAULT;
	const char *const gate[] = { argv[2], "xl-gate", NULL };
	const char *const rsh[] = { argv[1], "rsh", NULL };
	long long l[5] = { 0, 0, 0, 0, 10000 };
	struct nse_error err = { 0 };
	struct nse_move *m;
	char number[16];
	int fds[2];

	if (argc < 5 || pipe(fds) < 0)
		return 2;
	/* The writing end is xl_peer's: it must survive two execs. */
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	snprintf(number, sizeof(number), "%d", fds[1]);
	setenv("XL_PEER_SUSPEND_FD", number, 1);
	if (getenv("XL_DRIVE_LIMITS") &&
	    sscanf(getenv("XL_DRIVE_LIMITS"), "%lld,%lld,%lld,%lld,%lld", &l[0], &l[1],
		   &l[2], &l[3], &l[4]) >= 4)
		limits = (struct nse_xl_limits){ l[0] * 1000, l[1] * 1000, l[2] * 1000,
						 l[3] * 1000 };
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (nse_xl_move_start(
		    &(struct nse_xl_move_spec){
			    .xl = argv[1],
			    .gate = gate,
			    .move = &(struct nse_move_spec){ .domain = "web1",
							     .host = argv[4],
							     .options = argv + 5,
							     .rsh = rsh },
			    .limits = limits,
			    .connect_us = l[4] * 1000,
			    .source = { .fd = fds[0],
					.suspended = suspended,
					.resume = resume,
					.arg = &fds[0] } },
		    &m, &err) < 0) {
		printf("start: %s\n", err.text);
		return 1;
	}
	close(fds[1]);
	return drive(m, argv[3]);
}
