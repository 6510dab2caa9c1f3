/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The order in which nft records are shown: as in a listing of nft(8), table
 * by table, and in each its objects, sets, flowtables and chains.
 */
#ifndef NSE_CMD_NFT_ORDER_H
#define NSE_CMD_NFT_ORDER_H

#include <stdbool.h>

#include "lib/engine/nft/object.h"

enum cmd_nft_group {
	CMD_NFT_TABLE,
	CMD_NFT_OBJECT,
	CMD_NFT_SET,
	CMD_NFT_FLOWTABLE,
	CMD_NFT_CHAIN,
};

/* Elements are in the group of sets, rules in that of chains. */
enum cmd_nft_group cmd_nft_group(const struct nft_key *key);

/* <0, 0 when both are in one table, >0. */
int cmd_nft_table_cmp(const struct nft_key *a, const struct nft_key *b);

/* The same, 0 when both are of one table, object, set, flowtable or chain. */
int cmd_nft_block_cmp(const struct nft_key *a, const struct nft_key *b);

/* Is it a rule or an element? */
static inline bool cmd_nft_is_inside(const struct nft_key *key)
{
	return key->type == NFT_RULE || key->type == NFT_ELEMENT;
}

/* Reads the key of a good nft record; false: it is none. */
bool cmd_nft_key(const struct nse_record *rec, struct nft_key *key);

#endif
