/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Installing ahead of the commit, in rounds, in the real kernel's table; each test in
 * network namespaces of its own.
 */
#include "tests/unit/ct_rounds.h"

static void rounds_and_settle(void **state)
{
	const int64_t start = nse_now_us();
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = nse_context_new();
	struct ct_entry e[4], live;
	uint32_t slots[4];
	struct nse_job job;

	(void)state;
	NETNS();
	nft(RULES_CT);
	for (uint16_t i = 0; i < 4; i++)
		e[i] = flow(IPPROTO_TCP, (uint16_t)(1000 + i), 500);
	for (int i = 0; i < 3; i++)
		slots[i] = put(a, &e[i]);
	install(&job, a, NSE_JOB_AHEAD);
	assert_int_equal(job.created, 3);
	assert_lives(&e[0], CT_AHEAD_S, start);
	assert_true(look(&e[2], &live));
	assert_int_equal(live.tcp.flags[0], 0x0b);
	assert_int_equal(live.tcp.flags[1], 0x0b);

	/* A round: the first is replaced, the second ends, a new one begins. */
	on_slots(ct->undo, &job, slots, 2);
	assert_int_equal(job.created, 1);
	assert_int_equal(table_count(), 1);
	e[0].mark = 5;
	assert_int_equal(put(a, &e[0]), slots[0]);
	drop(a, &e[1]);
	slots[1] = put(a, &e[3]);
	assert_int_equal(nse_job_grow(&job), 0);
	on_slots(ct->install, &job, slots, 2);
	assert_int_equal(job.created, 3);
	assert_int_equal(job.refused + job.kept, 0);
	assert_int_equal(table_count(), 3);
	assert_true(look(&e[0], &live));
	assert_int_equal(live.mark, 5);
	assert_false(look(&e[1], &live));
	assert_lives(&e[3], CT_AHEAD_S, start);
	verify(&job, 3, 0);

	settle(&job);
	verify(&job, 3, 0);
	assert_true(look(&e[2], &live));
	assert_int_equal(live.tcp.flags[0], 0x03);
	assert_int_equal(live.tcp.flags[1], 0x03);
	assert_int_equal(live.tcp.wscale[0], 7);
	assert_lives(&e[0], 500, start);
	assert_lives(&e[3], 500, start);
	assert_int_equal(ct->undo(&job, NULL), 0);
	assert_int_equal(table_count(), 0);
	nse_job_release(&job);
}

/* The context grows beyond the slots that the job began with. */
static void new_slots(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = nse_context_new();
	struct ct_entry e = flow(IPPROTO_UDP, 1, 100);
	struct nse_job job;
	uint32_t slots[300];

	(void)state;
	NETNS();
	nft(RULES_CT);
	put(a, &e);
	install(&job, a, NSE_JOB_AHEAD);
	for (uint16_t i = 0; i < 300; i++) {
		e = flow(IPPROTO_UDP, (uint16_t)(2000 + i), 100);
		slots[i] = put(a, &e);
		assert_int_equal(nse_job_grow(&job), 0);
		on_slots(ct->install, &job, &slots[i], 1);
	}
	assert_int_equal(job.created, 301);
	assert_int_equal(table_count(), 301);
	on_slots(ct->undo, &job, slots, 300);
	assert_int_equal(job.created, 1);
	assert_int_equal(table_count(), 1);
	nse_job_release(&job);
}

static struct nse_context *what_waits(void)
{
	struct ct_entry e = flow(IPPROTO_TCP, 6001, 500);
	struct nse_context *a;
	struct nf_conntrack *c;

	nft(RULES_CT RULES_LABELS RULES_NAT);
	add_nat();
	add_extras();
	add(mk_tcp("10.0.0.1", "10.0.0.2", 1000, 80)); /* clashes */
	c = mk(IPPROTO_UDP, "10.0.0.1", "10.0.0.2", 1010, 53);
	nfct_set_attr_u32(c, ATTR_STATUS, IPS_CONFIRMED | IPS_FIXED_TIMEOUT);
	add(c);
	a = collect_all();
	e.present |= CT_HAS_HELPER;
	memcpy(e.helper, "nonesuch", 9);
	put(a, &e);
	return a;
}

static void what_cannot_be_made_yet_waits(void **state)
{
	const int64_t start = nse_now_us();
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = NULL;
	struct ct_entry e, live;
	struct nse_job job;
	size_t n;

	(void)state;
	NETNS();
	a = what_waits();
	n = nse_context_count(a);
	assert_int_equal(n, 11);
	assert_true(fresh_netns());
	nft(RULES_CT);
	add(mk_tcp("10.0.0.2", "10.0.0.1", 80, 1000));
	install(&job, a, NSE_JOB_AHEAD);
	/* Four with NAT, labels, fixed time, no helper, and a clash. */
	assert_int_equal(job.created, n - 8);
	assert_int_equal(job.refused + job.kept, 0);
	assert_int_equal(table_count(), n - 8 + 1);
	assert_int_equal(job.outcome[find_port(a, 4001, &e)], NSE_UNTOUCHED);
	assert_int_equal(job.outcome[find_port(a, 4003, &e)], NSE_CREATED);

	nft(RULES_LABELS RULES_NAT);
	sh("conntrack -D --src 10.0.0.2");
	job.flags = AT_COMMIT;
	assert_int_equal(ct->install(&job, NULL), 0);
	print_refusals(&job);
	assert_int_equal(job.created, n - 1);
	assert_int_equal(job.refused, 1);
	assert_true(refused_with(&job, "'nonesuch'"));
	verify(&job, n - 1, 0);
	find_port(a, 1010, &e);
	assert_lives(&e, e.timeout, start);
	find_port(a, 2001, &e);
	assert_lives(&e, CT_AHEAD_S, start);
	settle(&job);
	assert_lives(&e, e.timeout, start);
	find_port(a, 4001, &e);
	assert_true(look(&e, &live));
	assert_true(live.present & CT_HAS_LABELS);
	verify(&job, n - 1, 0);
	nse_job_release(&job);
}

static struct ct_entry child_of(const struct ct_entry *master, uint16_t sport)
{
	struct ct_entry e = flow(IPPROTO_TCP, sport, 500);

	e.present |= CT_HAS_MASTER;
	e.master_l4 = master->l4;
	e.master = master->orig;
	return e;
}

static void children_over_rounds(void **state)
{
	const int64_t start = nse_now_us();
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = nse_context_new();
	struct ct_entry master = flow(IPPROTO_TCP, 21, 500);
	struct ct_entry child = child_of(&master, 2000);
	struct ct_entry grandchild = child_of(&child, 2001);
	struct ct_entry other = flow(IPPROTO_TCP, 22, 500); /* never comes */
	struct ct_entry alone = child_of(&other, 2002), live;
	struct nse_job job;
	uint32_t s[4];

	(void)state;
	NETNS();
	nft(RULES_CT);
	s[0] = put(a, &grandchild);
	s[1] = put(a, &child);
	s[3] = put(a, &alone);
	install(&job, a, NSE_JOB_AHEAD);
	assert_int_equal(job.created + job.refused + job.kept, 0);
	assert_int_equal(table_count(), 0);
	s[2] = put(a, &master);
	assert_int_equal(nse_job_grow(&job), 0);
	on_slots(ct->install, &job, &s[2], 1);
	assert_int_equal(job.created, 1);
	on_slots(ct->install, &job, s, 4);
	assert_int_equal(job.created, 3);
	assert_int_equal(job.outcome[s[3]], NSE_UNTOUCHED);
	assert_true(look(&grandchild, &live));
	assert_true(live.present & CT_HAS_MASTER);
	assert_lives(&child, CT_AHEAD_S, start);

	/* The master goes on; its children stay as they are. */
	on_slots(ct->undo, &job, &s[2], 1);
	master.tcp.state = 4;
	put(a, &master);
	on_slots(ct->install, &job, &s[2], 1);
	assert_int_equal(job.created, 3);

	job.flags = AT_COMMIT;
	on_slots(ct->install, &job, &s[3], 1);
	assert_int_equal(job.created, 4);
	verify(&job, 4, 0);
	assert_false(look(&other, &live));
	settle(&job);
	assert_lives(&alone, 500, start);
	assert_lives(&grandchild, 500, start);
	verify(&job, 4, 0);
	nse_job_release(&job);
}

static void few_slots_of_many(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = nse_context_new();
	const uint32_t slots[] = { 77777, 5 };
	struct nse_job job;
	uint32_t touched = 0;

	(void)state;
	NETNS();
	nft(RULES_CT);
	put_many(a, 100000, 1000);
	assert_int_equal(nse_job_init(&job, a, NSE_JOB_AHEAD), 0);
	on_slots(ct->install, &job, slots, 2);
	assert_int_equal(job.created, 2);
	assert_int_equal(table_count(), 2);
	for (uint32_t s = 0; s < nse_context_slots(a); s++)
		touched += job.outcome[s] != NSE_UNTOUCHED;
	assert_int_equal(touched, 2);
	assert_int_equal(job.outcome[77777], NSE_CREATED);
	on_slots(ct->undo, &job, slots, 1);
	assert_int_equal(job.outcome[77777], NSE_UNTOUCHED);
	assert_int_equal(job.outcome[5], NSE_CREATED);
	assert_int_equal(table_count(), 1);
	nse_job_release(&job);
}

/* The kernel's answers got lost: what was made with a long time is known as ours. */
static void lost_answers_ahead(void **state)
{
	const int64_t start = nse_now_us();
	NSE_CLEANUP(nse_context_freep) struct nse_context *a = nse_context_new();
	NSE_CLEANUP(nse_context_freep) struct nse_context *some = nse_context_new();
	struct ct_install in = {
		.room = 100, .ahead = true, .liberal = true, .longer = true
	};
	struct ct_entry ours = flow(IPPROTO_TCP, 1000, 500);
	struct ct_entry others = flow(IPPROTO_TCP, 1001, 500);
	struct ct_entry absent = flow(IPPROTO_TCP, 1002, 500);
	struct nse_job job, first;
	uint32_t s[3];

	(void)state;
	NETNS();
	nft(RULES_CT);
	put(some, &ours);
	install(&first, some, NSE_JOB_AHEAD);
	assert_int_equal(first.created, 1);
	nse_job_release(&first);
	add(mk_tcp("10.0.0.1", "10.0.0.2", 1001, 80));
	s[0] = put(a, &ours);
	s[1] = put(a, &others);
	s[2] = put(a, &absent);
	assert_int_equal(nse_job_init(&job, a, NSE_JOB_AHEAD), 0);
	in.job = &job;
	assert_int_equal(ct_batch_init(&in.batch, ct_on_create, &in, NULL), 0);
	for (int i = 0; i < 3; i++)
		ct_on_create(&in, s[i], -ENOBUFS, "", NULL);
	assert_int_equal(ct_install_resolve(&in, NULL), 0);
	assert_int_equal(job.outcome[s[0]], NSE_CREATED);
	assert_int_equal(job.outcome[s[1]], NSE_KEPT);
	assert_int_equal(job.outcome[s[2]], NSE_CREATED);
	assert_lives(&absent, CT_AHEAD_S, start);
	/* Nor is a full table a refusal yet. */
	nse_job_outcome(&job, s[2], NSE_UNTOUCHED);
	ct_on_create(&in, s[2], -ENOMEM, "", NULL);
	ct_on_create(&in, s[2], -ENOSPC, "", NULL);
	assert_int_equal(job.outcome[s[2]], NSE_UNTOUCHED);
	in.ahead = false;
	ct_on_create(&in, s[2], -ENOSPC, "", NULL);
	assert_true(refused_with(&job, "nf_conntrack_buckets"));
	nse_job_outcome(&job, s[2], NSE_UNTOUCHED);
	ct_on_create(&in, s[2], -ENOMEM, "", NULL);
	assert_int_equal(job.outcome[s[2]], NSE_REFUSED);
	assert_true(refused_with(&job, "table is full"));
	ct_batch_release(&in.batch);
	free(in.lost.p);
	free(in.look.p);
	free(in.reply.p);
	free(in.gone.p);
	nse_job_release(&job);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rounds_and_settle),
		cmocka_unit_test(new_slots),
		cmocka_unit_test(what_cannot_be_made_yet_waits),
		cmocka_unit_test(children_over_rounds),
		cmocka_unit_test(few_slots_of_many),
		cmocka_unit_test(lost_answers_ahead),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
