/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A delta in memory: what is put, what is deleted, which engines' records are
 * void, with the last word on every key. It is applied as a whole or not.
 */
#ifndef NSE_CONTEXT_DELTA_H
#define NSE_CONTEXT_DELTA_H

#include "lib/context/context.h"
#include "lib/util/error.h"

#define NSE_DELTA_MAX_RESETS 255

struct nse_delta {
	struct nse_context *puts, *dels; /* owned; dels holds keys only */
	char resets[NSE_DELTA_MAX_RESETS][NSE_KIND_NAME];
	size_t nresets;
};

/* 0 or -ENOMEM; released in any case. */
int nse_delta_init(struct nse_delta *d);
void nse_delta_release(struct nse_delta *d);

/* In the order in which it happened. 0, -ENOMEM, -EMSGSIZE, -E2BIG. */
int nse_delta_put(struct nse_delta *d, const struct nse_record *rec);
int nse_delta_del(struct nse_delta *d, const struct nse_kind *kind, struct nse_bytes key);
int nse_delta_reset(struct nse_delta *d, const char *engine);

/* nse_context_digest(ctx, false) as it would be after applying. */
uint64_t nse_delta_result(const struct nse_delta *d, const struct nse_context *ctx);

/* Changes ctx. 0, or -ENOMEM, -E2BIG, and then ctx is as it was. */
int nse_delta_apply(const struct nse_delta *d, struct nse_context *ctx);

#endif
