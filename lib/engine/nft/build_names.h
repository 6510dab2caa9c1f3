/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The numbers that sets and chains without a name of their own have in a
 * transaction, by what the records call them ("@CHAIN:RULE:K").
 */
#ifndef NSE_ENGINE_NFT_BUILD_NAMES_H
#define NSE_ENGINE_NFT_BUILD_NAMES_H

#include <stdint.h>

#include "lib/engine/nft/build_fix.h"
#include "lib/engine/nft/object.h"
#include "lib/util/buf.h"

struct nft_names_entry {
	uint64_t hash;
	uint32_t at, n; /* of the bytes; n 0: empty */
	struct nft_id id;
};

struct nft_build_names {
	struct nft_names_entry *entries; /* owned; a power of two */
	uint32_t room, count;
	struct nse_buf bytes, scratch;
};

void nft_build_names_init(struct nft_build_names *t);
void nft_build_names_release(struct nft_build_names *t);

/* The key's table and the name in it: which set or chain (by key->type). */
int nft_build_names_add(struct nft_build_names *t, const struct nft_key *key,
			const struct nft_id *id);
/* 0, or -ENOENT; -ENOMEM. */
int nft_build_names_find(struct nft_build_names *t, enum nft_type type,
			 const struct nft_key *key, struct nse_bytes name,
			 struct nft_id *id);

#endif
