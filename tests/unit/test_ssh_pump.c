/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What goes through a link over SSH, and how it ends: bulk both ways, half
 * closes, exit statuses, stderr, and sshd killed or frozen in the middle.
 */
#include "tests/unit/sshd.h"

#define REQUIRE_SSHD()                                                                   \
	do {                                                                             \
		if (!sshd.pid)                                                           \
			skip();                                                          \
	} while (0)

#define MIB (1 << 20)

static struct sshd sshd;

static int setup(void **state)
{
	(void)state;
	unsetenv("SSH_AUTH_SOCK");
	sshd_setup(&sshd);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sshd_teardown(&sshd);
	return 0;
}

static struct nse_link start(const char *command)
{
	struct nse_link_spec spec = sshd_spec(&sshd, command);

	return open_link(&spec);
}

static void report_rate(const char *what, size_t bytes, int64_t begin)
{
	print_message("# %s: %.0f MB/s\n", what,
		      (double)bytes / (double)(nse_now_us() - begin));
}

static void echo_both_ways(void **state)
{
	int64_t begin;
	struct nse_link link;

	(void)state;
	REQUIRE_SSHD();
	link = start("cat");
	assert_true(fcntl(link.fd, F_GETFL) & O_NONBLOCK);
	begin = nse_now_us();
	echo_bulk(&link, 50 * MIB);
	report_rate("echo, each way", 50 * MIB, begin);
	assert_int_equal(nse_link_finish(&link, soon()), 0);
}

/* Keys are exchanged anew several times while both directions are full. */
static void echo_with_rekeying(void **state)
{
	struct nse_link link;

	(void)state;
	REQUIRE_SSHD();
	sshd_stop(&sshd);
	sshd_start(&sshd, "RekeyLimit 4M\n");
	link = start("cat");
	echo_bulk(&link, 30 * MIB);
	assert_int_equal(nse_link_finish(&link, soon()), 0);
	sshd_stop(&sshd);
	sshd_start(&sshd, "");
}

static void upload(void **state)
{
	size_t total = 100 * MIB, at = 0;
	struct nse_link link;
	int64_t begin;

	(void)state;
	REQUIRE_SSHD();
	link = start("wc -c");
	begin = nse_now_us();
	while (at < total) {
		struct pollfd p = { link.fd, POLLOUT, 0 };

		assert_true(poll(&p, 1, nse_poll_ms(soon())) > 0);
		at = send_some(&link, at, total);
	}
	assert_string_equal(read_all(&link), "104857600\n");
	report_rate("upload", total, begin);
	assert_int_equal(nse_link_finish(&link, soon()), 0);
}

static void download(void **state)
{
	static char in[1 << 18];
	size_t total = 0;
	struct nse_link link;
	int64_t begin;
	ssize_t n;

	(void)state;
	REQUIRE_SSHD();
	link = start("head -c 104857600 /dev/zero");
	begin = nse_now_us();
	while ((n = nse_read_full(link.fd, in, sizeof(in), soon())) > 0)
		total += (size_t)n;
	assert_int_equal(total, 100 * MIB);
	report_rate("download", total, begin);
	assert_int_equal(nse_link_finish(&link, soon()), 0);
}

static void half_close(void **state)
{
	struct nse_link link;

	(void)state;
	REQUIRE_SSHD();
	link = start("wc -c; echo more; exit 4");
	say(&link, "123");
	assert_int_equal(nse_link_shutdown(&link), 0);
	assert_string_equal(read_all(&link), "3\nmore\n");
	assert_int_equal(nse_link_finish(&link, soon()), 4);
}

static void exit_statuses(void **state)
{
	struct nse_link link;

	(void)state;
	REQUIRE_SSHD();
	link = start("exit 3");
	assert_string_equal(read_all(&link), "");
	assert_int_equal(nse_link_finish(&link, soon()), 3);
	link = start("no-such-nsemig receive 2>/dev/null");
	assert_string_equal(read_all(&link), "");
	assert_int_equal(nse_link_finish(&link, soon()), 127);
	link = start("kill -9 $$");
	assert_int_equal(nse_link_finish(&link, soon()), 255);
	/* Nothing of it was read: it must be able to end all the same. */
	link = start("head -c 20000000 /dev/zero; exit 6");
	assert_int_equal(nse_link_finish(&link, soon()), 6);
}

static void stderr_prefixed(void **state)
{
	struct nse_link link;
	struct caught c;

	(void)state;
	REQUIRE_SSHD();
	c = catch_stderr();
	link = start("echo one >&2; echo data; printf 'two\\nhalf' >&2");
	assert_string_equal(read_all(&link), "data\n");
	assert_int_equal(nse_link_finish(&link, soon()), 0);
	assert_string_equal(caught_stderr(c),
			    "127.0.0.1: one\n127.0.0.1: two\n127.0.0.1: half\n");
}

/* A program that ends while we still send: no error but its status. */
static void program_ends_first(void **state)
{
	struct nse_link link;
	char block[65536] = { 0 };
	ssize_t n;

	(void)state;
	REQUIRE_SSHD();
	link = start("head -c 10 >/dev/null; exit 8");
	do {
		struct pollfd p = { link.fd, POLLOUT, 0 };

		assert_true(poll(&p, 1, nse_poll_ms(soon())) > 0);
		n = write(link.fd, block, sizeof(block));
	} while (n > 0 || errno == EAGAIN);
	assert_int_equal(nse_link_finish(&link, soon()), 8);
}

/* What we do not read stays in the window; the rest of the link goes on. */
static void slow_reader(void **state)
{
	static char in[1 << 18];
	struct nse_link_spec spec;
	struct nse_link link;
	size_t total = 0;
	struct caught c;
	ssize_t n;

	(void)state;
	REQUIRE_SSHD();
	spec = sshd_spec(&sshd, "head -c 30000000 /dev/zero & read line; "
				"echo \"$line\" >&2; wait");
	spec.keepalive_s = 1;
	c = catch_stderr();
	link = open_link(&spec);
	say(&link, "still here\n");
	/* Longer than three keepalives: the peer is not taken for dead. */
	usleep(4500000);
	while ((n = nse_read_full(link.fd, in, sizeof(in), soon())) > 0)
		total += (size_t)n;
	assert_int_equal(total, 30000000);
	assert_int_equal(nse_link_finish(&link, soon()), 0);
	assert_string_equal(caught_stderr(c), "127.0.0.1: still here\n");
}

/* The program says first which process of sshd serves it. */
static pid_t serving_sshd(const struct nse_link *link)
{
	char text[16] = "";

	for (size_t n = 0; !strchr(text, '\n') && n < sizeof(text) - 1; n++)
		assert_int_equal(nse_read_full(link->fd, text + n, 1, soon()), 1);
	assert_true(atoi(text) > 1);
	return atoi(text);
}

static void sshd_killed(void **state)
{
	struct nse_link link;

	(void)state;
	REQUIRE_SSHD();
	link = start("echo $PPID; cat");
	kill(serving_sshd(&link), SIGKILL);
	assert_string_equal(read_all(&link), "");
	assert_int_equal(nse_link_finish(&link, soon()), 255);
}

static void sshd_frozen(void **state)
{
	struct nse_link_spec spec;
	struct nse_link link;
	pid_t session;

	(void)state;
	REQUIRE_SSHD();
	spec = sshd_spec(&sshd, "echo $PPID; cat");
	spec.keepalive_s = 1;
	link = open_link(&spec);
	session = serving_sshd(&link);
	kill(session, SIGSTOP);
	assert_string_equal(read_all(&link), "");
	assert_int_equal(nse_link_finish(&link, soon()), 255);
	kill(session, SIGKILL);
}

/* Without keepalives only the caller's deadline ends it; closing never waits. */
static void deadline_and_close(void **state)
{
	struct nse_link link;

	(void)state;
	REQUIRE_SSHD();
	link = start("trap '' HUP TERM PIPE; sleep 2; exit 0");
	assert_int_equal(nse_link_finish(&link, nse_now_us() + 100000), -ETIMEDOUT);
	assert_null(link.impl);
	link = start("cat /dev/zero");
	nse_link_close(&link);
	assert_int_equal(link.fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echo_both_ways),  cmocka_unit_test(echo_with_rekeying),
		cmocka_unit_test(upload),	   cmocka_unit_test(download),
		cmocka_unit_test(half_close),	   cmocka_unit_test(exit_statuses),
		cmocka_unit_test(stderr_prefixed), cmocka_unit_test(program_ends_first),
		cmocka_unit_test(slow_reader),	   cmocka_unit_test(sshd_killed),
		cmocka_unit_test(sshd_frozen),	   cmocka_unit_test(deadline_and_close),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, setup, teardown);
}
