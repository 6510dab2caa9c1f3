/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Attributes as members of JSON objects, by tables: which member an attribute
 * becomes, and how its bytes read. Shared between the files describe*.c.
 */
#ifndef NSE_ENGINE_NFT_DESCRIBE_PRIVATE_H
#define NSE_ENGINE_NFT_DESCRIBE_PRIVATE_H

#include <jansson.h>

#include "lib/engine/nft/ifindex.h"
#include "lib/engine/nft/object.h"
#include "lib/engine/nft/walk.h"

enum nft_as {
	AS_NUMBER,  /* big endian, of 1, 2, 4 or 8 bytes */
	AS_HOST,    /* a number in the host's byte order */
	AS_SIGNED,  /* 32 bits */
	AS_WORD,    /* its name in `more` */
	AS_FLAGS,   /* a list of the names in `more` */
	AS_FAMILY,  /* NFPROTO_* */
	AS_TEXT,    /* a string */
	AS_HEX,	    /* bytes */
	AS_VALUE,   /* a number that moves: it goes into the state */
	AS_DATA,    /* NFTA_DATA_*: a value or a verdict */
	AS_FIELDS,  /* attributes by the table in `more`, members of the same object */
	AS_EXPR,    /* an expression, as a list of one */
	AS_EXPRS,   /* a list of expressions */
	AS_OBJECT,  /* the data of an object, by its type */
	AS_COMMENT, /* userdata; `more` is the type that a comment has there */
	AS_HOOK,    /* where a chain hooks in */
	AS_TYPES,   /* nft(8)'s types of data */
	AS_NAMES,   /* a list of attributes that are names */
	AS_LENGTHS, /* a list of elements with a number each */
	AS_SECONDS, /* attributes that are seconds: an object by their types */
	AS_NOTHING, /* it says nothing that is not in the key */
};

/* A table ends with a row that has no name. */
struct nft_shown {
	uint8_t attr;
	uint8_t how; /* enum nft_as */
	const char *name;
	const void *more;
};

/* The members of an expression of that name, and of the data of an object. */
const struct nft_shown *nft_expr_rows(struct nse_bytes name);
const struct nft_shown *nft_object_rows(uint32_t objtype);

/* What the walk told of a place. */
struct nft_told {
	struct nse_bytes data;
	uint64_t value;
	uint16_t bits;
	uint8_t kind; /* enum nft_site_kind */
	bool known;   /* there is a value */
};

/* One record while it is described. */
struct nft_describer {
	const struct nft_key *key;
	struct nft_told *told; /* in the order of the bytes */
	size_t ntold, room;
	struct nse_cur state; /* the values that are still to be read */
	struct nft_ifnames names;
	unsigned int depth; /* expressions in others */
	json_t *values;	    /* of the expression at hand; borrowed */
	json_t *out;	    /* the record's state; borrowed */
};

/* The interface whose number in a record these 4 bytes are, or NULL. */
const char *nft_ifname_of(const struct nft_ifnames *names, struct nse_bytes number);

/* A callback of the walk: keeps what it tells. */
int nft_describe_site(void *arg, const struct nft_site *site, struct nse_buf *to);

/* Adds NFTA_DATA_* as text, or verdict and chain; the value of a zero. */
int nft_describe_data(struct nft_describer *d, json_t *o, const char *name,
		      struct nse_bytes data);
int nft_describe_value(struct nft_describer *d, const char *name, struct nse_bytes zero);

/*
 * Describes the attributes of a (checked) record: walks them and adds what the
 * table says to `body`, values to `state`. `values` are the record's state
 * behind its head. 0, -ENOMEM.
 */
int nft_describe_attrs(const struct nft_key *key, struct nse_bytes attrs,
		       const struct nft_shown *fields, struct nse_bytes values,
		       json_t *body, json_t *state);

/* Each adds a member: 0 or -ENOMEM. */
int nft_json_set(json_t *o, const char *name, json_t *value);
int nft_json_number(json_t *o, const char *name, uint64_t v);
int nft_json_text(json_t *o, const char *name, struct nse_bytes text);
int nft_json_hex(json_t *o, const char *name, struct nse_bytes bytes);
/* The name, or when that is NULL the number as text. */
int nft_json_word(json_t *o, const char *name, const char *word, uint64_t v);

/* A number of up to 8 bytes in the host's byte order. */
uint64_t nft_host_number(struct nse_bytes b);

#endif
