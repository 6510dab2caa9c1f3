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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_addrs),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
