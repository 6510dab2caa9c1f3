/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Following conntrack entries: what is told and what is not, who tells, and what gets
 * lost on the way. After each step the context with its delta is compared with a
 * fresh collection.
 *
 * Entries that tell nothing are made with nf_conntrack_events=0. With 2 they come
 * about while nobody listens; but that is nobody on the whole machine, in any network
 * namespace, and so not for a test to say.
 */
#include "tests/unit/ct_kept.h"

#include <sys/socket.h>

#include "lib/engine/ct_follow.h"

static void tcp_state(uint16_t port, uint8_t state)
{
	struct nf_conntrack *c = mk_tcp(VM, PEER, port, 80);

	tcp_info(c, state, 7, 9, 0x03, 0x03);
	assert_int_equal(try_query(NFCT_Q_UPDATE, c), 0);
	nfct_destroy(c);
}

static void what_is_told(void **state)
{
	struct kept k;

	(void)state;
	NETNS();
	nft(RULES_CT);
	events(1);
	add_some(VM, 1000, 5);
	keep(&k, 0);
	STEP(&k, false, 0, 0);
	assert_int_equal(stats(&k)->silent, 0);
	assert_int_equal(stats(&k)->events, 0);
	add_some(VM, 2000, 2);
	add(mk(IPPROTO_UDP, PEER, VM, 2002, 53));
	add(mk_tcp("2001:db8::9", "2001:db8::1", 2003, 80));
	STEP(&k, false, 4, 0);
	mark(VM, 1001, 7);
	tcp_state(2000, 4);
	STEP(&k, false, 2, 0);
	del(VM, 1001);
	del(VM, 2001);
	STEP(&k, false, 0, 2);
	assert_int_equal(stats(&k)->events, 8);
	/* Nothing is told to nobody twice. */
	STEP(&k, true, 0, 0);
	assert_int_equal(stats(&k)->events, 8);
	assert_int_equal(stats(&k)->checked, 0);
	drop(&k);
}

/* It came and went, went and came, became another one, or just seemed to change. */
static void what_has_come_of_it(void **state)
{
	struct kept k;

	(void)state;
	NETNS();
	nft(RULES_CT);
	events(2);
	keep(&k, 0);
	add_some(VM, 1000, 3);
	STEP(&k, false, 3, 0);
	add_some(VM, 2000, 1);
	del(VM, 2000);
	del(VM, 1000);
	add(mk_tcp(VM, PEER, 1000, 80));
	mark(VM, 1000, 9);
	del(VM, 1001);
	add(mk_tcp(PEER, VM, 80, 1001));
	mark(VM, 1002, 5);
	mark(VM, 1002, 0);
	/* The last one may have got some time. */
	step(&k, false);
	assert_in_range(k.puts, 2, 3);
	assert_int_equal(k.dels, 1);
	assert_true(is_true(&k));
	assert_int_equal(stats(&k)->silent, 0);
	drop(&k);
}

static void other_domains(void **state)
{
	struct nf_conntrack *c;
	struct kept k;

	(void)state;
	NETNS();
	nft(RULES_CT);
	events(1);
	add_some(OTHER, 1000, 2);
	add_some(VM, 1000, 2);
	keep(&k, 0);
	assert_int_equal(nse_context_count(k.ctx), 2);
	mark(OTHER, 1000, 3);
	del(OTHER, 1001);
	add_some(OTHER, 2000, 3);
	STEP(&k, false, 0, 0);
	assert_int_equal(stats(&k)->events, 0);
	drop(&k);
	/* By zone. */
	memset(&k, 0, sizeof(k));
	nse_scope_init(&k.scope);
	assert_int_equal(nse_scope_add_zone(&k.scope, 5, NULL), 0);
	keep_what(&k, "conntrack", 0);
	for (uint16_t zone = 4; zone < 7; zone++) {
		c = mk_tcp(VM, PEER, 3000, 80);
		nfct_set_attr_u16(c, ATTR_ZONE, zone);
		add(c);
	}
	c = mk_tcp(VM, PEER, 3001, 80);
	nfct_set_attr_u16(c, ATTR_REPL_ZONE, 5);
	add(c);
	STEP(&k, false, 2, 0);
	assert_int_equal(stats(&k)->events, 2);
	drop(&k);
}

static void forward(const char *to)
{
	struct nf_conntrack *c = mk(IPPROTO_UDP, "198.51.100.1", "192.0.2.7", 2002, 53);

	nfct_set_attr_u32(c, ATTR_DNAT_IPV4, inet_addr(to));
	add(c);
}

/* The same tuple leads to another domain now. */
static void forwarded_elsewhere(void **state)
{
	struct nf_conntrack *c;
	struct kept k;

	(void)state;
	NETNS();
	nft(RULES_CT RULES_NAT);
	events(1);
	forward(VM);
	keep(&k, 0);
	assert_int_equal(nse_context_count(k.ctx), 1);
	c = mk(IPPROTO_UDP, "198.51.100.1", "192.0.2.7", 2002, 53);
	assert_int_equal(try_query(NFCT_Q_DESTROY, c), 0);
	nfct_destroy(c);
	forward(OTHER);
	STEP(&k, false, 0, 1);
	drop(&k);
}

/* Finding out who tells changes nothing, and is no news. */
static void who_tells(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *before = NULL;
	struct kept k;

	(void)state;
	NETNS();
	nft(RULES_CT);
	events(0);
	add_some(VM, 1000, 200);
	events(1);
	add_some(VM, 2000, 300);
	events(2);
	before = collect_all();
	keep(&k, 0);
	assert_true(nse_context_digest(before, false) ==
		    nse_context_digest(k.ctx, false));
	STEP(&k, false, 0, 0);
	assert_int_equal(stats(&k)->silent, 200);
	assert_int_equal(stats(&k)->events, 0);
	/* Who comes while somebody listens tells. */
	add_some(VM, 3000, 10);
	STEP(&k, false, 10, 0);
	assert_int_equal(stats(&k)->silent, 200);
	/* What comes back under the same tuple as well. */
	del(VM, 1000);
	add_some(VM, 1000, 1);
	mark(VM, 1000, 2);
	STEP(&k, false, 1, 0);
	assert_int_equal(stats(&k)->silent, 199);
	drop(&k);
}

static void talk(int from, int to)
{
	char c = 'x';

	assert_int_equal(write(from, &c, 1), 1);
	assert_int_equal(read(to, &c, 1), 1);
}

static uint8_t state_of(const struct kept *k, uint16_t port)
{
	struct ct_entry e;

	assert_int_not_equal(find_port(k->ctx, port, &e), NSE_CONTEXT_NONE);
	return e.tcp.state;
}

/* A connection's life, as packets tell it. */
static void real_traffic(void **state)
{
	struct sockaddr_in a = { .sin_family = AF_INET }, own;
	socklen_t n = sizeof(a);
	struct kept k;
	int l, c, s;

	(void)state;
	NETNS();
	nft(RULES_CT);
	events(2);
	memset(&k, 0, sizeof(k));
	nse_scope_init(&k.scope);
	scope_add(&k.scope, "127.0.0.1");
	keep_what(&k, "conntrack", 0);
	l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	c = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(l, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(l, 1), 0);
	assert_int_equal(getsockname(l, (struct sockaddr *)&a, &n), 0);
	assert_int_equal(connect(c, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(c, (struct sockaddr *)&own, &n), 0);
	s = accept(l, NULL, NULL);
	assert_true(s >= 0);
	talk(c, s);
	talk(s, c);
	STEP(&k, false, 1, 0);
	assert_int_equal(state_of(&k, ntohs(own.sin_port)), 3);
	close(c);
	assert_int_equal(read(s, &n, 1), 0);
	STEP(&k, false, 1, 0);
	assert_in_range(state_of(&k, ntohs(own.sin_port)), 4, 5);
	close(s);
	STEP(&k, true, 1, 0);
	assert_int_equal(state_of(&k, ntohs(own.sin_port)), 7);
	assert_int_equal(stats(&k)->silent, 0);
	close(l);
	drop(&k);
}

static int changes_of(void *f, const struct nse_context *ctx, size_t *n)
{
	struct nse_follow_stats st = { 0 };
	struct nse_delta d;
	int rc;

	assert_int_equal(nse_delta_init(&d), 0);
	rc = ct_follow_ops.changes(f, ctx, false, 0, &d, &st, NULL);
	*n = nse_context_count(d.puts) + nse_context_count(d.dels);
	nse_delta_release(&d);
	return rc;
}

static void a_tiny_buffer(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *ctx = NULL, *now = NULL;
	struct nse_scope scope = scope_all();
	void *f = NULL;
	size_t n;

	(void)state;
	NETNS();
	nft(RULES_CT);
	events(1);
	add_some(VM, 1000, 5);
	assert_int_equal(ct_follow_open(&scope, 8192, &f, NULL), 0);
	ctx = collect_all();
	assert_int_equal(ct_follow_ops.begin(f, ctx, NULL), 0);
	assert_int_equal(changes_of(f, ctx, &n), 0);
	assert_int_equal(n, 0);
	flood(VM, 1000, 200);
	mark(VM, 1001, 3);
	assert_int_equal(changes_of(f, ctx, &n), -ENOBUFS);
	now = collect_all();
	assert_int_equal(ct_follow_ops.begin(f, now, NULL), 0);
	mark(VM, 1002, 3);
	assert_int_equal(changes_of(f, now, &n), 0);
	assert_int_equal(n, 1);
	ct_follow_ops.close(f);
}

/* What ends before it could be found out whether it tells is not forgotten. */
static void gone_in_between(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *ctx = NULL;
	struct nse_scope scope = scope_all();
	void *f = NULL;
	size_t n;

	(void)state;
	NETNS();
	nft(RULES_CT);
	events(0);
	add_some(VM, 1000, 200);
	events(2);
	assert_int_equal(ct_follow_open(&scope, 1 << 20, &f, NULL), 0);
	ctx = collect_all();
	del(VM, 1000);
	del(VM, 1199);
	assert_int_equal(ct_follow_ops.begin(f, ctx, NULL), 0);
	assert_int_equal(changes_of(f, ctx, &n), 0);
	assert_int_equal(n, 2);
	ct_follow_ops.close(f);
}

/* An entry is never taken for unchanged because the answer did not come. */
static void lost_answers(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *ctx = NULL;
	struct nse_scope scope = scope_all();
	struct ct_follow *f = NULL;
	int few = 1, many = 1 << 20;
	size_t n;

	(void)state;
	NETNS();
	nft(RULES_CT);
	events(1);
	assert_int_equal(ct_follow_open(&scope, 1 << 20, (void **)&f, NULL), 0);
	ctx = collect_all();
	assert_int_equal(ct_follow_ops.begin(f, ctx, NULL), 0);
	add_some(VM, 1000, 100);
	assert_int_equal(setsockopt(nse_nl_fd(f->batch.nl), SOL_SOCKET, SO_RCVBUF, &few,
				    sizeof(few)),
			 0);
	assert_int_equal(changes_of(f, ctx, &n), -ENOBUFS);
	assert_int_equal(setsockopt(nse_nl_fd(f->batch.nl), SOL_SOCKET, SO_RCVBUFFORCE,
				    &many, sizeof(many)),
			 0);
	assert_int_equal(changes_of(f, ctx, &n), 0);
	assert_int_equal(n, 100);
	ct_follow_ops.close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_told),	 cmocka_unit_test(what_has_come_of_it),
		cmocka_unit_test(other_domains), cmocka_unit_test(forwarded_elsewhere),
		cmocka_unit_test(who_tells),	 cmocka_unit_test(real_traffic),
		cmocka_unit_test(a_tiny_buffer), cmocka_unit_test(gone_in_between),
		cmocka_unit_test(lost_answers),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
