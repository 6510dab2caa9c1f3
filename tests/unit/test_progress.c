/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The progress of a migration: its texts, and the display on a terminal of
 * the test's own.
 */
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
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

/* The program's own files are not in the library that tests are linked with. */
#include "cmd/output.c"
#include "cmd/progress.c"
#include "cmd/progress_line.c"

#define GIB (1ull << 30)
#define MIB (1ull << 20)

static const struct cmd_progress_at copying = {
	.phase = "suspend",
	.memory = { .bytes = 3 * GIB / 2, .total = 4 * GIB },
	.records = 10234,
	.sent = 13 * MIB / 10,
};

static char text[CMD_PROGRESS_ROOM];

static void test_line(void **state)
{
	struct cmd_progress_at p = copying;

	(void)state;
	cmd_progress_line(&p, "root@hostB", 12 * SECOND, 128 * MIB, 200, text);
	assert_string_equal(text, "nsemig: 0:12 copying memory: 1.5 GiB of 4.0 GiB, "
				  "128.0 MiB/s, 0:20 left; 10,234 records (1.3 MiB) at "
				  "root@hostB");
	/* What is not known is not shown. */
	p.memory.total = 0;
	p.records = 0;
	cmd_progress_line(&p, "hostB", 3725 * (int64_t)SECOND, 0, 200, text);
	assert_string_equal(text, "nsemig: 1:02:05 copying memory: 1.5 GiB");
	p.memory.bytes = 0;
	p.records = 1;
	p.sent = 99;
	cmd_progress_line(&p, "hostB", 0, 0, 200, text);
	assert_string_equal(text,
			    "nsemig: 0:00 copying memory; 1 record (99 bytes) at hostB");
	/* A domain that writes on and on has no end in sight. */
	p = copying;
	p.memory.bytes = 5 * GIB;
	cmd_progress_line(&p, "hostB", 0, MIB, 200, text);
	assert_null(strstr(text, "left"));
	p.memory.bytes = 1;
	cmd_progress_line(&p, "hostB", 0, 1, 200, text);
	assert_null(strstr(text, "left"));
	/* The memory is told of while it moves. */
	p.phase = "settle";
	cmd_progress_line(&p, "hostB", 0, 0, 200, text);
	assert_string_equal(text,
			    "nsemig: 0:00 settling; 10,234 records (1.3 MiB) at hostB");
	p.phase = NSE_STEPS_UNDO;
	cmd_progress_line(&p, "hostB", 0, 0, 200, text);
	assert_string_equal(text, "nsemig: 0:00 undoing");
}

static void test_work(void **state)
{
	struct cmd_progress_at p = { .phase = "collect",
				     .work = true,
				     .records = 523000,
				     .total = 1000000,
				     .sent = 13 * MIB };

	(void)state;
	cmd_progress_line(&p, "", 3 * (int64_t)SECOND, 238500, 200, text);
	assert_string_equal(text, "nsemig: 0:03 collecting: 523,000 of 1,000,000 records "
				  "(13.0 MiB), 238,500/s, 0:02 left");
	/* What is not known is not shown. */
	p.total = 0;
	cmd_progress_line(&p, "", 0, 1000, 200, text);
	assert_string_equal(
		text, "nsemig: 0:00 collecting: 523,000 records (13.0 MiB), 1,000/s");
	p.records = p.sent = 0;
	cmd_progress_line(&p, "", 0, 0, 200, text);
	assert_string_equal(text, "nsemig: 0:00 collecting");
	p.phase = "send";
	p.total = 1;
	cmd_progress_line(&p, "", 0, 0, 200, text);
	assert_string_equal(text, "nsemig: 0:00 sending: 0 of 1 record");
	p.records = 7;
	cmd_progress_json(&p, 9, text);
	assert_string_equal(text, "{\"format\":1,\"phase\":\"send\",\"records\":7,"
				  "\"records_total\":1,\"context_bytes\":0,"
				  "\"elapsed_us\":9}\n");
	/* ssh(1) may ask for a password as long as nobody knows better. */
	assert_false(cmd_progress_may_ask(&p, true));
	p.phase = "connect";
	assert_true(cmd_progress_may_ask(&p, true));
	assert_false(cmd_progress_may_ask(&p, false));
}

static void test_line_is_clipped(void **state)
{
	char whole[CMD_PROGRESS_ROOM];

	(void)state;
	cmd_progress_line(&copying, "hostB", 0, MIB, 1000, whole);
	for (size_t columns = 1; columns < 200; columns++) {
		cmd_progress_line(&copying, "hostB", 0, MIB, columns, text);
		assert_int_equal(strncmp(text, whole, strlen(text)), 0);
		assert_int_equal(strlen(text),
				 strlen(whole) < columns ? strlen(whole) : columns - 1);
	}
	cmd_progress_line(&copying, "hostB", 0, MIB, 0, text);
	assert_int_equal(strlen(text), 79);
	/* Never in the middle of a character; nothing that a terminal obeys. */
	for (size_t columns = 1; columns < 200; columns++) {
		cmd_progress_line(&copying, "h\303\266st\033[2J", 0, 0, columns, text);
		assert_null(strchr(text, '\033'));
		assert_int_not_equal((unsigned char)text[strlen(text) - !!*text], 0303);
	}
}

static void test_rate(void **state)
{
	struct cmd_rate r = { 0 };
	uint64_t rate = 0;

	(void)state;
	assert_int_equal(cmd_rate_add(&r, 1000, 0), 0);
	assert_int_equal(cmd_rate_add(&r, 1000, 50), 0);
	for (int i = 1; i <= 20; i++)
		rate = cmd_rate_add(&r, 1000 + i * SECOND / 4, (uint64_t)i * 1000);
	assert_int_equal(rate, 4000);
	/* What was long ago does not count. */
	for (int i = 21; i <= 30; i++)
		rate = cmd_rate_add(&r, 1000 + i * SECOND / 4, 20000);
	assert_int_equal(rate, 0);
}

static void test_json(void **state)
{
	(void)state;
	cmd_progress_json(&copying, 5, text);
	assert_string_equal(text,
			    "{\"format\":1,\"phase\":\"suspend\",\"bytes\":1610612736,"
			    "\"total\":4294967296,\"records\":10234,\"context_bytes\":"
			    "1363148,\"elapsed_us\":5}\n");
}

static void test_may_ask(void **state)
{
	struct cmd_progress_at p = { .phase = "connect" };

	(void)state;
	assert_true(cmd_progress_may_ask(&p, true));
	assert_false(cmd_progress_may_ask(&p, false));
	p.phase = "offer";
	assert_false(cmd_progress_may_ask(&p, true));
	p.phase = "move";
	assert_true(cmd_progress_may_ask(&p, false));
	p.phase = "suspend";
	assert_false(cmd_progress_may_ask(&p, false));
	p.memory.total = 5;
	assert_true(cmd_progress_may_ask(&p, false));
	p.memory.bytes = 1;
	assert_false(cmd_progress_may_ask(&p, false));
}

#define TALK_ROOM 4096

static void add_line(void *arg, const char *line, size_t n)
{
	size_t len = strlen(arg);

	snprintf((char *)arg + len, TALK_ROOM - len, "%.*s|", (int)n, line);
}

static void test_talk(void **state)
{
	static const char said[] = "one\ntwo\r\n\rxl:  5%\rxl: 10%\r       \rthree\n"
				   "\033[2Jfour\tand\001\nfive";
	char out[TALK_ROOM] = "", longest[3000];
	struct cmd_talk t;

	(void)state;
	for (size_t step = 1; step < sizeof(said); step++) {
		memset(&t, 0, sizeof(t));
		out[0] = '\0';
		for (size_t i = 0; i < sizeof(said) - 1; i += step)
			cmd_talk_put(&t, said + i,
				     sizeof(said) - 1 - i < step ? sizeof(said) - 1 - i
								 : step,
				     add_line, out);
		assert_string_equal(out, "one|two|three|?[2Jfour\tand?|");
		assert_int_equal(t.n, 4);
	}
	memset(longest, 'x', sizeof(longest));
	out[0] = '\0';
	t.n = 0;
	cmd_talk_put(&t, longest, sizeof(longest), add_line, out);
	assert_int_equal(strlen(out), 2 * (sizeof(t.line) + 1));
	assert_int_equal(t.n, sizeof(longest) - 2 * sizeof(t.line));
}

/* --- the display -------------------------------------------------------- */

struct screen {
	int master, saved;
	size_t n;
	char seen[65536];
};

/* A terminal of 60 columns as stderr. */
static void screen_open(struct screen *s)
{
	struct winsize size = { .ws_row = 24, .ws_col = 60 };
	struct termios raw;
	int slave;

	memset(s, 0, sizeof(*s));
	s->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	assert_true(s->master >= 0);
	assert_int_equal(unlockpt(s->master), 0);
	slave = ioctl(s->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(slave >= 0);
	assert_int_equal(tcgetattr(slave, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(slave, TCSANOW, &raw), 0);
	assert_int_equal(ioctl(slave, TIOCSWINSZ, &size), 0);
	s->saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	dup2(slave, STDERR_FILENO);
	close(slave);
}

/* Reads until it shows this: ten seconds at most. */
static bool screen_shows(struct screen *s, const char *what)
{
	int64_t deadline = nse_now_us() + 10 * SECOND;
	ssize_t n;

	while (!strstr(s->seen, what)) {
		if (nse_wait_readable(s->master, deadline) < 0)
			return false;
		n = read(s->master, s->seen + s->n, sizeof(s->seen) - 1 - s->n);
		if (n <= 0)
			return false;
		s->n += (size_t)n;
	}
	return true;
}

static void forget(struct screen *s)
{
	memset(s->seen, 0, sizeof(s->seen));
	s->n = 0;
}

static void screen_close(struct screen *s)
{
	dup2(s->saved, STDERR_FILENO);
	close(s->saved);
	close(s->master);
}

static void say(const char *words)
{
	assert_int_equal(write(STDERR_FILENO, words, strlen(words)), strlen(words));
}

static void test_display(void **state)
{
	const struct cmd_common common = { 0 };
	struct cmd_progress_at p = copying;
	struct cmd_progress *show;
	struct screen s;

	(void)state;
	setenv("TERM", "xterm", 1);
	screen_open(&s);
	show = cmd_progress_start(CMD_PROGRESS_AUTO, &common, "hostB", false);
	assert_non_null(show);
	cmd_progress_update(show, &p);
	assert_true(screen_shows(&s, "copying memory: 1.5 GiB of 4.0 GiB"));
	forget(&s);
	/* A message stands alone on its line, and the line is below it. */
	say("xl: half a mes");
	say("sage\n");
	assert_true(screen_shows(&s, "\r\033[Kxl: half a message\nnsemig: "));
	assert_null(strstr(s.seen, "hostB")); /* 60 columns */
	forget(&s);
	/* Nobody draws where a password may be asked for. */
	p.phase = "move";
	p.memory.bytes = 0;
	cmd_progress_update(show, &p);
	assert_true(screen_shows(&s, "\r\033[K"));
	forget(&s);
	say("Password:");
	assert_true(screen_shows(&s, "Password:"));
	assert_null(strstr(s.seen, "nsemig"));
	p.phase = "freeze";
	cmd_progress_update(show, &p);
	assert_true(screen_shows(&s, "Password:\nnsemig: "));
	forget(&s);
	/* The last words come before the end. */
	say("last\nno end");
	cmd_progress_stop(show);
	say("after\n");
	assert_true(screen_shows(&s, "after\n"));
	assert_non_null(strstr(s.seen, "\r\033[Klast\n"));
	assert_non_null(strstr(s.seen, "no end\nafter\n"));
	screen_close(&s);
}

static void test_display_json(void **state)
{
	const struct cmd_common common = { .quiet = true };
	struct cmd_progress_at p = copying;
	struct cmd_progress *show;
	struct screen s;

	(void)state;
	screen_open(&s);
	show = cmd_progress_start(CMD_PROGRESS_JSON, &common, "hostB", false);
	assert_non_null(show);
	/* Each step is told of, however short it was. */
	for (const char *const *q = (const char *[]){ "lock", "connect", "hello", NULL };
	     *q; q++) {
		p.phase = *q;
		cmd_progress_update(show, &p);
	}
	assert_true(screen_shows(&s, "\"phase\":\"hello\""));
	/* No object in the middle of a message. */
	p.phase = "move";
	cmd_progress_update(show, &p);
	say("ta");
	p.phase = "suspend";
	cmd_progress_update(show, &p);
	assert_true(screen_shows(&s, "\"phase\":\"suspend\""));
	say("lk\n");
	cmd_progress_stop(show);
	assert_non_null(strstr(s.seen, "\"phase\":\"lock\""));
	assert_non_null(strstr(s.seen, "\"phase\":\"connect\""));
	assert_true(screen_shows(&s, "\ntalk\n"));
	assert_null(strchr(s.seen, '\033'));
	screen_close(&s);
}

static void test_not_wanted(void **state)
{
	const struct cmd_common quiet = { .quiet = true }, common = { 0 };
	struct screen s;

	(void)state;
	setenv("TERM", "xterm", 1);
	screen_open(&s);
	assert_null(cmd_progress_start(CMD_PROGRESS_AUTO, &quiet, "hostB", false));
	assert_null(cmd_progress_start(CMD_PROGRESS_NEVER, &common, "hostB", false));
	setenv("TERM", "dumb", 1);
	assert_null(cmd_progress_start(CMD_PROGRESS_AUTO, &common, "hostB", false));
	setenv("TERM", "xterm", 1);
	screen_close(&s);
	s.saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	s.master = open("/dev/null", O_WRONLY | O_CLOEXEC);
	dup2(s.master, STDERR_FILENO);
	assert_null(cmd_progress_start(CMD_PROGRESS_AUTO, &common, "hostB", false));
	screen_close(&s);
	cmd_progress_update(NULL, &copying);
	cmd_progress_stop(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_work),
		cmocka_unit_test(test_line_is_clipped),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_may_ask),
		cmocka_unit_test(test_talk),
		cmocka_unit_test(test_display),
		cmocka_unit_test(test_display_json),
		cmocka_unit_test(test_not_wanted),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
