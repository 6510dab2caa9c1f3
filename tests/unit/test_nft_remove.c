/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Taking rules away from the real kernel: exactly the records, also when others
 * have put something between or begun to use it.
 */
#include "tests/unit/nft_jobs.h"

static const char sample[] =
	"table inet t {\n"
	" set s { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2 }\n }\n"
	" map v { type ipv4_addr : verdict; elements = { 10.0.0.1 : jump web }\n }\n"
	" counter hits {\n }\n"
	" chain web { ip saddr @s counter accept\n"
	"  tcp dport { 22, 80 } drop\n"
	"  meter m size 10 { ip saddr limit rate 1/second } counter name hits\n }\n"
	" chain in { type filter hook input priority 0;\n"
	"  ip saddr vmap @v\n  meta l4proto tcp jump { counter drop; }\n }\n"
	"}\n";

/* The reason why a record stays; NULL when it does not. */
static const char *why_kept(const struct nse_job *job, const struct nse_context *ctx,
			    const char *name)
{
	uint32_t slot = slot_of(ctx, name);

	assert_int_not_equal(slot, NSE_CONTEXT_NONE);
	if (job->outcome[slot] != NSE_KEPT)
		return NULL;
	for (size_t i = 0; i < job->nrefusals; i++)
		if (job->refusals[i].slot == slot)
			return job->refusals[i].why;
	return "";
}

static void test_all(void **state)
{
	struct nse_context *ctx = context_of(sample);
	struct nse_job job;

	(void)state;
	add_rules("table ip other { chain c { accept; }; }");
	job = removed(ctx);
	assert_int_equal(job.removed, nse_context_count(ctx));
	assert_listing("-s", "table ip other {\n\tchain c {\n\t\taccept\n\t}\n}\n");
	nse_job_release(&job);
	job = removed(ctx);
	assert_int_equal(job.absent, nse_context_count(ctx));
	assert_int_equal(job.kept, 0);
	nse_job_release(&job);
	nse_context_free(ctx);
}

static void test_dry_run(void **state)
{
	struct nse_context *ctx = context_of(sample);
	NSE_FREE char *before = listing("-as");
	struct nse_job job = job_of(ctx, NSE_JOB_DRY_RUN);

	(void)state;
	assert_int_equal(nft_remove(&job, NULL), 0);
	assert_int_equal(job.removed, nse_context_count(ctx));
	assert_listing("-as", before);
	nse_job_release(&job);
	nse_context_free(ctx);
}

/* Somebody else's chain is in our table: only the table stays. */
static void test_table_of_others(void **state)
{
	struct nse_context *ctx = context_of(sample);
	struct nse_job job;

	(void)state;
	add_rules("table inet t { chain late { drop; }; }");
	job = removed(ctx);
	assert_non_null(strstr(why_kept(&job, ctx, "table inet t"), "1 of the "));
	assert_int_equal(job.kept, 1);
	assert_int_equal(job.removed + 1, nse_context_count(ctx));
	assert_listing("-s", "table inet t {\n\tchain late {\n\t\tdrop\n\t}\n}\n");
	nse_job_release(&job);
	nse_context_free(ctx);
}

/* Rules of others ahead of ours, and between them. */
static void test_rules_of_others(void **state)
{
	struct nse_context *ctx = context_of(sample);
	struct nse_job job;

	(void)state;
	add_rules("insert rule inet t web udp dport 1 accept\n"
		  "insert rule inet t web index 1 udp dport 2 accept\n");
	job = removed(ctx);
	assert_non_null(
		strstr(why_kept(&job, ctx, "chain inet t web"), "2 of the 5 objects"));
	assert_non_null(why_kept(&job, ctx, "table inet t"));
	assert_int_equal(job.kept, 2);
	assert_listing("-s", "table inet t {\n\tchain web {\n\t\tudp dport 1 accept\n"
			     "\t\tudp dport 2 accept\n\t}\n}\n");
	nse_job_release(&job);
	nse_context_free(ctx);
}

/* Somebody else has begun to use what is ours. */
static void test_in_use(void **state)
{
	struct nse_context *ctx = context_of(sample);
	struct nse_job job;

	(void)state;
	add_rules("table inet t { chain late { ip daddr @s jump web; "
		  "counter name hits; }; }");
	job = removed(ctx);
	assert_non_null(strstr(why_kept(&job, ctx, "set inet t s"), "uses it"));
	assert_non_null(strstr(why_kept(&job, ctx, "chain inet t web"), "uses it"));
	assert_non_null(strstr(why_kept(&job, ctx, "counter inet t hits"), "uses it"));
	assert_non_null(why_kept(&job, ctx, "table inet t"));
	assert_int_equal(job.kept, 4);
	assert_null(why_kept(&job, ctx, "chain inet t in"));
	assert_true(lists("ip daddr @s jump web"));
	assert_true(lists("chain web {\n\t}"));
	assert_false(lists("hook input"));
	nse_job_release(&job);
	nse_context_free(ctx);
}

/* What has another body by now is no more what the record says. */
static void test_changed(void **state)
{
	struct nse_context *ctx = context_of(sample);
	struct nse_job job;

	(void)state;
	add_rules("chain inet t in { policy drop; }\n"
		  "delete element inet t v { 10.0.0.1 }\n"
		  "add element inet t v { 10.0.0.1 : drop }\n");
	job = removed(ctx);
	assert_non_null(strstr(why_kept(&job, ctx, "chain inet t in"), "another one"));
	assert_int_equal(job.kept, 2);
	assert_true(lists("policy drop"));
	assert_false(lists("web"));
	nse_job_release(&job);
	nse_context_free(ctx);
}

/* Elements alone, out of sets that stay. */
static void test_elements(void **state)
{
	struct nse_context *ctx = nse_context_new(), *all;
	struct nse_record rec;
	struct nse_job job;
	enum nft_type type;
	bool need;

	(void)state;
	all = context_of(
		"table inet t { set i { type ipv4_addr; flags interval;\n"
		" elements = { 10.0.0.0/24, 10.0.1.0/24, 10.2.0.0-10.3.0.0 }; };\n"
		" set c { type ipv4_addr . inet_service; flags interval;\n"
		" elements = { 10.0.0.0/24 . 1-9, 10.0.0.0/8 . 22 }; };\n"
		" map m { type ipv4_addr : mark; elements = { 10.0.0.1 : 1, * : 2 }; };\n"
		" set t { type ipv4_addr; timeout 1h; elements = { 10.0.0.1 }; }; }\n");
	for (uint32_t s = 0; s < nse_context_slots(all); s++)
		if (nse_context_at(all, s, &rec) && nft_kind_of(rec.kind, &type, &need) &&
		    type == NFT_ELEMENT)
			assert_int_equal(nse_context_put(ctx, &rec, NULL), 0);
	/* The context must speak of the table, be it as a dependency. */
	nse_context_at(all, slot_of(all, "table inet t"), &rec);
	assert_int_equal(nse_context_put(ctx, &rec, NULL), 0);
	make_need(ctx, "table inet t");
	add_rules("add element inet t i { 10.9.0.0/16 }\n"
		  "delete element inet t i { 10.0.1.0/24 }\n"
		  "add element inet t m { 10.0.0.2 : 3 }\n");
	job = removed(ctx);
	/* START and END of one interval are not there any more. */
	assert_int_equal(job.absent, 2);
	assert_int_equal(job.kept, 0);
	assert_int_equal(job.removed + 3, nse_context_count(ctx));
	assert_true(lists("elements = { 10.9.0.0/16 }"));
	assert_true(lists("elements = { 10.0.0.2 : 0x00000003 }"));
	assert_false(lists("10.0.0.1"));
	assert_false(lists("22"));
	nse_job_release(&job);
	nse_context_free(ctx);
	nse_context_free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_dry_run),
		cmocka_unit_test(test_table_of_others),
		cmocka_unit_test(test_rules_of_others),
		cmocka_unit_test(test_in_use),
		cmocka_unit_test(test_changed),
		cmocka_unit_test(test_elements),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!may_unshare())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
