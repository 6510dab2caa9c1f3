/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Choosing from what differs.
 */
#ifndef NSE_CMD_DIFF_FILTER_H
#define NSE_CMD_DIFF_FILTER_H

#include "lib/context/diff.h"
#include "lib/context/filter.h"

/*
 * Fills *to (released by the caller) with what of *all satisfies the filter on
 * either side; NULL: all of it. 0 or -ENOMEM with a text.
 */
int diff_filter(const struct nse_context *a, const struct nse_context *b,
		const struct nse_filter *filter, const struct nse_diff *all,
		struct nse_diff *to, struct nse_error *err);

/*
 * How many records of b are the same in a, and satisfy the filter (NULL: any).
 * *all is what differs; parts: those that belong to one rule of nf_tables count
 * too. 0 or -ENOMEM with a text.
 */
int diff_count_equal(const struct nse_context *b, const struct nse_filter *filter,
		     const struct nse_diff *all, bool parts, size_t *equal,
		     struct nse_error *err);

#endif
