/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The digest of what a rule has besides its own attributes. Elements of a hash
 * come in another order on every host: theirs are added, which knows no order.
 */
#include "lib/engine/nft/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/engine/nft/object.h"

uint64_t nft_digest_begin(struct nse_bytes body)
{
	return XXH3_64bits(body.p, body.n);
}

uint64_t nft_digest_element(uint8_t kind, struct nse_bytes bytes, struct nse_bytes body)
{
	uint64_t h = XXH3_64bits_withSeed(bytes.p, bytes.n, kind);

	return XXH3_64bits_withSeed(body.p, body.n, h);
}

uint64_t nft_digest_rule(uint64_t chain, struct nse_bytes body)
{
	uint8_t head[NFT_RULE_HEAD];
	struct nse_bytes attrs = nft_body_attrs(NFT_RULE, body);

	if (!attrs.p)
		return chain;
	memcpy(head, body.p, sizeof(head));
	memset(head + 9, 0xff, 4); /* NFT_PLACE_NONE */
	chain = XXH3_64bits_withSeed(head, sizeof(head), chain);
	return XXH3_64bits_withSeed(attrs.p, attrs.n, chain);
}

uint64_t nft_digest_name(uint64_t rule, uint64_t named)
{
	uint8_t raw[8];
	uint64_t h;

	nse_st64(raw, named);
	h = XXH3_64bits_withSeed(raw, sizeof(raw), rule);
	return h ? h : 1;
}
