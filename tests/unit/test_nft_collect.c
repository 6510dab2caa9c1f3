/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Collecting from the real kernel: not what others hold by their sockets, of a
 * domain no more than its own and what that stands on, and all of one
 * generation from a ruleset that keeps changing.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/nft_read.h"

#include "lib/context/context.h"
#include "lib/engine/nft/guard.h"

static const char sample[] =
	"table inet t {\n"
	"	set plain { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2 }; }\n"
	"	chain base { type filter hook input priority 0; policy accept;\n"
	"		tcp dport { 22, 80, 443 } counter accept;\n"
	"		ip saddr @plain drop;\n"
	"	}\n"
	"}\n";

static void test_held(void **state)
{
	struct nse_addr addr;
	struct nse_guard *guard = NULL;
	struct nse_scope scope;
	struct nse_sink sink;
	struct nse_context *ctx;
	struct nse_error err;
	size_t before;

	(void)state;
	load_ruleset(sample);
	ctx = collect_all();
	before = nse_context_count(ctx);
	nse_context_free(ctx);
	assert_int_equal(nse_addr_parse("10.0.0.1", &addr, &err), 0);
	if (nse_guard_up(&guard, "t", &addr, 1, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(shell("nft list ruleset | grep -q nsemig-guard-t"), 0);
	ctx = collect_all();
	assert_int_equal(nse_context_count(ctx), before);
	nse_context_free(ctx);
	assert_int_equal(nse_guard_down(guard, &err), 0);
	/* Nobody asked for anything. */
	ctx = nse_context_new();
	sink = nse_context_sink(ctx);
	nse_scope_init(&scope);
	assert_int_equal(nft_collect(&scope, &sink, &err), 0);
	assert_int_equal(nse_context_count(ctx), 0);
	nse_scope_release(&scope);
	nse_context_free(ctx);
}

/* Of a domain its own, and what that stands on. */
static void test_domain(void **state)
{
	static const char shared[] =
		"table inet t {\n"
		"	set hosts { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2 }; }\n"
		"	chain mine { counter packets 5 bytes 50 accept; }\n"
		"	chain base { type filter hook forward priority 0; policy accept;\n"
		"		tcp dport { 22, 80 } counter accept;\n"
		"		iifname \"vif5.0\" tcp dport { 1, 2 } counter packets 1 bytes 9 "
		"jump mine;\n"
		"		iifname \"vif6.0\" drop;\n"
		"		ip saddr @hosts drop;\n"
		"	}\n"
		"}\n";
	struct nse_context *ctx = nse_context_new();
	struct nse_sink sink = nse_context_sink(ctx);
	struct nse_vif vif = { .name = "vif5.0" };
	struct nse_scope scope;
	struct nse_record rec;
	struct nse_error err;
	struct nft_key key;

	(void)state;
	load_ruleset(shared);
	nse_scope_init(&scope);
	assert_int_equal(nse_domain_add_vif(&scope.domain, &vif), 0);
	if (nft_collect(&scope, &sink, &err) < 0)
		fail_msg("%s", err.text);
	for (uint32_t s = 0; s < nse_context_slots(ctx); s++) {
		assert_true(nse_context_at(ctx, s, &rec));
		assert_int_equal(nft_check(&rec, &err), 0);
		assert_int_equal(nft_key_decode(&rec, &key, &err), 0);
		assert_true(!key.need || rec.state.n == 0);
		if (key.type == NFT_TABLE)
			assert_true(key.need);
		if (key.type == NFT_CHAIN)
			assert_int_equal(key.need, key.name.p[0] == 'b');
	}
	rec = (struct nse_record){ .kind = &nft_kinds[NFT_RULE] };
	rec.key = (struct nse_bytes){ (const uint8_t *)"\1t\0base\0\0\0\0\0", 12 };
	assert_int_not_equal(nse_context_find(ctx, rec.kind, rec.key), NSE_CONTEXT_NONE);
	nse_context_at(ctx, nse_context_find(ctx, rec.kind, rec.key), &rec);
	assert_int_equal(nft_rule_place(rec.body), 1);
	assert_int_equal(rec.state.n, 17);
	nse_context_at(ctx, slot_of(ctx, "set inet t @base:0:0"), &rec);
	assert_string_equal(rec.kind->type, "set");
	nse_context_at(ctx, slot_of(ctx, "rule 0 of chain inet t mine"), &rec);
	assert_int_equal(nft_rule_place(rec.body), NFT_PLACE_NONE);
	/* Rules of others are no part of it, nor of what it stands on. */
	for (uint32_t i = 0; i < 4; i++) {
		const uint8_t bytes[] = { 1,   't', 0, 'b', 'a', 's',
					  'e', 0,   0, 0,   0,	 (uint8_t)i };
		uint32_t slot =
			nse_context_find(ctx, &nft_need_kinds[NFT_RULE],
					 (struct nse_bytes){ bytes, sizeof(bytes) });

		assert_int_equal(slot != NSE_CONTEXT_NONE, i < 2);
	}
	nse_scope_release(&scope);
	nse_context_free(ctx);
}

static pid_t changer(const char *commands)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		if (shell("%s", commands) != 0)
			_exit(1);
}

/*
 * Two sets always have as many elements: they are read one after the other,
 * and what was read of the first is void when the second is seen to be newer.
 */
static void test_changing(void **state)
{
	struct nse_record rec;
	struct nft_key key;
	unsigned int count[2];
	pid_t pid;

	(void)state;
	load_ruleset("table ip t { set a { type ipv4_addr; }; "
		     "set b { type ipv4_addr; }; }");
	pid = changer("nft 'add element ip t a { 10.0.0.1, 10.0.0.2 }; "
		      "add element ip t b { 10.0.0.1, 10.0.0.2 }' && "
		      "nft 'flush set ip t b; flush set ip t a'");
	assert_true(pid > 0);
	for (int i = 0; i < 300; i++) {
		struct nse_context *ctx = collect_all();

		memset(count, 0, sizeof(count));
		for (uint32_t s = 0; s < nse_context_slots(ctx); s++) {
			if (!nse_context_at(ctx, s, &rec))
				continue;
			assert_int_equal(nft_key_decode(&rec, &key, NULL), 0);
			if (key.type == NFT_ELEMENT)
				count[key.name.p[0] == 'b']++;
		}
		assert_int_equal(count[0], count[1]);
		nse_context_free(ctx);
	}
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_domain),
		cmocka_unit_test(test_changing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!may_unshare())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
