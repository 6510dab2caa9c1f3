/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rules of a context, chain by chain in the order in which they stand
 * there: need-rules and own ones together.
 */
#ifndef NSE_ENGINE_NFT_RULE_LIST_H
#define NSE_ENGINE_NFT_RULE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/context/context.h"
#include "lib/engine/nft/object.h"

struct nft_rule {
	struct nft_key key; /* views into the context */
	uint32_t slot;
	uint32_t place;		  /* of an own rule, see NFT_PLACE_NONE */
	struct nse_bytes body;	  /* of the record */
	struct nft_rule *partner; /* for a comparison; NULL at first */
};

struct nft_rule_list {
	struct nft_rule *rules;	 /* owned, in no order */
	struct nft_rule **at;	 /* owned: by family, table, chain; then as they stand */
	struct nft_rule **found; /* owned: by chain, need and number */
	size_t n;
};

/*
 * Collects the rules of chains that have a name of their own (not "@…"); bad
 * records are left out. The context must not change while the list is used.
 * 0 or -ENOMEM; released in any case.
 */
int nft_rule_list_make(struct nft_rule_list *l, const struct nse_context *ctx);
void nft_rule_list_release(struct nft_rule_list *l);

/* The index behind the last rule of the chain in which rule `first` stands. */
size_t nft_rule_chain_end(const struct nft_rule_list *l, size_t first);
int nft_rule_chain_cmp(const struct nft_rule *a, const struct nft_rule *b);

/*
 * Numbers from 0 for the rules of a and b, one behind the other, the same one
 * for the same content (place is none). How many there are, or -ENOMEM.
 */
long nft_rule_classes(struct nft_rule **a, size_t n, struct nft_rule **b, size_t m,
		      uint32_t *classes);

/* Is it a good record of a rule that belongs into the list? Sets *key. */
bool nft_rule_is_listed(const struct nse_record *rec, struct nft_key *key);

/* Is it a good record of something that belongs to one rule ("@…")? Sets *key. */
bool nft_rule_is_owned(const struct nse_record *rec, struct nft_key *key);

/*
 * Splits "@CHAIN:RULE:K": false when it is no such name. The chain may be such
 * a name itself.
 */
bool nft_name_split(struct nse_bytes name, struct nse_bytes *chain, uint32_t *rule,
		    uint32_t *k);

/*
 * What the name of an owned key is called where the partners of its rules
 * are, into `to` (NFT_NAME_MAX bytes). -ENOENT when a rule has none.
 */
int nft_rule_map_name(const struct nft_rule_list *l, const struct nft_key *key, char *to);

#endif
