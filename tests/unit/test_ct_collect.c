/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Collecting: what is in a scope comes, once, also while the table is being
 * resized; entries of real connections; and the limits of the host.
 */
#include "tests/unit/ct_lib.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "lib/context/diff.h"
#include "lib/engine/ct_dump.h"
#include "lib/engine/ct_host.h"

#define BUCKETS "/proc/sys/net/netfilter/nf_conntrack_buckets"

static void add_flows(void)
{
	struct nf_conntrack *c;

	nft(RULES_CT RULES_NAT);
	add(mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80));	/* the VM's own */
	add(mk_tcp("10.0.0.2", "10.0.0.1", 1001, 22));	/* to the VM */
	add(mk_tcp("10.0.0.1", "10.0.0.1", 1002, 80));	/* both */
	add(mk_tcp("10.0.0.2", "10.0.0.3", 1003, 80));	/* neither */
	add(mk_tcp("10.0.0.10", "10.0.0.2", 1004, 80)); /* nearly */
	add(mk_tcp("2001:db8::1", "2001:db8::2", 1005, 80));
	add(mk_tcp("2001:db8::2", "2001:db8::1", 1006, 80));
	c = mk(IPPROTO_UDP, "198.51.100.1", "192.0.2.7", 1007, 53);
	nfct_set_attr_u32(c, ATTR_DNAT_IPV4, inet_addr("10.0.0.1"));
	add(c);
	c = mk_tcp("10.0.0.1", "10.0.0.2", 1008, 80);
	nfct_set_attr_u16(c, ATTR_ZONE, 5);
	add(c);
	c = mk_tcp("10.0.0.9", "10.0.0.2", 1009, 80);
	nfct_set_attr_u16(c, ATTR_ORIG_ZONE, 5);
	add(c);
}

struct counted {
	struct nse_context *ctx;
	unsigned int puts, resets;
	int resize_fd;	  /* to resize through, or -1 */
	bool every_time;  /* in each dump, or only in the first */
	unsigned long to; /* buckets */
};

static int count_put(void *arg, const struct nse_record *rec)
{
	struct counted *c = arg;
	char text[32];

	assert_int_equal(ct->check(rec, NULL), 0);
	if (++c->puts == 50 && c->resize_fd >= 0 && (c->every_time || !c->resets)) {
		c->to = c->to == 65536 ? 131072 : 65536;
		snprintf(text, sizeof(text), "%lu", c->to);
		assert_true(pwrite(c->resize_fd, text, strlen(text), 0) > 0);
	}
	return nse_context_put(c->ctx, rec, NULL);
}

static int count_reset(void *arg, const char *engine)
{
	struct counted *c = arg;

	assert_string_equal(engine, "conntrack");
	c->puts = 0;
	c->resets++;
	nse_context_del_engine(c->ctx, engine);
	return 0;
}

/* The ports of what a scope holds, as bits from 1000 on. */
static unsigned int ports_of(const struct nse_scope *s)
{
	struct counted c = { .ctx = nse_context_new(), .resize_fd = -1 };
	struct nse_sink sink = { count_put, count_reset, &c };
	unsigned int ports = 0;
	struct nse_record rec;
	struct ct_entry e;

	assert_int_equal(ct->collect(s, &sink, NULL), 0);
	assert_int_equal(c.puts, nse_context_count(c.ctx)); /* nothing twice */
	for (uint32_t i = 0; i < nse_context_slots(c.ctx); i++) {
		assert_true(nse_context_at(c.ctx, i, &rec));
		assert_true(ct->in_scope(s, &rec));
		assert_int_equal(ct_row_decode(&rec, &e, NULL), 0);
		ports |= 1u << ((e.orig.l4[0] << 8 | e.orig.l4[1]) - 1000);
	}
	nse_context_free(c.ctx);
	return ports;
}

static unsigned int ports(const char *a, const char *b, const char *c, int zone)
{
	struct nse_scope s;
	unsigned int bits;

	nse_scope_init(&s);
	if (a)
		scope_add(&s, a);
	if (b)
		scope_add(&s, b);
	if (c)
		scope_add(&s, c);
	if (zone >= 0)
		assert_int_equal(nse_scope_add_zone(&s, (uint16_t)zone, NULL), 0);
	bits = ports_of(&s);
	nse_scope_release(&s);
	return bits;
}

static void scopes(void **state)
{
	struct nse_scope all = scope_all();

	(void)state;
	NETNS();
	add_flows();
	assert_int_equal(ports_of(&all), 0x3ff);
	assert_int_equal(ports(NULL, NULL, NULL, -1), 0);
	assert_int_equal(ports("10.0.0.1", NULL, NULL, -1), 0x187);
	assert_int_equal(ports("10.0.0.1", "10.0.0.10", NULL, -1), 0x197);
	assert_int_equal(ports("10.0.0.1", "2001:db8::1", NULL, -1), 0x1e7);
	assert_int_equal(ports("2001:db8::1", NULL, NULL, -1), 0x060);
	/* More than what is asked for one by one, and prefixes. */
	assert_int_equal(ports("10.0.0.1", "10.0.0.10", "2001:db8::1", -1), 0x1f7);
	assert_int_equal(ports("10.0.0.0/30", NULL, NULL, -1), 0x39f | 0x008 | 0x200);
	assert_int_equal(ports("2001:db8::/32", NULL, NULL, -1), 0x060);
	/* Zones limit, and stand alone. */
	assert_int_equal(ports("10.0.0.1", NULL, NULL, 5), 0x100);
	assert_int_equal(ports("10.0.0.1", NULL, NULL, 0), 0x087);
	assert_int_equal(ports(NULL, NULL, NULL, 5), 0x300);
}

static void the_kernel_filters(void **state)
{
	(void)state;
	NETNS();
	nft(RULES_CT);
	/* By behaviour: this machine's kernel is newer than 5.8. */
	assert_int_equal(ct_dump_filters(NULL), 1);
	add(mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80));
	assert_int_equal(ct_dump_filters(NULL), 1);
}

static void add_many(uint32_t n)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *ctx = nse_context_new();
	struct ct_entry e = { .l3 = 4, .l4 = IPPROTO_UDP, .timeout = 1000 };
	struct nse_job job;
	struct ct_row row;

	for (uint32_t i = 0; i < n; i++) {
		memcpy(e.orig.src, "\x0a\x00\x00\x01", 4);
		memcpy(e.orig.dst, "\x0a\x01\x00\x01", 4);
		e.orig.src[1] = (uint8_t)(i >> 16);
		e.orig.l4[0] = (uint8_t)(i >> 8);
		e.orig.l4[1] = (uint8_t)i;
		e.orig.l4[3] = 53;
		ct_invert(4, IPPROTO_UDP, &e.orig, &e.reply);
		ct_row_encode(&e, &row);
		assert_int_equal(nse_context_put(ctx, &row.rec, NULL), 0);
	}
	install(&job, ctx, 0);
	assert_int_equal(job.created, n);
	nse_job_release(&job);
}

/* The number of buckets is the machine's, and only writable from outside. */
static void resized_while_dumped(void **state)
{
	NSE_CLOSE int fd = open(BUCKETS, O_RDWR | O_CLOEXEC);
	NSE_CLOSE int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct counted c = { .resize_fd = fd };
	struct nse_sink sink = { count_put, count_reset, &c };
	struct nse_scope all = scope_all();
	struct nse_error err = { 0 };
	char before[32] = "";
	int rc;

	(void)state;
	if (fd < 0 || pread(fd, before, sizeof(before) - 1, 0) <= 0)
		skip();
	NETNS();
	nft(RULES_CT);
	add_many(5000);
	c.ctx = nse_context_new();
	rc = ct->collect(&all, &sink, &err);
	assert_true(pwrite(fd, before, strlen(before), 0) > 0);
	assert_int_equal(rc, 0);
	assert_true(c.resets >= 1);
	assert_int_equal(nse_context_count(c.ctx), 5000);
	/* Never still: given up, with nothing left in the sink. */
	c.resets = c.puts = 0;
	c.every_time = true;
	nse_context_del_engine(c.ctx, "conntrack");
	rc = ct->collect(&all, &sink, &err);
	assert_true(pwrite(fd, before, strlen(before), 0) > 0);
	assert_int_equal(rc, -EAGAIN);
	assert_non_null(strstr(err.text, "nf_conntrack_buckets"));
	assert_int_equal(nse_context_count(c.ctx), 0);
	nse_context_free(c.ctx);
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
}

static int listener(uint16_t port, int type)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static int connect_to(uint16_t port, int type)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons(port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

/* A connection through DNAT, with accounting on. */
static void real_traffic(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	NSE_CLEANUP(nse_context_freep) struct nse_context *b = NULL;
	NSE_CLOSE int server = -1, client = -1, peer = -1, udp = -1, sink = -1;
	struct nse_diff d;
	struct ct_entry e;
	struct nse_record rec;
	struct nse_job job;
	bool found = false;

	(void)state;
	NETNS();
	sh("sysctl -qw net.netfilter.nf_conntrack_acct=1 net.netfilter.nf_conntrack_timestamp=1");
	nft(RULES_CT RULES_NAT
	    "table ip d { chain out { type nat hook output priority -100; tcp dport 8081 redirect to :8080; }; }");
	server = listener(8080, SOCK_STREAM);
	client = connect_to(8081, SOCK_STREAM);
	peer = accept(server, NULL, NULL);
	assert_true(peer >= 0);
	assert_int_equal(write(client, "hello", 5), 5);
	sink = listener(5300, SOCK_DGRAM);
	udp = connect_to(5300, SOCK_DGRAM);
	assert_int_equal(write(udp, "x", 1), 1);
	a = collect_all();
	for (uint32_t s = 0; s < nse_context_slots(a); s++) {
		assert_true(nse_context_at(a, s, &rec));
		assert_int_equal(ct->check(&rec, NULL), 0);
		assert_int_equal(ct_row_decode(&rec, &e, NULL), 0);
		assert_true(e.state & CT_STATE_COUNTERS);
		assert_true(e.state & CT_STATE_START);
		if (e.l4 != IPPROTO_TCP)
			continue;
		found = true;
		assert_int_equal(e.tcp.state, 3);
		assert_true(e.status & IPS_DST_NAT);
		assert_true(e.status & IPS_ASSURED);
		assert_true(e.tcp.flags[0] & CT_TCP_WINDOW_SCALE);
		assert_true(e.packets[0] >= 3);
	}
	assert_true(found);
	assert_int_equal(nse_context_count(a), 2);
	assert_true(fresh_netns());
	nft(RULES_CT RULES_NAT);
	install(&job, a, 0);
	assert_int_equal(job.created, 2);
	b = collect_all();
	assert_int_equal(nse_diff(a, b, 0, &d), 0);
	assert_int_equal(d.n, 0);
	nse_diff_release(&d);
	nse_job_release(&job);
}

static bool problem_with(const struct nse_problems *p, enum nse_severity s,
			 const char *text)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->items[i].severity == s &&
		    (strstr(p->items[i].text, text) || strstr(p->items[i].mend, text)))
			return true;
	return false;
}

static void a_full_table(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	struct nse_problems p = NSE_PROBLEMS_INIT;
	int64_t max = ct_host_sysctl("max");
	struct nse_job job;

	(void)state;
	if (max <= 0 || max > 300000)
		skip();
	NETNS();
	nft(RULES_CT);
	for (uint16_t i = 0; i < 5; i++)
		add(mk_tcp("10.9.0.1", "10.9.0.2", (uint16_t)(1000 + i), 80));
	a = collect_all();
	assert_true(fresh_netns());
	nft(RULES_CT);
	add_many((uint32_t)max - 2);
	assert_int_equal(ct->preflight(a, NULL, &p, NULL), 0);
	assert_true(problem_with(&p, NSE_FAIL, "nf_conntrack_max="));
	nse_problems_release(&p);
	for (unsigned int flags = NSE_JOB_DRY_RUN;; flags = 0) {
		install(&job, a, flags);
		assert_int_equal(job.created, 2);
		assert_int_equal(job.refused, 3);
		assert_int_equal(job.refusals[0].code, -ENOMEM);
		assert_non_null(strstr(job.refusals[0].why, "table is full"));
		if (!flags)
			break;
		nse_job_release(&job);
	}
	/* Nobody else's entry had to go for ours. */
	assert_int_equal(table_count(), max);
	assert_int_equal(ct->undo(&job, NULL), 0);
	assert_int_equal(table_count(), max - 2);
	nse_job_release(&job);
}

static void facts_of_the_host(void **state)
{
	json_t *facts = json_object(), *o;
	struct nse_error err = { 0 };

	(void)state;
	NETNS();
	nft(RULES_CT RULES_LABELS
	    "table ip n { chain post { type nat hook postrouting priority 100; }; }");
	assert_int_equal(ct->facts(facts, &err), 0);
	o = json_object_get(facts, "conntrack");
	assert_true(json_integer_value(json_object_get(o, "max")) > 0);
	assert_true(json_is_integer(json_object_get(o, "events")));
	assert_true(json_is_true(json_object_get(o, "labels")));
	assert_true(json_is_true(json_object_get(o, "dump_filter")));
	assert_true(json_is_true(json_object_get(json_object_get(o, "nat"), "ipv4")));
	assert_true(json_is_false(json_object_get(json_object_get(o, "nat"), "ipv6")));
	assert_true(json_array_size(json_object_get(o, "helpers")) > 0);
	assert_int_equal(table_count(), 0);
	json_decref(facts);
}

static void preflight_of_a_context(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	struct nse_problems p = NSE_PROBLEMS_INIT;

	(void)state;
	NETNS();
	add_flows();
	a = collect_all();
	assert_true(fresh_netns());
	nft(RULES_CT);
	sh("sysctl -qw net.netfilter.nf_conntrack_events=2 net.netfilter.nf_conntrack_tcp_loose=1");
	add(mk_tcp("10.0.0.2", "10.0.0.1", 80, 1000));
	assert_int_equal(ct->preflight(a, NULL, &p, NULL), 0);
	assert_true(problem_with(&p, NSE_FAIL, "nat chain"));
	assert_true(problem_with(&p, NSE_FAIL, "reply direction"));
	assert_true(problem_with(&p, NSE_NOTE, "nf_conntrack_events"));
	assert_true(problem_with(&p, NSE_NOTE, "tcp_loose"));
	assert_int_equal(table_count(), 1);
	nse_problems_release(&p);
	assert_true(fresh_netns());
	nft(RULES_CT RULES_NAT);
	sh("sysctl -qw net.netfilter.nf_conntrack_events=1 net.netfilter.nf_conntrack_tcp_loose=0");
	assert_int_equal(ct->preflight(a, NULL, &p, NULL), 0);
	assert_int_equal(p.n, 1);
	assert_true(problem_with(&p, NSE_LOSS, "gives packets a zone"));
	nse_problems_release(&p);
	nft("table ip z { chain c { ct zone set 5; }; }");
	assert_int_equal(ct->preflight(a, NULL, &p, NULL), 0);
	assert_int_equal(p.n, 1);
	assert_true(problem_with(&p, NSE_NOTE, "mean the same by them"));
	nse_problems_release(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resized_while_dumped),
		cmocka_unit_test(a_full_table),
		cmocka_unit_test(scopes),
		cmocka_unit_test(the_kernel_filters),
		cmocka_unit_test(real_traffic),
		cmocka_unit_test(facts_of_the_host),
		cmocka_unit_test(preflight_of_a_context),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
