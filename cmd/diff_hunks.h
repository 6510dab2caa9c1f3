/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A chain's differences in hunks.
 */
#ifndef NSE_CMD_DIFF_HUNKS_H
#define NSE_CMD_DIFF_HUNKS_H

#include "cmd/diff_print.h"
#include "cmd/diff_rules.h"
#include "lib/engine/nft/render.h"

/* Prints them; texts: of both sides; headed: a heading of the chain is above. */
void diff_hunks(const struct diff_print *p, struct nft_texts *const texts[2],
		const struct diff_chain *c, bool headed);

#endif
