/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A conntrack entry in memory, between the kernel's attributes (ct_msg.h) and
 * the bytes of a record (ct_row.h). Everything has a fixed size, so that
 * neither way allocates.
 */
#ifndef NSE_ENGINE_CT_ENTRY_H
#define NSE_ENGINE_CT_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CT_HELPER_NAME 16 /* bytes of a helper's name with its NUL */
#define CT_HELPER_INFO 32 /* bytes of a helper's private data at most */
#define CT_LABELS      16
#define CT_TEXT	       192 /* room for ct_entry_text() */

/* Which of the optional parts are there; the order is that of the row. */
enum ct_has {
	CT_HAS_REPLY = 0x0001, /* rows only: the reply does not follow by inversion */
	CT_HAS_TCP = 0x0002,
	CT_HAS_SCTP = 0x0004,
	CT_HAS_DCCP = 0x0008,
	CT_HAS_SEQADJ_ORIG = 0x0010,
	CT_HAS_SEQADJ_REPLY = 0x0020,
	CT_HAS_SYNPROXY = 0x0040,
	CT_HAS_LABELS = 0x0080,
	CT_HAS_MASTER = 0x0100,
	CT_HAS_HELPER = 0x0200,
	CT_HAS_INFO = 0x0400,
	CT_HAS_ALL = 0x07ff,
};

/* Parts of the volatile state. */
enum ct_state_has {
	CT_STATE_UNACKED_ORIG = 0x01, /* TCP: data not yet acknowledged */
	CT_STATE_UNACKED_REPLY = 0x02,
	CT_STATE_COUNTERS = 0x04,
	CT_STATE_START = 0x08,
	CT_STATE_ALL = 0x0f,
};

/*
 * TCP flags of one direction. MAXACK_SET belongs to a window position that
 * the kernel does not give away: an entry that was restored with it would
 * compare RST segments with position 0 and call half of them invalid, so it is
 * never carried. UNACKED comes and goes with each segment: it is state.
 */
enum ct_tcp_flag {
	CT_TCP_WINDOW_SCALE = 0x01,
	CT_TCP_SACK_PERM = 0x02,
	CT_TCP_CLOSE_INIT = 0x04,
	CT_TCP_BE_LIBERAL = 0x08,
	CT_TCP_UNACKED = 0x10,
	CT_TCP_MAXACK_SET = 0x20,
	CT_TCP_FLAGS_BODY = 0xff & ~(CT_TCP_UNACKED | CT_TCP_MAXACK_SET),
};

#define CT_TCP_SYN_SENT	  1
#define CT_TCP_STATE_MAX  9
#define CT_TCP_WSCALE_MAX 14

/* Addresses in network order, the first 4 or all 16 bytes; l4 is source and
 * destination port, or ICMP id, type and code, or GRE keys, or zero. */
struct ct_tuple {
	uint8_t src[16];
	uint8_t dst[16];
	uint8_t l4[4];
};

struct ct_seqadj {
	uint32_t pos, before, after;
};

struct ct_entry {
	uint8_t l3; /* 4 or 6 */
	uint8_t l4; /* IPPROTO_… */
	/* Equal for a plain zone; one of them 0 for a zone of one direction. */
	uint16_t zone_orig, zone_reply;
	uint16_t present; /* enum ct_has */
	uint32_t status;  /* IPS_…: what CT_STATUS_BODY keeps */
	uint32_t mark;
	uint32_t id; /* the kernel's, as it came; not in rows */
	uint32_t timeout;
	uint8_t state; /* enum ct_state_has */
	struct ct_tuple orig, reply;
	struct {
		uint8_t state, wscale[2], flags[2];
	} tcp;
	struct {
		uint8_t state;
		uint32_t vtag[2];
	} sctp;
	struct {
		uint8_t state, role;
		uint64_t seq;
	} dccp;
	struct ct_seqadj seqadj[2];
	uint32_t synproxy[3]; /* isn, its, tsoff */
	uint8_t labels[CT_LABELS];
	uint8_t master_l4; /* the master has our l3 and zones */
	struct ct_tuple master;
	char helper[CT_HELPER_NAME];
	uint8_t info[CT_HELPER_INFO], info_len;
	uint64_t packets[2], bytes[2], start; /* start: ns since 1970 */
};

/*
 * The bits of IPS_… that are the entry's own. The others follow from other
 * parts (EXPECTED from the master, SEQ_ADJUST, CONFIRMED) or are the kernel's
 * bookkeeping (NAT done, offload), and would make false differences.
 */
extern const uint32_t ct_status_body;

/* Bytes of an address: 4 or 16. */
static inline size_t ct_addr_size(const struct ct_entry *e)
{
	return e->l3 == 4 ? 4 : 16;
}

/* AF_INET or AF_INET6. */
uint8_t ct_family(const struct ct_entry *e);

static inline bool ct_is_icmp(uint8_t l4)
{
	return l4 == 1 || l4 == 58;
}

/* Does the protocol's tuple have ports (or GRE keys)? */
bool ct_has_ports(uint8_t l4);

/* The tuple of the answer without NAT. False for an ICMP type without one. */
bool ct_invert(uint8_t l3, uint8_t l4, const struct ct_tuple *t, struct ct_tuple *inv);

/* The reply tuple as it was before NAT: what CTA_TUPLE_REPLY must say. */
void ct_reply_before_nat(const struct ct_entry *e, struct ct_tuple *reply);

bool ct_tuple_equal(const struct ct_entry *e, const struct ct_tuple *a,
		    const struct ct_tuple *b);

/* The same connection: direction, zones and both tuples? */
bool ct_same_flow(const struct ct_entry *a, const struct ct_entry *b);

/*
 * Is `live`, read back from the kernel, what `rec` says, but for what traffic
 * may have changed since? liberal: BE_LIBERAL has not been taken back yet.
 */
bool ct_alike(const struct ct_entry *rec, const struct ct_entry *live, bool liberal);

/* "tcp 192.0.2.1:80 -> 10.0.0.1:4711 zone 5". Returns out. */
const char *ct_entry_text(const struct ct_entry *e, char out[CT_TEXT]);

/* The same for a tuple of the entry, without its zone. */
const char *ct_tuple_text(const struct ct_entry *e, const struct ct_tuple *t,
			  char out[CT_TEXT]);

/* "tcp", or the number as text in room of at least 4 bytes. */
const char *ct_proto_name(uint8_t l4, char room[8]);

#endif
