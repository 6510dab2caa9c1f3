/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The records of the nft engine (nsemig-stream(5) has the bytes).
 *
 *	type		key
 *	table		family, table
 *	chain		family, table, chain
 *	object		family, table, name, type of object
 *	flowtable	family, table, name
 *	set		family, table, set (maps, too)
 *	element		family, table, set, key bytes, kind
 *	rule		family, table, chain, number of the rule in its chain
 *
 * and the same with "need-" in front: a dependency, which must exist alike on
 * the host that takes the context, and is not made there.
 *
 * What the kernel names by itself has no such name in a record: an anonymous
 * set is called after the rule that looks into it, a chain of `jump { … }`
 * after the rule that jumps, as "@CHAIN:RULE:K" for the K-th such name in the
 * rule. In the rule's own body they are "@K".
 *
 * Body: u8 layout (NFT_LAYOUT: byte order of attribute headers and registers),
 * for rules u64 digest (of the content of the anonymous sets and bound chains
 * that it names) and u32 place (see NFT_PLACE), then the kernel's attributes
 * as dumped, but for what names, numbers or counts: those are in the key, or
 * local to a host, or state. Every value that moves by itself is zero in the
 * body.
 *
 * State: u8 flags, with NFT_STATE_EXPIRES the u64 milliseconds that an element
 * has left, with NFT_STATE_ORDER an u32 by which it stands among its like, then
 * the values that are zero in the body, each a u64, in the order of the body.
 * All big endian.
 */
#ifndef NSE_ENGINE_NFT_OBJECT_H
#define NSE_ENGINE_NFT_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/context/record.h"
#include "lib/util/buf.h"
#include "lib/util/error.h"

/* Installing goes through the types in this order. */
enum nft_type {
	NFT_TABLE,
	NFT_OBJECT,
	NFT_CHAIN,
	NFT_FLOWTABLE,
	NFT_SET,
	NFT_ELEMENT,
	NFT_RULE,
	NFT_TYPES,
};

/* "table", …, of the dependency "need-table", …; kinds of engine "nft". */
extern const struct nse_kind nft_kinds[NFT_TYPES];
extern const struct nse_kind nft_need_kinds[NFT_TYPES];

/* For struct nse_engine: all names, NULL-terminated. */
extern const char *const nft_type_names[];

#if __BYTE_ORDER == __LITTLE_ENDIAN
#define NFT_LAYOUT 1
#else
#define NFT_LAYOUT 2
#endif

/*
 * Behind the kernel's attributes in a body: names of the interfaces whose
 * numbers stand in it (ifindex.h). A list of strings of type 1.
 */
#define NFT_BODY_IFNAMES 60

#define NFT_RULE_HEAD	  13 /* bytes of a rule's body ahead of its attributes */
#define NFT_HEAD	  1  /* of any other's */
#define NFT_STATE_EXPIRES 0x1
/*
 * What has a name stands in its table in the order in which it was made, and
 * base chains of one priority are passed in that order; so are elements of
 * sets that are concatenations of ranges tried. The order is in the state,
 * since it moves by what others make and remove.
 */
#define NFT_STATE_ORDER 0x2

/*
 * Place of a rule in a chain that is a dependency (an anchor rule): how many
 * of the chain's need-rules stand before it. In a chain that is carried whole
 * it is NFT_PLACE_NONE: there the number in the key is all.
 */
#define NFT_PLACE_NONE UINT32_MAX

/* In the order in which elements of one key must be installed. */
enum nft_element_kind {
	NFT_ELEMENT_END,      /* end of an interval (NFT_SET_ELEM_INTERVAL_END) */
	NFT_ELEMENT_PLAIN,    /* a key, or the start of an interval */
	NFT_ELEMENT_RANGE,    /* first half of the bytes to the second half (KEY_END) */
	NFT_ELEMENT_CATCHALL, /* no bytes */
};

/* A decoded key; the views point into the record or the caller's strings. */
struct nft_key {
	enum nft_type type;
	bool need;	/* a dependency */
	uint8_t family; /* NFPROTO_* */
	struct nse_bytes table;
	struct nse_bytes name;	/* chain of a rule, set of an element; empty: a table */
	uint32_t objtype;	/* objects: NFT_OBJECT_* */
	uint32_t rule;		/* rules: number, from 0 */
	struct nse_bytes bytes; /* elements */
	uint8_t kind;		/* elements: enum nft_element_kind */
};

/* Is it one of this engine's kinds? Sets type and need. */
bool nft_kind_of(const struct nse_kind *kind, enum nft_type *type, bool *need);

/* Appends the key's encoding: 0, -EMSGSIZE, -ENOMEM. */
int nft_key_encode(const struct nft_key *key, struct nse_buf *b);

/*
 * Reads a record's key. Names are 1 to 255 bytes without NUL (those of sets and
 * chains that begin with '@' are "@CHAIN:RULE:K" and below NFT_NAME_MAX),
 * families and kinds known: else -EBADMSG with a text. rec's bytes must outlive *key.
 */
int nft_key_decode(const struct nse_record *rec, struct nft_key *key,
		   struct nse_error *err);

/*
 * The same for one record after another of one kind: *key is what came of the one
 * before (all zero at first). Names that are the same are not read again.
 */
int nft_key_decode_next(const struct nse_record *rec, struct nft_key *key,
			struct nse_error *err);

#define NFT_NAME_MAX 1024 /* bytes of a name in a record */

/* Is the name one of those that stand for a kernel's own name ("@…")? */
static inline bool nft_name_is_ours(struct nse_bytes name)
{
	return name.n && name.p[0] == '@';
}

/* A name as "@CHAIN:RULE:K" into `to` (NFT_NAME_MAX bytes); -EMSGSIZE. */
int nft_name_make(char *to, struct nse_bytes chain, uint32_t rule, uint32_t k);

/* The body's attributes, behind its head; {NULL, 0} for one too short. */
struct nse_bytes nft_body_attrs(enum nft_type type, struct nse_bytes body);

/* Digest and place of a rule's body (at least NFT_RULE_HEAD bytes). */
uint64_t nft_rule_digest(struct nse_bytes body);
uint32_t nft_rule_place(struct nse_bytes body);

/*
 * The object's name for people, as "rule 3 of chain inet filter forward" or
 * "element 10.0.0.1 of set ip nat hosts" (the bytes of an element by their number
 * alone: the type of the set is not known here), cut to n bytes.
 */
void nft_key_text(const struct nft_key *key, char *text, size_t n);

/* NFPROTO_* as nft(8) writes it ("inet"), or NULL; and back, -EINVAL. */
const char *nft_family_name(uint8_t family);
int nft_family_parse(const char *name, size_t n);

#endif
