/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Expectations that meet something on the host where they arrive: what is in
 * their place, what is missing, what the kernel refuses.
 */
#include "tests/unit/expect_hosts.h"

/* What exists stays as it is, whether alike or not. */
static void test_existing(void **state)
{
	struct spec s = ftp;
	struct nse_context *ctx, *before, *after;
	struct nse_job job;
	struct nse_error err = { 0 };

	(void)state;
	start();
	make(&ftp);
	ctx = collect(engine("expect"), NULL, -1);

	on(hosts.b);
	make(&ftp);
	install(&job, ctx, 0);
	assert_int_equal(job.kept, 1);
	assert_int_equal(nse_engines_undo(NSE_ENGINES_ALL, &job, &err), 0);
	assert_int_equal(here(NULL, -1), 1);
	nse_job_release(&job);

	/* Another one in its place, of another source. */
	flush(hosts.b);
	s.mask = NULL;
	s.esrc = "0.0.0.0";
	make(&s);
	before = collect(engine("expect"), NULL, -1);
	install(&job, ctx, 0);
	assert_int_equal(job.refused, 1);
	assert_int_equal(job.refusals[0].code, -EEXIST);
	nse_job_release(&job);
	after = collect(engine("expect"), NULL, -1);
	equal(before, after);
	nse_context_free(before);
	nse_context_free(after);

	/* Another port: the kernel would put it out for ours. */
	flush(hosts.b);
	s = ftp;
	s.edport = 31000;
	make(&s);
	before = collect(engine("expect"), NULL, -1);
	install(&job, ctx, 0);
	assert_int_equal(job.refused, 1);
	assert_int_equal(job.refusals[0].code, -EEXIST);
	nse_job_release(&job);
	after = collect(engine("expect"), NULL, -1);
	equal(before, after);
	nse_context_free(before);
	nse_context_free(after);
	nse_context_free(ctx);
}

/* A context with more than the helper allows at once cannot be whole. */
static void test_evicted(void **state)
{
	struct spec s = ftp;
	struct nse_context *ctx, *second;
	struct nse_record rec;
	struct nse_job job;

	(void)state;
	start();
	make(&ftp);
	ctx = collect(NSE_ENGINES_ALL, NULL, -1);
	s.edport = 31000;
	make_expectation(&s, 50);
	second = collect(engine("expect"), NULL, -1);
	assert_int_equal(count(second), 1);
	assert_true(nse_context_at(second, 0, &rec));
	assert_int_equal(nse_context_put(ctx, &rec, NULL), 0);
	on(hosts.b);
	install(&job, ctx, 0);
	assert_int_equal(job.created, 2);
	assert_int_equal(job.refused, 1);
	assert_non_null(strstr(job.refusals[0].why, "put out"));
	nse_job_release(&job);
	nse_context_free(ctx);
	nse_context_free(second);
}

static void refused(const struct nse_context *ctx, int code)
{
	struct nse_problems p = NSE_PROBLEMS_INIT;
	struct nse_error err = { 0 };
	struct nse_job job;

	for (unsigned int dry = 0; dry < 2; dry++) {
		install(&job, ctx, dry ? NSE_JOB_DRY_RUN : 0);
		assert_int_equal(job.refused, 1);
		assert_int_equal(job.refusals[0].code, code);
		nse_job_release(&job);
	}
	assert_int_equal(nse_engines_preflight(engine("expect"), ctx, NULL, &p, &err), 0);
	assert_int_equal(nse_problems_worst(&p), NSE_FAIL);
	nse_problems_release(&p);
	assert_int_equal(here(NULL, -1), 0);
}

static void test_masters(void **state)
{
	struct spec s = ftp;
	struct nse_problems p = NSE_PROBLEMS_INIT;
	struct nse_context *ctx, *both;
	struct nse_error err = { 0 };
	struct nse_job job;

	(void)state;
	start();
	make(&ftp);
	ctx = collect(engine("expect"), NULL, -1);
	both = collect(NSE_ENGINES_ALL, NULL, -1);
	on(hosts.b);
	refused(ctx, -ENOENT);
	s.helper = NULL;
	make_master(&s);
	refused(ctx, -EOPNOTSUPP);
	flush(hosts.b);
	s.helper = "irc";
	make_master(&s);
	refused(ctx, -EOPNOTSUPP);
	flush(hosts.b);
	/* Here or in the context, both will do. */
	assert_int_equal(nse_engines_preflight(engine("expect"), both, NULL, &p, &err),
			 0);
	assert_int_equal(p.n, 0);
	make_master(&ftp);
	assert_int_equal(nse_engines_preflight(engine("expect"), ctx, NULL, &p, &err), 0);
	assert_int_equal(p.n, 0);
	flush(hosts.b);
	install(&job, both, NSE_JOB_DRY_RUN);
	all_created(&job);
	assert_int_equal(nse_engines_undo(NSE_ENGINES_ALL, &job, &err), 0);
	nse_job_release(&job);
	assert_int_equal(here(NULL, -1), 0);
	nse_context_free(ctx);
	nse_context_free(both);
}

static void test_dry_removal(void **state)
{
	struct nse_context *ctx;
	struct nse_job job;

	(void)state;
	start();
	make(&ftp);
	ctx = collect(engine("expect"), NULL, -1);
	assert_int_equal(nse_job_init(&job, ctx, NSE_JOB_DRY_RUN), 0);
	assert_int_equal(nse_engines_remove(NSE_ENGINES_ALL, &job, NULL), 0);
	assert_int_equal(job.removed, 1);
	assert_int_equal(here(NULL, -1), 1);
	nse_job_release(&job);
	nse_context_free(ctx);
}

/* A function of the kernel that does not exist. */
static void test_unknown_function(void **state)
{
	struct nse_buf parts[3] = { NSE_BUF_INIT(NSE_RECORD_MAX),
				    NSE_BUF_INIT(NSE_RECORD_MAX),
				    NSE_BUF_INIT(NSE_RECORD_MAX) };
	struct nse_context *ctx, *odd;
	struct nse_record rec = { .kind = &nse_expect_kind };
	struct nse_expect e;
	struct nse_job job;

	(void)state;
	start();
	odd = nse_context_new();
	make(&ftp);
	ctx = collect(engine("expect"), NULL, -1);
	e = only(ctx);
	snprintf(e.function, sizeof(e.function), "no-such-function");
	assert_int_equal(nse_expect_encode(&e, &parts[0], &parts[1], &parts[2]), 0);
	rec.key = (struct nse_bytes){ parts[0].data, parts[0].len };
	rec.body = (struct nse_bytes){ parts[1].data, parts[1].len };
	rec.state = (struct nse_bytes){ parts[2].data, parts[2].len };
	assert_int_equal(nse_context_put(odd, &rec, NULL), 0);
	on(hosts.b);
	make_master(&ftp);
	install(&job, odd, 0);
	assert_int_equal(job.refused, 1);
	assert_int_equal(job.refusals[0].code, -EINVAL);
	assert_non_null(strstr(job.refusals[0].why, "function"));
	nse_job_release(&job);
	for (size_t i = 0; i < 3; i++)
		nse_buf_release(&parts[i]);
	nse_context_free(ctx);
	nse_context_free(odd);
}

/* What the kernel cannot be told is said beforehand. */
static void test_losses(void **state)
{
	struct nse_context *ctx;
	struct nse_problems p = NSE_PROBLEMS_INIT;
	struct nse_expect e = sample();
	struct nse_error err = { 0 };
	struct bytes b;

	(void)state;
	start();
	ctx = nse_context_new();
	e.zone_orig = e.zone_reply = 0;
	e.flags = NF_CT_EXPECT_USERSPACE;
	memcpy(e.tuple.src, "\x0a\x00\x00\x01", 4);
	pack(&b, &e);
	assert_int_equal(nse_context_put(ctx, &b.rec, NULL), 0);
	on(hosts.b);
	make_master(&ftp);
	assert_int_equal(nse_engines_preflight(engine("expect"), ctx, NULL, &p, &err), 0);
	assert_int_equal(p.n, 1);
	assert_int_equal(p.items[0].severity, NSE_LOSS);
	assert_non_null(strstr(p.items[0].text, "user space"));
	nse_problems_release(&p);
	unpack(&b);
	nse_context_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_existing),
		cmocka_unit_test(test_evicted),
		cmocka_unit_test(test_masters),
		cmocka_unit_test(test_dry_removal),
		cmocka_unit_test(test_unknown_function),
		cmocka_unit_test(test_losses),
	};

	if (!may_unshare())
		return 0;
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, setup, teardown);
}
