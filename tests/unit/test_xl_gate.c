/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parts of the gate: the words of xl's handshake, the command line that
 * xl hands to sh, the relay and the control socket; and the gate itself
 * between two small scripts. tests/e2e/40-xl-gate.t runs whole moves.
 */
#include <errno.h>
#include <fcntl.h>
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

#include "lib/platform/lines.h"
#include "lib/platform/relay.h"
#include "lib/platform/xl_gate.h"
#include "lib/platform/xl_move.h"
#include "lib/platform/xl_wire.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"
#include "lib/util/proc.h"

#define SECOND 1000000

static struct nse_error err;

static void assert_text(const char *part)
{
	if (!strstr(err.text, part))
		fail_msg("'%s' is not in '%s'", part, err.text);
}

/* --- words ------------------------------------------------------------- */

/* Feeds a word in pieces of at most `step` bytes; the last result. */
static int feed(struct nse_xl_wire *w, const void *word, size_t n, size_t step)
{
	const char *p = word;
	int rc = 0;

	while (n > 0 && rc == 0) {
		size_t want = nse_xl_wire_want(w), now = n < step ? n : step;

		now = now < want ? now : want;
		rc = nse_xl_wire_feed(w, p, now, &err);
		p += now;
		n -= now;
	}
	return n > 0 && rc == 1 ? -1 : rc;
}

static void test_wire_lengths(void **state)
{
	(void)state;
	assert_int_equal(strlen(NSE_XL_BANNER), 54);
	assert_int_equal(sizeof(NSE_XL_READY), 34);
	assert_int_equal(sizeof(NSE_XL_GO), 44);
	assert_int_equal(sizeof(NSE_XL_REPORT), 39);
}

static void test_wire_whole(void **state)
{
	uint8_t report[sizeof(NSE_XL_REPORT) + 1] = NSE_XL_REPORT;
	struct nse_xl_wire w;

	(void)state;
	for (size_t step = 1; step <= 64; step++) {
		for (int status = 0; status <= 255; status += 51) {
			report[sizeof(report) - 1] = (uint8_t)status;
			nse_xl_wire_init(&w);
			assert_int_equal(
				feed(&w, NSE_XL_BANNER, strlen(NSE_XL_BANNER), step), 1);
			nse_xl_wire_next(&w);
			assert_int_equal(
				feed(&w, NSE_XL_READY, sizeof(NSE_XL_READY), step), 1);
			assert_int_equal(w.have, 34);
			nse_xl_wire_next(&w);
			assert_int_equal(w.status, -1);
			assert_int_equal(feed(&w, report, sizeof(report), step), 1);
			assert_int_equal(w.status, status);
			nse_xl_wire_next(&w);
			assert_int_equal(w.expect,
					 status ? NSE_XL_W_RETURN : NSE_XL_W_NONE);
		}
	}
	assert_int_equal(feed(&w, NSE_XL_GO, sizeof(NSE_XL_GO), 7), 1);
	nse_xl_wire_next(&w);
	assert_int_equal(nse_xl_wire_want(&w), 0);
}

/* Each byte of each word counts, and is noticed when it comes. */
static void test_wire_garbage(void **state)
{
	char word[sizeof(NSE_XL_READY)];
	struct nse_xl_wire w;

	(void)state;
	for (size_t i = 0; i < sizeof(word); i++) {
		memcpy(word, NSE_XL_READY, sizeof(word));
		word[i] ^= 1;
		nse_xl_wire_init(&w);
		nse_xl_wire_next(&w);
		if (i > 0)
			assert_int_equal(nse_xl_wire_feed(&w, word, i, &err), 0);
		assert_int_equal(nse_xl_wire_feed(&w, word + i, 1, &err), -EPROTO);
	}
	nse_xl_wire_init(&w);
	assert_int_equal(feed(&w, "Last login: \033[1m today", 22, 64), -EPROTO);
	assert_text("'Last login: .[1m today' where the banner");
}

/* --- the command line -------------------------------------------------- */

static const char *const gate[] = { "/opt/my nsemig/nsemig", "xl-gate", NULL };

static int build(struct nse_xl_command *c, const char *host, char *const *options,
		 const char *const *rsh)
{
	return nse_xl_command(c,
			      &(struct nse_xl_move_spec){
				      .xl = "xl",
				      .gate = gate,
				      .move = &(struct nse_move_spec){ .domain = "5",
								       .host = host,
								       .options = options,
								       .rsh = rsh } },
			      "@nsemig-xl-1", &err);
}

/* What sh makes of the line that xl builds. */
static char *as_sh_reads(const char *shell, const char *host)
{
	char *line, *out = NULL;
	int n = asprintf(&line,
			 "f() { for a; do printf '<%%s>' \"$a\"; done; }; "
			 "f %s %s xl migrate-receive",
			 shell, host);
	char *argv[] = { (char *)"sh", (char *)"-c", line, NULL };

	assert_true(n > 0);
	assert_int_equal(
		nse_run(argv, NULL, &out, 65536, nse_now_us() + 10 * SECOND, &err), 0);
	free(line);
	return out;
}

static void test_command(void **state)
{
	char *options[] = { (char *)"-d", (char *)"-C", (char *)"/etc/xen/s.cfg",
			    (char *)"--live", NULL };
	const char *const rsh[] = { "ssh",    "-o",	"ProxyCommand=nc '%h' $(id) `x`",
				    "",	      "a\"b\\", "it's;&|<>*?~#!",
				    "\n\t x", NULL };
	struct nse_xl_command c;
	char *out;

	(void)state;
	assert_int_equal(build(&c, "root@host b;reboot", options, rsh), 0);
	assert_string_equal(c.argv[1], "migrate");
	assert_string_equal(c.argv[5], "--live");
	assert_string_equal(c.argv[6], "-s");
	assert_string_equal(c.argv[8], "5");
	assert_null(c.argv[10]);
	out = as_sh_reads(c.argv[7], c.argv[9]);
	assert_string_equal(out, "</opt/my nsemig/nsemig><xl-gate><@nsemig-xl-1><-->"
				 "<ssh><-o><ProxyCommand=nc '%h' $(id) `x`><><a\"b\\>"
				 "<it's;&|<>*?~#!><\n\t x>"
				 "<root@host b;reboot><xl><migrate-receive>");
	free(out);
	nse_xl_command_release(&c);
	assert_int_equal(build(&c, "hostB", NULL, NULL), 0);
	assert_string_equal(c.argv[3],
			    "'/opt/my nsemig/nsemig' xl-gate @nsemig-xl-1 -- ssh");
	assert_string_equal(c.argv[5], "hostB");
	nse_xl_command_release(&c);
}

static void test_command_refused(void **state)
{
	static const char *const bad[][3] = {
		{ "-s", "sh" }, { "-ds", "sh" },	 { "-sssh" },
		{ "web2" },	{ "--", "x" },		 { "-" },
		{ "-C" },	{ "-C", "-s", "other" }, { "" },
	};
	struct nse_xl_command c;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *options[] = { (char *)bad[i][0], (char *)bad[i][1],
				    (char *)bad[i][2], NULL };

		assert_int_equal(build(&c, "hostB", options, NULL), -EINVAL);
	}
	assert_int_equal(build(&c, "-oProxyCommand=x", NULL, NULL), -EINVAL);
	assert_text("-oProxyCommand=x");
	assert_int_equal(build(&c, "", NULL, NULL), -EINVAL);
}

/* --- the relay --------------------------------------------------------- */

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

/* --- the control socket ------------------------------------------------ */

static void test_control(void **state)
{
	char name[NSE_XL_SOCKET_MAX], line[NSE_LINE_MAX];
	struct nse_lines lines = { 0 };
	int listener = nse_xl_listen(name, &err), a, b;

	(void)state;
	assert_true(listener >= 0);
	assert_int_equal(nse_xl_accept(listener), -EAGAIN);
	a = nse_xl_connect(name, &err);
	assert_true(a >= 0);
	b = nse_xl_accept(listener);
	assert_true(b >= 0);
	assert_int_equal(nse_xl_say(a, "failed one\ntwo %d", 3), 0);
	assert_int_equal(nse_lines_next(&lines, b, line), 1);
	assert_string_equal(line, "failed one?two 3");
	assert_int_equal(nse_lines_next(&lines, b, line), 0);
	assert_false(lines.eof);
	close(a);
	assert_int_equal(nse_lines_next(&lines, b, line), 0);
	assert_true(lines.eof);
	/* SIGPIPE must not end anybody. */
	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(nse_xl_say(b, "go"), -EPIPE);
	assert_int_equal(nse_xl_say(-1, "go"), -EPIPE);
	close(b);
	close(listener);
	assert_int_equal(nse_xl_connect(name, &err), -ECONNREFUSED);
	assert_int_equal(nse_xl_connect("/tmp/x", &err), -EINVAL);
	assert_int_equal(nse_xl_connect("@", &err), -EINVAL);
}

/* A process of another user is turned away, at both ends. */
static void test_control_stranger(void **state)
{
	char name[NSE_XL_SOCKET_MAX];
	int listener = nse_xl_listen(name, &err), status;
	pid_t pid;

	(void)state;
	assert_true(listener >= 0);
	if (geteuid() != 0) {
		close(listener);
		skip();
	}
	pid = fork();
	if (pid == 0) {
		if (setresuid(65534, 65534, 65534) < 0)
			_exit(9);
		_exit(nse_xl_connect(name, NULL) == -EPERM ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(nse_xl_accept(listener), -EAGAIN);
	close(listener);
}

/* --- the gate between scripts ------------------------------------------ */

struct run {
	int listener, ctl;
	int to, from; /* xl's ends */
	pid_t pid;
	struct nse_lines lines;
};

static void run_gate(struct run *r, const char *target)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)target, NULL };
	char name[NSE_XL_SOCKET_MAX];
	int a[2], b[2];

	memset(r, 0, sizeof(*r));
	r->listener = nse_xl_listen(name, &err);
	assert_true(r->listener >= 0);
	assert_int_equal(pipe2(a, O_CLOEXEC) | pipe2(b, O_CLOEXEC), 0);
	r->pid = fork();
	if (r->pid == 0) {
		close(a[1]);
		close(b[0]);
		close(r->listener);
		_exit(nse_xl_gate(name, argv, a[0], b[1], &err) == 0 ? 0 : 1);
	}
	close(a[0]);
	close(b[1]);
	r->to = a[1];
	r->from = b[0];
	assert_int_equal(nse_wait_readable(r->listener, nse_now_us() + 10 * SECOND), 0);
	r->ctl = nse_xl_accept(r->listener);
	assert_true(r->ctl >= 0);
}

/* The next line of the gate's begins with this. */
static void expect(struct run *r, const char *start)
{
	char line[NSE_LINE_MAX] = "";

	while (nse_lines_next(&r->lines, r->ctl, line) == 0) {
		if (r->lines.eof)
			fail_msg("end of file instead of '%s'", start);
		assert_int_equal(nse_wait_readable(r->ctl, nse_now_us() + 10 * SECOND),
				 0);
	}
	if (strncmp(line, start, strlen(start)) != 0)
		fail_msg("'%s' instead of '%s'", line, start);
}

static void end_gate(struct run *r, int status)
{
	int got;

	assert_int_equal(waitpid(r->pid, &got, 0), r->pid);
	assert_int_equal(WEXITSTATUS(got), status);
	close(r->ctl);
	close(r->listener);
	close(r->to);
	close(r->from);
}

#define SAY_BANNER "printf 'xl migration receiver ready, send binary domain data.\\n';"
#define SAY_READY  "printf 'domain received, ready to unpause\\0';"

/* READY does not pass before go, and passes whole after it. */
static void test_gate_holds(void **state)
{
	char buf[128];
	struct run r;

	(void)state;
	run_gate(&r,
		 SAY_BANNER " head -c 5 >/dev/null; " SAY_READY " head -c 2 >/dev/null;"
			    " printf 'my copy unpause results are as follows\\0\\0'");
	expect(&r, "hello 1");
	nse_xl_say(r.ctl, "start 10000000 10000000 10000000 10000000");
	expect(&r, "banner ");
	assert_int_equal(nse_read_full(r.from, buf, 54, nse_now_us() + SECOND), 54);
	assert_memory_equal(buf, NSE_XL_BANNER, 54);
	assert_int_equal(write(r.to, "12345", 5), 5);
	expect(&r, "ready ");
	assert_int_equal(nse_wait_readable(r.from, nse_now_us() + SECOND / 5),
			 -ETIMEDOUT);
	nse_xl_say(r.ctl, "go");
	expect(&r, "released ");
	assert_int_equal(nse_read_full(r.from, buf, 34, nse_now_us() + SECOND), 34);
	assert_memory_equal(buf, NSE_XL_READY, 34);
	assert_int_equal(write(r.to, "go", 2), 2);
	expect(&r, "report 0 ");
	assert_int_equal(nse_read_full(r.from, buf, 100, nse_now_us() + 5 * SECOND), 40);
	end_gate(&r, 0);
}

/* A "go" before READY is no permission: it ends the move. */
static void test_gate_early_go(void **state)
{
	char buf[128];
	struct run r;

	(void)state;
	run_gate(&r, SAY_BANNER " cat >/dev/null");
	expect(&r, "hello 1");
	nse_xl_say(r.ctl, "start 10000000 10000000 10000000 10000000");
	expect(&r, "banner ");
	nse_xl_say(r.ctl, "go");
	expect(&r, "failed aborted");
	assert_int_equal(nse_read_full(r.from, buf, 100, nse_now_us() + 5 * SECOND), 54);
	expect(&r, "cleared");
	end_gate(&r, 1);
}

/* The controller does not answer: the remote shell is not even started. */
static void test_gate_no_controller(void **state)
{
	char buf[8];
	struct run r;

	(void)state;
	run_gate(&r, "echo started");
	close(r.ctl);
	r.ctl = -1;
	assert_int_equal(nse_read_full(r.from, buf, 8, nse_now_us() + 5 * SECOND), 0);
	end_gate(&r, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wire_lengths),
		cmocka_unit_test(test_wire_whole),
		cmocka_unit_test(test_wire_garbage),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_command_refused),
		cmocka_unit_test(test_relay_pipes),
		cmocka_unit_test(test_relay_sockets),
		cmocka_unit_test(test_relay_broken),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_control_stranger),
		cmocka_unit_test(test_gate_holds),
		cmocka_unit_test(test_gate_early_go),
		cmocka_unit_test(test_gate_no_controller),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
