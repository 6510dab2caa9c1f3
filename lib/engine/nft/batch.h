/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One transaction of nf_tables: messages between NFNL_MSG_BATCH_BEGIN and
 * _END, sent with one sendmsg(). The kernel does all of it or nothing.
 */
#ifndef NSE_ENGINE_NFT_BATCH_H
#define NSE_ENGINE_NFT_BATCH_H

#include <stdint.h>

#include "lib/netlink/nl.h"
#include "lib/util/buf.h"
#include "lib/util/error.h"

#define NFT_SLOT_NONE UINT32_MAX

struct nft_batch {
	struct nse_buf bytes;
	uint32_t *slots; /* by message: the record it comes from */
	size_t n, room;
	size_t open; /* offset of the message being built */
};

void nft_batch_init(struct nft_batch *b);
void nft_batch_release(struct nft_batch *b);

/*
 * Begins a message (NFT_MSG_*, NLM_F_CREATE and the like; NLM_F_REQUEST is
 * set); the caller appends attributes to b->bytes (attr.h) and ends it.
 * -EMSGSIZE, -ENOMEM.
 */
int nft_batch_open(struct nft_batch *b, uint16_t type, uint16_t flags, uint8_t family,
		   uint32_t slot);
int nft_batch_close(struct nft_batch *b);

/*
 * A message that the kernel refused: its slot, -errno, extended-ack text or "".
 * NFT_SLOT_NONE when it took each message and refused them as a whole (chains
 * that jump in a circle).
 */
typedef void nft_refused_cb(void *arg, uint32_t slot, int code, const char *text);

/*
 * Sends the batch; genid: only when the namespace is still in that generation
 * (0: whatever it is). 0: committed (an empty batch, too). -ECANCELED when
 * messages were refused, each of which was told to the callback, and nothing
 * was done; -ERESTART when the generation has passed; -errno of the link.
 */
int nft_batch_send(struct nse_nl *nl, struct nft_batch *b, uint32_t genid,
		   nft_refused_cb *refused, void *arg, struct nse_error *err);

#endif
