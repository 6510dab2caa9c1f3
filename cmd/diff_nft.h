/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Differences of nft records as text: rules as lines in nft's syntax.
 */
#ifndef NSE_CMD_DIFF_NFT_H
#define NSE_CMD_DIFF_NFT_H

#include <stdbool.h>

#include "cmd/diff_print.h"

/* Is the item one that diff_nft_print() prints? */
bool diff_nft_is(const struct diff_print *p, const struct nse_diff_item *item);

/*
 * Prints all of them, chain by chain and set by set; nothing when there is
 * none. 0 or -errno with a text.
 */
int diff_nft_print(const struct diff_print *p, struct nse_error *err);

#endif
