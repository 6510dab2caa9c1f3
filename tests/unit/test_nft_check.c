/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The check of records that come from outside: one of each sort passes; cut
 * behind any byte, with any bit turned over, or with what does not belong
 * there they do no harm, and what is refused has a text.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/engine/nft/nft_engine.h"
#include "lib/util/cleanup.h"
#include "tests/unit/nft_sample.h"

static int check(const struct nse_record *rec, struct nse_error *err)
{
	int rc;

	memset(err, 0, sizeof(*err));
	rc = nft_check(rec, err);
	if (rc < 0 && (rc != -EBADMSG || err->code != rc || !err->text[0]))
		fail_msg("code %d and text \"%s\"", rc, err->text);
	return rc;
}

static void test_samples_pass(void **state)
{
	NSE_CLEANUP(samples_release) struct samples all;
	struct nse_error err;

	(void)state;
	samples_make(&all);
	for (size_t i = 0; i < all.n; i++)
		if (check(&all.at[i].rec, &err) < 0)
			fail_msg("record %zu: %s", i, err.text);
}

/* One part of a record after the other, in memory that ends where it ends. */
typedef void change_fn(const struct nse_record *rec, struct nse_bytes *part);

static void for_each_part(change_fn *fn)
{
	NSE_CLEANUP(samples_release) struct samples all;

	samples_make(&all);
	for (size_t i = 0; i < all.n; i++) {
		struct nse_record *rec = &all.at[i].rec;

		fn(rec, &rec->key);
		fn(rec, &rec->body);
		fn(rec, &rec->state);
	}
}

static void cut(const struct nse_record *rec, struct nse_bytes *part)
{
	struct nse_bytes whole = *part;
	struct nse_error err;

	for (size_t n = 0; n < whole.n; n++) {
		NSE_FREE uint8_t *copy = malloc(n ? n : 1);
		int rc;

		if (n)
			memcpy(copy, whole.p, n);
		*part = (struct nse_bytes){ copy, n };
		rc = check(rec, &err);
		/* A state that is cut never fits; a body may be one of another object. */
		if (part == &rec->state)
			assert_int_equal(rc, -EBADMSG);
	}
	*part = whole;
}

static void test_cut(void **state)
{
	(void)state;
	for_each_part(cut);
}

static void flip(const struct nse_record *rec, struct nse_bytes *part)
{
	NSE_FREE uint8_t *copy = malloc(part->n ? part->n : 1);
	struct nse_bytes whole = *part;
	struct nse_error err;

	if (whole.n)
		memcpy(copy, whole.p, whole.n);
	part->p = copy;
	for (size_t bit = 0; bit < 8 * whole.n; bit++) {
		copy[bit / 8] ^= 1 << bit % 8;
		check(rec, &err);
		copy[bit / 8] ^= 1 << bit % 8;
	}
	*part = whole;
}

static void test_flipped_bits(void **state)
{
	(void)state;
	for_each_part(flip);
}

/* Lengths that lie: each pair of bytes as the largest and the smallest. */
static void overwrite(const struct nse_record *rec, struct nse_bytes *part)
{
	static const uint16_t lies[] = { 0, 1, 3, 4, 5, 0x7fff, 0xffff };
	NSE_FREE uint8_t *copy = malloc(part->n ? part->n : 1);
	struct nse_bytes whole = *part;
	struct nse_error err;

	part->p = copy;
	for (size_t at = 0; at + 2 <= whole.n; at++)
		for (size_t i = 0; i < NSE_ARRAY_SIZE(lies); i++) {
			memcpy(copy, whole.p, whole.n);
			memcpy(copy + at, &lies[i], 2);
			check(rec, &err);
		}
	*part = whole;
}

static void test_lengths_that_lie(void **state)
{
	(void)state;
	for_each_part(overwrite);
}

/* Of every sort of record: an attribute behind its own. */
static void refuse_with(size_t i, uint16_t type, const void *p, size_t n,
			const char *text)
{
	NSE_CLEANUP(samples_release) struct samples all;
	struct nse_error err;

	samples_make(&all);
	sample_must(nft_put(&all.at[i].body, type, p, n));
	samples_seal(&all);
	if (check(&all.at[i].rec, &err) == 0)
		fail_msg("record %zu was taken with an attribute %u", i, type);
	if (!strstr(err.text, text))
		fail_msg("record %zu, attribute %u: %s", i, type, err.text);
}

/* Numbers in samples_make(). */
enum {
	TABLE,
	NEED_TABLE,
	CHAIN,
	BOUND_CHAIN,
	QUOTA,
	HELPER,
	FLOWTABLE,
	SET,
	ANONYMOUS_SET,
	ELEMENT,
	PLAIN_ELEMENT,
	OBJECT_ELEMENT,
	END_ELEMENT,
	CATCHALL_ELEMENT,
	RULE,
	NEED_RULE,
};

static void test_other_names(void **state)
{
	static const struct {
		uint8_t record;
		uint16_t type;
	} gone[] = {
		{ TABLE, NFTA_TABLE_NAME },
		{ TABLE, NFTA_TABLE_HANDLE },
		{ TABLE, NFTA_TABLE_OWNER },
		{ NEED_TABLE, NFTA_TABLE_USE },
		{ CHAIN, NFTA_CHAIN_TABLE },
		{ CHAIN, NFTA_CHAIN_NAME },
		{ CHAIN, NFTA_CHAIN_HANDLE },
		{ CHAIN, NFTA_CHAIN_ID },
		{ QUOTA, NFTA_OBJ_TABLE },
		{ QUOTA, NFTA_OBJ_NAME },
		{ HELPER, NFTA_OBJ_HANDLE },
		{ FLOWTABLE, NFTA_FLOWTABLE_TABLE },
		{ FLOWTABLE, NFTA_FLOWTABLE_NAME },
		{ FLOWTABLE, NFTA_FLOWTABLE_HANDLE },
		{ SET, NFTA_SET_TABLE },
		{ SET, NFTA_SET_NAME },
		{ SET, NFTA_SET_ID },
		{ SET, NFTA_SET_HANDLE },
		{ SET, 19 },
		{ SET, 20 },
		{ ELEMENT, NFTA_SET_ELEM_KEY },
		{ ELEMENT, NFTA_SET_ELEM_KEY_END },
		{ ELEMENT, NFTA_SET_ELEM_EXPIRATION },
		{ RULE, NFTA_RULE_TABLE },
		{ RULE, NFTA_RULE_CHAIN },
		{ RULE, NFTA_RULE_HANDLE },
		{ RULE, NFTA_RULE_COMPAT },
		{ RULE, NFTA_RULE_POSITION },
		{ RULE, NFTA_RULE_ID },
		{ RULE, NFTA_RULE_POSITION_ID },
		{ NEED_RULE, NFTA_RULE_CHAIN_ID },
	};

	(void)state;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(gone); i++)
		refuse_with(gone[i].record, gone[i].type, "other", 6, "does not belong");
}

static void test_odd_attributes(void **state)
{
	(void)state;
	refuse_with(TABLE, NFTA_TABLE_FLAGS, "\0\0\0\0", 4, "twice");
	refuse_with(TABLE, NFTA_TABLE_USERDATA, "x", 1, "twice");
	refuse_with(TABLE, 1000, "x", 1, "no list");
	refuse_with(CHAIN, NFTA_CHAIN_POLICY, "\0", 1, "twice");
	refuse_with(BOUND_CHAIN, NFTA_CHAIN_POLICY, "\0", 1, "instead of 4");
	refuse_with(BOUND_CHAIN, NFTA_CHAIN_TYPE, "\0", 1, "no name");
	refuse_with(BOUND_CHAIN, NFTA_CHAIN_HOOK, "\0", 1, "cut or garbled");
	refuse_with(BOUND_CHAIN, NFTA_CHAIN_HOOK, "", 0, "to a hook");
	refuse_with(PLAIN_ELEMENT, NFTA_SET_ELEM_OBJREF, "a\0b", 4, "no name");
	refuse_with(PLAIN_ELEMENT, NFTA_SET_ELEM_DATA, "\4\0\1\0", 4, "0 bytes");
	refuse_with(PLAIN_ELEMENT, NFTA_SET_ELEM_EXPRESSIONS, "\4\0\2\0", 4,
		    "attribute 2 in a list");
	refuse_with(PLAIN_ELEMENT, NFTA_SET_ELEM_EXPR, "\4\0\2\0", 4, "without a name");
	refuse_with(PLAIN_ELEMENT, NFTA_SET_ELEM_FLAGS, "\0\0\0\1", 4, "another kind");
	refuse_with(PLAIN_ELEMENT, NFTA_SET_ELEM_FLAGS, "\0\0\0\2", 4, "another kind");
	refuse_with(QUOTA, NFTA_OBJ_TYPE, "\0\0\0\1", 4, "twice");
}

/* What is there may have been made by a later kernel: it is carried as it is. */
static void test_unknown_attributes(void **state)
{
	NSE_CLEANUP(samples_release) struct samples all;
	struct nse_error err;

	(void)state;
	samples_make(&all);
	for (size_t i = 0; i < all.n; i++) {
		sample_must(nft_put(&all.at[i].body, 63, "new", 3));
		sample_must(nft_put(&all.at[i].body, 62, NULL, 0));
		sample_must(nft_put(&all.at[i].body, 62, NULL, 0));
	}
	samples_seal(&all);
	for (size_t i = 0; i < all.n; i++)
		assert_int_equal(check(&all.at[i].rec, &err), 0);
}

static void test_interfaces(void **state)
{
	(void)state;
	refuse_with(TABLE, NFT_BODY_IFNAMES, "x", 1, "cut or garbled");
	refuse_with(RULE, NFT_BODY_IFNAMES, "\5\0\1\0\0\0\0\0", 8, "names of interfaces");
	refuse_with(RULE, NFT_BODY_IFNAMES, "\6\0\2\0x\0\0\0", 8, "names of interfaces");
	refuse_with(RULE, NFT_BODY_IFNAMES, "\24\0\1\0abcdefghijklmnop", 20,
		    "names of interfaces");
}

/* Puts bytes in the place of others in the record's body, as many. */
static void refuse_changed(size_t i, struct nse_bytes from, struct nse_bytes to,
			   const char *text)
{
	NSE_CLEANUP(samples_release) struct samples all;
	struct nse_error err;
	uint8_t *at;

	samples_make(&all);
	at = memmem(all.at[i].body.data, all.at[i].body.len, from.p, from.n);
	assert_non_null(at);
	memcpy(at, to.p, to.n);
	if (check(&all.at[i].rec, &err) == 0)
		fail_msg("record %zu was taken (%s)", i, text);
	if (!strstr(err.text, text))
		fail_msg("record %zu: %s", i, err.text);
}

#define B(s) ((struct nse_bytes)BYTES(s))

static void test_changed_bodies(void **state)
{
	(void)state;
	refuse_changed(TABLE, B("\1"), B("\2"), "other byte order");
	refuse_changed(RULE, B("\1"), B("\2"), "other byte order");
	refuse_changed(TABLE, B("\1"), B("\3"), "unknown layout");
	refuse_changed(TABLE, B("\0\0\0\1"), B("\0\0\0\3"), "owned by a process");
	refuse_changed(QUOTA, B("\0\0\0\2"), B("\0\0\0\1"), "type 1");
	refuse_changed(CHAIN, B("\0\0\0\1"), B("\0\0\0\5"), "a name of its own");
	refuse_changed(BOUND_CHAIN, B("\0\0\0\4"), B("\0\0\0\0"), "not bound");
	refuse_changed(ANONYMOUS_SET, B("\0\0\0\3"), B("\0\0\0\2"), "not anonymous");
	refuse_changed(ANONYMOUS_SET, B("\0\0\0\2"), B("\0\0\0\0"), "key of 0");
	refuse_changed(ANONYMOUS_SET, B("\0\0\0\2"), B("\0\0\0A"), "key of 65");
	refuse_changed(RULE, B("@0\0"), B("@x\0"), "nothing of its own");
	refuse_changed(RULE, B("@1\0"), B("@\0\0"), "no name");
	refuse_changed(ELEMENT, B("web1\0"), B("@123\0"), "nothing of its own");
	refuse_changed(RULE, B("meter\0"), B("me\0er\0"), "no name");
	/* A value that moves, and is not zero. */
	refuse_changed(QUOTA, B("\0\0\0\0\0\0\0\0"), B("\0\0\0\0\0\0\0\1"), "values");
}

static void refuse_state(size_t i, struct nse_bytes state, const char *text)
{
	NSE_CLEANUP(samples_release) struct samples all;
	struct nse_error err;

	samples_make(&all);
	all.at[i].rec.state = state;
	if (check(&all.at[i].rec, &err) == 0)
		fail_msg("record %zu was taken (%s)", i, text);
	if (!strstr(err.text, text))
		fail_msg("record %zu: %s", i, err.text);
}

static void test_states(void **state)
{
	(void)state;
	refuse_state(TABLE, B("\0"), "more values");
	refuse_state(TABLE, B("\1\0\0\0\0\0\0\0\1"), "only elements");
	refuse_state(QUOTA, B(""), "do not fit");
	refuse_state(QUOTA, B("\0"), "do not fit");
	refuse_state(QUOTA, B("\4\0\0\0\0\0\0\0\1"), "unknown flags");
	refuse_state(QUOTA, B("\2\0\0\0\0\0\0\0\1"), "do not fit");
	refuse_state(TABLE, B("\2\0\0"), "cut");
	refuse_state(TABLE, B("\2\0\0\0\1\0"), "more values");
	refuse_state(QUOTA, B("\0\0\0\0\0\0\0\0\1\0"), "more values");
	refuse_state(NEED_RULE, B("\0"), "needed rule 3");
	refuse_state(NEED_TABLE, B("\0"), "no state");
	refuse_state(PLAIN_ELEMENT, B("\0"), "more values");
	refuse_state(PLAIN_ELEMENT, B("\1\0\0\0"), "cut");
}

/* Lists in lists, each in the only attribute of the one around it. */
static void test_depth(void **state)
{
	NSE_CLEANUP(samples_release) struct samples all;
	long at[64][2];
	struct nse_error err;

	(void)state;
	for (size_t depth = 1; depth < 64; depth++) {
		struct nse_buf *b;

		samples_make(&all);
		b = &all.at[PLAIN_ELEMENT].body;
		for (size_t i = 0; i < depth; i++)
			sample_expr(b, i ? NFTA_DYNSET_EXPR : NFTA_SET_ELEM_EXPR,
				    "dynset", at[i]);
		for (size_t i = depth; i-- > 0;)
			sample_expr_end(b, at[i]);
		samples_seal(&all);
		if (depth > 8) {
			assert_int_equal(check(&all.at[PLAIN_ELEMENT].rec, &err),
					 -EBADMSG);
			assert_non_null(strstr(err.text, "too deep"));
		} else if (depth < 3) {
			assert_int_equal(check(&all.at[PLAIN_ELEMENT].rec, &err), 0);
		}
		if (depth < 63)
			samples_release(&all);
	}
}

static void test_names_of_sets(void **state)
{
	NSE_CLEANUP(samples_release) struct samples all;
	struct nft_key key = { .type = NFT_SET,
			       .family = NFPROTO_INET,
			       .table = BYTES("filter"),
			       .name = BYTES("set%d") };
	struct nse_error err;

	(void)state;
	samples_make(&all);
	nse_buf_reset(&all.at[SET].key);
	sample_must(nft_key_encode(&key, &all.at[SET].key));
	samples_seal(&all);
	assert_int_equal(check(&all.at[SET].rec, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "set inet filter set%d: no set"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples_pass),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_flipped_bits),
		cmocka_unit_test(test_lengths_that_lie),
		cmocka_unit_test(test_other_names),
		cmocka_unit_test(test_odd_attributes),
		cmocka_unit_test(test_unknown_attributes),
		cmocka_unit_test(test_interfaces),
		cmocka_unit_test(test_changed_bodies),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_names_of_sets),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
