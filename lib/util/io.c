/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading and writing whole, with deadlines; atomic files.
 */
#include "lib/util/io.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/util/cleanup.h"
#include "lib/util/clock.h"

static int wait_for(int fd, short events, int64_t deadline_us)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	for (;;) {
		n = poll(&p, 1, nse_poll_ms(deadline_us));
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0 && nse_poll_ms(deadline_us) == 0)
			return -ETIMEDOUT;
	}
}

int nse_wait_readable(int fd, int64_t deadline_us)
{
	return wait_for(fd, POLLIN, deadline_us);
}

ssize_t nse_read_full(int fd, void *p, size_t n, int64_t deadline_us)
{
	size_t done = 0;
	ssize_t got;
	int rc;

	while (done < n) {
		if (deadline_us != NSE_FOREVER &&
		    (rc = wait_for(fd, POLLIN, deadline_us)) < 0)
			return rc;
		got = read(fd, (char *)p + done, n - done);
		if (got == 0)
			break;
		if (got > 0) {
			done += (size_t)got;
			continue;
		}
		if (errno == EAGAIN) {
			if ((rc = wait_for(fd, POLLIN, deadline_us)) < 0)
				return rc;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return (ssize_t)done;
}

int nse_write_full(int fd, const void *p, size_t n, int64_t deadline_us)
{
	size_t done = 0;
	ssize_t put;
	int rc;

	while (done < n) {
		if (deadline_us != NSE_FOREVER &&
		    (rc = wait_for(fd, POLLOUT, deadline_us)) < 0)
			return rc;
		put = write(fd, (const char *)p + done, n - done);
		if (put >= 0) {
			done += (size_t)put;
			continue;
		}
		if (errno == EAGAIN) {
			if ((rc = wait_for(fd, POLLOUT, deadline_us)) < 0)
				return rc;
		} else if (errno != EINTR) {
			return -errno;
		}
	}
	return 0;
}

int nse_set_nonblock(int fd, int on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}

int nse_newfile_open(struct nse_newfile *f, const char *path, struct nse_error *err)
{
	f->fd = -1;
	f->path = strdup(path);
	if (!f->path || asprintf(&f->tmp, "%s.XXXXXX", path) < 0)
		return nse_error(err, -ENOMEM, "out of memory");
	f->fd = mkostemp(f->tmp, O_CLOEXEC);
	if (f->fd < 0) {
		int rc = nse_errno(err, -errno, "cannot create a file beside %s", path);

		free(f->tmp);
		f->tmp = NULL;
		return rc;
	}
	return 0;
}

int nse_newfile_commit(struct nse_newfile *f, struct nse_error *err)
{
	if (fsync(f->fd) < 0 && errno != EINVAL && errno != EROFS)
		return nse_errno(err, -errno, "cannot write %s", f->path);
	if (rename(f->tmp, f->path) < 0)
		return nse_errno(err, -errno, "cannot rename %s to %s", f->tmp, f->path);
	free(f->tmp);
	f->tmp = NULL;
	return 0;
}

void nse_newfile_release(struct nse_newfile *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->tmp)
		unlink(f->tmp);
	free(f->tmp);
	free(f->path);
	*f = (struct nse_newfile)NSE_NEWFILE_INIT;
}

int nse_mkdirs(const char *path, unsigned int mode, struct nse_error *err)
{
	NSE_FREE char *copy = strdup(path);

	if (!copy)
		return nse_error(err, -ENOMEM, "out of memory");
	for (char *p = copy + 1;; p++) {
		char old = *p;

		if (old != '/' && old != '\0')
			continue;
		*p = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			return nse_errno(err, -errno, "cannot make directory %s", copy);
		*p = old;
		if (!old)
			return 0;
	}
}

int nse_read_text(const char *path, char *out, size_t room)
{
	NSE_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, out, room - 1);
	if (n < 0)
		return -errno;
	while (n > 0 && out[n - 1] == '\n')
		n--;
	out[n] = '\0';
	return 0;
}
