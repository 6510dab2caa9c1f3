/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The runner of steps: order, undo, the line of no return.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "lib/session/steps.h"

struct world {
	char log[64]; /* one letter for each thing done */
	int fail_at;  /* the step (1 to 3) that fails; 0: none */
	bool bad_undo;
	bool tries; /* the first step says so when it fails, and succeeds */
};

static void write_log(struct world *w, char c)
{
	size_t n = strlen(w->log);

	w->log[n] = c;
	w->log[n + 1] = '\0';
}

static int run_n(struct world *w, int n, struct nse_error *err)
{
	write_log(w, (char)('0' + n));
	if (w->tries && n == 1)
		nse_error(err, -EAGAIN, "once more");
	return w->fail_at == n ? nse_error(err, -EIO, "step %d broke", n) : 0;
}

static int undo_n(struct world *w, char c, struct nse_error *err)
{
	write_log(w, c);
	return w->bad_undo && c == 'b' ? nse_error(err, -EBUSY, "stuck") : 0;
}

static int run1(void *w, struct nse_error *err)
{
	return run_n(w, 1, err);
}

static int run2(void *w, struct nse_error *err)
{
	return run_n(w, 2, err);
}

static int run3(void *w, struct nse_error *err)
{
	return run_n(w, 3, err);
}

static int undo1(void *w, struct nse_error *err)
{
	return undo_n(w, 'a', err);
}

static int undo2(void *w, struct nse_error *err)
{
	return undo_n(w, 'b', err);
}

static const struct nse_step no_line[] = {
	{ "one", run1, undo1, false, NULL },
	{ "two", run2, undo2, false, NULL },
	{ "three", run3, NULL, false, "counting" },
	{ 0 },
};

static const struct nse_step with_line[] = {
	{ "one", run1, undo1, false, NULL },
	{ "two", run2, undo2, true, NULL },
	{ "three", run3, NULL, false, NULL },
	{ 0 },
};

static int go(const struct nse_step *table, struct world *w, struct nse_steps *s,
	      struct nse_error *err)
{
	nse_steps_init(s, table, w);
	return nse_steps_run(s, err);
}

static void test_all_run(void **state)
{
	struct world w = { 0 };
	struct nse_error err = { 0 };
	struct nse_steps s;

	(void)state;
	assert_int_equal(go(no_line, &w, &s, &err), 0);
	assert_string_equal(w.log, "123");
	assert_null(s.failed_at);
	assert_string_equal(nse_steps_failed_what(&s), "");
	assert_int_equal(nse_steps_undo(&s, &err), 0);
	assert_string_equal(w.log, "123ba");
}

static void test_retry_leaves_no_text(void **state)
{
	struct world w = { .tries = true };
	struct nse_error err = { 0 };
	struct nse_steps s;

	(void)state;
	assert_int_equal(go(no_line, &w, &s, &err), 0);
	assert_int_equal(err.code, 0);
	assert_string_equal(err.text, "");
}

static void test_failure_undoes_backwards(void **state)
{
	struct world w = { .fail_at = 3 };
	struct nse_error err = { 0 };
	struct nse_steps s;

	(void)state;
	assert_int_equal(go(no_line, &w, &s, &err), -EIO);
	assert_string_equal(w.log, "123ba");
	assert_string_equal(s.failed_at, "three");
	assert_string_equal(nse_steps_failed_what(&s), "counting");
	assert_string_equal(err.text, "step 3 broke");
}

static void test_failed_step_is_undone_itself(void **state)
{
	struct world w = { .fail_at = 2 };
	struct nse_error err = { 0 };
	struct nse_steps s;

	(void)state;
	assert_int_equal(go(no_line, &w, &s, &err), -EIO);
	assert_string_equal(w.log, "12ba");
}

static void test_nothing_undone_behind_the_line(void **state)
{
	struct world w = { .fail_at = 3 };
	struct nse_error err = { 0 };
	struct nse_steps s;

	(void)state;
	assert_int_equal(go(with_line, &w, &s, &err), -EIO);
	assert_true(s.crossed);
	assert_string_equal(w.log, "123");
}

static void test_failing_at_the_line_is_before_it(void **state)
{
	struct world w = { .fail_at = 2 };
	struct nse_error err = { 0 };
	struct nse_steps s;

	(void)state;
	assert_int_equal(go(with_line, &w, &s, &err), -EIO);
	assert_false(s.crossed);
	assert_string_equal(w.log, "12ba");
}

static void test_undo_goes_on_after_an_error(void **state)
{
	struct world w = { .fail_at = 3, .bad_undo = true };
	struct nse_error err = { 0 };
	struct nse_steps s;

	(void)state;
	assert_int_equal(go(no_line, &w, &s, &err), -EIO);
	assert_string_equal(w.log, "123ba");
	assert_string_equal(err.text, "step 3 broke");
	assert_int_equal(s.undo.code, -EBUSY);
	assert_string_equal(s.undo.text, "undoing 'two': stuck");
}

struct told {
	struct world w; /* first, for the steps */
	const struct nse_steps *s;
	char names[64];
};

static void on_change(void *arg)
{
	struct told *t = arg;
	size_t n = strlen(t->names);

	snprintf(t->names + n, sizeof(t->names) - n, "%s ", t->s->now);
}

static void test_says_which_step_runs(void **state)
{
	struct told t = { .w = { .fail_at = 3 } };
	struct nse_error err = { 0 };
	struct nse_steps s;

	(void)state;
	t.s = &s;
	nse_steps_init(&s, no_line, &t);
	s.changed = on_change;
	assert_int_equal(nse_steps_run(&s, &err), -EIO);
	assert_string_equal(t.names, "one two three undo ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_run),
		cmocka_unit_test(test_retry_leaves_no_text),
		cmocka_unit_test(test_failure_undoes_backwards),
		cmocka_unit_test(test_failed_step_is_undone_itself),
		cmocka_unit_test(test_nothing_undone_behind_the_line),
		cmocka_unit_test(test_failing_at_the_line_is_before_it),
		cmocka_unit_test(test_undo_goes_on_after_an_error),
		cmocka_unit_test(test_says_which_step_runs),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
