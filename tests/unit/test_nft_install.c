/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Installing into the real kernel: what comes out is what went in, what is
 * there alike is kept, anything else is refused without a change, and what was
 * installed goes again to the last object.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/nft_jobs.h"

static const char sample[] =
	"table inet t {\n"
	" comment \"a table\"\n"
	" counter hits { packets 3 bytes 300 }\n"
	" quota month { over 1000 bytes used 17 bytes }\n"
	" set peers { type ipv4_addr; flags timeout; timeout 2h;\n"
	"  elements = { 10.0.0.1 expires 1h, 10.0.0.2 timeout 1h comment \"x\" }\n }\n"
	" set nets { type ipv4_addr; flags interval;\n"
	"  elements = { 10.0.0.0/24, 10.0.1.0-10.0.1.99, 192.168.0.0/16 }\n }\n"
	" set pairs { type ipv4_addr . inet_service; flags interval;\n"
	"  elements = { 10.0.0.1 . 80, 10.0.0.0/24 . 1-99, 10.9.0.0/16 . 22 }\n }\n"
	" set seen { type ipv4_addr; flags dynamic; counter; size 100;\n"
	"  elements = { 10.0.0.7 counter packets 7 bytes 70 }\n }\n"
	" map dispatch { type ifname : verdict; elements = { vif5.0 : jump web }\n }\n"
	" map marks { typeof ip saddr : meta mark; elements = { 10.0.0.1 : 5 }\n }\n"
	" map counts { type ipv4_addr : counter; elements = { 10.0.0.1 : \"hits\" }\n }\n"
	" chain web { ip saddr @peers counter packets 5 bytes 50 accept\n"
	"  tcp dport { 22, 80, 443 } accept comment \"ports\"\n"
	"  counter name ip saddr map @counts\n"
	"  counter name tcp dport map { 1 : \"hits\", 2 : \"hits\" }\n"
	"  meta mark set ip saddr map { 10.0.0.1 : 1, 10.0.0.2 : 2 }\n"
	"  add @seen { ip saddr counter }\n"
	"  meter rates size 100 { ip saddr limit rate 10/second } accept\n"
	"  quota name \"month\" drop\n"
	"  tcp option maxseg size set 1400\n"
	"  reset tcp option sack-perm\n"
	"  osf name \"Linux\" accept\n"
	"  meta mark set ip saddr map @marks\n }\n"
	" chain forward { type filter hook forward priority 0; policy drop;\n"
	"  iifname vmap @dispatch\n"
	"  meta l4proto tcp jump {\n   ip saddr { 10.0.0.1, 10.0.0.9 } drop\n"
	"   counter packets 9 bytes 99\n  }\n"
	"  iif \"lo\" accept\n }\n"
	" chain second { type filter hook forward priority 0; }\n"
	" chain afirst { type filter hook forward priority 0; }\n"
	"}\n"
	"table netdev n {\n"
	" chain c {\n  type filter hook ingress device lo priority 0;\n }\n}\n"
	"table ip z {\n}\n"
	"table ip a {\n flags dormant\n}\n";

static void test_round_trip(void **state)
{
	NSE_FREE char *before = NULL;
	struct nse_context *ctx, *again;
	struct nse_job job;

	(void)state;
	new_host();
	add_rules(sample);
	ctx = collect_all();
	before = listing("-s");
	new_host();
	job = job_of(ctx, 0);
	install_new(&job);
	assert_listing("-s", before);
	again = collect_all();
	assert_true(nse_context_digest(ctx, false) == nse_context_digest(again, false));
	undo(&job);
	assert_listing("-as", "");
	nse_job_release(&job);
	nse_context_free(ctx);
	nse_context_free(again);
}

static void test_state(void **state)
{
	struct nse_context *ctx;
	NSE_FREE char *now = NULL;
	struct nse_job job;

	(void)state;
	ctx = context_of(sample);
	new_host();
	job = job_of(ctx, 0);
	install_new(&job);
	now = listing("-a");
	assert_non_null(strstr(now, "packets 3 bytes 300"));
	assert_non_null(strstr(now, "used 17 bytes"));
	assert_non_null(strstr(now, "packets 7 bytes 70"));
	assert_non_null(strstr(now, "packets 9 bytes 99"));
	assert_non_null(strstr(now, "10.0.0.1 expires 59m"));
	nse_job_release(&job);
	nse_context_free(ctx);
}

/* Twice is once; and a dry run says so and does nothing. */
static void test_kept(void **state)
{
	NSE_FREE char *before = NULL;
	struct nse_context *ctx;
	struct nse_job job, second, dry;

	(void)state;
	ctx = context_of(sample);
	new_host();
	dry = job_of(ctx, NSE_JOB_DRY_RUN);
	install(&dry);
	assert_int_equal(dry.created, nse_context_count(ctx));
	assert_int_equal(dry.refused, 0);
	assert_listing("-as", "");
	nse_job_release(&dry);
	job = job_of(ctx, 0);
	install_new(&job);
	before = listing("-as");
	second = job_of(ctx, 0);
	install(&second);
	assert_int_equal(second.kept, nse_context_count(ctx));
	undo(&second);
	assert_listing("-as", before);
	nse_job_release(&second);
	nse_job_release(&job);
	nse_context_free(ctx);
}

/* What is missing is added, and that alone is taken back. */
static void test_added(void **state)
{
	NSE_FREE char *before = NULL, *whole = NULL;
	struct nse_context *ctx;
	struct nse_job job;

	(void)state;
	ctx = context_of("table inet t {\n set s { type ipv4_addr;\n"
			 "  elements = { 10.0.0.1, 10.0.0.2, 10.0.0.3 }\n }\n"
			 " set i { type ipv4_addr; flags interval;\n"
			 "  elements = { 10.0.0.0/24, 10.0.1.0/24, 10.0.3.0/24 }\n }\n"
			 " chain c { tcp dport 1 accept; tcp dport { 2, 3 } accept;\n }\n"
			 " chain d { jump c\n }\n}\n");
	whole = listing("-n");
	new_host();
	add_rules("table inet t {\n set s { type ipv4_addr; elements = { 10.0.0.2 }\n }\n"
		  " set i { type ipv4_addr; flags interval;\n"
		  "  elements = { 10.0.1.0/24 }\n }\n"
		  " chain c { tcp dport 1 accept;\n }\n}\n");
	before = listing("-as");
	job = job_of(ctx, 0);
	install(&job);
	assert_int_equal(job.refused, 0);
	assert_int_equal(job.created + job.kept, nse_context_count(ctx));
	assert_listing("-n", whole);
	undo(&job);
	assert_listing("-as", before);
	nse_job_release(&job);
	nse_context_free(ctx);
}

static void refused_over(const char *ours, const char *theirs, const char *name,
			 const char *why)
{
	struct nse_context *ctx = context_of(ours);

	new_host();
	add_rules(theirs);
	expect_refusal(ctx, name, why);
	nse_context_free(ctx);
}

static void test_clashes(void **state)
{
	(void)state;
	refused_over("table inet t { flags dormant; }", "table inet t { }",
		     "table inet t", "flags");
	refused_over("table inet t { chain c { type filter hook input priority 0; }; }",
		     "table inet t { chain c { type filter hook input priority 1; }; }",
		     "chain inet t c", "priority");
	refused_over("table inet t { chain c { accept; }; }",
		     "table inet t { chain c { drop; }; }", "rule 0 of chain inet t c",
		     "expressions");
	refused_over("table inet t { chain c { accept; }; }",
		     "table inet t { chain c { accept; drop; }; }", "chain inet t c",
		     "1 more rules");
	refused_over("table inet t { chain c { tcp dport { 1, 2 } drop; }; }",
		     "table inet t { chain c { tcp dport { 1, 3 } drop; }; }",
		     "rule 0 of chain inet t c", "of its own");
	refused_over("table inet t { set s { type ipv4_addr; }; }",
		     "table inet t { set s { type ipv6_addr; }; }", "set inet t s",
		     "type");
	refused_over("table inet t { counter c { comment \"a\"; }; }",
		     "table inet t { counter c { comment \"b\"; }; }", "inet t c",
		     "comment");
	refused_over("table inet t { map m { type ipv4_addr : mark; "
		     "elements = { 10.0.0.1 : 1, 10.0.0.2 : 2 }; }; }",
		     "table inet t { map m { type ipv4_addr : mark; "
		     "elements = { 10.0.0.1 : 3 }; }; }",
		     "10.0.0.1 of", "another data");
}

#define NETS(elements)                                                                   \
	"table inet t { set s { type ipv4_addr; flags interval; elements = { " elements  \
	" }; }; }"

/* Across what is there; the kernel itself would let some of these in. */
static void test_intervals(void **state)
{
	(void)state;
	refused_over(NETS("10.0.0.0/25"), NETS("10.0.0.0/24"), "10.0.0.0", "lies across");
	refused_over(NETS("10.0.0.0/24"), NETS("10.0.0.0/25"), "10.0.0.0", "lies across");
	refused_over(NETS("10.0.0.128/25"), NETS("10.0.0.0/24"), "10.0.0.128",
		     "lies across");
	refused_over(NETS("10.0.0.0/24"), NETS("10.0.0.128/25"), "10.0.0.0",
		     "lies across");
	refused_over(NETS("10.0.0.0-10.0.0.99"), NETS("10.0.0.50-10.0.0.200"), "10.0.0.0",
		     "lies across");
	refused_over(NETS("10.0.0.0/8, 192.168.0.0/16"), NETS("10.1.2.3"), "10.0.0.0",
		     "0x0a010203 to before 0x0a010204");
	refused_over(NETS("224.0.0.0/3"), NETS("255.0.0.0/8"), "224.0.0.0",
		     "to before the last value");
}

/* The kernel says no in the middle of the batch. */
static void test_kernel_refuses(void **state)
{
	struct nse_context *ctx;
	struct nse_job job;

	(void)state;
	ctx = context_of("table inet t { set s { type ipv4_addr; size 3; "
			 "elements = { 10.0.0.1, 10.0.0.2, 10.0.0.3 }; };\n"
			 "chain a { tcp dport 1 accept; meta mark set 7; };\n"
			 "chain b { counter; }; }\n");
	forge(ctx, "rule 1 of chain inet t a", "immediate", "immediatx");
	new_host();
	expect_refusal(ctx, "rule 1 of chain inet t a", "refused by the kernel");
	nse_context_free(ctx);
	/* Of a thousand elements in one message the one that does not fit. */
	ctx = context_of("table inet t { set s { type ipv4_addr; size 2; "
			 "elements = { 10.0.0.1, 10.0.0.2 }; }; }");
	new_host();
	add_rules("table inet t { set s { type ipv4_addr; size 2; "
		  "elements = { 10.0.0.3 }; }; }");
	expect_refusal(ctx, "10.0.0.2 of set", "the set is full");
	nse_context_free(ctx);
	/* Each object is good, but not all together. */
	ctx = context_of("table inet t { chain a { jump b; }; chain b { jump c; }; "
			 "chain c { drop; }; chain i { type filter hook input "
			 "priority 0; jump a; }; }");
	forge(ctx, "rule 0 of chain inet t b", "c\0\0", "a\0\0");
	new_host();
	job = job_of(ctx, 0);
	{
		struct nse_error err = { 0 };
		int rc = nft_install(&job, &err);

		assert_true(rc < 0 || job.refused);
		assert_int_equal(job.created, 0);
		if (rc < 0)
			assert_non_null(strstr(err.text, "circle"));
	}
	assert_listing("-as", "");
	nse_job_release(&job);
	nse_context_free(ctx);
}

/* An interface by its number is another one here, or none. */
static void test_ifindex(void **state)
{
	struct nse_context *ctx;
	struct nse_job job;

	(void)state;
	new_host();
	assert_int_equal(shell("ip link add first type bridge && "
			       "ip link add second type bridge"),
			 0);
	add_rules("table inet t { set s { type iface_index; elements = { second }; };\n"
		  "chain c { iif second drop; iif @s accept; "
		  "iif { second, lo } accept; }; }");
	ctx = collect_all();
	new_host();
	expect_refusal(ctx, "rule 0 of chain inet t c", "second");
	assert_int_equal(shell("ip link add second type bridge"), 0);
	job = job_of(ctx, 0);
	install_new(&job);
	assert_true(lists("iif \"second\" drop"));
	assert_true(lists("elements = { \"second\" }"));
	assert_true(lists("\"lo\", \"second\"") || lists("\"second\", \"lo\""));
	nse_job_release(&job);
	nse_context_free(ctx);
}

static pid_t disturb(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (getppid() == parent)
			if (shell("nft 'add table ip noise; delete table ip noise'") != 0)
				_exit(1);
		_exit(0);
	}
	return pid;
}

/* The ruleset changes all the time, and what was decided must still be so. */
static void test_disturbed(void **state)
{
	struct nse_context *ctx;
	struct nse_job job, gone;
	pid_t pid;

	(void)state;
	ctx = context_of(sample);
	new_host();
	add_rules("table inet t { comment \"a table\"; }");
	pid = disturb();
	assert_true(pid > 0);
	for (int i = 0; i < 5; i++) {
		job = job_of(ctx, 0);
		install(&job);
		assert_int_equal(job.refused, 0);
		assert_int_equal(job.created + 1, nse_context_count(ctx));
		assert_int_equal(job.kept, 1);
		nse_job_release(&job);
		gone = removed(ctx);
		assert_int_equal(gone.removed, nse_context_count(ctx));
		nse_job_release(&gone);
		add_rules("table inet t { comment \"a table\"; }");
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	nse_context_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_state),
		cmocka_unit_test(test_kept),	       cmocka_unit_test(test_added),
		cmocka_unit_test(test_clashes),	       cmocka_unit_test(test_intervals),
		cmocka_unit_test(test_kernel_refuses), cmocka_unit_test(test_ifindex),
		cmocka_unit_test(test_disturbed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!may_unshare())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
