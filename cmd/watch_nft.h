/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Changed nft records on one line each, in nft's own syntax.
 */
#ifndef NSE_CMD_WATCH_NFT_H
#define NSE_CMD_WATCH_NFT_H

#include "lib/engine/watch.h"

struct watch_nft;

/*
 * Makes the texts of the nft records in the news; *w NULL when there are none.
 * 0 or -errno with a text. Freed by watch_nft_free(NULL ok).
 */
int watch_nft_new(struct watch_nft **w, const struct nse_watch_news *news, bool state,
		  struct nse_error *err);
void watch_nft_free(struct watch_nft *w);
void watch_nft_freep(struct watch_nft **w);

/*
 * The line of an item's one side, "nft chain inet filter web1: tcp dport 80 accept":
 * owned by the caller, not yet fit for a terminal. NULL: it is told by another item,
 * as the end of an interval by its beginning.
 */
char *watch_nft_line(const struct watch_nft *w, const struct nse_watch_news *news,
		     size_t item, bool after);

#endif
