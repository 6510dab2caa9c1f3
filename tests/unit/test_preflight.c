/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The preflight beside the engines': what of two hosts does not go together, and
 * what a host needs that a domain comes to. And the order of findings.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/session/preflight.h"
#include "lib/util/cleanup.h"

static const struct nse_problem *find(const struct nse_problems *p, const char *text)
{
	for (size_t i = 0; i < p->n; i++)
		if (strstr(p->items[i].text, text))
			return &p->items[i];
	return NULL;
}

/* What a host says of itself; the source's platform is Xen when xen is set. */
static json_t *host(const char *version, const char *kernel, const char *platform,
		    json_int_t time_us, int loose)
{
	return json_pack("{s:s, s:s, s:s?, s:I, s:{s:{s:i, s:i}}}", "version", version,
			 "kernel", kernel, "platform", platform, "time_us", time_us,
			 "facts", "conntrack", "tcp_loose", loose, "acct", 0);
}

/* Takes both references. */
static struct nse_problems compare(json_t *here, json_t *there)
{
	struct nse_problems p = NSE_PROBLEMS_INIT;

	assert_non_null(here);
	assert_non_null(there);
	assert_int_equal(nse_preflight_compare(here, there, &p), 0);
	json_decref(here);
	json_decref(there);
	return p;
}

static void two_alike(void **state)
{
	struct nse_problems p = compare(host("1", "6.1.0-1", "xen", 5000000, 0),
					host("1", "6.1.0-28", "xen", 6000000, 0));

	(void)state;
	assert_int_equal(p.n, 0);
	/* What is looser there than here loses nothing. */
	p = compare(host("1", "6.1.0", "script", 1, 0), host("1", "6.1.0", NULL, 1, 1));
	assert_int_equal(p.n, 0);
}

static void two_that_differ(void **state)
{
	struct nse_problems p = compare(host("1.0", "6.1.0", "xen", 100000000, 1),
					host("1.1", "5.10.0", "script", 40000000, 0));

	(void)state;
	assert_int_equal(p.n, 5);
	assert_int_equal(find(&p, "nsemig 1.1, the other one 1.0")->severity, NSE_NOTE);
	assert_int_equal(find(&p, "Linux 5.10.0, the other one 6.1.0")->severity,
			 NSE_NOTE);
	assert_int_equal(find(&p, "no Xen dom0")->severity, NSE_FAIL);
	assert_int_equal(find(&p, "60 s apart")->severity, NSE_NOTE);
	assert_non_null(strstr(find(&p, "nf_conntrack_tcp_loose is 0, and 1 on")->mend,
			       "sysctl -w net.netfilter.nf_conntrack_tcp_loose=1"));
	nse_problems_release(&p);
}

/* A peer may say anything, and nothing. */
static void a_strange_peer(void **state)
{
	struct nse_problems p =
		compare(host("1", "6.1.0", "script", 100000000, 1),
			json_pack("{s:i, s:[], s:s, s:s}", "version", 1, "facts",
				  "time_us", "now", "kernel", "Plan 9"));

	(void)state;
	assert_int_equal(nse_problems_worst(&p), NSE_NOTE);
	assert_non_null(find(&p, "Plan 9"));
	nse_problems_release(&p);
	p = compare(host("1", "6.1.0", "script", 1, 1), json_array());
	assert_int_equal(p.n, 1); /* its version */
	nse_problems_release(&p);
}

static struct nse_platform_ops ops = { .name = "made" };
static struct nse_platform made = { &ops };
static uint64_t room_kib;
static bool sure_of_it;

static int no_domain(struct nse_platform *p, const char *name, struct nse_error *err)
{
	(void)p, (void)name, (void)err;
	return 0;
}

static int not_described(struct nse_platform *p, const char *name, struct nse_domain *d,
			 struct nse_error *err)
{
	(void)p, (void)d;
	return strcmp(name, "paused") == 0 ? 0
					   : nse_error(err, -ENOENT, "no %s here", name);
}

static int free_memory(struct nse_platform *p, uint64_t *kib, bool *sure,
		       struct nse_error *err)
{
	(void)p, (void)err;
	*kib = room_kib;
	*sure = sure_of_it;
	return 0;
}

static struct nse_problems arrive(const char *name, uint64_t memory_kib)
{
	struct nse_problems p = NSE_PROBLEMS_INIT;
	struct nse_vif vif = { .devid = 0, .name = "vif5.0", .bridge = "no-such-br" };
	NSE_CLEANUP(nse_scope_release) struct nse_scope scope;
	struct nse_error err = { 0 };

	nse_scope_init(&scope);
	snprintf(scope.domain.name, sizeof(scope.domain.name), "%s", name);
	assert_int_equal(nse_domain_add_vif(&scope.domain, &vif), 0);
	ops.running = no_domain;
	ops.describe = not_described;
	ops.free_memory = free_memory;
	assert_int_equal(nse_preflight_arrive(&made, &scope, memory_kib, &p, &err), 0);
	assert_int_equal(err.code, 0);
	return p;
}

static void what_a_domain_needs(void **state)
{
	struct nse_problems p = arrive("web1", 0);

	(void)state;
	assert_int_equal(find(&p, "bridge no-such-br")->severity, NSE_FAIL);
	assert_string_equal(
		find(&p, "no-such-br")->mend,
		"ip link add no-such-br type bridge && ip link set no-such-br up");
	assert_null(find(&p, "MiB"));
	assert_null(find(&p, "named"));
	nse_problems_release(&p);
	p = arrive("paused", 0);
	assert_non_null(find(&p, "named paused is on the target already, though"));
	nse_problems_release(&p);
}

static void memory(void **state)
{
	struct nse_problems p;

	(void)state;
	room_kib = 2048;
	sure_of_it = true;
	p = arrive("web1", 2048);
	assert_null(find(&p, "MiB"));
	nse_problems_release(&p);
	p = arrive("web1", 4096);
	assert_int_equal(find(&p, "4 MiB of memory, and 2 MiB are free")->severity,
			 NSE_FAIL);
	nse_problems_release(&p);
	sure_of_it = false;
	p = arrive("web1", 4096);
	assert_int_equal(find(&p, "from Domain-0")->severity, NSE_NOTE);
	nse_problems_release(&p);
}

static void the_worst_first(void **state)
{
	static const enum nse_severity in[] = { NSE_NOTE, NSE_FAIL, NSE_LOSS, NSE_NOTE,
						NSE_FAIL };
	static const char *const out[] = { "1", "4", "2", "0", "3" };
	struct nse_problems p = NSE_PROBLEMS_INIT;

	(void)state;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(in); i++)
		assert_int_equal(nse_problem_add(&p, in[i], "a", NULL, "%zu", i), 0);
	nse_problems_sort(&p);
	for (size_t i = 0; i < NSE_ARRAY_SIZE(out); i++)
		assert_string_equal(p.items[i].text, out[i]);
	assert_int_equal(nse_problems_count(&p, NSE_FAIL), 2);
	assert_int_equal(nse_problems_count(&p, NSE_LOSS), 1);
	nse_problems_sort(&p);
	assert_string_equal(p.items[4].text, "3");
	nse_problems_release(&p);
	nse_problems_sort(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_alike),	  cmocka_unit_test(two_that_differ),
		cmocka_unit_test(a_strange_peer), cmocka_unit_test(what_a_domain_needs),
		cmocka_unit_test(memory),	  cmocka_unit_test(the_worst_first),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
