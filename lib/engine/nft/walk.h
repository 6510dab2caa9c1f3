/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The walk through an expression list (NFTA_RULE_EXPRESSIONS and the like),
 * an element or any object's attributes, which finds the places where
 * something stands that an engine must know: names of other objects, names and
 * numbers of interfaces, addresses, values that move. What registers hold is
 * followed from expression to expression (meta iifname → register → cmp), as
 * nf_tables itself does at run time, so that the bytes of a cmp, a range, a
 * lookup or a dynset have a meaning.
 */
#ifndef NSE_ENGINE_NFT_WALK_H
#define NSE_ENGINE_NFT_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/context/record.h"
#include "lib/engine/nft/object.h"
#include "lib/util/buf.h"
#include "lib/util/error.h"

/* What stands at a place. */
enum nft_site_kind {
	/* Names; data is the string without its NUL. */
	NFT_SITE_SET,	    /* lookup, dynset, objref through a map */
	NFT_SITE_CHAIN,	    /* verdict of an immediate or of an element */
	NFT_SITE_OBJECT,    /* objref, element's objref; objtype says which sort */
	NFT_SITE_FLOWTABLE, /* flow add @… */
	NFT_SITE_DEVICE,    /* device of a hook (chain, flowtable) */
	/*
	 * Bytes with a meaning. data is the field alone: of a cmp as many bytes
	 * as it compares, of a key or data of an element the field's bytes.
	 */
	NFT_SITE_IFNAME,  /* 16 bytes NUL-padded, or fewer: a prefix (wildcard) */
	NFT_SITE_IFINDEX, /* u32 of the host's byte order; of an end, the last one */
	NFT_SITE_MAC,	  /* 6 bytes, or fewer */
	NFT_SITE_IP4,	  /* 4 bytes, or fewer: a prefix */
	NFT_SITE_IP6,	  /* 16 bytes, or fewer */
	/*
	 * An xt match or target whose structure is not known here: data is its
	 * info blob, name its name. Of those that are (physdev, mac, iprange,
	 * conntrack, SNAT, ebtables' ip, …) each field is a site as above.
	 */
	NFT_SITE_XT,
	/* A value that moves by itself: 4 or 8 bytes. */
	NFT_SITE_VALUE,
};

/* How the bytes are compared. */
enum nft_site_op {
	NFT_OP_NONE, /* not a comparison: a name, data of a map, an immediate */
	NFT_OP_EQ,
	NFT_OP_NEQ,
	NFT_OP_OTHER, /* <, >, a masked value; a device: all that begin so */
	NFT_OP_FROM,  /* first of a range, or start of an interval */
	NFT_OP_TO,    /* last of a range, or (the key of an element that ends an
			 interval) what follows the last */
};

struct nft_site {
	enum nft_site_kind kind;
	enum nft_site_op op;
	struct nse_bytes data;
	/*
	 * Bytes with a meaning: how many leading bits of data are compared, as a
	 * rule all; fewer behind a mask (then op is NFT_OP_OTHER), 0 for a mask
	 * with holes.
	 */
	uint16_t bits;
	uint32_t objtype;      /* NFT_SITE_OBJECT; 0: not known */
	struct nse_bytes name; /* NFT_SITE_XT: of the extension */
};

/*
 * Called for each place in the order of the bytes. `to` is NULL when the walk
 * only looks; else the callback may append to it what shall stand there
 * instead and return 1. 0: as it was. -errno ends the walk. What replaces a
 * field of fixed size must have the size of the old one (-EINVAL); names, the
 * bytes of a cmp, and xt blobs may change their size.
 */
typedef int nft_site_cb(void *arg, const struct nft_site *site, struct nse_buf *to);

/*
 * What a set's key and data are made of: fields one behind the other, each
 * rounded up to 4 bytes in a concatenation.
 */
#define NFT_FIELDS_MAX 16
#define NFT_PLAIN      255 /* kind of a field without a meaning */

struct nft_field {
	uint8_t kind;	     /* enum nft_site_kind of the meaningful ones, or NFT_PLAIN */
	uint8_t offset, len; /* bytes; len without the rounding */
};

struct nft_layout {
	struct nft_field key[NFT_FIELDS_MAX], data[NFT_FIELDS_MAX];
	uint8_t nkey, ndata;
	uint8_t key_len, data_len; /* bytes of the whole */
	bool interval; /* NFT_SET_INTERVAL without NFT_SET_CONCAT: start and end elements
			*/
	bool ordered;  /* NFT_SET_INTERVAL: keys are in network order, indexes as well */
	uint8_t objtype; /* of the objects that elements refer to: NFT_OBJECT_* or 0 */
};

/*
 * The layout of a set from its attributes (NFTA_SET_KEY_TYPE is nft(8)'s
 * number of the type, 6 bits for each part of a concatenation; KEY_LEN, DESC's
 * CONCAT, DATA_TYPE, FLAGS). A set of unknown types has no fields.
 */
void nft_layout_of(struct nse_bytes set_attrs, struct nft_layout *layout);

/*
 * Walks the attributes of an object of the given type (NFTA_RULE_*,
 * NFTA_SET_ELEM_*, NFTA_OBJ_*, …; for sets also their expressions). For
 * elements `layout` is that of the set (NULL: keys and data have no meaning).
 * With `out` the attributes are rewritten into it (appended); out == NULL only
 * looks. Unknown expressions and attributes are copied as they are. 0,
 * -EBADMSG for attributes that are not well formed, what the callback
 * returned, -EMSGSIZE, -ENOMEM.
 *
 * Of a quota the flag NFT_QUOTA_F_DEPLETED is cleared in `out`: the kernel
 * makes it of the bytes that are used up, and does not take it.
 */
int nft_walk(enum nft_type type, struct nse_bytes attrs, const struct nft_layout *layout,
	     nft_site_cb *cb, void *arg, struct nse_buf *out);

/*
 * The same for an object of a table of the given family (NFPROTO_*), which
 * tells what the bytes of a packet's header are where the rule does not (in
 * ip6, 4 bytes at 24 are a prefix; in arp they are an address).
 */
int nft_walk_in(uint8_t family, enum nft_type type, struct nse_bytes attrs,
		const struct nft_layout *layout, nft_site_cb *cb, void *arg,
		struct nse_buf *out);

/*
 * The same for the places of which no register tells anything: names, values
 * that move, xt. Bytes with a meaning are passed over, which is several times
 * faster.
 */
int nft_walk_names(enum nft_type type, struct nse_bytes attrs, nft_site_cb *cb, void *arg,
		   struct nse_buf *out);

/*
 * Walks the bytes of an element's key (both halves of a range) by the layout;
 * `kind` is the element's. A field that is the same in both halves of a range
 * is NFT_OP_EQ in both. `out` as above.
 */
int nft_walk_key(const struct nft_layout *layout, uint8_t kind, struct nse_bytes bytes,
		 nft_site_cb *cb, void *arg, struct nse_buf *out);

#endif
