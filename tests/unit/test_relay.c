/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The relay: whole, in order, with and without splice(2), and when it breaks.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/platform/relay.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 2654435761u >> 24);
}

/* Writes n bytes in pieces of an odd size. */
static void feed_relay(int fd, size_t n)
{
	uint8_t buf[4099];
	size_t now;

	for (size_t i = 0; i < n; i += now) {
		now = n - i < sizeof(buf) ? n - i : sizeof(buf);
		for (size_t k = 0; k < now; k++)
			buf[k] = byte_at(i + k);
		if (nse_write_full(fd, buf, now, NSE_FOREVER) < 0)
			_exit(1);
	}
	_exit(0);
}

/* Sends n bytes through two pairs of descriptors and compares them. */
static void relay_all(const int in[2], const int out[2], size_t n, bool copies)
{
	struct nse_relay r;
	pid_t feeder = fork();

	if (feeder == 0) {
		close(in[0]);
		feed_relay(in[1], n);
	}
	close(in[1]);
	nse_set_nonblock(in[0], 1);
	nse_set_nonblock(out[1], 1);
	nse_relay_init(&r, in[0], out[1]);
	for (size_t got = 0; got < n || !r.eof;) {
		struct pollfd fds[2] = { nse_relay_poll(&r),
					 { .fd = out[0], .events = POLLIN } };
		uint8_t buf[10007];
		ssize_t m;

		assert_true(poll(fds, 2, 10000) > 0);
		if (fds[0].revents)
			assert_true(nse_relay_run(&r) >= 0);
		/* Slower than it comes, so that the output fills up. */
		m = fds[1].revents ? read(out[0], buf, sizeof(buf)) : 0;
		assert_true(m >= 0);
		for (ssize_t i = 0; i < m; i++)
			if (buf[i] != byte_at(got + (size_t)i))
				fail_msg("byte %zu differs", got + (size_t)i);
		got += (size_t)m;
	}
	assert_int_equal(r.bytes, n);
	assert_int_equal(r.copy, copies);
	nse_relay_release(&r);
	assert_int_equal(waitpid(feeder, NULL, 0), feeder);
}

static void test_relay_pipes(void **state)
{
	int a[2], b[2];

	(void)state;
	assert_int_equal(pipe(a) | pipe(b), 0);
	relay_all(a, b, (4u << 20) + 5, false);
	close(a[0]);
	close(b[0]);
	close(b[1]);
}

static void test_relay_sockets(void **state)
{
	int a[2], b[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, b), 0);
	relay_all(a, b, (4u << 20) + 5, true);
	close(a[0]);
	close(b[0]);
	close(b[1]);
}

static void test_relay_broken(void **state)
{
	struct nse_relay r;
	int a[2], b[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(a) | pipe(b), 0);
	nse_relay_init(&r, a[0], b[1]);
	nse_set_nonblock(a[0], 1);
	assert_int_equal(nse_relay_run(&r), 0);
	assert_int_equal(write(a[1], "x", 1), 1);
	close(b[0]);
	assert_int_equal(nse_relay_run(&r), -EPIPE);
	close(a[0]);
	close(a[1]);
	close(b[1]);
	nse_relay_release(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_relay_pipes),
		cmocka_unit_test(test_relay_sockets),
		cmocka_unit_test(test_relay_broken),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
