/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What changed from one context to another, in the order of keys.
 */
#ifndef NSE_CONTEXT_DIFF_H
#define NSE_CONTEXT_DIFF_H

#include "lib/context/context.h"
#include "lib/util/error.h"

enum nse_change {
	NSE_ADDED,   /* only in b */
	NSE_REMOVED, /* only in a */
	NSE_CHANGED, /* body differs, or with NSE_DIFF_STATE body or state */
};

#define NSE_DIFF_STATE 0x1 /* volatile state counts too */

struct nse_diff_item {
	enum nse_change change;
	uint32_t a; /* slot in a, NSE_CONTEXT_NONE when added */
	uint32_t b; /* slot in b, NSE_CONTEXT_NONE when removed */
};

struct nse_diff {
	struct nse_diff_item *items; /* in the order of nse_record_cmp_key() */
	size_t n;
	size_t added, removed, changed;
};

/*
 * Compares. *d is filled and is released with nse_diff_release(); its slots
 * are valid while neither context changes. 0 or -ENOMEM.
 */
int nse_diff(const struct nse_context *a, const struct nse_context *b, unsigned int flags,
	     struct nse_diff *d);
void nse_diff_release(struct nse_diff *d);

#endif
