/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The preflight: what would be refused, what devices are missing, and what the
 * kernel itself says in the trial, without a change to the host.
 */
#include "tests/unit/nft_jobs.h"

static struct nse_problems preflight(const struct nse_context *ctx)
{
	struct nse_problems p = NSE_PROBLEMS_INIT;
	NSE_FREE char *before = listing("-as");
	struct nse_error err = { 0 };

	if (nft_preflight(ctx, NULL, &p, &err) < 0)
		fail_msg("%s", err.text);
	assert_listing("-as", before);
	return p;
}

static void expect(const struct nse_context *ctx, enum nse_severity severity,
		   const char *name, const char *why)
{
	struct nse_problems p = preflight(ctx);
	bool found = false;

	for (size_t i = 0; i < p.n; i++)
		found |= p.items[i].severity == severity &&
			 strstr(p.items[i].text, name) && strstr(p.items[i].text, why);
	if (!found)
		fail_msg("no problem with '%s' and '%s' among %zu; the first: %s", name,
			 why, p.n, p.n ? p.items[0].text : "");
	nse_problems_release(&p);
}

static void test_nothing_against_it(void **state)
{
	struct nse_context *ctx = context_of("table inet t { set s { type ipv4_addr; "
					     "elements = { 10.0.0.1 }; };\n"
					     "chain c { ip saddr @s drop; }; }");
	struct nse_problems p;

	(void)state;
	new_host();
	p = preflight(NULL);
	assert_int_equal(p.n, 0);
	p = preflight(ctx);
	assert_int_equal(p.n, 0);
	/* And when it is here already. */
	add_rules("table inet t { set s { type ipv4_addr; elements = { 10.0.0.1 }; };\n"
		  "chain c { ip saddr @s drop; }; }");
	p = preflight(ctx);
	assert_int_equal(p.n, 0);
	nse_context_free(ctx);
}

static void test_clashes(void **state)
{
	struct nse_context *ctx;

	(void)state;
	load_ruleset("table inet t { chain c { type filter hook forward priority 0;\n"
		     "ct state invalid drop; iifname \"vif5.0\" accept; }; }");
	ctx = domain_of("vif5.0", "10.0.0.5", NULL);
	new_host();
	expect(ctx, NSE_FAIL, "chain inet t c", "does not have it");
	add_rules("table inet t { chain c { type filter hook forward priority 0;\n"
		  "udp dport 7 drop; }; }");
	expect(ctx, NSE_FAIL, "chain inet t c", "- ct state invalid drop\n+ udp dport 7");
	nse_context_free(ctx);
}

static void test_devices(void **state)
{
	struct nse_context *ctx;
	struct nse_problems p;

	(void)state;
	new_host();
	assert_int_equal(shell("ip link add eth7 type bridge && "
			       "ip link add vif5.0 type bridge"),
			 0);
	add_rules("table netdev n { chain c { type filter hook ingress devices = "
		  "{ eth7, vif5.0 } priority 0; }; }");
	ctx = collect_all();
	p = preflight(ctx);
	assert_int_equal(p.n, 0);
	new_host();
	expect(ctx, NSE_LOSS, "chain netdev n c", "eth7");
	/* The domain's own interface comes with it. */
	p = preflight(ctx);
	assert_int_equal(p.n, 1);
	nse_problems_release(&p);
	nse_context_free(ctx);
}

/* By its number: the domain's own interface is there when the rules arrive. */
static void test_numbers(void **state)
{
	struct nse_context *ctx;
	struct nse_problems p;

	(void)state;
	new_host();
	assert_int_equal(shell("ip link add vif5.0 type bridge && "
			       "ip link add eth7 type bridge"),
			 0);
	add_rules("table inet t { chain c { iif vif5.0 drop; }; }");
	ctx = collect_all();
	new_host();
	p = preflight(ctx);
	for (size_t i = 0; i < p.n; i++)
		fail_msg("%s", p.items[i].text);
	nse_context_free(ctx);
	new_host();
	assert_int_equal(shell("ip link add eth7 type bridge"), 0);
	add_rules("table inet t { chain c { iif eth7 drop; }; }");
	ctx = collect_all();
	new_host();
	expect(ctx, NSE_FAIL, "rule 0 of chain inet t c", "eth7");
	nse_context_free(ctx);
}

static void test_trial(void **state)
{
	struct nse_context *ctx = context_of("table inet t { chain c { counter; }; }");

	(void)state;
	forge(ctx, "rule 0 of chain inet t c", "counter", "countes");
	new_host();
	expect(ctx, NSE_FAIL, "rule 0 of chain inet t c", "this kernel refuses");
	nse_context_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_against_it),
		cmocka_unit_test(test_clashes),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_trial),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!may_unshare())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
