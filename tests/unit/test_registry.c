/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The list of engines and the loops over it, as far as they need no kernel:
 * names, foreign records, relocation, and failures that stop nobody else.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/engine/ct_row.h"
#include "lib/engine/expect_row.h"
#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"

static void test_names(void **state)
{
	struct nse_error err = { 0 };
	uint32_t set = 0;

	(void)state;
	/* Rules come ahead of connections, masters ahead of what they expect. */
	assert_string_equal(nse_engines[0]->name, "nft");
	assert_string_equal(nse_engines[1]->name, "conntrack");
	assert_string_equal(nse_engines[2]->name, "expect");
	assert_ptr_equal(nse_engine_find("expect"), nse_engines[2]);
	assert_null(nse_engine_find("expec"));
	assert_null(nse_engine_find(""));
	assert_int_equal(nse_engines_parse("conntrack", &set, &err), 0);
	assert_int_equal(set, 2);
	assert_int_equal(nse_engines_parse("expect,conntrack,expect", &set, &err), 0);
	assert_int_equal(set, 6);
	for (size_t i = 0; i < 5; i++) {
		static const char *const bad[] = { "", "nf", "expect,", ",expect",
						   "conntrac" };

		assert_int_equal(nse_engines_parse(bad[i], &set, &err), -EINVAL);
		assert_non_null(strstr(err.text, "nft, conntrack, expect"));
		assert_int_equal(set, 6);
	}
}

/* Every function of the table is there: the loops do not ask. */
static void test_tables(void **state)
{
	(void)state;
	for (size_t i = 0; nse_engines[i]; i++) {
		const struct nse_engine *e = nse_engines[i];

		assert_true(nse_kind_name_ok(e->name));
		assert_non_null(e->types[0]);
		for (size_t t = 0; e->types[t]; t++)
			assert_true(nse_kind_name_ok(e->types[t]));
		assert_true(e->facts && e->preflight && e->collect && e->check &&
			    e->in_scope && e->shared && e->relocate && e->install &&
			    e->settle && e->verify && e->undo && e->remove &&
			    e->describe);
	}
}

static struct nse_context *one(const char *engine, const char *type)
{
	struct nse_context *ctx = nse_context_new();
	struct nse_kind kind = { "", "" };
	struct nse_record rec = { .kind = &kind,
				  .key = { (const uint8_t *)"\x01\xfe", 2 },
				  .body = { (const uint8_t *)"", 0 },
				  .state = { (const uint8_t *)"\0", 1 } };

	snprintf(kind.engine, sizeof(kind.engine), "%s", engine);
	snprintf(kind.type, sizeof(kind.type), "%s", type);
	assert_int_equal(nse_context_put(ctx, &rec, NULL), 0);
	return ctx;
}

static void check(const char *engine, const char *type, int code, const char *text)
{
	struct nse_context *ctx = one(engine, type);
	struct nse_error err = { 0 };

	assert_int_equal(nse_engines_check(ctx, &err), code);
	if (!strstr(err.text, text))
		fail_msg("'%s' lacks '%s'", err.text, text);
	assert_non_null(strstr(err.text, "record 0"));
	nse_context_free(ctx);
}

static void test_foreign(void **state)
{
	(void)state;
	check("arp", "rule", -ENOTSUP, "no engine 'arp'");
	check("nft", "rule", -EBADMSG, "rule");
	check("expect", "entry", -ENOTSUP, "no type 'entry'");
	check("expect", "expectation", -EBADMSG, "expectation");
	check("conntrack", "entry", -EBADMSG, "conntrack entry");
}

static void as_hex(const char *engine, const char *type)
{
	struct nse_context *ctx = one(engine, type);
	struct nse_record rec;
	json_t *json, *want;

	assert_true(nse_context_at(ctx, 0, &rec));
	json = nse_record_to_json(&rec);
	want = json_pack("{s:s,s:s,s:{s:s},s:{s:s},s:{s:s}}", "engine", engine, "type",
			 type, "key", "hex", "01fe", "body", "hex", "", "state", "hex",
			 "00");
	assert_true(json_equal(json, want));
	json_decref(json);
	json_decref(want);
	nse_context_free(ctx);
}

/* Nothing is hidden, and nothing that is broken reaches describe(). */
static void test_hex(void **state)
{
	(void)state;
	as_hex("arp", "rule");
	as_hex("nft", "rule");
	as_hex("expect", "unknown");
	as_hex("expect", "expectation");
	as_hex("conntrack", "entry");
}

static void put_entry(struct nse_context *ctx, uint8_t last)
{
	struct ct_entry e = { .l3 = 4,
			      .l4 = 17,
			      .orig = { .src = { 10, 0, 0, last },
					.dst = { 192, 0, 2, 1 },
					.l4 = { 1, 1, 0, 53 } },
			      .timeout = 30 };
	struct ct_row row;

	assert_true(ct_invert(4, 17, &e.orig, &e.reply));
	ct_row_encode(&e, &row);
	assert_int_equal(nse_context_put(ctx, &row.rec, NULL), 0);
}

/* A big context is checked in parts, and the first bad record is named. */
static void test_many(void **state)
{
	const uint32_t n = 40000, bad[] = { 39999, 20001, 7 };
	struct nse_context *ctx = nse_context_new();
	struct nse_error err = { 0 };
	struct nse_record rec;
	uint32_t slot;
	char text[32];

	(void)state;
	for (uint32_t i = 0; i < n; i++) {
		struct ct_entry e = { .l3 = 4, .l4 = 17, .timeout = 30 };
		struct ct_row row;

		memcpy(e.orig.src, &i, sizeof(i));
		e.orig.l4[3] = 53;
		assert_true(ct_invert(4, 17, &e.orig, &e.reply));
		ct_row_encode(&e, &row);
		assert_int_equal(nse_context_put(ctx, &row.rec, &slot), 0);
		assert_int_equal(slot, i);
	}
	assert_int_equal(nse_engines_check(ctx, &err), 0);
	for (size_t i = 0; i < NSE_ARRAY_SIZE(bad); i++) {
		assert_true(nse_context_at(ctx, bad[i], &rec));
		rec.body.n--;
		assert_int_equal(nse_context_put(ctx, &rec, &slot), 0);
		assert_int_equal(slot, bad[i]);
		assert_int_equal(nse_engines_check(ctx, &err), -EBADMSG);
		snprintf(text, sizeof(text), "record %u ", bad[i]);
		assert_non_null(strstr(err.text, text));
	}
	assert_int_equal(nse_engines_check(ctx, NULL), -EBADMSG);
	nse_context_free(ctx);
}

static void put_expectation(struct nse_context *ctx)
{
	struct nse_buf part[3] = { NSE_BUF_INIT(NSE_RECORD_MAX),
				   NSE_BUF_INIT(NSE_RECORD_MAX),
				   NSE_BUF_INIT(NSE_RECORD_MAX) };
	struct nse_expect e = { .l3 = 4, .l4 = 17, .master_l4 = 17, .helper = "tftp" };
	struct nse_record rec = { .kind = &nse_expect_kind };

	assert_int_equal(nse_expect_encode(&e, &part[0], &part[1], &part[2]), 0);
	rec.key = (struct nse_bytes){ part[0].data, part[0].len };
	rec.body = (struct nse_bytes){ part[1].data, part[1].len };
	rec.state = (struct nse_bytes){ part[2].data, part[2].len };
	assert_int_equal(nse_context_put(ctx, &rec, NULL), 0);
	for (size_t i = 0; i < 3; i++)
		nse_buf_release(&part[i]);
}

static void test_relocate(void **state)
{
	struct nse_context *from = nse_context_new(), *to = NULL;
	struct nse_map map = NSE_MAP_INIT;
	struct nse_error err = { 0 };

	(void)state;
	put_entry(from, 1);
	put_entry(from, 2);
	put_expectation(from);
	assert_int_equal(nse_engines_relocate(&map, from, &to, &err), 0);
	assert_int_equal(nse_context_digest(from, true), nse_context_digest(to, true));
	nse_context_free(to);
	to = NULL;
	/* Two flows that differ in nothing but what the map makes equal. */
	assert_int_equal(nse_map_add_addr(&map, "10.0.0.1=10.0.0.2", &err), 0);
	assert_int_equal(nse_engines_relocate(&map, from, &to, &err), -EEXIST);
	assert_null(to);
	assert_non_null(strstr(err.text, "one record of two"));
	nse_map_release(&map);
	nse_context_free(from);
	from = one("arp", "rule");
	assert_int_equal(nse_engines_relocate(&map, from, &to, &err), -ENOTSUP);
	nse_context_free(from);
}

/* Without a privilege neither engine can undo, and both stay as they were. */
static int undo_without_privilege(void)
{
	struct nse_context *ctx = nse_context_new();
	struct nse_error err = { 0 };
	struct nse_job job;
	int rc;

	put_entry(ctx, 1);
	put_expectation(ctx);
	if ((geteuid() == 0 && setresuid(65534, 65534, 65534) < 0) ||
	    nse_job_init(&job, ctx, 0) < 0)
		return 2;
	nse_job_outcome(&job, 0, NSE_CREATED);
	nse_job_outcome(&job, 1, NSE_CREATED);
	rc = nse_engines_undo(NSE_ENGINES_ALL, &job, &err);
	rc = rc == -EPERM && err.code == -EPERM && err.text[0] && job.created == 2 ? 0
										   : 1;
	nse_job_release(&job);
	nse_context_free(ctx);
	return rc;
}

static void test_failures(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	/* Who is not root has no privilege anyway. */
	pid = fork();
	if (pid == 0)
		_exit(undo_without_privilege());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	 cmocka_unit_test(test_tables),
		cmocka_unit_test(test_foreign),	 cmocka_unit_test(test_hex),
		cmocka_unit_test(test_many),	 cmocka_unit_test(test_relocate),
		cmocka_unit_test(test_failures),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
