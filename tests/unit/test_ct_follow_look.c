/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Conntrack entries that tell nothing of their changes: they are looked at in turn,
 * and at last by the cheaper way, within what is allowed. And entries of every sort.
 */
#include "tests/unit/ct_kept.h"
#include "tests/unit/ct_zoo.h"

#include <linux/netfilter/nfnetlink_conntrack.h>

#include "lib/engine/ct_follow.h"

static void looking_in_turn(void **state)
{
	struct kept k;

	(void)state;
	NETNS();
	nft(RULES_CT);
	events(0);
	add_some(VM, 1000, 300);
	events(2);
	keep(&k, 1);
	mark(VM, 1000, 1);
	mark(VM, 1150, 1);
	mark(VM, 1299, 1);
	del(VM, 1200);
	for (int i = 0; i < 3; i++) {
		step(&k, false);
		assert_true(k.puts + k.dels <= 4); /* what was changed */
		assert_int_equal(stats(&k)->checked, (i + 1) * CT_BATCH);
		assert_true(stats(&k)->left >= 299 - CT_BATCH);
	}
	assert_true(is_true(&k));
	assert_int_equal(stats(&k)->silent, 299);
	assert_int_equal(stats(&k)->events, 0);
	drop(&k);
}

static void the_last_look(void **state)
{
	struct kept k;

	(void)state;
	NETNS();
	nft(RULES_CT);
	events(0);
	add_some(VM, 1000, 300);
	events(2);
	keep(&k, 1);
	for (uint16_t i = 0; i < 300; i++)
		mark(VM, (uint16_t)(1000 + i), 1);
	/* What the budget does not allow is left, and said. */
	step(&k, true);
	assert_int_equal(k.puts, CT_BATCH);
	assert_int_equal(stats(&k)->left, 300 - CT_BATCH);
	assert_false(is_true(&k));
	step(&k, true);
	STEP(&k, true, 300 - 2 * CT_BATCH, 0);
	drop(&k);
	/* Without a limit everything is seen. */
	keep(&k, 0);
	for (uint16_t i = 0; i < 300; i++)
		mark(VM, (uint16_t)(1000 + i), 2);
	del(VM, 1007);
	STEP(&k, true, 299, 1);
	assert_int_equal(stats(&k)->left, 0);
	assert_int_equal(stats(&k)->silent, 299);
	STEP(&k, true, 0, 0);
	drop(&k);
}

/* New entries that nobody tells of are found by a dump at last. */
static void a_host_without_events(void **state)
{
	struct kept k;

	(void)state;
	NETNS();
	nft(RULES_CT);
	events(0);
	add_some(VM, 1000, 3);
	add_some(OTHER, 1000, 3);
	keep(&k, 1);
	add_some(VM, 2000, 3);
	mark(VM, 1000, 1);
	del(VM, 1001);
	step(&k, false);
	assert_int_equal(k.puts, 1);
	assert_int_equal(k.dels, 1);
	STEP(&k, true, 3, 0);
	assert_int_equal(stats(&k)->events, 0);
	assert_int_equal(stats(&k)->left, 0);
	drop(&k);
	/* Or when they are switched off later. */
	events(2);
	keep(&k, 1);
	events(0);
	add_some(VM, 3000, 1);
	STEP(&k, true, 1, 0);
	drop(&k);
}

/* An update of the entry's mark through the project's own messages. */
static void mark_entry(struct nse_nl *nl, const struct ct_entry *e, uint32_t v)
{
	uint8_t buf[CT_MSG_MAX] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = (void *)buf;

	ct_msg_touch(buf, e);
	mnl_attr_put_u32(nlh, CTA_MARK, htonl(v));
	assert_int_equal(nse_nl_talk(nl, nlh, NULL, NULL, NULL), 0);
}

static int take_id(const struct nlmsghdr *nlh, void *arg)
{
	return ct_msg_parse(nlh, arg);
}

static void del_entry(struct nse_nl *nl, const struct ct_entry *e)
{
	uint8_t buf[CT_MSG_MAX] __attribute__((aligned(4)));
	struct ct_entry live;

	ct_msg_get(buf, e, &e->orig, false);
	assert_int_equal(nse_nl_talk(nl, (void *)buf, take_id, &live, NULL), 0);
	ct_msg_delete(buf, e, live.id);
	assert_int_equal(nse_nl_talk(nl, (void *)buf, NULL, NULL, NULL), 0);
}

/* Every third is deleted, every third gets a mark. */
static size_t disturb(const struct nse_context *ctx, uint32_t v)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	struct nse_record rec;
	struct ct_entry e;
	size_t n = 0;

	assert_int_equal(nse_nl_open(&nl, 0, 0, NULL), 0);
	for (uint32_t s = 0; s < nse_context_slots(ctx); s++) {
		if (s % 3 == 0 || !nse_context_at(ctx, s, &rec))
			continue;
		assert_int_equal(ct_row_decode(&rec, &e, NULL), 0);
		if (s % 3 == 1)
			mark_entry(nl, &e, v);
		else
			del_entry(nl, &e);
		n++;
	}
	return n;
}

/* IPv6, zones of both sorts, ICMP, NAT, children, … */
static void everything_there_is(void **state)
{
	struct kept k;
	size_t n;

	(void)state;
	for (int told = 0; told < 2; told++) {
		NETNS();
		events(told ? 2 : 0);
		memset(&k, 0, sizeof(k));
		k.scope = scope_all();
		if (told)
			keep_what(&k, "conntrack", 0);
		add_everything();
		events(2);
		if (!told)
			keep_what(&k, "conntrack", 0);
		step(&k, false);
		assert_true(is_true(&k));
		assert_true(nse_context_count(k.ctx) > 30);
		assert_int_equal(stats(&k)->silent, told ? 0 : nse_context_count(k.ctx));
		n = disturb(k.ctx, 0x55);
		step(&k, !told);
		assert_true(k.puts + k.dels >= n);
		assert_true(is_true(&k));
		assert_true(told ? stats(&k)->events > 0 : stats(&k)->events == 0);
		drop(&k);
	}
}

/* The ways to see all silent entries: by asking, by a dump. */
static void by_a_dump(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *ctx = NULL, *now = NULL;
	struct nse_scope scope = scope_all();
	struct nse_follow_stats st = { 0 };
	struct ct_follow *f = NULL;
	struct nse_delta d;

	(void)state;
	NETNS();
	nft(RULES_CT);
	events(0);
	add_some(VM, 1000, 2500);
	events(2);
	assert_int_equal(ct_follow_open(&scope, 1 << 20, (void **)&f, NULL), 0);
	ctx = collect_all();
	assert_int_equal(ct_follow_ops.begin(f, ctx, NULL), 0);
	assert_int_equal(nse_context_count(f->silent), 2500);
	assert_true(f->dump_us > 0);
	f->dump_us = 1; /* on this machine it may be either */
	mark(VM, 1100, 5);
	del(VM, 1200);
	add_some(VM, 100, 7);
	del(VM, 101);
	assert_int_equal(nse_delta_init(&d), 0);
	assert_int_equal(ct_follow_ops.changes(f, ctx, true, 1000, &d, &st, NULL), 0);
	assert_int_equal(f->looks, 0);
	assert_int_equal(nse_context_count(d.puts), 7);
	assert_int_equal(nse_context_count(d.dels), 1);
	assert_int_equal(nse_delta_apply(&d, ctx), 0);
	now = collect_all();
	assert_true(nse_context_digest(now, false) == nse_context_digest(ctx, false));
	assert_int_equal(nse_context_count(f->silent), 2499);
	/* One that takes longer than is allowed is none. */
	f->dump_us = 1001;
	assert_int_equal(ct_follow_ops.changes(f, ctx, true, 1000, &d, &st, NULL), 0);
	assert_true(f->looks > 0);
	nse_delta_release(&d);
	ct_follow_ops.close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(looking_in_turn),
		cmocka_unit_test(the_last_look),
		cmocka_unit_test(a_host_without_events),
		cmocka_unit_test(everything_there_is),
		cmocka_unit_test(by_a_dump),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
