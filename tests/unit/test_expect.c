/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine of expectations against the kernel: namespaces stand for hosts,
 * libnetfilter_conntrack makes masters and expectations in the one, and the
 * engines carry them to the other. One test lets the kernel's own FTP helper
 * expect a connection, and then that connection come.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "lib/context/diff.h"
#include "lib/engine/expect_msg.h"
#include "lib/engine/registry.h"
#include "lib/netlink/nl.h"
#include "lib/util/cleanup.h"

/* Two hosts. */
static struct {
	bool usable;
	int home, a, b;
} hosts;

static int new_host(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

static int setup(void **state)
{
	(void)state;
	hosts.home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	hosts.a = new_host();
	hosts.b = hosts.a < 0 ? -1 : new_host();
	hosts.usable = hosts.b >= 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (hosts.usable && setns(hosts.home, CLONE_NEWNET) < 0)
		return -1;
	close(hosts.home);
	close(hosts.a);
	close(hosts.b);
	return 0;
}

static void on(int host)
{
	assert_int_equal(setns(host, CLONE_NEWNET), 0);
}

/* Empty hosts: an entry takes its expectations with it. */
static void flush(int host)
{
	struct nfct_handle *h;
	uint32_t family = AF_UNSPEC;

	on(host);
	h = nfct_open(CONNTRACK, 0);
	assert_non_null(h);
	nfct_query(h, NFCT_Q_FLUSH, &family);
	nfct_close(h);
}

static void start(void)
{
	if (!hosts.usable) {
		print_message("# skipped: no network namespaces here\n");
		skip();
	}
	flush(hosts.b);
	flush(hosts.a);
}

/* A master and what it expects, as text. */
struct spec {
	const char *src, *dst;
	uint16_t sport, dport;
	uint8_t proto;
	uint16_t zone;
	const char *helper; /* of the master; NULL for none */
	const char *reply_src, *reply_dst;

	const char *esrc, *edst, *mask; /* mask NULL: any source */
	uint16_t edport;
	uint32_t flags, class;
	const char *eclass_helper; /* names the helper with the class */
	const char *nat_src, *function;
	uint16_t nat_port;
	uint32_t nat_dir;
};

static bool is_v6(const char *text)
{
	return strchr(text, ':') != NULL;
}

static void set_addr(struct nf_conntrack *ct, int v4, int v6, const char *text)
{
	uint8_t addr[16];

	assert_int_equal(inet_pton(is_v6(text) ? AF_INET6 : AF_INET, text, addr), 1);
	nfct_set_attr(ct, is_v6(text) ? v6 : v4, addr);
}

static struct nf_conntrack *tuple(uint8_t proto, const char *src, const char *dst,
				  uint16_t sport, uint16_t dport)
{
	struct nf_conntrack *ct = nfct_new();

	assert_non_null(ct);
	nfct_set_attr_u8(ct, ATTR_L3PROTO, is_v6(dst) ? AF_INET6 : AF_INET);
	set_addr(ct, ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC, src);
	set_addr(ct, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST, dst);
	nfct_set_attr_u8(ct, ATTR_L4PROTO, proto);
	nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(sport));
	nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(dport));
	return ct;
}

static void make_master_in(const struct spec *s, int zone_attr, uint16_t zone)
{
	struct nf_conntrack *ct = tuple(s->proto, s->src, s->dst, s->sport, s->dport);
	struct nfct_handle *h = nfct_open(CONNTRACK, 0);

	assert_non_null(h);
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	if (s->proto == IPPROTO_TCP)
		nfct_set_attr_u8(ct, ATTR_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, 1000);
	nfct_set_attr_u32(ct, ATTR_STATUS, IPS_SEEN_REPLY | IPS_ASSURED | IPS_CONFIRMED);
	if (s->helper)
		nfct_set_attr(ct, ATTR_HELPER_NAME, s->helper);
	if (zone)
		nfct_set_attr_u16(ct, zone_attr, zone);
	if (s->reply_src)
		nfct_set_attr_u32(ct, ATTR_DNAT_IPV4, inet_addr(s->reply_src));
	if (s->reply_dst)
		nfct_set_attr_u32(ct, ATTR_SNAT_IPV4, inet_addr(s->reply_dst));
	if (nfct_query(h, NFCT_Q_CREATE, ct) < 0)
		fail_msg("creating a master: %s", strerror(errno));
	nfct_close(h);
	nfct_destroy(ct);
}

static struct nf_expect *build(const struct spec *s, uint32_t timeout)
{
	bool v6 = is_v6(s->dst);
	const char *ones =
		v6 ? "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" : "255.255.255.255";
	struct nf_conntrack *master, *expected, *mask;
	struct nf_expect *exp = nfexp_new();

	assert_non_null(exp);
	master = tuple(s->proto, s->src, s->dst, s->sport, s->dport);
	expected = tuple(s->proto, s->esrc, s->edst, 0, s->edport);
	mask = tuple(s->proto, s->mask ?: v6 ? "::" : "0.0.0.0", ones, 0, 0xffff);
	nfexp_set_attr(exp, ATTR_EXP_MASTER, master);
	nfexp_set_attr(exp, ATTR_EXP_EXPECTED, expected);
	nfexp_set_attr(exp, ATTR_EXP_MASK, mask);
	nfexp_set_attr_u32(exp, ATTR_EXP_TIMEOUT, timeout);
	nfexp_set_attr_u32(exp, ATTR_EXP_FLAGS, s->flags);
	if (s->zone)
		nfexp_set_attr_u16(exp, ATTR_EXP_ZONE, s->zone);
	nfct_destroy(master);
	nfct_destroy(expected);
	nfct_destroy(mask);
	return exp;
}

/* NAT of IPv4 and TCP. */
static void put_nat(struct nlmsghdr *nlh, const struct spec *s)
{
	struct nlattr *nat = mnl_attr_nest_start(nlh, CTA_EXPECT_NAT), *tuple, *nest;

	mnl_attr_put_u32(nlh, CTA_EXPECT_NAT_DIR, htonl(s->nat_dir));
	tuple = mnl_attr_nest_start(nlh, CTA_EXPECT_NAT_TUPLE);
	nest = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
	mnl_attr_put_u32(nlh, CTA_IP_V4_SRC, inet_addr(s->nat_src));
	mnl_attr_put_u32(nlh, CTA_IP_V4_DST, 0);
	mnl_attr_nest_end(nlh, nest);
	nest = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, IPPROTO_TCP);
	mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, htons(s->nat_port));
	mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, 0);
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_nest_end(nlh, tuple);
	mnl_attr_nest_end(nlh, nat);
}

/* The library builds the rest, and knows nothing of these. */
static void put_others(struct nlmsghdr *nlh, const struct spec *s)
{
	mnl_attr_put_u32(nlh, CTA_EXPECT_CLASS, htonl(s->class));
	if (s->eclass_helper)
		mnl_attr_put_strz(nlh, CTA_EXPECT_HELP_NAME, s->eclass_helper);
	if (s->function)
		mnl_attr_put_strz(nlh, CTA_EXPECT_FN, s->function);
	if (s->nat_src)
		put_nat(nlh, s);
}

static void make_master(const struct spec *s)
{
	make_master_in(s, ATTR_ZONE, s->zone);
}

static int send_expectation(struct nse_nl *nl, const struct spec *s,
			    const struct nf_expect *exp, uint16_t flags)
{
	uint8_t buf[4096] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));

	nlh->nlmsg_type = (NFNL_SUBSYS_CTNETLINK_EXP << 8) | IPCTNL_MSG_EXP_NEW;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nfg->nfgen_family = is_v6(s->dst) ? AF_INET6 : AF_INET;
	assert_int_equal(nfexp_nlmsg_build(nlh, exp), 0);
	put_others(nlh, s);
	return nse_nl_talk(nl, nlh, NULL, NULL, NULL);
}

/* The kernel takes the timeout with an update only; 0 leaves the helper's. */
static void make_expectation(const struct spec *s, uint32_t timeout)
{
	struct nf_expect *exp = build(s, timeout);
	struct nse_nl *nl = NULL;
	int rc;

	assert_int_equal(nse_nl_open(&nl, 0, 0, NULL), 0);
	rc = send_expectation(nl, s, exp, NLM_F_CREATE | NLM_F_EXCL);
	if (rc < 0)
		fail_msg("creating an expectation: %s", strerror(-rc));
	rc = timeout ? send_expectation(nl, s, exp, 0) : 0;
	if (rc < 0)
		fail_msg("setting its timeout: %s", strerror(-rc));
	nse_nl_close(nl);
	nfexp_destroy(exp);
}

static void make(const struct spec *s)
{
	make_master(s);
	make_expectation(s, 77);
}

static void scope_of(struct nse_scope *scope, const char *addr, int zone)
{
	struct nse_addr a;

	nse_scope_init(scope);
	if (addr) {
		assert_int_equal(nse_addr_parse(addr, &a, NULL), 0);
		assert_int_equal(nse_domain_add_addr(&scope->domain, &a), 0);
	}
	if (zone >= 0)
		assert_int_equal(nse_scope_add_zone(scope, (uint16_t)zone, NULL), 0);
	scope->all = !addr && zone < 0;
}

static struct nse_context *collect(uint32_t engines, const char *addr, int zone)
{
	struct nse_context *ctx = nse_context_new();
	struct nse_sink sink = nse_context_sink(ctx);
	struct nse_error err = { 0 };
	struct nse_scope scope;

	scope_of(&scope, addr, zone);
	if (nse_engines_collect(engines, &scope, &sink, &err) < 0)
		fail_msg("collect: %s", err.text);
	if (nse_engines_check(ctx, &err) < 0)
		fail_msg("check: %s", err.text);
	nse_scope_release(&scope);
	return ctx;
}

static uint32_t engine(const char *name)
{
	uint32_t set;

	assert_int_equal(nse_engines_parse(name, &set, NULL), 0);
	return set;
}

static size_t count(const struct nse_context *ctx)
{
	struct nse_record rec;
	size_t n = 0;

	for (uint32_t s = 0; s < nse_context_slots(ctx); s++)
		n += nse_context_at(ctx, s, &rec) && nse_expect_is(&rec);
	return n;
}

static size_t here(const char *addr, int zone)
{
	struct nse_context *ctx = collect(engine("expect"), addr, zone);
	size_t n = nse_context_count(ctx);

	nse_context_free(ctx);
	return n;
}

/* The only expectation of a context. */
static struct nse_expect only(const struct nse_context *ctx)
{
	struct nse_record rec;
	struct nse_expect e = { 0 };

	assert_int_equal(count(ctx), 1);
	for (uint32_t s = 0; s < nse_context_slots(ctx); s++)
		if (nse_context_at(ctx, s, &rec) && nse_expect_is(&rec))
			assert_int_equal(nse_expect_decode(&rec, &e, NULL), 0);
	return e;
}

static void install(struct nse_job *job, const struct nse_context *ctx,
		    unsigned int flags)
{
	struct nse_error err = { 0 };

	assert_int_equal(nse_job_init(job, ctx, flags), 0);
	if (nse_engines_install(NSE_ENGINES_ALL, job, &err) < 0)
		fail_msg("install: %s", err.text);
}

static void all_created(const struct nse_job *job)
{
	for (size_t i = 0; i < job->nrefusals; i++)
		print_message("# %s\n", job->refusals[i].why);
	assert_int_equal(job->refused, 0);
	assert_int_equal(job->kept, 0);
	assert_int_equal(job->created, nse_context_count(job->ctx));
}

static void equal(const struct nse_context *a, const struct nse_context *b)
{
	struct nse_diff d;

	assert_int_equal(nse_diff(a, b, 0, &d), 0);
	assert_int_equal(d.n, 0);
	assert_int_equal(nse_context_count(a), nse_context_count(b));
	nse_diff_release(&d);
}

/* From A to B, compared, verified and undone. */
static void carry(const struct nse_context *from, const char *addr)
{
	struct nse_context *there;
	struct nse_error err = { 0 };
	struct nse_job job;

	on(hosts.b);
	install(&job, from, 0);
	all_created(&job);
	assert_int_equal(nse_engines_verify(NSE_ENGINES_ALL, &job, &err), 0);
	assert_int_equal(job.differ, 0);
	assert_int_equal(job.verified, nse_context_count(from));
	assert_int_equal(nse_engines_settle(NSE_ENGINES_ALL, &job, &err), 0);
	there = collect(NSE_ENGINES_ALL, addr, -1);
	equal(from, there);
	nse_context_free(there);
	if (nse_engines_undo(NSE_ENGINES_ALL, &job, &err) < 0)
		fail_msg("undo: %s", err.text);
	assert_int_equal(job.created, 0);
	there = collect(NSE_ENGINES_ALL, NULL, -1);
	assert_int_equal(nse_context_count(there), 0);
	nse_context_free(there);
	nse_job_release(&job);
}

static const struct spec ftp = {
	.src = "10.0.0.1",
	.dst = "10.0.0.2",
	.sport = 4000,
	.dport = 21,
	.proto = IPPROTO_TCP,
	.helper = "ftp",
	.esrc = "10.0.0.1",
	.edst = "10.0.0.2",
	.mask = "255.255.255.255",
	.edport = 30000,
};

static const struct spec ftp6 = {
	.src = "2001:db8::1",
	.dst = "2001:db8::2",
	.sport = 4000,
	.dport = 21,
	.proto = IPPROTO_TCP,
	.helper = "ftp",
	.esrc = "::",
	.edst = "2001:db8::2",
	.edport = 30000,
	.flags = NF_CT_EXPECT_PERMANENT,
};

static void test_round_trip(void **state)
{
	struct nse_context *ctx;
	struct nse_expect e;

	(void)state;
	start();
	make(&ftp);
	ctx = collect(NSE_ENGINES_ALL, "10.0.0.1", -1);
	assert_int_equal(nse_context_count(ctx), 2);
	e = only(ctx);
	assert_string_equal(e.helper, "ftp");
	assert_string_equal(e.function, "");
	assert_int_equal(e.l4, IPPROTO_TCP);
	assert_int_equal(nse_ld16(e.tuple.l4 + 2), 30000);
	assert_int_equal(nse_ld16(e.master.l4), 4000);
	assert_int_equal(nse_ld16(e.mask_sport), 0);
	assert_memory_equal(e.mask_src, "\xff\xff\xff\xff", 4);
	assert_in_range(e.timeout, 70, 77);
	assert_false(e.nat);
	carry(ctx, "10.0.0.1");
	nse_context_free(ctx);
	/* The server's side of it belongs to the server. */
	on(hosts.a);
	assert_int_equal(here("10.0.0.2", -1), 1);
	assert_int_equal(here("10.0.0.3", -1), 0);
}

static void test_timeout(void **state)
{
	struct nse_context *ctx, *there;
	struct nse_job job;

	(void)state;
	start();
	make(&ftp);
	ctx = collect(NSE_ENGINES_ALL, NULL, -1);
	on(hosts.b);
	install(&job, ctx, 0);
	there = collect(NSE_ENGINES_ALL, NULL, -1);
	/* The helper's own timeout would be 300 s. */
	assert_in_range(only(there).timeout, 60, only(ctx).timeout);
	nse_context_free(there);
	nse_job_release(&job);
	nse_context_free(ctx);
}

static void test_ipv6(void **state)
{
	struct nse_context *ctx;
	struct nse_expect e;

	(void)state;
	start();
	make(&ftp6);
	ctx = collect(NSE_ENGINES_ALL, "2001:db8::2", -1);
	e = only(ctx);
	assert_int_equal(e.l3, 6);
	assert_int_equal(e.flags, NF_CT_EXPECT_PERMANENT);
	carry(ctx, "2001:db8::2");
	nse_context_free(ctx);
}

static void nat_chain(void)
{
	assert_int_equal(system("nft 'add table ip n; add chain ip n p { type nat hook "
				"postrouting priority 100; }; add chain ip n q { type "
				"nat hook prerouting priority -100; }'"),
			 0);
}

static void test_nat(void **state)
{
	/* A server behind DNAT: what it expects is addressed to the outside. */
	struct spec s = ftp;
	struct nse_context *ctx;
	struct nse_expect e;

	(void)state;
	start();
	nat_chain();
	on(hosts.b);
	nat_chain();
	on(hosts.a);
	s.src = s.esrc = "198.51.100.7";
	s.dst = s.edst = "192.0.2.1";
	s.reply_src = "10.0.0.2";
	s.function = "nat-follow-master";
	s.nat_src = "10.0.0.2";
	s.nat_port = 20000;
	s.nat_dir = 0;
	make(&s);
	assert_int_equal(here("192.0.2.1", -1), 0);
	ctx = collect(NSE_ENGINES_ALL, "10.0.0.2", -1);
	e = only(ctx);
	assert_string_equal(e.function, "nat-follow-master");
	assert_true(e.nat);
	assert_int_equal(e.nat_dir, 0);
	assert_int_equal(nse_ld16(e.nat_port), 20000);
	assert_memory_equal(e.nat_addr, "\x0a\x00\x00\x02", 4);
	assert_memory_equal(e.reply_src, "\x0a\x00\x00\x02", 4);
	carry(ctx, "10.0.0.2");
	nse_context_free(ctx);
	assert_int_equal(system("nft flush ruleset"), 0);
	on(hosts.a);
	assert_int_equal(system("nft flush ruleset"), 0);
}

static void test_classes(void **state)
{
	struct spec s = {
		.src = "10.0.0.1",
		.dst = "10.0.0.9",
		.sport = 5060,
		.dport = 5060,
		.proto = IPPROTO_UDP,
		.helper = "sip",
		.esrc = "0.0.0.0",
		.edst = "10.0.0.1",
		.edport = 40000,
		.class = 1,
		.eclass_helper = "sip",
	};
	struct nse_context *ctx;

	(void)state;
	start();
	make(&s);
	for (uint16_t i = 1; i < 4; i++) {
		s.edport = (uint16_t)(40000 + i);
		s.class = i % 3;
		make_expectation(&s, 100);
	}
	ctx = collect(NSE_ENGINES_ALL, "10.0.0.1", -1);
	assert_int_equal(count(ctx), 4);
	carry(ctx, "10.0.0.1");
	nse_context_free(ctx);
}

static void test_zones(void **state)
{
	struct spec s = ftp;
	struct nse_context *ctx, *there;
	struct nse_job job;

	(void)state;
	start();
	for (uint16_t zone = 0; zone < 9; zone += 4) {
		s.zone = zone;
		make(&s);
	}
	assert_int_equal(here("10.0.0.1", 4), 1);
	assert_int_equal(here(NULL, 8), 1);
	assert_int_equal(here(NULL, 5), 0);
	ctx = collect(NSE_ENGINES_ALL, "10.0.0.1", -1);
	assert_int_equal(count(ctx), 3);
	carry(ctx, "10.0.0.1");
	on(hosts.b);
	install(&job, ctx, 0);
	all_created(&job);
	nse_job_release(&job);
	nse_context_free(ctx);
	/* Exactly one of three that look alike. */
	ctx = collect(engine("expect"), NULL, 4);
	assert_int_equal(only(ctx).zone_orig, 4);
	assert_int_equal(nse_job_init(&job, ctx, 0), 0);
	assert_int_equal(nse_engines_remove(NSE_ENGINES_ALL, &job, NULL), 0);
	assert_int_equal(job.removed, 1);
	nse_job_release(&job);
	there = collect(engine("expect"), NULL, -1);
	assert_int_equal(count(there), 2);
	nse_context_free(there);
	assert_int_equal(here(NULL, 4), 0);
	assert_int_equal(nse_job_init(&job, ctx, 0), 0);
	assert_int_equal(nse_engines_remove(NSE_ENGINES_ALL, &job, NULL), 0);
	assert_int_equal(job.absent, 1);
	nse_job_release(&job);
	nse_context_free(ctx);
}

/* A zone of one direction only: the kernel looks masters up by the direction,
 * and expectations without regard to it. */
static void test_directional_zones(void **state)
{
	static const int zones[] = { ATTR_ORIG_ZONE, ATTR_REPL_ZONE };
	struct spec s = ftp;
	struct nse_context *ctx;
	struct nse_expect e;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		start();
		make_master_in(&s, zones[i], 6);
		s.zone = zones[i] == ATTR_ORIG_ZONE ? 6 : 0;
		make_expectation(&s, s.zone ? 66 : 0);
		s.zone = 0;
		ctx = collect(NSE_ENGINES_ALL, "10.0.0.1", -1);
		e = only(ctx);
		assert_int_equal(e.zone_orig, zones[i] == ATTR_ORIG_ZONE ? 6 : 0);
		assert_int_equal(e.zone_reply, zones[i] == ATTR_ORIG_ZONE ? 0 : 6);
		assert_int_equal(here("10.0.0.1", 6), 1);
		assert_int_equal(here("10.0.0.1", 5), 0);
		carry(ctx, "10.0.0.1");
		nse_context_free(ctx);
	}
}

/* What exists stays as it is, whether alike or not. */
static void test_existing(void **state)
{
	struct spec s = ftp;
	struct nse_context *ctx, *before, *after;
	struct nse_job job;
	struct nse_error err = { 0 };

	(void)state;
	start();
	make(&ftp);
	ctx = collect(engine("expect"), NULL, -1);

	on(hosts.b);
	make(&ftp);
	install(&job, ctx, 0);
	assert_int_equal(job.kept, 1);
	assert_int_equal(nse_engines_undo(NSE_ENGINES_ALL, &job, &err), 0);
	assert_int_equal(here(NULL, -1), 1);
	nse_job_release(&job);

	/* Another one in its place, of another source. */
	flush(hosts.b);
	s.mask = NULL;
	s.esrc = "0.0.0.0";
	make(&s);
	before = collect(engine("expect"), NULL, -1);
	install(&job, ctx, 0);
	assert_int_equal(job.refused, 1);
	assert_int_equal(job.refusals[0].code, -EEXIST);
	nse_job_release(&job);
	after = collect(engine("expect"), NULL, -1);
	equal(before, after);
	nse_context_free(before);
	nse_context_free(after);

	/* Another port: the kernel would put it out for ours. */
	flush(hosts.b);
	s = ftp;
	s.edport = 31000;
	make(&s);
	before = collect(engine("expect"), NULL, -1);
	install(&job, ctx, 0);
	assert_int_equal(job.refused, 1);
	assert_int_equal(job.refusals[0].code, -EEXIST);
	nse_job_release(&job);
	after = collect(engine("expect"), NULL, -1);
	equal(before, after);
	nse_context_free(before);
	nse_context_free(after);
	nse_context_free(ctx);
}

/* A context with more than the helper allows at once cannot be whole. */
static void test_evicted(void **state)
{
	struct spec s = ftp;
	struct nse_context *ctx, *second;
	struct nse_record rec;
	struct nse_job job;

	(void)state;
	start();
	make(&ftp);
	ctx = collect(NSE_ENGINES_ALL, NULL, -1);
	s.edport = 31000;
	make_expectation(&s, 50);
	second = collect(engine("expect"), NULL, -1);
	assert_int_equal(count(second), 1);
	assert_true(nse_context_at(second, 0, &rec));
	assert_int_equal(nse_context_put(ctx, &rec, NULL), 0);
	on(hosts.b);
	install(&job, ctx, 0);
	assert_int_equal(job.created, 2);
	assert_int_equal(job.refused, 1);
	assert_non_null(strstr(job.refusals[0].why, "put out"));
	nse_job_release(&job);
	nse_context_free(ctx);
	nse_context_free(second);
}

static void refused(const struct nse_context *ctx, int code)
{
	struct nse_problems p = NSE_PROBLEMS_INIT;
	struct nse_error err = { 0 };
	struct nse_job job;

	for (unsigned int dry = 0; dry < 2; dry++) {
		install(&job, ctx, dry ? NSE_JOB_DRY_RUN : 0);
		assert_int_equal(job.refused, 1);
		assert_int_equal(job.refusals[0].code, code);
		nse_job_release(&job);
	}
	assert_int_equal(nse_engines_preflight(engine("expect"), ctx, &p, &err), 0);
	assert_int_equal(nse_problems_worst(&p), NSE_FAIL);
	nse_problems_release(&p);
	assert_int_equal(here(NULL, -1), 0);
}

static void test_masters(void **state)
{
	struct spec s = ftp;
	struct nse_problems p = NSE_PROBLEMS_INIT;
	struct nse_context *ctx, *both;
	struct nse_error err = { 0 };
	struct nse_job job;

	(void)state;
	start();
	make(&ftp);
	ctx = collect(engine("expect"), NULL, -1);
	both = collect(NSE_ENGINES_ALL, NULL, -1);
	on(hosts.b);
	refused(ctx, -ENOENT);
	s.helper = NULL;
	make_master(&s);
	refused(ctx, -EOPNOTSUPP);
	flush(hosts.b);
	s.helper = "irc";
	make_master(&s);
	refused(ctx, -EOPNOTSUPP);
	flush(hosts.b);
	/* Here or in the context, both will do. */
	assert_int_equal(nse_engines_preflight(engine("expect"), both, &p, &err), 0);
	assert_int_equal(p.n, 0);
	make_master(&ftp);
	assert_int_equal(nse_engines_preflight(engine("expect"), ctx, &p, &err), 0);
	assert_int_equal(p.n, 0);
	flush(hosts.b);
	install(&job, both, NSE_JOB_DRY_RUN);
	all_created(&job);
	assert_int_equal(nse_engines_undo(NSE_ENGINES_ALL, &job, &err), 0);
	nse_job_release(&job);
	assert_int_equal(here(NULL, -1), 0);
	nse_context_free(ctx);
	nse_context_free(both);
}

static void test_dry_removal(void **state)
{
	struct nse_context *ctx;
	struct nse_job job;

	(void)state;
	start();
	make(&ftp);
	ctx = collect(engine("expect"), NULL, -1);
	assert_int_equal(nse_job_init(&job, ctx, NSE_JOB_DRY_RUN), 0);
	assert_int_equal(nse_engines_remove(NSE_ENGINES_ALL, &job, NULL), 0);
	assert_int_equal(job.removed, 1);
	assert_int_equal(here(NULL, -1), 1);
	nse_job_release(&job);
	nse_context_free(ctx);
}

/* A function of the kernel that does not exist. */
static void test_unknown_function(void **state)
{
	struct nse_buf parts[3] = { NSE_BUF_INIT(NSE_RECORD_MAX),
				    NSE_BUF_INIT(NSE_RECORD_MAX),
				    NSE_BUF_INIT(NSE_RECORD_MAX) };
	struct nse_context *ctx, *odd = nse_context_new();
	struct nse_record rec = { .kind = &nse_expect_kind };
	struct nse_expect e;
	struct nse_job job;

	(void)state;
	start();
	make(&ftp);
	ctx = collect(engine("expect"), NULL, -1);
	e = only(ctx);
	strcpy(e.function, "no-such-function");
	assert_int_equal(nse_expect_encode(&e, &parts[0], &parts[1], &parts[2]), 0);
	rec.key = (struct nse_bytes){ parts[0].data, parts[0].len };
	rec.body = (struct nse_bytes){ parts[1].data, parts[1].len };
	rec.state = (struct nse_bytes){ parts[2].data, parts[2].len };
	assert_int_equal(nse_context_put(odd, &rec, NULL), 0);
	on(hosts.b);
	make_master(&ftp);
	install(&job, odd, 0);
	assert_int_equal(job.refused, 1);
	assert_int_equal(job.refusals[0].code, -EINVAL);
	assert_non_null(strstr(job.refusals[0].why, "function"));
	nse_job_release(&job);
	for (size_t i = 0; i < 3; i++)
		nse_buf_release(&parts[i]);
	nse_context_free(ctx);
	nse_context_free(odd);
}

/* A listener on the loopback interface. */
static int listen_on(uint16_t port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static int connect_to(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static const char rules[] =
	"ip link set lo up && nft '"
	"table ip t {"
	" ct helper ftp { type \"ftp\" protocol tcp; };"
	" chain o { type filter hook output priority 0;"
	" ct state invalid drop; tcp dport 21 ct helper set \"ftp\"; };"
	" chain i { type filter hook input priority 0; }; }'";

/* What the kernel's helper saw on the wire, and the connection after it. */
static void test_real_ftp(void **state)
{
	static const char hello[] = "220 ready\r\n";
	static const char pasv[] = "227 Entering Passive Mode (127,0,0,1,117,48).\r\n";
	struct nse_context *ctx, *there;
	int server, client, peer, data;
	struct nse_record rec;
	struct nse_job job;
	char text[128];
	json_t *json;

	(void)state;
	start();
	assert_int_equal(system(rules), 0);
	server = listen_on(21);
	client = connect_to(21);
	peer = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	assert_true(peer >= 0);
	/* The helper looks at whole lines only, and learns from the first where
	 * they begin. */
	assert_int_equal(send(peer, hello, strlen(hello), 0), strlen(hello));
	assert_int_equal(recv(client, text, sizeof(text), 0), strlen(hello));
	assert_int_equal(send(peer, pasv, strlen(pasv), 0), strlen(pasv));
	assert_int_equal(recv(client, text, sizeof(text), 0), strlen(pasv));
	ctx = collect(NSE_ENGINES_ALL, "127.0.0.1", -1);
	assert_int_equal(nse_ld16(only(ctx).tuple.l4 + 2), 30000);
	/* Only now, or the resets would be seen. */
	on(hosts.b);
	assert_int_equal(system(rules), 0);
	install(&job, ctx, 0);
	all_created(&job);
	there = collect(NSE_ENGINES_ALL, NULL, -1);
	equal(ctx, there);
	nse_context_free(there);
	nse_job_release(&job);

	data = listen_on(30000);
	close(connect_to(30000));
	close(data);
	assert_int_equal(here(NULL, -1), 0);
	there = collect(engine("conntrack"), NULL, -1);
	assert_int_equal(nse_context_count(there), 2);
	for (uint32_t s = 0; s < nse_context_slots(there); s++) {
		assert_true(nse_context_at(there, s, &rec));
		json = nse_record_to_json(&rec);
		if (json_integer_value(json_object_get(json_object_get(json, "key"),
						       "dport")) == 30000) {
			json_t *body = json_object_get(json, "body");

			assert_non_null(json_object_get(body, "master"));
			/* Data is not for the helper to look into. */
			assert_null(json_object_get(body, "helper"));
		}
		json_decref(json);
	}
	nse_context_free(there);
	nse_context_free(ctx);
	on(hosts.a);
	close(client);
	close(peer);
	close(server);
	assert_int_equal(system("nft flush ruleset"), 0);
	on(hosts.b);
	assert_int_equal(system("nft flush ruleset"), 0);
}

static void test_facts(void **state)
{
	json_t *facts = json_object(), *o;
	struct nse_error err = { 0 };

	(void)state;
	start();
	make(&ftp);
	assert_int_equal(nse_engine_find("expect")->facts(facts, &err), 0);
	o = json_object_get(facts, "expect");
	assert_true(json_is_true(json_object_get(o, "available")));
	assert_int_equal(json_integer_value(json_object_get(o, "count")), 1);
	json_decref(facts);
}

/* A record without a kernel. */
static struct nse_expect sample(void)
{
	struct nse_expect e = { .l3 = 4,
				.l4 = IPPROTO_TCP,
				.master_l4 = IPPROTO_TCP,
				.zone_orig = 7,
				.zone_reply = 7,
				.tuple = { .src = { 10, 0, 0, 1 },
					   .dst = { 10, 0, 0, 2 },
					   .l4 = { 0, 0, 0x75, 0x30 } },
				.master = { .src = { 10, 0, 0, 1 },
					    .dst = { 10, 0, 0, 2 },
					    .l4 = { 0x0f, 0xa0, 0, 21 } },
				.mask_src = { 255, 255, 255, 255 },
				.flags = NF_CT_EXPECT_PERMANENT | 0x40,
				.class = 2,
				.reply_src = { 10, 0, 0, 2 },
				.nat = true,
				.nat_dir = 1,
				.nat_addr = { 10, 0, 0, 9 },
				.nat_port = { 0x4e, 0x20 },
				.helper = "ftp",
				.function = "nat-follow-master",
				.timeout = 300 };
	return e;
}

struct bytes {
	struct nse_buf part[3];
	struct nse_record rec;
};

static void pack(struct bytes *b, const struct nse_expect *e)
{
	for (size_t i = 0; i < 3; i++)
		b->part[i] = (struct nse_buf)NSE_BUF_INIT(NSE_RECORD_MAX);
	assert_int_equal(nse_expect_encode(e, &b->part[0], &b->part[1], &b->part[2]), 0);
	b->rec.kind = &nse_expect_kind;
	b->rec.key = (struct nse_bytes){ b->part[0].data, b->part[0].len };
	b->rec.body = (struct nse_bytes){ b->part[1].data, b->part[1].len };
	b->rec.state = (struct nse_bytes){ b->part[2].data, b->part[2].len };
}

static void unpack(struct bytes *b)
{
	for (size_t i = 0; i < 3; i++)
		nse_buf_release(&b->part[i]);
}

/* A record is refused, or it is the one encoding of what it says. */
static bool accepted(const struct nse_record *rec)
{
	struct nse_error err = { 0 };
	struct nse_expect e;
	struct bytes again;

	if (nse_engine_find("expect")->check(rec, &err) < 0) {
		assert_int_equal(err.code, -EBADMSG);
		return false;
	}
	assert_int_equal(nse_expect_decode(rec, &e, NULL), 0);
	pack(&again, &e);
	assert_true(nse_bytes_equal(rec->key, again.rec.key));
	assert_true(nse_bytes_equal(rec->body, again.rec.body));
	assert_true(nse_bytes_equal(rec->state, again.rec.state));
	unpack(&again);
	return true;
}

static struct nse_bytes *part(struct nse_record *rec, size_t i)
{
	return i == 0 ? &rec->key : i == 1 ? &rec->body : &rec->state;
}

static void test_hostile(void **state)
{
	struct nse_expect e = sample();
	struct nse_record cut;
	struct bytes b;

	(void)state;
	pack(&b, &e);
	assert_true(accepted(&b.rec));
	for (size_t i = 0; i < 3; i++) {
		struct nse_bytes whole = *part(&b.rec, i);
		uint8_t *longer = calloc(1, whole.n + 1);

		for (size_t n = 0; n < whole.n; n++) {
			/* Of its own size, so that reading past it is seen. */
			uint8_t *copy = malloc(n ? n : 1);

			memcpy(copy, whole.p, n);
			cut = b.rec;
			*part(&cut, i) = (struct nse_bytes){ copy, n };
			assert_false(accepted(&cut));
			free(copy);
		}
		memcpy(longer, whole.p, whole.n);
		cut = b.rec;
		*part(&cut, i) = (struct nse_bytes){ longer, whole.n + 1 };
		assert_false(accepted(&cut));
		*part(&cut, i) = (struct nse_bytes){ longer, whole.n };
		for (size_t n = 0; n < whole.n; n++) {
			for (int v = 0; v < 256; v++) {
				longer[n] = (uint8_t)v;
				accepted(&cut);
			}
			longer[n] = whole.p[n];
		}
		free(longer);
	}
	unpack(&b);
	strcpy(e.helper, "f\033tp");
	pack(&b, &e);
	assert_false(accepted(&b.rec));
	unpack(&b);
	e = sample();
	e.zone_reply = 8;
	pack(&b, &e);
	assert_false(accepted(&b.rec));
	unpack(&b);
}

/* What the kernel cannot be told is said beforehand. */
static void test_losses(void **state)
{
	struct nse_context *ctx = nse_context_new();
	struct nse_problems p = NSE_PROBLEMS_INIT;
	struct nse_expect e = sample();
	struct nse_error err = { 0 };
	struct bytes b;

	(void)state;
	start();
	e.zone_orig = e.zone_reply = 0;
	e.flags = NF_CT_EXPECT_USERSPACE;
	memcpy(e.tuple.src, "\x0a\x00\x00\x01", 4);
	pack(&b, &e);
	assert_int_equal(nse_context_put(ctx, &b.rec, NULL), 0);
	on(hosts.b);
	make_master(&ftp);
	assert_int_equal(nse_engines_preflight(engine("expect"), ctx, &p, &err), 0);
	assert_int_equal(p.n, 1);
	assert_int_equal(p.items[0].severity, NSE_LOSS);
	assert_non_null(strstr(p.items[0].text, "user space"));
	nse_problems_release(&p);
	unpack(&b);
	nse_context_free(ctx);
}

static bool lies_in(const struct nse_expect *e, const char *addr, int zone)
{
	struct nse_scope scope;
	struct bytes b;
	bool yes;

	scope_of(&scope, addr, zone);
	pack(&b, e);
	yes = nse_engine_find("expect")->in_scope(&scope, &b.rec);
	unpack(&b);
	nse_scope_release(&scope);
	return yes;
}

static void test_scope(void **state)
{
	struct nse_expect e = sample();
	struct nse_scope none;
	struct bytes b;

	(void)state;
	assert_true(lies_in(&e, NULL, -1));
	assert_true(lies_in(&e, "10.0.0.1", -1));
	assert_true(lies_in(&e, "10.0.0.2", -1));
	assert_true(lies_in(&e, "10.0.0.1", 7));
	assert_false(lies_in(&e, "10.0.0.1", 0));
	assert_true(lies_in(&e, NULL, 7));
	assert_false(lies_in(&e, NULL, 8));
	assert_false(lies_in(&e, "10.0.0.3", -1));
	/* A master of ours may not open the way to another's door. */
	e.nat = false;
	e.function[0] = '\0';
	memcpy(e.tuple.dst, "\x0a\x00\x00\x63", 4);
	assert_true(lies_in(&e, "10.0.0.1", -1));
	memset(e.mask_src, 0, sizeof(e.mask_src));
	assert_false(lies_in(&e, "10.0.0.1", -1));
	assert_false(lies_in(&e, "10.0.0.99", -1));
	nse_scope_init(&none);
	pack(&b, &e);
	assert_false(nse_engine_find("expect")->in_scope(&none, &b.rec));
	unpack(&b);
}

static void test_shared(void **state)
{
	const struct nse_engine *engine_expect = nse_engine_find("expect");
	struct nse_expect e = sample();
	struct nse_addr local[2];
	struct nse_scope scope;
	struct bytes b;

	(void)state;
	pack(&b, &e);
	scope_of(&scope, "10.0.0.1", -1);
	nse_addr_parse("10.0.0.77", &local[0], NULL);
	nse_addr_parse("10.0.0.2", &local[1], NULL);
	assert_false(engine_expect->shared(&b.rec, &scope, local, 1));
	assert_true(engine_expect->shared(&b.rec, &scope, local, 2));
	nse_addr_parse("10.0.0.1", &local[1], NULL);
	assert_false(engine_expect->shared(&b.rec, &scope, local, 2));
	nse_scope_release(&scope);
	unpack(&b);
}

static void test_relocate(void **state)
{
	struct nse_map map = NSE_MAP_INIT;
	struct nse_expect e = sample(), moved;
	struct nse_context *from = nse_context_new(), *to = NULL;
	struct nse_error err = { 0 };
	struct bytes b;

	(void)state;
	pack(&b, &e);
	assert_int_equal(nse_context_put(from, &b.rec, NULL), 0);
	assert_int_equal(nse_map_add_addr(&map, "10.0.0.2=172.16.0.2", NULL), 0);
	assert_int_equal(nse_map_add_addr(&map, "0.0.0.0/0=0.0.0.0/0", NULL), 0);
	assert_int_equal(nse_map_add_zone(&map, "7=9", NULL), 0);
	assert_int_equal(nse_engines_relocate(&map, from, &to, &err), 0);
	moved = only(to);
	assert_int_equal(moved.zone_orig, 9);
	assert_int_equal(moved.zone_reply, 9);
	memcpy(e.tuple.dst, "\xac\x10\x00\x02", 4);
	memcpy(e.master.dst, e.tuple.dst, 4);
	memcpy(e.reply_src, e.tuple.dst, 4);
	e.zone_orig = e.zone_reply = 9;
	assert_true(nse_expect_key_equal(&e, &moved));
	assert_true(nse_expect_body_equal(&e, &moved));
	assert_int_equal(moved.timeout, 300);
	nse_context_free(to);
	nse_context_free(from);
	nse_map_release(&map);
	unpack(&b);
}

static void test_describe(void **state)
{
	static const char want[] =
		"{'engine':'expect','type':'expectation','key':{'family':'ipv4',"
		"'proto':'tcp','src':'10.0.0.1','dst':'10.0.0.2','sport':0,"
		"'dport':30000,'mask':{'src':'255.255.255.255','sport':0},"
		"'master':{'proto':'tcp','src':'10.0.0.1','dst':'10.0.0.2',"
		"'sport':4000,'dport':21},'zone':7},'body':{'helper':'ftp',"
		"'flags':['permanent','0x40'],'class':2,"
		"'master_reply_src':'10.0.0.2','function':'nat-follow-master',"
		"'nat':{'dir':'reply','src':'10.0.0.9','sport':20000}},"
		"'state':{'timeout':300}}";
	struct nse_expect e = sample();
	char text[sizeof(want)];
	json_t *json, *wanted;
	struct bytes b;

	(void)state;
	pack(&b, &e);
	json = nse_record_to_json(&b.rec);
	memcpy(text, want, sizeof(want));
	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	wanted = json_loads(text, 0, NULL);
	assert_non_null(wanted);
	if (!json_equal(json, wanted))
		fail_msg("%s", json_dumps(json, JSON_COMPACT));
	json_decref(json);
	json_decref(wanted);
	unpack(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_relocate),
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_nat),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_directional_zones),
		cmocka_unit_test(test_existing),
		cmocka_unit_test(test_evicted),
		cmocka_unit_test(test_masters),
		cmocka_unit_test(test_dry_removal),
		cmocka_unit_test(test_unknown_function),
		cmocka_unit_test(test_real_ftp),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_losses),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
