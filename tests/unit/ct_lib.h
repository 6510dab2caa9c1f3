/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the tests of the conntrack engine: a network namespace of one's own, and
 * entries in it that libnetfilter_conntrack makes, so that what the engine
 * reads was not written by itself.
 */
#ifndef TESTS_UNIT_CT_LIB_H
#define TESTS_UNIT_CT_LIB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sched.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nf_conntrack_common.h>

#include "lib/context/context.h"
#include "lib/engine/conntrack.h"
#include "lib/engine/ct_entry.h"
#include "lib/engine/ct_row.h"
#include "lib/netlink/nl.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/proc.h"

#define ct (&nse_engine_conntrack)

#define RULES_CT                                                                         \
	"table inet t { chain in { type filter hook input priority 0; ct state new; }; }\n"
#define RULES_LABELS                                                                     \
	"table inet l { chain in { type filter hook input priority 1; ct label 1; }; }\n"
#define RULES_NAT                                                                        \
	"table ip n { chain post { type nat hook postrouting priority 100; }; }\n"       \
	"table ip6 n { chain post { type nat hook postrouting priority 100; }; }\n"

/* Runs a command of words without spaces in them; its exit status. */
static inline int run_words(const char *command, const char *input)
{
	char words[512], *argv[32], *save = NULL, *out = NULL;
	size_t n = 0;
	int rc;

	snprintf(words, sizeof(words), "%s", command);
	for (char *w = strtok_r(words, " ", &save); w && n < 31;
	     w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	argv[n] = NULL;
	rc = nse_run(argv, input, &out, 1 << 20, nse_now_us() + 60000000, NULL);
	free(out);
	return rc;
}

static inline void sh(const char *command)
{
	int rc = run_words(command, NULL);

	if (rc != 0)
		print_error("%s: %d\n", command, rc);
	assert_int_equal(rc, 0);
}

/* Into a fresh network namespace with lo up; false when that is not allowed. */
static inline bool fresh_netns(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		return false;
	return run_words("ip link set lo up", NULL) == 0;
}

#define NETNS()                                                                          \
	do {                                                                             \
		if (!fresh_netns())                                                      \
			skip();                                                          \
	} while (0)

static inline void nft(const char *rules)
{
	assert_int_equal(run_words("nft -f -", rules), 0);
}

/* The common part of an entry; the reply is the plain inverse. */
static inline struct nf_conntrack *mk(uint8_t l4, const char *src, const char *dst,
				      uint16_t sport, uint16_t dport)
{
	struct nf_conntrack *c = nfct_new();
	bool v6 = strchr(src, ':');
	uint8_t a[16], b[16];

	assert_non_null(c);
	assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, src, a), 1);
	assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, dst, b), 1);
	nfct_set_attr_u8(c, ATTR_L3PROTO, v6 ? AF_INET6 : AF_INET);
	nfct_set_attr_u8(c, ATTR_L4PROTO, l4);
	nfct_set_attr(c, v6 ? ATTR_IPV6_SRC : ATTR_IPV4_SRC, a);
	nfct_set_attr(c, v6 ? ATTR_IPV6_DST : ATTR_IPV4_DST, b);
	if (l4 == IPPROTO_ICMP || l4 == IPPROTO_ICMPV6) {
		nfct_set_attr_u16(c, ATTR_ICMP_ID, htons(sport));
		nfct_set_attr_u8(c, ATTR_ICMP_TYPE, l4 == IPPROTO_ICMP ? 8 : 128);
		nfct_set_attr_u8(c, ATTR_ICMP_CODE, 0);
	} else if (sport || dport) {
		nfct_set_attr_u16(c, ATTR_PORT_SRC, htons(sport));
		nfct_set_attr_u16(c, ATTR_PORT_DST, htons(dport));
	}
	nfct_setobjopt(c, NFCT_SOPT_SETUP_REPLY);
	nfct_set_attr_u32(c, ATTR_TIMEOUT, 500);
	nfct_set_attr_u32(c, ATTR_STATUS, IPS_CONFIRMED);
	return c;
}

static inline void tcp_info(struct nf_conntrack *c, uint8_t state, uint8_t wo, uint8_t wr,
			    uint8_t fo, uint8_t fr)
{
	nfct_set_attr_u8(c, ATTR_TCP_STATE, state);
	nfct_set_attr_u8(c, ATTR_TCP_WSCALE_ORIG, wo);
	nfct_set_attr_u8(c, ATTR_TCP_WSCALE_REPL, wr);
	nfct_set_attr_u8(c, ATTR_TCP_FLAGS_ORIG, fo);
	nfct_set_attr_u8(c, ATTR_TCP_FLAGS_REPL, fr);
	nfct_set_attr_u8(c, ATTR_TCP_MASK_ORIG, 0xff);
	nfct_set_attr_u8(c, ATTR_TCP_MASK_REPL, 0xff);
}

static inline struct nf_conntrack *mk_tcp(const char *src, const char *dst,
					  uint16_t sport, uint16_t dport)
{
	struct nf_conntrack *c = mk(IPPROTO_TCP, src, dst, sport, dport);

	tcp_info(c, 3, 7, 9, 0x03, 0x03);
	nfct_set_attr_u32(c, ATTR_STATUS, IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED);
	return c;
}

static inline int try_query(enum nf_conntrack_query q, const void *c)
{
	struct nfct_handle *h = nfct_open(CONNTRACK, 0);
	int rc;

	assert_non_null(h);
	rc = nfct_query(h, q, c) < 0 ? -errno : 0;
	nfct_close(h);
	return rc;
}

/* Creates the entry and forgets it. */
static inline void add(struct nf_conntrack *c)
{
	int rc = try_query(NFCT_Q_CREATE, c);

	nfct_destroy(c);
	if (rc < 0)
		print_error("creating an entry: %s\n", strerror(-rc));
	assert_int_equal(rc, 0);
}

static inline long table_count(void)
{
	FILE *f = fopen("/proc/sys/net/netfilter/nf_conntrack_count", "r");
	long n = -1;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld", &n), 1);
	fclose(f);
	return n;
}

static inline struct nse_scope scope_all(void)
{
	struct nse_scope s;

	nse_scope_init(&s);
	s.all = true;
	return s;
}

static inline void scope_add(struct nse_scope *s, const char *addr)
{
	struct nse_addr a;

	assert_int_equal(nse_addr_parse(addr, &a, NULL), 0);
	assert_int_equal(nse_domain_add_addr(&s->domain, &a), 0);
}

static inline struct nse_context *collect_scope(const struct nse_scope *s)
{
	struct nse_context *ctx = nse_context_new();
	struct nse_sink sink = nse_context_sink(ctx);
	struct nse_error err = { 0 };
	int rc = ct->collect(s, &sink, &err);

	if (rc < 0)
		print_error("collect: %s\n", err.text);
	assert_int_equal(rc, 0);
	return ctx;
}

static inline struct nse_context *collect_all(void)
{
	struct nse_scope s = scope_all();

	return collect_scope(&s);
}

/* The entry whose original source port is that. */
static inline uint32_t find_port(const struct nse_context *ctx, uint16_t sport,
				 struct ct_entry *e)
{
	struct nse_record rec;

	for (uint32_t s = 0; s < nse_context_slots(ctx); s++) {
		if (!nse_context_at(ctx, s, &rec))
			continue;
		assert_int_equal(ct_row_decode(&rec, e, NULL), 0);
		if ((e->orig.l4[0] << 8 | e->orig.l4[1]) == sport)
			return s;
	}
	return NSE_CONTEXT_NONE;
}

/* install() of a fresh job, which must work as such. */
static inline void install(struct nse_job *job, const struct nse_context *ctx,
			   unsigned int flags)
{
	struct nse_error err = { 0 };
	int rc;

	assert_int_equal(nse_job_init(job, ctx, flags), 0);
	rc = ct->install(job, &err);
	if (rc < 0)
		print_error("install: %s\n", err.text);
	assert_int_equal(rc, 0);
}

static inline bool refused_with(const struct nse_job *job, const char *text)
{
	for (size_t i = 0; i < job->nrefusals; i++)
		if (strstr(job->refusals[i].why, text))
			return true;
	return false;
}

/* verify() of a job counts that. */
static inline void verify(struct nse_job *job, uint64_t verified, uint64_t differ)
{
	struct nse_error err = { 0 };

	job->verified = job->differ = 0;
	assert_int_equal(ct->verify(job, &err), 0);
	assert_int_equal(job->verified, verified);
	assert_int_equal(job->differ, differ);
}

static inline void print_refusals(const struct nse_job *job)
{
	for (size_t i = 0; i < job->nrefusals; i++)
		print_message("# refused: %s\n", job->refusals[i].why);
}

#endif
