/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rules of a chain of this host by their content: to find a record's rule
 * wherever it stands there.
 */
#ifndef NSE_ENGINE_NFT_CHAIN_RULES_H
#define NSE_ENGINE_NFT_CHAIN_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/engine/nft/encode.h"
#include "lib/util/buf.h"

struct nft_chain_rule {
	uint64_t hash;
	uint32_t at, n; /* its body, in `bodies` */
	uint32_t next;	/* index of the next one of the same bucket */
	bool used;	/* for the caller */
};

struct nft_chain_rules {
	struct nft_chain_rule *rules; /* owned, in the chain's order */
	uint32_t n, first;	      /* node of the first one */
	uint32_t *buckets;	      /* owned */
	uint32_t mask;
	struct nse_buf bodies;
};

/* Reads them; released in any case. 0, -ENOMEM, -EMSGSIZE, -EPROTO. */
int nft_chain_rules_read(struct nft_chain_rules *c, struct nft_encoder *enc,
			 uint32_t chain, struct nse_error *err);
void nft_chain_rules_release(struct nft_chain_rules *c);

/* Are two bodies of rules the same but for their place? */
bool nft_rule_alike(struct nse_bytes a, struct nse_bytes b);

struct nse_bytes nft_chain_rules_body(const struct nft_chain_rules *c, uint32_t i);

/*
 * The first rule from `from` on that is not used and has this content, place
 * aside; then the first of all. c->n when there is none.
 */
uint32_t nft_chain_rules_find(const struct nft_chain_rules *c, struct nse_bytes body,
			      uint32_t from);

#endif
