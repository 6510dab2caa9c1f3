/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Netlink attributes as bytes: a bounded reader for lists that a file or a
 * peer may have sent, and a writer into a growing buffer. The layout is that
 * of struct nlattr (linux/netlink.h): u16 length with the header, u16 type,
 * both of the host's byte order, payload, zeros up to four bytes. The two top
 * bits of a type (NLA_F_NESTED, NLA_F_NET_BYTEORDER) are not part of it here.
 */
#ifndef NSE_ENGINE_NFT_ATTR_H
#define NSE_ENGINE_NFT_ATTR_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <linux/netlink.h>
#include <string.h>

#include "lib/context/record.h"
#include "lib/util/buf.h"

struct nft_attr {
	uint16_t type;
	struct nse_bytes data; /* the payload; a view */
};

/*
 * Takes the next attribute off the list: 1, 0 at the end, -EBADMSG when what
 * is left is not an attribute. Padding that is cut off at the very end of the
 * list is accepted, as the kernel does. It is here, since all reading is done
 * with it: some million times for a snapshot.
 */
static inline int nft_attr_next(struct nse_cur *c, struct nft_attr *a)
{
	size_t left = nse_cur_left(c), step;
	struct nlattr nla;

	if (left == 0)
		return 0;
	if (left < sizeof(nla))
		return -EBADMSG;
	memcpy(&nla, c->p, sizeof(nla));
	if (nla.nla_len < sizeof(nla) || nla.nla_len > left)
		return -EBADMSG;
	a->type = nla.nla_type & NLA_TYPE_MASK;
	a->data.p = c->p + sizeof(nla);
	a->data.n = nla.nla_len - sizeof(nla);
	step = NLA_ALIGN((size_t)nla.nla_len);
	c->p += step < left ? step : left;
	return 1;
}

/*
 * The attributes of a list by type: at[type] for types below `max`, {NULL, 0}
 * for absent ones; higher types are skipped, of a repeated one the last
 * counts. An empty payload has a pointer that is not NULL. 0 or -EBADMSG.
 */
int nft_attr_index(struct nse_bytes list, struct nse_bytes *at, size_t max);

/* The first attribute of that type; {NULL, 0} when absent or the list is bad ahead of it.
 */
struct nse_bytes nft_attr_find(struct nse_bytes list, uint16_t type);

/* Numbers in network order; 0 when the payload has another size. */
uint32_t nft_attr_u32(struct nse_bytes payload);
uint64_t nft_attr_u64(struct nse_bytes payload);

/*
 * A string: with or without a NUL at its end, none inside, 1 to 255 bytes.
 * The bytes without the NUL, or {NULL, 0}.
 */
struct nse_bytes nft_attr_str(struct nse_bytes payload);

/* Each appends one attribute: 0, -EMSGSIZE (also above 65535 bytes) or -ENOMEM. */
int nft_put(struct nse_buf *b, uint16_t type, const void *p, size_t n);
int nft_put_u8(struct nse_buf *b, uint16_t type, uint8_t v);
int nft_put_u32(struct nse_buf *b, uint16_t type, uint32_t v);
int nft_put_u64(struct nse_buf *b, uint16_t type, uint64_t v);
int nft_put_str(struct nse_buf *b, uint16_t type, struct nse_bytes s); /* adds a NUL */

/*
 * A nested attribute (NLA_F_NESTED is set): begin returns the offset to give
 * to end, or -errno; end fixes the length: 0 or -EMSGSIZE.
 */
long nft_nest(struct nse_buf *b, uint16_t type);
int nft_nest_end(struct nse_buf *b, long at);

static inline struct nse_bytes nft_str(const char *s)
{
	return (struct nse_bytes){ (const uint8_t *)s, strlen(s) };
}

#endif
