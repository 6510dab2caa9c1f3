/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A conntrack record as JSON, for people and programs. The members:
 *
 * key
 *	family		"ipv4", "ipv6"
 *	proto		"tcp", "udp", "icmp", …, or the protocol's number as text
 *	src, dst	addresses of the original direction
 *	sport, dport	TCP, UDP, UDP-Lite, SCTP, DCCP
 *	icmp_type, icmp_code, icmp_id	ICMP, ICMPv6
 *	srckey, dstkey	GRE
 *	zone		when it is not 0
 *	zone_orig, zone_reply	instead of zone, when the directions differ
 * body
 *	state		"ESTABLISHED", … of TCP, SCTP and DCCP
 *	status		array of "seen-reply", "assured", "src-nat", "dst-nat",
 *			"fixed-timeout", "helper", "expected"
 *	mark		number
 *	tcp		{"wscale":[orig,reply], "flags":[[…],[…]]}; flags are
 *			"window-scale", "sack-perm", "close-init", "be-liberal", or
 *			"0xNN" for one without a name
 *	sctp		{"vtag":[orig,reply]}
 *	dccp		{"role":"client"|"server","handshake_seq":number}
 *	reply		src, dst, … as in key: the tuple of the reply direction
 *	nat		{"src":"ADDR:PORT","dst":"ADDR:PORT"}: what the original
 *			source and destination are translated to; [ADDR]:PORT for
 *			IPv6, ADDR alone for protocols without ports
 *	seqadj		{"orig":{"pos","before","after"},"reply":{…}}; offsets
 *			may be negative
 *	synproxy	{"isn","its","tsoff"}
 *	labels		32 hexadecimal digits, bit 0 is the lowest of the last byte
 *	helper		name
 *	helper_info	the helper's private data in hexadecimal
 *	master		proto, src, dst, … of the entry that expected this one
 * state
 *	timeout		remaining seconds
 *	packets, bytes	{"orig":number,"reply":number}, when accounting was on
 *	start		RFC 3339 time of creation, when timestamping was on
 *	unacknowledged	{"orig":bool,"reply":bool}: TCP data was in flight
 */
#include "lib/engine/ct_engine.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <time.h>

#include <linux/netfilter/nf_conntrack_common.h>

#include "lib/engine/ct_row.h"
#include "lib/util/cleanup.h"

static const char *const tcp_states[] = { "NONE",	 "SYN_SENT",  "SYN_RECV",
					  "ESTABLISHED", "FIN_WAIT",  "CLOSE_WAIT",
					  "LAST_ACK",	 "TIME_WAIT", "CLOSE",
					  "SYN_SENT2" };
static const char *const sctp_states[] = { "NONE",	     "CLOSED",
					   "COOKIE_WAIT",    "COOKIE_ECHOED",
					   "ESTABLISHED",    "SHUTDOWN_SENT",
					   "SHUTDOWN_RECD",  "SHUTDOWN_ACK_SENT",
					   "HEARTBEAT_SENT", "HEARTBEAT_ACKED" };
static const char *const dccp_states[] = { "NONE",   "REQUEST",	 "RESPOND", "PARTOPEN",
					   "OPEN",   "CLOSEREQ", "CLOSING", "TIMEWAIT",
					   "IGNORE", "INVALID" };

struct bit_name {
	uint32_t bit;
	const char *name;
};

static const struct bit_name status_names[] = {
	{ IPS_SEEN_REPLY, "seen-reply" },
	{ IPS_ASSURED, "assured" },
	{ IPS_SRC_NAT, "src-nat" },
	{ IPS_DST_NAT, "dst-nat" },
	{ IPS_FIXED_TIMEOUT, "fixed-timeout" },
	{ IPS_HELPER, "helper" },
};

static const struct bit_name flag_names[] = {
	{ CT_TCP_WINDOW_SCALE, "window-scale" },
	{ CT_TCP_SACK_PERM, "sack-perm" },
	{ CT_TCP_CLOSE_INIT, "close-init" },
	{ CT_TCP_BE_LIBERAL, "be-liberal" },
};

static int set(json_t *o, const char *name, json_t *value)
{
	return json_object_set_new(o, name, value) < 0 ? -ENOMEM : 0;
}

static int set_int(json_t *o, const char *name, json_int_t v)
{
	return set(o, name, json_integer(v));
}

static int set_str(json_t *o, const char *name, const char *v)
{
	return set(o, name, json_string(v));
}

static json_t *hex(const uint8_t *p, size_t n, bool backwards)
{
	char text[2 * 32 + 1] = "";

	for (size_t i = 0; i < n && i < 32; i++)
		snprintf(text + 2 * i, 3, "%02x", p[backwards ? n - 1 - i : i]);
	return json_string(text);
}

static json_t *bits(uint32_t v, const struct bit_name *names, size_t n)
{
	json_t *a = json_array();
	char text[16];

	for (size_t i = 0; a && i < n; i++) {
		if (v & names[i].bit)
			json_array_append_new(a, json_string(names[i].name));
		v &= ~names[i].bit;
	}
	for (uint32_t bit = 1; a && v; bit <<= 1) {
		if (!(v & bit))
			continue;
		snprintf(text, sizeof(text), "0x%02x", bit);
		json_array_append_new(a, json_string(text));
		v &= ~bit;
	}
	return a;
}

static int describe_tuple(json_t *o, const struct ct_entry *e, uint8_t l4,
			  const struct ct_tuple *t)
{
	unsigned int a = (unsigned int)t->l4[0] << 8 | t->l4[1];
	unsigned int b = (unsigned int)t->l4[2] << 8 | t->l4[3];
	char text[NSE_ADDR_STR];
	int rc = set_str(o, "src", nse_addr_text(ct_family(e), t->src, text));

	rc = rc ?: set_str(o, "dst", nse_addr_text(ct_family(e), t->dst, text));
	if (ct_is_icmp(l4))
		return rc ?: set_int(o, "icmp_type", t->l4[2]) ?:
		       set_int(o, "icmp_code", t->l4[3]) ?: set_int(o, "icmp_id", a);
	if (l4 == IPPROTO_GRE)
		return rc ?: set_int(o, "srckey", a) ?: set_int(o, "dstkey", b);
	if (ct_has_ports(l4))
		return rc ?: set_int(o, "sport", a) ?: set_int(o, "dport", b);
	return rc;
}

static int describe_key(json_t *key, const struct ct_entry *e)
{
	char name[8];
	int rc = set_str(key, "family", e->l3 == 4 ? "ipv4" : "ipv6") ?:
		 set_str(key, "proto", ct_proto_name(e->l4, name)) ?:
		 describe_tuple(key, e, e->l4, &e->orig);

	if (e->zone_orig != e->zone_reply)
		return rc ?: set_int(key, "zone_orig", e->zone_orig) ?:
		       set_int(key, "zone_reply", e->zone_reply);
	return rc < 0 || !e->zone_orig ? rc : set_int(key, "zone", e->zone_orig);
}

/* By hand: this is done for every TCP flow, and json_pack() reads its format each time.
 */
static int describe_tcp(json_t *tcp, const struct ct_entry *e)
{
	json_t *wscale = json_array(), *flags = json_array();
	int rc = set(tcp, "wscale", wscale) ?: set(tcp, "flags", flags);

	for (int d = 0; d < 2 && rc == 0; d++) {
		json_t *names =
			bits(e->tcp.flags[d], flag_names, NSE_ARRAY_SIZE(flag_names));

		if (json_array_append_new(wscale, json_integer(e->tcp.wscale[d])) < 0 ||
		    json_array_append_new(flags, names) < 0)
			rc = -ENOMEM;
	}
	return rc;
}

static int describe_proto(json_t *body, const struct ct_entry *e)
{
	json_t *tcp;

	if (e->present & CT_HAS_TCP) {
		tcp = json_object();
		return set_str(body, "state", tcp_states[e->tcp.state])
			       ?: set(body, "tcp", tcp) ?: describe_tcp(tcp, e);
	}
	if (e->present & CT_HAS_SCTP)
		return set_str(body, "state", sctp_states[e->sctp.state])
			       ?: set(body, "sctp",
				      json_pack("{s:[I,I]}", "vtag",
						(json_int_t)e->sctp.vtag[0],
						(json_int_t)e->sctp.vtag[1]));
	if (e->present & CT_HAS_DCCP)
		return set_str(body, "state", dccp_states[e->dccp.state])
			       ?: set(body, "dccp",
				      json_pack("{s:s,s:I}", "role",
						e->dccp.role ? "server" : "client",
						"handshake_seq",
						(json_int_t)e->dccp.seq));
	return 0;
}

static int describe_nat_side(json_t *nat, const struct ct_entry *e, const char *name,
			     const uint8_t *addr, const uint8_t *port)
{
	char text[NSE_ADDR_STR], out[NSE_ADDR_STR + 16];

	nse_addr_text(ct_family(e), addr, text);
	if (!ct_has_ports(e->l4))
		return set_str(nat, name, text);
	snprintf(out, sizeof(out), e->l3 == 6 ? "[%s]:%u" : "%s:%u", text,
		 port[0] << 8 | port[1]);
	return set_str(nat, name, out);
}

static int describe_nat(json_t *body, const struct ct_entry *e)
{
	json_t *nat;
	int rc;

	if (!(e->status & (IPS_SRC_NAT | IPS_DST_NAT)))
		return 0;
	nat = json_object();
	rc = set(body, "nat", nat);
	if (rc == 0 && (e->status & IPS_SRC_NAT))
		rc = describe_nat_side(nat, e, "src", e->reply.dst, e->reply.l4 + 2);
	if (rc == 0 && (e->status & IPS_DST_NAT))
		rc = describe_nat_side(nat, e, "dst", e->reply.src, e->reply.l4);
	return rc;
}

static int describe_seqadj(json_t *body, const struct ct_entry *e)
{
	static const char *const names[] = { "orig", "reply" };
	json_t *o;
	int rc;

	if (!(e->present & (CT_HAS_SEQADJ_ORIG | CT_HAS_SEQADJ_REPLY)))
		return 0;
	o = json_object();
	rc = set(body, "seqadj", o);
	for (int d = 0; d < 2 && rc == 0; d++) {
		const struct ct_seqadj *s = &e->seqadj[d];

		if (e->present & (CT_HAS_SEQADJ_ORIG << d))
			rc = set(o, names[d],
				 json_pack("{s:I,s:i,s:i}", "pos", (json_int_t)s->pos,
					   "before", (int)s->before, "after",
					   (int)s->after));
	}
	return rc;
}

static int describe_master(json_t *body, const struct ct_entry *e)
{
	json_t *o = json_object();
	char name[8];

	return set(body, "master", o) ?:
	       set_str(o, "proto", ct_proto_name(e->master_l4, name)) ?:
	       describe_tuple(o, e, e->master_l4, &e->master);
}

static int describe_rare(json_t *body, const struct ct_entry *e)
{
	int rc = describe_seqadj(body, e);

	if (rc == 0 && (e->present & CT_HAS_SYNPROXY))
		rc = set(body, "synproxy",
			 json_pack("{s:I,s:I,s:I}", "isn", (json_int_t)e->synproxy[0],
				   "its", (json_int_t)e->synproxy[1], "tsoff",
				   (json_int_t)e->synproxy[2]));
	if (rc == 0 && (e->present & CT_HAS_LABELS))
		rc = set(body, "labels", hex(e->labels, CT_LABELS, true));
	if (rc == 0 && (e->present & CT_HAS_HELPER))
		rc = set_str(body, "helper", e->helper);
	if (rc == 0 && (e->present & CT_HAS_INFO))
		rc = set(body, "helper_info", hex(e->info, e->info_len, false));
	if (rc == 0 && (e->present & CT_HAS_MASTER))
		rc = describe_master(body, e);
	return rc;
}

static int describe_status(json_t *body, const struct ct_entry *e)
{
	json_t *names = bits(e->status, status_names, NSE_ARRAY_SIZE(status_names));

	if (names && (e->present & CT_HAS_MASTER))
		json_array_append_new(names, json_string("expected"));
	return set(body, "status", names);
}

static int describe_reply(json_t *body, const struct ct_entry *e)
{
	json_t *reply = json_object();

	return set(body, "reply", reply) ?: describe_tuple(reply, e, e->l4, &e->reply);
}

static int describe_body(json_t *body, const struct ct_entry *e)
{
	return describe_proto(body, e) ?: describe_status(body, e) ?:
	       set_int(body, "mark", e->mark) ?: describe_reply(body, e) ?:
	       describe_nat(body, e) ?: describe_rare(body, e);
}

static int describe_start(json_t *state, uint64_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000);
	char text[64];
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return 0;
	return set_str(state, "start", text);
}

static int describe_state(json_t *state, const struct ct_entry *e)
{
	const uint8_t unacked = CT_STATE_UNACKED_ORIG | CT_STATE_UNACKED_REPLY;
	int rc = set_int(state, "timeout", e->timeout);

	if (rc == 0 && (e->state & CT_STATE_COUNTERS))
		rc = set(state, "packets",
			 json_pack("{s:I,s:I}", "orig", (json_int_t)e->packets[0],
				   "reply", (json_int_t)e->packets[1]))
			     ?: set(state, "bytes",
				    json_pack("{s:I,s:I}", "orig",
					      (json_int_t)e->bytes[0], "reply",
					      (json_int_t)e->bytes[1]));
	if (rc == 0 && (e->state & CT_STATE_START))
		rc = describe_start(state, e->start);
	if (rc == 0 && (e->state & unacked))
		rc = set(state, "unacknowledged",
			 json_pack("{s:b,s:b}", "orig", e->state & CT_STATE_UNACKED_ORIG,
				   "reply", e->state & CT_STATE_UNACKED_REPLY));
	return rc;
}

int ct_describe(const struct nse_record *rec, json_t *key, json_t *body, json_t *state)
{
	struct ct_entry e;
	int rc = ct_row_decode(rec, &e, NULL);

	return rc ?: describe_key(key, &e) ?: describe_body(body, &e) ?:
	       describe_state(state, &e);
}
