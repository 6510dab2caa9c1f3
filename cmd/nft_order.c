/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Comparing keys of nft records by the blocks in which they are shown.
 */
#include "cmd/nft_order.h"

enum cmd_nft_group cmd_nft_group(const struct nft_key *key)
{
	static const enum cmd_nft_group groups[NFT_TYPES] = {
		[NFT_TABLE] = CMD_NFT_TABLE, [NFT_OBJECT] = CMD_NFT_OBJECT,
		[NFT_CHAIN] = CMD_NFT_CHAIN, [NFT_FLOWTABLE] = CMD_NFT_FLOWTABLE,
		[NFT_SET] = CMD_NFT_SET,     [NFT_ELEMENT] = CMD_NFT_SET,
		[NFT_RULE] = CMD_NFT_CHAIN,
	};

	return groups[key->type];
}

static int bytes_cmp(struct nse_bytes a, struct nse_bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

int cmd_nft_table_cmp(const struct nft_key *a, const struct nft_key *b)
{
	int c = a->family - b->family;

	return c ? c : bytes_cmp(a->table, b->table);
}

int cmd_nft_block_cmp(const struct nft_key *a, const struct nft_key *b)
{
	int c = cmd_nft_table_cmp(a, b);

	c = c ? c : (int)cmd_nft_group(a) - (int)cmd_nft_group(b);
	c = c ? c : (a->objtype > b->objtype) - (a->objtype < b->objtype);
	return c ? c : bytes_cmp(a->name, b->name);
}

bool cmd_nft_key(const struct nse_record *rec, struct nft_key *key)
{
	bool need;

	return nft_kind_of(rec->kind, &key->type, &need) &&
	       nft_key_decode(rec, key, NULL) == 0;
}
