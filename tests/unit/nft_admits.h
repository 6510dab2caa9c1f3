/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The context of web1 (nft_domains.h), and what a target says to it.
 */
#ifndef TESTS_UNIT_NFT_ADMITS_H
#define TESTS_UNIT_NFT_ADMITS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "lib/engine/nft/nft_engine.h"
#include "tests/unit/nft_domains.h"

static struct nse_context *ctx;

static UNUSED int admit_teardown(void **state)
{
	nse_context_free(ctx);
	ctx = NULL;
	return domains_teardown(state);
}

static UNUSED void collect(void)
{
	struct nse_sink sink;

	nse_context_free(ctx);
	ctx = nse_context_new();
	assert_non_null(ctx);
	sink = nse_context_sink(ctx);
	if (nft_collect(&scope, &sink, &err) < 0)
		fail_msg("%s", err.text);
}

static void check(void)
{
	struct nse_record rec;

	for (uint32_t s = 0; s < nse_context_slots(ctx); s++)
		if (nse_context_at(ctx, s, &rec) && nft_check(&rec, &err) < 0)
			fail_msg("check: %s", err.text);
}

static UNUSED void assert_admitted(void)
{
	check();
	if (nft_admit(&scope, ctx, &err) != 0)
		fail_msg("refused: %s", err.text);
}

static UNUSED void assert_refused(const char *text)
{
	check();
	err.text[0] = '\0';
	if (nft_admit(&scope, ctx, &err) != -EPERM || !strstr(err.text, text))
		fail_msg("'%s' lacks '%s'", err.text, text);
}

#endif
