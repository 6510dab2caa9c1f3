/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A link that a child process carries: a local program, or a command such as
 * ssh(1) that reaches the other host (--rsh). Its stdin and stdout are one
 * end of a socket pair; a thread relays its stderr.
 */
#include "lib/transport/link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lib/transport/far_stderr.h"
#include "lib/transport/words.h"
#include "lib/util/cleanup.h"
#include "lib/util/proc.h"

#define STOP_GRACE_US 500000

struct exec_link {
	struct nse_link_impl impl; /* impl.done is the child's pidfd */
	pid_t pid;		   /* 0 when reaped */
	int errpipe;		   /* the child's stderr, or -1 */
	int stop;		   /* eventfd that ends the relay's thread */
	pthread_t thread;
	bool relaying;
	struct nse_far_stderr relay;
};

/* Relays stderr until its end, or until what is there when told to stop. */
static void *relay_thread(void *arg)
{
	struct exec_link *x = arg;
	struct pollfd p[2] = {
		{ .fd = x->errpipe, .events = POLLIN },
		{ .fd = x->stop, .events = POLLIN },
	};
	char buf[4096];
	ssize_t n;

	for (;;) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			break;
		n = read(x->errpipe, buf, sizeof(buf));
		if (n > 0)
			nse_far_stderr_put(&x->relay, buf, (size_t)n);
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			break;
		else if (p[1].revents)
			break; /* something else holds the pipe open */
	}
	nse_far_stderr_flush(&x->relay);
	return NULL;
}

static void stop_relay(struct exec_link *x)
{
	if (!x->relaying)
		return;
	eventfd_write(x->stop, 1);
	pthread_join(x->thread, NULL);
	x->relaying = false;
}

static int exec_status(struct nse_link_impl *impl)
{
	struct exec_link *x = (struct exec_link *)impl;
	siginfo_t info = { 0 };

	while (waitid(P_PID, (id_t)x->pid, &info, WEXITED) < 0)
		if (errno != EINTR)
			return -errno;
	x->pid = 0;
	stop_relay(x);
	return info.si_code == CLD_EXITED ? info.si_status : NSE_LINK_BROKEN;
}

static void exec_ending(struct nse_link_impl *impl, char *out, size_t room)
{
	struct exec_link *x = (struct exec_link *)impl;
	siginfo_t info = { 0 };
	const char *name;
	char text[24];

	if (waitid(P_PID, (id_t)x->pid, &info, WEXITED | WNOWAIT) < 0)
		return;
	stop_relay(x);
	name = info.si_code == CLD_EXITED ? NULL : sigabbrev_np(info.si_status);
	snprintf(text, sizeof(text), "SIG%s", name ? name : "?");
	nse_far_stderr_ending(&x->relay, "the remote shell",
			      info.si_code == CLD_EXITED ? NULL : text, info.si_status,
			      out, room);
}

static void exec_close(struct nse_link_impl *impl)
{
	struct exec_link *x = (struct exec_link *)impl;

	if (x->pid > 0)
		nse_stop_child(x->pid, STOP_GRACE_US);
	stop_relay(x);
	nse_closep(&x->errpipe);
	nse_closep(&x->stop);
	nse_closep(&x->impl.done);
	free(x);
}

static void exec_closep(struct exec_link **x)
{
	if (*x)
		exec_close(&(*x)->impl);
}

/* Starts the thread that relays the child's stderr; gives the pipe's end for it. */
static int start_relay(struct exec_link *x, const char *host, struct nse_error *err)
{
	sigset_t all, old;
	int pipefd[2], rc;

	nse_far_stderr_init(&x->relay, STDERR_FILENO, host);
	x->stop = eventfd(0, EFD_CLOEXEC);
	if (x->stop < 0 || pipe2(pipefd, O_CLOEXEC) < 0)
		return nse_errno(err, -errno, "cannot relay the messages of %s", host);
	x->errpipe = pipefd[0];
	fcntl(x->errpipe, F_SETFL, O_NONBLOCK);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&x->thread, NULL, relay_thread, x);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc) {
		close(pipefd[1]);
		return nse_errno(err, -rc, "cannot start a thread");
	}
	x->relaying = true;
	return pipefd[1];
}

static int start_child(struct exec_link *x, char *const argv[], int fd, int errfd,
		       struct nse_error *err)
{
	x->pid = nse_spawn(&(struct nse_spawn){ argv, fd, fd, errfd, true }, err);
	if (x->pid < 0)
		return x->pid;
	x->impl.done = (int)syscall(SYS_pidfd_open, x->pid, 0);
	if (x->impl.done < 0)
		return nse_errno(err, -errno, "cannot watch %s", argv[0]);
	return 0;
}

/*
 * The child's end of the pair must block: programs do not expect EAGAIN on
 * their stdin.
 */
int nse_exec_start(struct nse_link *link, char *const argv[], const char *host,
		   struct nse_error *err)
{
	NSE_CLEANUP(exec_closep) struct exec_link *x = calloc(1, sizeof(*x));
	NSE_CLOSE int child_end = -1;
	NSE_CLOSE int errfd = -1;
	int ends[2], rc;

	if (!x)
		return nse_error(err, -ENOMEM, "out of memory");
	x->impl = (struct nse_link_impl){ -1, exec_status, exec_ending, exec_close };
	x->errpipe = x->stop = -1;
	rc = nse_link_pair(ends, err);
	if (rc < 0)
		return rc;
	child_end = ends[1];
	fcntl(child_end, F_SETFL, 0);
	if (host) {
		errfd = start_relay(x, host, err);
		rc = errfd < 0 ? errfd : 0;
	}
	if (rc == 0)
		rc = start_child(x, argv, child_end, errfd, err);
	if (rc < 0) {
		close(ends[0]);
		return rc;
	}
	link->fd = ends[0];
	link->impl = &nse_take(x)->impl;
	return 0;
}

/*
 * The command's own words are cut at single spaces only, so that ssh(1),
 * which puts a space between its arguments, sends it exactly as it was given,
 * and a program that runs its arguments itself finds them apart.
 */
static int add_remote(struct nse_words *w, const char *text)
{
	const char *end;
	int rc;

	for (; *text; text = *end ? end + 1 : end) {
		end = text + strcspn(text, " ");
		rc = nse_words_add(w, text, (size_t)(end - text));
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* CMD [-p PORT] [USER@]HOST REMOTE_COMMAND REMOTE_ARGS */
static int rsh_words(struct nse_words *w, const struct nse_link_spec *spec)
{
	const struct nse_target *t = &spec->target;
	char port[16], host[sizeof(t->user) + sizeof(t->host) + 1];
	int rc = 0;

	if (t->port) {
		snprintf(port, sizeof(port), "%d", t->port);
		rc = nse_words_add(w, "-p", 2);
		if (rc == 0)
			rc = nse_words_add(w, port, strlen(port));
	}
	snprintf(host, sizeof(host), "%s%s%s", t->user, t->user[0] ? "@" : "", t->host);
	if (rc == 0)
		rc = nse_words_add(w, host, strlen(host));
	if (rc == 0)
		rc = add_remote(w, spec->remote_command);
	if (rc == 0 && spec->remote_args)
		rc = add_remote(w, spec->remote_args);
	return rc;
}

int nse_rsh_open(struct nse_link *link, const struct nse_link_spec *spec,
		 struct nse_error *err)
{
	NSE_CLEANUP(nse_words_release) struct nse_words w = { 0 };
	int rc;

	if (spec->identity || spec->known_hosts)
		return nse_error(err, -EINVAL,
				 "a key file or a known hosts file cannot be "
				 "handed to '%s'; name it in that command "
				 "(as in: ssh -i FILE)",
				 spec->rsh);
	rc = nse_words_split(&w, spec->rsh, err);
	if (rc < 0)
		return rc;
	if (w.n == 0)
		return nse_error(err, -EINVAL, "the remote shell command is empty");
	rc = rsh_words(&w, spec);
	if (rc < 0)
		return nse_errno(err, rc, "the command for %s", spec->target.host);
	return nse_exec_start(link, w.argv, spec->target.host, err);
}
