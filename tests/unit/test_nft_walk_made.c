/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The walk through expressions that are made by hand: those that the nft(8) or
 * the kernel of this machine do not make, and those that nobody would make.
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

#include "lib/engine/nft/walk.h"
#include "lib/util/cleanup.h"

#include "tests/unit/nft_sample.h"
#include "tests/unit/nft_sites.h"

static void put_meta(struct nse_buf *b, uint32_t key, uint32_t reg)
{
	long at[2];

	sample_expr(b, NFTA_LIST_ELEM, "meta", at);
	sample_u32(b, NFTA_META_DREG, reg);
	sample_u32(b, NFTA_META_KEY, key);
	sample_expr_end(b, at);
}

static void put_cmp(struct nse_buf *b, uint32_t reg, uint32_t op, const void *p, size_t n)
{
	long at[2];

	sample_expr(b, NFTA_LIST_ELEM, "cmp", at);
	sample_u32(b, NFTA_CMP_SREG, reg);
	sample_u32(b, NFTA_CMP_OP, op);
	sample_data(b, NFTA_CMP_DATA, p, n);
	sample_expr_end(b, at);
}

static void put_payload(struct nse_buf *b, uint32_t base, uint32_t off, uint32_t len,
			uint32_t reg)
{
	long at[2];

	sample_expr(b, NFTA_LIST_ELEM, "payload", at);
	sample_u32(b, NFTA_PAYLOAD_DREG, reg);
	sample_u32(b, NFTA_PAYLOAD_BASE, base);
	sample_u32(b, NFTA_PAYLOAD_OFFSET, off);
	sample_u32(b, NFTA_PAYLOAD_LEN, len);
	sample_expr_end(b, at);
}

static void put_bitwise(struct nse_buf *b, const void *mask, const void * xor, uint32_t n)
{
	long at[2];

	sample_expr(b, NFTA_LIST_ELEM, "bitwise", at);
	sample_u32(b, NFTA_BITWISE_SREG, NFT_REG_1);
	sample_u32(b, NFTA_BITWISE_DREG, NFT_REG_1);
	sample_u32(b, NFTA_BITWISE_LEN, n);
	sample_data(b, NFTA_BITWISE_MASK, mask, n);
	sample_data(b, NFTA_BITWISE_XOR, xor, n);
	sample_expr_end(b, at);
}

static void check_made(struct nse_buf *b, long list, const char *expected)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf out = NSE_BUF_INIT(65536);
	struct nse_bytes attrs;
	struct seen seen = { .n = 0 };

	sample_end(b, list);
	attrs = (struct nse_bytes){ b->data, b->len };
	assert_sites(NFPROTO_INET, NFT_RULE, attrs, NULL, expected);
	assert_int_equal(nft_walk(NFT_RULE, attrs, NULL, on_site, &seen, &out), 0);
	assert_int_equal(out.len, attrs.n);
	assert_memory_equal(out.data, attrs.p, attrs.n);
	nse_buf_reset(b);
}

static void test_registers(void **state)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(65536);
	static const char name[] = "vif5.0\0\0\0\0\0\0\0\0\0";
	long list = nft_nest(&b, NFTA_RULE_EXPRESSIONS);

	(void)state;
	/* NFT_REG_2 is NFT_REG32_04. */
	put_meta(&b, NFT_META_IIFNAME, NFT_REG_2);
	put_cmp(&b, NFT_REG32_04, NFT_CMP_EQ, name, 16);
	check_made(&b, list, "ifname==:vif5.0");
	/* A later load of four bytes takes a part away. */
	list = nft_nest(&b, NFTA_RULE_EXPRESSIONS);
	put_meta(&b, NFT_META_IIFNAME, NFT_REG_1);
	put_meta(&b, NFT_META_MARK, NFT_REG32_01);
	put_cmp(&b, NFT_REG_1, NFT_CMP_EQ, name, 16);
	check_made(&b, list, "ifname==:vif5*");
	/* What begins in the middle of a field is not a site. */
	list = nft_nest(&b, NFTA_RULE_EXPRESSIONS);
	put_meta(&b, NFT_META_IIFNAME, NFT_REG_1);
	put_cmp(&b, NFT_REG32_01, NFT_CMP_EQ, name, 12);
	check_made(&b, list, "");
	/* iptables: a name with its NUL. */
	list = nft_nest(&b, NFTA_RULE_EXPRESSIONS);
	put_meta(&b, NFT_META_OIFNAME, NFT_REG_1);
	put_cmp(&b, NFT_REG_1, NFT_CMP_NEQ, name, 7);
	check_made(&b, list, "ifname!=:vif5.0*");
	/* Both addresses of Ethernet and the type, which says what follows. */
	list = nft_nest(&b, NFTA_RULE_EXPRESSIONS);
	put_payload(&b, NFT_PAYLOAD_LL_HEADER, 0, 14, NFT_REG_1);
	put_cmp(&b, NFT_REG_1, NFT_CMP_EQ, "\0\x16>\0\0\2\0\x16>\0\0\1\x86\xdd", 14);
	put_payload(&b, NFT_PAYLOAD_NETWORK_HEADER, 24, 4, NFT_REG_1);
	put_cmp(&b, NFT_REG_1, NFT_CMP_EQ, "\xfd\0\0\1", 4);
	check_made(&b, list, "mac==:00163e000002 mac==:00163e000001 ip6==:fd000001");
	/* Registers that there are none of. */
	list = nft_nest(&b, NFTA_RULE_EXPRESSIONS);
	put_meta(&b, NFT_META_IIFNAME, 5);
	put_meta(&b, NFT_META_IIFNAME, NFT_REG32_15);
	put_meta(&b, NFT_META_IIFNAME, 0xffffffff);
	put_cmp(&b, NFT_REG32_15, NFT_CMP_EQ, name, 16);
	put_cmp(&b, 5, NFT_CMP_EQ, name, 16);
	check_made(&b, list, "ifname==:vif5*");
}

static void test_masks(void **state)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(65536);
	static const struct {
		const char *mask, *xor, *sites;
	} cases[] = {
		{ "\xff\xff\xff\xff", "\0\0\0\0", "ip4==:0a000001" },
		{ "\xff\xff\xff\x80", "\0\0\0\0", "ip4?:0a000001/25" },
		{ "\xff\xff\0\0", "\0\0\0\0", "ip4?:0a000001/16" },
		{ "\xff\0\xff\xff", "\0\0\0\0", "ip4?:0a000001/0" },
		{ "\0\0\0\0", "\0\0\0\0", "ip4?:0a000001/0" },
		{ "\xff\xff\xff\xff", "\1\0\0\0", "" },
	};

	(void)state;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(cases); i++) {
		long list = nft_nest(&b, NFTA_RULE_EXPRESSIONS);

		put_payload(&b, NFT_PAYLOAD_NETWORK_HEADER, 12, 4, NFT_REG_1);
		put_bitwise(&b, cases[i].mask, cases[i].xor, 4);
		put_cmp(&b, NFT_REG_1, NFT_CMP_EQ, "\x0a\0\0\1", 4);
		check_made(&b, list, cases[i].sites);
	}
}

static void test_extensions(void **state)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(65536);
	long list = nft_nest(&b, NFTA_RULE_EXPRESSIONS), at[2], in[2], inner;

	(void)state;
	sample_expr(&b, NFTA_LIST_ELEM, "match", at);
	sample_str(&b, 1, "physdev");
	sample_u32(&b, 2, 0);
	sample_must(nft_put(&b, 3, "0123456789", 10));
	sample_expr_end(&b, at);
	sample_expr(&b, NFTA_LIST_ELEM, "last", at);
	sample_u32(&b, NFTA_LAST_SET, 1);
	sample_u64(&b, NFTA_LAST_MSECS, 7);
	sample_expr_end(&b, at);
	sample_expr(&b, NFTA_LIST_ELEM, "flow_offload", at);
	sample_str(&b, NFTA_FLOW_TABLE_NAME, "fast");
	sample_expr_end(&b, at);
	/* vxlan ip saddr: the inner packet's. */
	sample_expr(&b, NFTA_LIST_ELEM, "inner", at);
	sample_u32(&b, 1, 0);
	inner = nft_nest(&b, 5);
	sample_str(&b, NFTA_EXPR_NAME, "payload");
	in[1] = nft_nest(&b, NFTA_EXPR_DATA);
	sample_u32(&b, NFTA_PAYLOAD_DREG, NFT_REG_1);
	sample_u32(&b, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
	sample_u32(&b, NFTA_PAYLOAD_OFFSET, 12);
	sample_u32(&b, NFTA_PAYLOAD_LEN, 4);
	sample_end(&b, in[1]);
	sample_end(&b, inner);
	sample_expr_end(&b, at);
	put_cmp(&b, NFT_REG_1, NFT_CMP_EQ, "\x0a\0\0\1", 4);
	/* Nobody knows it: its bytes stay. */
	sample_expr(&b, NFTA_LIST_ELEM, "tomorrow", at);
	sample_u32(&b, 1, 17);
	sample_str(&b, 2, "vif5.0");
	sample_expr_end(&b, at);
	check_made(&b, list, "xt:physdev value value flowtable:fast ip4==:0a000001");
}

/* Each site with another size than it has. */
static int grow(void *arg, const struct nft_site *s, struct nse_buf *to)
{
	(void)arg;
	(void)s;
	return nse_buf_put(to, "a-longer-name-than-before", 25) ?: 1;
}

static void test_sizes(void **state)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(65536);
	NSE_CLEANUP(nse_buf_release) struct nse_buf out = NSE_BUF_INIT(65536);
	NSE_CLEANUP(nse_buf_release) struct nse_buf small = NSE_BUF_INIT(40);
	long list = nft_nest(&b, NFTA_RULE_EXPRESSIONS), at[2];
	struct nft_layout layout = { .nkey = 1, .key_len = 4 };
	struct nse_bytes attrs;

	(void)state;
	put_meta(&b, NFT_META_IIFNAME, NFT_REG_1);
	put_cmp(&b, NFT_REG_1, NFT_CMP_EQ, "vif5.", 5);
	sample_expr(&b, NFTA_LIST_ELEM, "lookup", at);
	sample_str(&b, NFTA_LOOKUP_SET, "s");
	sample_expr_end(&b, at);
	sample_end(&b, list);
	attrs = (struct nse_bytes){ b.data, b.len };
	assert_int_equal(nft_walk(NFT_RULE, attrs, NULL, grow, NULL, &out), 0);
	assert_sites(NFPROTO_INET, NFT_RULE, (struct nse_bytes){ out.data, out.len },
		     NULL, "ifname==:a-longer-name-th set:a-longer-name-than-before");
	assert_int_equal(nft_walk(NFT_RULE, attrs, NULL, grow, NULL, &small), -EMSGSIZE);
	/* A field of a key has its size. */
	layout.key[0] = (struct nft_field){ NFT_SITE_IP4, 0, 4 };
	nse_buf_reset(&out);
	assert_int_equal(nft_walk_key(&layout, NFT_ELEMENT_PLAIN,
				      (struct nse_bytes)BYTES("\x0a\0\0\1"), grow, NULL,
				      &out),
			 -EINVAL);
}

/* Every record of the sample cut, and with every byte changed: never a crash. */
static void test_hostile(void **state)
{
	struct nft_layout layout = { .nkey = 1, .ndata = 1, .key_len = 4, .data_len = 4 };
	struct samples all;

	(void)state;
	layout.key[0] = layout.data[0] = (struct nft_field){ NFT_SITE_IP4, 0, 4 };
	samples_make(&all);
	for (size_t i = 0; i < all.n; i++) {
		struct nse_bytes attrs;
		enum nft_type type;
		uint8_t *copy;
		bool need;

		assert_true(nft_kind_of(all.at[i].rec.kind, &type, &need));
		attrs = nft_body_attrs(type, all.at[i].rec.body);
		for (size_t n = 0; n <= attrs.n; n++) {
			NSE_CLEANUP(nse_buf_release)
			struct nse_buf out = NSE_BUF_INIT(65536);
			struct seen seen = { .n = 0 };

			/* Bytes of its own, so that a sanitizer sees their end. */
			copy = malloc(n + 1);
			memcpy(copy, attrs.p, n);
			nft_walk(type, (struct nse_bytes){ copy, n }, &layout, on_site,
				 &seen, &out);
			free(copy);
		}
		for (size_t at = 0; at < attrs.n; at++)
			for (int v = 0; v < 256; v += 17) {
				NSE_CLEANUP(nse_buf_release)
				struct nse_buf out = NSE_BUF_INIT(65536);
				struct seen seen = { .n = 0 };

				copy = malloc(attrs.n);
				memcpy(copy, attrs.p, attrs.n);
				copy[at] ^= (uint8_t)(v + 1);
				nft_walk(type, (struct nse_bytes){ copy, attrs.n },
					 &layout, on_site, &seen, &out);
				free(copy);
			}
	}
	samples_release(&all);
}

/* Expressions in expressions without an end. */
static void test_depth(void **state)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(65536);
	long list = nft_nest(&b, NFTA_RULE_EXPRESSIONS);
	long at[200][2];
	struct seen seen = { .n = 0 };

	(void)state;
	sample_expr(&b, NFTA_LIST_ELEM, "dynset", at[0]);
	for (int i = 1; i < 200; i++)
		sample_expr(&b, NFTA_DYNSET_EXPR, "dynset", at[i]);
	for (int i = 199; i >= 0; i--)
		sample_expr_end(&b, at[i]);
	sample_end(&b, list);
	assert_int_equal(nft_walk(NFT_RULE, (struct nse_bytes){ b.data, b.len }, NULL,
				  on_site, &seen, NULL),
			 -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registers),  cmocka_unit_test(test_masks),
		cmocka_unit_test(test_extensions), cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_hostile),	   cmocka_unit_test(test_depth),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
