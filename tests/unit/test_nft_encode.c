/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records of what the real kernel has: the same on any host, with what moves
 * apart.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/digest.h"
#include "lib/engine/nft/nft_engine.h"
#include "lib/util/cleanup.h"

#include "tests/unit/nft_hosts.h"

static const char *const no_devices[] = { NULL };

static const char sample[] =
	"table inet t {\n"
	"	comment \"of all sorts\"\n"
	"	counter hits { packets 3 bytes 300; }\n"
	"	quota most { over 1000 bytes used 17 bytes; }\n"
	"	set hosts { type ipv4_addr; timeout 1h; counter;\n"
	"		elements = { 10.0.0.1 counter packets 7 bytes 70 timeout 2h expires 90m,\n"
	"		10.0.0.2 comment \"two\" }; }\n"
	"	set plain { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2 }; }\n"
	"	set nets { type ipv4_addr; flags interval; elements = { 10.1.0.0/16 }; }\n"
	"	map names { type ipv4_addr : counter; elements = { 10.0.0.1 : \"hits\" }; }\n"
	"	chain a { accept; }\n"
	"	chain base { type filter hook input priority 0; policy accept;\n"
	"		tcp dport { 22, 80, 443 } tcp sport { 1, 2 } counter packets 5 bytes 500 "
	"accept comment \"a rule\";\n"
	"		tcp dport 1 jump { tcp sport { 3, 4 } counter drop; accept; }\n"
	"		ip saddr @hosts quota over 500 bytes used 100 bytes drop;\n"
	"		meter m { ip saddr limit rate 5/second } jump a;\n"
	"	}\n"
	"}\n";

static struct nse_context *collect_all(void)
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

/* The record of that name as people read it (nft_key_text). */
static struct nse_record record(const struct nse_context *ctx, const char *name)
{
	struct nse_record rec;
	struct nft_key key;
	char text[512];

	for (uint32_t s = 0; s < nse_context_slots(ctx); s++) {
		if (!nse_context_at(ctx, s, &rec))
			continue;
		assert_int_equal(nft_key_decode(&rec, &key, NULL), 0);
		nft_key_text(&key, text, sizeof(text));
		if (strcmp(text, name) == 0)
			return rec;
	}
	fail_msg("there is no %s", name);
	return rec;
}

/* No attribute of these types at the top. */
static void assert_without(enum nft_type type, struct nse_bytes body,
			   const uint16_t *types)
{
	struct nse_bytes attrs = nft_body_attrs(type, body);

	for (; *types; types++)
		assert_null(nft_attr_find(attrs, *types).p);
}

static void test_local(void **state)
{
	static const uint16_t local[NFT_TYPES][8] = {
		[NFT_TABLE] = { NFTA_TABLE_NAME, NFTA_TABLE_USE, NFTA_TABLE_HANDLE },
		[NFT_OBJECT] = { NFTA_OBJ_TABLE, NFTA_OBJ_NAME, NFTA_OBJ_USE,
				 NFTA_OBJ_HANDLE },
		[NFT_CHAIN] = { NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME, NFTA_CHAIN_USE,
				NFTA_CHAIN_HANDLE },
		[NFT_SET] = { NFTA_SET_TABLE, NFTA_SET_NAME, NFTA_SET_HANDLE, 19, 20 },
		[NFT_ELEMENT] = { NFTA_SET_ELEM_KEY, NFTA_SET_ELEM_KEY_END,
				  NFTA_SET_ELEM_EXPIRATION },
		[NFT_RULE] = { NFTA_RULE_TABLE, NFTA_RULE_CHAIN, NFTA_RULE_HANDLE,
			       NFTA_RULE_POSITION },
	};
	struct nse_context *ctx;
	struct nse_record rec;
	struct nft_key key;
	struct nse_error err;
	unsigned int seen[NFT_TYPES] = { 0 };

	(void)state;
	nft_host_load(no_devices, sample);
	ctx = collect_all();
	for (uint32_t s = 0; s < nse_context_slots(ctx); s++) {
		assert_true(nse_context_at(ctx, s, &rec));
		if (nft_check(&rec, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(nft_key_decode(&rec, &key, &err), 0);
		assert_false(key.need);
		seen[key.type]++;
		assert_without(key.type, rec.body, local[key.type]);
		assert_int_equal(rec.body.p[0], NFT_LAYOUT);
		if (key.type == NFT_RULE)
			assert_int_equal(nft_rule_place(rec.body), NFT_PLACE_NONE);
	}
	assert_int_equal(seen[NFT_TABLE], 1);
	assert_int_equal(seen[NFT_OBJECT], 2);
	assert_int_equal(seen[NFT_CHAIN], 3);
	assert_int_equal(seen[NFT_SET], 8);
	assert_int_equal(seen[NFT_ELEMENT], 15);
	assert_int_equal(seen[NFT_RULE], 7);
	nse_context_free(ctx);
}

/* The values of a record's state behind the flags, the expiration and the order. */
static void assert_values(const struct nse_context *ctx, const char *name,
			  const uint64_t *values, size_t n)
{
	struct nse_record rec = record(ctx, name);
	size_t head = 1;

	assert_true(rec.state.n > 0);
	head += rec.state.p[0] & NFT_STATE_EXPIRES ? 8 : 0;
	head += rec.state.p[0] & NFT_STATE_ORDER ? 4 : 0;
	assert_int_equal(rec.state.n, head + 8 * n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(nse_ld64(rec.state.p + head + 8 * i), values[i]);
}

static void test_state(void **state)
{
	static const uint64_t rule[] = { 500, 5 }, used[] = { 100 }, hits[] = { 300, 3 };
	static const uint64_t element[] = { 70, 7 }, most[] = { 17 };
	struct nse_context *ctx;
	struct nse_record rec;

	(void)state;
	nft_host_load(no_devices, sample);
	ctx = collect_all();
	assert_values(ctx, "rule 0 of chain inet t base", rule, 2);
	assert_values(ctx, "rule 2 of chain inet t base", used, 1);
	assert_values(ctx, "counter inet t hits", hits, 2);
	assert_values(ctx, "quota inet t most", most, 1);
	assert_values(ctx, "element 10.0.0.1 of set inet t hosts", element, 2);
	rec = record(ctx, "element 10.0.0.1 of set inet t hosts");
	assert_int_equal(rec.state.p[0], NFT_STATE_EXPIRES);
	assert_in_range(nse_ld64(rec.state.p + 1), 5000000, 5400000);
	rec = record(ctx, "element 10.0.0.1 of set inet t plain");
	assert_int_equal(rec.state.n, 0);
	assert_int_equal(rec.body.n, 1);
	rec = record(ctx, "table inet t");
	assert_int_equal(rec.state.n, 5);
	assert_int_equal(rec.state.p[0], NFT_STATE_ORDER);
	assert_int_equal(nse_ld32(rec.state.p + 1), 0);
	assert_int_equal(record(ctx, "rule 0 of chain inet t a").state.n, 0);
	nse_context_free(ctx);
}

/*
 * The same rules behind other handles, other numbers of the kernel's own sets,
 * in a hash of another seed, and with other counters.
 */
static void test_same(void **state)
{
	struct nse_context *one, *two, *three;

	(void)state;
	nft_host_load(no_devices, sample);
	one = collect_all();
	nft_host_load(no_devices, sample);
	assert_int_equal(shell("nft list ruleset | sed 's/packets [0-9]* bytes [0-9]*/"
			       "packets 99 bytes 9999/; s/expires [0-9a-z]*/expires 5m/' "
			       "> /tmp/nsemig-same-%d",
			       getpid()),
			 0);
	assert_int_equal(shell("nft add table inet t; "
			       "nft add chain inet t zz; "
			       "nft 'add rule inet t zz tcp dport { 1, 2 } accept'; "
			       "nft 'add rule inet t zz tcp dport { 1, 2 } accept'; "
			       "nft delete chain inet t base; nft flush ruleset"),
			 0);
	assert_int_equal(shell("nft add table inet t '{ comment \"of all sorts\"; }' && "
			       "nft 'add chain inet t zz; "
			       "add rule inet t zz tcp dport { 9, 8 } tcp sport { 1, 2 } "
			       "accept' && nft -f /tmp/nsemig-same-%d && "
			       "nft 'flush chain inet t zz; delete chain inet t zz'",
			       getpid()),
			 0);
	two = collect_all();
	shell("rm -f /tmp/nsemig-same-%d", getpid());
	assert_int_equal(nse_context_count(one), nse_context_count(two));
	assert_int_equal(nse_context_digest(one, false), nse_context_digest(two, false));
	assert_int_not_equal(nse_context_digest(one, true),
			     nse_context_digest(two, true));
	/* What is not streamed is the same, too. */
	three = nft_host_context();
	assert_int_equal(nse_context_digest(three, false),
			 nse_context_digest(two, false));
	nse_context_free(one);
	nse_context_free(two);
	nse_context_free(three);
}

static uint64_t digest_of(const char *rule)
{
	struct nse_context *ctx;
	char text[512];
	uint64_t digest;

	snprintf(text, sizeof(text),
		 "add table ip t\nadd chain ip t c\nadd rule ip t c %s\n", rule);
	nft_host_load(no_devices, text);
	ctx = collect_all();
	digest = nft_rule_digest(record(ctx, "rule 0 of chain ip t c").body);
	nse_context_free(ctx);
	return digest;
}

static void test_digest(void **state)
{
	uint64_t set = digest_of("tcp dport { 22, 80, 443, 8080 } accept");
	uint64_t chain = digest_of("jump { tcp dport { 1, 2 } counter accept; drop; }");

	(void)state;
	assert_int_equal(digest_of("tcp dport 22 accept"), 0);
	assert_int_not_equal(set, 0);
	assert_int_equal(digest_of("tcp dport { 8080, 22, 443, 80 } drop"), set);
	assert_int_not_equal(digest_of("tcp dport { 22, 80, 443, 8081 } accept"), set);
	assert_int_not_equal(digest_of("tcp dport { 22, 80, 443 } accept"), set);
	assert_int_not_equal(digest_of("tcp dport { 80, 1 } tcp sport { 80, 2 } accept"),
			     digest_of("tcp dport { 80, 2 } tcp sport { 80, 1 } accept"));
	assert_int_equal(digest_of("jump { tcp dport { 2, 1 } counter packets 7 bytes 9 "
				   "accept; drop; }"),
			 chain);
	assert_int_not_equal(digest_of("jump { tcp dport { 1, 3 } counter accept; "
				       "drop; }"),
			     chain);
	assert_int_not_equal(digest_of("jump { drop; tcp dport { 1, 2 } counter accept; "
				       "}"),
			     chain);
}

/* As digest.h says, of nothing but records. */
static void test_digest_of_records(void **state)
{
	struct nse_record rec;
	struct nse_context *ctx;
	struct nft_key key;
	uint64_t sets[2], want;

	(void)state;
	nft_host_load(no_devices, sample);
	ctx = collect_all();
	for (int i = 0; i < 2; i++) {
		NSE_FREE char *name = NULL;

		assert_true(asprintf(&name, "set inet t @base:0:%d", i) > 0);
		sets[i] = nft_digest_begin(record(ctx, name).body);
		for (uint32_t s = 0; s < nse_context_slots(ctx); s++) {
			assert_true(nse_context_at(ctx, s, &rec));
			assert_int_equal(nft_key_decode(&rec, &key, NULL), 0);
			if (key.type == NFT_ELEMENT &&
			    nse_bytes_equal(key.name, nft_str(name + 11)))
				sets[i] +=
					nft_digest_element(key.kind, key.bytes, rec.body);
		}
	}
	want = nft_digest_name(nft_digest_name(0, sets[0]), sets[1]);
	assert_int_equal(nft_rule_digest(record(ctx, "rule 0 of chain inet t base").body),
			 want);
	nse_context_free(ctx);
}

static uint32_t find(const struct nft_ruleset *rs, enum nft_type type, const char *name)
{
	return nft_ruleset_find(rs, type, NFPROTO_INET, nft_str("t"), nft_str(name), 0);
}

static void test_need_and_place(void **state)
{
	NSE_CLEANUP(nft_ruleset_freep) struct nft_ruleset *rs = NULL;
	NSE_FREE uint32_t *number = NULL, *place = NULL;
	struct nft_encoder enc;
	struct nse_record rec;
	struct nse_error err;
	struct nft_key key;
	uint32_t rule, set;

	(void)state;
	nft_host_load(no_devices, sample);
	rs = nft_host_ruleset();
	number = calloc(rs->n, sizeof(*number));
	place = calloc(rs->n, sizeof(*place));
	rule = rs->nodes[find(rs, NFT_CHAIN, "base")].first_rule;
	number[rule] = 40;
	place[rule] = 7;
	assert_int_equal(
		nft_encoder_init(&enc, rs, &(struct nft_numbering){ number, place }), 0);
	assert_int_equal(nft_encode_node(&enc, rule, false, &rec, &err), 0);
	assert_int_equal(nft_key_decode(&rec, &key, &err), 0);
	assert_int_equal(key.rule, 40);
	assert_int_equal(nft_rule_place(rec.body), 7);
	assert_true(rec.state.n);

	assert_int_equal(nft_encode_node(&enc, rule, true, &rec, &err), 0);
	assert_int_equal(nft_key_decode(&rec, &key, &err), 0);
	assert_true(key.need);
	assert_int_equal(key.type, NFT_RULE);
	assert_int_equal(nft_rule_place(rec.body), NFT_PLACE_NONE);
	assert_int_equal(rec.state.n, 0);

	/* The rule's own sets are called after its new number. */
	set = rs->refs[rs->nodes[rule].first_ref].to;
	assert_int_equal(nft_encode_node(&enc, set, false, &rec, &err), 0);
	assert_int_equal(nft_key_decode(&rec, &key, &err), 0);
	assert_true(nse_bytes_equal(key.name, nft_str("@base:40:0")));

	set = find(rs, NFT_SET, "hosts");
	assert_int_equal(nft_encode_element(&enc, set, &rs->nodes[set].elements[0], true,
					    &rec, &err),
			 0);
	assert_int_equal(nft_key_decode(&rec, &key, &err), 0);
	assert_true(key.need);
	assert_int_equal(rec.state.n, 0);

	/* A name that would be taken for one of ours. */
	rs->nodes[set].name = nft_str("@base:40:0");
	assert_int_equal(nft_encode_node(&enc, set, false, &rec, &err), -EPROTO);
	assert_non_null(strstr(err.text, "'@base:40:0'"));
	nft_encoder_release(&enc);
}

/* Interfaces by number: other numbers, same records. */
static void test_interfaces(void **state)
{
	static const char *const one[] = { "xa", "xb", NULL };
	static const char *const two[] = { "xc", "xd", "xb", "xa", NULL };
	static const char rules[] =
		"table inet t {\n"
		"	set ifs { type iface_index; elements = { \"xa\", \"xb\" }; }\n"
		"	map to { type ipv4_addr : iface_index; elements = { 10.0.0.1 : \"xa\" }; }\n"
		"	set both { type iface_index . ipv4_addr; elements = { \"xb\" . 10.0.0.1 }; "
		"}\n"
		"	chain c { iif \"xa\" accept; oif @ifs accept; iif { \"xa\", \"xb\" } drop; }\n"
		"}\n";
	struct nse_context *a, *b;

	(void)state;
	nft_host_load(one, rules);
	a = collect_all();
	nft_host_load(two, rules);
	b = collect_all();
	assert_int_equal(nse_context_count(a), nse_context_count(b));
	assert_int_equal(nse_context_digest(a, true), nse_context_digest(b, true));
	assert_int_equal(shell("nft delete element inet t ifs { xa } && "
			       "nft add element inet t ifs { xc }"),
			 0);
	nse_context_free(b);
	b = collect_all();
	assert_int_equal(nse_context_count(a), nse_context_count(b));
	assert_int_not_equal(nse_context_digest(a, true), nse_context_digest(b, true));
	nse_context_free(a);
	nse_context_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_local),
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_digest_of_records),
		cmocka_unit_test(test_need_and_place),
		cmocka_unit_test(test_interfaces),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!may_unshare())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
