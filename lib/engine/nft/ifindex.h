/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers of interfaces. An index means something on one host alone. In a
 * record there stands instead a number made of the interface's name (its top
 * bit is set, which no index has), and behind the body's attributes the names
 * themselves (NFT_BODY_IFNAMES), so that records of two hosts are the same
 * when their rules are, and the host that takes a record gives its own
 * indexes. 0 is no interface and stays.
 */
#ifndef NSE_ENGINE_NFT_IFINDEX_H
#define NSE_ENGINE_NFT_IFINDEX_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/engine/nft/object.h"
#include "lib/engine/nft/walk.h"
#include "lib/util/buf.h"
#include "lib/util/error.h"

#define NFT_IFNAMES_MAX 32 /* in one body */

struct nft_ifnames {
	char names[NFT_IFNAMES_MAX][IFNAMSIZ];
	unsigned int n;
};

/* The number that stands for a name in records. */
uint32_t nft_ifindex_number(const char *name);

/*
 * For the callback of a walk that makes a body: notes the interface of an
 * NFT_SITE_IFINDEX, and appends its number: 1. 0: another site, no interface,
 * or one that this host does not have (the index stays, and nft_ifindex_resolve
 * refuses it). -E2BIG for too many.
 */
int nft_ifindex_note_site(struct nft_ifnames *names, const struct nft_site *site,
			  struct nse_buf *to);

/* Appends the names behind the attributes, when there are any. */
int nft_ifindex_put(const struct nft_ifnames *names, struct nse_buf *body);

/* Notes what is in the bytes of a key: 1, or 0 when there was nothing to note. */
int nft_ifindex_note_key(const struct nft_layout *layout, uint8_t kind,
			 struct nse_bytes bytes, struct nft_ifnames *names,
			 struct nse_buf *out);

/*
 * Parts a body's attributes: those of the kernel, and the names behind them.
 * 0, or -EBADMSG when the names are no names or more than NFT_IFNAMES_MAX.
 */
int nft_ifindex_split(struct nse_bytes attrs, struct nse_bytes *kernel,
		      struct nft_ifnames *names);

/*
 * The kernel's attributes with the indexes that this host has: 1, or 0 when
 * they are `attrs` as they stand, and nothing was appended. -ENODEV with a text
 * that names the interface that this host does not have.
 */
int nft_ifindex_resolve(enum nft_type type, struct nse_bytes attrs, struct nse_buf *out,
			struct nse_error *err);

/* The same for the key of an element, of whose body `attrs` are. */
int nft_ifindex_resolve_key(struct nse_bytes attrs, uint8_t kind, struct nse_bytes bytes,
			    struct nse_buf *out, struct nse_error *err);

/* A layout whose every word may be a number: for elements, of whose set nothing is known.
 */
void nft_ifindex_layout(size_t key_len, size_t data_len, struct nft_layout *layout);

#endif
