/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What this network namespace has of the tables of a context.
 */
#ifndef NSE_ENGINE_NFT_HOST_H
#define NSE_ENGINE_NFT_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/engine/nft/build_order.h"
#include "lib/engine/nft/encode.h"
#include "lib/engine/nft/ruleset.h"
#include "lib/netlink/nl.h"
#include "lib/util/error.h"

struct nft_host {
	struct nse_nl *nl;
	uint32_t genid;
	struct nft_ruleset *rs; /* NULL: it has none of the tables */
	struct nft_encoder enc; /* of rs */
};

/*
 * Looks for the tables that the context has records of (need-tables, too) and
 * reads the ruleset when there is one; can be called again. 0, -EOPNOTSUPP
 * with a text (no nf_tables), -EAGAIN (it changed meanwhile: once more),
 * -EPERM, -ENOMEM.
 */
int nft_host_load(struct nft_host *h, const struct nse_context *ctx,
		  struct nse_error *err);
void nft_host_release(struct nft_host *h);

/* A moment for what changes the ruleset, ahead of the next of several tries. */
void nft_host_wait(int try);

#define NFT_HOST_TRIES 20

/*
 * A run of records in the order whose keys begin alike: elements of a set,
 * rules of a chain. nft_run_next() gives the one that begins at `first`.
 */
struct nft_run {
	struct nft_key key; /* of the first; a view into the context */
	uint32_t first, end;
};

int nft_run_next(const struct nft_order *o, const struct nse_context *ctx,
		 enum nft_type type, bool need, uint32_t first, struct nft_run *run,
		 struct nse_error *err);

/* The run of a chain's rules; empty when the context has none. */
int nft_run_find(const struct nft_order *o, const struct nse_context *ctx, bool need,
		 const struct nft_key *chain, struct nft_run *run);

/*
 * Hands over those elements of a set of the host that the run has records of,
 * and maybe others as well: of a big set a few are asked for by their keys.
 * 0, -EAGAIN, what the callback returned.
 */
int nft_host_elements(struct nft_host *h, const struct nse_context *ctx,
		      const struct nft_order *o, const struct nft_run *run, uint32_t set,
		      nft_element_cb *cb, void *arg, struct nse_error *err);

#endif
