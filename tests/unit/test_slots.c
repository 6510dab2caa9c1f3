/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lists of slots: they grow, and become sorted sets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/util/slots.h"

static void grows(void **state)
{
	struct nse_slots list = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 5000; i++)
		assert_int_equal(nse_slots_push(&list, 5000 - i), 0);
	assert_int_equal(list.n, 5000);
	for (uint32_t i = 0; i < 5000; i++)
		assert_int_equal(list.p[i], 5000 - i);
	nse_slots_release(&list);
	assert_null(list.p);
	assert_int_equal(list.n, 0);
	assert_int_equal(list.room, 0);
}

static void unites(void **state)
{
	static const uint32_t slots[] = { 7, UINT32_MAX, 0, 7, 7, 3, 0 };
	static const uint32_t want[] = { 0, 3, 7, UINT32_MAX };
	struct nse_slots list = { 0 };

	(void)state;
	nse_slots_unite(&list);
	assert_int_equal(list.n, 0);
	for (size_t i = 0; i < sizeof(slots) / sizeof(*slots); i++)
		assert_int_equal(nse_slots_push(&list, slots[i]), 0);
	nse_slots_unite(&list);
	assert_int_equal(list.n, 4);
	assert_memory_equal(list.p, want, sizeof(want));
	nse_slots_release(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows),
		cmocka_unit_test(unites),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
