/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What attributes the body of a record may have, and how they nest.
 */
#ifndef NSE_ENGINE_NFT_SCHEMA_H
#define NSE_ENGINE_NFT_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "lib/engine/nft/object.h"

enum nft_shape {
	NFT_SHAPE_GONE,	   /* is never in a body */
	NFT_SHAPE_ANY,	   /* bytes */
	NFT_SHAPE_SIZE,	   /* as many bytes as `size` says */
	NFT_SHAPE_UPTO,	   /* at least one and at most that many */
	NFT_SHAPE_NAME,	   /* a string */
	NFT_SHAPE_REF,	   /* the name of a set or chain: "@K" in a rule, too */
	NFT_SHAPE_NEST,	   /* attributes by `in` */
	NFT_SHAPE_LIST,	   /* a list of NFTA_LIST_ELEM, each with attributes by `in` */
	NFT_SHAPE_DEVICES, /* a list of names of interfaces */
	NFT_SHAPE_DATA,	   /* of an expression, by its name; of an object, by its type */
};

struct nft_schema;

struct nft_member_shape {
	uint8_t type;  /* of the attribute */
	uint8_t shape; /* enum nft_shape */
	uint8_t size;
	const struct nft_schema *in;
};

/* An attribute that is not listed is unknown, and may be anything. */
struct nft_schema {
	const struct nft_member_shape *members;
	size_t n;
};

extern const struct nft_schema nft_body_schemas[NFT_TYPES];

/* Of one expression: NAME and DATA. */
extern const struct nft_schema nft_expr_schema;

/*
 * Of the data of an expression of that name, or of an object of that type; of
 * those that have nothing to say here it is empty.
 */
const struct nft_schema *nft_expr_data_schema(struct nse_bytes name);
const struct nft_schema *nft_object_data_schema(uint32_t objtype);

#endif
