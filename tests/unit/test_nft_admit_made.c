/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rules that are made by hand: whatever a hostile source has put in the place
 * of a match, a target does not let it in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <net/if.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/xt_mac.h>
#include <linux/netfilter/xt_physdev.h>

#include "lib/engine/nft/attr.h"
#include "tests/unit/nft_admits.h"

static struct nse_buf body = NSE_BUF_INIT(NSE_RECORD_MAX);
static struct nse_buf key = NSE_BUF_INIT(NSE_RECORD_MAX);

static int made_teardown(void **state)
{
	nse_buf_release(&body);
	nse_buf_release(&key);
	return admit_teardown(state);
}

static long begin_expr(const char *name, long *data)
{
	long elem = nft_nest(&body, NFTA_LIST_ELEM);

	assert_int_equal(nft_put_str(&body, NFTA_EXPR_NAME, nft_str(name)), 0);
	*data = nft_nest(&body, NFTA_EXPR_DATA);
	return elem;
}

static void end_expr(long elem, long data)
{
	assert_int_equal(nft_nest_end(&body, data), 0);
	assert_int_equal(nft_nest_end(&body, elem), 0);
}

static void put_data(uint16_t type, const void *p, size_t n)
{
	long nest = nft_nest(&body, type);

	assert_int_equal(nft_put(&body, NFTA_DATA_VALUE, p, n), 0);
	assert_int_equal(nft_nest_end(&body, nest), 0);
}

static void meta(uint32_t reg, uint32_t what)
{
	long data, elem = begin_expr("meta", &data);

	nft_put_u32(&body, NFTA_META_DREG, reg);
	nft_put_u32(&body, NFTA_META_KEY, what);
	end_expr(elem, data);
}

static void saddr(uint32_t reg)
{
	long data, elem = begin_expr("payload", &data);

	nft_put_u32(&body, NFTA_PAYLOAD_DREG, reg);
	nft_put_u32(&body, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
	nft_put_u32(&body, NFTA_PAYLOAD_OFFSET, 12);
	nft_put_u32(&body, NFTA_PAYLOAD_LEN, 4);
	end_expr(elem, data);
}

static void cmp(uint32_t reg, uint32_t op, const void *p, size_t n)
{
	long data, elem = begin_expr("cmp", &data);

	nft_put_u32(&body, NFTA_CMP_SREG, reg);
	nft_put_u32(&body, NFTA_CMP_OP, op);
	put_data(NFTA_CMP_DATA, p, n);
	end_expr(elem, data);
}

static void immediate(uint32_t reg, const void *p, size_t n)
{
	long data, elem = begin_expr("immediate", &data);

	nft_put_u32(&body, NFTA_IMMEDIATE_DREG, reg);
	put_data(NFTA_IMMEDIATE_DATA, p, n);
	end_expr(elem, data);
}

static void mask(uint32_t reg, const void *and, const void * xor, size_t n)
{
	long data, elem = begin_expr("bitwise", &data);

	nft_put_u32(&body, NFTA_BITWISE_SREG, reg);
	nft_put_u32(&body, NFTA_BITWISE_DREG, reg);
	nft_put_u32(&body, NFTA_BITWISE_LEN, (uint32_t)n);
	put_data(NFTA_BITWISE_MASK, and, n);
	put_data(NFTA_BITWISE_XOR, xor, n);
	end_expr(elem, data);
}

static void lookup(uint32_t reg, const char *set, uint32_t flags)
{
	long data, elem = begin_expr("lookup", &data);

	nft_put_str(&body, NFTA_LOOKUP_SET, nft_str(set));
	nft_put_u32(&body, NFTA_LOOKUP_SREG, reg);
	nft_put_u32(&body, NFTA_LOOKUP_FLAGS, flags);
	end_expr(elem, data);
}

static void plain(const char *name)
{
	long data, elem = begin_expr(name, &data);

	end_expr(elem, data);
}

static void verdict(uint32_t code, const char *chain)
{
	long data, elem = begin_expr("immediate", &data), value, v;

	nft_put_u32(&body, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	value = nft_nest(&body, NFTA_IMMEDIATE_DATA);
	v = nft_nest(&body, NFTA_DATA_VERDICT);
	nft_put_u32(&body, NFTA_VERDICT_CODE, code);
	if (chain)
		nft_put_str(&body, NFTA_VERDICT_CHAIN, nft_str(chain));
	nft_nest_end(&body, v);
	nft_nest_end(&body, value);
	end_expr(elem, data);
}

static long begin_rule(void)
{
	static const uint8_t head[NFT_RULE_HEAD] = { NFT_LAYOUT };

	nse_buf_reset(&body);
	assert_int_equal(nse_buf_put(&body, head, sizeof(head)), 0);
	return nft_nest(&body, NFTA_RULE_EXPRESSIONS);
}

static void put_record(enum nft_type type, const struct nft_key *k)
{
	struct nse_record rec;

	nse_buf_reset(&key);
	assert_int_equal(nft_key_encode(k, &key), 0);
	rec = (struct nse_record){ .kind = &nft_kinds[type],
				   .key = { key.data, key.len },
				   .body = { body.data, body.len } };
	assert_int_equal(nse_context_put(ctx, &rec, NULL), 0);
}

static struct nft_key key_of(enum nft_type type, const char *name)
{
	return (struct nft_key){ .type = type,
				 .family = NFPROTO_INET,
				 .table = nft_str("filter"),
				 .name = nft_str(name),
				 .rule = 50 };
}

static void end_rule(long nest)
{
	struct nft_key k = key_of(NFT_RULE, "forward");

	verdict(0, NULL);
	assert_int_equal(nft_nest_end(&body, nest), 0);
	put_record(NFT_RULE, &k);
}

static const char vif[16] = "vif5.0";
static const uint8_t addr[4] = { 10, 0, 0, 5 };

#define IIFNAME NFT_META_IIFNAME
#define EQ	NFT_CMP_EQ

static void test_honest_match(void **state)
{
	long rule;

	(void)state;
	load(TWO_DOMAINS);
	collect();
	rule = begin_rule();
	meta(NFT_REG_1, IIFNAME);
	plain("counter");
	cmp(NFT_REG_1, EQ, vif, 16);
	end_rule(rule);
	assert_admitted();
	rule = begin_rule();
	meta(NFT_REG_1, IIFNAME);
	cmp(NFT_REG_1, EQ, vif, 16);
	verdict((uint32_t)NFT_JUMP, "web1");
	end_rule(rule);
	assert_admitted();
	rule = begin_rule();
	meta(NFT_REG_1, IIFNAME);
	cmp(NFT_REG_1, EQ, vif, 16);
	verdict((uint32_t)NFT_JUMP, "web2");
	end_rule(rule);
	assert_refused("rule 50 of chain inet filter forward refers to the chain 'web2', "
		       "which is not there");
}

static void assert_no_match(long rule)
{
	end_rule(rule);
	assert_refused("rule 50 of chain inet filter forward is in a chain of everybody");
}

/* Comparisons that are true for everybody, or come too late. */
static void test_false_match(void **state)
{
	static const uint8_t zeros[16];
	long rule;

	(void)state;
	load(TWO_DOMAINS);
	collect();
	rule = begin_rule(); /* drops all there is, then compares */
	verdict(0, NULL);
	meta(NFT_REG_1, IIFNAME);
	cmp(NFT_REG_1, EQ, vif, 16);
	assert_no_match(rule);
	rule = begin_rule();
	plain("notrack");
	meta(NFT_REG_1, IIFNAME);
	cmp(NFT_REG_1, EQ, vif, 16);
	assert_no_match(rule);
	rule = begin_rule();
	plain("unheard-of");
	meta(NFT_REG_1, IIFNAME);
	cmp(NFT_REG_1, EQ, vif, 16);
	assert_no_match(rule);
	rule = begin_rule(); /* the register has another content meanwhile */
	meta(NFT_REG_1, IIFNAME);
	immediate(NFT_REG_1, vif, 16);
	cmp(NFT_REG_1, EQ, vif, 16);
	assert_no_match(rule);
	rule = begin_rule();
	meta(NFT_REG_1, IIFNAME);
	immediate(NFT_REG32_00, vif, 4);
	cmp(NFT_REG_1, EQ, vif, 16);
	assert_no_match(rule);
	rule = begin_rule();
	meta(NFT_REG_1, IIFNAME);
	mask(NFT_REG_1, zeros, vif, 16);
	cmp(NFT_REG_1, EQ, vif, 16);
	assert_no_match(rule);
	rule = begin_rule();
	meta(NFT_REG_1, IIFNAME);
	cmp(NFT_REG_1, NFT_CMP_NEQ, vif, 16);
	assert_no_match(rule);
	rule = begin_rule(); /* vif5.0*: vif5.01, say */
	meta(NFT_REG_1, IIFNAME);
	cmp(NFT_REG_1, EQ, vif, 6);
	assert_no_match(rule);
	rule = begin_rule(); /* another register */
	meta(NFT_REG_1, IIFNAME);
	cmp(NFT_REG_2, EQ, vif, 16);
	assert_no_match(rule);
	rule = begin_rule();
	meta(NFT_REG_1, NFT_META_MARK);
	cmp(NFT_REG_1, EQ, addr, 4);
	assert_no_match(rule);
	rule = begin_rule();
	assert_no_match(rule);
}

static void xt_match(const char *name, const void *info, size_t n)
{
	long data, elem = begin_expr("match", &data);

	nft_put_str(&body, NFTA_MATCH_NAME, nft_str(name));
	nft_put_u32(&body, NFTA_MATCH_REV, 0);
	nft_put(&body, NFTA_MATCH_INFO, info, n);
	end_expr(elem, data);
}

/* Extensions of xtables that look narrower than they are. */
static void test_xt(void **state)
{
	struct xt_physdev_info dev = { .physindev = "vif5.0",
				       .bitmask = XT_PHYSDEV_OP_IN };
	struct xt_mac_info from = { .srcaddr = { 0, 0x16, 0x3e, 0, 0, 5 } };
	long rule;

	(void)state;
	load(TWO_DOMAINS);
	collect();
	memset(dev.in_mask, 0xff, sizeof("vif5.0"));
	rule = begin_rule();
	xt_match("physdev", &dev, sizeof(dev));
	end_rule(rule);
	assert_admitted();
	dev.bitmask = XT_PHYSDEV_OP_OUT;
	rule = begin_rule();
	xt_match("physdev", &dev, sizeof(dev));
	assert_no_match(rule);
	dev.bitmask = XT_PHYSDEV_OP_IN;
	dev.invert = XT_PHYSDEV_OP_IN;
	rule = begin_rule();
	xt_match("physdev", &dev, sizeof(dev));
	assert_no_match(rule);
	rule = begin_rule();
	xt_match("mac", &from, sizeof(from));
	end_rule(rule);
	assert_admitted();
	from.invert = 256;
	rule = begin_rule();
	xt_match("mac", &from, sizeof(from));
	assert_no_match(rule);
}

/* A set of the rule's own, which says that its keys are addresses. */
static void put_own_set(void)
{
	static const uint8_t head[] = { NFT_LAYOUT };
	struct nft_key k = key_of(NFT_SET, "@forward:50:0");

	nse_buf_reset(&body);
	nse_buf_put(&body, head, 1);
	nft_put_u32(&body, NFTA_SET_FLAGS, NFT_SET_ANONYMOUS | NFT_SET_CONSTANT);
	nft_put_u32(&body, NFTA_SET_KEY_TYPE, 7); /* ipv4_addr of nft(8) */
	nft_put_u32(&body, NFTA_SET_KEY_LEN, 4);
	put_record(NFT_SET, &k);
	k.type = NFT_ELEMENT;
	k.bytes = (struct nse_bytes){ addr, 4 };
	k.kind = NFT_ELEMENT_PLAIN;
	nse_buf_reset(&body);
	nse_buf_put(&body, head, 1);
	put_record(NFT_ELEMENT, &k);
}

static void test_lookups(void **state)
{
	long rule;

	(void)state;
	load(TWO_DOMAINS);
	collect();
	put_own_set();
	assert_refused(
		"set inet filter @forward:50:0 is neither selected nor referred to");
	rule = begin_rule();
	saddr(NFT_REG_1);
	lookup(NFT_REG_1, "@0", 0);
	end_rule(rule);
	assert_admitted();
	rule = begin_rule();
	saddr(NFT_REG_1);
	lookup(NFT_REG_1, "@0", NFT_LOOKUP_F_INV);
	assert_no_match(rule);
	rule = begin_rule();
	immediate(NFT_REG_1, addr, 4);
	lookup(NFT_REG_1, "@0", 0);
	assert_no_match(rule);
	rule = begin_rule();
	meta(NFT_REG_1, NFT_META_MARK);
	lookup(NFT_REG_1, "@0", 0);
	assert_no_match(rule);
	rule = begin_rule(); /* a set of everybody has others in it, too */
	saddr(NFT_REG_1);
	lookup(NFT_REG_1, "block", 0);
	assert_no_match(rule);
	rule = begin_rule();
	saddr(NFT_REG_1);
	cmp(NFT_REG_1, EQ, addr, 4);
	lookup(NFT_REG_1, "@1", 0);
	end_rule(rule);
	assert_refused("refers to the set '@1', which is not there");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_honest_match, domains_setup,
						made_teardown),
		cmocka_unit_test_setup_teardown(test_false_match, domains_setup,
						made_teardown),
		cmocka_unit_test_setup_teardown(test_xt, domains_setup, made_teardown),
		cmocka_unit_test_setup_teardown(test_lookups, domains_setup,
						made_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!may_unshare())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
