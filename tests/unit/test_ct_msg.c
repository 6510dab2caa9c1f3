/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine's own reading and writing of ctnetlink messages against
 * libnetfilter_conntrack as the reference, on entries of the real kernel.
 */
#include "tests/unit/ct_lib.h"

#include <linux/netfilter/nfnetlink_conntrack.h>

#include "lib/engine/ct_msg.h"

static void same_tuple(const struct nf_conntrack *c, const struct ct_entry *e, bool reply)
{
	const struct ct_tuple *t = reply ? &e->reply : &e->orig;
	bool v6 = e->l3 == 6;
	uint16_t port;

	assert_int_equal(nfct_get_attr_u8(c,
					  reply ? ATTR_REPL_L3PROTO : ATTR_ORIG_L3PROTO),
			 v6 ? AF_INET6 : AF_INET);
	assert_int_equal(nfct_get_attr_u8(c,
					  reply ? ATTR_REPL_L4PROTO : ATTR_ORIG_L4PROTO),
			 e->l4);
	if (v6) {
		assert_memory_equal(nfct_get_attr(c, reply ? ATTR_REPL_IPV6_SRC
							   : ATTR_ORIG_IPV6_SRC),
				    t->src, 16);
		assert_memory_equal(nfct_get_attr(c, reply ? ATTR_REPL_IPV6_DST
							   : ATTR_ORIG_IPV6_DST),
				    t->dst, 16);
	} else {
		assert_memory_equal(nfct_get_attr(c, reply ? ATTR_REPL_IPV4_SRC
							   : ATTR_ORIG_IPV4_SRC),
				    t->src, 4);
		assert_memory_equal(nfct_get_attr(c, reply ? ATTR_REPL_IPV4_DST
							   : ATTR_ORIG_IPV4_DST),
				    t->dst, 4);
	}
	if (ct_has_ports(e->l4)) {
		port = nfct_get_attr_u16(c,
					 reply ? ATTR_REPL_PORT_SRC : ATTR_ORIG_PORT_SRC);
		assert_memory_equal(&port, t->l4, 2);
		port = nfct_get_attr_u16(c,
					 reply ? ATTR_REPL_PORT_DST : ATTR_ORIG_PORT_DST);
		assert_memory_equal(&port, t->l4 + 2, 2);
	}
}

static void same_tcp(const struct nf_conntrack *c, const struct ct_entry *e)
{
	assert_true(e->present & CT_HAS_TCP);
	assert_int_equal(nfct_get_attr_u8(c, ATTR_TCP_STATE), e->tcp.state);
	assert_int_equal(nfct_get_attr_u8(c, ATTR_TCP_WSCALE_ORIG), e->tcp.wscale[0]);
	assert_int_equal(nfct_get_attr_u8(c, ATTR_TCP_WSCALE_REPL), e->tcp.wscale[1]);
	assert_int_equal(nfct_get_attr_u8(c, ATTR_TCP_FLAGS_ORIG) & CT_TCP_FLAGS_BODY,
			 e->tcp.flags[0]);
	assert_int_equal(nfct_get_attr_u8(c, ATTR_TCP_FLAGS_REPL) & CT_TCP_FLAGS_BODY,
			 e->tcp.flags[1]);
}

/* What the library says of a message is what we say of it. */
static void same(const struct nf_conntrack *c, const struct ct_entry *e)
{
	same_tuple(c, e, false);
	same_tuple(c, e, true);
	assert_int_equal(nfct_get_attr_u32(c, ATTR_STATUS) & ct_status_body,
			 e->status & ct_status_body);
	assert_int_equal(nfct_get_attr_u32(c, ATTR_TIMEOUT), e->timeout);
	assert_int_equal(
		nfct_attr_is_set(c, ATTR_MARK) > 0 ? nfct_get_attr_u32(c, ATTR_MARK) : 0,
		e->mark);
	if (nfct_attr_is_set(c, ATTR_TCP_STATE) > 0)
		same_tcp(c, e);
	if (nfct_attr_is_set(c, ATTR_SCTP_STATE) > 0) {
		assert_int_equal(nfct_get_attr_u8(c, ATTR_SCTP_STATE), e->sctp.state);
		assert_int_equal(nfct_get_attr_u32(c, ATTR_SCTP_VTAG_ORIG),
				 e->sctp.vtag[0]);
		assert_int_equal(nfct_get_attr_u32(c, ATTR_SCTP_VTAG_REPL),
				 e->sctp.vtag[1]);
	}
	if (e->present & CT_HAS_HELPER)
		assert_string_equal(nfct_get_attr(c, ATTR_HELPER_NAME), e->helper);
	if (nfct_attr_is_set(c, ATTR_ZONE) > 0)
		assert_int_equal(nfct_get_attr_u16(c, ATTR_ZONE), e->zone_orig);
	if (nfct_attr_is_set(c, ATTR_ORIG_ZONE) > 0)
		assert_int_equal(nfct_get_attr_u16(c, ATTR_ORIG_ZONE), e->zone_orig);
	if (nfct_attr_is_set(c, ATTR_REPL_ZONE) > 0)
		assert_int_equal(nfct_get_attr_u16(c, ATTR_REPL_ZONE), e->zone_reply);
}

static void same_rare(const struct nf_conntrack *c, const struct ct_entry *e)
{
	if (e->present & CT_HAS_SEQADJ_ORIG) {
		assert_int_equal(nfct_get_attr_u32(c, ATTR_ORIG_NAT_SEQ_CORRECTION_POS),
				 e->seqadj[0].pos);
		assert_int_equal(nfct_get_attr_u32(c, ATTR_ORIG_NAT_SEQ_OFFSET_BEFORE),
				 e->seqadj[0].before);
		assert_int_equal(nfct_get_attr_u32(c, ATTR_ORIG_NAT_SEQ_OFFSET_AFTER),
				 e->seqadj[0].after);
	}
	if (e->present & CT_HAS_SEQADJ_REPLY)
		assert_int_equal(nfct_get_attr_u32(c, ATTR_REPL_NAT_SEQ_OFFSET_AFTER),
				 e->seqadj[1].after);
	if (e->present & CT_HAS_SYNPROXY) {
		assert_int_equal(nfct_get_attr_u32(c, ATTR_SYNPROXY_ISN), e->synproxy[0]);
		assert_int_equal(nfct_get_attr_u32(c, ATTR_SYNPROXY_ITS), e->synproxy[1]);
		assert_int_equal(nfct_get_attr_u32(c, ATTR_SYNPROXY_TSOFF),
				 e->synproxy[2]);
	}
	if (e->present & CT_HAS_LABELS) {
		const struct nfct_bitmask *b = nfct_get_attr(c, ATTR_CONNLABELS);

		for (unsigned int i = 0; i < 8 * CT_LABELS; i++)
			assert_int_equal(nfct_bitmask_test_bit(b, i) != 0,
					 e->labels[i / 8] >> (i % 8) & 1);
	}
	if (e->present & CT_HAS_MASTER) {
		uint16_t port = nfct_get_attr_u16(c, ATTR_MASTER_PORT_SRC);

		assert_memory_equal(nfct_get_attr(c, ATTR_MASTER_IPV4_SRC), e->master.src,
				    4);
		assert_memory_equal(&port, e->master.l4, 2);
	}
}

static struct nf_conntrack *reference(const struct nlmsghdr *nlh)
{
	struct nf_conntrack *c = nfct_new();

	assert_non_null(c);
	assert_int_equal(nfct_nlmsg_parse(nlh, c), 0);
	return c;
}

static int compare_dumped(const struct nlmsghdr *nlh, void *arg)
{
	struct nf_conntrack *c = reference(nlh);
	struct ct_entry e;

	assert_int_equal(ct_msg_parse(nlh, &e), 0);
	same(c, &e);
	same_rare(c, &e);
	nfct_destroy(c);
	++*(int *)arg;
	return 0;
}

/* What we would send to create an entry, as the library understands it. */
static int compare_built(const struct nlmsghdr *nlh, void *arg)
{
	uint8_t buf[CT_MSG_MAX] __attribute__((aligned(4)));
	struct nf_conntrack *c;
	struct ct_entry e;
	size_t n;

	assert_int_equal(ct_msg_parse(nlh, &e), 0);
	n = ct_msg_create(buf, &e, false);
	assert_true(n <= CT_MSG_MAX && n % 4 == 0);
	c = reference((struct nlmsghdr *)buf);
	ct_reply_before_nat(&e, &e.reply);
	e.status &= ~(uint32_t)(IPS_SRC_NAT | IPS_DST_NAT);
	same(c, &e);
	same_rare(c, &e);
	assert_true(nfct_get_attr_u32(c, ATTR_STATUS) & IPS_CONFIRMED);
	if (e.present & CT_HAS_TCP) {
		assert_int_equal(nfct_get_attr_u8(c, ATTR_TCP_MASK_ORIG), 0xff);
		assert_int_equal(nfct_get_attr_u8(c, ATTR_TCP_MASK_REPL), 0xff);
	}
	nfct_destroy(c);
	++*(int *)arg;
	return 0;
}

static int dump(nse_nl_cb *cb)
{
	uint8_t buf[CT_MSG_MAX] __attribute__((aligned(4)));
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	int n = 0;

	assert_int_equal(nse_nl_open(&nl, 0, 0, NULL), 0);
	ct_msg_dump(buf, 0);
	assert_int_equal(nse_nl_talk(nl, (struct nlmsghdr *)buf, cb, &n, NULL), 0);
	return n;
}

static void add_special(void)
{
	struct nf_conntrack *c = mk(IPPROTO_SCTP, "10.0.0.1", "10.0.0.2", 5000, 5001);
	struct nfct_bitmask *b = nfct_bitmask_new(127);

	nfct_set_attr_u8(c, ATTR_SCTP_STATE, 4);
	nfct_set_attr_u32(c, ATTR_SCTP_VTAG_ORIG, 0x01020304);
	nfct_set_attr_u32(c, ATTR_SCTP_VTAG_REPL, 0x05060708);
	add(c);
	c = mk_tcp("10.0.0.1", "10.0.0.9", 6000, 21);
	nfct_set_attr(c, ATTR_HELPER_NAME, "ftp");
	nfct_set_attr_u32(c, ATTR_ORIG_NAT_SEQ_CORRECTION_POS, 1000);
	nfct_set_attr_u32(c, ATTR_ORIG_NAT_SEQ_OFFSET_BEFORE, 3);
	nfct_set_attr_u32(c, ATTR_ORIG_NAT_SEQ_OFFSET_AFTER, (uint32_t)-2);
	nfct_set_attr_u32(c, ATTR_REPL_NAT_SEQ_CORRECTION_POS, 0);
	nfct_set_attr_u32(c, ATTR_REPL_NAT_SEQ_OFFSET_BEFORE, 0);
	nfct_set_attr_u32(c, ATTR_REPL_NAT_SEQ_OFFSET_AFTER, 0);
	add(c);
	c = mk_tcp("10.0.0.1", "10.0.0.9", 6001, 80);
	nfct_set_attr_u32(c, ATTR_SYNPROXY_ISN, 77);
	nfct_set_attr_u32(c, ATTR_SYNPROXY_ITS, 78);
	nfct_set_attr_u32(c, ATTR_SYNPROXY_TSOFF, 79);
	nfct_set_attr_u32(c, ATTR_MARK, 0xdeadbeef);
	nfct_bitmask_set_bit(b, 1);
	nfct_bitmask_set_bit(b, 127);
	nfct_set_attr(c, ATTR_CONNLABELS, b); /* takes b */
	add(c);
}

static void add_all(void)
{
	struct nf_conntrack *c;

	nft(RULES_CT RULES_LABELS RULES_NAT);
	add(mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80));
	add(mk_tcp("2001:db8::1", "2001:db8::2", 1001, 443));
	add(mk(IPPROTO_UDP, "10.0.0.1", "10.0.0.2", 1002, 53));
	add(mk(IPPROTO_ICMP, "10.0.0.1", "10.0.0.2", 1003, 0));
	add(mk(IPPROTO_ICMPV6, "2001:db8::1", "2001:db8::2", 1004, 0));
	add(mk(IPPROTO_GRE, "10.0.0.1", "10.0.0.2", 1005, 1006));
	add(mk(IPPROTO_ESP, "10.0.0.1", "10.0.0.2", 0, 0));
	c = mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80);
	nfct_set_attr_u16(c, ATTR_ZONE, 9);
	add(c);
	c = mk_tcp("10.0.0.1", "10.0.0.2", 1007, 80);
	nfct_set_attr_u16(c, ATTR_ORIG_ZONE, 11);
	add(c);
	c = mk_tcp("10.0.0.1", "10.0.0.2", 1008, 80);
	nfct_set_attr_u16(c, ATTR_REPL_ZONE, 12);
	add(c);
	c = mk_tcp("10.0.0.1", "10.0.0.2", 1009, 80);
	nfct_set_attr_u32(c, ATTR_SNAT_IPV4, inet_addr("192.0.2.7"));
	nfct_set_attr_u16(c, ATTR_SNAT_PORT, htons(4242));
	add(c);
	add_special();
}

static void reads_as_the_library(void **state)
{
	(void)state;
	NETNS();
	add_all();
	assert_int_equal(dump(compare_dumped), table_count());
}

static void writes_as_the_library(void **state)
{
	(void)state;
	NETNS();
	add_all();
	assert_int_equal(dump(compare_built), table_count());
}

static void liberal_is_set_and_cleared(void **state)
{
	uint8_t buf[CT_MSG_MAX] __attribute__((aligned(4)));
	const uint8_t mask[2] = { CT_TCP_BE_LIBERAL, 0 };
	struct ct_entry e = { .l3 = 4, .l4 = IPPROTO_TCP, .present = CT_HAS_TCP };
	struct nf_conntrack *c;

	(void)state;
	e.tcp.flags[0] = e.tcp.flags[1] = CT_TCP_SACK_PERM;
	ct_msg_create(buf, &e, true);
	c = reference((struct nlmsghdr *)buf);
	assert_int_equal(nfct_get_attr_u8(c, ATTR_TCP_FLAGS_ORIG), 0x0a);
	assert_int_equal(nfct_get_attr_u8(c, ATTR_TCP_FLAGS_REPL), 0x0a);
	nfct_destroy(c);
	ct_msg_clear_flags(buf, &e, mask);
	c = reference((struct nlmsghdr *)buf);
	assert_int_equal(nfct_get_attr_u8(c, ATTR_TCP_FLAGS_ORIG), 0);
	assert_int_equal(nfct_get_attr_u8(c, ATTR_TCP_MASK_ORIG), CT_TCP_BE_LIBERAL);
	assert_false(nfct_attr_is_set(c, ATTR_TCP_FLAGS_REPL) > 0);
	nfct_destroy(c);
}

static void malformed_messages(void **state)
{
	uint8_t buf[CT_MSG_MAX] __attribute__((aligned(4)));
	struct ct_entry e = { .l3 = 6, .l4 = IPPROTO_TCP, .present = CT_HAS_TCP }, got;
	struct nlmsghdr *nlh = (void *)buf;
	size_t len = ct_msg_create(buf, &e, false);

	(void)state;
	/* Cut anywhere, or with any byte changed: nothing outside is read (the
	 * sanitizers watch), and nothing but a clean answer comes. */
	for (size_t n = 0; n < len; n++) {
		NSE_FREE uint8_t *copy = malloc(n + 16);

		memcpy(copy, buf, n > 16 ? n : 16);
		((struct nlmsghdr *)copy)->nlmsg_len = (uint32_t)n;
		ct_msg_parse((struct nlmsghdr *)copy, &got);
	}
	for (size_t i = 20; i < len; i++)
		for (int v = 0; v < 256; v += 5) {
			uint8_t old = buf[i];

			buf[i] = (uint8_t)v;
			nlh->nlmsg_len = (uint32_t)len;
			ct_msg_parse(nlh, &got);
			buf[i] = old;
		}
	nlh->nlmsg_len = 20;
	assert_int_equal(ct_msg_parse(nlh, &got), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_as_the_library),
		cmocka_unit_test(writes_as_the_library),
		cmocka_unit_test(liberal_is_set_and_cleared),
		cmocka_unit_test(malformed_messages),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
