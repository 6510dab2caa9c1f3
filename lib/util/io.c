/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading and writing whole, with deadlines; atomic files.
 */
#include "lib/util/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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
	size_t done = 0, most = n;
	ssize_t put;
	int rc;

	/* A blocking descriptor that can be written takes no more at once. */
	if (deadline_us != NSE_FOREVER && !(fcntl(fd, F_GETFL) & O_NONBLOCK))
		most = PIPE_BUF;
	while (done < n) {
		if (deadline_us != NSE_FOREVER &&
		    (rc = wait_for(fd, POLLOUT, deadline_us)) < 0)
			return rc;
		put = write(fd, (const char *)p + done,
			    n - done < most ? n - done : most);
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

/*
 * What is there already and is no plain file (a device, a pipe) is written
 * directly: renaming over /dev/null would do lasting harm.
 */
static int open_special(struct nse_newfile *f, const struct stat *st,
			struct nse_error *err)
{
	if (S_ISDIR(st->st_mode))
		return nse_error(err, -EISDIR, "%s is a directory", f->path);
	f->fd = open(f->path, O_WRONLY | O_CLOEXEC);
	if (f->fd < 0)
		return nse_errno(err, -errno, "cannot open %s", f->path);
	return 0;
}

int nse_newfile_open(struct nse_newfile *f, const char *path, struct nse_error *err)
{
	struct stat st;
	int rc;

	*f = (struct nse_newfile)NSE_NEWFILE_INIT;
	/* A symbolic link stays: the file that it names is replaced. */
	f->path = realpath(path, NULL);
	if (!f->path)
		f->path = strdup(path);
	if (!f->path)
		return nse_error(err, -ENOMEM, "out of memory");
	if (stat(f->path, &st) == 0 && !S_ISREG(st.st_mode))
		return open_special(f, &st, err);
	if (asprintf(&f->tmp, "%s.XXXXXX", f->path) < 0) {
		f->tmp = NULL;
		return nse_error(err, -ENOMEM, "out of memory");
	}
	f->fd = mkostemp(f->tmp, O_CLOEXEC);
	if (f->fd >= 0)
		return 0;
	rc = nse_errno(err, -errno, "cannot create a file beside %s", path);
	free(f->tmp);
	f->tmp = NULL;
	return rc;
}

int nse_newfile_commit(struct nse_newfile *f, struct nse_error *err)
{
	int fd = f->fd;

	if (fsync(fd) < 0 && errno != EINVAL && errno != EROFS)
		return nse_errno(err, -errno, "cannot write %s", f->path);
	f->fd = -1;
	if (close(fd) < 0)
		return nse_errno(err, -errno, "cannot write %s", f->path);
	if (!f->tmp)
		return 0;
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

static int make_dir(const char *path, unsigned int mode, struct nse_error *err)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return nse_errno(err, -errno, "cannot make directory %s", path);
	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return nse_error(err, -ENOTDIR, "%s is not a directory", path);
	return 0;
}

int nse_mkdirs(const char *path, unsigned int mode, struct nse_error *err)
{
	NSE_FREE char *copy = strdup(path);
	int rc;

	if (!copy)
		return nse_error(err, -ENOMEM, "out of memory");
	if (!*copy)
		return nse_error(err, -ENOENT, "no name of a directory");
	for (char *p = copy + 1;; p++) {
		char old = *p;

		if (old != '/' && old != '\0')
			continue;
		*p = '\0';
		rc = make_dir(copy, mode, err);
		if (rc < 0 || !old)
			return rc;
		*p = old;
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
