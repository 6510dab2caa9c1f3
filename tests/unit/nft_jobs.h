/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of installing share: jobs on the present namespace, and what
 * nft(8) says of it before and after.
 */
#ifndef NSE_TESTS_NFT_JOBS_H
#define NSE_TESTS_NFT_JOBS_H

#include <errno.h>

#include "tests/unit/nft_read.h"

#include "lib/engine/engine.h"

static UNUSED void new_host(void)
{
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(shell("ip link set lo up"), 0);
}

/* Adds to what the present namespace has. */
static UNUSED void add_rules(const char *text)
{
	char *argv[] = { "nft", "-f", "/dev/stdin", NULL };
	struct nse_error err = { 0 };

	if (nse_run(argv, text, NULL, 1u << 20, nse_now_us() + 60 * 1000000, &err))
		fail_msg("nft -f failed: %s\n%s", err.text, text);
}

/* What nft(8) lists; the caller frees it. `option` as "-a" for handles. */
static UNUSED char *listing(const char *option)
{
	char *argv[] = { "nft", (char *)option, "list", "ruleset", NULL }, *out = NULL;

	assert_int_equal(nse_run(argv, NULL, &out, 1u << 24, nse_now_us() + 60 * 1000000,
				 NULL),
			 0);
	return out;
}

static UNUSED void assert_listing(const char *option, const char *wanted)
{
	NSE_FREE char *now = listing(option);

	assert_string_equal(now, wanted);
}

/* Does what nft(8) lists have the text? */
static UNUSED bool lists(const char *text)
{
	NSE_FREE char *now = listing("-s");

	return strstr(now, text) != NULL;
}

static UNUSED struct nse_job job_of(const struct nse_context *ctx, unsigned int flags)
{
	struct nse_job job;

	assert_int_equal(nse_job_init(&job, ctx, flags), 0);
	return job;
}

static UNUSED void install(struct nse_job *job)
{
	struct nse_error err = { 0 };

	if (nft_install(job, &err) < 0)
		fail_msg("%s", err.text);
}

/* Installs all of it, which is new here, and reads it back. */
static UNUSED void install_new(struct nse_job *job)
{
	struct nse_error err = { 0 };

	install(job);
	if (job->refused)
		fail_msg("%s", job->refusals[0].why);
	assert_int_equal(job->created, nse_context_count(job->ctx));
	if (nft_verify(job, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(job->verified, job->created);
	assert_int_equal(job->differ, 0);
}

static UNUSED void undo(struct nse_job *job)
{
	struct nse_error err = { 0 };

	if (nft_undo(job, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(job->created, 0);
}

/* A job that removes: the caller releases it. */
static UNUSED struct nse_job removed(const struct nse_context *ctx)
{
	struct nse_job job = job_of(ctx, 0);
	struct nse_error err = { 0 };

	if (nft_remove(&job, &err) < 0)
		fail_msg("%s", err.text);
	return job;
}

/* Is refused, nothing changes, and the reason of one has all of the words. */
static UNUSED void expect_refusal(const struct nse_context *ctx, const char *name,
				  const char *why)
{
	NSE_FREE char *before = listing("-as");
	struct nse_job job = job_of(ctx, 0);
	bool found = false;

	install(&job);
	assert_true(job.refused > 0);
	assert_int_equal(job.created, 0);
	for (size_t i = 0; i < job.nrefusals; i++)
		found |= strstr(job.refusals[i].why, name) &&
			 strstr(job.refusals[i].why, why);
	if (!found)
		fail_msg("'%s' does not name '%s' and '%s'",
			 job.nrefusals ? job.refusals[0].why : "", name, why);
	assert_listing("-as", before);
	nse_job_release(&job);
}

/* What the present namespace has of a domain with this interface and address. */
static UNUSED struct nse_context *domain_of(const char *vif, const char *addr,
					    const char *others)
{
	struct nse_context *ctx = nse_context_new();
	struct nse_sink sink = nse_context_sink(ctx);
	struct nse_vif v = { .devid = 0 };
	struct nse_error err = { 0 };
	struct nse_scope scope;
	struct nse_addr a;

	nse_scope_init(&scope);
	snprintf(v.name, sizeof(v.name), "%s", vif);
	assert_int_equal(nse_domain_add_vif(&scope.domain, &v), 0);
	assert_int_equal(nse_addr_parse(addr, &a, &err), 0);
	assert_int_equal(nse_domain_add_addr(&scope.domain, &a), 0);
	if (others) {
		assert_int_equal(nse_addr_parse(others, &a, &err), 0);
		assert_int_equal(nse_domain_add_addr(&scope.others, &a), 0);
	}
	if (nft_collect(&scope, &sink, &err) < 0)
		fail_msg("%s", err.text);
	nse_scope_release(&scope);
	return ctx;
}

#endif
