/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files that read a ruleset share: dumps of one generation, and the
 * search for references.
 */
#ifndef NSE_ENGINE_NFT_RULESET_LOAD_H
#define NSE_ENGINE_NFT_RULESET_LOAD_H

#include "lib/engine/nft/arena.h"
#include "lib/engine/nft/ruleset.h"

/*
 * The generation of the namespace: 0, or -errno; -EOPNOTSUPP of a kernel
 * without nf_tables.
 */
int nft_dump_generation(struct nse_nl *nl, uint32_t *genid, struct nse_error *err);

/*
 * Appends the nodes of all types to an empty ruleset whose genid is set. 0,
 * -EAGAIN when the ruleset is in another generation, -errno.
 */
int nft_dump_nodes(struct nse_nl *nl, struct nft_ruleset *rs, struct nse_error *err);

/*
 * Hands over the elements of a set; their bytes are copied into the arena
 * `keep`, or good only for the call (NULL). As nft_ruleset_elements().
 */
int nft_dump_elements(struct nse_nl *nl, const struct nft_ruleset *rs, uint32_t set,
		      struct nft_arena *keep, nft_element_cb *cb, void *arg,
		      struct nse_error *err);

/*
 * Hands over the element with the key's bytes and kind (PLAIN or CATCHALL), if
 * the set has it. Not for sets with intervals, where the kernel answers with
 * what the bytes lie in. 0, -EAGAIN, -errno.
 */
int nft_dump_element(struct nse_nl *nl, const struct nft_ruleset *rs, uint32_t set,
		     const struct nft_key *key, nft_element_cb *cb, void *arg,
		     struct nse_error *err);

/*
 * Is it an anonymous set or a bound chain that the kernel gave its name? A
 * meter's set is anonymous, too, but is called as its user wants.
 */
bool nft_named_by_kernel(const struct nft_node *n);

/*
 * Finds all references of a ruleset anew, and the owners of what the kernel
 * named: 0, -ENOMEM, -EBADMSG.
 */
int nft_refs_find(struct nft_ruleset *rs);

#endif
