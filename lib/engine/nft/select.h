/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The selectors of a scope (scope.h): FAMILY:TABLE and FAMILY:TABLE:CHAIN,
 * with a '?' ahead of one that may be missing.
 */
#ifndef NSE_ENGINE_NFT_SELECT_H
#define NSE_ENGINE_NFT_SELECT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/context/record.h"
#include "lib/context/scope.h"

struct nft_selector {
	bool may_miss;
	uint8_t family;		       /* NFPROTO_* */
	struct nse_bytes table, chain; /* views; chain is empty for a table */
};

/* Reads a selector of a table or of a chain; false when it is none. */
bool nft_selector_read(const char *text, bool chain, struct nft_selector *s);

/* Does the scope select that table by name, or that chain (or its table)? */
bool nft_selects_table(const struct nse_scope *scope, uint8_t family,
		       struct nse_bytes table);
bool nft_selects_chain(const struct nse_scope *scope, uint8_t family,
		       struct nse_bytes table, struct nse_bytes chain);

#endif
