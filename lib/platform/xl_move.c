/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The controller of a move by xl: starts xl, listens to its gate, and puts
 * together from the gate's words, xl's exit status and the hypervisor where
 * the domain is. xl_control.h draws the exchange with the gate.
 */
#include "lib/platform/xl_move.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "lib/platform/lines.h"
#include "lib/platform/xl_facts.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"
#include "lib/util/proc.h"

#define KILL_GRACE_US 2000000
#define FREE_GRACE_US 10000000 /* for an abandoned move to be aborted */

struct nse_move {
	pid_t pid; /* xl, -1 when reaped */
	int pidfd;
	int listen; /* -1 once the gate is there */
	int gate;   /* -1 before, and when it has gone */
	int epfd;
	struct nse_xl_source source;
	struct nse_xl_limits limits;
	uint64_t memory; /* of the domain, 0: unknown */
	struct nse_lines lines;
	int64_t connect_by;   /* the gate's start */
	int64_t end_by;	      /* xl's end, once the gate has given up; 0: none */
	int64_t suspended_at; /* 0: not yet */
	bool told_suspended, told_ready, told_end;
	bool met;
	bool exited, ended;
	int status;
	struct nse_xl_facts facts;
};

static void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void release(struct nse_move *m)
{
	closep(&m->pidfd);
	closep(&m->listen);
	closep(&m->gate);
	closep(&m->epfd);
	if (m->source.free)
		m->source.free(m->source.arg);
	free(m);
}

static int watch(struct nse_move *m, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0)
		return 0;
	return epoll_ctl(m->epfd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

static void unwatch_source(struct nse_move *m)
{
	if (m->source.fd >= 0)
		epoll_ctl(m->epfd, EPOLL_CTL_DEL, m->source.fd, NULL);
	m->source.fd = -1;
}

static int start_xl(struct nse_move *m, const struct nse_xl_move_spec *spec,
		    const char *name, struct nse_error *err)
{
	struct nse_xl_command c;
	int rc = nse_xl_command(&c, spec, name, err);

	if (rc < 0)
		return rc;
	/* What xl prints is talk, also what it prints on stdout. */
	m->pid = nse_spawn(&(struct nse_spawn){ .argv = c.argv,
						.in = -1,
						.out = 2,
						.errfd = -1,
						.shielded = true },
			   err);
	nse_xl_command_release(&c);
	if (m->pid < 0)
		return m->pid;
	m->connect_by = nse_now_us() + spec->connect_us;
	m->pidfd = pidfd_open(m->pid, 0);
	return m->pidfd < 0 ? nse_errno(err, -errno, "cannot watch xl") : 0;
}

static int start(struct nse_move *m, const struct nse_xl_move_spec *spec,
		 struct nse_error *err)
{
	char name[NSE_XL_SOCKET_MAX];
	int rc;

	m->listen = nse_xl_listen(name, err);
	if (m->listen < 0)
		return m->listen;
	m->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (m->epfd < 0)
		return nse_errno(err, -errno, "epoll");
	rc = start_xl(m, spec, name, err);
	if (rc < 0)
		return rc;
	if ((rc = watch(m, m->pidfd)) < 0 || (rc = watch(m, m->listen)) < 0 ||
	    (rc = watch(m, m->source.fd)) < 0)
		return nse_errno(err, rc, "cannot watch xl");
	return 0;
}

int nse_xl_move_start(const struct nse_xl_move_spec *spec, struct nse_move **move,
		      struct nse_error *err)
{
	struct nse_move *m = calloc(1, sizeof(*m));
	int rc;

	*move = NULL;
	if (!m) {
		if (spec->source.free)
			spec->source.free(spec->source.arg);
		return nse_error(err, -ENOMEM, "out of memory");
	}
	m->pid = m->pidfd = m->listen = m->gate = m->epfd = m->facts.report = -1;
	m->source = spec->source;
	m->limits = spec->limits;
	m->memory = spec->memory;
	rc = start(m, spec, err);
	if (rc < 0) {
		if (m->pid >= 0)
			nse_stop_child(m->pid, KILL_GRACE_US);
		release(m);
		return rc;
	}
	*move = m;
	return 0;
}

int nse_xl_move_fd(struct nse_move *m)
{
	return m->epfd;
}

void nse_xl_move_progress(const struct nse_move *m, struct nse_move_progress *p)
{
	*p = (struct nse_move_progress){ .bytes = m->facts.bytes, .total = m->memory };
}

/* The gate's first line, and our answer. */
static int meet(struct nse_move *m, char *line, struct nse_error *err)
{
	int version;

	if (sscanf(line, "hello %d", &version) != 1 || version != NSE_XL_CONTROL_VERSION)
		return nse_error(err, -EPROTO,
				 "the gate said '%.40s': is it of another version of "
				 "nsemig?",
				 nse_line_printable(line));
	m->met = true;
	if (m->facts.aborted)
		return 0; /* it has been told */
	nse_xl_say(m->gate, "start %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64,
		   m->limits.banner, m->limits.stall, m->limits.hold, m->limits.report);
	return 0;
}

static int pump_gate(struct nse_move *m, struct nse_error *err)
{
	char line[NSE_LINE_MAX];
	int rc;

	while ((rc = nse_lines_next(&m->lines, m->gate, line)) == 1) {
		rc = m->met ? nse_xl_facts_hear(&m->facts, line, err)
			    : meet(m, line, err);
		if (rc < 0)
			return rc;
	}
	if (rc < 0)
		return nse_errno(err, rc, "reading from the gate");
	if (!m->lines.eof)
		return 0;
	closep(&m->gate); /* leaves the epoll set too */
	if (m->facts.report != 0)
		m->end_by = nse_now_us() + m->limits.report;
	return 0;
}

static int pump_listen(struct nse_move *m, struct nse_error *err)
{
	int fd = nse_xl_accept(m->listen), rc;

	if (fd == -EAGAIN || fd == -ECONNABORTED)
		return 0;
	if (fd < 0)
		return nse_errno(err, fd, "waiting for the gate");
	closep(&m->listen);
	m->gate = fd;
	rc = watch(m, fd);
	return rc < 0 ? nse_errno(err, rc, "epoll") : 0;
}

static int pump_source(struct nse_move *m, struct nse_error *err)
{
	struct pollfd p = { .fd = m->source.fd, .events = POLLIN };
	int rc;

	if (m->source.fd < 0 || poll(&p, 1, 0) <= 0)
		return 0;
	rc = m->source.suspended(m->source.arg);
	if (rc < 0)
		return nse_errno(err, rc, "watching the domain");
	if (rc == 1) {
		m->suspended_at = nse_now_us();
		unwatch_source(m);
	}
	return 0;
}

static void pump_exit(struct nse_move *m)
{
	int status;

	if (m->exited)
		return;
	status = nse_wait_child(m->pid, nse_now_us());
	if (status == -ETIMEDOUT)
		return;
	m->pid = -1;
	m->exited = true;
	m->facts.xl_status = status < 0 ? 255 : status;
	closep(&m->pidfd);
}

/* The verdict, once xl has ended and the gate has nothing more to say. */
static void conclude(struct nse_move *m)
{
	struct nse_error err = { 0 };

	m->ended = true;
	m->status = nse_xl_facts_verdict(&m->facts);
	if (m->status <= 0 || !m->source.resume)
		return;
	if (m->source.resume(m->source.arg, m->facts.xl_status >= 128, &err) < 0) {
		m->status = NSE_MOVE_UNCLEAR;
		m->facts.reason[0] = '\0';
		nse_xl_facts_reason(&m->facts, "%s", err.text);
	}
}

/* Takes in everything that has happened; never blocks. */
static int pump(struct nse_move *m, struct nse_error *err)
{
	int rc = 0;

	/* First, so that all that was said before xl's end is read below. */
	pump_exit(m);
	if (m->listen >= 0)
		rc = pump_listen(m, err);
	if (rc == 0 && m->gate >= 0)
		rc = pump_gate(m, err);
	if (rc == 0)
		rc = pump_source(m, err);
	if (rc < 0)
		return rc;
	if (m->exited && !m->ended && (m->gate < 0 || nse_xl_facts_settled(&m->facts)))
		conclude(m);
	return 0;
}

/* The next event that was not reported yet. */
static int next_event(struct nse_move *m, int64_t *at_us)
{
	*at_us = nse_now_us();
	if (m->ended) {
		if (m->told_end)
			return NSE_MOVE_NONE;
		m->told_end = true;
		return NSE_MOVE_ENDED;
	}
	/* READY implies it, should the hypervisor's own word come late. */
	if (m->facts.ready_at && !m->suspended_at) {
		m->suspended_at = m->facts.ready_at;
		unwatch_source(m);
	}
	if (m->suspended_at && !m->told_suspended) {
		m->told_suspended = true;
		*at_us = m->suspended_at;
		return NSE_MOVE_SUSPENDED;
	}
	if (m->facts.ready_at && !m->told_ready) {
		m->told_ready = true;
		*at_us = m->facts.ready_at;
		return NSE_MOVE_READY;
	}
	return NSE_MOVE_NONE;
}

int nse_xl_move_wait(struct nse_move *m, int64_t deadline_us, int64_t *at_us,
		     struct nse_error *err)
{
	int64_t until;
	int rc;

	for (;;) {
		rc = pump(m, err);
		if (rc < 0)
			return rc;
		rc = next_event(m, at_us);
		if (rc != NSE_MOVE_NONE || m->ended)
			return rc;
		until = m->listen >= 0 ? m->connect_by
			: m->end_by    ? m->end_by
				       : NSE_FOREVER;
		if (until > deadline_us)
			until = deadline_us;
		rc = nse_wait_readable(m->epfd, until);
		if (rc < 0 && rc != -ETIMEDOUT)
			return nse_errno(err, rc, "waiting for xl");
		if (rc == -ETIMEDOUT && until == deadline_us)
			return NSE_MOVE_NONE;
		if (rc == -ETIMEDOUT)
			return nse_error(
				err, -ETIMEDOUT, "%s%s",
				m->listen >= 0 ? "xl did not start its connection to the "
						 "target in time"
					       : "xl does not end: ",
				m->facts.reason);
	}
}

int nse_xl_move_go(struct nse_move *m, struct nse_error *err)
{
	int rc;

	if (!m->told_ready || m->facts.go || m->facts.aborted)
		return nse_error(err, -EINVAL, "xl is not waiting for READY");
	rc = pump(m, err);
	if (rc < 0)
		return rc;
	if (m->exited || m->gate < 0 || m->facts.failed)
		return nse_error(err, -ECHILD, "%s",
				 m->facts.reason[0] ? m->facts.reason
						    : "xl or its gate has ended");
	rc = nse_xl_say(m->gate, "go");
	if (rc < 0)
		return nse_errno(err, rc, "cannot tell the gate to release READY");
	m->facts.go = true;
	return 0;
}

/* Waits until xl has ended, and if `cleared`, until the target has too. */
static bool wait_end(struct nse_move *m, bool cleared, int64_t deadline_us)
{
	struct nse_error ignored;

	for (;;) {
		if (pump(m, &ignored) < 0) {
			closep(&m->gate); /* makes the gate give up */
			unwatch_source(m);
		}
		if (m->ended && (!cleared || m->gate < 0 || m->facts.cleared))
			return true;
		if (nse_wait_readable(m->epfd, deadline_us) < 0)
			return m->ended;
	}
}

/* xl does not end by itself. */
static void kill_xl(struct nse_move *m)
{
	m->facts.xl_status = nse_stop_child(m->pid, KILL_GRACE_US);
	m->pid = -1;
	m->exited = true;
	closep(&m->pidfd);
	nse_xl_facts_reason(&m->facts, "xl did not end after the abort and was killed");
	conclude(m);
}

int nse_xl_move_abort(struct nse_move *m, int64_t deadline_us, struct nse_error *err)
{
	if (m->facts.go)
		return nse_error(err, -EALREADY, "READY was released: too late to abort");
	m->facts.aborted = true;
	closep(&m->listen);
	if (m->gate >= 0)
		nse_xl_say(m->gate, "abort"); /* xl's end is what counts */
	else if (!m->exited)
		kill(m->pid, SIGTERM); /* no gate yet: the guest still runs */
	if (!wait_end(m, true, deadline_us))
		kill_xl(m);
	m->told_end = true;
	if (m->status == NSE_MOVE_UNCLEAR)
		return nse_error(err, -EPROTO, "%s", m->facts.reason);
	return 0;
}

int nse_xl_move_status(const struct nse_move *m)
{
	return m->status;
}

const char *nse_xl_move_reason(const struct nse_move *m)
{
	return m->facts.reason;
}

void nse_xl_move_free(struct nse_move *m)
{
	if (!m)
		return;
	/* After go xl finishes by itself, and nothing must disturb it. */
	if (!m->ended && !m->facts.go)
		nse_xl_move_abort(m, nse_now_us() + FREE_GRACE_US, NULL);
	release(m);
}
