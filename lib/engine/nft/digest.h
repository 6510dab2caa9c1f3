/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The digest in a rule's body: of what the rule has that is not in its own
 * attributes, its anonymous sets and bound chains. It is made of the bodies of
 * their records, so that it can be made from a ruleset and from records alike.
 *
 *	set	XXH3 of the body, plus the sum of its elements
 *	element	XXH3 of the bytes of its key, seeded by its kind; then of its body
 *	chain	XXH3 of the body; then of the body of each rule in order, with
 *		NFT_PLACE_NONE for its place
 *	rule	the digests of what it names, in the order of their K
 *
 * "Then" is XXH3 seeded by what there is so far.
 */
#ifndef NSE_ENGINE_NFT_DIGEST_H
#define NSE_ENGINE_NFT_DIGEST_H

#include <stdint.h>

#include "lib/context/record.h"

/* A set or chain by its body: what elements are added to, or rules follow. */
uint64_t nft_digest_begin(struct nse_bytes body);

/* One element, to be added. */
uint64_t nft_digest_element(uint8_t kind, struct nse_bytes bytes, struct nse_bytes body);

/* The chain's next rule, by its body (at least NFT_RULE_HEAD bytes). */
uint64_t nft_digest_rule(uint64_t chain, struct nse_bytes body);

/* The next thing that a rule names; begins with rule = 0. Never 0. */
uint64_t nft_digest_name(uint64_t rule, uint64_t named);

#endif
