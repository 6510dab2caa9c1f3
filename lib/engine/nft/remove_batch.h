/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of a removal share.
 */
#ifndef NSE_ENGINE_NFT_REMOVE_BATCH_H
#define NSE_ENGINE_NFT_REMOVE_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/engine/nft/batch.h"
#include "lib/engine/nft/locate.h"

enum nft_stays {
	NFT_STAYS_BUSY = 1, /* somebody else uses it */
	NFT_STAYS_REFUSED,
};

struct nft_removal {
	struct nft_located l;
	enum nse_outcome gone, absent; /* what becomes of records */
	uint32_t *slots;	       /* owned; by node: its record, or none */
	bool *goes;		       /* owned; by slot: it is to be removed */
	uint8_t *stays; /* owned; by slot: enum nft_stays, as the kernel said */
	bool *wanted;	/* owned; by slot */
	bool again;	/* the kernel refused something */
};

/*
 * Appends what removes all that goes, what refers first and what is referred
 * to last. Of sets that stay the elements are looked for here. 0, -EAGAIN,
 * -errno.
 */
int nft_remove_build(struct nft_removal *r, struct nft_batch *batch,
		     struct nse_error *err);

#endif
