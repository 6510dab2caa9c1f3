/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the kernel does not take as it dumps it, expression by expression.
 */
#ifndef NSE_ENGINE_NFT_BUILD_FIX_H
#define NSE_ENGINE_NFT_BUILD_FIX_H

#include <stdint.h>

#include "lib/context/record.h"
#include "lib/engine/nft/object.h"
#include "lib/util/buf.h"

/* What a set or chain is in this transaction. */
struct nft_id {
	uint32_t id;	  /* SET_ID or CHAIN_ID */
	uint32_t map;	  /* sets: NFT_SET_MAP or NFT_SET_OBJECT of a map, else 0 */
	uint64_t timeout; /* sets: of elements that have none of their own; 0: none */
};

/* 0, or -EBADMSG for a name that nothing has. */
typedef int nft_id_fn(void *arg, enum nft_type type, struct nse_bytes name,
		      struct nft_id *id);

struct nft_fix {
	struct nse_buf *out;
	nft_id_fn *find;
	void *arg;
	uint8_t family;
};

/* What the kernel makes the name of an anonymous set of. */
struct nse_bytes nft_fix_pattern(const struct nft_id *id);

/* Appends the attributes of a rule's body. 0, -EBADMSG, -EMSGSIZE, -ENOMEM. */
int nft_fix_rule(struct nft_fix *f, struct nse_bytes attrs);

/*
 * Appends the attributes of an element that expires in that many milliseconds,
 * in a set with that timeout. A rule can give an element more time than its
 * timeout, which the kernel does not take: then its timeout is the time left.
 */
int nft_fix_element(struct nse_buf *out, struct nse_bytes attrs, uint64_t expiration,
		    uint64_t set_timeout);

/* Appends the attributes of a table's body: it must not have an owner. */
int nft_fix_table(struct nft_fix *f, struct nse_bytes attrs);

#endif
