/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The numbers of nf_tables and their names, as nft(8) has them.
 */
#ifndef NSE_ENGINE_NFT_WORDS_H
#define NSE_ENGINE_NFT_WORDS_H

#include <stdint.h>

struct nft_word {
	uint32_t value; /* a number, or the bit of a flag */
	const char *name;
};

/* Each ends with a name that is NULL. */
extern const struct nft_word nft_w_table_flags[], nft_w_chain_flags[], nft_w_set_flags[],
	nft_w_flowtable_flags[], nft_w_element_flags[];
extern const struct nft_word nft_w_policy[], nft_w_set_policy[], nft_w_objtype[];
extern const struct nft_word nft_w_verdict[], nft_w_cmp[], nft_w_range[], nft_w_bitwise[],
	nft_w_byteorder[], nft_w_dynset[], nft_w_dynset_flags[], nft_w_invert[],
	nft_w_payload_base[], nft_w_exthdr[], nft_w_exthdr_flags[], nft_w_meta[],
	nft_w_rt[], nft_w_ct[], nft_w_ct_dir[], nft_w_socket[], nft_w_fib[],
	nft_w_fib_flags[], nft_w_hash[], nft_w_numgen[], nft_w_over[], nft_w_limit[],
	nft_w_log_level[], nft_w_log_flags[], nft_w_queue_flags[], nft_w_reject[],
	nft_w_nat[], nft_w_nat_flags[], nft_w_osf_flags[], nft_w_synproxy_flags[],
	nft_w_xfrm[], nft_w_xfrm_dir[], nft_w_tunnel[];

/* The name of a value, or NULL. */
const char *nft_word(const struct nft_word *words, uint32_t value);

/* Where a chain of that family hooks in ("forward"), or NULL. */
const char *nft_hook_name(uint8_t family, uint32_t hook);

/* One of nft(8)'s types of data, as "ipv4_addr", or NULL. */
const char *nft_datatype_name(uint32_t type);

#endif
