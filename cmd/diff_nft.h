/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Differences of nft records as text: rules as lines in nft's syntax.
 */
#ifndef NSE_CMD_DIFF_NFT_H
#define NSE_CMD_DIFF_NFT_H

#include <stdbool.h>

#include "cmd/diff_print.h"
#include "lib/engine/nft/object.h"

/* Is the item one that diff_nft_print() prints? */
bool diff_nft_is(const struct diff_print *p, const struct nse_diff_item *item);

/* Its name, as "rule 3 of chain inet filter web"; false: it is no nft record. */
bool diff_nft_name(const struct diff_print *p, const struct nse_diff_item *item,
		   char *text, size_t room);

/*
 * The table, chain, set or object that it is or is in; of what belongs to one
 * rule, the chain. Views into a context; false: it is no nft record.
 */
bool diff_nft_block(const struct diff_print *p, const struct nse_diff_item *item,
		    struct nft_key *block);

/*
 * Did it come or go with the one rule that it belongs to? That rule tells it
 * all.
 */
bool diff_nft_is_part(const struct diff_print *p, const struct nse_diff_item *item);

/*
 * Prints all of them, chain by chain and set by set; nothing when there is
 * none. 0 or -errno with a text.
 */
int diff_nft_print(const struct diff_print *p, struct nse_error *err);

#endif
