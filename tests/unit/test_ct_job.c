/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What follows an installation in the real kernel's table: verifying, undoing,
 * removing exactly; and what an entry needs of its host.
 */
#include "tests/unit/ct_zoo.h"

#include "lib/engine/ct_install.h"

static void labels_that_the_kernel_dropped_are_seen(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	struct nse_problems p = NSE_PROBLEMS_INIT;
	struct nf_conntrack *c;
	struct nfct_bitmask *b;
	struct nse_job job;

	(void)state;
	NETNS();
	nft(RULES_CT RULES_LABELS);
	c = mk_tcp("10.0.0.1", "10.0.0.2", 4001, 80);
	b = nfct_bitmask_new(127);
	nfct_bitmask_set_bit(b, 5);
	nfct_set_attr(c, ATTR_CONNLABELS, b);
	add(c);
	a = collect_all();
	assert_true(fresh_netns());
	nft(RULES_CT);
	assert_int_equal(ct->preflight(a, NULL, &p, NULL), 0);
	assert_int_equal(nse_problems_worst(&p), NSE_LOSS);
	nse_problems_release(&p);
	assert_int_equal(table_count(), 0); /* the probe is gone */
	install(&job, a, 0);
	assert_int_equal(job.created, 1);
	verify(&job, 0, 1);
	nse_job_release(&job);
}

static void removal_is_exact(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	struct nf_conntrack *c;
	struct nse_scope s;
	struct nse_job job;

	(void)state;
	NETNS();
	nft(RULES_CT);
	add(mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80));
	add(mk(IPPROTO_UDP, "10.0.0.2", "10.0.0.1", 1001, 53));
	nse_scope_init(&s);
	scope_add(&s, "10.0.0.1");
	a = collect_scope(&s);
	assert_int_equal(nse_context_count(a), 2);
	/* Neighbours: another zone, another port, and a reversed newcomer. */
	c = mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80);
	nfct_set_attr_u16(c, ATTR_ZONE, 4);
	add(c);
	add(mk_tcp("10.0.0.1", "10.0.0.2", 1002, 80));
	sh("conntrack -D -p udp");
	add(mk(IPPROTO_UDP, "10.0.0.1", "10.0.0.2", 53, 1001));
	assert_int_equal(table_count(), 4);
	assert_int_equal(nse_job_init(&job, a, NSE_JOB_DRY_RUN), 0);
	assert_int_equal(ct->remove(&job, NULL), 0);
	assert_int_equal(job.removed, 1);
	assert_int_equal(table_count(), 4);
	nse_job_release(&job);
	assert_int_equal(nse_job_init(&job, a, 0), 0);
	assert_int_equal(ct->remove(&job, NULL), 0);
	assert_int_equal(job.removed, 1);
	assert_int_equal(job.absent, 1);
	assert_int_equal(table_count(), 3);
	nse_job_release(&job);
	nse_scope_release(&s);
}

static void missing_helper_is_named(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	struct nse_problems p = NSE_PROBLEMS_INIT;
	struct ct_entry e = { .l3 = 4, .l4 = IPPROTO_TCP, .timeout = 100 };
	struct ct_row row;
	struct nse_job job;

	(void)state;
	NETNS();
	nft(RULES_CT);
	e.present = CT_HAS_TCP | CT_HAS_HELPER;
	e.tcp.state = 3;
	memcpy(e.helper, "nonesuch", 9);
	memcpy(e.orig.src, "\x0a\x00\x00\x01", 4);
	memcpy(e.orig.dst, "\x0a\x00\x00\x02", 4);
	ct_invert(4, IPPROTO_TCP, &e.orig, &e.reply);
	ct_row_encode(&e, &row);
	assert_int_equal(ct->check(&row.rec, NULL), 0);
	a = nse_context_new();
	assert_int_equal(nse_context_put(a, &row.rec, NULL), 0);
	install(&job, a, 0);
	assert_int_equal(job.refused, 1);
	assert_int_equal(job.refusals[0].code, -EOPNOTSUPP);
	assert_true(refused_with(&job, "'nonesuch'"));
	nse_job_release(&job);
	assert_int_equal(ct->preflight(a, NULL, &p, NULL), 0);
	assert_int_equal(nse_problems_worst(&p), NSE_FAIL);
	nse_problems_release(&p);
}

/* A child comes with its master, finds it on the host, or comes without. */
static void a_child_and_its_master(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	NSE_CLEANUP(nse_context_freep) struct nse_context *b = NULL;
	struct ct_entry e;
	struct nse_record rec;
	struct nse_job job;
	uint32_t slot;

	(void)state;
	NETNS();
	nft(RULES_CT RULES_LABELS);
	add_extras();
	a = collect_all();
	slot = find_port(a, 4002, &e);
	assert_true(nse_context_at(a, slot, &rec));
	assert_int_equal(nse_context_del(a, rec.kind, rec.key), 0);
	for (unsigned int flags = NSE_JOB_DRY_RUN;; flags = 0) {
		assert_true(fresh_netns());
		nft(RULES_CT RULES_LABELS);
		install(&job, a, flags);
		assert_int_equal(job.created, 3);
		/* Its master is in no table, but the kernel counts it. */
		assert_int_equal(table_count(), flags ? 0 : 4);
		nse_job_release(&job);
		run_words("conntrack -D", NULL);
		add(mk_tcp("10.0.0.1", "10.0.0.2", 4002, 21));
		install(&job, a, flags);
		assert_int_equal(job.created, 3);
		assert_int_equal(table_count(), flags ? 1 : 4);
		nse_job_release(&job);
		run_words("conntrack -D", NULL);
		add(mk_tcp("10.0.0.2", "10.0.0.1", 21, 4002));
		install(&job, a, flags);
		assert_true(refused_with(&job, "in the other direction"));
		assert_int_equal(job.created, 2);
		nse_job_release(&job);
		if (!flags)
			break;
	}
	/* Without one in the table it still says who expected it. */
	run_words("conntrack -D", NULL);
	install(&job, a, 0);
	verify(&job, 3, 0);
	b = collect_all();
	assert_int_equal(nse_context_count(b), 3);
	assert_int_not_equal(find_port(b, 4003, &e), NSE_CONTEXT_NONE);
	assert_true(e.present & CT_HAS_MASTER);
	assert_memory_equal(e.master.l4, "\x0f\xa2\x00\x15", 4);
	nse_job_release(&job);
}

/* The kernel's answers got lost: what is there is found out by looking. */
static void lost_answers(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	struct nf_conntrack *c;
	struct ct_install in = { .room = 100 };
	struct ct_entry e;
	struct nse_job job;

	(void)state;
	NETNS();
	nft(RULES_CT);
	for (uint16_t i = 0; i < 3; i++)
		add(mk_tcp("10.0.0.1", "10.0.0.2", (uint16_t)(1000 + i), 80));
	a = collect_all();
	assert_true(fresh_netns());
	nft(RULES_CT);
	/* The first was made, the second is another's, the third was not made. */
	c = mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80);
	nfct_set_attr_u32(c, ATTR_TIMEOUT, 498);
	add(c);
	c = mk_tcp("10.0.0.1", "10.0.0.2", 1001, 80);
	nfct_set_attr_u32(c, ATTR_TIMEOUT, 20);
	add(c);
	assert_int_equal(nse_job_init(&job, a, 0), 0);
	in.job = &job;
	assert_int_equal(ct_batch_init(&in.batch, ct_on_create, &in, NULL), 0);
	for (uint32_t s = 0; s < nse_context_slots(a); s++)
		ct_on_create(&in, s, -ENOBUFS, "", NULL);
	assert_int_equal(in.lost.n, 3);
	assert_int_equal(ct_install_resolve(&in, NULL), 0);
	assert_int_equal(job.outcome[find_port(a, 1000, &e)], NSE_CREATED);
	assert_int_equal(job.outcome[find_port(a, 1001, &e)], NSE_KEPT);
	assert_int_equal(job.outcome[find_port(a, 1002, &e)], NSE_CREATED);
	assert_int_equal(table_count(), 3);
	ct_batch_release(&in.batch);
	free(in.lost.p);
	free(in.look.p);
	free(in.reply.p);
	free(in.gone.p);
	nse_job_release(&job);
}

static void verify_sees_what_changed(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	struct nf_conntrack *c;
	struct nse_job job;

	(void)state;
	NETNS();
	nft(RULES_CT);
	for (uint16_t i = 0; i < 5; i++)
		add(mk_tcp("10.0.0.1", "10.0.0.2", (uint16_t)(1000 + i), 80));
	a = collect_all();
	assert_true(fresh_netns());
	nft(RULES_CT);
	install(&job, a, 0);
	/* One is closing by itself, one has another mark, one is gone. */
	c = mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80);
	tcp_info(c, 4, 7, 9, 0x07, 0x03);
	assert_int_equal(try_query(NFCT_Q_UPDATE, c), 0);
	nfct_destroy(c);
	verify(&job, 5, 0);
	c = mk_tcp("10.0.0.1", "10.0.0.2", 1001, 80);
	nfct_set_attr_u32(c, ATTR_MARK, 7);
	assert_int_equal(try_query(NFCT_Q_UPDATE, c), 0);
	nfct_destroy(c);
	c = mk_tcp("10.0.0.1", "10.0.0.2", 1002, 80);
	assert_int_equal(try_query(NFCT_Q_DESTROY, c), 0);
	nfct_destroy(c);
	verify(&job, 3, 2);
	nse_job_release(&job);
}

static void many_entries(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = nse_context_new();
	struct ct_entry e = { .l3 = 4, .l4 = IPPROTO_UDP, .timeout = 1000 };
	const uint32_t n = 20000;
	struct ct_row row;
	struct nse_job job;

	(void)state;
	NETNS();
	nft(RULES_CT);
	for (uint32_t i = 0; i < n; i++) {
		memcpy(e.orig.src, "\x0a\x00\x00\x01", 4);
		memcpy(e.orig.dst, &i, 4);
		e.orig.dst[3] = 1;
		e.orig.l4[0] = (uint8_t)(i >> 8);
		e.orig.l4[3] = 53;
		ct_invert(4, IPPROTO_UDP, &e.orig, &e.reply);
		ct_row_encode(&e, &row);
		assert_int_equal(nse_context_put(a, &row.rec, NULL), 0);
	}
	assert_int_equal(nse_context_count(a), n);
	install(&job, a, 0);
	assert_int_equal(job.created, n);
	assert_int_equal(table_count(), n);
	verify(&job, n, 0); /* by a dump */
	nse_job_release(&job);
	install(&job, a, 0);
	assert_int_equal(job.kept, n);
	nse_job_release(&job);
	assert_int_equal(nse_job_init(&job, a, 0), 0);
	assert_int_equal(ct->remove(&job, NULL), 0);
	assert_int_equal(job.removed, n);
	assert_int_equal(table_count(), 0);
	nse_job_release(&job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_that_the_kernel_dropped_are_seen),
		cmocka_unit_test(removal_is_exact),
		cmocka_unit_test(missing_helper_is_named),
		cmocka_unit_test(a_child_and_its_master),
		cmocka_unit_test(lost_answers),
		cmocka_unit_test(verify_sees_what_changed),
		cmocka_unit_test(many_entries),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
