/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parts of the gate: the words of xl's handshake, the control socket, what
 * is concluded from the facts; and the gate itself between two small scripts.
 * tests/e2e/40-xl-gate.t runs whole moves.
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
#include "lib/platform/platform.h"
#include "lib/platform/xl_control.h"
#include "lib/platform/xl_facts.h"
#include "lib/platform/xl_gate.h"
#include "lib/platform/xl_wire.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"

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

/* --- the verdict -------------------------------------------------------- */

static void test_verdict(void **state)
{
	static const struct {
		struct nse_xl_facts facts;
		int status;
		const char *why;
	} cases[] = {
		/* never released: here, whatever the target says */
		{ { .report = -1, .xl_status = 1 }, 1, "xl ended with status 1" },
		{ { .report = 3, .xl_status = 1 }, 1, "xl ended" },
		{ { .report = -1, .xl_status = 1, .aborted = true }, 1, "" },
		{ { .report = -1, .go = true, .failed = true, .xl_status = 1 }, 1, "xl" },
		/* contradictions */
		{ { .report = -1, .xl_status = 0 }, NSE_MOVE_UNCLEAR, "status 0 though" },
		{ { .report = 0, .xl_status = 1 },
		  NSE_MOVE_UNCLEAR,
		  "though the target had not" },
		/* go was given, and whether it arrived is not known */
		{ { .report = -1, .go = true, .xl_status = 1 }, NSE_MOVE_UNCLEAR, "" },
		/* released */
		{ { .report = 0, .go = true, .released = true }, 0, "" },
		{ { .report = 0, .go = true, .released = true, .xl_status = 9 },
		  0,
		  "a suspended copy" },
		{ { .report = -1, .go = true, .released = true, .xl_status = 1 },
		  NSE_MOVE_UNCLEAR,
		  "did not report" },
		{ { .report = 5, .go = true, .released = true, .xl_status = 1 },
		  NSE_MOVE_UNCLEAR,
		  "" },
		{ { .report = 5,
		    .go = true,
		    .released = true,
		    .returned = true,
		    .xl_status = 1 },
		  1,
		  "status 5" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nse_xl_facts f = cases[i].facts;

		if (nse_xl_facts_verdict(&f) != cases[i].status ||
		    !strstr(f.reason, cases[i].why))
			fail_msg("case %zu: %s", i, f.reason);
	}
}

static void test_facts_hear(void **state)
{
	struct nse_xl_facts f = { .report = -1 };
	char *lines[] = { strdup("banner 5"),
			  strdup("bytes 6"),
			  strdup("ready 9223372036854775807 7"),
			  strdup("released 1"),
			  strdup("report 3 9"),
			  strdup("returned"),
			  strdup("cleared"),
			  strdup("failed one"),
			  strdup("failed two") };
	char garbage[] = "reprot 0";
	int64_t before = nse_now_us();

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(nse_xl_facts_hear(&f, lines[i], &err), 0);
		free(lines[i]);
	}
	assert_in_range(f.ready_at, before, nse_now_us());
	assert_true(f.released && f.returned && f.cleared && f.failed);
	assert_int_equal(f.report, 3);
	assert_int_equal(f.bytes, 7);
	assert_string_equal(f.reason, "one");
	assert_int_equal(nse_xl_facts_hear(&f, garbage, &err), -EPROTO);
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
	/* One that does not listen gets no more than fits. */
	for (int i = 0; nse_xl_can_say(a); i++) {
		assert_in_range(i, 0, 100000);
		assert_int_equal(nse_xl_say(a, "bytes %d", i), 0);
	}
	while (nse_lines_next(&lines, b, line) == 1)
		;
	assert_true(nse_xl_can_say(a));
	close(a);
	assert_int_equal(nse_lines_next(&lines, b, line), 0);
	assert_true(lines.eof);
	/* SIGPIPE must not end anybody. */
	signal(SIGPIPE, SIG_DFL);
	assert_int_equal(nse_xl_say(b, "go"), -EPIPE);
	assert_int_equal(nse_xl_say(-1, "go"), -EPIPE);
	assert_false(nse_xl_can_say(-1));
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
	expect(&r, "hello 2");
	nse_xl_say(r.ctl, "start 10000000 10000000 10000000 10000000");
	expect(&r, "banner ");
	assert_int_equal(nse_read_full(r.from, buf, 54, nse_now_us() + SECOND), 54);
	assert_memory_equal(buf, NSE_XL_BANNER, 54);
	assert_int_equal(write(r.to, "12345", 5), 5);
	expect(&r, "bytes 5");
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
	expect(&r, "hello 2");
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
		cmocka_unit_test(test_verdict),
		cmocka_unit_test(test_facts_hear),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_control_stranger),
		cmocka_unit_test(test_gate_holds),
		cmocka_unit_test(test_gate_early_go),
		cmocka_unit_test(test_gate_no_controller),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
