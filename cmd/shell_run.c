/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Children of the shell. They stay in its process group, so that the terminal
 * sends Ctrl-C and Ctrl-Z to them as well; the shell, which has these signals
 * blocked, reads them from a descriptor and goes on.
 */
#include "cmd/shell_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/util/cleanup.h"

#define CAPTURE_MAX (16u << 20)

static const int watched[] = { SIGINT,	SIGQUIT, SIGTERM, SIGHUP,
			       SIGCHLD, SIGTSTP, SIGWINCH };

static void set_of(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < NSE_ARRAY_SIZE(watched); i++)
		sigaddset(set, watched[i]);
}

int shell_signals_open(struct shell_signals *s, struct nse_error *err)
{
	sigset_t set;

	set_of(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->fd < 0 ? nse_errno(err, -errno, "cannot read signals") : 0;
}

void shell_signals_close(struct shell_signals *s)
{
	sigset_t set;

	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	set_of(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

int shell_signals_next(struct shell_signals *s)
{
	struct signalfd_siginfo info;

	if (read(s->fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGHUP)
		s->ended = (int)info.ssi_signo;
	return (int)info.ssi_signo;
}

void shell_signals_stop(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	raise(SIGTSTP);
	/* Here it is delivered; without anybody to continue us the kernel ignores it. */
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* In the child: as if it had been started by itself. */
static void be_a_child(bool no_input, int out)
{
	sigset_t set;
	int null;

	set_of(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	if (no_input) {
		null = open("/dev/null", O_RDONLY | O_CLOEXEC);
		dup2(null, STDIN_FILENO);
	}
	if (out >= 0)
		dup2(out, STDOUT_FILENO);
}

static pid_t start_job(const struct shell_job *job, int out)
{
	pid_t pid;
	int status;

	fflush(NULL);
	pid = fork();
	if (pid)
		return pid;
	be_a_child(job->no_input, out);
	status = job->call ? job->call(job->arg, job->argc, job->argv)
			   : cmd_run(job->argc, job->argv);
	/* What the shell has at its own end is not for its copy to release. */
	fflush(NULL);
	_exit(status);
}

static pid_t start_sh(const char *line, int in, bool no_input)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid)
		return pid;
	be_a_child(no_input && in < 0, -1);
	if (in >= 0)
		dup2(in, STDIN_FILENO);
	execl("/bin/sh", "sh", "-c", line, (char *)NULL);
	fprintf(stderr, "nsemig: cannot run /bin/sh: %s\n", strerror(errno));
	_exit(127);
}

/* What signals mean while children run: they have got them as well, from the terminal. */
static void on_signal(struct shell_signals *s, const pid_t *pids, size_t n)
{
	int sig = shell_signals_next(s);

	if (sig == SIGTSTP)
		shell_signals_stop();
	if (sig == SIGTERM || sig == SIGHUP)
		for (size_t i = 0; i < n; i++)
			if (pids[i] > 0)
				kill(pids[i], sig);
}

/* Waits until all have ended; a pid becomes 0, its status is put into status. */
static void wait_for(struct shell_signals *s, pid_t *pids, int *status, size_t n)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	size_t left = 0;

	for (size_t i = 0; i < n; i++)
		left += pids[i] > 0;
	while (left) {
		for (size_t i = 0; i < n; i++) {
			if (pids[i] <= 0 || waitpid(pids[i], &status[i], WNOHANG) <= 0)
				continue;
			pids[i] = 0;
			left--;
		}
		if (left && poll(&p, 1, -1) > 0)
			on_signal(s, pids, n);
	}
	/* A Ctrl-C that was meant for them is not for the next prompt. */
	while (shell_signals_next(s))
		;
}

/* The exit status, and a word about a child that a signal has ended. */
static int status_of(int status, const char *what)
{
	int sig;

	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	sig = WTERMSIG(status);
	/* Whoever read its output has seen enough. */
	if (sig == SIGPIPE)
		return CMD_DONE;
	if (sig == SIGINT)
		fputc('\n', stderr);
	else
		fprintf(stderr, "nsemig: %s was ended by a signal: %s\n", what,
			strsignal(sig));
	return 128 + sig;
}

/* "| COMMAND" is sh's as it is; a file is written by cat(1). */
static char *tail_line(const char *tail)
{
	char *line = NULL;

	if (*tail == '|')
		return strdup(tail + 1);
	return asprintf(&line, "exec cat %s", tail) < 0 ? NULL : line;
}

int shell_run(struct shell_signals *s, const struct shell_job *job)
{
	NSE_FREE char *line = job->tail ? tail_line(job->tail) : NULL;
	pid_t pids[2] = { 0, 0 };
	int status[2] = { 0, 0 };
	int p[2] = { -1, -1 };
	int first, second;

	if (job->tail && (!line || pipe2(p, O_CLOEXEC) < 0)) {
		fprintf(stderr, "nsemig: cannot make a pipe: %s\n", strerror(errno));
		return CMD_FAILED;
	}
	if (line)
		pids[1] = start_sh(line, p[0], false);
	pids[0] = pids[1] < 0 ? -1 : start_job(job, p[1]);
	if (pids[0] < 0)
		fprintf(stderr, "nsemig: cannot start a process: %s\n", strerror(errno));
	for (int i = 0; line && i < 2; i++)
		close(p[i]);
	first = pids[0] < 0 ? CMD_FAILED : CMD_DONE;
	wait_for(s, pids, status, 2);
	if (first == CMD_DONE)
		first = status_of(status[0], job->argv[0]);
	second = line ? status_of(status[1], "sh") : CMD_DONE;
	return first ? first : second;
}

int shell_run_sh(struct shell_signals *s, const char *line, bool no_input)
{
	pid_t pid = start_sh(line, -1, no_input);
	int status = 0;

	if (pid < 0) {
		fprintf(stderr, "nsemig: cannot start a process: %s\n", strerror(errno));
		return CMD_FAILED;
	}
	wait_for(s, &pid, &status, 1);
	return status_of(status, "sh");
}

/* All that comes through the pipe, or NULL when it is too much. */
static char *read_all(int fd)
{
	size_t n = 0, room = 0;
	char *text = NULL;
	ssize_t got = 1;

	while (got > 0) {
		if (n + 4096 > room) {
			char *more = realloc(text, room += 65536);

			if (!more || n > CAPTURE_MAX)
				break;
			text = more;
		}
		got = read(fd, text + n, room - n - 1);
		if (got > 0)
			n += (size_t)got;
	}
	if (got == 0)
		text[n] = '\0';
	else
		free(nse_take(text));
	return text;
}

static int call_quietly(void *arg, int argc, char **argv)
{
	const struct shell_job *job = arg;
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	dup2(null, STDERR_FILENO);
	return job->call ? job->call(job->arg, argc, argv) : cmd_run(argc, argv);
}

char *shell_capture(const struct shell_job *job)
{
	struct shell_job quiet = *job;
	int p[2], status = -1;
	char *text;
	pid_t pid;

	quiet.call = call_quietly;
	quiet.arg = (void *)job;
	quiet.no_input = true;
	if (pipe2(p, O_CLOEXEC) < 0)
		return NULL;
	pid = start_job(&quiet, p[1]);
	close(p[1]);
	text = pid > 0 ? read_all(p[0]) : NULL;
	close(p[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		free(nse_take(text));
	return text;
}
