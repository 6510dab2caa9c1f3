/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A move by a script: reads the lines of PROGRAM migrate, and answers with
 * go or abort.
 *
 *   PROGRAM -> us   suspended
 *   PROGRAM -> us   ready           the program waits
 *   us -> PROGRAM   go | abort | end of file (means abort)
 *   PROGRAM exits   0: runs at the target; 1 to 127: runs here
 */
#include "lib/platform/script.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "lib/platform/lines.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"
#include "lib/util/proc.h"

#define KILL_GRACE_US 2000000 /* between SIGTERM and SIGKILL */
#define FREE_GRACE_US 5000000 /* for a program that is abandoned */

struct nse_move {
	char *program;
	pid_t pid; /* -1 when reaped */
	int pidfd;
	int in;	 /* its stdin, our writing end */
	int out; /* its stdout, our reading end */
	int epfd;
	struct nse_lines lines;
	bool suspended, ready; /* reported */
	bool go, aborted;
	bool told_end;
	int status;
	char reason[256];
};

static void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void release(struct nse_move *m)
{
	closep(&m->in);
	closep(&m->out);
	closep(&m->pidfd);
	closep(&m->epfd);
	free(m->program);
	free(m);
}

static int watch(struct nse_move *m, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(m->epfd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

/* Starts the program between two pipes. */
static int launch(struct nse_move *m, const struct nse_move_spec *spec,
		  struct nse_error *err)
{
	NSE_CLOSE int their_in = -1;
	NSE_CLOSE int their_out = -1;
	char *argv[5 + NSE_SCRIPT_OPTIONS_MAX] = { m->program, (char *)"migrate",
						   (char *)spec->domain,
						   (char *)spec->host };
	int a[2], b[2];

	for (size_t i = 0; spec->options && spec->options[i]; i++) {
		if (i >= NSE_SCRIPT_OPTIONS_MAX)
			return nse_error(err, -E2BIG, "more than %d options for %s",
					 NSE_SCRIPT_OPTIONS_MAX, m->program);
		argv[4 + i] = spec->options[i];
	}
	if (pipe2(a, O_CLOEXEC) < 0)
		return nse_errno(err, -errno, "pipe");
	their_in = a[0];
	m->in = a[1];
	if (pipe2(b, O_CLOEXEC) < 0)
		return nse_errno(err, -errno, "pipe");
	their_out = b[1];
	m->out = b[0];
	m->pid = nse_spawn(&(struct nse_spawn){ .argv = argv,
						.in = their_in,
						.out = their_out,
						.errfd = -1,
						.shielded = true },
			   err);
	return m->pid < 0 ? m->pid : 0;
}

int nse_script_move_start(const char *program, const struct nse_move_spec *spec,
			  struct nse_move **move, struct nse_error *err)
{
	struct nse_move *m;
	int rc;

	*move = NULL;
	if (!spec->host || !spec->host[0] || spec->host[0] == '-')
		return nse_error(err, -EINVAL, "'%s' is not a host name",
				 spec->host ? spec->host : "");
	m = calloc(1, sizeof(*m));
	if (!m || !(m->program = strdup(program))) {
		free(m);
		return nse_error(err, -ENOMEM, "out of memory");
	}
	m->pid = m->pidfd = m->in = m->out = m->epfd = -1;
	rc = launch(m, spec, err);
	if (rc < 0) {
		release(m);
		return rc;
	}
	m->pidfd = pidfd_open(m->pid, 0);
	m->epfd = epoll_create1(EPOLL_CLOEXEC);
	if (m->pidfd < 0 || m->epfd < 0 || (rc = nse_set_nonblock(m->out, 1)) < 0 ||
	    (rc = watch(m, m->pidfd)) < 0 || (rc = watch(m, m->out)) < 0) {
		rc = nse_errno(err, rc < 0 ? rc : -errno, "cannot watch %s", program);
		nse_stop_child(m->pid, KILL_GRACE_US);
		release(m);
		return rc;
	}
	*move = m;
	return 0;
}

int nse_script_move_fd(struct nse_move *m)
{
	return m->epfd;
}

static const char *signal_name(int status)
{
	const char *name = status >= 128 ? sigabbrev_np(status - 128) : NULL;

	return name ? name : "?";
}

/* What is said of the domain by the way in which the program ended. */
static void ended(struct nse_move *m, int status)
{
	m->pid = -1;
	closep(&m->in);
	if (status < 0 || status >= 128) {
		/* Killed: before go it can only be here, after go nobody knows. */
		m->status = m->go ? NSE_MOVE_UNCLEAR : status < 0 ? 127 : status;
		snprintf(m->reason, sizeof(m->reason), "%s migrate was killed by SIG%s",
			 m->program, signal_name(status));
	} else if (status == 0 && !m->go) {
		m->status = NSE_MOVE_UNCLEAR;
		snprintf(m->reason, sizeof(m->reason),
			 "%s migrate ended with status 0 (the domain runs at the target) "
			 "and was never told to go",
			 m->program);
	} else {
		m->status = status;
		if (status)
			snprintf(m->reason, sizeof(m->reason),
				 "%s migrate ended with status %d", m->program, status);
	}
}

/* Has the program ended? Reaps it. */
static bool poll_end(struct nse_move *m)
{
	int status;

	if (m->pid < 0)
		return true;
	status = nse_wait_child(m->pid, nse_now_us());
	if (status == -ETIMEDOUT)
		return false;
	ended(m, status);
	return true;
}

static int garbage(struct nse_move *m, char *line, const char *expected,
		   struct nse_error *err)
{
	return nse_error(err, -EPROTO, "%s migrate said '%.80s' where %s was expected",
			 m->program, nse_line_printable(line), expected);
}

/* The event that a line means, or an error for a line out of turn. */
static int event_of(struct nse_move *m, char *line, struct nse_error *err)
{
	if (!m->suspended) {
		if (strcmp(line, "suspended") != 0)
			return garbage(m, line, "'suspended'", err);
		m->suspended = true;
		return NSE_MOVE_SUSPENDED;
	}
	if (!m->ready) {
		if (strcmp(line, "ready") != 0)
			return garbage(m, line, "'ready'", err);
		m->ready = true;
		return NSE_MOVE_READY;
	}
	if (!m->go)
		return garbage(m, line, "nothing", err);
	return NSE_MOVE_NONE; /* after go only the exit status counts */
}

/* Reads what there is: an event, NSE_MOVE_NONE or -errno. */
static int next_line(struct nse_move *m, struct nse_error *err)
{
	char line[NSE_LINE_MAX];
	int rc;

	while (m->out >= 0 && (rc = nse_lines_next(&m->lines, m->out, line)) != 0) {
		if (rc == -EMSGSIZE && m->go)
			continue;
		if (rc == -EMSGSIZE)
			return garbage(m, line, "a short line", err);
		if (rc < 0)
			return nse_errno(err, rc, "reading from %s", m->program);
		rc = event_of(m, line, err);
		if (rc != NSE_MOVE_NONE)
			return rc;
	}
	if (m->lines.eof)
		closep(&m->out); /* leaves the epoll set too */
	return NSE_MOVE_NONE;
}

int nse_script_move_wait(struct nse_move *m, int64_t deadline_us, int64_t *at_us,
			 struct nse_error *err)
{
	bool over;
	int rc;

	for (;;) {
		/* Asked before reading: lines printed before the end come first. */
		over = poll_end(m);
		rc = next_line(m, err);
		if (rc == NSE_MOVE_NONE && over && !m->told_end) {
			m->told_end = true;
			rc = NSE_MOVE_ENDED;
		}
		*at_us = nse_now_us();
		if (rc != NSE_MOVE_NONE || over)
			return rc;
		rc = nse_wait_readable(m->epfd, deadline_us);
		if (rc == -ETIMEDOUT)
			return NSE_MOVE_NONE;
		if (rc < 0)
			return nse_errno(err, rc, "waiting for %s", m->program);
	}
}

int nse_script_move_go(struct nse_move *m, struct nse_error *err)
{
	int rc;

	if (!m->ready || m->go || m->aborted)
		return nse_error(err, -EINVAL, "%s is not waiting for go", m->program);
	if (poll_end(m))
		return nse_error(err, -ECHILD, "%s", m->reason);
	rc = nse_line_write(m->in, "go\n");
	if (rc < 0)
		return nse_errno(err, rc, "cannot tell %s to go", m->program);
	m->go = true;
	return 0;
}

/* Waits for the end and throws away what is still printed. */
static bool wait_end(struct nse_move *m, int64_t deadline_us)
{
	struct nse_error ignored;
	int rc;

	for (;;) {
		if (poll_end(m))
			return true;
		do
			rc = next_line(m, &ignored);
		while (rc > NSE_MOVE_NONE || rc == -EPROTO);
		if (rc < 0)
			closep(&m->out);
		if (nse_wait_readable(m->epfd, deadline_us) < 0)
			return poll_end(m);
	}
}

int nse_script_move_abort(struct nse_move *m, int64_t deadline_us, struct nse_error *err)
{
	if (m->go)
		return nse_error(err, -EALREADY, "%s was told to go: too late to abort",
				 m->program);
	m->aborted = true;
	if (m->in >= 0)
		nse_line_write(m->in, "abort\n"); /* its end is what counts */
	closep(&m->in);
	if (!wait_end(m, deadline_us)) {
		ended(m, nse_stop_child(m->pid, KILL_GRACE_US));
		return nse_error(err, -ETIMEDOUT,
				 "%s did not end after 'abort' and was killed: see "
				 "whether the domain runs",
				 m->program);
	}
	if (m->status == NSE_MOVE_UNCLEAR)
		return nse_error(err, -EPROTO, "%s", m->reason);
	return 0;
}

int nse_script_move_status(const struct nse_move *m)
{
	return m->status;
}

const char *nse_script_move_reason(const struct nse_move *m)
{
	return m->reason;
}

void nse_script_move_free(struct nse_move *m)
{
	if (!m)
		return;
	/* The end of its input means abort; after go nothing can be undone. */
	closep(&m->in);
	if (m->pid >= 0 && !m->go && !wait_end(m, nse_now_us() + FREE_GRACE_US))
		nse_stop_child(m->pid, KILL_GRACE_US);
	release(m);
}
