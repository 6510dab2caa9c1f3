/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Entries to the kernel's attributes. What a dump says must not be sent back
 * as it is: TCP flags need their mask (or the kernel drops the window scale
 * too), the reply tuple must be the one before NAT with NAT given apart, and
 * of the status only what a creator may set.
 */
#include "lib/engine/ct_msg.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "lib/util/buf.h"

#define FILTER_SRC 1u /* CTA_FILTER_F_CTA_IP_SRC, not in the kernel's uapi */

static inline uint8_t *attr(uint8_t *p, uint16_t type, const void *data, size_t n)
{
	struct nlattr *a = (void *)p;

	a->nla_len = (uint16_t)(NLA_HDRLEN + n);
	a->nla_type = type;
	memset(p + NLA_HDRLEN + (n & ~3u), 0, 4);
	memcpy(p + NLA_HDRLEN, data, n);
	return p + NLA_HDRLEN + ((n + 3) & ~(size_t)3);
}

static inline uint8_t *attr8(uint8_t *p, uint16_t type, uint8_t v)
{
	return attr(p, type, &v, 1);
}

static inline uint8_t *attr16(uint8_t *p, uint16_t type, uint16_t v)
{
	v = htobe16(v);
	return attr(p, type, &v, 2);
}

static inline uint8_t *attr32(uint8_t *p, uint16_t type, uint32_t v)
{
	v = htobe32(v);
	return attr(p, type, &v, 4);
}

static inline uint8_t *nest(uint8_t *p, uint16_t type)
{
	((struct nlattr *)p)->nla_type = type | NLA_F_NESTED;
	return p + NLA_HDRLEN;
}

static inline void end(uint8_t *start, const uint8_t *p)
{
	((struct nlattr *)start)->nla_len = (uint16_t)(p - start);
}

static uint8_t *head(void *buf, uint8_t msg, uint16_t flags, uint8_t family)
{
	struct nlmsghdr *nlh = buf;
	struct nfgenmsg *nfg = NLMSG_DATA(nlh);

	memset(nlh, 0, NLMSG_HDRLEN + sizeof(*nfg));
	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | msg;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	return (uint8_t *)(nfg + 1);
}

static size_t finish(void *buf, const uint8_t *p)
{
	struct nlmsghdr *nlh = buf;

	nlh->nlmsg_len = (uint32_t)(p - (uint8_t *)buf);
	return nlh->nlmsg_len;
}

static inline uint8_t *put_ip(uint8_t *p, uint8_t l3, const struct ct_tuple *t)
{
	uint8_t *ip = p;

	p = nest(p, CTA_TUPLE_IP);
	if (l3 == 4) {
		p = attr(p, CTA_IP_V4_SRC, t->src, 4);
		p = attr(p, CTA_IP_V4_DST, t->dst, 4);
	} else {
		p = attr(p, CTA_IP_V6_SRC, t->src, 16);
		p = attr(p, CTA_IP_V6_DST, t->dst, 16);
	}
	end(ip, p);
	return p;
}

static inline uint8_t *put_proto(uint8_t *p, uint8_t l4, const struct ct_tuple *t)
{
	uint8_t *proto = p;
	bool v4 = l4 == IPPROTO_ICMP;

	p = nest(p, CTA_TUPLE_PROTO);
	p = attr8(p, CTA_PROTO_NUM, l4);
	if (ct_is_icmp(l4)) {
		p = attr(p, v4 ? CTA_PROTO_ICMP_ID : CTA_PROTO_ICMPV6_ID, t->l4, 2);
		p = attr8(p, v4 ? CTA_PROTO_ICMP_TYPE : CTA_PROTO_ICMPV6_TYPE, t->l4[2]);
		p = attr8(p, v4 ? CTA_PROTO_ICMP_CODE : CTA_PROTO_ICMPV6_CODE, t->l4[3]);
	} else if (ct_has_ports(l4)) {
		p = attr(p, CTA_PROTO_SRC_PORT, t->l4, 2);
		p = attr(p, CTA_PROTO_DST_PORT, t->l4 + 2, 2);
	}
	end(proto, p);
	return p;
}

/* zone: that of one direction, or 0. */
static inline uint8_t *put_tuple(uint8_t *p, uint16_t type, uint8_t l3, uint8_t l4,
				 const struct ct_tuple *t, uint16_t zone)
{
	uint8_t *tuple = p;

	p = nest(p, type);
	p = put_ip(p, l3, t);
	p = put_proto(p, l4, t);
	if (zone)
		p = attr16(p, CTA_TUPLE_ZONE, zone);
	end(tuple, p);
	return p;
}

/* CTA_ZONE, for a zone of both directions; never beside CTA_TUPLE_ZONE. */
static inline uint8_t *put_zone(uint8_t *p, const struct ct_entry *e)
{
	if (e->zone_orig == e->zone_reply && e->zone_orig)
		p = attr16(p, CTA_ZONE, e->zone_orig);
	return p;
}

/* The zone of a tuple by itself: only when the directions differ. */
static inline uint16_t tuple_zone(const struct ct_entry *e, bool reply)
{
	if (e->zone_orig == e->zone_reply)
		return 0;
	return reply ? e->zone_reply : e->zone_orig;
}

static uint8_t *put_tcp_flags(uint8_t *p, uint16_t type, uint8_t flags, uint8_t mask)
{
	uint8_t v[2] = { flags, mask };

	return attr(p, type, v, 2);
}

static uint8_t *put_tcp(uint8_t *p, const struct ct_entry *e, bool liberal)
{
	uint8_t *info = p, *tcp, flags[2];
	uint8_t both = liberal ? CT_TCP_BE_LIBERAL : 0;

	/* The kernel takes scales only when both sides have the flag; for a
	 * half-open connection the flag is cleared again after this. */
	if (e->tcp.wscale[0] || e->tcp.wscale[1])
		both |= CT_TCP_WINDOW_SCALE;
	flags[0] = e->tcp.flags[0] | both;
	flags[1] = e->tcp.flags[1] | both;
	if (e->state & CT_STATE_UNACKED_ORIG)
		flags[0] |= CT_TCP_UNACKED;
	if (e->state & CT_STATE_UNACKED_REPLY)
		flags[1] |= CT_TCP_UNACKED;
	p = nest(p, CTA_PROTOINFO);
	tcp = p;
	p = nest(p, CTA_PROTOINFO_TCP);
	p = attr8(p, CTA_PROTOINFO_TCP_STATE, e->tcp.state);
	p = attr8(p, CTA_PROTOINFO_TCP_WSCALE_ORIGINAL, e->tcp.wscale[0]);
	p = attr8(p, CTA_PROTOINFO_TCP_WSCALE_REPLY, e->tcp.wscale[1]);
	p = put_tcp_flags(p, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, flags[0], 0xff);
	p = put_tcp_flags(p, CTA_PROTOINFO_TCP_FLAGS_REPLY, flags[1], 0xff);
	end(tcp, p);
	end(info, p);
	return p;
}

static uint8_t *put_sctp(uint8_t *p, const struct ct_entry *e)
{
	uint8_t *info = p, *sctp;

	p = nest(p, CTA_PROTOINFO);
	sctp = p;
	p = nest(p, CTA_PROTOINFO_SCTP);
	p = attr8(p, CTA_PROTOINFO_SCTP_STATE, e->sctp.state);
	p = attr32(p, CTA_PROTOINFO_SCTP_VTAG_ORIGINAL, e->sctp.vtag[0]);
	p = attr32(p, CTA_PROTOINFO_SCTP_VTAG_REPLY, e->sctp.vtag[1]);
	end(sctp, p);
	end(info, p);
	return p;
}

static uint8_t *put_dccp(uint8_t *p, const struct ct_entry *e)
{
	uint8_t *info = p, *dccp;
	uint64_t seq = htobe64(e->dccp.seq);

	p = nest(p, CTA_PROTOINFO);
	dccp = p;
	p = nest(p, CTA_PROTOINFO_DCCP);
	p = attr8(p, CTA_PROTOINFO_DCCP_STATE, e->dccp.state);
	p = attr8(p, CTA_PROTOINFO_DCCP_ROLE, e->dccp.role);
	p = attr(p, CTA_PROTOINFO_DCCP_HANDSHAKE_SEQ, &seq, 8);
	end(dccp, p);
	end(info, p);
	return p;
}

/* One address and one port: what to translate to. */
static uint8_t *put_nat(uint8_t *p, uint16_t type, const struct ct_entry *e,
			const uint8_t *addr, const uint8_t *port)
{
	uint8_t *nat = p, *proto;
	size_t n = ct_addr_size(e);

	p = nest(p, type);
	p = attr(p, n == 4 ? CTA_NAT_V4_MINIP : CTA_NAT_V6_MINIP, addr, n);
	p = attr(p, n == 4 ? CTA_NAT_V4_MAXIP : CTA_NAT_V6_MAXIP, addr, n);
	if (port) {
		proto = p;
		p = nest(p, CTA_NAT_PROTO);
		p = attr(p, CTA_PROTONAT_PORT_MIN, port, 2);
		p = attr(p, CTA_PROTONAT_PORT_MAX, port, 2);
		end(proto, p);
	}
	end(nat, p);
	return p;
}

static uint8_t *put_nats(uint8_t *p, const struct ct_entry *e)
{
	bool icmp = ct_is_icmp(e->l4), ports = ct_has_ports(e->l4);
	const uint8_t *l4 = e->reply.l4;

	if (e->status & IPS_SRC_NAT)
		p = put_nat(p, CTA_NAT_SRC, e, e->reply.dst,
			    icmp    ? l4
			    : ports ? l4 + 2
				    : NULL);
	if (e->status & IPS_DST_NAT)
		p = put_nat(p, CTA_NAT_DST, e, e->reply.src, ports ? l4 : NULL);
	return p;
}

static uint8_t *put_seqadj(uint8_t *p, uint16_t type, const struct ct_seqadj *s)
{
	uint8_t *start = p;

	p = nest(p, type);
	p = attr32(p, CTA_SEQADJ_CORRECTION_POS, s->pos);
	p = attr32(p, CTA_SEQADJ_OFFSET_BEFORE, s->before);
	p = attr32(p, CTA_SEQADJ_OFFSET_AFTER, s->after);
	end(start, p);
	return p;
}

static uint8_t *put_help(uint8_t *p, const struct ct_entry *e)
{
	uint8_t *start = p;

	p = nest(p, CTA_HELP);
	p = attr(p, CTA_HELP_NAME, e->helper, strnlen(e->helper, CT_HELPER_NAME - 1) + 1);
	if (e->present & CT_HAS_INFO)
		p = attr(p, CTA_HELP_INFO, e->info, e->info_len);
	end(start, p);
	return p;
}

static uint8_t *put_synproxy(uint8_t *p, const struct ct_entry *e)
{
	uint8_t *start = p;

	p = nest(p, CTA_SYNPROXY);
	for (int i = 0; i < 3; i++)
		p = attr32(p, (uint16_t)(CTA_SYNPROXY_ISN + i), e->synproxy[i]);
	end(start, p);
	return p;
}

static uint8_t *put_rare(uint8_t *p, const struct ct_entry *e)
{
	if (e->present & CT_HAS_SCTP)
		p = put_sctp(p, e);
	if (e->present & CT_HAS_DCCP)
		p = put_dccp(p, e);
	if (e->present & CT_HAS_SEQADJ_ORIG)
		p = put_seqadj(p, CTA_SEQ_ADJ_ORIG, &e->seqadj[0]);
	if (e->present & CT_HAS_SEQADJ_REPLY)
		p = put_seqadj(p, CTA_SEQ_ADJ_REPLY, &e->seqadj[1]);
	if (e->present & CT_HAS_SYNPROXY)
		p = put_synproxy(p, e);
	if (e->present & CT_HAS_LABELS)
		p = attr(p, CTA_LABELS, e->labels, CT_LABELS);
	if (e->present & CT_HAS_MASTER)
		p = put_tuple(p, CTA_TUPLE_MASTER, e->l3, e->master_l4, &e->master, 0);
	if (e->present & CT_HAS_HELPER)
		p = put_help(p, e);
	return p;
}

static inline uint8_t *put_timeout(uint8_t *p, uint32_t timeout)
{
	if (timeout < CT_TIMEOUT_MIN)
		timeout = CT_TIMEOUT_MIN;
	if (timeout > CT_TIMEOUT_MAX)
		timeout = CT_TIMEOUT_MAX;
	return attr32(p, CTA_TIMEOUT, timeout);
}

size_t ct_msg_create(void *buf, const struct ct_entry *e, bool liberal)
{
	const uint32_t nat = IPS_SRC_NAT | IPS_DST_NAT;
	const struct ct_tuple *reply = &e->reply;
	struct ct_tuple before;
	uint8_t *p;

	if (e->status & nat) {
		ct_reply_before_nat(e, &before);
		reply = &before;
	}
	p = head(buf, IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_EXCL, ct_family(e));
	p = put_tuple(p, CTA_TUPLE_ORIG, e->l3, e->l4, &e->orig, tuple_zone(e, false));
	p = put_tuple(p, CTA_TUPLE_REPLY, e->l3, e->l4, reply, tuple_zone(e, true));
	p = put_zone(p, e);
	p = attr32(p, CTA_STATUS, (e->status & ~nat) | IPS_CONFIRMED);
	p = put_timeout(p, e->timeout);
	if (e->mark)
		p = attr32(p, CTA_MARK, e->mark);
	if (e->present & CT_HAS_TCP)
		p = put_tcp(p, e, liberal);
	if (e->status & nat)
		p = put_nats(p, e);
	if (e->present & ~(CT_HAS_TCP | CT_HAS_REPLY))
		p = put_rare(p, e);
	return finish(buf, p);
}

size_t ct_msg_get(void *buf, const struct ct_entry *e, const struct ct_tuple *t,
		  bool reply)
{
	uint8_t *p = head(buf, IPCTNL_MSG_CT_GET, 0, ct_family(e));

	p = put_tuple(p, reply ? CTA_TUPLE_REPLY : CTA_TUPLE_ORIG, e->l3, e->l4, t,
		      tuple_zone(e, reply));
	return finish(buf, put_zone(p, e));
}

size_t ct_msg_get_master(void *buf, const struct ct_entry *e)
{
	uint8_t *p = head(buf, IPCTNL_MSG_CT_GET, 0, ct_family(e));

	p = put_tuple(p, CTA_TUPLE_ORIG, e->l3, e->master_l4, &e->master,
		      tuple_zone(e, false));
	return finish(buf, put_zone(p, e));
}

size_t ct_msg_delete(void *buf, const struct ct_entry *e, uint32_t id)
{
	uint8_t *p = head(buf, IPCTNL_MSG_CT_DELETE, 0, ct_family(e));

	p = put_tuple(p, CTA_TUPLE_ORIG, e->l3, e->l4, &e->orig, tuple_zone(e, false));
	p = put_zone(p, e);
	return finish(buf, attr32(p, CTA_ID, id));
}

static uint8_t *put_cleared_flags(uint8_t *p, const uint8_t mask[2])
{
	uint8_t *info = p, *tcp;

	p = nest(p, CTA_PROTOINFO);
	tcp = p;
	p = nest(p, CTA_PROTOINFO_TCP);
	if (mask[0])
		p = put_tcp_flags(p, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, 0, mask[0]);
	if (mask[1])
		p = put_tcp_flags(p, CTA_PROTOINFO_TCP_FLAGS_REPLY, 0, mask[1]);
	end(tcp, p);
	end(info, p);
	return p;
}

size_t ct_msg_settle(void *buf, const struct ct_entry *e, uint32_t timeout,
		     const uint8_t mask[2])
{
	uint8_t *p = head(buf, IPCTNL_MSG_CT_NEW, 0, ct_family(e));

	p = put_tuple(p, CTA_TUPLE_ORIG, e->l3, e->l4, &e->orig, tuple_zone(e, false));
	p = put_zone(p, e);
	if (timeout)
		p = put_timeout(p, timeout);
	if (mask[0] || mask[1])
		p = put_cleared_flags(p, mask);
	return finish(buf, p);
}

size_t ct_msg_clear_flags(void *buf, const struct ct_entry *e, const uint8_t mask[2])
{
	return ct_msg_settle(buf, e, 0, mask);
}

size_t ct_msg_touch(void *buf, const struct ct_entry *e)
{
	uint8_t *p = head(buf, IPCTNL_MSG_CT_NEW, 0, ct_family(e));

	p = put_tuple(p, CTA_TUPLE_ORIG, e->l3, e->l4, &e->orig, tuple_zone(e, false));
	return finish(buf, put_zone(p, e));
}

size_t ct_msg_dump(void *buf, uint8_t family)
{
	return finish(buf, head(buf, IPCTNL_MSG_CT_GET, NLM_F_DUMP, family));
}

static uint8_t *put_filter(uint8_t *p, uint32_t orig, uint32_t reply)
{
	uint8_t *start = p;

	/* These are in host order, unlike all else. */
	p = nest(p, CTA_FILTER);
	p = attr(p, CTA_FILTER_ORIG_FLAGS, &orig, 4);
	p = attr(p, CTA_FILTER_REPLY_FLAGS, &reply, 4);
	end(start, p);
	return p;
}

size_t ct_msg_dump_source(void *buf, uint8_t family, const uint8_t *addr, bool reply)
{
	uint8_t *p = head(buf, IPCTNL_MSG_CT_GET, NLM_F_DUMP, family), *tuple = p, *ip;

	p = nest(p, reply ? CTA_TUPLE_REPLY : CTA_TUPLE_ORIG);
	ip = p;
	p = nest(p, CTA_TUPLE_IP);
	p = family == AF_INET ? attr(p, CTA_IP_V4_SRC, addr, 4)
			      : attr(p, CTA_IP_V6_SRC, addr, 16);
	end(ip, p);
	end(tuple, p);
	p = put_filter(p, reply ? 0 : FILTER_SRC, reply ? FILTER_SRC : 0);
	return finish(buf, p);
}

size_t ct_msg_dump_probe(void *buf)
{
	uint8_t *p = head(buf, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_INET);

	/* A filter on a tuple that is not given. */
	return finish(buf, put_filter(p, FILTER_SRC, 0));
}
