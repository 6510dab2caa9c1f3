/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Following over the list of engines: what it does when events got lost, and about
 * engines that cannot be followed.
 */
#include "tests/unit/ct_kept.h"

#define FLOOD 140000u /* more events than 64 MiB hold */

static void lost_events(void **state)
{
	struct kept k;

	(void)state;
	NETNS();
	nft(RULES_CT);
	events(1);
	add_some(VM, 1000, 5);
	add_some(OTHER, 1000, 1);
	keep(&k, 0);
	for (int last = 0; last < 2; last++) {
		uint16_t more = (uint16_t)(2000 + 100 * last);

		/* Another domain's noise drowns what happens to ours. */
		flood(OTHER, 1000, FLOOD);
		add_some(VM, more, 3);
		mark(VM, 1000, (uint32_t)last + 1);
		del(VM, (uint16_t)(1001 + last));
		step(&k, last);
		assert_true(is_true(&k));
		assert_int_equal(stats(&k)->resyncs, last + 1);
		/* And it goes on. */
		mark(VM, more, 1);
		del(VM, (uint16_t)(more + 1));
		STEP(&k, false, 1, 1);
		assert_int_equal(stats(&k)->resyncs, last + 1);
		assert_int_equal(stats(&k)->silent, 0);
	}
	drop(&k);
}

/* Engines that cannot be followed are seen at last. */
static void other_engines(void **state)
{
	struct kept k = { 0 };

	(void)state;
	NETNS();
	nft(RULES_CT "table inet vm { chain c { tcp dport 80 accept; }; }\n"
		     "table inet other { chain c { }; }\n");
	events(2);
	add_some(VM, 1000, 2);
	nse_scope_init(&k.scope);
	scope_add(&k.scope, VM);
	assert_int_equal(nse_scope_add_table(&k.scope, "inet:vm", NULL), 0);
	keep_what(&k, "nft,conntrack,expect", 0);
	assert_true(nse_context_count(k.ctx) > 2);
	nft("add rule inet vm c tcp dport 81 accept\n"
	    "add chain inet vm d\n"
	    "add rule inet other c tcp dport 81 accept\n");
	add_some(VM, 2000, 1);
	step(&k, false);
	assert_int_equal(k.puts, 1);
	assert_false(is_true(&k));
	step(&k, true);
	assert_true(k.puts >= 2);
	assert_true(is_true(&k));
	nft("delete chain inet vm d\n");
	step(&k, true);
	assert_int_equal(k.dels, 1);
	assert_true(is_true(&k));
	STEP(&k, true, 0, 0);
	drop(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lost_events),
		cmocka_unit_test(other_engines),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
