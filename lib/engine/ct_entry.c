/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a conntrack entry means: how tuples invert, what NAT did to them, when
 * two entries are the same connection, and how a person calls one.
 */
#include "lib/engine/ct_entry.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include <linux/netfilter/nf_conntrack_common.h>

#include "lib/util/cleanup.h"

const uint32_t ct_status_body = IPS_SEEN_REPLY | IPS_ASSURED | IPS_SRC_NAT | IPS_DST_NAT |
				IPS_FIXED_TIMEOUT | IPS_HELPER;

static const struct {
	uint8_t l4;
	const char *name;
} protocols[] = {
	{ IPPROTO_ICMP, "icmp" }, { IPPROTO_TCP, "tcp" },
	{ IPPROTO_UDP, "udp" },	  { IPPROTO_DCCP, "dccp" },
	{ IPPROTO_GRE, "gre" },	  { IPPROTO_ICMPV6, "icmpv6" },
	{ IPPROTO_SCTP, "sctp" }, { IPPROTO_UDPLITE, "udplite" },
};

const char *ct_proto_name(uint8_t l4, char room[8])
{
	for (size_t i = 0; i < NSE_ARRAY_SIZE(protocols); i++)
		if (protocols[i].l4 == l4)
			return protocols[i].name;
	snprintf(room, 8, "%u", l4);
	return room;
}

uint8_t ct_family(const struct ct_entry *e)
{
	return e->l3 == 4 ? AF_INET : AF_INET6;
}

bool ct_has_ports(uint8_t l4)
{
	switch (l4) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_DCCP:
	case IPPROTO_GRE:
	case IPPROTO_SCTP:
	case IPPROTO_UDPLITE:
		return true;
	default:
		return false;
	}
}

/* The ICMP types that have an answer, in pairs. */
static bool invert_type(uint8_t l3, uint8_t type, uint8_t *answer)
{
	static const uint8_t v4[][2] = { { 8, 0 }, { 13, 14 }, { 15, 16 }, { 17, 18 } };
	static const uint8_t v6[][2] = { { 128, 129 }, { 139, 140 } };
	const uint8_t(*pairs)[2] = l3 == 4 ? v4 : v6;
	size_t n = l3 == 4 ? NSE_ARRAY_SIZE(v4) : NSE_ARRAY_SIZE(v6);

	for (size_t i = 0; i < n; i++) {
		if (type != pairs[i][0] && type != pairs[i][1])
			continue;
		*answer = type == pairs[i][0] ? pairs[i][1] : pairs[i][0];
		return true;
	}
	return false;
}

bool ct_invert(uint8_t l3, uint8_t l4, const struct ct_tuple *t, struct ct_tuple *inv)
{
	size_t n = l3 == 4 ? 4 : 16;

	memcpy(inv->src, t->dst, n);
	memcpy(inv->dst, t->src, n);
	if (ct_is_icmp(l4)) {
		memcpy(inv->l4, t->l4, 4);
		return invert_type(l3, t->l4[2], &inv->l4[2]);
	}
	memcpy(inv->l4, t->l4 + 2, 2);
	memcpy(inv->l4 + 2, t->l4, 2);
	return true;
}

void ct_reply_before_nat(const struct ct_entry *e, struct ct_tuple *reply)
{
	size_t n = ct_addr_size(e);

	*reply = e->reply;
	if (e->status & IPS_SRC_NAT) {
		memcpy(reply->dst, e->orig.src, n);
		/* ICMP has its id where others have the source port. */
		memcpy(reply->l4 + (ct_is_icmp(e->l4) ? 0 : 2), e->orig.l4, 2);
	}
	if (e->status & IPS_DST_NAT) {
		memcpy(reply->src, e->orig.dst, n);
		if (!ct_is_icmp(e->l4))
			memcpy(reply->l4, e->orig.l4 + 2, 2);
	}
}

bool ct_tuple_equal(const struct ct_entry *e, const struct ct_tuple *a,
		    const struct ct_tuple *b)
{
	size_t n = ct_addr_size(e);

	return memcmp(a->src, b->src, n) == 0 && memcmp(a->dst, b->dst, n) == 0 &&
	       memcmp(a->l4, b->l4, 4) == 0;
}

bool ct_same_flow(const struct ct_entry *a, const struct ct_entry *b)
{
	return a->l3 == b->l3 && a->l4 == b->l4 && a->zone_orig == b->zone_orig &&
	       a->zone_reply == b->zone_reply && ct_tuple_equal(a, &a->orig, &b->orig) &&
	       ct_tuple_equal(a, &a->reply, &b->reply);
}

/* A state may have moved on; states go upwards but for SYN_SENT2, and a closed
 * connection's tuple may be opened anew. */
static bool tcp_alike(const struct ct_entry *rec, const struct ct_entry *live,
		      bool liberal)
{
	bool opening = rec->tcp.state < 3 || rec->tcp.state == CT_TCP_STATE_MAX;
	bool moved = rec->tcp.state != live->tcp.state;

	if (live->tcp.state < rec->tcp.state && rec->tcp.state < 7)
		return false;
	for (int d = 0; d < 2; d++) {
		uint8_t want = rec->tcp.flags[d], have = live->tcp.flags[d];

		if (opening && moved)
			continue; /* options were agreed on since */
		if (rec->tcp.wscale[d] != live->tcp.wscale[d] || (want & ~have))
			return false;
		if ((have & ~want & CT_TCP_BE_LIBERAL) && !liberal)
			return false;
	}
	return true;
}

static bool seqadj_alike(const struct ct_seqadj *a, const struct ct_seqadj *b)
{
	/* At the same position the offsets are the same. */
	return a->pos != b->pos || memcmp(a, b, sizeof(*a)) == 0;
}

static bool proto_alike(const struct ct_entry *rec, const struct ct_entry *live,
			bool liberal)
{
	if ((rec->present & CT_HAS_TCP) && !tcp_alike(rec, live, liberal))
		return false;
	for (int d = 0; d < 2 && (rec->present & CT_HAS_SCTP); d++)
		if (rec->sctp.vtag[d] && rec->sctp.vtag[d] != live->sctp.vtag[d])
			return false;
	if ((rec->present & CT_HAS_DCCP) && rec->dccp.role != live->dccp.role)
		return false;
	return true;
}

bool ct_alike(const struct ct_entry *rec, const struct ct_entry *live, bool liberal)
{
	uint16_t has = rec->present & ~CT_HAS_REPLY;

	if (!ct_same_flow(rec, live) || (has & ~live->present) ||
	    (rec->status & ~live->status) || rec->mark != live->mark)
		return false;
	/* NAT, a fixed timeout or a helper do not come with traffic. */
	if ((live->status & ~rec->status) & ~(uint32_t)(IPS_SEEN_REPLY | IPS_ASSURED))
		return false;
	if (!proto_alike(rec, live, liberal))
		return false;
	for (int d = 0; d < 2; d++)
		if ((has & (CT_HAS_SEQADJ_ORIG << d)) &&
		    !seqadj_alike(&rec->seqadj[d], &live->seqadj[d]))
			return false;
	if ((has & CT_HAS_SYNPROXY) &&
	    memcmp(rec->synproxy, live->synproxy, sizeof(rec->synproxy)) != 0)
		return false;
	if ((has & CT_HAS_LABELS) && memcmp(rec->labels, live->labels, CT_LABELS) != 0)
		return false;
	if ((has & CT_HAS_MASTER) && (rec->master_l4 != live->master_l4 ||
				      !ct_tuple_equal(rec, &rec->master, &live->master)))
		return false;
	return !(has & CT_HAS_HELPER) || strcmp(rec->helper, live->helper) == 0;
}

static void endpoint(const struct ct_entry *e, const uint8_t *addr, const uint8_t *port,
		     char *out, size_t room)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(ct_family(e), addr, text, sizeof(text));
	if (!port)
		snprintf(out, room, "%s", text);
	else
		snprintf(out, room, e->l3 == 6 ? "[%s]:%u" : "%s:%u", text,
			 port[0] << 8 | port[1]);
}

const char *ct_tuple_text(const struct ct_entry *e, const struct ct_tuple *t,
			  char out[CT_TEXT])
{
	const uint8_t *port = ct_has_ports(e->l4) ? t->l4 : NULL;
	char src[64], dst[64], name[8], icmp[48] = "";

	endpoint(e, t->src, port, src, sizeof(src));
	endpoint(e, t->dst, port ? port + 2 : NULL, dst, sizeof(dst));
	if (ct_is_icmp(e->l4))
		snprintf(icmp, sizeof(icmp), " type %u code %u id %u", t->l4[2], t->l4[3],
			 t->l4[0] << 8 | t->l4[1]);
	snprintf(out, CT_TEXT, "%s %s -> %s%s", ct_proto_name(e->l4, name), src, dst,
		 icmp);
	return out;
}

const char *ct_entry_text(const struct ct_entry *e, char out[CT_TEXT])
{
	size_t n;

	ct_tuple_text(e, &e->orig, out);
	n = strlen(out);
	if (e->zone_orig == e->zone_reply && e->zone_orig)
		snprintf(out + n, CT_TEXT - n, " zone %u", e->zone_orig);
	else if (e->zone_orig != e->zone_reply)
		snprintf(out + n, CT_TEXT - n, " zone %u/%u", e->zone_orig,
			 e->zone_reply);
	return out;
}
