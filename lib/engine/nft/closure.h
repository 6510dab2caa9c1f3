/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What of a ruleset belongs to a domain. Seeds are the tables and chains that
 * the scope selects, rules of any chain that match one of its interfaces, MAC
 * or host addresses by equality, and elements whose key has one of them. From
 * there everything that is referred to and that nobody else uses belongs to
 * it, too. What others use as well is a dependency.
 *
 * Other domains have their closures in the same way: a rule in a chain that
 * only another domain uses is that domain's, whatever addresses it names. So
 * no two domains of a host have anything in common but dependencies.
 */
#ifndef NSE_ENGINE_NFT_CLOSURE_H
#define NSE_ENGINE_NFT_CLOSURE_H

#include <stdint.h>

#include "lib/context/scope.h"
#include "lib/engine/nft/ruleset.h"
#include "lib/util/error.h"

enum nft_part {
	NFT_NOT_OURS,
	NFT_OURS,    /* moves with the domain */
	NFT_NEEDED,  /* a dependency: must exist alike on the other host */
	NFT_SKELETON /* a rule of a needed chain that is nobody's own */
};

/* Why an object is in. */
enum nft_reason {
	NFT_WHY_NONE,
	NFT_WHY_ALL,	  /* everything was asked for */
	NFT_WHY_SELECTED, /* its table or chain was chosen by name or pattern */
	NFT_WHY_VIF,	  /* it matches an interface of the domain */
	NFT_WHY_MAC,
	NFT_WHY_ADDRESS,
	NFT_WHY_USED,	  /* only parts of the domain refer to it: see by */
	NFT_WHY_CONTAINS, /* it holds a part of the domain, or looks into a set that
			     does: see by */
	NFT_WHY_PATTERN,  /* as NFT_WHY_SELECTED, by a pattern of the configuration */
	NFT_WHY_PART,	  /* its table, chain or set is the domain's: see by */
	NFT_WHY_SHARED,	  /* not in, although it names the domain: others, too */
	NFT_WHY_HELD,	  /* not in, although it names the domain: a program has its
			     table (NFT_TABLE_F_OWNER) */
};

struct nft_member {
	uint8_t part;	/* enum nft_part */
	uint8_t reason; /* enum nft_reason */
	uint32_t by;	/* the node that brought it in, or NFT_NODE_NONE */
};

struct nft_closure {
	struct nft_member *nodes;     /* by node */
	struct nft_member **elements; /* by node of a set whose elements are not of
					 one part: by element; else NULL (an element
					 is what its set is) */
	uint32_t *number; /* rules that are ours: numbered from 0 in each chain;
			     skeleton rules likewise, counted apart */
	uint32_t *place;  /* rules that are ours in a needed chain: see NFT_PLACE_NONE */
	uint32_t n;	  /* nodes */
	/*
	 * What names the domain and cannot be moved, since it names others as
	 * well (NFT_WHY_SHARED) or is held by a program (NFT_WHY_HELD): rules,
	 * base chains by their devices, and sets for one or more elements.
	 */
	uint32_t *shared;
	uint32_t nshared;
	struct nft_owners *owners; /* owned; whose names and addresses are */
};

/*
 * Finds the closure of the scope in a ruleset with all elements loaded. With
 * scope->all everything is ours but what an owner of a socket holds
 * (NFT_TABLE_F_OWNER), and the guard of nsemig. carry_shared makes ours of the
 * dependencies, too. 0, -ENOMEM, -ENOENT with a text (a table or chain that
 * was selected by its name does not exist), -EBUSY with a text (a program holds
 * a selected table). The ruleset must outlive *c.
 */
int nft_closure_find(const struct nft_ruleset *rs, const struct nse_scope *scope,
		     bool carry_shared, struct nft_closure *c, struct nse_error *err);
void nft_closure_release(struct nft_closure *c);

/* "matches vif5.0", "used only by chain inet filter web1", … cut to n bytes. */
void nft_closure_why(const struct nft_ruleset *rs, const struct nft_closure *c,
		     uint32_t node, uint32_t element, char *text, size_t n);

/*
 * Which rules of a chain are nobody's own, neither of the given domains (may
 * be NULL) nor of an interface like vif5.0: the skeleton that the places of
 * anchor rules count. general[i] is 1 or 0 for the chain's i-th rule. 0 or
 * -ENOMEM.
 */
int nft_closure_general(const struct nft_ruleset *rs, const struct nse_domain *others,
			uint32_t chain, uint8_t *general);

#endif
