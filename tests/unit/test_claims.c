/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which addresses a Xen domain gets: what was configured, and what a guest
 * claims, against real neighbour tables in a network namespace of its own.
 */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/platform/claims.h"
#include "lib/util/clock.h"
#include "lib/util/proc.h"

static struct nse_error err;

static void assert_addrs(const struct nse_domain *d, const char *expected)
{
	char all[1024] = "", text[NSE_ADDR_STR];

	size_t len = 0;

	for (size_t i = 0; i < d->naddrs; i++)
		len += (size_t)snprintf(all + len, sizeof(all) - len, "%s%s",
					i ? " " : "",
					nse_addr_format(&d->addrs[i], text));
	assert_string_equal(all, expected);
}

static void test_configured(void **state)
{
	static const char *const cases[][2] = {
		{ "192.0.2.10", "192.0.2.10" },
		{ "192.0.2.10/24 2001:db8::a/64", "192.0.2.10 2001:db8::a" },
		{ "192.0.2.0/28,2001:db8::/56", "192.0.2.0/28 2001:db8::/56" },
		{ " 192.0.2.10  dhcp 192.0.2.10/32 gateway ", "192.0.2.10" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nse_domain d;

		nse_domain_init(&d);
		assert_int_equal(nse_claims_configured(&d, cases[i][0]), 0);
		assert_addrs(&d, cases[i][1]);
		nse_domain_release(&d);
	}
}

static void want(struct nse_domain *d, const char *text)
{
	struct nse_addr a;

	assert_int_equal(nse_addr_parse(text, &a, &err), 0);
	assert_int_equal(nse_domain_add_addr(d, &a), 0);
}

static void run(const char *command)
{
	char *argv[] = { (char *)"sh", (char *)"-ec", (char *)command, NULL };

	if (nse_run(argv, NULL, NULL, 4096, nse_now_us() + 10000000, &err) != 0)
		fail_msg("%s: %s", command, err.text);
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct nse_addr));
}

static void test_settle(void **state)
{
	struct nse_vif vif = { .name = "vif5.0",
			       .mac = "00:16:3e:00:00:0a",
			       .bridge = "br0" };
	struct nse_claims c;
	struct nse_domain d;

	(void)state;
	if (unshare(CLONE_NEWNET) < 0)
		skip();
	run("ip link set lo up && ip link add br0 type bridge && ip link set br0 up && "
	    "ip link add br1 type bridge && ip link set br1 up && "
	    "ip addr add 192.0.2.1/24 dev br0");
	/* Its own, of both families and link-local; another's; an old failure. */
	run("ip neigh add 192.0.2.10 lladdr 00:16:3e:00:00:0a dev br0 nud stale && "
	    "ip neigh add 2001:db8::a lladdr 00:16:3e:00:00:0a dev br0 nud reachable && "
	    "ip neigh add fe80::a lladdr 00:16:3e:00:00:0a dev br0 nud permanent && "
	    "ip neigh add 192.0.2.11 lladdr 00:16:3e:00:00:0b dev br0 nud reachable && "
	    "ip neigh add 192.0.2.13 dev br0 nud failed");
	/* The same MAC on another bridge is not this vif. */
	run("ip neigh add 198.51.100.7 lladdr 00:16:3e:00:00:0a dev br1 nud reachable");
	nse_domain_init(&d);
	nse_claims_init(&c);
	nse_domain_add_vif(&d, &vif);
	want(&c.wanted, "192.0.2.12");	/* nobody contradicts */
	want(&c.wanted, "192.0.2.1");	/* the host's */
	want(&c.wanted, "192.0.2.11");	/* known at another MAC */
	want(&c.wanted, "203.0.113.5"); /* configured for another domain */
	want(&c.wanted, "0.0.0.0/0");
	want(&c.wanted, "127.0.0.1");
	want(&c.wanted, "224.0.0.1");
	want(&c.wanted, "255.255.255.255");
	want(&c.wanted, "::1");
	want(&c.wanted, "ff02::1");
	want(&c.wanted, "::ffff:192.0.2.9");
	want(&c.taken, "203.0.113.0/24");
	assert_int_equal(nse_claims_settle(&c, &d, &err), 0);
	/* The kernel dumps its table in no order. */
	qsort(d.addrs, d.naddrs, sizeof(*d.addrs), by_bytes);
	assert_addrs(&d, "192.0.2.10 192.0.2.12 2001:db8::a fe80::a");
	nse_claims_release(&c);
	nse_domain_release(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configured),
		cmocka_unit_test(test_settle),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
