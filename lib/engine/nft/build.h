/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records as messages of a batch: what encode.h took away is given back, and
 * what the kernel does not take as it dumps it is mended (kernel-facts: limits
 * of dynset, osf, exthdr, xt's protocol).
 */
#ifndef NSE_ENGINE_NFT_BUILD_H
#define NSE_ENGINE_NFT_BUILD_H

#include "lib/context/context.h"
#include "lib/engine/nft/batch.h"
#include "lib/engine/nft/object.h"
#include "lib/util/error.h"

struct nft_builder; /* gives out SET_IDs and CHAIN_IDs for names that are ours */

int nft_builder_new(struct nft_builder **bd, struct nft_batch *batch);
void nft_builder_free(struct nft_builder *bd);

/*
 * Appends the message that makes the (checked) record: objects in the order of
 * enum nft_type, and the rules of bound chains ("@…") ahead of the rules that
 * jump there. Consecutive elements of one set share messages. `after` is the
 * handle of the rule behind which a rule goes, 0: at the end of the chain;
 * `before` likewise in front of one. 0, -EBADMSG, -EMSGSIZE, -ENOMEM, -ENODEV (an
 * interface that a rule names by number is not here); the batch is then as before.
 */
int nft_build(struct nft_builder *bd, const struct nse_record *rec, uint32_t slot,
	      uint64_t after, uint64_t before, struct nse_error *err);

/* The same for a key that is decoded already. */
int nft_build_key(struct nft_builder *bd, const struct nft_key *key,
		  const struct nse_record *rec, uint32_t slot, uint64_t after,
		  uint64_t before, struct nse_error *err);

/*
 * A set that is not made, since this host has it: what its record tells of its
 * elements is needed to make some.
 */
int nft_builder_know_set(struct nft_builder *bd, const struct nft_key *key,
			 const struct nse_record *rec);

/*
 * From now on each element has a message of its own, so that an answer of the
 * kernel tells which of them it is about.
 */
void nft_builder_singly(struct nft_builder *bd);

/* Appends the key of an element, as the kernel takes it. */
int nft_build_element_key(struct nse_buf *b, uint8_t kind, struct nse_bytes bytes);

/* Ends the message of elements that is open, if one is. To be called at last. */
int nft_build_flush(struct nft_builder *bd);

/*
 * Appends the messages that make all records of a context that are this
 * engine's and for which want() is true (NULL: all), in an order that the
 * kernel takes.
 */
typedef bool nft_want_cb(void *arg, uint32_t slot, const struct nft_key *key);
int nft_build_context(struct nft_builder *bd, const struct nse_context *ctx,
		      nft_want_cb *want, void *arg, struct nse_error *err);

#endif
