/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whole reads and writes with deadlines, and files that appear whole or not
 * at all.
 */
#ifndef NSE_UTIL_IO_H
#define NSE_UTIL_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/util/error.h"

/*
 * Reads up to n bytes until n, the end of the input or the deadline
 * (nse_now_us() time, NSE_FOREVER for none). Works on blocking and on
 * non-blocking descriptors. Returns the number of bytes (less than n only at
 * the end of the input), -ETIMEDOUT or -errno.
 */
ssize_t nse_read_full(int fd, void *p, size_t n, int64_t deadline_us);

/* Writes all n bytes. 0, -ETIMEDOUT, -EPIPE or -errno. */
int nse_write_full(int fd, const void *p, size_t n, int64_t deadline_us);

/* 0 when fd can be read (or is at its end), -ETIMEDOUT or -errno. */
int nse_wait_readable(int fd, int64_t deadline_us);

/* Sets O_NONBLOCK (on = 1) or clears it. 0 or -errno. */
int nse_set_nonblock(int fd, int on);

/*
 * A file that is written beside its final name, mode 0600, and renamed by
 * commit. release() without commit removes it. A symbolic link is followed;
 * a device or a pipe of that name is written directly.
 */
struct nse_newfile {
	int fd; /* -1 when closed */
	char *path;
	char *tmp; /* NULL when written directly, and after commit */
};

#define NSE_NEWFILE_INIT                                                                 \
	{                                                                                \
		.fd = -1                                                                 \
	}

int nse_newfile_open(struct nse_newfile *f, const char *path, struct nse_error *err);
/* Flushes to disk (fsync), renames, closes. */
int nse_newfile_commit(struct nse_newfile *f, struct nse_error *err);
void nse_newfile_release(struct nse_newfile *f);

/* mkdir -p with the mode given; 0 or -errno with a text. */
int nse_mkdirs(const char *path, unsigned int mode, struct nse_error *err);

/*
 * Reads a small text file (as /proc/sys/…) of at most room - 1 bytes, the
 * final newline removed. 0 or -errno; no text is set.
 */
int nse_read_text(const char *path, char *out, size_t room);

#endif
