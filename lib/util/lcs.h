/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The longest common subsequence of two sequences, as diff(1) looks for it.
 */
#ifndef NSE_UTIL_LCS_H
#define NSE_UTIL_LCS_H

#include <stddef.h>
#include <stdint.h>

/*
 * a[0 … n) and b[0 … m) are numbers below `classes`; equal things have equal
 * numbers. keep_a[i] and keep_b[j] become 1 for what is in the common
 * subsequence and 0 for the rest; the i-th 1 of one belongs to the i-th 1 of
 * the other. Memory is linear; the time is that of n + m for sequences that
 * are alike, and grows with the square of the number of differences.
 * 0, -ENOMEM or -E2BIG (more than 2^30 things).
 */
int nse_lcs(const uint32_t *a, size_t n, const uint32_t *b, size_t m, uint32_t classes,
	    uint8_t *keep_a, uint8_t *keep_b);

#endif
