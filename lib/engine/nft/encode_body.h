/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bodies and states of nodes and elements, for encode.c. Each appends to
 * body, and to state unless that is NULL.
 */
#ifndef NSE_ENGINE_NFT_ENCODE_BODY_H
#define NSE_ENGINE_NFT_ENCODE_BODY_H

#include "lib/engine/nft/encode.h"

/* digest and place are for rules. -EMSGSIZE, -EBADMSG, -ENOMEM, without a text. */
int nft_body_of_node(struct nft_encoder *enc, uint32_t node, uint64_t digest,
		     uint32_t place, struct nse_buf *body, struct nse_buf *state);

/* The bytes of its key are appended to `key`, which may be body. */
int nft_body_of_element(struct nft_encoder *enc, uint32_t set,
			const struct nft_element *e, struct nse_buf *key,
			struct nse_buf *body, struct nse_buf *state);

/* Does a rule look at, or know, the number of an interface? */
bool nft_rule_has_index(struct nse_bytes attrs);

#endif
