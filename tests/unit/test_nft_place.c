/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A domain's rules in a chain that others use as well: they get the same
 * place, stay in their order, are not doubled, and are refused where the rest
 * of the chain is not the same. Two hosts are two namespaces; the domain's
 * share comes out of the first one's closure.
 */
#include "tests/unit/nft_jobs.h"

#define CHAIN(rules)                                                                     \
	" chain forward { type filter hook forward priority 0; policy drop;\n" rules     \
	" }\n}\n"

/* Three rules of the skeleton: 0, 1 and 2. */
#define S0 "  ct state established accept\n"
#define S1 "  ip saddr @bad drop\n"
#define S2 "  counter log prefix \"lost \"\n"
#define A0 "  iifname \"vif5.0\" ip saddr != 10.0.0.5 drop\n"
#define A1 "  iifname \"vif5.0\" tcp dport { 22, 80 } counter packets 4 bytes 40 accept\n"
#define A2 "  oifname \"vif5.0\" accept\n"
#define B0 "  iifname \"vif6.0\" drop\n"
#define C0 "  ip saddr 10.0.0.9 drop\n"

#define HEAD "table inet t {\n set bad { type ipv4_addr; elements = { 192.0.2.1 }\n }\n"

static const char source[] = HEAD CHAIN(S0 B0 A0 S1 A1 A2 C0 S2);

static struct nse_context *our_share(void)
{
	load_ruleset(source);
	return domain_of("vif5.0", "10.0.0.5", "10.0.0.9");
}

static struct nse_job placed(const struct nse_context *ctx, unsigned int flags)
{
	static struct nse_domain others;
	struct nse_job job = job_of(ctx, flags);
	struct nse_error err = { 0 };
	struct nse_addr addr;

	nse_domain_init(&others);
	assert_int_equal(nse_addr_parse("10.0.0.9", &addr, &err), 0);
	assert_int_equal(nse_domain_add_addr(&others, &addr), 0);
	job.others = &others;
	install(&job);
	if (!job.refused && nft_verify(&job, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(job.verified, job.created);
	job.others = NULL;
	nse_domain_release(&others);
	return job;
}

static char *listing_of(const char *text)
{
	load_ruleset(text);
	return listing("-s");
}

static void goes_into(const char *target, const char *result, unsigned int flags,
		      uint64_t created)
{
	NSE_FREE char *wanted = listing_of(result), *before = NULL;
	struct nse_context *ctx = our_share();
	struct nse_job job;

	new_host();
	add_rules(target);
	before = listing("-as");
	job = placed(ctx, flags);
	if (job.refused)
		fail_msg("%s", job.refusals[0].why);
	assert_listing("-s", wanted);
	/* The three rules, the set of one of them, and its two elements. */
	assert_int_equal(job.created, created);
	assert_int_equal(job.created + job.kept, 6);
	undo(&job);
	assert_listing("-as", before);
	nse_job_release(&job);
	nse_context_free(ctx);
}

static void test_place(void **state)
{
	(void)state;
	goes_into(HEAD CHAIN(S0 S1 S2), HEAD CHAIN(S0 A0 S1 A1 A2 S2), 0, 6);
	/* Between rules of other domains, that we know or can tell. */
	goes_into(HEAD CHAIN(B0 S0 S1 C0 B0 S2 B0),
		  HEAD CHAIN(B0 S0 A0 S1 A1 A2 C0 B0 S2 B0), 0, 6);
}

static void test_ends(void **state)
{
	struct nse_context *ctx;
	struct nse_job job;
	NSE_FREE char *wanted = listing_of(HEAD CHAIN(A0 S0 A2));

	(void)state;
	load_ruleset(HEAD CHAIN(A0 S0 A2));
	ctx = domain_of("vif5.0", "10.0.0.5", NULL);
	new_host();
	add_rules(HEAD CHAIN(S0));
	job = placed(ctx, 0);
	assert_listing("-s", wanted);
	nse_job_release(&job);
	nse_context_free(ctx);
	/* Into a chain without a rule, by itself. */
	load_ruleset(HEAD CHAIN(A0 A2));
	ctx = domain_of("vif5.0", "10.0.0.5", NULL);
	new_host();
	add_rules(HEAD CHAIN(""));
	job = placed(ctx, 0);
	assert_int_equal(job.created, 2);
	assert_true(lists("drop\n\t\toifname \"vif5.0\" accept"));
	nse_job_release(&job);
	nse_context_free(ctx);
}

static void test_not_doubled(void **state)
{
	(void)state;
	goes_into(HEAD CHAIN(S0 A0 S1 A1 A2 S2), HEAD CHAIN(S0 A0 S1 A1 A2 S2), 0, 0);
	goes_into(HEAD CHAIN(S0 S1 A1 S2), HEAD CHAIN(S0 A0 S1 A1 A2 S2), 0, 2);
	goes_into(HEAD CHAIN(S0 S1 C0 A2 S2), HEAD CHAIN(S0 A0 S1 A1 C0 A2 S2), 0, 5);
}

static void test_first_and_last(void **state)
{
	(void)state;
	goes_into(HEAD CHAIN(S0 S1 S2), HEAD CHAIN(A0 A1 A2 S0 S1 S2),
		  NSE_JOB_ANCHOR_FIRST, 6);
	goes_into(HEAD CHAIN(S0 S1 S2), HEAD CHAIN(S0 S1 S2 A0 A1 A2),
		  NSE_JOB_ANCHOR_LAST, 6);
	/* Whatever the skeleton is. */
	goes_into(HEAD CHAIN(S1 S2 S2), HEAD CHAIN(S1 S2 S2 A0 A1 A2),
		  NSE_JOB_ANCHOR_LAST, 6);
	goes_into(HEAD CHAIN(A2 S2), HEAD CHAIN(A0 A1 A2 S2), NSE_JOB_ANCHOR_FIRST, 5);
	goes_into(HEAD CHAIN(""), HEAD CHAIN(A0 A1 A2), NSE_JOB_ANCHOR_FIRST, 6);
}

static void not_into(const char *target, const char *name, const char *why)
{
	struct nse_context *ctx = our_share();

	new_host();
	add_rules(target);
	expect_refusal(ctx, name, why);
	nse_context_free(ctx);
}

static void test_refused(void **state)
{
	(void)state;
	not_into(HEAD CHAIN(S0 S2), "chain inet t forward", "- ip saddr @bad drop");
	not_into(HEAD CHAIN(S0 S1 S2 "  tcp dport { 1, 2 } drop\n"),
		 "chain inet t forward", "+ tcp dport { 1, 2 } drop");
	not_into(HEAD CHAIN(S0 S2 S1), "chain inet t forward", "ip saddr @bad drop");
	/* What stands somewhere else would be doubled. */
	not_into(HEAD CHAIN(S0 S1 A0 S2), "rule 0 of chain inet t forward",
		 "another place");
	/* Somebody else's address, when nobody says so, is the skeleton's. */
	not_into(HEAD CHAIN(S0 S1 C0 S2), "chain inet t forward", "+ ip saddr 10.0.0.9");
}

static void test_needs(void **state)
{
	struct nse_context *ctx;

	(void)state;
	not_into("", "chain inet t forward", "does not have it");
	not_into("table inet t { chain forward { type filter hook forward priority 5; }; "
		 "}",
		 "chain inet t forward", "they differ in hook");
	/* A set that our rule looks into, and the skeleton as well. */
	load_ruleset(HEAD CHAIN(S1 "  iifname \"vif5.0\" ip daddr @bad drop\n"));
	ctx = domain_of("vif5.0", "10.0.0.5", NULL);
	new_host();
	add_rules("table inet t {\n" CHAIN(""));
	expect_refusal(ctx, "set inet t bad", "does not have it");
	new_host();
	add_rules("table inet t {\n set bad { type ipv4_addr; timeout 1h; }\n" CHAIN(S1));
	expect_refusal(ctx, "set inet t bad", "they differ in flags, timeout");
	nse_context_free(ctx);
}

/* Of the set of others only our element moves, and its chain. */
static void test_shared_map(void **state)
{
	static const char both[] =
		"table inet t {\n"
		" map from { type ifname : verdict;\n"
		"  elements = { vif5.0 : jump web, vif6.0 : jump db }\n }\n"
		" chain web { counter packets 1 bytes 2 accept\n }\n"
		" chain db { drop\n }\n"
		" chain forward { type filter hook forward priority 0;\n"
		"  iifname vmap @from\n }\n}\n";
	static const char other[] =
		"table inet t {\n"
		" map from { type ifname : verdict; elements = { vif6.0 : jump db }\n }\n"
		" chain db { drop\n }\n"
		" chain forward { type filter hook forward priority 0;\n"
		"  iifname vmap @from\n }\n}\n";
	NSE_FREE char *before = NULL;
	struct nse_context *ctx;
	struct nse_job job, gone;

	(void)state;
	load_ruleset(both);
	ctx = domain_of("vif5.0", "10.0.0.5", NULL);
	new_host();
	add_rules(other);
	before = listing("-as");
	job = placed(ctx, 0);
	assert_int_equal(job.refused, 0);
	assert_int_equal(job.created, 3);
	assert_true(lists("\"vif5.0\" : jump web"));
	undo(&job);
	assert_listing("-as", before);
	nse_job_release(&job);
	/* And from where it came it goes. */
	add_rules("flush ruleset\n");
	add_rules(both);
	gone = removed(ctx);
	assert_int_equal(gone.removed, 3);
	assert_int_equal(gone.kept, 0);
	assert_false(lists("web"));
	assert_true(lists("jump db"));
	nse_job_release(&gone);
	nse_context_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_place),	    cmocka_unit_test(test_ends),
		cmocka_unit_test(test_not_doubled), cmocka_unit_test(test_first_and_last),
		cmocka_unit_test(test_refused),	    cmocka_unit_test(test_needs),
		cmocka_unit_test(test_shared_map),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!may_unshare())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
