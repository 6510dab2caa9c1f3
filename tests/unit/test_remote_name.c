/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * HOST:DOMAIN on the command line: what is one and what is not, and the
 * command that the other host's shell gets.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The program's own, not in the library that tests are linked with. */
#include "cmd/groups.c"
#include "cmd/output.c"
#include "cmd/source_remote.c"
#include "lib/util/proc.h"

static void test_is_remote(void **state)
{
	static const char *const remote[] = {
		"hostB:vm1",	  "hostB:",    "root@hostB:vm1",
		"hostB:22:vm1",	  "[::1]:vm1", "root@[::1]:vm1",
		"[::1]:2222:vm1", "hostB:a/b", "a.b-c:vm1"
	};
	static const char *const other[] = {
		"vm1",	 "-",	 "",	  "@vm1",      "@a:b",	":vm1",
		"./a:b", "/a:b", "a/b:c", "user@host", "[::1]", "dir.d/web1:2026.nsc"
	};

	(void)state;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(remote); i++)
		assert_true(cmd_remote_is(remote[i]));
	for (size_t i = 0; i < NSE_ARRAY_SIZE(other); i++)
		assert_false(cmd_remote_is(other[i]));
}

static void check_split(const char *word, const char *target, const char *domain)
{
	struct cmd_remote_name name;
	struct nse_error err = { 0 };

	assert_int_equal(cmd_remote_split(word, &name, &err), 0);
	assert_string_equal(name.target, target);
	assert_string_equal(name.domain, domain);
}

static void test_split(void **state)
{
	(void)state;
	check_split("hostB:vm1", "hostB", "vm1");
	check_split("hostB:", "hostB", "");
	check_split("root@hostB:vm1", "root@hostB", "vm1");
	check_split("hostB:2222:vm1", "hostB:2222", "vm1");
	check_split("hostB:2222:", "hostB:2222", "");
	/* A number alone is the domain's id. */
	check_split("hostB:5", "hostB", "5");
	check_split("hostB:22:5", "hostB:22", "5");
	check_split("[2001:db8::1]:vm1", "[2001:db8::1]", "vm1");
	check_split("u@[fe80::1%eth0]:22:vm1", "u@[fe80::1%eth0]:22", "vm1");
	/* A domain's name may have colons. */
	check_split("hostB:a:b", "hostB", "a:b");
	check_split("hostB:22:a:b:5", "hostB:22", "a:b:5");
	check_split("[2001:db8::1]:a:b", "[2001:db8::1]", "a:b");
	check_split("192.0.2.1:a:22", "192.0.2.1", "a:22");
}

static void test_split_refuses(void **state)
{
	static const char *const bad[] = { "2001:db8::1:vm1", "root@2001:db8::1:vm1",
					   "fe80::1%eth0:vm1", "vm1", ":vm1" };
	struct cmd_remote_name name;
	struct nse_error err;
	char long_word[600];

	(void)state;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(bad); i++) {
		err = (struct nse_error){ 0 };
		assert_int_equal(cmd_remote_split(bad[i], &name, &err), -EINVAL);
		assert_non_null(strstr(err.text, bad[i]));
	}
	snprintf(long_word, sizeof(long_word), "%0500d:vm1", 0);
	assert_int_equal(cmd_remote_split(long_word, &name, &err), -EINVAL);
}

static void test_args(void **state)
{
	NSE_CLEANUP(cmd_scope_release) struct cmd_scope s;
	struct nse_error err = { 0 };
	char *args;

	(void)state;
	cmd_scope_init(&s);
	args = cmd_remote_args(&s, "vm1");
	assert_string_equal(args, "snapshot -- vm1");
	free(args);
	args = cmd_remote_args(&s, "-rf $(x) 'y'");
	assert_string_equal(args, "snapshot -- '-rf $(x) '\\''y'\\'''");
	free(args);
	assert_int_equal(take_engines(&s, "conntrack,expect", &err), 0);
	assert_int_equal(take_addr(&s, "192.0.2.0/28", &err), 0);
	assert_int_equal(take_addr(&s, "2001:db8::1", &err), 0);
	assert_int_equal(take_vif(&s, "vif5.0", &err), 0);
	assert_int_equal(take_zone(&s, "7", &err), 0);
	assert_int_equal(take_table(&s, "inet:a;b", &err), 0);
	args = cmd_remote_args(&s, "");
	assert_string_equal(
		args,
		"snapshot -e conntrack,expect --addr 192.0.2.0/28 --addr 2001:db8::1 "
		"--vif vif5.0 --zone 7 --table 'inet:a;b'");
	free(args);
}

/* The command is what the shell there makes of it. */
static void test_shell(void **state)
{
	static const char odd[] = "a'b \"c\" $HOME `id` \\ * ; & | > !";
	char command[512], *argv[] = { "sh", "-c", command, NULL };
	NSE_CLEANUP(cmd_scope_release) struct cmd_scope s;
	NSE_FREE char *args = NULL, *out = NULL;

	(void)state;
	cmd_scope_init(&s);
	args = cmd_remote_args(&s, odd);
	snprintf(command, sizeof(command), "set -- %s; printf %%s \"$3\"", args);
	assert_int_equal(
		nse_run(argv, NULL, &out, 4096, nse_now_us() + 30 * 1000000, NULL), 0);
	assert_string_equal(out, odd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_remote),     cmocka_unit_test(test_split),
		cmocka_unit_test(test_split_refuses), cmocka_unit_test(test_args),
		cmocka_unit_test(test_shell),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
