/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What of a context's rules no kernel gives back.
 */
#ifndef NSE_ENGINE_NFT_LOSS_H
#define NSE_ENGINE_NFT_LOSS_H

#include "lib/context/context.h"
#include "lib/context/problem.h"
#include "lib/engine/nft/build_order.h"

/*
 * Appends a problem for each sort of state that begins anew at the target: the
 * tokens of `limit`, the connections that `ct count` has counted, the memory
 * of xtables' extensions. 0 or -ENOMEM.
 */
int nft_loss_problems(const struct nse_context *ctx, const struct nft_order *o,
		      struct nse_problems *problems);

/* The same of a context whose order is not known yet: the engine's losses(). */
int nft_losses(const struct nse_context *ctx, struct nse_problems *problems,
	       struct nse_error *err);

#endif
