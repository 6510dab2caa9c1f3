/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Starting, feeding and ending programs.
 */
#include "lib/util/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/util/buf.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"

/*
 * In the child: a copy of fd above the standard ones, so that putting one of
 * these in its place cannot overwrite another; -1 stays -1.
 */
static int move_up(int fd)
{
	if (fd < 0)
		return -1;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	if (fd < 0)
		_exit(126);
	return fd;
}

/* In the child: fd becomes target, without close-on-exec. */
static void place(int fd, int target)
{
	if (fd >= 0 && dup2(fd, target) < 0)
		_exit(126);
}

static void child(const struct nse_spawn *s, int report)
{
	int in = s->in >= 0 ? s->in : open("/dev/null", O_RDWR | O_CLOEXEC);
	int from[3] = { move_up(in), move_up(s->out), move_up(s->errfd) };
	sigset_t none;
	int code;

	report = move_up(report);
	for (int fd = 0; fd < 3; fd++)
		place(from[fd], fd);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (s->shielded) {
		signal(SIGINT, SIG_IGN);
		signal(SIGQUIT, SIG_IGN);
		signal(SIGHUP, SIG_IGN);
	}
	execvp(s->argv[0], s->argv);
	code = errno;
	if (write(report, &code, sizeof(code)) < 0)
		_exit(126);
	_exit(127);
}

pid_t nse_spawn(const struct nse_spawn *s, struct nse_error *err)
{
	int pipefd[2], code = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return nse_errno(err, -errno, "cannot start %s", s->argv[0]);
	pid = fork();
	if (pid < 0) {
		code = errno;
		close(pipefd[0]);
		close(pipefd[1]);
		return nse_errno(err, -code, "cannot start %s", s->argv[0]);
	}
	if (pid == 0)
		child(s, pipefd[1]);
	close(pipefd[1]);
	n = nse_read_full(pipefd[0], &code, sizeof(code), NSE_FOREVER);
	close(pipefd[0]);
	if (n == (ssize_t)sizeof(code)) {
		waitpid(pid, NULL, 0);
		return nse_errno(err, -code, "cannot run %s", s->argv[0]);
	}
	return pid;
}

static int status_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int nse_wait_child(pid_t pid, int64_t deadline_us)
{
	NSE_CLOSE int fd = -1;
	int status, rc;

	if (deadline_us != NSE_FOREVER) {
		fd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (fd < 0)
			return -errno;
		rc = nse_wait_readable(fd, deadline_us);
		if (rc < 0)
			return rc;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status_of(status);
}

int nse_stop_child(pid_t pid, int64_t grace_us)
{
	int rc;

	kill(pid, SIGTERM);
	rc = nse_wait_child(pid, nse_now_us() + grace_us);
	if (rc != -ETIMEDOUT)
		return rc;
	kill(pid, SIGKILL);
	return nse_wait_child(pid, NSE_FOREVER);
}

/* A descriptor from which the input text can be read. */
static int input_fd(const char *input)
{
	int fd = memfd_create("nsemig-input", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (nse_write_full(fd, input, strlen(input), NSE_FOREVER) < 0 ||
	    lseek(fd, 0, SEEK_SET) < 0) {
		close(fd);
		return -EIO;
	}
	return fd;
}

/* Reads until the writer closes. */
static int drain(int fd, struct nse_buf *buf, int64_t deadline)
{
	ssize_t n;
	int rc;

	for (;;) {
		rc = nse_buf_reserve(buf, 4096);
		if (rc < 0)
			return rc;
		rc = nse_wait_readable(fd, deadline);
		if (rc < 0)
			return rc;
		n = read(fd, buf->data + buf->len, 4096);
		if (n == 0)
			return 0;
		if (n > 0)
			buf->len += (size_t)n;
		else if (errno != EINTR)
			return -errno;
	}
}

int nse_run(char *const argv[], const char *input, char **out, size_t max,
	    int64_t deadline_us, struct nse_error *err)
{
	struct nse_buf buf = NSE_BUF_INIT(max + 4096);
	NSE_CLOSE int in = input ? input_fd(input) : -1;
	int pipefd[2], rc, status = 0;
	pid_t pid;

	if (input && in < 0)
		return nse_errno(err, in, "cannot hold the input of %s", argv[0]);
	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return nse_errno(err, -errno, "cannot start %s", argv[0]);
	pid = nse_spawn(&(struct nse_spawn){ argv, in, pipefd[1], -1, false }, err);
	close(pipefd[1]);
	if (pid < 0) {
		close(pipefd[0]);
		return pid;
	}
	rc = drain(pipefd[0], &buf, deadline_us);
	close(pipefd[0]);
	if (rc == 0)
		rc = status = nse_wait_child(pid, deadline_us);
	if (rc < 0) {
		nse_stop_child(pid, 1000000);
		nse_buf_release(&buf);
		if (rc == -EMSGSIZE)
			return nse_error(err, rc, "%s printed more than %zu bytes",
					 argv[0], max);
		return nse_errno(err, rc, "running %s", argv[0]);
	}
	buf.data[buf.len] = '\0'; /* drain() left room */
	if (out)
		*out = (char *)nse_take(buf.data);
	nse_buf_release(&buf);
	return status;
}
