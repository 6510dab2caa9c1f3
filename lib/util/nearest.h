/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Did you mean …? The word of a list that a misspelt one is likely to be.
 */
#ifndef NSE_UTIL_NEAREST_H
#define NSE_UTIL_NEAREST_H

#include <stddef.h>

/*
 * The word of the list that is likely to be meant, or NULL when none is near.
 * next(arg, i) returns word i, NULL at the end.
 */
const char *nse_nearest(const char *word, const char *(*next)(const void *arg, size_t i),
			const void *arg);

#endif
