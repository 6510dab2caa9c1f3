/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What one network namespace has in nf_tables, as a graph in memory: every
 * table, chain, rule, set, stateful object and flowtable with its attributes
 * as the kernel dumped them, the elements of those sets that somebody has to
 * look into, and who refers to whom. It is read in one generation of the
 * ruleset, or read again.
 *
 * Nodes are numbers (index into nodes[]), in this order: tables, then of each
 * type in the kernel's order; rules of a chain are consecutive and in order.
 */
#ifndef NSE_ENGINE_NFT_RULESET_H
#define NSE_ENGINE_NFT_RULESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/context/record.h"
#include "lib/engine/nft/object.h"
#include "lib/engine/nft/walk.h"
#include "lib/netlink/nl.h"
#include "lib/util/error.h"

#define NFT_NODE_NONE UINT32_MAX

struct nft_element {
	struct nse_bytes bytes; /* as in struct nft_key */
	struct nse_bytes attrs; /* NFTA_SET_ELEM_* as dumped */
	uint8_t kind;		/* enum nft_element_kind */
};

/* A reference, found in a rule, in an element or in a set's expressions. */
struct nft_ref {
	uint32_t from;	  /* node: the rule, or the set of the element */
	uint32_t element; /* index in from's elements, NFT_NODE_NONE: from itself */
	uint32_t to;	  /* node */
};

struct nft_node {
	enum nft_type type; /* never NFT_ELEMENT */
	uint8_t family;
	uint32_t table; /* node of its table; a table: itself */
	uint32_t chain; /* rules: node of the chain; others: NFT_NODE_NONE */
	/*
	 * Anonymous sets and bound chains: the rule that has it and the how
	 * manieth such name in the rule it is; else NFT_NODE_NONE.
	 */
	uint32_t owner, owner_k;
	uint32_t number; /* rules: in the chain; others: of its type in its table */
	uint64_t handle;
	uint32_t flags;		   /* NFTA_{TABLE,CHAIN,SET}_FLAGS */
	uint32_t objtype;	   /* objects */
	struct nse_bytes name;	   /* in the kernel; empty for rules */
	struct nse_bytes attrs;	   /* all attributes as dumped */
	struct nft_layout *layout; /* sets */

	/* Chains: their rules. */
	uint32_t first_rule, nrules;

	/* Sets, when loaded: their elements in the order of the dump. */
	struct nft_element *elements;
	uint32_t nelements;
	bool loaded;
	bool base; /* chains: hooked */

	uint32_t first_ref, nrefs;   /* out of it, in ruleset->refs */
	uint32_t first_user, nusers; /* into it, in ruleset->users (indexes of refs) */
};

struct nft_ruleset {
	struct nft_node *nodes;
	uint32_t n, ntables;
	struct nft_ref *refs; /* sorted by `from` */
	uint32_t nrefs;
	uint32_t *users; /* indexes into refs, sorted by `to` */
	uint32_t genid;
	struct nft_arena *arena; /* owns all bytes, elements and layouts */
	struct nft_names *names; /* index by (type, table, name) */
};

/* Which elements nft_ruleset_load() keeps in the graph. */
enum nft_elements {
	NFT_ELEMENTS_NONE,
	NFT_ELEMENTS_ANONYMOUS, /* of the kernel's own sets only (all digests need) */
	NFT_ELEMENTS_ALL,
};

/*
 * Reads the namespace of the socket. 0, -ENOMEM, -EPERM, -EOPNOTSUPP (a kernel
 * without nf_tables: *rs is then an empty ruleset and 0 is returned),
 * -EAGAIN with a text when it changed at every of many tries, -EPROTO for an
 * answer that makes no sense. *rs is freed by nft_ruleset_free(NULL ok).
 */
int nft_ruleset_load(struct nse_nl *nl, enum nft_elements which, struct nft_ruleset **rs,
		     struct nse_error *err);
void nft_ruleset_free(struct nft_ruleset *rs);
void nft_ruleset_freep(struct nft_ruleset **rs);

/* Is the namespace still in the generation in which rs was read? 1, 0, -errno. */
int nft_ruleset_current(struct nse_nl *nl, const struct nft_ruleset *rs,
			struct nse_error *err);

/*
 * Dumps the elements of a set of the ruleset to the callback, without keeping
 * them: 0, -EAGAIN (changed meanwhile: what was given is void), what the
 * callback returned.
 */
typedef int nft_element_cb(void *arg, const struct nft_element *e);
int nft_ruleset_elements(struct nse_nl *nl, const struct nft_ruleset *rs, uint32_t set,
			 nft_element_cb *cb, void *arg, struct nse_error *err);

/*
 * The node of a name in a table (objtype only for objects; a table: table
 * is ignored and family and name say which), or NFT_NODE_NONE.
 */
uint32_t nft_ruleset_find(const struct nft_ruleset *rs, enum nft_type type,
			  uint8_t family, struct nse_bytes table, struct nse_bytes name,
			  uint32_t objtype);

/*
 * The node that a record's key stands for here: names that are ours ("@…") are
 * followed through the rule that they name; rules by chain and number. For an
 * element the node of its set. NFT_NODE_NONE.
 */
uint32_t nft_ruleset_resolve(const struct nft_ruleset *rs, const struct nft_key *key);

/* A node that the kernel names by itself: belongs to its owner alone. */
static inline bool nft_node_is_owned(const struct nft_node *n)
{
	return n->owner != NFT_NODE_NONE;
}

#endif
