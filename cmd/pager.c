/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs the pager as a child that reads what this process prints. A pager of
 * several words is split at blanks; only one that needs a shell (quotes, a
 * pipe) gets one, since these variables have always been lines for it.
 */
#include "cmd/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/output.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/proc.h"

#define MOST_WORDS 32

static const int kept_from[CMD_PAGER_SIGNALS] = { SIGINT, SIGQUIT, SIGPIPE };

/* What the user wants, or NULL for none. */
static const char *wanted(void)
{
	const char *line = getenv("NSEMIG_PAGER");

	if (!line)
		line = getenv("PAGER");
	if (!line)
		line = "less";
	line += strspn(line, " \t");
	return *line && strcmp(line, "cat") ? line : NULL;
}

/* Runs the pager in a pipe's reading end; the pid, or -errno with a text. */
static pid_t run_line(const char *line, int in, struct nse_error *err)
{
	NSE_FREE char *copy = strdup(line);
	char *words[MOST_WORDS + 1] = { NULL }, *rest = copy, *word;
	char *shell[] = { "/bin/sh", "-c", copy, NULL };
	struct nse_spawn s = { .argv = words, .in = in, .out = -1, .errfd = -1 };
	size_t n = 0;

	if (!copy)
		return nse_error(err, -ENOMEM, "out of memory");
	if (strpbrk(line, "|&;<>()$`\\\"'*?[]#~=%\n")) {
		s.argv = shell;
	} else {
		while (n < MOST_WORDS && (word = strsep(&rest, " \t")))
			if (*word)
				words[n++] = word;
	}
	return nse_spawn(&s, err);
}

/* less shall quit when all fits on the screen, pass colours, and leave the text. */
static pid_t run(int in, struct nse_error *err)
{
	bool less = !getenv("LESS") && setenv("LESS", "FRX", 1) == 0;
	bool lv = !getenv("LV") && setenv("LV", "-c", 1) == 0;
	pid_t pid = run_line(wanted(), in, err);

	if (less)
		unsetenv("LESS");
	if (lv)
		unsetenv("LV");
	return pid;
}

/* A copy of the descriptor, whose place the pipe then takes. */
static int divert(int fd, int to)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (copy >= 0 && dup2(to, fd) < 0) {
		close(copy);
		return -1;
	}
	return copy;
}

static void restore(int fd, int *copy)
{
	if (*copy < 0)
		return;
	dup2(*copy, fd);
	close(*copy);
	*copy = -1;
}

static void keep_from_signals(struct cmd_pager *p)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigemptyset(&ignore.sa_mask);
	for (size_t i = 0; i < CMD_PAGER_SIGNALS; i++)
		sigaction(kept_from[i], &ignore, &p->before[i]);
}

void cmd_pager_start(struct cmd_common *common)
{
	NSE_FREE struct cmd_pager *p = calloc(1, sizeof(*p));
	NSE_CLOSE int in = -1, out = -1;
	struct nse_error err = { 0 };
	int fds[2];

	if (!p || common->no_pager || !isatty(STDOUT_FILENO) || !wanted() ||
	    pipe2(fds, O_CLOEXEC) < 0)
		return;
	in = fds[0];
	out = fds[1];
	fflush(stdout);
	p->pid = run(in, &err);
	if (p->pid < 0) {
		/* Nobody asked for less; another one was named by the user. */
		if (getenv("NSEMIG_PAGER") || getenv("PAGER"))
			cmd_say(common, "no pager: %s", err.text);
		return;
	}
	keep_from_signals(p);
	p->err = isatty(STDERR_FILENO) ? divert(STDERR_FILENO, out) : -1;
	p->out = divert(STDOUT_FILENO, out);
	common->pager = nse_take(p);
}

/* A pager that was quit, as opposed to a terminal or a disk that fails. */
static bool reader_is_gone(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, 0) > 0 && p.revents & POLLERR;
}

/* A shell says only with its status that there is no such pager. */
static int ended(int status, int rc, struct nse_error *err)
{
	if (rc < 0 || (status != 126 && status != 127))
		return rc;
	return nse_error(err, -EIO,
			 "the pager '%s' cannot be run, so nothing was shown: see "
			 "NSEMIG_PAGER and PAGER, or give --no-pager",
			 wanted());
}

int cmd_pager_stop(struct cmd_common *common, int rc, struct nse_error *err)
{
	struct cmd_pager *p = common->pager;
	bool quit;

	if (!p)
		return rc;
	if (rc == 0)
		rc = cmd_flush(err);
	fflush(stdout);
	quit = ferror(stdout) && reader_is_gone(STDOUT_FILENO);
	clearerr(stdout);
	restore(STDOUT_FILENO, &p->out);
	restore(STDERR_FILENO, &p->err);
	if (quit && (rc == -EPIPE || rc == -EIO))
		rc = 0;
	rc = ended(nse_wait_child(p->pid, NSE_FOREVER), rc, err);
	for (size_t i = 0; i < CMD_PAGER_SIGNALS; i++)
		sigaction(kept_from[i], &p->before[i], NULL);
	common->pager = NULL;
	free(p);
	return rc;
}
