/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The gate between the source's xl (S) and the target's (T). S -> T is bulk
 * and is spliced; T -> S is a few words (xl_wire.h), passed on one by one:
 *
 *   T                 gate                     S            controller
 *   banner ---------> ----------------------->              banner
 *          <------------ spliced bulk --------              bytes N, N, ...
 *   READY ----------> held                                  ready
 *                                              <----------- go
 *                     READY ----------------->              released
 *          <------------ GO (spliced) --------
 *   report ---------> ----------------------->              report N
 *   (GO back) ------> ----------------------->              returned
 *
 * Anything else before READY is passed on, the controller's death included,
 * closes both pipes of S, which then resumes the guest by itself. T sees the
 * end of its input, reports its failure and destroys its copy: somebody must
 * read that report, or T would leave the copy behind.
 */
#include "lib/platform/xl_gate.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/platform/lines.h"
#include "lib/platform/relay.h"
#include "lib/platform/xl_control.h"
#include "lib/platform/xl_wire.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"
#include "lib/util/proc.h"

#define START_US 10000000 /* for the controller's first line */
#define WORD_US	 5000000  /* for xl to take a word out of its pipe */
#define TELL_US	 250000	  /* between two counts of bytes */

struct gate {
	int ctl;	    /* the controller, -1 when it has gone */
	int from_xl, to_xl; /* S */
	int from_t, to_t;   /* T, through the remote shell */
	int pidfd;	    /* the remote shell */
	struct nse_lines lines;
	struct nse_xl_limits limits;
	struct nse_xl_wire wire;
	struct nse_relay relay;
	bool bulk; /* S -> T still open */
	bool held; /* READY is here and not passed on */
	bool done;
	int64_t deadline;
	int64_t tell_at; /* the next count of bytes */
};

static void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void gate_release(struct gate *g)
{
	closep(&g->ctl);
	closep(&g->from_xl);
	closep(&g->to_xl);
	closep(&g->from_t);
	closep(&g->to_t);
	closep(&g->pidfd);
	nse_relay_release(&g->relay);
}

/* READY has been passed on: from here on the gate only relays. */
static bool released(const struct gate *g)
{
	return g->wire.expect > NSE_XL_W_READY;
}

static void set_deadline(struct gate *g, int64_t us)
{
	g->deadline = nse_now_us() + us;
}

/* Connects to the controller and gets the limits. */
static int meet(struct gate *g, const char *name, struct nse_error *err)
{
	int64_t deadline = nse_now_us() + START_US;
	struct nse_xl_limits *l = &g->limits;
	char line[NSE_LINE_MAX];
	int rc;

	g->ctl = nse_xl_connect(name, err);
	if (g->ctl < 0)
		return g->ctl;
	nse_xl_say(g->ctl, "hello %d", NSE_XL_CONTROL_VERSION);
	while ((rc = nse_lines_next(&g->lines, g->ctl, line)) == 0 && !g->lines.eof) {
		rc = nse_wait_readable(g->ctl, deadline);
		if (rc < 0)
			break;
	}
	if (rc == 1 && sscanf(line, "start %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64,
			      &l->banner, &l->stall, &l->hold, &l->report) == 4)
		return 0;
	if (rc == 1 && strcmp(line, "abort") == 0)
		return nse_error(err, -ECANCELED, "aborted");
	return nse_error(err, -ECONNABORTED,
			 "the nsemig that started this migration does not answer");
}

/* Starts the remote shell between two pipes. */
static int launch(struct gate *g, char *const argv[], struct nse_error *err)
{
	NSE_CLOSE int their_in = -1;
	NSE_CLOSE int their_out = -1;
	int a[2], b[2];
	pid_t pid;

	if (pipe2(a, O_CLOEXEC) < 0)
		return nse_errno(err, -errno, "pipe");
	their_in = a[0];
	g->to_t = a[1];
	if (pipe2(b, O_CLOEXEC) < 0)
		return nse_errno(err, -errno, "pipe");
	g->from_t = b[0];
	their_out = b[1];
	pid = nse_spawn(&(struct nse_spawn){ argv, their_in, their_out, -1, false }, err);
	if (pid < 0)
		return pid;
	g->pidfd = pidfd_open(pid, 0);
	if (g->pidfd < 0 || nse_set_nonblock(g->to_t, 1) < 0 ||
	    nse_set_nonblock(g->from_t, 1) < 0 || nse_set_nonblock(g->from_xl, 1) < 0)
		return nse_errno(err, -errno, "cannot relay");
	nse_relay_init(&g->relay, g->from_xl, g->to_t);
	g->bulk = true;
	set_deadline(g, g->limits.banner);
	return 0;
}

/* Hands the word that has just been read to S. */
static int pass_on(struct gate *g, struct nse_error *err)
{
	int rc = nse_write_full(g->to_xl, g->wire.buf, g->wire.have,
				nse_now_us() + WORD_US);

	if (rc < 0)
		return nse_errno(err, rc, "cannot hand %s to xl",
				 nse_xl_word_name(g->wire.expect));
	return 0;
}

/* The line of no return: S gets READY. */
static int let_go(struct gate *g, struct nse_error *err)
{
	int rc = pass_on(g, err);

	if (rc < 0)
		return rc;
	nse_xl_say(g->ctl, "released %" PRId64, nse_now_us());
	g->held = false;
	nse_xl_wire_next(&g->wire);
	set_deadline(g, g->limits.report);
	return 0;
}

static int on_control(struct gate *g, struct nse_error *err)
{
	char line[NSE_LINE_MAX];
	int rc;

	while ((rc = nse_lines_next(&g->lines, g->ctl, line)) == 1) {
		if (strcmp(line, "go") == 0 && g->held)
			rc = let_go(g, err);
		else if (!released(g))
			rc = nse_error(err, -ECANCELED, "aborted");
		if (rc < 0)
			return rc;
	}
	if (rc == 0 && !g->lines.eof)
		return 0;
	closep(&g->ctl);
	if (released(g))
		return 0;
	return nse_error(err, -ECANCELED,
			 "the nsemig that started this migration has ended");
}

/* T has closed its end: what that means depends on what it still owed. */
static int target_gone(struct gate *g, struct nse_error *err)
{
	switch (g->wire.expect) {
	case NSE_XL_W_BANNER:
		return nse_error(err, -ECONNREFUSED,
				 "the remote shell ended before the target's xl said "
				 "anything: its own message tells why");
	case NSE_XL_W_READY:
		return nse_error(err, -ECONNRESET, "the target's xl ended while it %s",
				 g->held ? "waited to be let run the domain"
					 : "received the domain");
	case NSE_XL_W_REPORT:
		return nse_error(err, -ENOTRECOVERABLE,
				 "the target's xl was let run the domain, and ended "
				 "without a report");
	case NSE_XL_W_RETURN:
		return nse_error(err, -ENOTRECOVERABLE,
				 "the target's xl reported status %d and ended without "
				 "giving the domain back",
				 g->wire.status);
	default:
		g->done = true;
		return 0;
	}
}

/* A whole word of T's is in the buffer. */
static int on_word(struct gate *g, struct nse_error *err)
{
	int64_t now = nse_now_us();

	switch (g->wire.expect) {
	case NSE_XL_W_BANNER:
		nse_xl_say(g->ctl, "banner %" PRId64, now);
		set_deadline(g, g->limits.stall);
		break;
	case NSE_XL_W_READY:
		g->held = true;
		nse_xl_say(g->ctl, "ready %" PRId64 " %" PRIu64, now, g->relay.bytes);
		set_deadline(g, g->limits.hold);
		return 0;
	case NSE_XL_W_REPORT:
		nse_xl_say(g->ctl, "report %d %" PRId64, g->wire.status, now);
		set_deadline(g, g->limits.report);
		break;
	default:
		nse_xl_say(g->ctl, "returned");
		break;
	}
	/* S may have died meanwhile: the controller must hear T all the same. */
	if (pass_on(g, err) < 0 && !released(g))
		return -EPIPE;
	nse_xl_wire_next(&g->wire);
	return 0;
}

static int on_target(struct gate *g, struct nse_error *err)
{
	size_t want = g->held ? 1 : nse_xl_wire_want(&g->wire);
	char buf[NSE_XL_WORD_MAX];
	ssize_t n;
	int rc;

	n = read(g->from_t, buf, want > 0 ? want : sizeof(buf));
	if (n < 0)
		return errno == EAGAIN || errno == EINTR
			       ? 0
			       : nse_errno(err, -errno, "reading from the target");
	if (n == 0)
		return target_gone(g, err);
	if (g->held)
		return nse_error(
			err, -EPROTO,
			"the target's xl spoke before it was let run the domain");
	if (want == 0)
		return 0; /* behind the last word nothing means anything */
	rc = nse_xl_wire_feed(&g->wire, buf, (size_t)n, err);
	return rc == 1 ? on_word(g, err) : rc;
}

static void close_bulk(struct gate *g)
{
	g->bulk = false;
	closep(&g->from_xl);
	closep(&g->to_t);
}

/* Memory moves: nobody is late, and the controller hears how much it is. */
static void moved(struct gate *g)
{
	int64_t now = nse_now_us();

	g->deadline = now + g->limits.stall;
	if (now < g->tell_at || !nse_xl_can_say(g->ctl))
		return;
	nse_xl_say(g->ctl, "bytes %" PRIu64, g->relay.bytes);
	g->tell_at = now + TELL_US;
}

static int on_bulk(struct gate *g, struct nse_error *err)
{
	int rc = nse_relay_run(&g->relay);

	if (rc == -EPIPE) {
		close_bulk(g); /* T is ending; its other pipe will tell how */
		return 0;
	}
	if (rc < 0)
		return nse_errno(err, rc, "relaying to the target");
	if (rc == 1 && g->wire.expect == NSE_XL_W_READY && !g->held)
		moved(g);
	if (!g->relay.eof)
		return 0;
	close_bulk(g);
	if (!released(g))
		return nse_error(err, -EPIPE, "the source's xl has ended");
	g->done = g->wire.expect == NSE_XL_W_NONE;
	return 0;
}

static int too_late(struct gate *g, struct nse_error *err)
{
	const struct nse_xl_limits *l = &g->limits;

	switch (g->wire.expect) {
	case NSE_XL_W_BANNER:
		return nse_error(err, -ETIMEDOUT,
				 "the target's xl did not answer within %lld s",
				 (long long)(l->banner / 1000000));
	case NSE_XL_W_READY:
		return nse_error(err, -ETIMEDOUT, "%s for %lld s",
				 g->held ? "the domain was complete at the target and "
					   "nobody decided"
					 : "the transfer stood still",
				 (long long)((g->held ? l->hold : l->stall) / 1000000));
	case NSE_XL_W_NONE:
		g->done = true;
		return 0;
	default:
		return nse_error(err, -ETIMEDOUT,
				 "the target's xl did not send %s within %lld s",
				 nse_xl_word_name(g->wire.expect),
				 (long long)(l->report / 1000000));
	}
}

/* One turn of the loop: 0 or what ends the gate. */
static int turn(struct gate *g, struct nse_error *err)
{
	struct pollfd fds[3] = {
		{ .fd = g->ctl, .events = POLLIN },
		{ .fd = g->from_t, .events = POLLIN },
		{ .fd = -1 },
	};
	int n, rc = 0;

	if (g->bulk)
		fds[2] = nse_relay_poll(&g->relay);
	n = poll(fds, 3, nse_poll_ms(g->deadline));
	if (n < 0)
		return errno == EINTR ? 0 : nse_errno(err, -errno, "poll");
	if (n == 0 && nse_poll_ms(g->deadline) == 0)
		return too_late(g, err);
	if (fds[0].revents)
		rc = on_control(g, err);
	if (rc == 0 && fds[1].revents)
		rc = on_target(g, err);
	if (rc == 0 && fds[2].revents && g->bulk)
		rc = on_bulk(g, err);
	return rc;
}

/*
 * After an abort: T finds the end of its input, reports a failure, destroys
 * its copy and says so. Only its word is wanted; S is not there any more.
 */
static void hear_out(struct gate *g)
{
	struct nse_error ignored;
	bool parse = true;
	char buf[NSE_XL_WORD_MAX];
	ssize_t n;

	if (g->held)
		nse_xl_wire_next(&g->wire);
	set_deadline(g, g->limits.report);
	for (;;) {
		size_t want = parse ? nse_xl_wire_want(&g->wire) : 0;

		if (nse_wait_readable(g->from_t, g->deadline) < 0) {
			pidfd_send_signal(g->pidfd, SIGTERM, NULL, 0);
			return;
		}
		n = read(g->from_t, buf, want > 0 ? want : sizeof(buf));
		if (n == 0)
			break;
		if (n < 0 || want == 0)
			continue;
		switch (nse_xl_wire_feed(&g->wire, buf, (size_t)n, &ignored)) {
		case 1:
			if (g->wire.expect == NSE_XL_W_REPORT)
				nse_xl_say(g->ctl, "report %d %" PRId64, g->wire.status,
					   nse_now_us());
			else if (g->wire.expect == NSE_XL_W_RETURN)
				nse_xl_say(g->ctl, "returned");
			nse_xl_wire_next(&g->wire);
			break;
		case 0:
			break;
		default:
			parse = false;
		}
	}
	nse_xl_say(g->ctl, "cleared");
}

/*
 * Lets S go on at once: it waits up to 2 s for this process to end before it
 * resumes the guest, so that the target's last words are left to a child.
 */
static void give_up(struct gate *g, int rc, const struct nse_error *err)
{
	nse_xl_say(g->ctl, "failed %s", err ? err->text : strerror(-rc));
	close_bulk(g);
	closep(&g->to_xl);
	if (g->from_t >= 0 && fork() == 0) {
		hear_out(g);
		_exit(0);
	}
}

static int shell_status(struct gate *g)
{
	siginfo_t info = { 0 };

	/* It ends at its own pace; without a status nothing was wrong. */
	if (waitid(P_PIDFD, (id_t)g->pidfd, &info, WEXITED | WNOHANG) < 0 ||
	    info.si_pid == 0)
		return 0;
	return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

int nse_xl_gate(const char *name, char *const argv[], int from_xl, int to_xl,
		struct nse_error *err)
{
	NSE_CLEANUP(gate_release)
	struct gate g = { .ctl = -1,
			  .from_xl = from_xl,
			  .to_xl = to_xl,
			  .from_t = -1,
			  .to_t = -1,
			  .pidfd = -1 };
	int rc;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	nse_xl_wire_init(&g.wire);
	rc = meet(&g, name, err);
	if (rc < 0)
		return rc;
	rc = launch(&g, argv, err);
	while (rc == 0 && !g.done)
		rc = turn(&g, err);
	if (rc < 0) {
		give_up(&g, rc, err);
		return rc;
	}
	return shell_status(&g);
}
