/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of links share: deadlines, whole reads, bulk through an
 * echo, and our own stderr caught in a file.
 */
#ifndef NSE_TESTS_LINK_TESTS_H
#define NSE_TESTS_LINK_TESTS_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/transport/transport.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"

/* Long enough for a loaded machine under a sanitizer; never waited for in vain. */
static inline int64_t soon(void)
{
	return nse_now_us() + 60000000;
}

/* All that the program prints until its end, as a string in static memory. */
static inline const char *read_all(const struct nse_link *link)
{
	static char text[4096];
	ssize_t n = nse_read_full(link->fd, text, sizeof(text) - 1, soon());

	assert_true(n >= 0);
	text[n] = '\0';
	return text;
}

static inline void say(const struct nse_link *link, const char *text)
{
	assert_int_equal(nse_write_full(link->fd, text, strlen(text), soon()), 0);
}

static inline uint8_t pattern(size_t i)
{
	return (uint8_t)(i * 2654435761u >> 13);
}

static inline void fill(uint8_t *p, size_t n, size_t at)
{
	for (size_t i = 0; i < n; i++)
		p[i] = pattern(at + i);
}

/* Sends the next of `total` bytes; the new position, which total ends. */
static inline size_t send_some(struct nse_link *link, size_t at, size_t total)
{
	static uint8_t out[65536];
	size_t n = total - at < sizeof(out) ? total - at : sizeof(out);
	ssize_t put;

	fill(out, n, at);
	put = write(link->fd, out, n);
	if (put < 0 && errno != EAGAIN)
		fail_msg("write: %s", strerror(errno));
	at += put > 0 ? (size_t)put : 0;
	if (at == total)
		assert_int_equal(nse_link_shutdown(link), 0);
	return at;
}

/* `total` bytes through a program that echoes them, compared byte by byte. */
static inline void echo_bulk(struct nse_link *link, size_t total)
{
	static uint8_t in[65536], want[65536];
	size_t sent = 0, seen = 0;
	int64_t deadline = nse_now_us() + 300000000;

	for (;;) {
		struct pollfd p = { link->fd, POLLIN | (sent < total ? POLLOUT : 0), 0 };
		ssize_t n;

		assert_true(poll(&p, 1, nse_poll_ms(deadline)) > 0);
		if (p.revents & POLLOUT)
			sent = send_some(link, sent, total);
		if (!(p.revents & (POLLIN | POLLHUP)))
			continue;
		n = read(link->fd, in, sizeof(in));
		if (n < 0 && errno == EAGAIN)
			continue;
		assert_true(n >= 0);
		if (n == 0)
			break;
		fill(want, (size_t)n, seen);
		assert_memory_equal(in, want, n);
		seen += (size_t)n;
	}
	assert_int_equal(seen, total);
}

struct caught {
	int saved;
	int file;
};

static inline struct caught catch_stderr(void)
{
	struct caught c = { dup(2), memfd_create("stderr", MFD_CLOEXEC) };

	assert_true(c.saved >= 0 && c.file >= 0);
	dup2(c.file, 2);
	return c;
}

/* Gives stderr back; what was written to it, in static memory. */
static inline const char *caught_stderr(struct caught c)
{
	static char text[8192];
	ssize_t n = pread(c.file, text, sizeof(text) - 1, 0);

	dup2(c.saved, 2);
	close(c.saved);
	close(c.file);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

#endif
