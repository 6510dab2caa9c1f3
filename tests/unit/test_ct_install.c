/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Installing, verifying, undoing and removing entries in real kernels' tables,
 * each test in network namespaces of its own.
 */
#include "tests/unit/ct_lib.h"

#include "lib/context/diff.h"
#include "lib/util/clock.h"

static void add_nat(void)
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

static void add_zones(void)
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

static void add_extras(void)
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
static void add_tcp_states(void)
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

static void add_protocols(void)
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

static void add_everything(void)
{
	nft(RULES_CT RULES_LABELS RULES_NAT);
	add_protocols();
	add_tcp_states();
	add_zones();
	add_nat();
	add_extras();
}

static void assert_same_bodies(const struct nse_context *a, const struct nse_context *b)
{
	struct nse_diff d;

	assert_int_equal(nse_diff(a, b, 0, &d), 0);
	for (size_t i = 0; i < d.n; i++) {
		struct nse_record rec;
		struct ct_entry e;
		char text[CT_TEXT];

		nse_context_at(d.items[i].a != NSE_CONTEXT_NONE ? a : b,
			       d.items[i].a != NSE_CONTEXT_NONE ? d.items[i].a
								: d.items[i].b,
			       &rec);
		assert_int_equal(ct_row_decode(&rec, &e, NULL), 0);
		print_error("change %d: %s\n", d.items[i].change,
			    ct_entry_text(&e, text));
	}
	assert_int_equal(d.n, 0);
	nse_diff_release(&d);
}

static void verify(struct nse_job *job, uint64_t verified, uint64_t differ)
{
	struct nse_error err = { 0 };

	job->verified = job->differ = 0;
	assert_int_equal(ct->verify(job, &err), 0);
	assert_int_equal(job->verified, verified);
	assert_int_equal(job->differ, differ);
}

static void round_trip(unsigned int flags)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	NSE_CLEANUP(nse_context_freep) struct nse_context *b = NULL;
	struct nse_job job;
	struct ct_entry e;
	size_t n;

	add_everything();
	a = collect_all();
	n = nse_context_count(a);
	assert_int_equal(n, table_count());
	assert_int_not_equal(find_port(a, 5012, &e), NSE_CONTEXT_NONE);
	assert_int_equal(e.tcp.wscale[0], 7);
	assert_int_equal(e.tcp.flags[1], 0);
	assert_true(fresh_netns());
	nft(RULES_CT RULES_LABELS RULES_NAT);
	assert_int_equal(table_count(), 0);
	install(&job, a, flags);
	print_refusals(&job);
	assert_int_equal(job.refused, 0);
	assert_int_equal(job.created, n);
	verify(&job, n, 0);
	assert_int_equal(ct->settle(&job, NULL), 0);
	verify(&job, n, 0);
	b = collect_all();
	assert_same_bodies(a, b);
	assert_int_equal(ct->undo(&job, NULL), 0);
	assert_int_equal(job.created, 0);
	assert_int_equal(table_count(), 0);
	nse_job_release(&job);
}

static void a_context_arrives_as_it_was(void **state)
{
	(void)state;
	NETNS();
	round_trip(0);
}

static void liberal_first_and_exact_after(void **state)
{
	(void)state;
	NETNS();
	round_trip(NSE_JOB_LIBERAL);
}

static void liberal_until_settled(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	NSE_CLEANUP(nse_context_freep) struct nse_context *b = NULL;
	struct nse_context *c;
	struct ct_entry e;
	struct nse_job job;

	(void)state;
	NETNS();
	nft(RULES_CT);
	add(mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80));
	a = collect_all();
	assert_true(fresh_netns());
	nft(RULES_CT);
	install(&job, a, NSE_JOB_LIBERAL);
	c = collect_all();
	assert_int_not_equal(find_port(c, 1000, &e), NSE_CONTEXT_NONE);
	assert_int_equal(e.tcp.flags[0], 0x0b);
	assert_int_equal(e.tcp.flags[1], 0x0b);
	nse_context_free(c);
	assert_int_equal(ct->settle(&job, NULL), 0);
	b = collect_all();
	assert_int_not_equal(find_port(b, 1000, &e), NSE_CONTEXT_NONE);
	assert_int_equal(e.tcp.flags[0], 0x03);
	assert_int_equal(e.tcp.flags[1], 0x03);
	assert_int_equal(e.tcp.wscale[0], 7);
	assert_int_equal(e.tcp.wscale[1], 9);
	nse_job_release(&job);
}

static void what_exists_is_kept(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	NSE_CLEANUP(nse_context_freep) struct nse_context *b = NULL;
	struct nf_conntrack *c;
	struct nse_job job;
	struct ct_entry e;

	(void)state;
	NETNS();
	nft(RULES_CT);
	add(mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80));
	add(mk_tcp("10.0.0.1", "10.0.0.2", 1001, 80));
	a = collect_all();
	assert_true(fresh_netns());
	nft(RULES_CT);
	c = mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80);
	nfct_set_attr_u32(c, ATTR_MARK, 99);
	add(c);
	install(&job, a, 0);
	assert_int_equal(job.kept, 1);
	assert_int_equal(job.created, 1);
	assert_int_equal(job.refused, 0);
	b = collect_all();
	assert_int_not_equal(find_port(b, 1000, &e), NSE_CONTEXT_NONE);
	assert_int_equal(e.mark, 99);
	assert_int_equal(ct->undo(&job, NULL), 0);
	assert_int_equal(table_count(), 1);
	nse_job_release(&job);
}

static bool refused_with(const struct nse_job *job, const char *text)
{
	for (size_t i = 0; i < job->nrefusals; i++)
		if (strstr(job->refusals[i].why, text))
			return true;
	return false;
}

static void add_clashes(void)
{
	struct nf_conntrack *c;

	nft(RULES_CT RULES_NAT);
	/* The reverse of the first one. */
	add(mk_tcp("10.0.0.2", "10.0.0.1", 80, 1000));
	/* The same original tuple as the second, translated. */
	c = mk_tcp("10.0.0.1", "10.0.0.2", 1001, 80);
	nfct_set_attr_u32(c, ATTR_SNAT_IPV4, inet_addr("192.0.2.9"));
	nfct_set_attr_u16(c, ATTR_SNAT_PORT, htons(1001));
	add(c);
	/* Has taken the translated port of the third. */
	c = mk_tcp("10.0.0.77", "10.0.0.9", 5555, 80);
	nfct_set_attr_u32(c, ATTR_SNAT_IPV4, inet_addr("192.0.2.7"));
	nfct_set_attr_u16(c, ATTR_SNAT_PORT, htons(4242));
	add(c);
}

static void clashes_are_refused_and_named(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	struct nf_conntrack *c;
	struct nse_job job;

	(void)state;
	NETNS();
	nft(RULES_CT RULES_NAT);
	add(mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80));
	add(mk_tcp("10.0.0.1", "10.0.0.2", 1001, 80));
	c = mk_tcp("10.0.0.1", "10.0.0.9", 2001, 80);
	nfct_set_attr_u32(c, ATTR_SNAT_IPV4, inet_addr("192.0.2.7"));
	nfct_set_attr_u16(c, ATTR_SNAT_PORT, htons(4242));
	add(c);
	a = collect_all();
	for (unsigned int flags = 0; flags <= NSE_JOB_DRY_RUN; flags += NSE_JOB_DRY_RUN) {
		assert_true(fresh_netns());
		add_clashes();
		install(&job, a, flags);
		print_refusals(&job);
		assert_int_equal(job.refused, 3);
		assert_int_equal(job.created + job.kept, 0);
		assert_true(refused_with(&job, "reply direction of an entry"));
		assert_true(refused_with(&job, "other answers"));
		assert_true(refused_with(&job, "are taken by an entry"));
		assert_int_equal(table_count(), 3);
		nse_job_release(&job);
	}
}

static void nat_needs_a_chain(void **state)
{
	static const char *const useless[] = {
		RULES_CT,
		RULES_CT
		"table ip6 n { chain post { type nat hook postrouting priority 100; }; }",
		RULES_CT
		"table ip n { flags dormant; chain post { type nat hook postrouting priority 100; }; }",
	};
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	struct nse_job job;

	(void)state;
	NETNS();
	nft(RULES_CT RULES_NAT);
	add_nat();
	add(mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80));
	a = collect_all();
	for (size_t i = 0; i < NSE_ARRAY_SIZE(useless); i++) {
		assert_true(fresh_netns());
		nft(useless[i]);
		install(&job, a, 0);
		assert_int_equal(job.created, 1);
		assert_int_equal(job.refused, 4);
		assert_true(refused_with(&job, "type nat hook postrouting"));
		nse_job_release(&job);
	}
	assert_true(fresh_netns());
	nft(RULES_CT
	    "table inet n { chain post { type nat hook postrouting priority 100; }; }");
	install(&job, a, 0);
	assert_int_equal(job.created, 5);
	verify(&job, 5, 0);
	nse_job_release(&job);
}

static void labels_that_the_kernel_dropped_are_seen(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	struct nse_problems p = NSE_PROBLEMS_INIT;
	struct nf_conntrack *c;
	struct nfct_bitmask *b;
	struct nse_job job;

	(void)state;
	NETNS();
	nft(RULES_CT RULES_LABELS);
	c = mk_tcp("10.0.0.1", "10.0.0.2", 4001, 80);
	b = nfct_bitmask_new(127);
	nfct_bitmask_set_bit(b, 5);
	nfct_set_attr(c, ATTR_CONNLABELS, b);
	add(c);
	a = collect_all();
	assert_true(fresh_netns());
	nft(RULES_CT);
	assert_int_equal(ct->preflight(a, &p, NULL), 0);
	assert_int_equal(nse_problems_worst(&p), NSE_LOSS);
	nse_problems_release(&p);
	assert_int_equal(table_count(), 0); /* the probe is gone */
	install(&job, a, 0);
	assert_int_equal(job.created, 1);
	verify(&job, 0, 1);
	nse_job_release(&job);
}

static void removal_is_exact(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	struct nf_conntrack *c;
	struct nse_scope s;
	struct nse_job job;

	(void)state;
	NETNS();
	nft(RULES_CT);
	add(mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80));
	add(mk(IPPROTO_UDP, "10.0.0.2", "10.0.0.1", 1001, 53));
	nse_scope_init(&s);
	scope_add(&s, "10.0.0.1");
	a = collect_scope(&s);
	assert_int_equal(nse_context_count(a), 2);
	/* Neighbours: another zone, another port, and a reversed newcomer. */
	c = mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80);
	nfct_set_attr_u16(c, ATTR_ZONE, 4);
	add(c);
	add(mk_tcp("10.0.0.1", "10.0.0.2", 1002, 80));
	sh("conntrack -D -p udp >/dev/null 2>&1");
	add(mk(IPPROTO_UDP, "10.0.0.1", "10.0.0.2", 53, 1001));
	assert_int_equal(table_count(), 4);
	assert_int_equal(nse_job_init(&job, a, NSE_JOB_DRY_RUN), 0);
	assert_int_equal(ct->remove(&job, NULL), 0);
	assert_int_equal(job.removed, 1);
	assert_int_equal(table_count(), 4);
	nse_job_release(&job);
	assert_int_equal(nse_job_init(&job, a, 0), 0);
	assert_int_equal(ct->remove(&job, NULL), 0);
	assert_int_equal(job.removed, 1);
	assert_int_equal(job.absent, 1);
	assert_int_equal(table_count(), 3);
	nse_job_release(&job);
	nse_scope_release(&s);
}

static void missing_helper_is_named(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	struct nse_problems p = NSE_PROBLEMS_INIT;
	struct ct_entry e = { .l3 = 4, .l4 = IPPROTO_TCP, .timeout = 100 };
	struct ct_row row;
	struct nse_job job;

	(void)state;
	NETNS();
	nft(RULES_CT);
	e.present = CT_HAS_TCP | CT_HAS_HELPER;
	e.tcp.state = 3;
	strcpy(e.helper, "nonesuch");
	memcpy(e.orig.src, "\x0a\x00\x00\x01", 4);
	memcpy(e.orig.dst, "\x0a\x00\x00\x02", 4);
	ct_invert(4, IPPROTO_TCP, &e.orig, &e.reply);
	ct_row_encode(&e, &row);
	assert_int_equal(ct->check(&row.rec, NULL), 0);
	a = nse_context_new();
	assert_int_equal(nse_context_put(a, &row.rec, NULL), 0);
	install(&job, a, 0);
	assert_int_equal(job.refused, 1);
	assert_int_equal(job.refusals[0].code, -EOPNOTSUPP);
	assert_true(refused_with(&job, "'nonesuch'"));
	nse_job_release(&job);
	assert_int_equal(ct->preflight(a, &p, NULL), 0);
	assert_int_equal(nse_problems_worst(&p), NSE_FAIL);
	nse_problems_release(&p);
}

static void a_child_needs_its_master(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	struct ct_entry e;
	struct nse_record rec;
	struct nse_job job;
	uint32_t slot;

	(void)state;
	NETNS();
	nft(RULES_CT RULES_LABELS);
	add_extras();
	a = collect_all();
	slot = find_port(a, 4002, &e);
	assert_true(nse_context_at(a, slot, &rec));
	assert_int_equal(nse_context_del(a, rec.kind, rec.key), 0);
	for (unsigned int flags = 0; flags <= NSE_JOB_DRY_RUN; flags += NSE_JOB_DRY_RUN) {
		assert_true(fresh_netns());
		nft(RULES_CT RULES_LABELS);
		install(&job, a, flags);
		assert_int_equal(job.created, 2);
		assert_int_equal(job.refused, 1);
		assert_true(refused_with(&job, "was expected by tcp 10.0.0.1:4002"));
		nse_job_release(&job);
		/* A master that the host has is as good. */
		sh("conntrack -D >/dev/null 2>&1 || true");
		add(mk_tcp("10.0.0.1", "10.0.0.2", 4002, 21));
		install(&job, a, flags);
		assert_int_equal(job.created, 3);
		nse_job_release(&job);
	}
}

static void verify_sees_what_changed(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	struct nf_conntrack *c;
	struct nse_job job;

	(void)state;
	NETNS();
	nft(RULES_CT);
	for (uint16_t i = 0; i < 5; i++)
		add(mk_tcp("10.0.0.1", "10.0.0.2", (uint16_t)(1000 + i), 80));
	a = collect_all();
	assert_true(fresh_netns());
	nft(RULES_CT);
	install(&job, a, 0);
	/* One is closing by itself, one has another mark, one is gone. */
	c = mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80);
	tcp_info(c, 4, 7, 9, 0x07, 0x03);
	assert_int_equal(try_query(NFCT_Q_UPDATE, c), 0);
	nfct_destroy(c);
	verify(&job, 5, 0);
	c = mk_tcp("10.0.0.1", "10.0.0.2", 1001, 80);
	nfct_set_attr_u32(c, ATTR_MARK, 7);
	assert_int_equal(try_query(NFCT_Q_UPDATE, c), 0);
	nfct_destroy(c);
	c = mk_tcp("10.0.0.1", "10.0.0.2", 1002, 80);
	assert_int_equal(try_query(NFCT_Q_DESTROY, c), 0);
	nfct_destroy(c);
	verify(&job, 3, 2);
	nse_job_release(&job);
}

static void many_entries(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = nse_context_new();
	struct ct_entry e = { .l3 = 4, .l4 = IPPROTO_UDP, .timeout = 1000 };
	const uint32_t n = 20000;
	struct ct_row row;
	struct nse_job job;

	(void)state;
	NETNS();
	nft(RULES_CT);
	for (uint32_t i = 0; i < n; i++) {
		memcpy(e.orig.src, "\x0a\x00\x00\x01", 4);
		memcpy(e.orig.dst, &i, 4);
		e.orig.dst[3] = 1;
		e.orig.l4[0] = (uint8_t)(i >> 8);
		e.orig.l4[3] = 53;
		ct_invert(4, IPPROTO_UDP, &e.orig, &e.reply);
		ct_row_encode(&e, &row);
		assert_int_equal(nse_context_put(a, &row.rec, NULL), 0);
	}
	assert_int_equal(nse_context_count(a), n);
	install(&job, a, 0);
	assert_int_equal(job.created, n);
	assert_int_equal(table_count(), n);
	verify(&job, n, 0); /* by a dump */
	nse_job_release(&job);
	install(&job, a, 0);
	assert_int_equal(job.kept, n);
	nse_job_release(&job);
	assert_int_equal(nse_job_init(&job, a, 0), 0);
	assert_int_equal(ct->remove(&job, NULL), 0);
	assert_int_equal(job.removed, n);
	assert_int_equal(table_count(), 0);
	nse_job_release(&job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_context_arrives_as_it_was),
		cmocka_unit_test(liberal_first_and_exact_after),
		cmocka_unit_test(liberal_until_settled),
		cmocka_unit_test(what_exists_is_kept),
		cmocka_unit_test(clashes_are_refused_and_named),
		cmocka_unit_test(nat_needs_a_chain),
		cmocka_unit_test(labels_that_the_kernel_dropped_are_seen),
		cmocka_unit_test(removal_is_exact),
		cmocka_unit_test(missing_helper_is_named),
		cmocka_unit_test(a_child_needs_its_master),
		cmocka_unit_test(verify_sees_what_changed),
		cmocka_unit_test(many_entries),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
