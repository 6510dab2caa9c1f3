/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Following a context: it is collected once, and from then on only what has
 * changed is asked of the kernel. Listening begins before the collection, so that
 * nothing is missed between the two.
 */
#ifndef NSE_ENGINE_FOLLOW_H
#define NSE_ENGINE_FOLLOW_H

#include <poll.h>

#include "lib/engine/engine.h"

struct nse_follow;

/*
 * Begins to listen for the engines of the set. budget_us bounds the looks at
 * records that tell nothing of their changes, for each call of
 * nse_follow_changes(). The scope is copied. 0 or -errno with a text.
 */
int nse_follow_open(struct nse_follow **f, uint32_t engines,
		    const struct nse_scope *scope, int64_t budget_us,
		    struct nse_error *err);
void nse_follow_close(struct nse_follow *f); /* NULL is accepted */
void nse_follow_closep(struct nse_follow **f);

/*
 * To be called ahead of nse_follow_collect(): nothing is asked of the kernel but
 * what there is, so that nobody else who listens notices. Records that would tell of
 * their changes have to be looked at until they do.
 */
void nse_follow_quiet(struct nse_follow *f);

/* Another budget_us from now on. */
void nse_follow_budget(struct nse_follow *f, int64_t budget_us);

/* What poll(2) shall wait for: fills in at most `max`, returns how many. */
size_t nse_follow_fds(const struct nse_follow *f, struct pollfd *fds, size_t max);

/* Collects everything into a new context, which the caller frees. */
int nse_follow_collect(struct nse_follow *f, struct nse_context **ctx,
		       struct nse_error *err);

/*
 * Appends to d (initialised by the caller) what has to change in ctx, which the
 * caller then does with nse_delta_apply(). Engines that cannot be followed are
 * collected and compared only with last = true; states count. Lost events lead to
 * a new collection, never to silence. 0 or -errno with a text, and d is void then.
 */
int nse_follow_changes(struct nse_follow *f, const struct nse_context *ctx, bool last,
		       struct nse_delta *d, struct nse_error *err);

/* Since the beginning, over all engines; `left` of the last call. */
const struct nse_follow_stats *nse_follow_stats(const struct nse_follow *f);

#endif
