/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rules compared by content and order: numbers do not matter, what belongs to
 * single rules goes with them, and skeleton rules stand among the others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/netfilter.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/object.h"
#include "lib/engine/nft/rule_diff.h"
#include "lib/engine/nft/rule_list.h"
#include "lib/util/cleanup.h"

static void put(struct nse_context *ctx, const struct nft_key *key, const void *body,
		size_t n, const char *moving)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(NSE_RECORD_MAX);
	struct nse_record rec = {
		.kind = key->need ? &nft_need_kinds[key->type] : &nft_kinds[key->type],
		.body = { body, n },
		.state = nft_str(moving),
	};

	assert_int_equal(nft_key_encode(key, &b), 0);
	rec.key = (struct nse_bytes){ b.data, b.len };
	assert_int_equal(nse_context_put(ctx, &rec, NULL), 0);
}

/* A rule whose content is a word; its attributes need not be any here. */
static void put_rule(struct nse_context *ctx, const char *chain, bool need,
		     uint32_t number, uint32_t place, const char *word,
		     const char *moving)
{
	struct nft_key key = { .type = NFT_RULE,
			       .need = need,
			       .family = NFPROTO_INET,
			       .table = nft_str("filter"),
			       .name = nft_str(chain),
			       .rule = number };
	uint8_t body[NFT_RULE_HEAD + 64] = { NFT_LAYOUT };
	size_t n = strlen(word);

	nse_st32(body + 9, place);
	memcpy(body + NFT_RULE_HEAD, word, n);
	put(ctx, &key, body, NFT_RULE_HEAD + n, moving);
}

/* A chain of one-letter rules. */
static struct nse_context *chain_of(const char *letters)
{
	struct nse_context *ctx = nse_context_new();

	for (uint32_t i = 0; letters[i]; i++)
		put_rule(ctx, "c", false, i, NFT_PLACE_NONE, (char[]){ letters[i], 0 },
			 "");
	return ctx;
}

static void put_set(struct nse_context *ctx, const char *name, const char *moving)
{
	struct nft_key key = { .type = NFT_SET,
			       .family = NFPROTO_INET,
			       .table = nft_str("filter"),
			       .name = nft_str(name) };

	put(ctx, &key, "\1", 1, moving);
	key.type = NFT_ELEMENT;
	key.bytes = nft_str("1234");
	key.kind = NFT_ELEMENT_PLAIN;
	put(ctx, &key, "\1", 1, moving);
}

/* The items as text: "-a+b" by the first letter of each rule, others in words. */
static const char *text_of(struct nse_context *a, struct nse_context *b,
			   unsigned int flags)
{
	static char text[4096];
	struct nse_diff d;
	size_t len = 0, counts[3] = { 0 };

	assert_int_equal(nse_diff(a, b, flags, &d), 0);
	assert_int_equal(nft_rule_diff(a, b, flags, &d, NULL), 0);
	text[0] = '\0';
	for (size_t i = 0; i < d.n; i++) {
		const struct nse_diff_item *it = &d.items[i];
		struct nse_record rec;
		struct nft_key key;

		counts[it->change]++;
		assert_int_equal(it->a == NSE_CONTEXT_NONE, it->change == NSE_ADDED);
		assert_int_equal(it->b == NSE_CONTEXT_NONE, it->change == NSE_REMOVED);
		assert_true(it->change == NSE_REMOVED ? nse_context_at(a, it->a, &rec)
						      : nse_context_at(b, it->b, &rec));
		assert_int_equal(nft_key_decode(&rec, &key, NULL), 0);
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%c",
					"+-!"[it->change]);
		if (nft_rule_is_listed(&rec, &key))
			text[len++] = (char)rec.body.p[NFT_RULE_HEAD];
		else
			len += (size_t)snprintf(text + len, sizeof(text) - len,
						"%s(%.*s)", rec.kind->type,
						(int)key.name.n,
						(const char *)key.name.p);
		text[len] = '\0';
	}
	assert_int_equal(d.added, counts[NSE_ADDED]);
	assert_int_equal(d.removed, counts[NSE_REMOVED]);
	assert_int_equal(d.changed, counts[NSE_CHANGED]);
	nse_diff_release(&d);
	return text;
}

static void check_chains(const char *a, const char *b, const char *want)
{
	struct nse_context *ca = chain_of(a), *cb = chain_of(b);

	assert_string_equal(text_of(ca, cb, 0), want);
	nse_context_free(ca);
	nse_context_free(cb);
}

static void test_numbers(void **state)
{
	(void)state;
	check_chains("abcdef", "abcdef", "");
	check_chains("abcdef", "Xabcdef", "+X");
	check_chains("abcdef", "abdef", "-c");
	check_chains("abcdef", "abXdef", "-c+X");
	check_chains("abcdef", "bcdefa", "-a+a");
	check_chains("", "ab", "+a+b");
	check_chains("ab", "", "-a-b");
	check_chains("aaa", "aaaa", "+a");
}

static void test_states(void **state)
{
	struct nse_context *a = nse_context_new(), *b = nse_context_new();

	(void)state;
	put_rule(a, "c", false, 0, NFT_PLACE_NONE, "x", "1");
	put_rule(a, "c", false, 1, NFT_PLACE_NONE, "y", "1");
	put_rule(b, "c", false, 0, NFT_PLACE_NONE, "n", "");
	put_rule(b, "c", false, 1, NFT_PLACE_NONE, "x", "1");
	put_rule(b, "c", false, 2, NFT_PLACE_NONE, "y", "2");
	assert_string_equal(text_of(a, b, 0), "+n");
	assert_string_equal(text_of(a, b, NSE_DIFF_STATE), "+n!y");
	nse_context_free(a);
	nse_context_free(b);
}

/* A new skeleton rule in front shifts the places, and is the only difference. */
static void test_skeleton(void **state)
{
	struct nse_context *a = nse_context_new(), *b = nse_context_new();

	(void)state;
	put_rule(a, "c", true, 0, 0, "s", "");
	put_rule(a, "c", true, 1, 0, "t", "");
	put_rule(a, "c", false, 0, 1, "x", "");
	put_rule(b, "c", true, 0, 0, "n", "");
	put_rule(b, "c", true, 1, 0, "s", "");
	put_rule(b, "c", true, 2, 0, "t", "");
	put_rule(b, "c", false, 0, 2, "x", "");
	assert_string_equal(text_of(a, b, 0), "+n");
	/* The same rules, but the own one behind both: it has moved. */
	put_rule(b, "c", false, 0, 3, "x", "");
	assert_string_equal(text_of(a, b, 0), "+n-x+x");
	nse_context_free(a);
	nse_context_free(b);
}

/* Sets of the rules' own follow their rules to other numbers. */
static void test_owned(void **state)
{
	struct nse_context *a = nse_context_new(), *b = nse_context_new();

	(void)state;
	put_rule(a, "c", false, 0, NFT_PLACE_NONE, "x", "");
	put_rule(a, "c", false, 1, NFT_PLACE_NONE, "y", "");
	put_set(a, "@c:0:0", "");
	put_set(a, "@c:1:0", "old");
	put_rule(a, "@c:1:1", false, 0, NFT_PLACE_NONE, "i", "");
	put_set(a, "@@c:1:1:0:0", "");
	put_set(a, "named", "");
	put_rule(b, "c", false, 0, NFT_PLACE_NONE, "n", "");
	put_rule(b, "c", false, 1, NFT_PLACE_NONE, "m", "");
	put_rule(b, "c", false, 2, NFT_PLACE_NONE, "y", "");
	put_set(b, "@c:0:0", "");
	put_set(b, "@c:2:0", "new");
	put_rule(b, "@c:2:1", false, 0, NFT_PLACE_NONE, "i", "");
	put_set(b, "@@c:2:1:0:0", "");
	assert_string_equal(text_of(a, b, 0),
			    "-element(@c:0:0)+element(@c:0:0)-element(named)-x+n+m"
			    "-set(@c:0:0)+set(@c:0:0)-set(named)");
	assert_string_equal(
		text_of(a, b, NSE_DIFF_STATE),
		"-element(@c:0:0)+element(@c:0:0)!element(@c:2:0)-element(named)-x+n+m"
		"-set(@c:0:0)+set(@c:0:0)!set(@c:2:0)-set(named)");
	nse_context_free(a);
	nse_context_free(b);
}

/* Chains are compared one by one, and bad records as nse_diff() does. */
static void test_chains(void **state)
{
	struct nse_context *a = nse_context_new(), *b = nse_context_new();
	struct nse_record bad = { .kind = &nft_kinds[NFT_RULE],
				  .key = nft_str("no key"),
				  .body = nft_str("") };
	struct nse_diff d;

	(void)state;
	put_rule(a, "c", false, 0, NFT_PLACE_NONE, "x", "");
	put_rule(a, "d", false, 0, NFT_PLACE_NONE, "y", "");
	put_rule(b, "b", false, 0, NFT_PLACE_NONE, "x", "");
	put_rule(b, "d", false, 1, NFT_PLACE_NONE, "y", "");
	assert_string_equal(text_of(a, b, 0), "+x-x");
	assert_int_equal(nse_context_put(a, &bad, NULL), 0);
	assert_int_equal(nse_diff(a, b, 0, &d), 0);
	assert_int_equal(nft_rule_diff(a, b, 0, &d, NULL), 0);
	assert_int_equal(d.n, 3);
	assert_int_equal(d.removed, 2);
	nse_diff_release(&d);
	nse_context_free(a);
	nse_context_free(b);
}

static void test_long(void **state)
{
	struct nse_context *a = nse_context_new(), *b = nse_context_new();
	struct nse_diff d;
	char word[32];

	(void)state;
	for (uint32_t i = 0; i < 10000; i++) {
		snprintf(word, sizeof(word), "rule %u", i);
		put_rule(a, "c", false, i, NFT_PLACE_NONE, word, "");
		put_rule(b, "c", false, i + 1, NFT_PLACE_NONE, word, "");
	}
	put_rule(b, "c", false, 0, NFT_PLACE_NONE, "in front", "");
	assert_int_equal(nse_diff(a, b, 0, &d), 0);
	assert_int_equal(d.n, 10001);
	assert_int_equal(nft_rule_diff(a, b, 0, &d, NULL), 0);
	assert_int_equal(d.n, 1);
	assert_int_equal(d.added, 1);
	nse_diff_release(&d);
	nse_context_free(a);
	nse_context_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),	 cmocka_unit_test(test_states),
		cmocka_unit_test(test_skeleton), cmocka_unit_test(test_owned),
		cmocka_unit_test(test_chains),	 cmocka_unit_test(test_long),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
