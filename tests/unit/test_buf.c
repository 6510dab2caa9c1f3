/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Buffers keep to their maximum, cursors to their end.
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

#include "lib/util/buf.h"

static void test_numbers(void **state)
{
	struct nse_buf b = NSE_BUF_INIT(100);
	struct nse_cur c;
	const uint8_t *p;
	uint64_t v64;
	uint32_t v32;
	uint16_t v16;
	uint8_t v8;

	(void)state;
	assert_int_equal(nse_buf_put_u8(&b, 0x01), 0);
	assert_int_equal(nse_buf_put_u16(&b, 0x0203), 0);
	assert_int_equal(nse_buf_put_u32(&b, 0x04050607), 0);
	assert_int_equal(nse_buf_put_u64(&b, 0x08090a0b0c0d0e0full), 0);
	assert_int_equal(b.len, 15);
	for (uint8_t i = 0; i < 15; i++)
		assert_int_equal(b.data[i], i + 1); /* most significant first */
	c = nse_cur(b.data, b.len);
	assert_int_equal(nse_get_u8(&c, &v8), 0);
	assert_int_equal(nse_get_u16(&c, &v16), 0);
	assert_int_equal(nse_get_u32(&c, &v32), 0);
	assert_int_equal(nse_cur_left(&c), 8);
	assert_int_equal(nse_get_u64(&c, &v64), 0);
	assert_int_equal(v8, 0x01);
	assert_int_equal(v16, 0x0203);
	assert_int_equal(v32, 0x04050607);
	assert_true(v64 == 0x08090a0b0c0d0e0full);
	assert_int_equal(nse_get_u8(&c, &v8), -EBADMSG);
	assert_int_equal(nse_get_bytes(&c, 0, &p), 0);
	assert_int_equal(nse_ld16(b.data), 0x0102);
	assert_int_equal(nse_ld32(b.data), 0x01020304);
	assert_true(nse_ld64(b.data) == 0x0102030405060708ull);
	nse_buf_release(&b);
}

/* A getter that fails takes nothing. */
static void test_short(void **state)
{
	uint8_t bytes[7] = { 0 };
	struct nse_cur c = nse_cur(bytes, 1);
	const uint8_t *p;
	uint64_t v64;
	uint32_t v32;
	uint16_t v16;

	(void)state;
	assert_int_equal(nse_get_u16(&c, &v16), -EBADMSG);
	c = nse_cur(bytes, 3);
	assert_int_equal(nse_get_u32(&c, &v32), -EBADMSG);
	c = nse_cur(bytes, 7);
	assert_int_equal(nse_get_u64(&c, &v64), -EBADMSG);
	assert_int_equal(nse_get_bytes(&c, 8, &p), -EBADMSG);
	assert_int_equal(nse_get_bytes(&c, SIZE_MAX, &p), -EBADMSG);
	assert_int_equal(nse_cur_left(&c), 7);
	assert_int_equal(nse_get_bytes(&c, 7, &p), 0);
	assert_ptr_equal(p, bytes);
	c = nse_cur(NULL, 0);
	assert_int_equal(nse_cur_left(&c), 0);
	assert_int_equal(nse_get_bytes(&c, 0, &p), 0);
}

static void test_maximum(void **state)
{
	struct nse_buf b = NSE_BUF_INIT(1000);
	uint8_t bytes[1001] = { 7 };

	(void)state;
	assert_int_equal(nse_buf_put(&b, bytes, 1001), -EMSGSIZE);
	assert_int_equal(b.len, 0);
	assert_int_equal(nse_buf_put(&b, bytes, 999), 0);
	assert_int_equal(nse_buf_put_u16(&b, 1), -EMSGSIZE);
	assert_int_equal(b.len, 999);
	assert_int_equal(nse_buf_put_u8(&b, 9), 0);
	assert_int_equal(nse_buf_put_u8(&b, 9), -EMSGSIZE);
	assert_int_equal(nse_buf_reserve(&b, SIZE_MAX), -EMSGSIZE);
	assert_int_equal(nse_buf_put(&b, NULL, 0), 0);
	assert_int_equal(b.len, 1000);
	assert_true(b.cap <= 1000);
	nse_buf_reset(&b);
	assert_int_equal(nse_buf_put(&b, bytes, 1000), 0);
	nse_buf_release(&b);
	nse_buf_release(&b);
	nse_buf_release(NULL);
#if !defined(__SANITIZE_ADDRESS__) /* which ends the program instead */
	b = (struct nse_buf)NSE_BUF_INIT(SIZE_MAX);
	assert_int_equal(nse_buf_reserve(&b, SIZE_MAX / 2 + 10), -ENOMEM);
	assert_int_equal(b.cap, 0);
#endif
}

static void test_consume(void **state)
{
	struct nse_buf b = NSE_BUF_INIT(100);

	(void)state;
	nse_buf_consume(&b, 0); /* also of one that never held anything */
	assert_int_equal(nse_buf_put(&b, "abcdef", 6), 0);
	nse_buf_consume(&b, 2);
	assert_int_equal(b.len, 4);
	assert_memory_equal(b.data, "cdef", 4);
	nse_buf_consume(&b, 4);
	assert_int_equal(b.len, 0);
	nse_buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_maximum),
		cmocka_unit_test(test_consume),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
