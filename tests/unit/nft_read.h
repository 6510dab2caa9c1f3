/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of trying and reading rules share: a ruleset in a namespace,
 * as a context.
 */
#ifndef NSE_TESTS_NFT_READ_H
#define NSE_TESTS_NFT_READ_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/engine/nft/nft_engine.h"
#include "lib/engine/nft/object.h"
#include "lib/util/cleanup.h"
#include "tests/unit/shell.h"

#define UNUSED __attribute__((unused))

/* Loads a ruleset in nft's syntax into a new namespace; the test stays there. */
static UNUSED void load_ruleset(const char *ruleset)
{
	char *argv[] = { "nft", "-f", "/dev/stdin", NULL };
	struct nse_error err = { 0 };

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	if (nse_run(argv, ruleset, NULL, 1u << 20, nse_now_us() + 60 * 1000000, &err))
		fail_msg("nft -f failed: %s\n%s", err.text, ruleset);
}

/* Everything that this namespace has. */
static UNUSED struct nse_context *collect_all(void)
{
	struct nse_context *ctx = nse_context_new();
	struct nse_sink sink = nse_context_sink(ctx);
	struct nse_error err = { 0 };
	struct nse_scope scope;

	nse_scope_init(&scope);
	scope.all = true;
	if (nft_collect(&scope, &sink, &err) < 0)
		fail_msg("%s", err.text);
	nse_scope_release(&scope);
	return ctx;
}

static UNUSED struct nse_context *context_of(const char *ruleset)
{
	load_ruleset(ruleset);
	return collect_all();
}

/* The slot of the record with that name (nft_key_text), or NSE_CONTEXT_NONE. */
static UNUSED uint32_t slot_of(const struct nse_context *ctx, const char *name)
{
	struct nse_record rec;
	struct nft_key key;
	char text[512];

	for (uint32_t s = 0; s < nse_context_slots(ctx); s++) {
		if (!nse_context_at(ctx, s, &rec) || nft_key_decode(&rec, &key, NULL) < 0)
			continue;
		nft_key_text(&key, text, sizeof(text));
		if (strcmp(text, name) == 0)
			return s;
	}
	return NSE_CONTEXT_NONE;
}

/* Makes a dependency of a record. */
static UNUSED void make_need(struct nse_context *ctx, const char *name)
{
	uint32_t slot = slot_of(ctx, name);
	struct nse_record rec, need;
	uint8_t bytes[4096];
	struct nft_key key;

	assert_true(nse_context_at(ctx, slot, &rec));
	assert_true(rec.key.n < sizeof(bytes));
	assert_int_equal(nft_key_decode(&rec, &key, NULL), 0);
	need = rec;
	need.kind = &nft_need_kinds[key.type];
	memcpy(bytes, rec.key.p, rec.key.n);
	assert_int_equal(nse_context_put(ctx, &need, NULL), 0);
	assert_int_equal(nse_context_del(ctx, &nft_kinds[key.type],
					 (struct nse_bytes){ bytes, need.key.n }),
			 0);
}

/* Replaces a word in a record's body by one of the same length. */
static UNUSED void forge(struct nse_context *ctx, const char *name, const char *word,
			 const char *by)
{
	uint32_t slot = slot_of(ctx, name);
	uint8_t body[4096], *at;
	struct nse_record rec;

	assert_true(nse_context_at(ctx, slot, &rec));
	assert_true(rec.body.n <= sizeof(body) && strlen(word) == strlen(by));
	memcpy(body, rec.body.p, rec.body.n);
	at = memmem(body, rec.body.n, word, strlen(word));
	assert_non_null(at);
	memcpy(at, by, strlen(by));
	rec.body.p = body;
	assert_int_equal(nse_context_put(ctx, &rec, NULL), 0);
}

#endif
