/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The trial of rules: it finds what the kernel refuses and names it, takes what
 * is good, and leaves this namespace as it was.
 */
#include <sys/prctl.h>
#include <sys/wait.h>

#include "lib/engine/nft/trial.h"
#include "tests/unit/nft_read.h"

static const char ruleset[] =
	"table inet t {\n"
	" counter hits {\n }\n"
	" set peers { type ipv4_addr; flags timeout;\n"
	"  elements = { 10.0.0.1 timeout 1h }\n }\n"
	" map dispatch { type ifname : verdict;\n"
	"  elements = { vif5.0 : jump web }\n }\n"
	" chain web {\n"
	"  ip saddr @peers counter name hits accept\n"
	"  tcp dport { 22, 80 } counter accept\n }\n"
	" chain forward { type filter hook forward priority 0; policy accept;\n"
	"  iifname vmap @dispatch\n"
	"  meta l4proto tcp jump {\n   counter drop\n  }\n }\n"
	"}\n"
	"table netdev n {\n"
	" chain c {\n  type filter hook ingress device lo priority 0;\n }\n"
	"}\n";

static struct nse_problems try_it(const struct nse_context *ctx)
{
	struct nse_problems p = NSE_PROBLEMS_INIT;
	struct nse_error err = { 0 };

	if (nft_trial(ctx, &p, &err) < 0)
		fail_msg("%s", err.text);
	return p;
}

/* Exactly one problem, which says all of the words. */
static void expect_one(const struct nse_context *ctx, const char *name, const char *why)
{
	struct nse_problems p = try_it(ctx);

	assert_int_equal(p.n, 1);
	assert_int_equal(p.items[0].severity, NSE_FAIL);
	assert_string_equal(p.items[0].area, "nft");
	if (!strstr(p.items[0].text, name) || !strstr(p.items[0].text, why))
		fail_msg("'%s' does not name '%s' and '%s'", p.items[0].text, name, why);
	nse_problems_release(&p);
}

static void test_good(void **state)
{
	struct nse_context *ctx = context_of(ruleset), *here;
	struct nse_problems p;

	(void)state;
	/* In a namespace without anything, which stays so. */
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	p = try_it(ctx);
	if (p.n)
		fail_msg("%s", p.items[0].text);
	nse_problems_release(&p);
	here = collect_all();
	assert_int_equal(nse_context_count(here), 0);
	nse_context_free(here);
	nse_context_free(ctx);
}

static void test_nothing(void **state)
{
	struct nse_context *ctx = nse_context_new();
	struct nse_problems p = try_it(ctx);

	(void)state;
	assert_int_equal(p.n, 0);
	nse_context_free(ctx);
}

static void test_unknown_expression(void **state)
{
	struct nse_context *ctx = context_of(ruleset);

	(void)state;
	forge(ctx, "rule 1 of chain inet t web", "counter", "cuonter");
	expect_one(ctx, "rule 1 of chain inet t web", "cuonter");
	nse_context_free(ctx);
}

static void test_bad_reference(void **state)
{
	struct nse_context *ctx = context_of(ruleset);
	struct nse_record rec;

	(void)state;
	assert_true(nse_context_at(ctx, slot_of(ctx, "counter inet t hits"), &rec));
	assert_int_equal(nse_context_del(ctx, rec.kind, rec.key), 0);
	expect_one(ctx, "rule 0 of chain inet t web", "No such file or directory");
	nse_context_free(ctx);
}

/* A helper that no kernel has. */
static void test_missing_helper(void **state)
{
	struct nse_context *ctx = context_of(
		"table ip t { ct helper h { type \"ftp\" protocol tcp; l3proto ip;\n}\n}\n");

	(void)state;
	forge(ctx, "ct helper ip t h", "ftp", "ptf");
	expect_one(ctx, "ct helper ip t h", "");
	nse_context_free(ctx);
}

static void test_devices(void **state)
{
	struct nse_context *ctx;
	struct nse_problems p;

	(void)state;
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	if (shell("ip link add vif5.0 type bridge") != 0)
		skip();
	assert_int_equal(
		shell("nft 'add table netdev n; add chain netdev n c { type filter hook "
		      "ingress device vif5.0 priority 0; }; add table ip t; add chain ip t "
		      "c; add rule ip t c iif vif5.0 accept'"),
		0);
	ctx = collect_all();
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	p = try_it(ctx);
	if (p.n)
		fail_msg("%s", p.items[0].text);
	nse_problems_release(&p);
	nse_context_free(ctx);
}

/* Needed rules are not tried: what they refer to need not be there. */
static void test_skeleton(void **state)
{
	struct nse_context *ctx = context_of(ruleset);
	struct nse_problems p;
	struct nse_record rec;
	uint32_t slot;

	(void)state;
	make_need(ctx, "rule 0 of chain inet t forward");
	for (slot = 0; slot < nse_context_slots(ctx); slot++) {
		struct nft_key key;

		if (nse_context_at(ctx, slot, &rec) &&
		    nft_key_decode(&rec, &key, NULL) == 0 &&
		    nse_bytes_equal(key.name,
				    (struct nse_bytes){ (const uint8_t *)"dispatch", 8 }))
			assert_int_equal(nse_context_del(ctx, rec.kind, rec.key), 0);
	}
	p = try_it(ctx);
	if (p.n)
		fail_msg("%s", p.items[0].text);
	nse_problems_release(&p);
	nse_context_free(ctx);
}

/* As a user without privileges there is a namespace of users as well, or a note. */
static void test_user(void **state)
{
	struct nse_context *ctx = context_of(ruleset);
	int status;
	pid_t pid;

	(void)state;
	forge(ctx, "rule 1 of chain inet t web", "counter", "cuonter");
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct nse_problems p = NSE_PROBLEMS_INIT;
		bool good;

		if (setresgid(65534, 65534, 65534) < 0 ||
		    setresuid(65534, 65534, 65534) < 0)
			_exit(2);
		prctl(PR_SET_DUMPABLE, 1); /* as a process that a user has started */
		good = nft_trial(ctx, &p, NULL) == 0 && p.n == 1 &&
		       (p.items[0].severity == NSE_NOTE ||
			strstr(p.items[0].text, "rule 1 of chain inet t web"));
		if (!good)
			fprintf(stderr, "# %s\n", p.n ? p.items[0].text : "no problem");
		_exit(!good);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	nse_context_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_unknown_expression),
		cmocka_unit_test(test_bad_reference),
		cmocka_unit_test(test_missing_helper),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_skeleton),
		cmocka_unit_test(test_user),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!may_unshare())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
