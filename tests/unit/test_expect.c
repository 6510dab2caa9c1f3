/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine of expectations against the kernel: they are made in one namespace
 * and carried to another. One test lets the kernel's own FTP helper expect a
 * connection, and then that connection come.
 */
#include "tests/unit/expect_hosts.h"

/* The namespaces have rules as well. */
#define CONNECTIONS (engine("conntrack") | engine("expect"))

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
	there = collect(CONNECTIONS, addr, -1);
	equal(from, there);
	nse_context_free(there);
	if (nse_engines_undo(NSE_ENGINES_ALL, &job, &err) < 0)
		fail_msg("undo: %s", err.text);
	assert_int_equal(job.created, 0);
	there = collect(CONNECTIONS, NULL, -1);
	assert_int_equal(nse_context_count(there), 0);
	nse_context_free(there);
	nse_job_release(&job);
}

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
	ctx = collect(CONNECTIONS, "10.0.0.1", -1);
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
	ctx = collect(CONNECTIONS, NULL, -1);
	on(hosts.b);
	install(&job, ctx, 0);
	there = collect(CONNECTIONS, NULL, -1);
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
	ctx = collect(CONNECTIONS, "2001:db8::2", -1);
	e = only(ctx);
	assert_int_equal(e.l3, 6);
	assert_int_equal(e.flags, NF_CT_EXPECT_PERMANENT);
	carry(ctx, "2001:db8::2");
	nse_context_free(ctx);
}

static void nat_chain(void)
{
	assert_int_equal(shell("nft 'add table ip n; add chain ip n p { type nat hook "
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
	ctx = collect(CONNECTIONS, "10.0.0.2", -1);
	e = only(ctx);
	assert_string_equal(e.function, "nat-follow-master");
	assert_true(e.nat);
	assert_int_equal(e.nat_dir, 0);
	assert_int_equal(nse_ld16(e.nat_port), 20000);
	assert_memory_equal(e.nat_addr, "\x0a\x00\x00\x02", 4);
	assert_memory_equal(e.reply_src, "\x0a\x00\x00\x02", 4);
	carry(ctx, "10.0.0.2");
	nse_context_free(ctx);
	assert_int_equal(shell("nft flush ruleset"), 0);
	on(hosts.a);
	assert_int_equal(shell("nft flush ruleset"), 0);
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
	ctx = collect(CONNECTIONS, "10.0.0.1", -1);
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
	ctx = collect(CONNECTIONS, "10.0.0.1", -1);
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
		ctx = collect(CONNECTIONS, "10.0.0.1", -1);
		e = only(ctx);
		assert_int_equal(e.zone_orig, zones[i] == ATTR_ORIG_ZONE ? 6 : 0);
		assert_int_equal(e.zone_reply, zones[i] == ATTR_ORIG_ZONE ? 0 : 6);
		assert_int_equal(here("10.0.0.1", 6), 1);
		assert_int_equal(here("10.0.0.1", 5), 0);
		carry(ctx, "10.0.0.1");
		nse_context_free(ctx);
	}
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

/* A control connection on which the server names the port of its data. */
struct control {
	int server, client, peer;
};

static void say(const struct control *c, const char *line)
{
	char text[128];

	assert_int_equal(send(c->peer, line, strlen(line), 0), strlen(line));
	assert_int_equal(recv(c->client, text, sizeof(text), 0), strlen(line));
}

static void open_control(struct control *c)
{
	c->server = listen_on(21);
	c->client = connect_to(21);
	c->peer = accept4(c->server, NULL, NULL, SOCK_CLOEXEC);
	assert_true(c->peer >= 0);
	/* The helper looks at whole lines only, and learns from the first where
	 * they begin. */
	say(c, "220 ready\r\n");
	say(c, "227 Entering Passive Mode (127,0,0,1,117,48).\r\n");
}

static void close_control(struct control *c)
{
	close(c->client);
	close(c->peer);
	close(c->server);
}

/* The data connection was expected, and is not for the helper to look into. */
static void assert_child(const struct nse_context *ctx)
{
	struct nse_record rec;
	int found = 0;

	for (uint32_t s = 0; s < nse_context_slots(ctx); s++) {
		json_t *json, *body;

		assert_true(nse_context_at(ctx, s, &rec));
		json = nse_record_to_json(&rec);
		body = json_object_get(json, "body");
		if (json_integer_value(json_object_get(json_object_get(json, "key"),
						       "dport")) == 30000) {
			found++;
			assert_non_null(json_object_get(body, "master"));
			assert_null(json_object_get(body, "helper"));
		}
		json_decref(json);
	}
	assert_int_equal(found, 1);
}

/* What the kernel's helper saw on the wire, and the connection after it. */
static void test_real_ftp(void **state)
{
	struct nse_context *ctx, *there;
	struct control control;
	struct nse_job job;
	int data;

	(void)state;
	start();
	assert_int_equal(shell("%s", rules), 0);
	open_control(&control);
	ctx = collect(CONNECTIONS, "127.0.0.1", -1);
	assert_int_equal(nse_ld16(only(ctx).tuple.l4 + 2), 30000);
	on(hosts.b);
	assert_int_equal(shell("%s", rules), 0);
	install(&job, ctx, 0);
	all_created(&job);
	there = collect(CONNECTIONS, NULL, -1);
	equal(ctx, there);
	nse_context_free(there);
	nse_job_release(&job);

	data = listen_on(30000);
	close(connect_to(30000));
	close(data);
	assert_int_equal(here(NULL, -1), 0);
	there = collect(engine("conntrack"), NULL, -1);
	assert_child(there);
	nse_context_free(there);
	nse_context_free(ctx);
	assert_int_equal(shell("nft flush ruleset"), 0);
	on(hosts.a);
	close_control(&control);
	assert_int_equal(shell("nft flush ruleset"), 0);
}

static void test_facts(void **state)
{
	json_t *facts, *o;
	struct nse_error err = { 0 };

	(void)state;
	start();
	facts = json_object();
	make(&ftp);
	assert_int_equal(nse_engine_find("expect")->facts(facts, &err), 0);
	o = json_object_get(facts, "expect");
	assert_true(json_is_true(json_object_get(o, "available")));
	assert_int_equal(json_integer_value(json_object_get(o, "count")), 1);
	json_decref(facts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_nat),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_directional_zones),
		cmocka_unit_test(test_real_ftp),
		cmocka_unit_test(test_facts),
	};

	if (!may_unshare())
		return 0;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
