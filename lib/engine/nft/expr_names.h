/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a rule is made of, by name.
 */
#ifndef NSE_ENGINE_NFT_EXPR_NAMES_H
#define NSE_ENGINE_NFT_EXPR_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/context/record.h"

/*
 * The names of the expressions in a rule's attributes in their order, with the
 * name of the extension behind matches and targets of x_tables: "payload, cmp,
 * match physdev"; with xt_only the extensions alone: "physdev". Cut to room.
 */
void nft_expr_names(struct nse_bytes attrs, bool xt_only, char *text, size_t room);

#endif
