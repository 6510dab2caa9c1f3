/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading and writing of the short lines by which a move is controlled.
 */
#include "lib/platform/lines.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/util/clock.h"
#include "lib/util/io.h"

#define WRITE_US 5000000 /* a line fits any pipe: more means a stuck reader */

/* Takes the first n bytes (and the newline behind them) out of the buffer. */
static void take(struct nse_lines *l, size_t n, size_t skip, char *line)
{
	memcpy(line, l->buf, n);
	for (size_t i = 0; i < n; i++)
		if (!line[i])
			line[i] = '?';
	line[n] = '\0';
	l->len -= n + skip;
	memmove(l->buf, l->buf + n + skip, l->len);
}

int nse_lines_next(struct nse_lines *l, int fd, char line[NSE_LINE_MAX])
{
	char *end;
	ssize_t n;

	for (;;) {
		end = memchr(l->buf, '\n', l->len);
		if (end) {
			take(l, (size_t)(end - l->buf), 1, line);
			return 1;
		}
		if (l->len == sizeof(l->buf)) {
			take(l, sizeof(l->buf) - 1, 1, line);
			return -EMSGSIZE;
		}
		if (l->eof)
			return 0;
		n = read(fd, l->buf + l->len, sizeof(l->buf) - l->len);
		if (n > 0)
			l->len += (size_t)n;
		else if (n == 0 || errno == ECONNRESET)
			l->eof = true;
		else if (errno == EAGAIN)
			return 0;
		else if (errno != EINTR)
			return -errno;
	}
}

char *nse_line_printable(char *text)
{
	for (char *p = text; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return text;
}

int nse_line_write(int fd, const char *text)
{
	struct timespec none = { 0 };
	sigset_t pipe_set, old;
	int rc;

	sigemptyset(&pipe_set);
	sigaddset(&pipe_set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_set, &old);
	rc = nse_write_full(fd, text, strlen(text), nse_now_us() + WRITE_US);
	/* One that was blocked before is not ours to take. */
	if (rc == -EPIPE && !sigismember(&old, SIGPIPE))
		while (sigtimedwait(&pipe_set, NULL, &none) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return rc;
}
