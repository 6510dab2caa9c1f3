/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Elements as intervals: what belongs together, what lies across.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/engine/nft/interval.h"
#include "lib/engine/nft/object.h"
#include "lib/util/cleanup.h"

/* "3[ 9]": an element that starts at 3, one that ends at 9. */
static void edges_of(struct nft_edges *e, const char *text)
{
	uint32_t tag = 0;

	nft_edges_init(e);
	for (const char *p = text; *p;) {
		char *end;
		uint8_t byte = (uint8_t)strtoul(p, &end, 10);
		struct nse_bytes bytes = { &byte, 1 };

		assert_int_equal(nft_edges_add(e, bytes,
					       *end == '[' ? NFT_ELEMENT_PLAIN
							   : NFT_ELEMENT_END,
					       tag++),
				 0);
		for (p = end + 1; *p == ' '; p++)
			;
	}
	nft_edges_sort(e);
}

static uint8_t value(const struct nft_edges *e, const struct nft_edge *edge)
{
	return nft_edge_bytes(e, edge).p[0];
}

static void assert_next(const struct nft_edges *e, size_t *i, int from, int to,
			bool closed)
{
	struct nft_interval in;

	assert_true(nft_edges_next(e, i, &in));
	assert_int_equal(value(e, in.from), from);
	assert_int_equal(in.closed, closed);
	if (to < 0)
		assert_null(in.to);
	else
		assert_int_equal(value(e, in.to), to);
}

static void test_pairs(void **state)
{
	NSE_CLEANUP(nft_edges_release) struct nft_edges e;
	struct nft_interval in;
	size_t i = 0;

	(void)state;
	/* Unsorted, with the end of nothing that nft puts at zero. */
	edges_of(&e, "200[ 0] 20] 10[ 20[ 30] 50[ 60[ 70]");
	assert_next(&e, &i, 10, 20, true);
	assert_next(&e, &i, 20, 30, true);
	assert_next(&e, &i, 50, 60, false);
	assert_next(&e, &i, 60, 70, true);
	assert_next(&e, &i, 200, -1, false);
	assert_false(nft_edges_next(&e, &i, &in));
}

static void test_nothing(void **state)
{
	NSE_CLEANUP(nft_edges_release) struct nft_edges e;
	struct nft_interval in;
	size_t i = 0;

	(void)state;
	edges_of(&e, "");
	assert_false(nft_edges_next(&e, &i, &in));
	nft_edges_release(&e);
	edges_of(&e, "0] 5]");
	assert_false(nft_edges_next(&e, &i, &in));
}

static void compare(const char *one, const char *two, int order, bool equal)
{
	NSE_CLEANUP(nft_edges_release) struct nft_edges a;
	NSE_CLEANUP(nft_edges_release) struct nft_edges b;
	struct nft_interval x, y;
	size_t i = 0, j = 0;

	edges_of(&a, one);
	edges_of(&b, two);
	assert_true(nft_edges_next(&a, &i, &x));
	assert_true(nft_edges_next(&b, &j, &y));
	assert_int_equal(nft_interval_cmp(&a, &x, &b, &y), order);
	assert_int_equal(nft_interval_cmp(&b, &y, &a, &x), -order);
	assert_int_equal(nft_interval_equal(&a, &x, &b, &y), equal);
}

static void test_compare(void **state)
{
	(void)state;
	compare("10[ 20]", "10[ 20]", 0, true);
	compare("10[ 20]", "20[ 30]", -1, false);
	compare("10[ 20]", "19[ 30]", 0, false);
	compare("10[ 20]", "12[ 15]", 0, false);
	compare("10[ 20]", "10[ 30]", 0, false);
	compare("10[ 20]", "15[ 20]", 0, false);
	compare("10[", "20[ 30]", 0, false);
	compare("10[", "10[", 0, true);
	compare("10[ 20]", "30[", -1, false);
	compare("10[ 20]", "10[", 0, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_compare),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
