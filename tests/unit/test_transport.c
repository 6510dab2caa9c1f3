/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Links that a child process carries: local programs and --rsh.
 */
#include <signal.h>
#include <sys/stat.h>

#include "tests/unit/link_tests.h"

static struct nse_link run(char *const argv[])
{
	struct nse_error err = { 0 };
	struct nse_link link;

	if (nse_link_exec(&link, argv, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(fcntl(link.fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(link.fd, F_GETFD) & FD_CLOEXEC);
	return link;
}

static void exec_echoes(void **state)
{
	struct nse_link link = run((char *[]){ "cat", NULL });

	(void)state;
	echo_bulk(&link, 20 << 20);
	assert_int_equal(nse_link_finish(&link, soon()), 0);
	assert_int_equal(link.fd, -1);
}

static void exec_half_close(void **state)
{
	struct nse_link link = run((char *[]){ "wc", "-c", NULL });

	(void)state;
	say(&link, "twelve bytes");
	assert_int_equal(nse_link_shutdown(&link), 0);
	assert_string_equal(read_all(&link), "12\n");
	assert_int_equal(nse_link_finish(&link, soon()), 0);
}

static void exec_status(void **state)
{
	struct nse_link link = run((char *[]){ "sh", "-c", "exit 7", NULL });

	(void)state;
	assert_int_equal(nse_link_finish(&link, soon()), 7);
	link = run((char *[]){ "sh", "-c", "kill -9 $$", NULL });
	assert_string_equal(read_all(&link), "");
	assert_int_equal(nse_link_finish(&link, soon()), 255);
}

/* What is not read must not keep the program from ending by itself. */
static void exec_unread(void **state)
{
	struct nse_link link = run(
		(char *[]){ "sh", "-c", "head -c 9000000 /dev/zero && exit 5", NULL });

	(void)state;
	assert_int_equal(nse_link_finish(&link, soon()), 5);
}

static void exec_deadline(void **state)
{
	struct nse_link link = run((char *[]){ "sleep", "1000", NULL });

	(void)state;
	assert_int_equal(nse_link_finish(&link, nse_now_us() + 50000), -ETIMEDOUT);
	assert_null(link.impl);
	assert_int_equal(nse_link_finish(&link, soon()), -ENOTCONN);
	nse_link_close(&link);
}

/* Closing ends a program that does not care for the end of its input. */
static void exec_close(void **state)
{
	struct nse_link link = run((char *[]){
		"sh", "-c", "trap '' HUP TERM; echo $$; exec sleep 1000", NULL });
	char pid[16] = "";

	(void)state;
	for (size_t n = 0; !strchr(pid, '\n') && n < sizeof(pid) - 1; n++)
		assert_int_equal(nse_read_full(link.fd, pid + n, 1, soon()), 1);
	nse_link_close(&link);
	assert_int_equal(kill(atoi(pid), 0), -1);
	assert_int_equal(errno, ESRCH);
}

static void exec_missing(void **state)
{
	struct nse_error err = { 0 };
	struct nse_link link;

	(void)state;
	assert_int_equal(nse_link_exec(&link, (char *[]){ "no-such-program", NULL },
				       &err),
			 -ENOENT);
	assert_non_null(strstr(err.text, "no-such-program"));
	assert_int_equal(link.fd, -1);
}

/* A stand-in for ssh: shows its arguments, then runs the remote command. */
static const char rsh[] = "sh -c 'for a; do echo \"arg $a\"; done; echo oops >&2; "
			  "printf \"half\\033[1m\" >&2; cat; exit 9' rsh";

static struct nse_link_spec rsh_spec(const char *target)
{
	struct nse_link_spec spec = {
		.rsh = rsh,
		.remote_command = "nsemig --verbose",
		.remote_args = "receive --session",
	};

	assert_int_equal(nse_target_parse(target, &spec.target, NULL), 0);
	return spec;
}

static void rsh_words(void **state)
{
	struct nse_link_spec spec = rsh_spec("root@hostB:2222");
	struct caught c = catch_stderr();
	struct nse_error err = { 0 };
	struct nse_link link;

	(void)state;
	assert_int_equal(nse_link_open(&link, &spec, &err), 0);
	say(&link, "ping\n");
	nse_link_shutdown(&link);
	assert_string_equal(
		read_all(&link),
		"arg -p\narg 2222\narg root@hostB\narg nsemig\narg --verbose\n"
		"arg receive\narg --session\nping\n");
	assert_int_equal(nse_link_finish(&link, soon()), 9);
	assert_string_equal(caught_stderr(c), "hostB: oops\nhostB: half?[1m\n");
}

static void rsh_plain_host(void **state)
{
	struct nse_link_spec spec = rsh_spec("[2001:db8::1]");
	struct caught c = catch_stderr();
	struct nse_link link;

	(void)state;
	spec.remote_args = NULL;
	assert_int_equal(nse_link_open(&link, &spec, NULL), 0);
	nse_link_shutdown(&link);
	assert_string_equal(read_all(&link),
			    "arg 2001:db8::1\narg nsemig\narg --verbose\n");
	assert_int_equal(nse_link_finish(&link, soon()), 9);
	caught_stderr(c);
}

static void rsh_refused(void **state)
{
	struct nse_link_spec spec = rsh_spec("hostB");
	struct nse_error err = { 0 };
	struct nse_link link;

	(void)state;
	spec.rsh = "";
	assert_int_equal(nse_link_open(&link, &spec, &err), -EINVAL);
	spec.rsh = "ssh 'open";
	assert_int_equal(nse_link_open(&link, &spec, &err), -EINVAL);
	spec.rsh = "no-such-rsh -x";
	assert_int_equal(nse_link_open(&link, &spec, &err), -ENOENT);
	spec.rsh = rsh;
	spec.identity = "key";
	assert_int_equal(nse_link_open(&link, &spec, &err), -EINVAL);
	assert_non_null(strstr(err.text, "ssh -i FILE"));
	spec.identity = NULL;
	snprintf(spec.target.host, sizeof(spec.target.host), "-oProxyCommand=x");
	assert_int_equal(nse_link_open(&link, &spec, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exec_echoes),	  cmocka_unit_test(exec_half_close),
		cmocka_unit_test(exec_status),	  cmocka_unit_test(exec_unread),
		cmocka_unit_test(exec_deadline),  cmocka_unit_test(exec_close),
		cmocka_unit_test(exec_missing),	  cmocka_unit_test(rsh_words),
		cmocka_unit_test(rsh_plain_host), cmocka_unit_test(rsh_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
