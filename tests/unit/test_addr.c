/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Addresses: what is one, what it covers, and its text.
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

#include "lib/util/addr.h"

static void test_parse(void **state)
{
	static const struct {
		const char *in, *out;
	} good[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "192.0.2.1/32", "192.0.2.1" },
		{ "192.0.2.129/25", "192.0.2.128/25" },
		{ "192.0.2.255/31", "192.0.2.254/31" },
		{ "255.255.255.255/0", "0.0.0.0/0" },
		{ "2001:DB8::1", "2001:db8::1" },
		{ "2001:db8::1/128", "2001:db8::1" },
		{ "2001:db8:ffff::/33", "2001:db8:8000::/33" },
		{ "::/0", "::/0" },
		{ "::ffff:192.0.2.1", "::ffff:192.0.2.1" },
	};
	static const char *const bad[] = {
		"",
		"/",
		"/24",
		"192.0.2",
		"192.0.2.1/",
		"192.0.2.1/33",
		"192.0.2.1/-1",
		"192.0.2.1/+1",
		"192.0.2.1/ 1",
		"192.0.2.1/1x",
		"192.0.2.1/24/24",
		"192.0.2.256",
		" 192.0.2.1",
		"192.0.2.1 ",
		"2001:db8::1/129",
		"2001:db8::1%eth0",
		"2001:db8:::1",
		"host",
		"192.0.2.1/99999999999999999999",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee",
	};
	struct nse_addr addr, before;
	struct nse_error err;
	char text[NSE_ADDR_STR];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(nse_addr_parse(good[i].in, &addr, &err), 0);
		assert_string_equal(nse_addr_format(&addr, text), good[i].out);
	}
	memset(&before, 0x5a, sizeof(before));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		addr = before;
		assert_int_equal(nse_addr_parse(bad[i], &addr, &err), -EINVAL);
		assert_non_null(strstr(err.text, bad[i]));
		assert_memory_equal(&addr, &before, sizeof(addr));
		assert_int_equal(nse_addr_parse(bad[i], &addr, NULL), -EINVAL);
	}
}

static bool covers(const char *net, const char *host)
{
	struct nse_addr n, h;

	assert_int_equal(nse_addr_parse(net, &n, NULL), 0);
	assert_int_equal(nse_addr_parse(host, &h, NULL), 0);
	return nse_addr_covers(&n, h.family, h.bytes);
}

static void test_covers(void **state)
{
	(void)state;
	assert_true(covers("192.0.2.1", "192.0.2.1"));
	assert_false(covers("192.0.2.1", "192.0.2.2"));
	assert_true(covers("0.0.0.0/0", "255.1.2.3"));
	assert_false(covers("0.0.0.0/0", "::1"));
	assert_false(covers("::/0", "10.0.0.1"));
	assert_true(covers("::/0", "2001:db8::1"));
	assert_true(covers("10.128.0.0/9", "10.255.0.1"));
	assert_false(covers("10.128.0.0/9", "10.127.255.255"));
	assert_true(covers("2001:db8::/127", "2001:db8::1"));
	assert_false(covers("2001:db8::/127", "2001:db8::2"));
}

/* Each prefix length against the naive comparison bit by bit. */
static void test_every_prefix(void **state)
{
	struct nse_addr net = { .family = AF_INET6 };
	uint8_t host[16];

	(void)state;
	for (int i = 0; i < 16; i++)
		net.bytes[i] = host[i] = (uint8_t)(i * 37 + 5);
	for (unsigned int bits = 0; bits <= 128; bits++) {
		net.prefix = (uint8_t)bits;
		assert_true(nse_addr_covers(&net, AF_INET6, host));
		for (unsigned int b = 0; b < 128; b++) {
			host[b / 8] ^= (uint8_t)(0x80 >> b % 8);
			assert_int_equal(nse_addr_covers(&net, AF_INET6, host),
					 b >= bits);
			host[b / 8] ^= (uint8_t)(0x80 >> b % 8);
		}
	}
}

static void test_equal(void **state)
{
	struct nse_addr a, b;

	(void)state;
	nse_addr_parse("192.0.2.0/24", &a, NULL);
	nse_addr_parse("192.0.2.77/24", &b, NULL);
	assert_true(nse_addr_equal(&a, &b));
	nse_addr_parse("192.0.2.0/25", &b, NULL);
	assert_false(nse_addr_equal(&a, &b));
	nse_addr_parse("192.0.2.0", &b, NULL);
	assert_false(nse_addr_equal(&a, &b));
	assert_true(nse_addr_is_host(&b));
	assert_false(nse_addr_is_host(&a));
	assert_int_equal(nse_addr_size(AF_INET), 4);
	assert_int_equal(nse_addr_size(AF_INET6), 16);
}

/* Every octet of one, two and three digits, as the C library writes it. */
static void test_ipv4_text(void **state)
{
	char text[NSE_ADDR_STR], want[INET_ADDRSTRLEN];

	(void)state;
	for (unsigned int i = 0; i < 256; i++) {
		uint8_t bytes[4] = { (uint8_t)i, (uint8_t)(i * 7), (uint8_t)(255 - i),
				     (uint8_t)(i / 3) };

		assert_non_null(inet_ntop(AF_INET, bytes, want, sizeof(want)));
		assert_string_equal(nse_addr_text(AF_INET, bytes, text), want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),	     cmocka_unit_test(test_covers),
		cmocka_unit_test(test_every_prefix), cmocka_unit_test(test_equal),
		cmocka_unit_test(test_ipv4_text),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
