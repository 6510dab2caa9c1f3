/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One expectation, and its bytes as a record of kind expect/expectation.
 * Integers are big endian, addresses and ports as on the wire; A is 4 bytes
 * for IPv4 and 16 for IPv6.
 *
 *	key
 *	  u8  l3		4 or 6
 *	  u8  l4		protocol number of what is expected
 *	  u8  l4 of the master
 *	  u16 zone of the master, original direction
 *	  u16 zone, reply direction (equal for a plain zone)
 *	  A source, A destination, 4 bytes: sport, dport | ICMP id, type, code |
 *				GRE keys | 0
 *	  A mask of the source, 2 bytes: mask of the source port
 *	  the master's original tuple: A, A, 4 bytes
 *
 *	body
 *	  u32 flags		NF_CT_EXPECT_…
 *	  u32 class
 *	  A   reply source of the master
 *	  u8  NAT		0 none, 1 original, 2 reply direction
 *	  A, 2 bytes		with NAT: address and port
 *	  u8 n, n bytes		the master's helper
 *	  u8 n, n bytes		function that is called for the new entry, or none
 *
 *	state
 *	  u32 timeout		remaining seconds
 *
 * The master's reply source is what NAT has made of its destination: it tells
 * whose the connection is when its destination does not.
 */
#ifndef NSE_ENGINE_EXPECT_ROW_H
#define NSE_ENGINE_EXPECT_ROW_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/context/record.h"
#include "lib/engine/ct_entry.h"
#include "lib/util/buf.h"
#include "lib/util/error.h"

#define NSE_EXPECT_FUNCTION 32 /* bytes of a function's name with its NUL */
#define NSE_EXPECT_TEXT	    (2 * CT_TEXT + 32)

struct nse_expect {
	uint8_t l3; /* 4 or 6 */
	uint8_t l4, master_l4;
	uint16_t zone_orig, zone_reply; /* as in struct ct_entry */
	struct ct_tuple tuple, master;
	uint8_t mask_src[16], mask_sport[2];

	uint32_t flags, class;
	uint8_t reply_src[16];
	bool nat;
	uint8_t nat_dir; /* 0 original, 1 reply */
	uint8_t nat_addr[16], nat_port[2];
	char helper[CT_HELPER_NAME];
	char function[NSE_EXPECT_FUNCTION]; /* "" for none */

	uint32_t timeout;

	uint32_t id; /* the kernel's, as it came; not in rows */
};

extern const struct nse_kind nse_expect_kind;

static inline bool nse_expect_is(const struct nse_record *rec)
{
	return nse_kind_equal(rec->kind, &nse_expect_kind);
}

/* Bytes of an address: 4 or 16. */
static inline size_t nse_expect_addr_size(const struct nse_expect *e)
{
	return e->l3 == 4 ? 4 : 16;
}

/* AF_INET or AF_INET6. */
uint8_t nse_expect_family(const struct nse_expect *e);

/* Appends key, body and state. 0, -ENOMEM or -EMSGSIZE. */
int nse_expect_encode(const struct nse_expect *e, struct nse_buf *key,
		      struct nse_buf *body, struct nse_buf *state);

/* Reads foreign bytes; -EBADMSG with a text unless encode could have written them. */
int nse_expect_decode(const struct nse_record *rec, struct nse_expect *e,
		      struct nse_error *err);

bool nse_expect_key_equal(const struct nse_expect *a, const struct nse_expect *b);

/* Equal in all that the kernel can restore? */
bool nse_expect_body_equal(const struct nse_expect *a, const struct nse_expect *b);

/*
 * The expected entry and its master, with what is known of them: tuple,
 * zones, and of the child its master.
 */
void nse_expect_child(const struct nse_expect *e, struct ct_entry *child);
void nse_expect_master(const struct nse_expect *e, struct ct_entry *master);

/* "tcp … -> …, expected by tcp … -> … zone …". Returns out. */
const char *nse_expect_text(const struct nse_expect *e, char out[NSE_EXPECT_TEXT]);

#endif
