/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kernel's attributes to an entry. Attributes are walked once, in the
 * order in which they come; the few rare ones are kept off the common path.
 */
#include "lib/engine/ct_msg.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "lib/util/buf.h"

/* A run of attributes, or the payload of one. */
struct run {
	const uint8_t *p, *end;
};

#define ALIGNED(n) (((n) + 3u) & ~3u)

/* The next attribute's payload and type. False at the end, or when the rest is
 * no attribute. */
static inline bool next(struct run *r, unsigned int *type, struct run *value)
{
	const struct nlattr *a = (const void *)r->p;
	size_t left = (size_t)(r->end - r->p), n;

	if (left < sizeof(*a) || a->nla_len < sizeof(*a) || a->nla_len > left)
		return false;
	*type = a->nla_type & NLA_TYPE_MASK;
	value->p = r->p + sizeof(*a);
	value->end = r->p + a->nla_len;
	n = ALIGNED(a->nla_len);
	r->p += n < left ? n : left;
	return true;
}

static inline bool holds(const struct run *v, size_t n)
{
	return (size_t)(v->end - v->p) >= n;
}

static inline uint32_t u32_of(const struct run *v)
{
	return holds(v, 4) ? nse_ld32(v->p) : 0;
}

static inline uint64_t u64_of(const struct run *v)
{
	return holds(v, 8) ? nse_ld64(v->p) : 0;
}

static inline void parse_ip(struct run r, struct ct_entry *e, struct ct_tuple *t)
{
	unsigned int type;
	struct run v;

	while (next(&r, &type, &v)) {
		if (type == CTA_IP_V4_SRC && holds(&v, 4)) {
			e->l3 = 4;
			memcpy(t->src, v.p, 4);
		} else if (type == CTA_IP_V4_DST && holds(&v, 4)) {
			memcpy(t->dst, v.p, 4);
		} else if (type == CTA_IP_V6_SRC && holds(&v, 16)) {
			e->l3 = 6;
			memcpy(t->src, v.p, 16);
		} else if (type == CTA_IP_V6_DST && holds(&v, 16)) {
			memcpy(t->dst, v.p, 16);
		}
	}
}

static inline void parse_proto(struct run r, uint8_t *l4, struct ct_tuple *t)
{
	unsigned int type;
	struct run v;

	memset(t->l4, 0, 4);
	while (next(&r, &type, &v)) {
		if (!holds(&v, 1))
			continue;
		switch (type) {
		case CTA_PROTO_NUM:
			*l4 = *v.p;
			break;
		case CTA_PROTO_SRC_PORT:
		case CTA_PROTO_ICMP_ID:
		case CTA_PROTO_ICMPV6_ID:
			if (holds(&v, 2))
				memcpy(t->l4, v.p, 2);
			break;
		case CTA_PROTO_DST_PORT:
			if (holds(&v, 2))
				memcpy(t->l4 + 2, v.p, 2);
			break;
		case CTA_PROTO_ICMP_TYPE:
		case CTA_PROTO_ICMPV6_TYPE:
			t->l4[2] = *v.p;
			break;
		case CTA_PROTO_ICMP_CODE:
		case CTA_PROTO_ICMPV6_CODE:
			t->l4[3] = *v.p;
			break;
		}
	}
}

static inline void parse_tuple(struct run r, struct ct_entry *e, uint8_t *l4,
			       struct ct_tuple *t, uint16_t *zone)
{
	unsigned int type;
	struct run v;

	while (next(&r, &type, &v)) {
		if (type == CTA_TUPLE_IP)
			parse_ip(v, e, t);
		else if (type == CTA_TUPLE_PROTO)
			parse_proto(v, l4, t);
		else if (type == CTA_TUPLE_ZONE && holds(&v, 2))
			*zone = nse_ld16(v.p);
	}
}

static inline void parse_tcp(struct run r, struct ct_entry *e)
{
	unsigned int type;
	struct run v;

	memset(&e->tcp, 0, sizeof(e->tcp));
	e->present |= CT_HAS_TCP;
	while (next(&r, &type, &v)) {
		if (!holds(&v, 1))
			continue;
		switch (type) {
		case CTA_PROTOINFO_TCP_STATE:
			e->tcp.state = *v.p;
			break;
		case CTA_PROTOINFO_TCP_WSCALE_ORIGINAL:
			e->tcp.wscale[0] = *v.p;
			break;
		case CTA_PROTOINFO_TCP_WSCALE_REPLY:
			e->tcp.wscale[1] = *v.p;
			break;
		case CTA_PROTOINFO_TCP_FLAGS_ORIGINAL:
			e->tcp.flags[0] = *v.p; /* struct nf_ct_tcp_flags */
			break;
		case CTA_PROTOINFO_TCP_FLAGS_REPLY:
			e->tcp.flags[1] = *v.p;
			break;
		}
	}
	if (e->tcp.flags[0] & CT_TCP_UNACKED)
		e->state |= CT_STATE_UNACKED_ORIG;
	if (e->tcp.flags[1] & CT_TCP_UNACKED)
		e->state |= CT_STATE_UNACKED_REPLY;
	e->tcp.flags[0] &= CT_TCP_FLAGS_BODY;
	e->tcp.flags[1] &= CT_TCP_FLAGS_BODY;
}

static void parse_sctp(struct run r, struct ct_entry *e)
{
	unsigned int type;
	struct run v;

	memset(&e->sctp, 0, sizeof(e->sctp));
	e->present |= CT_HAS_SCTP;
	while (next(&r, &type, &v)) {
		if (type == CTA_PROTOINFO_SCTP_STATE && holds(&v, 1))
			e->sctp.state = *v.p;
		else if (type == CTA_PROTOINFO_SCTP_VTAG_ORIGINAL)
			e->sctp.vtag[0] = u32_of(&v);
		else if (type == CTA_PROTOINFO_SCTP_VTAG_REPLY)
			e->sctp.vtag[1] = u32_of(&v);
	}
}

static void parse_dccp(struct run r, struct ct_entry *e)
{
	unsigned int type;
	struct run v;

	memset(&e->dccp, 0, sizeof(e->dccp));
	e->present |= CT_HAS_DCCP;
	while (next(&r, &type, &v)) {
		if (type == CTA_PROTOINFO_DCCP_STATE && holds(&v, 1))
			e->dccp.state = *v.p;
		else if (type == CTA_PROTOINFO_DCCP_ROLE && holds(&v, 1))
			e->dccp.role = *v.p;
		else if (type == CTA_PROTOINFO_DCCP_HANDSHAKE_SEQ)
			e->dccp.seq = u64_of(&v);
	}
}

static inline void parse_protoinfo(struct run r, struct ct_entry *e)
{
	unsigned int type;
	struct run v;

	while (next(&r, &type, &v)) {
		if (type == CTA_PROTOINFO_TCP)
			parse_tcp(v, e);
		else if (type == CTA_PROTOINFO_SCTP)
			parse_sctp(v, e);
		else if (type == CTA_PROTOINFO_DCCP)
			parse_dccp(v, e);
	}
}

static void parse_counters(struct run r, struct ct_entry *e, int d)
{
	unsigned int type;
	struct run v;

	if (!(e->state & CT_STATE_COUNTERS)) {
		memset(e->packets, 0, sizeof(e->packets));
		memset(e->bytes, 0, sizeof(e->bytes));
		e->state |= CT_STATE_COUNTERS;
	}
	while (next(&r, &type, &v)) {
		if (type == CTA_COUNTERS_PACKETS)
			e->packets[d] = u64_of(&v);
		else if (type == CTA_COUNTERS_BYTES)
			e->bytes[d] = u64_of(&v);
	}
}

static void parse_seqadj(struct run r, struct ct_entry *e, int d)
{
	struct ct_seqadj *s = &e->seqadj[d];
	unsigned int type;
	struct run v;

	memset(s, 0, sizeof(*s));
	while (next(&r, &type, &v)) {
		if (type == CTA_SEQADJ_CORRECTION_POS)
			s->pos = u32_of(&v);
		else if (type == CTA_SEQADJ_OFFSET_BEFORE)
			s->before = u32_of(&v);
		else if (type == CTA_SEQADJ_OFFSET_AFTER)
			s->after = u32_of(&v);
	}
	/* The kernel dumps both directions; one that is all zero says nothing. */
	if (s->pos || s->before || s->after)
		e->present |= (uint16_t)(CT_HAS_SEQADJ_ORIG << d);
}

static void parse_synproxy(struct run r, struct ct_entry *e)
{
	unsigned int type;
	struct run v;

	memset(e->synproxy, 0, sizeof(e->synproxy));
	while (next(&r, &type, &v))
		if (type >= CTA_SYNPROXY_ISN && type <= CTA_SYNPROXY_TSOFF)
			e->synproxy[type - CTA_SYNPROXY_ISN] = u32_of(&v);
	/* An entry made through netlink always has the part, all zero. */
	if (e->synproxy[0] || e->synproxy[1] || e->synproxy[2])
		e->present |= CT_HAS_SYNPROXY;
}

static void parse_help(struct run r, struct ct_entry *e)
{
	unsigned int type;
	struct run v;

	while (next(&r, &type, &v)) {
		size_t n = (size_t)(v.end - v.p);

		if (type == CTA_HELP_NAME && n > 0) {
			memset(e->helper, 0, sizeof(e->helper));
			n = strnlen((const char *)v.p, n);
			memcpy(e->helper, v.p,
			       n < CT_HELPER_NAME ? n : CT_HELPER_NAME - 1);
			e->present |= CT_HAS_HELPER;
		} else if (type == CTA_HELP_INFO && n > 0 && n <= CT_HELPER_INFO) {
			memcpy(e->info, v.p, n);
			e->info_len = (uint8_t)n;
			e->present |= CT_HAS_INFO;
		}
	}
}

static void parse_labels(struct run v, struct ct_entry *e)
{
	static const uint8_t none[CT_LABELS];
	size_t n = (size_t)(v.end - v.p);

	memset(e->labels, 0, CT_LABELS);
	memcpy(e->labels, v.p, n < CT_LABELS ? n : CT_LABELS);
	if (memcmp(e->labels, none, CT_LABELS) != 0)
		e->present |= CT_HAS_LABELS;
}

static void parse_master(struct run v, struct ct_entry *e)
{
	uint16_t zone;

	e->present |= CT_HAS_MASTER;
	parse_tuple(v, e, &e->master_l4, &e->master, &zone);
}

static void parse_rare(unsigned int type, struct run v, struct ct_entry *e)
{
	struct run w;
	unsigned int t;

	switch (type) {
	case CTA_ZONE:
		if (holds(&v, 2))
			e->zone_orig = e->zone_reply = nse_ld16(v.p);
		break;
	case CTA_COUNTERS_ORIG:
	case CTA_COUNTERS_REPLY:
		parse_counters(v, e, type == CTA_COUNTERS_REPLY);
		break;
	case CTA_TIMESTAMP:
		while (next(&v, &t, &w))
			if (t == CTA_TIMESTAMP_START) {
				e->start = u64_of(&w);
				e->state |= CT_STATE_START;
			}
		break;
	case CTA_HELP:
		parse_help(v, e);
		break;
	case CTA_LABELS:
		parse_labels(v, e);
		break;
	case CTA_TUPLE_MASTER:
		parse_master(v, e);
		break;
	case CTA_SEQ_ADJ_ORIG:
	case CTA_SEQ_ADJ_REPLY:
		parse_seqadj(v, e, type == CTA_SEQ_ADJ_REPLY);
		break;
	case CTA_SYNPROXY:
		parse_synproxy(v, e);
		break;
	}
}

static void start(struct ct_entry *e)
{
	e->l3 = e->l4 = 0;
	e->zone_orig = e->zone_reply = 0;
	e->present = 0;
	e->status = e->mark = e->id = e->timeout = 0;
	e->state = 0;
}

int ct_msg_parse(const struct nlmsghdr *nlh, struct ct_entry *e)
{
	struct run r = { (const uint8_t *)nlh + NLMSG_HDRLEN + 4,
			 (const uint8_t *)nlh + nlh->nlmsg_len };
	unsigned int type, tuples = 0;
	struct run v;

	if (nlh->nlmsg_len < NLMSG_HDRLEN + 4)
		return -EBADMSG;
	start(e);
	while (next(&r, &type, &v)) {
		switch (type) {
		case CTA_TUPLE_ORIG:
			parse_tuple(v, e, &e->l4, &e->orig, &e->zone_orig);
			tuples |= 1;
			break;
		case CTA_TUPLE_REPLY:
			parse_tuple(v, e, &e->l4, &e->reply, &e->zone_reply);
			tuples |= 2;
			break;
		case CTA_STATUS:
			e->status = u32_of(&v);
			break;
		case CTA_TIMEOUT:
			e->timeout = u32_of(&v);
			break;
		case CTA_PROTOINFO:
			parse_protoinfo(v, e);
			break;
		case CTA_MARK:
			e->mark = u32_of(&v);
			break;
		case CTA_ID:
			e->id = u32_of(&v);
			break;
		case CTA_USE:
			break;
		default:
			parse_rare(type, v, e);
		}
	}
	if (tuples != 3 || !e->l3)
		return -EBADMSG;
	if ((e->status & IPS_DYING) || !(e->status & IPS_CONFIRMED))
		return -EAGAIN;
	e->status &= ct_status_body;
	return 0;
}

int ct_msg_parse_key(const struct nlmsghdr *nlh, struct ct_entry *e)
{
	struct run r = { (const uint8_t *)nlh + NLMSG_HDRLEN + 4,
			 (const uint8_t *)nlh + nlh->nlmsg_len };
	unsigned int type, tuples = 0;
	struct run v;

	if (nlh->nlmsg_len < NLMSG_HDRLEN + 4)
		return -EBADMSG;
	start(e);
	while (next(&r, &type, &v)) {
		if (type == CTA_TUPLE_ORIG) {
			parse_tuple(v, e, &e->l4, &e->orig, &e->zone_orig);
			tuples |= 1;
		} else if (type == CTA_TUPLE_REPLY) {
			parse_tuple(v, e, &e->l4, &e->reply, &e->zone_reply);
			tuples |= 2;
		} else if (type == CTA_ZONE && holds(&v, 2)) {
			e->zone_orig = e->zone_reply = nse_ld16(v.p);
		}
	}
	return tuples == 3 && e->l3 ? 0 : -EBADMSG;
}
