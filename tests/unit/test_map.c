/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Relocation maps: what is a pair, and what it rewrites.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include <cmocka.h>

#include "lib/context/map.h"

static void test_pairs(void **state)
{
	static const char *const bad_vifs[] = {
		"", "=", "a=", "=b", "ab", "a=b c", "a/b=c", "sixteen-bytes-xx=c", ".=c",
	};
	static const char *const bad_zones[] = {
		"1",	   "1=",    "=1",
		"1=65536", "-1=1",  "1=x",
		"1=1 ",	   "0x1=2", "1=99999999999999999999",
	};
	static const char *const bad_addrs[] = {
		"10.0.0.1=",
		"10.0.0.1=x",
		"10.0.0.1=::1",
		"10.0.0.0/8=10.0.0.0/9",
	};
	struct nse_map m = NSE_MAP_INIT;
	struct nse_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad_vifs) / sizeof(bad_vifs[0]); i++)
		assert_int_equal(nse_map_add_vif(&m, bad_vifs[i], &err), -EINVAL);
	for (size_t i = 0; i < sizeof(bad_zones) / sizeof(bad_zones[0]); i++)
		assert_int_equal(nse_map_add_zone(&m, bad_zones[i], &err), -EINVAL);
	for (size_t i = 0; i < sizeof(bad_addrs) / sizeof(bad_addrs[0]); i++)
		assert_int_equal(nse_map_add_addr(&m, bad_addrs[i], &err), -EINVAL);
	assert_int_equal(nse_map_add_zone(&m, "x", NULL), -EINVAL);
	assert_true(nse_map_empty(&m));
	assert_int_equal(nse_map_add_vif(&m, "vif5.0=vif9.0", &err), 0);
	assert_int_equal(nse_map_add_vif(&m, "vif5.0=vif8.0", &err), -EINVAL);
	assert_string_equal(err.text, "'vif5.0' is mapped twice");
	assert_string_equal(m.vifs[0].from, "vif5.0");
	assert_string_equal(m.vifs[0].to, "vif9.0");
	assert_false(nse_map_empty(&m));
	nse_map_release(&m);
	assert_true(nse_map_empty(&m));
	nse_map_release(NULL);
}

static void test_zones(void **state)
{
	struct nse_map m = NSE_MAP_INIT;
	struct nse_error err;
	char pair[32];

	(void)state;
	assert_int_equal(nse_map_add_zone(&m, "1=2", &err), 0);
	assert_int_equal(nse_map_add_zone(&m, "2=1", &err), 0);
	assert_int_equal(nse_map_add_zone(&m, "0=65535", &err), 0);
	assert_int_equal(nse_map_add_zone(&m, "1=3", &err), -EINVAL);
	assert_int_equal(nse_map_zone(&m, 1), 2); /* once, not twice */
	assert_int_equal(nse_map_zone(&m, 2), 1);
	assert_int_equal(nse_map_zone(&m, 0), 65535);
	assert_int_equal(nse_map_zone(&m, 77), 77);
	for (int i = 100; i < 100 + NSE_MAP_MAX - 3; i++) {
		snprintf(pair, sizeof(pair), "%d=1", i);
		assert_int_equal(nse_map_add_zone(&m, pair, &err), 0);
	}
	assert_int_equal(nse_map_add_zone(&m, "5=6", &err), -E2BIG);
	nse_map_release(&m);
}

static bool map(const struct nse_map *m, const char *from, const char *to)
{
	struct nse_addr a, b;
	bool mapped;

	assert_int_equal(nse_addr_parse(from, &a, NULL), 0);
	assert_int_equal(nse_addr_parse(to, &b, NULL), 0);
	mapped = nse_map_addr(m, a.family, a.bytes);
	assert_true(nse_addr_equal(&a, &b));
	return mapped;
}

static void test_addrs(void **state)
{
	struct nse_map m = NSE_MAP_INIT;
	struct nse_error err;

	(void)state;
	assert_int_equal(nse_map_add_addr(&m, "10.0.0.0/9=172.16.0.0/9", &err), 0);
	assert_int_equal(nse_map_add_addr(&m, "10.0.0.5=192.0.2.7", &err), 0);
	assert_int_equal(nse_map_add_addr(&m, "2001:db8::/33=2001:db8:8000::/33", &err),
			 0);
	assert_int_equal(nse_map_add_addr(&m, "10.0.0.77/9=1.0.0.0/9", &err), -EINVAL);
	assert_true(map(&m, "10.1.2.3", "172.1.2.3"));
	assert_true(map(&m, "10.127.255.255", "172.127.255.255"));
	assert_false(map(&m, "10.128.0.1", "10.128.0.1"));
	assert_true(map(&m, "10.0.0.5", "192.0.2.7")); /* the longest prefix */
	assert_true(map(&m, "2001:db8:7fff::1", "2001:db8:ffff::1"));
	assert_false(map(&m, "2001:db8:8000::1", "2001:db8:8000::1"));
	assert_false(map(&m, "::1", "::1"));
	nse_map_release(&m);
}

static struct nse_map vifs(const char *const *pairs)
{
	struct nse_map m = NSE_MAP_INIT;
	struct nse_error err;

	for (; *pairs; pairs++)
		assert_int_equal(nse_map_add_vif(&m, *pairs, &err), 0);
	return m;
}

/* The new name, or "-" when it stays, or "-errno". */
static const char *mapped(int (*fn)(const struct nse_map *, const char *, size_t, char *),
			  const struct nse_map *m, const char *name, char *to)
{
	int rc = fn(m, name, strlen(name), to);

	if (rc == 0)
		return "-";
	if (rc < 0)
		snprintf(to, IFNAMSIZ, "%d", rc);
	return to;
}

static void test_ifnames(void **state)
{
	static const char *const pairs[] = { "vif5.1=vif19.1", "vif5.0=web0", "eth0=ens3",
					     NULL };
	static const struct {
		const char *from, *to;
	} cases[] = {
		{ "vif5.1", "vif19.1" },
		{ "vif5.10", "-" },
		{ "vif5.1-emu", "vif19.1-emu" },
		{ "vif5.0-emu", "web0-emu" },
		{ "vif5.1-em", "-" },
		{ "vif5.1-emux", "-" },
		{ "xvif5.1", "-" },
		{ "vif5.", "-" },
		{ "", "-" },
		{ "eth0", "ens3" },
		{ "eth0.5", "-" },
	};
	struct nse_map m = vifs(pairs);
	char to[IFNAMSIZ];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(mapped(nse_map_ifname, &m, cases[i].from, to),
				    cases[i].to);
	nse_map_release(&m);
	m = vifs((const char *const[]){ "vif5.1=vif-of-a-guest", NULL });
	assert_int_equal(nse_map_ifname(&m, "vif5.1", 6, to), 1);
	assert_int_equal(nse_map_ifname(&m, "vif5.1-emu", 10, to), -ENAMETOOLONG);
	nse_map_release(&m);
}

static void test_ifprefixes(void **state)
{
	static const char *const alike[] = { "vif5.0=vif19.0", "vif5.1=vif19.1",
					     "vif6.0=vif7.0", NULL };
	static const char *const swapped[] = { "vif5.0=vif19.1", "vif5.1=vif19.0", NULL };
	static const char *const apart[] = { "vif5.0=vif19.0", "vif5.1=vif18.1", NULL };
	static const char *const named[] = { "vif5.0=web", NULL };
	static const struct {
		const char *const *pairs;
		const char *from, *to;
	} cases[] = {
		{ alike, "vif5.", "vif19." },
		{ alike, "vif6.", "vif7." },
		{ alike, "vif5", "vif19" },
		{ alike, "vif5.1", "vif19.1" },
		{ alike, "vif5.1-", "vif19.1-" },
		{ alike, "vif5.2", "vif19.2" },
		{ alike, "vif", "-" },
		{ alike, "vif50.", "-" },
		{ alike, "v", "-" },
		{ alike, "", "-" },
		{ alike, "eth", "-" },
		{ swapped, "vif5.", "vif19." },
		{ swapped, "vif5.1", "vif19.0" },
		{ swapped, "vif5.2", "-22" },
		{ apart, "vif5.", "-22" },
		{ apart, "vif5", "-22" },
		{ apart, "vif5.1", "vif18.1" },
		{ named, "vif5.", "-22" },
		{ named, "vif5.0", "web" },
		{ named, "vif5.0-e", "web-e" },
	};
	char to[IFNAMSIZ];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nse_map m = vifs(cases[i].pairs);

		assert_string_equal(mapped(nse_map_ifprefix, &m, cases[i].from, to),
				    cases[i].to);
		nse_map_release(&m);
	}
}

static void test_names(void **state)
{
	static const char *const bad[] = { "a", "=b", "a=", "@a=b", "a=@b" };
	static const struct {
		const char *from, *to;
	} cases[] = {
		{ "fw-vif5.1", "fw-vif19.1" },
		{ "vif5.1", "vif19.1" },
		{ "vif5.1-vif5.0_vif5.1", "vif19.1-web0_vif19.1" },
		{ "fw-vif5.10", "" },
		{ "fw.vif5.1", "" },
		{ "xvif5.1", "" },
		{ "vif5.1.2", "" },
		{ "vif5", "" },
		{ "in", "out" },
		{ "in-vif5.1", "in-vif19.1" },
		{ "own-vif5.1", "kept" },
		{ "", "" },
	};
	struct nse_map m =
		vifs((const char *const[]){ "vif5.1=vif19.1", "vif5.0=web0", NULL });
	struct nse_buf small = NSE_BUF_INIT(4);
	struct nse_buf b = NSE_BUF_INIT(1024);
	char longer[300];
	struct nse_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(nse_map_add_name(&m, bad[i], &err), -EINVAL);
	memset(longer, 'x', sizeof(longer));
	memcpy(longer, "a=", 2);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(nse_map_add_name(&m, longer, &err), -EINVAL);
	assert_int_equal(nse_map_add_name(&m, "in=out", &err), 0);
	assert_int_equal(nse_map_add_name(&m, "in=other", &err), -EINVAL);
	assert_int_equal(nse_map_add_name(&m, "own-vif5.1=kept", &err), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		nse_buf_reset(&b);
		assert_int_equal(nse_map_name(&m, cases[i].from, strlen(cases[i].from),
					      &b),
				 cases[i].to[0] != '\0');
		assert_int_equal(b.len, strlen(cases[i].to));
		if (b.len)
			assert_memory_equal(b.data, cases[i].to, b.len);
	}
	assert_int_equal(nse_map_name(&m, "a-vif5.1", 8, &small), -EMSGSIZE);
	assert_int_equal(small.len, 0);
	nse_buf_release(&b);
	nse_buf_release(&small);
	nse_map_release(&m);
	assert_int_equal(nse_map_add_name(&m, "a=b", &err), 0);
	assert_false(nse_map_empty(&m));
	nse_map_release(&m);
}

/* A prefix is mapped by what holds all of it, not by a host inside. */
static void test_prefixes(void **state)
{
	struct nse_map m = NSE_MAP_INIT;
	uint8_t net[4] = { 10, 5, 0, 0 }, host[4] = { 10, 5, 0, 0 };
	struct nse_error err;

	(void)state;
	assert_int_equal(nse_map_add_addr(&m, "10.5.0.0/32=192.0.2.1", &err), 0);
	assert_false(nse_map_prefix(&m, AF_INET, 24, net));
	assert_int_equal(nse_map_add_addr(&m, "10.5.0.0/16=10.9.0.0/16", &err), 0);
	assert_true(nse_map_prefix(&m, AF_INET, 24, net));
	assert_memory_equal(net, "\x0a\x09\0\0", 4);
	assert_true(nse_map_addr(&m, AF_INET, host));
	assert_memory_equal(host, "\xc0\0\2\1", 4);
	nse_map_release(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),	   cmocka_unit_test(test_zones),
		cmocka_unit_test(test_addrs),	   cmocka_unit_test(test_ifnames),
		cmocka_unit_test(test_ifprefixes), cmocka_unit_test(test_names),
		cmocka_unit_test(test_prefixes),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
