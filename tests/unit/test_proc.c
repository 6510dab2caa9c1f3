/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Child processes: their descriptors, their ends, and what they print.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/util/clock.h"
#include "lib/util/io.h"
#include "lib/util/proc.h"

#define LONG 20000000 /* microseconds */

static int run(const char *script, const char *input, char **out, size_t max,
	       int64_t deadline, struct nse_error *err)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };

	return nse_run(argv, input, out, max, deadline, err);
}

static void test_run(void **state)
{
	struct nse_error err;
	char *out = NULL;

	(void)state;
	assert_int_equal(run("cat; echo end", "in\n", &out, 100, NSE_FOREVER, &err), 0);
	assert_string_equal(out, "in\nend\n");
	free(out);
	assert_int_equal(run("cat; exit 7", NULL, &out, 100, nse_now_us() + LONG, &err),
			 7);
	assert_string_equal(out, "");
	free(out);
	assert_int_equal(run("kill -9 $$", NULL, NULL, 100, NSE_FOREVER, &err), 137);
	assert_int_equal(run("printf 0123456789", NULL, &out, 10, NSE_FOREVER, &err), 0);
	assert_string_equal(out, "0123456789");
	free(out);
	out = NULL;
	assert_int_equal(run("printf 0123456789x", NULL, &out, 10, NSE_FOREVER, &err),
			 -EMSGSIZE);
	assert_string_equal(err.text, "sh printed more than 10 bytes");
	assert_null(out);
	assert_int_equal(run("yes", NULL, &out, 100000, NSE_FOREVER, &err), -EMSGSIZE);
	assert_int_equal(run("exec sleep 100", NULL, &out, 10, nse_now_us() + 50000,
			     &err),
			 -ETIMEDOUT);
	assert_int_equal(run("exec sleep 100 >&-", NULL, &out, 10, nse_now_us() + 300000,
			     &err),
			 -ETIMEDOUT);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody is left over */
	assert_int_equal(errno, ECHILD);
}

static void test_cannot_run(void **state)
{
	char *argv[] = { (char *)"/no/such/program", NULL };
	char *dir[] = { (char *)"/tmp", NULL };
	struct nse_spawn s = { .argv = argv, .in = -1, .out = -1, .errfd = -1 };
	struct nse_error err;

	(void)state;
	assert_int_equal(nse_spawn(&s, &err), -ENOENT);
	assert_string_equal(err.text,
			    "cannot run /no/such/program: No such file or directory");
	s.argv = dir;
	assert_int_equal(nse_spawn(&s, &err), -EACCES);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* Starts a shell in a process of its own, whose low descriptors are at stake. */
static int spawn_with(int in, int out, int errfd)
{
	static const char script[] = "read a; echo out $a; echo err $a >&2; "
				     "test ! -e /proc/self/fd/9";
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };
	struct nse_spawn s = { .argv = argv, .in = in, .out = out, .errfd = errfd };
	pid_t pid = nse_spawn(&s, NULL);

	return pid < 0 ? 200 : nse_wait_child(pid, NSE_FOREVER);
}

/* Every way in which the three may lie on 0, 1 and 2 already. */
static void test_descriptors(void **state)
{
	static const int orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
					  { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
	char text[2][32];

	(void)state;
	for (int i = 0; i < 6; i++) {
		int in[2], out[2], err[2], status;
		ssize_t n;
		pid_t pid;

		assert_int_equal(pipe2(in, O_CLOEXEC), 0);
		assert_int_equal(pipe2(out, O_CLOEXEC), 0);
		assert_int_equal(pipe2(err, O_CLOEXEC), 0);
		assert_int_equal(write(in[1], "x\n", 2), 2);
		pid = fork();
		if (pid == 0) {
			const int *to = orders[i];
			int from[3] = { fcntl(in[0], F_DUPFD_CLOEXEC, 20),
					fcntl(out[1], F_DUPFD_CLOEXEC, 20),
					fcntl(err[1], F_DUPFD_CLOEXEC, 20) };

			for (int k = 0; k < 3; k++)
				dup3(from[k], to[k], k % 2 ? O_CLOEXEC : 0);
			dup3(from[0], 9, O_CLOEXEC);
			_exit(spawn_with(to[0], to[1], to[2]));
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		n = read(out[0], text[0], 31);
		text[0][n > 0 ? n : 0] = '\0';
		nse_set_nonblock(err[0], 1);
		n = read(err[0], text[1], 31);
		text[1][n > 0 ? n : 0] = '\0';
		assert_string_equal(text[0], "out x\n");
		assert_string_equal(text[1], "err x\n");
		assert_int_equal(status, 0);
		for (int k = 0; k < 2; k++) {
			close(in[k]);
			close(out[k]);
			close(err[k]);
		}
	}
}

static void test_stop(void **state)
{
	char *polite[] = { (char *)"sleep", (char *)"100", NULL };
	char *deaf[] = { (char *)"sh", (char *)"-c",
			 (char *)"trap '' TERM; echo; while :; do sleep 0.1; done",
			 NULL };
	struct nse_spawn s = { .argv = polite, .in = -1, .out = -1, .errfd = -1 };
	int fds[2];
	char c;
	pid_t pid;

	(void)state;
	pid = nse_spawn(&s, NULL);
	assert_true(pid > 0);
	assert_int_equal(nse_wait_child(pid, nse_now_us() + 10000), -ETIMEDOUT);
	assert_int_equal(nse_stop_child(pid, LONG), 128 + SIGTERM);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	s = (struct nse_spawn){ deaf, -1, fds[1], -1, false };
	pid = nse_spawn(&s, NULL);
	assert_true(pid > 0);
	assert_int_equal(read(fds[0], &c, 1), 1); /* the trap is set now */
	assert_int_equal(nse_stop_child(pid, 50000), 128 + SIGKILL);
	assert_int_equal(nse_wait_child(pid, NSE_FOREVER), -ECHILD);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_cannot_run),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_stop),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
