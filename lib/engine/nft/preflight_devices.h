/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Interfaces that rules speak of and this host does not have.
 */
#ifndef NSE_ENGINE_NFT_PREFLIGHT_DEVICES_H
#define NSE_ENGINE_NFT_PREFLIGHT_DEVICES_H

#include "lib/engine/engine.h"
#include "lib/engine/nft/build_order.h"

/* Is it called as the interfaces of domains are, which come with them? */
bool nft_comes_later(const char *name);

/*
 * Tells of chains and flowtables of the context that hook into interfaces which
 * are not there, and of names in its rules that are none. as may be NULL. 0 or
 * -errno.
 */
int nft_device_problems(const struct nse_context *ctx, const struct nft_order *o,
			const struct nse_arrival *as, struct nse_problems *problems,
			struct nse_error *err);

#endif
