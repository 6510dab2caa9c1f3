/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the tests of the conntrack engine: entries of every sort, made by
 * libnetfilter_conntrack in the namespace that one is in.
 */
#ifndef TESTS_UNIT_CT_ZOO_H
#define TESTS_UNIT_CT_ZOO_H

#include "tests/unit/ct_lib.h"

static inline void add_nat(void)
{
	struct nf_conntrack *c = mk_tcp("10.0.0.1", "10.0.0.9", 2001, 80);

	nfct_set_attr_u32(c, ATTR_SNAT_IPV4, inet_addr("192.0.2.7"));
	nfct_set_attr_u16(c, ATTR_SNAT_PORT, htons(4242));
	add(c);
	c = mk(IPPROTO_UDP, "198.51.100.1", "192.0.2.7", 2002, 53);
	nfct_set_attr_u32(c, ATTR_DNAT_IPV4, inet_addr("10.0.0.1"));
	nfct_set_attr_u16(c, ATTR_DNAT_PORT, htons(5353));
	add(c);
	c = mk_tcp("10.0.0.1", "192.0.2.8", 2003, 80);
	nfct_set_attr_u32(c, ATTR_SNAT_IPV4, inet_addr("192.0.2.7"));
	nfct_set_attr_u16(c, ATTR_SNAT_PORT, htons(4243));
	nfct_set_attr_u32(c, ATTR_DNAT_IPV4, inet_addr("10.0.0.2"));
	nfct_set_attr_u16(c, ATTR_DNAT_PORT, htons(8080));
	add(c);
	c = mk(IPPROTO_ICMP, "10.0.0.1", "10.0.0.9", 2004, 0);
	nfct_set_attr_u32(c, ATTR_SNAT_IPV4, inet_addr("192.0.2.7"));
	add(c);
}

static inline void add_zones(void)
{
	struct nf_conntrack *c = mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80);

	nfct_set_attr_u16(c, ATTR_ZONE, 9);
	add(c);
	c = mk_tcp("10.0.0.1", "10.0.0.2", 3001, 80);
	nfct_set_attr_u16(c, ATTR_ORIG_ZONE, 11);
	add(c);
	c = mk_tcp("10.0.0.1", "10.0.0.2", 3002, 80);
	nfct_set_attr_u16(c, ATTR_REPL_ZONE, 12);
	add(c);
}

static inline void add_extras(void)
{
	struct nf_conntrack *c = mk_tcp("10.0.0.1", "10.0.0.2", 4001, 80);
	struct nfct_bitmask *b = nfct_bitmask_new(127);

	nfct_bitmask_set_bit(b, 1);
	nfct_bitmask_set_bit(b, 100);
	nfct_set_attr(c, ATTR_CONNLABELS, b);
	nfct_set_attr_u32(c, ATTR_MARK, 0x1234);
	add(c);
	c = mk_tcp("10.0.0.1", "10.0.0.2", 4002, 21);
	nfct_set_attr(c, ATTR_HELPER_NAME, "ftp");
	nfct_set_attr_u32(c, ATTR_ORIG_NAT_SEQ_CORRECTION_POS, 1000);
	nfct_set_attr_u32(c, ATTR_ORIG_NAT_SEQ_OFFSET_BEFORE, 3);
	nfct_set_attr_u32(c, ATTR_ORIG_NAT_SEQ_OFFSET_AFTER, (uint32_t)-2);
	nfct_set_attr_u32(c, ATTR_REPL_NAT_SEQ_CORRECTION_POS, 2000);
	nfct_set_attr_u32(c, ATTR_REPL_NAT_SEQ_OFFSET_BEFORE, 5);
	nfct_set_attr_u32(c, ATTR_REPL_NAT_SEQ_OFFSET_AFTER, 6);
	add(c);
	c = mk_tcp("10.0.0.1", "10.0.0.2", 4003, 20);
	nfct_set_attr_u32(c, ATTR_MASTER_IPV4_SRC, inet_addr("10.0.0.1"));
	nfct_set_attr_u32(c, ATTR_MASTER_IPV4_DST, inet_addr("10.0.0.2"));
	nfct_set_attr_u8(c, ATTR_MASTER_L3PROTO, AF_INET);
	nfct_set_attr_u8(c, ATTR_MASTER_L4PROTO, IPPROTO_TCP);
	nfct_set_attr_u16(c, ATTR_MASTER_PORT_SRC, htons(4002));
	nfct_set_attr_u16(c, ATTR_MASTER_PORT_DST, htons(21));
	add(c);
	c = mk_tcp("10.0.0.1", "10.0.0.2", 4004, 80);
	nfct_set_attr_u32(c, ATTR_SYNPROXY_ISN, 77);
	nfct_set_attr_u32(c, ATTR_SYNPROXY_ITS, 78);
	nfct_set_attr_u32(c, ATTR_SYNPROXY_TSOFF, 79);
	add(c);
}

/* TCP in every state, liberal, and with scales but not yet agreed on. */
static inline void add_tcp_states(void)
{
	struct nf_conntrack *c;

	for (uint8_t state = 0; state <= 9; state++) {
		c = mk_tcp("10.0.0.1", "10.0.0.3", (uint16_t)(5000 + state), 80);
		tcp_info(c, state, 7, 9, 0x03, 0x07);
		add(c);
	}
	c = mk_tcp("10.0.0.1", "10.0.0.3", 5010, 80);
	tcp_info(c, 3, 0, 14, 0x0b, 0x03);
	add(c);
	c = mk_tcp("10.0.0.1", "10.0.0.3", 5011, 80);
	tcp_info(c, 3, 0, 0, 0x02, 0x00);
	add(c);
	c = mk(IPPROTO_TCP, "10.0.0.1", "10.0.0.3", 5012, 80);
	tcp_info(c, 1, 7, 0, 0x03, 0x01);
	add(c);
	c = mk(IPPROTO_TCP, "10.0.0.1", "10.0.0.3", 5012, 80);
	tcp_info(c, 1, 7, 0, 0x03, 0x00);
	/* The library sends the scales always; only the flag changes here. */
	nfct_attr_unset(c, ATTR_TCP_WSCALE_ORIG);
	nfct_attr_unset(c, ATTR_TCP_WSCALE_REPL);
	nfct_set_attr_u8(c, ATTR_TCP_MASK_REPL, 0x01);
	assert_int_equal(try_query(NFCT_Q_UPDATE, c), 0);
	nfct_destroy(c);
}

static inline void add_protocols(void)
{
	struct nf_conntrack *c;

	add(mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80));
	add(mk_tcp("2001:db8::1", "2001:db8::2", 1001, 443));
	add(mk(IPPROTO_UDP, "10.0.0.1", "10.0.0.2", 1002, 53));
	add(mk(IPPROTO_UDP, "2001:db8::1", "2001:db8::2", 1002, 53));
	add(mk(IPPROTO_ICMP, "10.0.0.1", "10.0.0.2", 1003, 0));
	add(mk(IPPROTO_ICMPV6, "2001:db8::1", "2001:db8::2", 1004, 0));
	add(mk(IPPROTO_GRE, "10.0.0.1", "10.0.0.2", 1005, 1006));
	add(mk(IPPROTO_ESP, "10.0.0.1", "10.0.0.2", 0, 0));
	c = mk(IPPROTO_UDPLITE, "10.0.0.1", "10.0.0.2", 1007, 1008);
	if (try_query(NFCT_Q_CREATE, c) < 0)
		print_message("# this kernel does not track UDP-Lite\n");
	nfct_destroy(c);
	c = mk(IPPROTO_SCTP, "10.0.0.1", "10.0.0.2", 1009, 5001);
	nfct_set_attr_u8(c, ATTR_SCTP_STATE, 4);
	nfct_set_attr_u32(c, ATTR_SCTP_VTAG_ORIG, 0x01020304);
	nfct_set_attr_u32(c, ATTR_SCTP_VTAG_REPL, 0x05060708);
	add(c);
	c = mk(IPPROTO_UDP, "10.0.0.1", "10.0.0.2", 1010, 53);
	nfct_set_attr_u32(c, ATTR_STATUS, IPS_CONFIRMED | IPS_FIXED_TIMEOUT);
	add(c);
}

static inline void add_everything(void)
{
	nft(RULES_CT RULES_LABELS RULES_NAT);
	add_protocols();
	add_tcp_states();
	add_zones();
	add_nat();
	add_extras();
}

#endif
