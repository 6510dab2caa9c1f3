/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The script platform against real scripts: good ones, and all the ways in
 * which one can misbehave.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/platform/platform.h"
#include "lib/platform/script.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"

#define SECOND 1000000

static char dir[64], program[96], said[96];
static struct nse_platform *p;
static struct nse_error err;

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/nsemig-script-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(program, sizeof(program), "%s/prog", dir);
	snprintf(said, sizeof(said), "%s/said", dir);
	memset(&err, 0, sizeof(err));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	nse_platform_close(p);
	p = NULL;
	unlink(program);
	unlink(said);
	return rmdir(dir);
}

/* Makes the program; $SAID is a file in which it can leave a note. */
static void script(const char *body)
{
	FILE *f = fopen(program, "w");

	assert_non_null(f);
	fprintf(f, "#!/bin/sh\nSAID=%s\n%s\n", said, body);
	fclose(f);
	assert_int_equal(chmod(program, 0700), 0);
	if (!p)
		assert_int_equal(nse_platform_script_open(&p, program, &err), 0);
}

static void assert_said(const char *text)
{
	char got[256] = "";

	assert_int_equal(nse_read_text(said, got, sizeof(got)), 0);
	assert_string_equal(got, text);
}

static void assert_error(int rc, int code, const char *part)
{
	assert_int_equal(rc, code);
	if (!strstr(err.text, part))
		fail_msg("'%s' is not in '%s'", part, err.text);
}

#define WEB1                                                                             \
	"{\"name\":\"web1\",\"uuid\":\"7c0f5b4e-0a0b-4c0d-8e0f-000000000001\",\"id\":5," \
	"\"vifs\":[{\"name\":\"vif5.0\",\"mac\":\"00:16:3E:00:00:0A\","                  \
	"\"bridge\":\"br0\"}],\"addresses\":[\"192.0.2.10\",\"2001:db8::a\"]}"

static void test_describe(void **state)
{
	struct nse_domain d;

	(void)state;
	nse_domain_init(&d);
	script("[ \"$*\" = 'describe web1' ] && echo '" WEB1 "'");
	assert_int_equal(p->ops->describe(p, "web1", &d, &err), 0);
	assert_string_equal(d.name, "web1");
	assert_int_equal(d.id, 5);
	assert_string_equal(d.vifs[0].mac, "00:16:3e:00:00:0a");
	assert_int_equal(d.naddrs, 2);
	assert_int_equal(p->ops->running(p, "web1", &err), 1);
	nse_domain_release(&d);
}

static void test_describe_unknown(void **state)
{
	struct nse_domain d;
	int rc;

	(void)state;
	nse_domain_init(&d);
	script("[ $1 = list ] && { echo '[\"web1\",{\"name\":\"db\"}]'; exit; }; exit 4");
	rc = p->ops->describe(p, "mail", &d, &err);
	assert_error(rc, -ENOENT, "no domain 'mail' here");
	assert_error(rc, -ENOENT, "there are: web1, db");
	assert_int_equal(p->ops->running(p, "mail", &err), 0);
	assert_error(p->ops->describe(p, "--all", &d, &err), -EINVAL, "--all");
	assert_error(p->ops->incoming(p, "web1", &d, &err), -ENOENT, "not arriving");
	assert_int_equal(p->ops->drop_incoming(p, "web1", &err), 0);
}

static void test_hostile_json(void **state)
{
	static const struct {
		const char *body, *part;
	} cases[] = {
		{ "echo '{\"name\":\"web1\"'", "no valid JSON" },
		{ "true", "no valid JSON" },
		{ "echo '[]'", "not a JSON object" },
		{ "echo '{\"id\":5}'", "has no name" },
		{ "echo '{\"name\":\"web1\",\"name\":\"x\"}'", "no valid JSON" },
		{ "echo '{\"name\":\"a\\u001b[2Jb\"}'", "control character" },
		{ "echo '{\"name\":\"web1\",\"vifs\":[{\"name\":\"../x\"}]}'",
		  "interface name" },
		{ "echo '{\"name\":\"web1\",\"addresses\":[\"host\"]}'", "address" },
		{ "yes '{\"name\":' | head -c 6000000", "describe" },
		{ "head -c 100 /dev/zero", "no valid JSON" },
	};
	struct nse_domain d;

	(void)state;
	nse_domain_init(&d);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		script(cases[i].body);
		err.text[0] = '\0';
		assert_true(p->ops->describe(p, "web1", &d, &err) < 0);
		if (!strstr(err.text, cases[i].part))
			fail_msg("%s: '%s'", cases[i].body, err.text);
		nse_domain_release(&d);
	}
}

static void test_not_there(void **state)
{
	struct nse_domain d;

	(void)state;
	nse_domain_init(&d);
	assert_error(nse_platform_open(&p, "script:", NULL, &err), -EINVAL, "PROGRAM");
	assert_error(nse_platform_open(&p, "kvm", NULL, &err), -EINVAL, "'kvm'");
	assert_int_equal(nse_platform_open(&p, "script:/nonexistent/prog", NULL, &err),
			 0);
	assert_error(p->ops->describe(p, "web1", &d, &err), -ENOENT, "/nonexistent/prog");
	nse_platform_close(p);
	p = NULL;
	if (nse_platform_xen_present())
		return;
	assert_error(nse_platform_open(&p, "xen", NULL, &err), -ENODEV, "dom0");
	assert_int_equal(nse_platform_open(&p, NULL, NULL, &err), 0);
	assert_null(p);
	assert_int_equal(nse_platform_open(&p, NULL, "script:x", &err), 0);
	assert_string_equal(p->ops->name, "script");
}

static void test_state(void **state)
{
	(void)state;
	script("echo '{\"name\":\"web1\",\"state\":\"suspended\"}'");
	assert_int_equal(p->ops->running(p, "web1", &err), 0);
	script("echo '{\"name\":\"web1\",\"state\":\"running\"}'");
	assert_int_equal(p->ops->running(p, "web1", &err), 1);
	script("echo '{\"name\":\"web1\",\"state\":7}'");
	assert_error(p->ops->running(p, "web1", &err), -EPROTO, "state");
}

static int count_names(void *arg, const struct nse_domain *d)
{
	size_t len = strlen(arg);

	snprintf((char *)arg + len, 256 - len, "%s ", d->name);
	return 0;
}

static void test_list(void **state)
{
	char names[256] = "";

	(void)state;
	script("case \"$*\" in list) echo '[\"web1\",\"gone\"," WEB1 "]';;\n"
	       "'describe web1') echo '{\"name\":\"web1\"}';; *) exit 1;; esac");
	assert_int_equal(p->ops->list(p, count_names, names, &err), 0);
	assert_string_equal(names, "web1 web1 ");
	script("echo '{}'");
	assert_error(p->ops->list(p, count_names, names, &err), -EPROTO, "JSON list");
	script("exit 3");
	assert_error(p->ops->list(p, count_names, names, &err), -EIO, "status 3");
}

static struct nse_move *start(const char *body)
{
	char *options[] = { (char *)"--live", (char *)"a b", NULL };
	struct nse_move *m;

	script(body);
	assert_int_equal(p->ops->move_start(p,
					    &(struct nse_move_spec){ .domain = "web1",
								     .host = "hostB",
								     .options = options },
					    &m, &err),
			 0);
	return m;
}

static int next(struct nse_move *m, int64_t us)
{
	int64_t at = 0;
	int rc = p->ops->move_wait(m, nse_now_us() + us, &at, &err);

	assert_true(rc < 0 || (at > 0 && at <= nse_now_us()));
	return rc;
}

static void test_move(void **state)
{
	struct nse_move *m = start("echo \"$*\" >$SAID\nprintf susp; sleep 0.1\n"
				   "printf 'ended\\nrea'; sleep 0.1; echo dy\n"
				   "read a; echo \"$a\" >>$SAID; echo noise");

	(void)state;
	assert_true(p->ops->move_fd(m) >= 0);
	assert_int_equal(p->ops->move_go(m, &err), -EINVAL);
	assert_int_equal(next(m, 10 * SECOND), NSE_MOVE_SUSPENDED);
	assert_int_equal(next(m, 10 * SECOND), NSE_MOVE_READY);
	assert_int_equal(next(m, SECOND / 20), NSE_MOVE_NONE);
	assert_int_equal(p->ops->move_go(m, &err), 0);
	assert_int_equal(p->ops->move_abort(m, nse_now_us(), &err), -EALREADY);
	assert_int_equal(next(m, 10 * SECOND), NSE_MOVE_ENDED);
	assert_int_equal(next(m, 10 * SECOND), NSE_MOVE_NONE);
	assert_int_equal(p->ops->move_status(m), 0);
	assert_string_equal(p->ops->move_reason(m), "");
	p->ops->move_free(m);
	assert_said("migrate web1 hostB --live a b\ngo");
}

static void test_move_fails_after_go(void **state)
{
	struct nse_move *m = start("echo suspended; echo ready; read a; exit 6");

	(void)state;
	assert_int_equal(next(m, 10 * SECOND), NSE_MOVE_SUSPENDED);
	assert_int_equal(next(m, 10 * SECOND), NSE_MOVE_READY);
	assert_int_equal(p->ops->move_go(m, &err), 0);
	assert_int_equal(next(m, 10 * SECOND), NSE_MOVE_ENDED);
	assert_int_equal(p->ops->move_status(m), 6);
	p->ops->move_free(m);
}

static void test_move_unclear(void **state)
{
	struct nse_move *m = start("echo suspended; echo ready; read a; kill -9 $$");

	(void)state;
	assert_int_equal(next(m, 10 * SECOND), NSE_MOVE_SUSPENDED);
	assert_int_equal(next(m, 10 * SECOND), NSE_MOVE_READY);
	assert_int_equal(p->ops->move_go(m, &err), 0);
	assert_int_equal(next(m, 10 * SECOND), NSE_MOVE_ENDED);
	assert_int_equal(p->ops->move_status(m), NSE_MOVE_UNCLEAR);
	p->ops->move_free(m);
	/* It says that the domain runs there, and nobody let it. */
	m = start("echo suspended; exit 0");
	assert_int_equal(next(m, 10 * SECOND), NSE_MOVE_SUSPENDED);
	assert_int_equal(next(m, 10 * SECOND), NSE_MOVE_ENDED);
	assert_int_equal(p->ops->move_status(m), NSE_MOVE_UNCLEAR);
	assert_int_equal(p->ops->move_abort(m, nse_now_us() + SECOND, &err), -EPROTO);
	p->ops->move_free(m);
}

static void test_move_ends_early(void **state)
{
	struct nse_move *m = start("echo suspended; exit 7");

	(void)state;
	assert_int_equal(next(m, 10 * SECOND), NSE_MOVE_SUSPENDED);
	assert_int_equal(next(m, 10 * SECOND), NSE_MOVE_ENDED);
	assert_int_equal(p->ops->move_status(m), 7);
	assert_non_null(strstr(p->ops->move_reason(m), "status 7"));
	assert_int_equal(p->ops->move_abort(m, nse_now_us() + SECOND, &err), 0);
	p->ops->move_free(m);
}

static void test_move_ends_at_ready(void **state)
{
	struct nse_move *m = start("echo suspended; echo ready; exit 9");

	(void)state;
	assert_int_equal(next(m, 10 * SECOND), NSE_MOVE_SUSPENDED);
	assert_int_equal(next(m, 10 * SECOND), NSE_MOVE_READY);
	assert_int_equal(next(m, 10 * SECOND), NSE_MOVE_ENDED);
	assert_error(p->ops->move_go(m, &err), -ECHILD, "status 9");
	p->ops->move_free(m);
}

static void test_move_garbage(void **state)
{
	static const struct {
		const char *body, *part;
	} cases[] = {
		{ "echo hello world; read a; exit 1", "'hello world'" },
		{ "echo ready; read a; exit 1", "'ready' where 'suspended'" },
		{ "printf 'x\\033\\001y\\n'; read a; exit 1", "'x??y'" },
		{ "printf 'sus\\0ended\\n'; read a; exit 1", "'sus?ended'" },
		{ "head -c 5000 /dev/zero | tr '\\0' y; read a; exit 1", "short line" },
		{ "echo; read a; exit 1", "''" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nse_move *m = start(cases[i].body);

		assert_error(next(m, 10 * SECOND), -EPROTO, cases[i].part);
		assert_int_equal(p->ops->move_abort(m, nse_now_us() + 10 * SECOND, &err),
				 0);
		assert_int_equal(p->ops->move_status(m), 1);
		p->ops->move_free(m);
	}
}

static void test_move_abort(void **state)
{
	struct nse_move *m =
		start("echo suspended; read a; echo \"$a\" >$SAID; echo more; exit 1");

	(void)state;
	assert_int_equal(next(m, 10 * SECOND), NSE_MOVE_SUSPENDED);
	assert_int_equal(next(m, SECOND / 20), NSE_MOVE_NONE);
	assert_int_equal(p->ops->move_abort(m, nse_now_us() + 10 * SECOND, &err), 0);
	assert_said("abort");
	assert_int_equal(p->ops->move_status(m), 1);
	p->ops->move_free(m);
}

static void test_move_abort_ignored(void **state)
{
	struct nse_move *m = start("trap '' TERM; echo suspended\n"
				   "while :; do read a <$0; done");
	int rc;

	(void)state;
	assert_int_equal(next(m, 10 * SECOND), NSE_MOVE_SUSPENDED);
	rc = p->ops->move_abort(m, nse_now_us() + SECOND / 10, &err);
	assert_error(rc, -ETIMEDOUT, "was killed");
	assert_int_equal(p->ops->move_status(m), 128 + SIGKILL);
	p->ops->move_free(m);
}

/* What is abandoned sees the end of its input. */
static void test_move_abandoned(void **state)
{
	struct nse_move *m = start("echo suspended; read a || echo eof >$SAID; exit 1");

	(void)state;
	assert_int_equal(next(m, 10 * SECOND), NSE_MOVE_SUSPENDED);
	p->ops->move_free(m);
	assert_said("eof");
	p->ops->move_free(NULL);
}

static void test_move_refused(void **state)
{
	struct nse_move *m;

	(void)state;
	script("exit 0");
	assert_error(p->ops->move_start(
			     p, &(struct nse_move_spec){ .domain = "w", .host = "-oX" },
			     &m, &err),
		     -EINVAL, "-oX");
	assert_error(p->ops->move_start(
			     p, &(struct nse_move_spec){ .domain = "-w", .host = "b" },
			     &m, &err),
		     -EINVAL, "-w");
	assert_null(m);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_describe),
		T(test_describe_unknown),
		T(test_hostile_json),
		T(test_not_there),
		T(test_state),
		T(test_list),
		T(test_move),
		T(test_move_fails_after_go),
		T(test_move_unclear),
		T(test_move_ends_early),
		T(test_move_ends_at_ready),
		T(test_move_garbage),
		T(test_move_abort),
		T(test_move_abort_ignored),
		T(test_move_abandoned),
		T(test_move_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
