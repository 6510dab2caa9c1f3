/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bytes of a record of kind conntrack/entry. Integers are big endian,
 * addresses and ports as on the wire. Rows of one sort have one width, so
 * that the stream can transpose them into columns.
 *
 *	key (18 bytes for IPv4, 42 for IPv6)
 *	  u8  l3		4 or 6
 *	  u8  l4		protocol number
 *	  u16 zone, original direction
 *	  u16 zone, reply direction (equal for a plain zone)
 *	  4|16 source, 4|16 destination
 *	  4   sport, dport | ICMP id (2), type, code | GRE keys | 0
 *
 *	body
 *	  u16 present		enum ct_has; the parts below follow in this order
 *	  u32 status		IPS_…, only the bits of ct_status_body
 *	  u32 mark
 *	  REPLY		src, dst, 4 bytes as in the key; only when the reply tuple
 *			is not the inverse of the original one
 *	  TCP		u8 state, u8 wscale[2], u8 flags[2] (CT_TCP_FLAGS_BODY)
 *	  SCTP		u8 state, u32 vtag[2]
 *	  DCCP		u8 state, u8 role, u64 handshake sequence number
 *	  SEQADJ_ORIG	u32 correction position, u32 offset before, u32 after
 *	  SEQADJ_REPLY	the same
 *	  SYNPROXY	u32 isn, u32 its, u32 timestamp offset
 *	  LABELS	16 bytes as the kernel gives them
 *	  MASTER	a whole key: that of the entry which expected this one
 *	  HELPER	16 bytes, padded with NUL
 *	  INFO		u8 n, n bytes of the helper's private data
 *
 *	state
 *	  u32 timeout		remaining seconds
 *	  u8  parts		enum ct_state_has
 *	  COUNTERS	u64 packets, bytes (original), packets, bytes (reply)
 *	  START		u64 nanoseconds since 1970
 *
 * NAT is not stored: the status says which sides are translated, and the two
 * tuples say to what.
 */
#ifndef NSE_ENGINE_CT_ROW_H
#define NSE_ENGINE_CT_ROW_H

#include "lib/context/record.h"
#include "lib/engine/ct_entry.h"
#include "lib/util/error.h"

#define CT_KEY_V4    18
#define CT_KEY_V6    42
#define CT_BODY_MAX  256
#define CT_STATE_MAX 64

extern const struct nse_kind ct_kind;

/* A record and the memory of its parts. */
struct ct_row {
	struct nse_record rec;
	uint8_t key[CT_KEY_V6];
	uint8_t body[CT_BODY_MAX];
	uint8_t state[CT_STATE_MAX];
};

/* Fills the row; row->rec points into it. */
void ct_row_encode(const struct ct_entry *e, struct ct_row *row);

/* Writes the entry's key; returns its length. */
size_t ct_row_key(const struct ct_entry *e, uint8_t key[CT_KEY_V6]);

/* Writes the key of the entry's master into key; returns its length. */
size_t ct_row_master_key(const struct ct_entry *e, uint8_t key[CT_KEY_V6]);

/*
 * Reads a record, whoever wrote it: every length, number and name is checked.
 * 0 or -EBADMSG with a text.
 */
int ct_row_decode(const struct nse_record *rec, struct ct_entry *e,
		  struct nse_error *err);

/* Reads a key alone: protocols, zones and the original tuple. 0 or -EBADMSG. */
int ct_row_decode_key(struct nse_bytes key, struct ct_entry *e);

/*
 * Is it a record that ct_row_encode() could have written: decodable, and the
 * one encoding of what it says? 0 or -EBADMSG.
 */
int ct_row_check(const struct nse_record *rec, struct nse_error *err);

/* Is it ours? */
static inline bool ct_row_is(const struct nse_record *rec)
{
	return nse_kind_equal(rec->kind, &ct_kind);
}

/* What is present, of a (checked) record. */
static inline uint16_t ct_row_present(const struct nse_record *rec)
{
	return (uint16_t)(rec->body.p[0] << 8 | rec->body.p[1]);
}

#endif
