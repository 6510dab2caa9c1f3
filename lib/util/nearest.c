/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds the word that was probably meant by a misspelt one.
 */
#include "lib/util/nearest.h"

#include <stdint.h>
#include <string.h>

#define NEAR_MAX 32

/* Number of insertions, deletions and replacements; neighbours swapped cost two. */
static size_t distance(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b), row[NEAR_MAX + 1];

	if (na > NEAR_MAX || nb > NEAR_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= nb; j++)
		row[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[nb];
}

const char *nse_nearest(const char *word, const char *(*next)(const void *arg, size_t i),
			const void *arg)
{
	const char *near = NULL, *w;
	size_t least = strlen(word) / 3 + 2;

	for (size_t i = 0; (w = next(arg, i)); i++) {
		size_t d = distance(word, w);

		if (strlen(word) > 2 && strncmp(w, word, strlen(word)) == 0)
			d = 0;
		if (d < least) {
			least = d;
			near = w;
		}
	}
	return near;
}
