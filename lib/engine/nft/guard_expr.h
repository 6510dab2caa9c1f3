/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Expressions of the guard's rules, appended one by one; without memory b->rc is set.
 */
#ifndef NSE_ENGINE_NFT_GUARD_EXPR_H
#define NSE_ENGINE_NFT_GUARD_EXPR_H

#include <stdio.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>

#include "lib/engine/nft/guard_rules.h"

void nse_guard_no_memory(struct nse_guard_batch *b);

/* An expression of that name without attributes, or NULL. */
struct nftnl_expr *nse_guard_add_expr(struct nftnl_rule *r, const char *name,
				      struct nse_guard_batch *b);

/* Loads a meta key (NFT_META_*). */
void nse_guard_expr_meta(struct nftnl_rule *r, uint32_t key, struct nse_guard_batch *b);

/* Goes on only when what is loaded equals the bytes. */
void nse_guard_expr_equal(struct nftnl_rule *r, const void *data, uint32_t len,
			  struct nse_guard_batch *b);

/* Goes on only when it does not. */
void nse_guard_expr_differs(struct nftnl_rule *r, const void *data, uint32_t len,
			    struct nse_guard_batch *b);

/* Loads bytes of the network header. */
void nse_guard_expr_payload(struct nftnl_rule *r, uint32_t offset, uint32_t len,
			    struct nse_guard_batch *b);

/* Goes on only when what is loaded is in the set. */
void nse_guard_expr_lookup(struct nftnl_rule *r, const char *set, uint32_t id,
			   struct nse_guard_batch *b);

#endif
