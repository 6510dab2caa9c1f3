/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Nodes and elements of a ruleset as records: key, body and state as object.h
 * says. The names of rules' own sets and chains become "@…", local things go,
 * and what moves by itself goes from the body into the state, which is empty
 * (no flags either) when nothing of the object moves. Elements of a set are
 * numbered as they are made: they must come in their order. What is not in the body:
 *
 *	table		NAME USE HANDLE OWNER, NFT_TABLE_F_OWNER of FLAGS
 *	chain		TABLE NAME HANDLE USE ID
 *	object		TABLE NAME HANDLE USE (TYPE stays: DATA is read by it)
 *	flowtable	TABLE NAME HANDLE USE
 *	set		TABLE NAME HANDLE ID, 19 and 20 (type and count)
 *	element		KEY KEY_END EXPIRATION (FLAGS stays, although kind tells it)
 *	rule		TABLE CHAIN HANDLE POSITION ID POSITION_ID CHAIN_ID
 *
 * and padding.
 */
#ifndef NSE_ENGINE_NFT_ENCODE_H
#define NSE_ENGINE_NFT_ENCODE_H

#include "lib/context/record.h"
#include "lib/engine/nft/ruleset.h"
#include "lib/util/error.h"

/*
 * How nodes are numbered (nft_node.number) and where anchor rules stand: number[] and
 * place[] by node, NULL for the whole ruleset (then each has its number in the chain and
 * no place).
 */
struct nft_numbering {
	const uint32_t *number;
	const uint32_t *place;
};

struct nft_encoder {
	const struct nft_ruleset *rs;
	struct nft_numbering as;
	uint64_t *digests;		 /* of rules, by node; made when first needed */
	struct nse_buf key, body, state; /* of the record made last */
	struct nse_buf kept;		 /* attributes without the local ones */
	struct nse_buf digested;	 /* body of what a digest is made of */
	uint32_t prefix_of; /* set whose elements' key begins as `key` does */
	size_t prefix;	    /* with so many bytes */
	uint32_t next;	    /* number of the set's next element */
};

int nft_encoder_init(struct nft_encoder *enc, const struct nft_ruleset *rs,
		     const struct nft_numbering *as);
void nft_encoder_release(struct nft_encoder *enc);

/*
 * Makes the record of a node; `need` makes a dependency of it (without state).
 * *rec is a view, valid until the next call. 0, -EMSGSIZE with a text that
 * names the object, -EPROTO.
 */
int nft_encode_node(struct nft_encoder *enc, uint32_t node, bool need,
		    struct nse_record *rec, struct nse_error *err);

/* Makes the record of an element of the set; likewise. */
int nft_encode_element(struct nft_encoder *enc, uint32_t set, const struct nft_element *e,
		       bool need, struct nse_record *rec, struct nse_error *err);

#endif
