/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records of nf_tables as JSON: one of each sort as it must read, and nothing
 * of a record is left out.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/engine/nft/ifindex.h"
#include "lib/engine/nft/nft_engine.h"
#include "lib/util/cleanup.h"
#include "tests/unit/nft_sample.h"

static json_t *describe(const struct nse_record *rec)
{
	json_t *all = json_pack("{s:{},s:{},s:{}}", "key", "body", "state");

	assert_non_null(all);
	assert_int_equal(nft_describe(rec, json_object_get(all, "key"),
				      json_object_get(all, "body"),
				      json_object_get(all, "state")),
			 0);
	return all;
}

/* The record as it stands there, with the members in order. */
static void assert_reads(const struct nse_record *rec, const char *expected)
{
	json_t *is = describe(rec), *must;
	json_error_t error;
	char *text;

	must = json_loads(expected, 0, &error);
	if (!must)
		fail_msg("%s at %d", error.text, error.position);
	text = json_dumps(is, JSON_COMPACT);
	if (!json_equal(is, must))
		fail_msg("reads %s, and not %s", text, expected);
	free(text);
	json_decref(is);
	json_decref(must);
}

#define EXPR_COUNTER "{\"name\":\"counter\"}"

/* In the order of samples_make(). */
static const char *const expected[] = {
	"{\"key\":{\"family\":\"inet\",\"table\":\"filter\"},"
	"\"body\":{\"flags\":[\"dormant\"],\"comment\":\"the domains' rules\"},\"state\":{}}",

	"{\"key\":{\"family\":\"inet\",\"table\":\"filter\"},"
	"\"body\":{\"flags\":[\"dormant\"],\"comment\":\"the domains' rules\"},\"state\":{}}",

	"{\"key\":{\"family\":\"inet\",\"table\":\"filter\",\"name\":\"forward\"},"
	"\"body\":{\"type\":\"filter\",\"hook\":\"ingress\",\"priority\":-150,"
	"\"devices\":[\"vif5.0\",\"vif5.1\"],\"policy\":\"drop\",\"flags\":[\"base\"]},"
	"\"state\":{\"packets\":1,\"bytes\":2}}",

	"{\"key\":{\"family\":\"inet\",\"table\":\"filter\",\"name\":\"@forward:3:1\"},"
	"\"body\":{\"flags\":[\"bound\"]},\"state\":{}}",

	"{\"key\":{\"family\":\"inet\",\"table\":\"filter\",\"name\":\"web\","
	"\"type\":\"quota\"},"
	"\"body\":{\"limit\":4096,\"flags\":[\"over\"],\"comment\":\"per month\"},"
	"\"state\":{\"used\":1}}",

	"{\"key\":{\"family\":\"inet\",\"table\":\"filter\",\"name\":\"ftp\","
	"\"type\":\"ct helper\"},"
	"\"body\":{\"helper\":\"ftp\",\"l3proto\":\"ip\",\"l4proto\":6},\"state\":{}}",

	"{\"key\":{\"family\":\"inet\",\"table\":\"filter\",\"name\":\"fast\"},"
	"\"body\":{\"hook_number\":0,\"priority\":10,\"devices\":[\"vif5.0\"],"
	"\"flags\":[\"counter\"]},\"state\":{}}",

	"{\"key\":{\"family\":\"inet\",\"table\":\"filter\",\"name\":\"dispatch\"},"
	"\"body\":{\"flags\":[\"interval\",\"map\",\"timeout\",\"concat\"],"
	"\"key_type\":\"ipv4_addr . inet_service\",\"key_len\":8,"
	"\"data_type\":\"verdict\",\"data_len\":16,\"timeout_ms\":3600000,"
	"\"policy\":\"memory\",\"size\":1000,\"field_lens\":[4,2],"
	"\"expressions\":[" EXPR_COUNTER "],\"comment\":\"where to\"},"
	"\"state\":{\"more\":[{\"name\":\"counter\",\"bytes\":1,\"packets\":2}]}}",

	"{\"key\":{\"family\":\"inet\",\"table\":\"filter\",\"name\":\"@forward:3:0\"},"
	"\"body\":{\"flags\":[\"anonymous\",\"constant\"],\"key_type\":\"inet_service\","
	"\"key_len\":2},\"state\":{}}",

	"{\"key\":{\"family\":\"inet\",\"table\":\"filter\",\"set\":\"dispatch\","
	"\"element\":\"0x0a00000100160000-0x0a00000901bb0000\",\"kind\":\"range\","
	"\"hex\":\"0a000001001600000a00000901bb0000\"},"
	"\"body\":{\"verdict\":\"goto\",\"chain\":\"web1\",\"timeout_ms\":60000,"
	"\"expressions\":[" EXPR_COUNTER "," EXPR_COUNTER "],\"comment\":\"web\"},"
	"\"state\":{\"expires_ms\":55000,\"bytes\":1,\"packets\":2,"
	"\"more\":[{\"name\":\"counter\",\"bytes\":3,\"packets\":4}]}}",

	"{\"key\":{\"family\":\"inet\",\"table\":\"filter\",\"set\":\"hosts\","
	"\"element\":\"10.0.0.1\",\"kind\":\"plain\",\"hex\":\"0a000001\"},"
	"\"body\":{},\"state\":{}}",

	"{\"key\":{\"family\":\"inet\",\"table\":\"filter\",\"set\":\"hosts\","
	"\"element\":\"10.0.0.2\",\"kind\":\"plain\",\"hex\":\"0a000002\"},"
	"\"body\":{\"object\":\"web\"},\"state\":{}}",

	"{\"key\":{\"family\":\"inet\",\"table\":\"filter\",\"set\":\"hosts\","
	"\"element\":\"10.0.0.2\",\"kind\":\"end\",\"hex\":\"0a000002\"},"
	"\"body\":{\"flags\":[\"interval-end\"]},\"state\":{}}",

	"{\"key\":{\"family\":\"inet\",\"table\":\"filter\",\"set\":\"hosts\","
	"\"element\":\"*\",\"kind\":\"catchall\",\"hex\":\"\"},"
	"\"body\":{\"flags\":[\"catchall\"]},\"state\":{}}",

	"{\"key\":{\"family\":\"inet\",\"table\":\"filter\",\"chain\":\"forward\","
	"\"number\":3},"
	"\"body\":{\"digest\":\"0123456789abcdef\",\"place\":2,\"expressions\":["
	"{\"name\":\"meta\",\"key\":\"iifname\",\"dreg\":1},"
	"{\"name\":\"cmp\",\"sreg\":1,\"op\":\"==\",\"data\":\"vif5.0\"},"
	"{\"name\":\"payload\",\"dreg\":1,\"base\":\"transport\",\"offset\":2,\"len\":2},"
	"{\"name\":\"lookup\",\"set\":\"@0\",\"sreg\":1,\"flags\":[\"invert\"]}," EXPR_COUNTER
	",{\"name\":\"quota\",\"limit\":4096,\"flags\":[\"over\"]},"
	"{\"name\":\"dynset\",\"sreg_key\":1,\"op\":\"update\",\"set\":\"meter\","
	"\"timeout_ms\":60000,\"expressions\":["
	"{\"name\":\"limit\",\"rate\":10,\"per\":1,\"burst\":5,\"unit\":\"packets\","
	"\"flags\":[\"over\"]}," EXPR_COUNTER "]},"
	"{\"name\":\"immediate\",\"dreg\":0,\"verdict\":\"jump\",\"chain\":\"@1\"}],"
	"\"comment\":\"web's way out\"},"
	"\"state\":{\"bytes\":1,\"packets\":2,\"used\":3,"
	"\"more\":[{\"name\":\"counter\",\"bytes\":4,\"packets\":5}]}}",
};

static void test_samples(void **state)
{
	NSE_CLEANUP(samples_release) struct samples all;

	(void)state;
	samples_make(&all);
	for (size_t i = 0; i < NSE_ARRAY_SIZE(expected); i++)
		assert_reads(&all.at[i].rec, expected[i]);
}

/* A needed rule reads as one that moves, without place and state. */
static void test_needed_rule(void **state)
{
	NSE_CLEANUP(samples_release) struct samples all;
	json_t *rule, *need;

	(void)state;
	samples_make(&all);
	rule = describe(&all.at[all.n - 2].rec);
	need = describe(&all.at[all.n - 1].rec);
	assert_int_equal(json_object_size(json_object_get(need, "state")), 0);
	json_object_clear(json_object_get(rule, "state"));
	assert_int_equal(json_object_del(json_object_get(rule, "body"), "place"), 0);
	assert_true(json_equal(rule, need));
	json_decref(rule);
	json_decref(need);
}

/* Attributes and flags without a name, userdata that is no comment, odd text. */
static void test_unknown(void **state)
{
	NSE_CLEANUP(samples_release) struct samples all = { .n = 0 };
	struct nft_key key = { .type = NFT_TABLE,
			       .family = NFPROTO_IPV4,
			       .table = BYTES("\xfft") };
	struct nse_buf *b = &sample_new(&all, &key)->body;

	(void)state;
	sample_u32(b, NFTA_TABLE_FLAGS, 0x80000001);
	sample_must(nft_put(b, NFTA_TABLE_USERDATA, "\5\1\2", 3));
	sample_must(nft_put(b, 50, "\xab\xcd", 2));
	samples_seal(&all);
	assert_reads(&all.at[0].rec,
		     "{\"key\":{\"family\":\"ip\",\"table\":\"\\\\xfft\"},"
		     "\"body\":{\"flags\":[\"dormant\",\"0x80000000\"],"
		     "\"userdata\":\"050102\",\"attribute_50\":\"abcd\"},\"state\":{}}");
}

/* One cmp behind the load of a field: how its bytes read. */
static void assert_data_reads(uint32_t family, uint32_t base, uint32_t offset,
			      struct nse_bytes data, const char *text)
{
	NSE_CLEANUP(samples_release) struct samples all = { .n = 0 };
	struct nft_key key = { .type = NFT_RULE,
			       .family = family,
			       .table = BYTES("t"),
			       .name = BYTES("c") };
	struct nse_buf *b = &sample_new(&all, &key)->body;
	json_t *all_json, *exprs;
	long list, at[2];

	sample_must(nse_buf_put(b, "\0\0\0\0\0\0\0\0\xff\xff\xff\xff", 12));
	list = nft_nest(b, NFTA_RULE_EXPRESSIONS);
	sample_expr(b, NFTA_LIST_ELEM, "payload", at);
	sample_u32(b, NFTA_PAYLOAD_DREG, NFT_REG_1);
	sample_u32(b, NFTA_PAYLOAD_BASE, base);
	sample_u32(b, NFTA_PAYLOAD_OFFSET, offset);
	sample_u32(b, NFTA_PAYLOAD_LEN, data.n);
	sample_expr_end(b, at);
	sample_expr(b, NFTA_LIST_ELEM, "cmp", at);
	sample_u32(b, NFTA_CMP_SREG, NFT_REG_1);
	sample_u32(b, NFTA_CMP_OP, NFT_CMP_EQ);
	sample_data(b, NFTA_CMP_DATA, data.p, data.n);
	sample_expr_end(b, at);
	sample_end(b, list);
	samples_seal(&all);
	all_json = describe(&all.at[0].rec);
	exprs = json_object_get(json_object_get(all_json, "body"), "expressions");
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(exprs, 1), "data")),
		text);
	assert_null(json_object_get(json_object_get(all_json, "body"), "digest"));
	assert_null(json_object_get(json_object_get(all_json, "body"), "place"));
	json_decref(all_json);
}

/* The number that stands for an interface is shown with its name. */
static void test_interfaces(void **state)
{
	NSE_CLEANUP(samples_release) struct samples all = { .n = 0 };
	uint32_t number = nft_ifindex_number("vif5.0");
	struct nft_ifnames names = { .names = { "lo", "vif5.0" }, .n = 2 };
	struct nft_key key = { .type = NFT_RULE,
			       .family = NFPROTO_IPV4,
			       .table = BYTES("t"),
			       .name = BYTES("c") };
	struct nse_buf *b = &sample_new(&all, &key)->body;
	long list, at[2];

	(void)state;
	sample_must(nse_buf_put(b, "\0\0\0\0\0\0\0\0\xff\xff\xff\xff", 12));
	list = nft_nest(b, NFTA_RULE_EXPRESSIONS);
	sample_expr(b, NFTA_LIST_ELEM, "meta", at);
	sample_u32(b, NFTA_META_KEY, NFT_META_IIF);
	sample_u32(b, NFTA_META_DREG, NFT_REG_1);
	sample_expr_end(b, at);
	sample_expr(b, NFTA_LIST_ELEM, "cmp", at);
	sample_u32(b, NFTA_CMP_SREG, NFT_REG_1);
	sample_u32(b, NFTA_CMP_OP, NFT_CMP_NEQ);
	sample_data(b, NFTA_CMP_DATA, &number, sizeof(number));
	sample_expr_end(b, at);
	sample_end(b, list);
	sample_must(nft_ifindex_put(&names, b));
	samples_seal(&all);
	assert_int_equal(nft_check(&all.at[0].rec, NULL), 0);
	assert_reads(
		&all.at[0].rec,
		"{\"key\":{\"family\":\"ip\",\"table\":\"t\",\"chain\":\"c\",\"number\":0},"
		"\"body\":{\"expressions\":[{\"name\":\"meta\",\"key\":\"iif\",\"dreg\":1},"
		"{\"name\":\"cmp\",\"sreg\":1,\"op\":\"!=\",\"data\":\"vif5.0\"}],"
		"\"interfaces\":[\"lo\",\"vif5.0\"]},\"state\":{}}");
}

#define B(s) ((struct nse_bytes)BYTES(s))

static void test_data(void **state)
{
	(void)state;
	assert_data_reads(NFPROTO_IPV4, NFT_PAYLOAD_NETWORK_HEADER, 12, B("\x0a\0\0\1"),
			  "10.0.0.1");
	assert_data_reads(NFPROTO_IPV4, NFT_PAYLOAD_NETWORK_HEADER, 12, B("\x0a\1\2"),
			  "10.1.2.0/24");
	assert_data_reads(NFPROTO_IPV4, NFT_PAYLOAD_NETWORK_HEADER, 12,
			  B("\x0a\0\0\1\x0a\0\0\2"), "10.0.0.1 . 10.0.0.2");
	assert_data_reads(NFPROTO_IPV6, NFT_PAYLOAD_NETWORK_HEADER, 8,
			  B("\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"), "2001:db8::1");
	assert_data_reads(NFPROTO_BRIDGE, NFT_PAYLOAD_LL_HEADER, 6, B("\0\x16\x3e\1\2\3"),
			  "00:16:3e:01:02:03");
	assert_data_reads(NFPROTO_IPV4, NFT_PAYLOAD_TRANSPORT_HEADER, 2, B("\1\xbb"),
			  "0x01bb");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples), cmocka_unit_test(test_needed_rule),
		cmocka_unit_test(test_unknown), cmocka_unit_test(test_interfaces),
		cmocka_unit_test(test_data),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
