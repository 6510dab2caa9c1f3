/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of expectations share that do need a kernel: two namespaces
 * that stand for hosts, and masters with expectations in them, made by
 * libnetfilter_conntrack.
 */
#ifndef NSE_TESTS_EXPECT_HOSTS_H
#define NSE_TESTS_EXPECT_HOSTS_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "lib/context/diff.h"
#include "lib/netlink/nl.h"
#include "tests/unit/expect_sample.h"
#include "tests/unit/shell.h"

/* Two hosts. */
static struct {
	int home, a, b;
} hosts;

static UNUSED int new_host(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
}

static UNUSED int setup(void **state)
{
	(void)state;
	hosts.home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	hosts.a = new_host();
	hosts.b = new_host();
	return hosts.a < 0 || hosts.b < 0 ? -1 : 0;
}

static UNUSED int teardown(void **state)
{
	(void)state;
	if (setns(hosts.home, CLONE_NEWNET) < 0)
		return -1;
	close(hosts.home);
	close(hosts.a);
	close(hosts.b);
	return 0;
}

static UNUSED void on(int host)
{
	assert_int_equal(setns(host, CLONE_NEWNET), 0);
}

/* Empty hosts: an entry takes its expectations with it. */
static UNUSED void flush(int host)
{
	struct nfct_handle *h;
	uint32_t family = AF_UNSPEC;

	on(host);
	h = nfct_open(CONNTRACK, 0);
	assert_non_null(h);
	nfct_query(h, NFCT_Q_FLUSH, &family);
	nfct_close(h);
}

static UNUSED void start(void)
{
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

static UNUSED bool is_v6(const char *text)
{
	return strchr(text, ':') != NULL;
}

static UNUSED void set_addr(struct nf_conntrack *ct, int v4, int v6, const char *text)
{
	uint8_t addr[16];

	assert_int_equal(inet_pton(is_v6(text) ? AF_INET6 : AF_INET, text, addr), 1);
	nfct_set_attr(ct, is_v6(text) ? v6 : v4, addr);
}

static UNUSED struct nf_conntrack *tuple(uint8_t proto, const char *src, const char *dst,
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

static UNUSED void make_master_in(const struct spec *s, int zone_attr, uint16_t zone)
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

static UNUSED struct nf_expect *build(const struct spec *s, uint32_t timeout)
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
static UNUSED void put_nat(struct nlmsghdr *nlh, const struct spec *s)
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
static UNUSED void put_others(struct nlmsghdr *nlh, const struct spec *s)
{
	mnl_attr_put_u32(nlh, CTA_EXPECT_CLASS, htonl(s->class));
	if (s->eclass_helper)
		mnl_attr_put_strz(nlh, CTA_EXPECT_HELP_NAME, s->eclass_helper);
	if (s->function)
		mnl_attr_put_strz(nlh, CTA_EXPECT_FN, s->function);
	if (s->nat_src)
		put_nat(nlh, s);
}

static UNUSED void make_master(const struct spec *s)
{
	make_master_in(s, ATTR_ZONE, s->zone);
}

static UNUSED int send_expectation(struct nse_nl *nl, const struct spec *s,
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
static UNUSED void make_expectation(const struct spec *s, uint32_t timeout)
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

static UNUSED void make(const struct spec *s)
{
	make_master(s);
	make_expectation(s, 77);
}

static UNUSED struct nse_context *collect(uint32_t engines, const char *addr, int zone)
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

static UNUSED uint32_t engine(const char *name)
{
	uint32_t set;

	assert_int_equal(nse_engines_parse(name, &set, NULL), 0);
	return set;
}

static UNUSED size_t here(const char *addr, int zone)
{
	struct nse_context *ctx = collect(engine("expect"), addr, zone);
	size_t n = nse_context_count(ctx);

	nse_context_free(ctx);
	return n;
}

static UNUSED void install(struct nse_job *job, const struct nse_context *ctx,
			   unsigned int flags)
{
	struct nse_error err = { 0 };

	assert_int_equal(nse_job_init(job, ctx, flags), 0);
	if (nse_engines_install(NSE_ENGINES_ALL, job, &err) < 0)
		fail_msg("install: %s", err.text);
}

static UNUSED void all_created(const struct nse_job *job)
{
	for (size_t i = 0; i < job->nrefusals; i++)
		print_message("# %s\n", job->refusals[i].why);
	assert_int_equal(job->refused, 0);
	assert_int_equal(job->kept, 0);
	assert_int_equal(job->created, nse_context_count(job->ctx));
}

static UNUSED void equal(const struct nse_context *a, const struct nse_context *b)
{
	struct nse_diff d;

	assert_int_equal(nse_diff(a, b, 0, &d), 0);
	assert_int_equal(d.n, 0);
	assert_int_equal(nse_context_count(a), nse_context_count(b));
	nse_diff_release(&d);
}

static UNUSED const struct spec ftp = {
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

#endif
