/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The readable form of nft records: as `nft list ruleset` prints them, with
 * remarks behind "#" on what is needed and why something is in.
 */
#ifndef NSE_CMD_SHOW_NFT_H
#define NSE_CMD_SHOW_NFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/show_why.h"
#include "lib/context/context.h"
#include "lib/util/error.h"

/* Is it a record that show_nft_print() prints? */
bool show_nft_is(const struct nse_record *rec);

/*
 * Prints those of the n slots that are nft records, table by table; nothing
 * when there is none. Names of tables, chains and sets that were not chosen
 * stand around what was. numbers (by slot, or NULL) stand in the remarks. 0 or
 * -errno with a text.
 */
int show_nft_print(const struct nse_context *ctx, const uint32_t *slots, size_t n,
		   const struct show_why *why, const uint32_t *numbers, bool color,
		   struct nse_error *err);

#endif
