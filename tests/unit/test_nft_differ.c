/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Elements that count as the same although their bodies are not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/differ.h"

static void begin(struct nse_buf *b)
{
	nse_buf_reset(b);
	assert_int_equal(nse_buf_put_u8(b, NFT_LAYOUT), 0);
}

static void put_expr(struct nse_buf *b, const char *name)
{
	long at = nft_nest(b, NFTA_SET_ELEM_EXPR);

	assert_true(at >= 0);
	assert_int_equal(nft_put_str(b, NFTA_EXPR_NAME, nft_str(name)), 0);
	assert_int_equal(nft_nest_end(b, at), 0);
}

static bool alike(const struct nse_buf *a, const struct nse_buf *b, uint64_t left)
{
	uint8_t state[9] = { NFT_STATE_EXPIRES };
	struct nse_record rec = { .body = { a->data, a->len },
				  .state = { state, sizeof(state) } };

	nse_st64(state + 1, left);
	return nft_element_alike(&rec, (struct nse_bytes){ b->data, b->len });
}

static void test_alike(void **state)
{
	struct nse_buf a = NSE_BUF_INIT(1024), b = NSE_BUF_INIT(1024);

	(void)state;
	begin(&a);
	begin(&b);
	assert_true(alike(&a, &b, 5));
	put_expr(&b, "counter");
	assert_false(alike(&a, &b, 5));
	assert_false(alike(&b, &a, 5));
	/* More time left than its timeout. */
	begin(&a);
	begin(&b);
	assert_int_equal(nft_put_u64(&b, NFTA_SET_ELEM_TIMEOUT, 5), 0);
	assert_true(alike(&a, &b, 5));
	assert_false(alike(&a, &b, 6));
	assert_false(alike(&b, &a, 5));
	assert_int_equal(nft_put_u32(&b, NFTA_SET_ELEM_USERDATA, 1), 0);
	assert_false(alike(&a, &b, 5));
	nse_buf_release(&a);
	nse_buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_alike) };

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
