/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The steps of finding a closure, shared between its files. Chains, sets and
 * all that they refer to are coloured by who uses them: from the base chains
 * and what nobody refers to downward, each when all its users have been. A
 * rule has the colour of its chain; in a chain that everybody uses it has that
 * of what it matches. Elements and their sets likewise.
 */
#ifndef NSE_ENGINE_NFT_CLOSURE_PRIVATE_H
#define NSE_ENGINE_NFT_CLOSURE_PRIVATE_H

#include "lib/engine/nft/closure.h"
#include "lib/engine/nft/match.h"

/* Colours are enum nft_whose: users are added by OR, and NFT_BOTH is everybody. */
#define NFT_COLOR     0x03
#define NFT_CHOSEN    0x04 /* selected, or the like: users do not count */
#define NFT_FOREIGN   0x08 /* rules: another domain is named */
#define NFT_HELD      0x10 /* a program has the table */
#define NFT_INVISIBLE 0x20 /* our own guard */
#define NFT_COLORED   0x40

struct nft_finder {
	const struct nft_ruleset *rs;
	const struct nse_scope *scope;
	bool carry_shared;
	struct nft_closure *c;
	uint8_t *colors;   /* by node: colour and flags */
	uint32_t *waiting; /* by node: users that have no colour yet */
	uint32_t *queue;   /* of nodes */
	uint32_t head, tail;
	uint8_t **claims; /* by set: of its elements (match.h), or NULL */
	struct nse_error *err;
};

static inline enum nft_whose nft_color(const struct nft_finder *f, uint32_t node)
{
	return f->colors[node] & NFT_COLOR;
}

/* closure_select.c: what was chosen by name, and what cannot be. */
int nft_find_selected(struct nft_finder *f);

/* closure_color.c */
int nft_find_colors(struct nft_finder *f);
int nft_note_shared(struct nft_finder *f, uint32_t node, enum nft_reason reason);
enum nft_reason nft_reason_of(uint8_t level);

/* closure_parts.c: ours, needed, skeleton. */
int nft_find_parts(struct nft_finder *f);

/* closure_number.c */
int nft_find_numbers(const struct nft_ruleset *rs, struct nft_closure *c);

/* The own sets of a rule for nft_match_rule(). */
struct nft_set_finder {
	const struct nft_ruleset *rs;
	uint32_t rule;
};
int nft_find_own_set(void *arg, struct nse_bytes name, struct nft_own_set *set);

#endif
