/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tables of names. Where nft(8) has a keyword for a number it stands here.
 */
#include "lib/engine/nft/words.h"

#include <stddef.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_log.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_synproxy.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_arp.h>

#include "lib/util/cleanup.h"

/* clang-format off */
#define WORDS(table) const struct nft_word nft_w_##table[]
#define END { 0, NULL }

WORDS(table_flags) = { { NFT_TABLE_F_DORMANT, "dormant" }, { 0x4, "persist" }, END };
WORDS(chain_flags) = {
	{ NFT_CHAIN_BASE, "base" }, { NFT_CHAIN_HW_OFFLOAD, "offload" },
	{ NFT_CHAIN_BINDING, "bound" }, END
};
WORDS(set_flags) = {
	{ NFT_SET_ANONYMOUS, "anonymous" }, { NFT_SET_CONSTANT, "constant" },
	{ NFT_SET_INTERVAL, "interval" }, { NFT_SET_MAP, "map" },
	{ NFT_SET_TIMEOUT, "timeout" }, { NFT_SET_EVAL, "dynamic" },
	{ NFT_SET_OBJECT, "object" }, { NFT_SET_CONCAT, "concat" },
	{ NFT_SET_EXPR, "expr" }, END
};
WORDS(flowtable_flags) = {
	{ NFT_FLOWTABLE_HW_OFFLOAD, "offload" }, { NFT_FLOWTABLE_COUNTER, "counter" }, END
};
WORDS(element_flags) = {
	{ NFT_SET_ELEM_INTERVAL_END, "interval-end" },
	{ NFT_SET_ELEM_CATCHALL, "catchall" }, END
};
WORDS(policy) = { { NF_DROP, "drop" }, { NF_ACCEPT, "accept" }, END };
WORDS(set_policy) = {
	{ NFT_SET_POL_PERFORMANCE, "performance" }, { NFT_SET_POL_MEMORY, "memory" }, END
};
WORDS(objtype) = {
	{ NFT_OBJECT_COUNTER, "counter" }, { NFT_OBJECT_QUOTA, "quota" },
	{ NFT_OBJECT_CT_HELPER, "ct helper" }, { NFT_OBJECT_LIMIT, "limit" },
	{ NFT_OBJECT_CONNLIMIT, "connlimit" }, { NFT_OBJECT_TUNNEL, "tunnel" },
	{ NFT_OBJECT_CT_TIMEOUT, "ct timeout" }, { NFT_OBJECT_SECMARK, "secmark" },
	{ NFT_OBJECT_CT_EXPECT, "ct expectation" }, { NFT_OBJECT_SYNPROXY, "synproxy" },
	END
};

WORDS(verdict) = {
	{ NF_DROP, "drop" }, { NF_ACCEPT, "accept" }, { NF_STOLEN, "stolen" },
	{ NF_QUEUE, "queue" }, { NF_REPEAT, "repeat" },
	{ (uint32_t)NFT_CONTINUE, "continue" }, { (uint32_t)NFT_BREAK, "break" },
	{ (uint32_t)NFT_JUMP, "jump" }, { (uint32_t)NFT_GOTO, "goto" },
	{ (uint32_t)NFT_RETURN, "return" }, END
};
WORDS(cmp) = {
	{ NFT_CMP_EQ, "==" }, { NFT_CMP_NEQ, "!=" }, { NFT_CMP_LT, "<" },
	{ NFT_CMP_LTE, "<=" }, { NFT_CMP_GT, ">" }, { NFT_CMP_GTE, ">=" }, END
};
WORDS(range) = { { NFT_RANGE_EQ, "==" }, { NFT_RANGE_NEQ, "!=" }, END };
WORDS(bitwise) = {
	{ NFT_BITWISE_MASK_XOR, "mask-xor" }, { NFT_BITWISE_LSHIFT, "<<" },
	{ NFT_BITWISE_RSHIFT, ">>" }, { 3, "&" }, { 4, "|" }, { 5, "^" }, END
};
WORDS(byteorder) = {
	{ NFT_BYTEORDER_NTOH, "ntoh" }, { NFT_BYTEORDER_HTON, "hton" }, END
};
WORDS(dynset) = {
	{ NFT_DYNSET_OP_ADD, "add" }, { NFT_DYNSET_OP_UPDATE, "update" },
	{ NFT_DYNSET_OP_DELETE, "delete" }, END
};
WORDS(dynset_flags) = {
	{ NFT_DYNSET_F_INV, "invert" }, { NFT_DYNSET_F_EXPR, "expr" }, END
};
WORDS(invert) = { { 1, "invert" }, END };
WORDS(over) = { { 1, "over" }, { NFT_QUOTA_F_DEPLETED, "depleted" }, END };
WORDS(payload_base) = {
	{ NFT_PAYLOAD_LL_HEADER, "link" }, { NFT_PAYLOAD_NETWORK_HEADER, "network" },
	{ NFT_PAYLOAD_TRANSPORT_HEADER, "transport" },
	{ NFT_PAYLOAD_INNER_HEADER, "inner" }, { 4, "tunnel" }, END
};
WORDS(exthdr) = {
	{ NFT_EXTHDR_OP_IPV6, "ipv6" }, { NFT_EXTHDR_OP_TCPOPT, "tcp-option" },
	{ NFT_EXTHDR_OP_IPV4, "ipv4-option" }, { NFT_EXTHDR_OP_SCTP, "sctp-chunk" },
	{ NFT_EXTHDR_OP_DCCP, "dccp-option" }, END
};
WORDS(exthdr_flags) = { { NFT_EXTHDR_F_PRESENT, "exists" }, END };
WORDS(meta) = {
	{ NFT_META_LEN, "length" }, { NFT_META_PROTOCOL, "protocol" },
	{ NFT_META_PRIORITY, "priority" }, { NFT_META_MARK, "mark" },
	{ NFT_META_IIF, "iif" }, { NFT_META_OIF, "oif" },
	{ NFT_META_IIFNAME, "iifname" }, { NFT_META_OIFNAME, "oifname" },
	{ NFT_META_IFTYPE, "iiftype" }, { NFT_META_OIFTYPE, "oiftype" },
	{ NFT_META_SKUID, "skuid" }, { NFT_META_SKGID, "skgid" },
	{ NFT_META_NFTRACE, "nftrace" }, { NFT_META_RTCLASSID, "rtclassid" },
	{ NFT_META_SECMARK, "secmark" }, { NFT_META_NFPROTO, "nfproto" },
	{ NFT_META_L4PROTO, "l4proto" }, { NFT_META_BRI_IIFNAME, "ibrname" },
	{ NFT_META_BRI_OIFNAME, "obrname" }, { NFT_META_PKTTYPE, "pkttype" },
	{ NFT_META_CPU, "cpu" }, { NFT_META_IIFGROUP, "iifgroup" },
	{ NFT_META_OIFGROUP, "oifgroup" }, { NFT_META_CGROUP, "cgroup" },
	{ NFT_META_PRANDOM, "random" }, { NFT_META_SECPATH, "ipsec" },
	{ NFT_META_IIFKIND, "iifkind" }, { NFT_META_OIFKIND, "oifkind" },
	{ NFT_META_BRI_IIFPVID, "ibrpvid" }, { NFT_META_BRI_IIFVPROTO, "ibrvproto" },
	{ NFT_META_TIME_NS, "time" }, { NFT_META_TIME_DAY, "day" },
	{ NFT_META_TIME_HOUR, "hour" }, { NFT_META_SDIF, "sdif" },
	{ NFT_META_SDIFNAME, "sdifname" }, END
};
WORDS(rt) = {
	{ NFT_RT_CLASSID, "classid" }, { NFT_RT_NEXTHOP4, "nexthop4" },
	{ NFT_RT_NEXTHOP6, "nexthop6" }, { NFT_RT_TCPMSS, "mtu" },
	{ NFT_RT_XFRM, "ipsec" }, END
};
WORDS(ct) = {
	{ NFT_CT_STATE, "state" }, { NFT_CT_DIRECTION, "direction" },
	{ NFT_CT_STATUS, "status" }, { NFT_CT_MARK, "mark" },
	{ NFT_CT_SECMARK, "secmark" }, { NFT_CT_EXPIRATION, "expiration" },
	{ NFT_CT_HELPER, "helper" }, { NFT_CT_L3PROTOCOL, "l3proto" },
	{ NFT_CT_SRC, "saddr" }, { NFT_CT_DST, "daddr" },
	{ NFT_CT_PROTOCOL, "protocol" }, { NFT_CT_PROTO_SRC, "proto-src" },
	{ NFT_CT_PROTO_DST, "proto-dst" }, { NFT_CT_LABELS, "label" },
	{ NFT_CT_PKTS, "packets" }, { NFT_CT_BYTES, "bytes" },
	{ NFT_CT_AVGPKT, "avgpkt" }, { NFT_CT_ZONE, "zone" },
	{ NFT_CT_EVENTMASK, "event" }, { NFT_CT_SRC_IP, "ip saddr" },
	{ NFT_CT_DST_IP, "ip daddr" }, { NFT_CT_SRC_IP6, "ip6 saddr" },
	{ NFT_CT_DST_IP6, "ip6 daddr" }, { NFT_CT_ID, "id" }, END
};
WORDS(ct_dir) = { { 0, "original" }, { 1, "reply" }, END };
WORDS(socket) = {
	{ NFT_SOCKET_TRANSPARENT, "transparent" }, { NFT_SOCKET_MARK, "mark" },
	{ NFT_SOCKET_WILDCARD, "wildcard" }, { NFT_SOCKET_CGROUPV2, "cgroupv2" }, END
};
WORDS(fib) = {
	{ NFT_FIB_RESULT_OIF, "oif" }, { NFT_FIB_RESULT_OIFNAME, "oifname" },
	{ NFT_FIB_RESULT_ADDRTYPE, "type" }, END
};
WORDS(fib_flags) = {
	{ NFTA_FIB_F_SADDR, "saddr" }, { NFTA_FIB_F_DADDR, "daddr" },
	{ NFTA_FIB_F_MARK, "mark" }, { NFTA_FIB_F_IIF, "iif" },
	{ NFTA_FIB_F_OIF, "oif" }, { NFTA_FIB_F_PRESENT, "exists" }, END
};
WORDS(hash) = { { NFT_HASH_JENKINS, "jhash" }, { NFT_HASH_SYM, "symhash" }, END };
WORDS(numgen) = { { NFT_NG_INCREMENTAL, "inc" }, { NFT_NG_RANDOM, "random" }, END };
WORDS(limit) = { { NFT_LIMIT_PKTS, "packets" }, { NFT_LIMIT_PKT_BYTES, "bytes" }, END };
WORDS(log_level) = {
	{ NFT_LOGLEVEL_EMERG, "emerg" }, { NFT_LOGLEVEL_ALERT, "alert" },
	{ NFT_LOGLEVEL_CRIT, "crit" }, { NFT_LOGLEVEL_ERR, "err" },
	{ NFT_LOGLEVEL_WARNING, "warn" }, { NFT_LOGLEVEL_NOTICE, "notice" },
	{ NFT_LOGLEVEL_INFO, "info" }, { NFT_LOGLEVEL_DEBUG, "debug" },
	{ NFT_LOGLEVEL_AUDIT, "audit" }, END
};
WORDS(log_flags) = {
	{ NF_LOG_TCPSEQ, "tcp sequence" }, { NF_LOG_TCPOPT, "tcp options" },
	{ NF_LOG_IPOPT, "ip options" }, { NF_LOG_UID, "skuid" },
	{ NF_LOG_MACDECODE, "ether" }, END
};
WORDS(queue_flags) = {
	{ NFT_QUEUE_FLAG_BYPASS, "bypass" }, { NFT_QUEUE_FLAG_CPU_FANOUT, "fanout" }, END
};
WORDS(reject) = {
	{ NFT_REJECT_ICMP_UNREACH, "icmp" }, { NFT_REJECT_TCP_RST, "tcp reset" },
	{ NFT_REJECT_ICMPX_UNREACH, "icmpx" }, END
};
WORDS(nat) = { { NFT_NAT_SNAT, "snat" }, { NFT_NAT_DNAT, "dnat" }, END };
WORDS(nat_flags) = {
	{ NF_NAT_RANGE_MAP_IPS, "address" }, { NF_NAT_RANGE_PROTO_SPECIFIED, "port" },
	{ NF_NAT_RANGE_PROTO_RANDOM, "random" }, { NF_NAT_RANGE_PERSISTENT, "persistent" },
	{ NF_NAT_RANGE_PROTO_RANDOM_FULLY, "fully-random" },
	{ NF_NAT_RANGE_PROTO_OFFSET, "offset" }, { NF_NAT_RANGE_NETMAP, "prefix" }, END
};
WORDS(osf_flags) = { { NFT_OSF_F_VERSION, "version" }, END };
WORDS(synproxy_flags) = {
	{ NF_SYNPROXY_OPT_MSS, "mss" }, { NF_SYNPROXY_OPT_WSCALE, "wscale" },
	{ NF_SYNPROXY_OPT_SACK_PERM, "sack-perm" },
	{ NF_SYNPROXY_OPT_TIMESTAMP, "timestamp" }, { NF_SYNPROXY_OPT_ECN, "ecn" }, END
};
WORDS(xfrm) = {
	{ NFT_XFRM_KEY_DADDR_IP4, "ip daddr" }, { NFT_XFRM_KEY_DADDR_IP6, "ip6 daddr" },
	{ NFT_XFRM_KEY_SADDR_IP4, "ip saddr" }, { NFT_XFRM_KEY_SADDR_IP6, "ip6 saddr" },
	{ NFT_XFRM_KEY_REQID, "reqid" }, { NFT_XFRM_KEY_SPI, "spi" }, END
};
WORDS(xfrm_dir) = { { 0, "in" }, { 2, "out" }, END };
WORDS(tunnel) = { { NFT_TUNNEL_PATH, "path" }, { NFT_TUNNEL_ID, "id" }, END };
/* clang-format on */

/* By number, as nft(8) counts its types; a gap has none that a set can be of. */
static const char *const datatypes[] = {
	[1] = "verdict",       [2] = "nf_proto",      [3] = "bitmask",
	[4] = "integer",       [5] = "string",	      [6] = "ll_addr",
	[7] = "ipv4_addr",     [8] = "ipv6_addr",     [9] = "ether_addr",
	[10] = "ether_type",   [11] = "arp_op",	      [12] = "inet_proto",
	[13] = "inet_service", [14] = "icmp_type",    [15] = "tcp_flag",
	[16] = "dccp_pkttype", [17] = "mh_type",      [18] = "time",
	[19] = "mark",	       [20] = "iface_index",  [21] = "iface_type",
	[22] = "realm",	       [23] = "classid",      [24] = "uid",
	[25] = "gid",	       [26] = "ct_state",     [27] = "ct_dir",
	[28] = "ct_status",    [29] = "icmpv6_type",  [30] = "ct_label",
	[31] = "pkt_type",     [32] = "icmp_code",    [33] = "icmpv6_code",
	[34] = "icmpx_code",   [35] = "devgroup",     [36] = "dscp",
	[37] = "ecn",	       [38] = "fib_addrtype", [39] = "boolean",
	[40] = "ct_event",     [41] = "ifname",	      [42] = "igmp_type",
	[43] = "time",	       [44] = "hour",	      [45] = "day",
	[46] = "cgroupsv2",
};

static const char *const inet_hooks[] = {
	[NF_INET_PRE_ROUTING] = "prerouting",	[NF_INET_LOCAL_IN] = "input",
	[NF_INET_FORWARD] = "forward",		[NF_INET_LOCAL_OUT] = "output",
	[NF_INET_POST_ROUTING] = "postrouting", [NF_INET_INGRESS] = "ingress",
};
static const char *const arp_hooks[] = {
	[NF_ARP_IN] = "input",
	[NF_ARP_OUT] = "output",
	[NF_ARP_FORWARD] = "forward",
};
static const char *const netdev_hooks[] = {
	[NF_NETDEV_INGRESS] = "ingress",
	[NF_NETDEV_EGRESS] = "egress",
};

static const char *at(const char *const *names, size_t n, uint32_t i)
{
	return i < n ? names[i] : NULL;
}

const char *nft_word(const struct nft_word *words, uint32_t value)
{
	for (; words->name; words++)
		if (words->value == value)
			return words->name;
	return NULL;
}

const char *nft_hook_name(uint8_t family, uint32_t hook)
{
	if (family == NFPROTO_NETDEV)
		return at(netdev_hooks, NSE_ARRAY_SIZE(netdev_hooks), hook);
	if (family == NFPROTO_ARP)
		return at(arp_hooks, NSE_ARRAY_SIZE(arp_hooks), hook);
	return at(inet_hooks, NSE_ARRAY_SIZE(inet_hooks), hook);
}

const char *nft_datatype_name(uint32_t type)
{
	return at(datatypes, NSE_ARRAY_SIZE(datatypes), type);
}
