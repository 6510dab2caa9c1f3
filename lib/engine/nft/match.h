/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whose a rule or an element is, by what it matches. A rule is its conditions
 * up to the first thing that it does: what is compared behind that narrows
 * nothing down any more.
 */
#ifndef NSE_ENGINE_NFT_MATCH_H
#define NSE_ENGINE_NFT_MATCH_H

#include <stdint.h>

#include "lib/engine/nft/ruleset.h"
#include "lib/engine/nft/whose.h"

/* Each but `what` is the highest enum nft_level at which something is named. */
struct nft_match {
	uint8_t mine;	       /* the domain alone */
	uint8_t other;	       /* another domain */
	uint8_t mixed;	       /* the domain beside others, in one anonymous set */
	struct nft_value what; /* the domain's at the level `mine` */
};

/* Adds what one more value says. */
void nft_match_value(const struct nft_owners *o, const struct nft_value *v,
		     struct nft_match *m);

/* What all that was added comes to. */
enum nft_whose nft_match_whose(const struct nft_match *m);

/* A set that belongs to one rule alone. */
struct nft_own_set {
	const struct nft_layout *layout;
	const struct nft_element *elements;
	uint32_t n;
};

/*
 * Called for every set that the conditions look into: 1 with *set filled when
 * it is the rule's own, 0 when not, or -errno.
 */
typedef int nft_match_set_cb(void *arg, struct nse_bytes name, struct nft_own_set *set);

/*
 * The conditions of a rule (NFTA_RULE_*) in a table of the family. *m is
 * added to. 0, -ENOMEM, or what the callback returned; attributes that make
 * no sense match nothing.
 */
int nft_match_rule(struct nft_owners *o, uint8_t family, struct nse_bytes attrs,
		   nft_match_set_cb *set, void *arg, struct nft_match *m);

/* The names of the devices in a chain's hook. 0 or -ENOMEM. */
int nft_match_devices(const struct nft_owners *o, struct nse_bytes chain_attrs,
		      struct nft_match *m);

/* The elements' owners: a byte for each, enum nft_whose | enum nft_level << 4. */
#define NFT_CLAIM(whose, level) ((uint8_t)((whose) | (level) << 4))
#define NFT_CLAIM_WHOSE(claim)	((claim)&3)
#define NFT_CLAIM_LEVEL(claim)	((claim) >> 4)

/*
 * Fills n claims. The two elements of an interval that holds one value share
 * its claim; other intervals are nobody's. 0 or -ENOMEM.
 */
int nft_match_elements(const struct nft_owners *o, const struct nft_layout *layout,
		       const struct nft_element *elements, uint32_t n, uint8_t *claims);

/* What one element's key has: of an interval the start. */
void nft_match_key(const struct nft_owners *o, const struct nft_layout *layout,
		   const struct nft_element *e, struct nft_match *m);

#endif
