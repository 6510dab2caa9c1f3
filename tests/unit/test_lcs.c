/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The longest common subsequence: against the textbook's table on random
 * sequences, on ends and nothing, and on long ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/util/lcs.h"

static uint32_t seed = 4711;

static uint32_t next(void)
{
	seed = seed * 1103515245u + 12345u;
	return seed >> 16;
}

#define MAX 40

/* The length by the table of all prefixes. */
static size_t table(const uint32_t *a, size_t n, const uint32_t *b, size_t m)
{
	size_t t[MAX + 1][MAX + 1] = { { 0 } };

	for (size_t i = 1; i <= n; i++)
		for (size_t j = 1; j <= m; j++)
			if (a[i - 1] == b[j - 1])
				t[i][j] = t[i - 1][j - 1] + 1;
			else
				t[i][j] = t[i - 1][j] > t[i][j - 1] ? t[i - 1][j]
								    : t[i][j - 1];
	return t[n][m];
}

/* The kept ones of both sides are the same; how many there are. */
static size_t check(const uint32_t *a, size_t n, const uint32_t *b, size_t m,
		    const uint8_t *ka, const uint8_t *kb)
{
	size_t kept = 0, j = 0;

	for (size_t i = 0; i < n; i++) {
		if (!ka[i])
			continue;
		while (j < m && !kb[j])
			j++;
		assert_true(j < m);
		assert_int_equal(a[i], b[j]);
		j++;
		kept++;
	}
	while (j < m)
		assert_int_equal(kb[j++], 0);
	return kept;
}

static void test_random(void **state)
{
	uint32_t a[MAX], b[MAX];
	uint8_t ka[MAX], kb[MAX];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t n = next() % (MAX + 1), m = next() % (MAX + 1);
		uint32_t classes = 1 + next() % 12;

		for (size_t i = 0; i < n; i++)
			a[i] = next() % classes;
		for (size_t i = 0; i < m; i++)
			b[i] = next() % classes;
		assert_int_equal(nse_lcs(a, n, b, m, classes, ka, kb), 0);
		assert_int_equal(check(a, n, b, m, ka, kb), table(a, n, b, m));
	}
}

static void test_ends(void **state)
{
	const uint32_t a[] = { 1, 2, 3 }, b[] = { 0, 1, 2, 3 };
	uint8_t ka[3], kb[4];

	(void)state;
	assert_int_equal(nse_lcs(a, 0, b, 0, 4, ka, kb), 0);
	assert_int_equal(nse_lcs(a, 3, b, 0, 4, ka, kb), 0);
	assert_int_equal(ka[0] + ka[1] + ka[2], 0);
	assert_int_equal(nse_lcs(a, 3, b, 4, 4, ka, kb), 0);
	assert_int_equal(ka[0] + ka[1] + ka[2], 3);
	assert_int_equal(kb[0], 0);
}

#define LONG 20000

/* Long ones that differ here and there, and long ones in another order. */
static void test_long(void **state)
{
	uint32_t *a = calloc(LONG, sizeof(*a)), *b = calloc(LONG, sizeof(*b));
	uint8_t *ka = calloc(LONG, 1), *kb = calloc(LONG, 1);
	size_t m = 0;

	(void)state;
	for (uint32_t i = 0; i < LONG; i++) {
		a[i] = i;
		if (i % 1000 != 7)
			b[m++] = i;
	}
	assert_int_equal(nse_lcs(a, LONG, b, m, LONG, ka, kb), 0);
	assert_int_equal(check(a, LONG, b, m, ka, kb), m);
	for (m = 0; m < LONG / 4; m++)
		b[m] = next() % (LONG / 4);
	assert_int_equal(nse_lcs(a, LONG / 4, b, m, LONG, ka, kb), 0);
	assert_true(check(a, LONG / 4, b, m, ka, kb) > 0);
	free(a);
	free(b);
	free(ka);
	free(kb);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_long),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
