/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keys of nf_tables objects: there and back, their order, their names for
 * people, and bytes that are no key.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/object.h"
#include "lib/util/cleanup.h"

#define BYTES(s)                                                                         \
	{                                                                                \
		(const uint8_t *)(s), sizeof(s) - 1                                      \
	}

#define WEB .family = NFPROTO_INET, .table = BYTES("filter"), .name = BYTES("web")
#define ELEM                                                                             \
	.type = NFT_ELEMENT, .family = NFPROTO_IPV4, .table = BYTES("nat"),              \
	.name = BYTES("hosts")

/* One of each sort, with its name for people. */
static const struct {
	struct nft_key key;
	const char *text;
} keys[] = {
	{ { .type = NFT_TABLE, .family = NFPROTO_IPV6, .table = BYTES("raw") },
	  "table ip6 raw" },
	{ { .type = NFT_CHAIN, WEB }, "chain inet filter web" },
	{ { .type = NFT_CHAIN, .need = true, WEB }, "chain inet filter web" },
	{ { .type = NFT_CHAIN,
	    .family = NFPROTO_BRIDGE,
	    .table = BYTES("t"),
	    .name = BYTES("@in:12:0") },
	  "chain bridge t @in:12:0" },
	{ { .type = NFT_OBJECT, WEB, .objtype = NFT_OBJECT_QUOTA },
	  "quota inet filter web" },
	{ { .type = NFT_OBJECT, WEB, .objtype = 200 }, "object inet filter web" },
	{ { .type = NFT_FLOWTABLE, WEB }, "flowtable inet filter web" },
	{ { .type = NFT_SET, WEB }, "set inet filter web" },
	{ { .type = NFT_RULE, WEB, .rule = 3 }, "rule 3 of chain inet filter web" },
	{ { ELEM, .bytes = BYTES("\x0a\0\0\1"), .kind = NFT_ELEMENT_PLAIN },
	  "element 10.0.0.1 of set ip nat hosts" },
	{ { ELEM, .bytes = BYTES("\x0a\0\0\1"), .kind = NFT_ELEMENT_END },
	  "element end 10.0.0.1 of set ip nat hosts" },
	{ { ELEM, .bytes = BYTES("\x0a\0\0\1\x0a\0\0\x09"), .kind = NFT_ELEMENT_RANGE },
	  "element 10.0.0.1-10.0.0.9 of set ip nat hosts" },
	{ { ELEM, .kind = NFT_ELEMENT_CATCHALL }, "element * of set ip nat hosts" },
	{ { ELEM, .bytes = BYTES("\1\xbb"), .kind = NFT_ELEMENT_PLAIN },
	  "element 443 of set ip nat hosts" },
	{ { ELEM, .bytes = BYTES("\x11"), .kind = NFT_ELEMENT_PLAIN },
	  "element 17 of set ip nat hosts" },
	{ { ELEM, .bytes = BYTES("\0\x16\x3e\1\2\3"), .kind = NFT_ELEMENT_PLAIN },
	  "element 00:16:3e:01:02:03 of set ip nat hosts" },
	{ { ELEM, .bytes = BYTES("vif5.0\0\0\0\0\0\0\0\0\0\0"),
	    .kind = NFT_ELEMENT_PLAIN },
	  "element vif5.0 of set ip nat hosts" },
	{ { ELEM, .bytes = BYTES("\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"),
	    .kind = NFT_ELEMENT_PLAIN },
	  "element 2001:db8::1 of set ip nat hosts" },
	{ { ELEM, .bytes = BYTES("\1\2\3\4\5\6\7\xff"), .kind = NFT_ELEMENT_PLAIN },
	  "element 0x01020304050607ff of set ip nat hosts" },
	{ { ELEM,
	    .bytes = BYTES(
		    "\x0a\0\0\1vif5.0\0\0\0\0\0\0\0\0\0\0br0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\xbb\0\0"),
	    .kind = NFT_ELEMENT_PLAIN },
	  "element 0x0a000001 . vif5.0 . br0 . 0x01bb0000 of set ip nat hosts" },
};

static void encode(const struct nft_key *key, struct nse_buf *b, struct nse_record *rec)
{
	nse_buf_reset(b);
	assert_int_equal(nft_key_encode(key, b), 0);
	memset(rec, 0, sizeof(*rec));
	rec->kind = key->need ? &nft_need_kinds[key->type] : &nft_kinds[key->type];
	rec->key = (struct nse_bytes){ b->data, b->len };
}

static void test_round_trip(void **state)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(NSE_RECORD_MAX);
	struct nse_record rec;
	struct nft_key back;
	char text[256];

	(void)state;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(keys); i++) {
		const struct nft_key *key = &keys[i].key;

		encode(key, &b, &rec);
		assert_int_equal(nft_key_decode(&rec, &back, NULL), 0);
		assert_int_equal(back.type, key->type);
		assert_int_equal(back.need, key->need);
		assert_int_equal(back.family, key->family);
		assert_int_equal(back.objtype, key->objtype);
		assert_int_equal(back.rule, key->rule);
		assert_int_equal(back.kind, key->kind);
		assert_true(nse_bytes_equal(back.table, key->table));
		assert_true(nse_bytes_equal(back.name, key->name));
		assert_true(nse_bytes_equal(back.bytes, key->bytes));
		nft_key_text(&back, text, sizeof(text));
		assert_string_equal(text, keys[i].text);
	}
}

/* Every key differs from every other one, also in what memcmp() sees of it. */
static void test_keys_differ(void **state)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf a = NSE_BUF_INIT(NSE_RECORD_MAX);
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(NSE_RECORD_MAX);
	struct nse_record ra, rb;

	(void)state;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(keys); i++)
		for (size_t k = 0; k < i; k++) {
			encode(&keys[i].key, &a, &ra);
			encode(&keys[k].key, &b, &rb);
			assert_int_not_equal(nse_record_cmp_key(&ra, &rb), 0);
		}
}

/* The keys stand in the table in the order in which they have to sort. */
static void check_order(const struct nft_key *sorted, size_t n)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf a = NSE_BUF_INIT(NSE_RECORD_MAX);
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(NSE_RECORD_MAX);
	struct nse_record ra, rb;

	for (size_t i = 1; i < n; i++) {
		encode(&sorted[i - 1], &a, &ra);
		encode(&sorted[i], &b, &rb);
		assert_true(nse_record_cmp_key(&ra, &rb) < 0);
	}
}

static void test_order_of_rules(void **state)
{
	static const struct nft_key sorted[] = {
		{ .type = NFT_RULE, WEB, .rule = 0 },
		{ .type = NFT_RULE, WEB, .rule = 1 },
		{ .type = NFT_RULE, WEB, .rule = 255 },
		{ .type = NFT_RULE, WEB, .rule = 256 },
		{ .type = NFT_RULE, WEB, .rule = 65536 },
		{ .type = NFT_RULE, WEB, .rule = UINT32_MAX },
		{ .type = NFT_RULE,
		  .family = NFPROTO_INET,
		  .table = BYTES("filter"),
		  .name = BYTES("web1") },
		{ .type = NFT_RULE,
		  .family = NFPROTO_INET,
		  .table = BYTES("filter2"),
		  .name = BYTES("a") },
	};

	(void)state;
	check_order(sorted, NSE_ARRAY_SIZE(sorted));
}

/* 10.0.0.0-10.0.0.255, then from 10.0.1.0 on: what ends there comes first. */
static void test_order_of_elements(void **state)
{
	static const struct nft_key sorted[] = {
		{ ELEM, .bytes = BYTES("\0\0\0\0"), .kind = NFT_ELEMENT_END },
		{ ELEM, .bytes = BYTES("\x0a\0\0\0"), .kind = NFT_ELEMENT_PLAIN },
		{ ELEM, .bytes = BYTES("\x0a\0\1\0"), .kind = NFT_ELEMENT_END },
		{ ELEM, .bytes = BYTES("\x0a\0\1\0"), .kind = NFT_ELEMENT_PLAIN },
		{ ELEM, .bytes = BYTES("\x0a\0\2\0"), .kind = NFT_ELEMENT_END },
		{ ELEM, .bytes = BYTES("\xff\0\0\0"), .kind = NFT_ELEMENT_PLAIN },
	};

	(void)state;
	check_order(sorted, NSE_ARRAY_SIZE(sorted));
}

/* A key that ends behind any of its bytes is another type's at most. */
static void test_cut(void **state)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(NSE_RECORD_MAX);
	struct nse_record rec;
	struct nft_key back;
	struct nse_error err;

	(void)state;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(keys); i++) {
		encode(&keys[i].key, &b, &rec);
		for (size_t n = 0; n < b.len; n++) {
			NSE_FREE uint8_t *copy = malloc(n ? n : 1);

			memcpy(copy, b.data, n);
			rec.key = (struct nse_bytes){ copy, n };
			err.text[0] = '\0';
			/* An element of fewer bytes may be one. */
			if (keys[i].key.type == NFT_ELEMENT &&
			    nft_key_decode(&rec, &back, NULL) == 0)
				continue;
			assert_int_equal(nft_key_decode(&rec, &back, &err), -EBADMSG);
			assert_string_not_equal(err.text, "");
		}
	}
}

#define BAD(type, bytes)                                                                 \
	{                                                                                \
		type, BYTES(bytes)                                                       \
	}

static void test_bad_keys(void **state)
{
	static const struct {
		enum nft_type type;
		struct nse_bytes key;
	} bad[] = {
		BAD(NFT_TABLE, ""),
		BAD(NFT_TABLE, "\0t\0"), /* families */
		BAD(NFT_TABLE, "\4t\0"),
		BAD(NFT_TABLE, "\x0ct\0"),
		BAD(NFT_TABLE, "\1\0"), /* names */
		BAD(NFT_TABLE, "\1t"),
		BAD(NFT_TABLE, "\1t\0c\0"),
		BAD(NFT_CHAIN, "\1t\0"),
		BAD(NFT_CHAIN, "\1t\0\0"),
		BAD(NFT_CHAIN, "\1t\0c\0x"),
		BAD(NFT_CHAIN, "\1t\0@c\0"), /* made names */
		BAD(NFT_CHAIN, "\1t\0@c:1\0"),
		BAD(NFT_CHAIN, "\1t\0@:1:2\0"),
		BAD(NFT_CHAIN, "\1t\0@c:1:\0"),
		BAD(NFT_CHAIN, "\1t\0@c:x:2\0"),
		BAD(NFT_CHAIN, "\1t\0@c:00000000001:2\0"),
		BAD(NFT_OBJECT, "\1t\0o\0\0\0\0\0"), /* type of object */
		BAD(NFT_OBJECT, "\1t\0o\0\0\0\1"),
		BAD(NFT_RULE, "\1t\0c\0\0\0\0"),
		BAD(NFT_RULE, "\1t\0c\0\0\0\0\0\0"),
		BAD(NFT_ELEMENT, "\1t\0s\0"),
		BAD(NFT_ELEMENT, "\1t\0s\0\0"), /* kinds: an end of nothing */
		BAD(NFT_ELEMENT, "\1t\0s\0\1"),
		BAD(NFT_ELEMENT, "\1t\0s\0\2"),
		BAD(NFT_ELEMENT, "\1t\0s\0x\2"), /* half a range */
		BAD(NFT_ELEMENT, "\1t\0s\0x\3"), /* a catchall of something */
		BAD(NFT_ELEMENT, "\1t\0s\0x\4"),
		BAD(NFT_ELEMENT, "\1t\0s\0"
				 "0123456789abcdef0123456789abcdef"
				 "0123456789abcdef0123456789abcdefx\1"),
	};
	struct nse_record rec = { 0 };
	struct nse_error err;
	struct nft_key key;

	(void)state;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(bad); i++) {
		rec.kind = &nft_kinds[bad[i].type];
		rec.key = bad[i].key;
		if (nft_key_decode(&rec, &key, &err) != -EBADMSG)
			fail_msg("bad key %zu was taken", i);
	}
}

static int decode_name(enum nft_type type, const char *name, size_t n)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(NSE_RECORD_MAX);
	struct nft_key key = { .type = type,
			       .family = NFPROTO_INET,
			       .table = BYTES("t"),
			       .name = { (uint8_t *)name, n },
			       .objtype = 1 };
	struct nse_record rec;
	struct nft_key back;

	encode(&key, &b, &rec);
	return nft_key_decode(&rec, &back, NULL);
}

static void test_long_names(void **state)
{
	char name[NFT_NAME_MAX + 1];

	(void)state;
	memset(name, 'x', sizeof(name));
	assert_int_equal(decode_name(NFT_SET, name, 255), 0);
	assert_int_equal(decode_name(NFT_SET, name, 256), -EBADMSG);
	memcpy(name, "@", 1);
	memcpy(name + 251, ":1:22", 5);
	assert_int_equal(decode_name(NFT_SET, name, 256), 0);
	assert_int_equal(decode_name(NFT_RULE, name, 256), 0);
	assert_int_equal(decode_name(NFT_OBJECT, name, 256), -EBADMSG);
	assert_int_equal(decode_name(NFT_FLOWTABLE, name, 256), -EBADMSG);
	assert_int_equal(decode_name(NFT_OBJECT, "@x", 2), 0);
}

static void test_made_names(void **state)
{
	char name[NFT_NAME_MAX], outer[NFT_NAME_MAX];
	uint8_t many[NFT_NAME_MAX];

	(void)state;
	assert_int_equal(nft_name_make(name, nft_str("forward"), 12, 0), 0);
	assert_string_equal(name, "@forward:12:0");
	assert_int_equal(nft_name_make(outer, nft_str(name), 0, 4294967295), 0);
	assert_string_equal(outer, "@@forward:12:0:0:4294967295");
	assert_true(nft_name_is_ours(nft_str(outer)));
	assert_int_equal(decode_name(NFT_CHAIN, outer, strlen(outer)), 0);
	memset(many, 'x', sizeof(many));
	assert_int_equal(nft_name_make(name, (struct nse_bytes){ many, 1018 }, 1, 1), 0);
	assert_int_equal(nft_name_make(name, (struct nse_bytes){ many, 1019 }, 1, 1),
			 -EMSGSIZE);
}

static void test_text_is_cut(void **state)
{
	struct nft_key key = { .type = NFT_SET,
			       .family = NFPROTO_INET,
			       .table = BYTES("\x1b[2J\xc3"),
			       .name = BYTES("web") };
	char text[64], all[64];

	(void)state;
	nft_key_text(&key, all, sizeof(all));
	assert_string_equal(all, "set inet \\x1b[2J\\xc3 web");
	for (size_t n = 1; n < sizeof(text); n++) {
		memset(text, '#', sizeof(text));
		nft_key_text(&key, text, n);
		assert_int_equal(strlen(text), strlen(all) < n ? strlen(all) : n - 1);
		assert_memory_equal(text, all, strlen(text));
	}
}

static void test_families(void **state)
{
	size_t known = 0;

	(void)state;
	for (int f = 0; f < 256; f++) {
		const char *name = nft_family_name((uint8_t)f);

		if (!name)
			continue;
		known++;
		assert_int_equal(nft_family_parse(name, strlen(name)), f);
		assert_int_equal(nft_family_parse(name, strlen(name) - 1),
				 strcmp(name, "ip6") ? -EINVAL : NFPROTO_IPV4);
	}
	assert_int_equal(known, 6);
	assert_int_equal(nft_family_parse("", 0), -EINVAL);
}

static void test_kinds(void **state)
{
	static const struct nse_kind other = { "conntrack", "table" };
	static const struct nse_kind unknown = { "nft", "need-entry" };
	enum nft_type type;
	size_t n = 0;
	bool need;

	(void)state;
	for (int t = 0; t < NFT_TYPES; t++) {
		assert_true(nft_kind_of(&nft_kinds[t], &type, &need));
		assert_true(type == (enum nft_type)t && !need);
		assert_true(nft_kind_of(&nft_need_kinds[t], &type, &need));
		assert_true(type == (enum nft_type)t && need);
		assert_true(nse_kind_name_ok(nft_kinds[t].type));
		assert_true(nse_kind_name_ok(nft_need_kinds[t].type));
	}
	assert_false(nft_kind_of(&other, &type, &need));
	assert_false(nft_kind_of(&unknown, &type, &need));
	while (nft_type_names[n])
		n++;
	assert_int_equal(n, 2 * NFT_TYPES);
}

static void test_body_head(void **state)
{
	static const uint8_t body[] = { 1, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 7, 9 };
	struct nse_bytes b = { body, sizeof(body) };

	(void)state;
	assert_int_equal(nft_rule_digest(b), 258);
	assert_int_equal(nft_rule_place(b), 7);
	assert_ptr_equal(nft_body_attrs(NFT_RULE, b).p, body + 13);
	assert_int_equal(nft_body_attrs(NFT_RULE, b).n, 1);
	assert_int_equal(nft_body_attrs(NFT_SET, b).n, 13);
	b.n = 12;
	assert_null(nft_body_attrs(NFT_RULE, b).p);
	b.n = 0;
	assert_null(nft_body_attrs(NFT_SET, b).p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_keys_differ),
		cmocka_unit_test(test_order_of_rules),
		cmocka_unit_test(test_order_of_elements),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_bad_keys),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_made_names),
		cmocka_unit_test(test_text_is_cut),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_body_head),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
