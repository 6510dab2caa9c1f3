/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command line of xl migrate, read back by a real sh.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/platform/xl_move.h"
#include "lib/util/clock.h"
#include "lib/util/proc.h"

#define SECOND 1000000

static struct nse_error err;

static void assert_text(const char *part)
{
	if (!strstr(err.text, part))
		fail_msg("'%s' is not in '%s'", part, err.text);
}

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_command_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
