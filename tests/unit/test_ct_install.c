/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Installing entries in the real kernel's table, each test in network
 * namespaces of its own: what arrives, and what is refused.
 */
#include "tests/unit/ct_zoo.h"

#include "lib/context/diff.h"

static void assert_same_bodies(const struct nse_context *a, const struct nse_context *b)
{
	struct nse_diff d;

	assert_int_equal(nse_diff(a, b, 0, &d), 0);
	for (size_t i = 0; i < d.n; i++) {
		struct nse_record rec;
		struct ct_entry e;
		char text[CT_TEXT];

		nse_context_at(d.items[i].a != NSE_CONTEXT_NONE ? a : b,
			       d.items[i].a != NSE_CONTEXT_NONE ? d.items[i].a
								: d.items[i].b,
			       &rec);
		assert_int_equal(ct_row_decode(&rec, &e, NULL), 0);
		print_error("change %d: %s\n", d.items[i].change,
			    ct_entry_text(&e, text));
	}
	assert_int_equal(d.n, 0);
	nse_diff_release(&d);
}

static void round_trip(unsigned int flags)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	NSE_CLEANUP(nse_context_freep) struct nse_context *b = NULL;
	struct nse_job job;
	struct ct_entry e;
	size_t n;

	add_everything();
	a = collect_all();
	n = nse_context_count(a);
	assert_int_equal(n, table_count());
	assert_int_not_equal(find_port(a, 5012, &e), NSE_CONTEXT_NONE);
	assert_int_equal(e.tcp.wscale[0], 7);
	assert_int_equal(e.tcp.flags[1], 0);
	assert_true(fresh_netns());
	nft(RULES_CT RULES_LABELS RULES_NAT);
	assert_int_equal(table_count(), 0);
	install(&job, a, flags);
	print_refusals(&job);
	assert_int_equal(job.refused, 0);
	assert_int_equal(job.created, n);
	verify(&job, n, 0);
	assert_int_equal(ct->settle(&job, NULL), 0);
	verify(&job, n, 0);
	b = collect_all();
	assert_same_bodies(a, b);
	assert_int_equal(ct->undo(&job, NULL), 0);
	assert_int_equal(job.created, 0);
	assert_int_equal(table_count(), 0);
	nse_job_release(&job);
}

static void a_context_arrives_as_it_was(void **state)
{
	(void)state;
	NETNS();
	round_trip(0);
}

static void liberal_first_and_exact_after(void **state)
{
	(void)state;
	NETNS();
	round_trip(NSE_JOB_LIBERAL);
}

static void liberal_until_settled(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	NSE_CLEANUP(nse_context_freep) struct nse_context *b = NULL;
	struct nse_context *c;
	struct ct_entry e;
	struct nse_job job;

	(void)state;
	NETNS();
	nft(RULES_CT);
	add(mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80));
	a = collect_all();
	assert_true(fresh_netns());
	nft(RULES_CT);
	install(&job, a, NSE_JOB_LIBERAL);
	c = collect_all();
	assert_int_not_equal(find_port(c, 1000, &e), NSE_CONTEXT_NONE);
	assert_int_equal(e.tcp.flags[0], 0x0b);
	assert_int_equal(e.tcp.flags[1], 0x0b);
	nse_context_free(c);
	assert_int_equal(ct->settle(&job, NULL), 0);
	b = collect_all();
	assert_int_not_equal(find_port(b, 1000, &e), NSE_CONTEXT_NONE);
	assert_int_equal(e.tcp.flags[0], 0x03);
	assert_int_equal(e.tcp.flags[1], 0x03);
	assert_int_equal(e.tcp.wscale[0], 7);
	assert_int_equal(e.tcp.wscale[1], 9);
	nse_job_release(&job);
}

static void what_exists_is_kept(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	NSE_CLEANUP(nse_context_freep) struct nse_context *b = NULL;
	struct nf_conntrack *c;
	struct nse_job job;
	struct ct_entry e;

	(void)state;
	NETNS();
	nft(RULES_CT);
	add(mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80));
	add(mk_tcp("10.0.0.1", "10.0.0.2", 1001, 80));
	a = collect_all();
	assert_true(fresh_netns());
	nft(RULES_CT);
	c = mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80);
	nfct_set_attr_u32(c, ATTR_MARK, 99);
	add(c);
	install(&job, a, 0);
	assert_int_equal(job.kept, 1);
	assert_int_equal(job.created, 1);
	assert_int_equal(job.refused, 0);
	b = collect_all();
	assert_int_not_equal(find_port(b, 1000, &e), NSE_CONTEXT_NONE);
	assert_int_equal(e.mark, 99);
	assert_int_equal(ct->undo(&job, NULL), 0);
	assert_int_equal(table_count(), 1);
	nse_job_release(&job);
}

static void add_clashes(void)
{
	struct nf_conntrack *c;

	nft(RULES_CT RULES_NAT);
	/* The reverse of the first one. */
	add(mk_tcp("10.0.0.2", "10.0.0.1", 80, 1000));
	/* The same original tuple as the second, translated. */
	c = mk_tcp("10.0.0.1", "10.0.0.2", 1001, 80);
	nfct_set_attr_u32(c, ATTR_SNAT_IPV4, inet_addr("192.0.2.9"));
	nfct_set_attr_u16(c, ATTR_SNAT_PORT, htons(1001));
	add(c);
	/* Has taken the translated port of the third. */
	c = mk_tcp("10.0.0.77", "10.0.0.9", 5555, 80);
	nfct_set_attr_u32(c, ATTR_SNAT_IPV4, inet_addr("192.0.2.7"));
	nfct_set_attr_u16(c, ATTR_SNAT_PORT, htons(4242));
	add(c);
}

static void clashes_are_refused_and_named(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	struct nf_conntrack *c;
	struct nse_job job;

	(void)state;
	NETNS();
	nft(RULES_CT RULES_NAT);
	add(mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80));
	add(mk_tcp("10.0.0.1", "10.0.0.2", 1001, 80));
	c = mk_tcp("10.0.0.1", "10.0.0.9", 2001, 80);
	nfct_set_attr_u32(c, ATTR_SNAT_IPV4, inet_addr("192.0.2.7"));
	nfct_set_attr_u16(c, ATTR_SNAT_PORT, htons(4242));
	add(c);
	a = collect_all();
	for (unsigned int flags = 0; flags <= NSE_JOB_DRY_RUN; flags += NSE_JOB_DRY_RUN) {
		assert_true(fresh_netns());
		add_clashes();
		install(&job, a, flags);
		print_refusals(&job);
		assert_int_equal(job.refused, 3);
		assert_int_equal(job.created + job.kept, 0);
		assert_true(refused_with(&job, "reply direction of an entry"));
		assert_true(refused_with(&job, "other answers"));
		assert_true(refused_with(&job, "are taken by an entry"));
		assert_int_equal(table_count(), 3);
		nse_job_release(&job);
	}
}

static void nat_needs_a_chain(void **state)
{
	static const char *const useless[] = {
		RULES_CT,
		RULES_CT
		"table ip6 n { chain post { type nat hook postrouting priority 100; }; }",
		RULES_CT
		"table ip n { flags dormant; chain post { type nat hook postrouting priority 100; }; }",
	};
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	struct nse_job job;

	(void)state;
	NETNS();
	nft(RULES_CT RULES_NAT);
	add_nat();
	add(mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80));
	a = collect_all();
	for (size_t i = 0; i < NSE_ARRAY_SIZE(useless); i++) {
		assert_true(fresh_netns());
		nft(useless[i]);
		install(&job, a, 0);
		assert_int_equal(job.created, 1);
		assert_int_equal(job.refused, 4);
		assert_true(refused_with(&job, "type nat hook postrouting"));
		nse_job_release(&job);
	}
	assert_true(fresh_netns());
	nft(RULES_CT
	    "table inet n { chain post { type nat hook postrouting priority 100; }; }");
	install(&job, a, 0);
	assert_int_equal(job.created, 5);
	verify(&job, 5, 0);
	nse_job_release(&job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_context_arrives_as_it_was),
		cmocka_unit_test(liberal_first_and_exact_after),
		cmocka_unit_test(liberal_until_settled),
		cmocka_unit_test(what_exists_is_kept),
		cmocka_unit_test(clashes_are_refused_and_named),
		cmocka_unit_test(nat_needs_a_chain),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
