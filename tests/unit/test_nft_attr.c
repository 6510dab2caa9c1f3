/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Netlink attributes as bytes: what libmnl writes is read, what is written
 * here libmnl reads, and lengths that lie are found.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libmnl/libmnl.h>

#include "lib/engine/nft/attr.h"
#include "lib/util/cleanup.h"

#define ROOM 131072

/* Three attributes of 1, 0 and 8 bytes, the last of them nested. */
static void make_list(struct nse_buf *b)
{
	static const uint8_t eight[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	long nest;

	assert_int_equal(nft_put_u8(b, 1, 0xab), 0);
	assert_int_equal(nft_put(b, 2, NULL, 0), 0);
	nest = nft_nest(b, 3);
	assert_true(nest >= 0);
	assert_int_equal(nft_put(b, 4, eight, 4), 0);
	assert_int_equal(nft_nest_end(b, nest), 0);
}

static void test_written_bytes(void **state)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(ROOM);
	static const uint16_t heads[] = { 5, 1, 4, 2, 12, 3 | NLA_F_NESTED, 8, 4 };

	(void)state;
	make_list(&b);
	assert_int_equal(b.len, 24);
	assert_memory_equal(b.data, heads, 4);
	assert_memory_equal(b.data + 4, "\xab\0\0\0", 4);
	assert_memory_equal(b.data + 8, heads + 2, 4);
	assert_memory_equal(b.data + 12, heads + 4, 4);
	assert_memory_equal(b.data + 16, heads + 6, 4);
	assert_memory_equal(b.data + 20, "\1\2\3\4", 4);
}

static int left(const struct nse_buf *b, const void *at)
{
	return (int)(b->data + b->len - (const uint8_t *)at);
}

/* The reference: libmnl's own view of the same bytes. */
static void test_mnl_reads_ours(void **state)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(ROOM);
	const struct nlattr *attr;
	size_t n = 0;

	(void)state;
	make_list(&b);
	assert_int_equal(nft_put_str(&b, 5, nft_str("vif5.0")), 0);
	assert_int_equal(nft_put_u32(&b, 6, 0x01020304), 0);
	assert_int_equal(nft_put_u64(&b, 7, 0x0102030405060708), 0);
	for (attr = (void *)b.data; mnl_attr_ok(attr, left(&b, attr));
	     attr = mnl_attr_next(attr)) {
		n = n == 3 ? 5 : n + 1; /* 4 is inside of 3 */
		assert_int_equal(mnl_attr_get_type(attr), n);
		if (n == 5)
			assert_string_equal(mnl_attr_get_str(attr), "vif5.0");
		if (n == 6)
			assert_int_equal(be32toh(mnl_attr_get_u32(attr)), 0x01020304);
		if (n == 7)
			assert_true(be64toh(mnl_attr_get_u64(attr)) ==
				    0x0102030405060708);
	}
	assert_int_equal(n, 7);
}

static void test_ours_reads_mnl(void **state)
{
	char room[4096];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(room);
	struct nse_bytes at[8], list;
	struct nlattr *nest;

	(void)state;
	mnl_attr_put_u32(nlh, 1, htobe32(77));
	mnl_attr_put_u64(nlh, 2, htobe64(1ull << 40));
	mnl_attr_put_strz(nlh, 3, "web");
	nest = mnl_attr_nest_start(nlh, 4);
	mnl_attr_put_u8(nlh, 9, 6);
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_put(nlh, 5, 0, NULL);
	mnl_attr_put_u32(nlh, 99, 1);
	mnl_attr_put_u32(nlh, 1, htobe32(78));
	list.p = mnl_nlmsg_get_payload(nlh);
	list.n = mnl_nlmsg_get_payload_len(nlh);

	assert_int_equal(nft_attr_index(list, at, 8), 0);
	assert_int_equal(nft_attr_u32(at[1]), 78); /* of a repeated one the last */
	assert_int_equal(nft_attr_u32(nft_attr_find(list, 1)), 77); /* or the first */
	assert_true(nft_attr_u64(at[2]) == 1ull << 40);
	assert_int_equal(nft_attr_u32(at[2]), 0);
	assert_int_equal(nft_attr_u64(at[1]), 0);
	assert_int_equal(nft_attr_str(at[3]).n, 3);
	assert_memory_equal(nft_attr_str(at[3]).p, "web", 3);
	assert_int_equal(nft_attr_find(at[4], 9).p[0], 6);
	assert_non_null(at[5].p);
	assert_int_equal(at[5].n, 0);
	assert_null(at[6].p);
	assert_null(at[0].p);
	assert_null(nft_attr_find(list, 98).p);
}

/* The list at an odd address, cut behind every byte, is read without harm. */
static void test_cut(void **state)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(ROOM);
	static const uint8_t ends[] = { 0, 5, 6, 7, 8, 12, 24 };
	struct nse_bytes at[4];

	(void)state;
	assert_int_equal(nse_buf_put_u8(&b, 1), 0);
	make_list(&b);
	for (size_t n = 0; n < b.len; n++) {
		NSE_FREE uint8_t *copy = malloc(n + 1); /* so that no byte follows */

		memcpy(copy, b.data, n + 1);
		assert_int_equal(nft_attr_index((struct nse_bytes){ copy + 1, n }, at, 4),
				 memchr(ends, (int)n, sizeof(ends)) ? 0 : -EBADMSG);
	}
}

static void test_bad_lengths(void **state)
{
	static const uint16_t bad[][2] = { { 0, 1 }, { 3, 1 }, { 9, 1 }, { 65535, 1 } };
	struct nse_bytes at[2];
	uint16_t list[4] = { 0 };

	(void)state;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(bad); i++) {
		memcpy(list, bad[i], 4);
		assert_int_equal(nft_attr_index((struct nse_bytes){ (uint8_t *)list, 8 },
						at, 2),
				 -EBADMSG);
	}
	assert_int_equal(nft_attr_index((struct nse_bytes){ NULL, 0 }, at, 2), 0);
}

static void test_strings(void **state)
{
	char many[257];

	(void)state;
	memset(many, 'x', sizeof(many));
	assert_int_equal(nft_attr_str((struct nse_bytes){ (uint8_t *)"a\0", 2 }).n, 1);
	assert_int_equal(nft_attr_str((struct nse_bytes){ (uint8_t *)"a", 1 }).n, 1);
	assert_null(nft_attr_str((struct nse_bytes){ (uint8_t *)"a\0b", 3 }).p);
	assert_null(nft_attr_str((struct nse_bytes){ (uint8_t *)"a\0\0", 3 }).p);
	assert_null(nft_attr_str((struct nse_bytes){ (uint8_t *)"\0", 1 }).p);
	assert_null(nft_attr_str((struct nse_bytes){ NULL, 0 }).p);
	assert_int_equal(nft_attr_str((struct nse_bytes){ (uint8_t *)many, 255 }).n, 255);
	assert_null(nft_attr_str((struct nse_bytes){ (uint8_t *)many, 256 }).p);
}

static void test_limits(void **state)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(ROOM);
	NSE_CLEANUP(nse_buf_release) struct nse_buf small = NSE_BUF_INIT(8);
	NSE_FREE uint8_t *zeros = calloc(1, 65536);
	long nest;

	(void)state;
	assert_int_equal(nft_put(&b, 1, zeros, 65531), 0);
	assert_int_equal(b.len, 65536);
	assert_int_equal(nft_put(&b, 1, zeros, 65532), -EMSGSIZE);
	assert_int_equal(nft_put(&b, 1, zeros, SIZE_MAX), -EMSGSIZE);
	assert_int_equal(nft_put_str(&b, 1, (struct nse_bytes){ zeros, 65531 }),
			 -EMSGSIZE);
	assert_int_equal(b.len, 65536);

	nse_buf_reset(&b);
	nest = nft_nest(&b, 1);
	assert_int_equal(nft_put(&b, 2, zeros, 65520), 0);
	assert_int_equal(nft_nest_end(&b, nest), 0);
	assert_int_equal(nft_put(&b, 2, zeros, 8), 0);
	assert_int_equal(nft_nest_end(&b, nest), -EMSGSIZE);

	/* What does not fit is not begun. */
	assert_int_equal(nft_put(&small, 1, zeros, 5), -EMSGSIZE);
	assert_int_equal(small.len, 0);
	assert_int_equal(nft_put_u32(&small, 1, 1), 0);
	assert_int_equal(nft_nest(&small, 1), -EMSGSIZE);
	assert_int_equal(small.len, 8);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written_bytes),
		cmocka_unit_test(test_mnl_reads_ours),
		cmocka_unit_test(test_ours_reads_mnl),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_bad_lengths),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_limits),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
