/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Transactions with the real kernel: all or nothing, refusals by the record
 * that they belong to, and only in the generation that was seen.
 */
#include <errno.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "tests/unit/nft_jobs.h"

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/batch.h"
#include "lib/engine/nft/ruleset_load.h"

#define MANY 60000 /* chains: some megabytes */

struct refusals {
	unsigned int n;
	uint32_t slot;
	int code;
};

static void on_refused(void *arg, uint32_t slot, int code, const char *text)
{
	struct refusals *r = arg;

	assert_non_null(text);
	r->n++;
	r->slot = slot;
	r->code = code;
}

static void put_table(struct nft_batch *b, const char *name, uint32_t slot)
{
	assert_int_equal(nft_batch_open(b, NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL,
					NFPROTO_IPV4, slot),
			 0);
	assert_int_equal(nft_put_str(&b->bytes, NFTA_TABLE_NAME, nft_str(name)), 0);
	assert_int_equal(nft_put_u32(&b->bytes, NFTA_TABLE_FLAGS, 0), 0);
	assert_int_equal(nft_batch_close(b), 0);
}

static void put_chain(struct nft_batch *b, const char *table, const char *name,
		      uint32_t slot)
{
	assert_int_equal(nft_batch_open(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL,
					NFPROTO_IPV4, slot),
			 0);
	assert_int_equal(nft_put_str(&b->bytes, NFTA_CHAIN_TABLE, nft_str(table)), 0);
	assert_int_equal(nft_put_str(&b->bytes, NFTA_CHAIN_NAME, nft_str(name)), 0);
	assert_int_equal(nft_batch_close(b), 0);
}

/* One that packets come to: only from there on the kernel looks for circles. */
static void put_base(struct nft_batch *b, const char *name, uint32_t slot)
{
	long hook;

	assert_int_equal(nft_batch_open(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL,
					NFPROTO_IPV4, slot),
			 0);
	nft_put_str(&b->bytes, NFTA_CHAIN_TABLE, nft_str("t"));
	nft_put_str(&b->bytes, NFTA_CHAIN_NAME, nft_str(name));
	hook = nft_nest(&b->bytes, NFTA_CHAIN_HOOK);
	nft_put_u32(&b->bytes, NFTA_HOOK_HOOKNUM, NF_INET_LOCAL_IN);
	nft_put_u32(&b->bytes, NFTA_HOOK_PRIORITY, 0);
	nft_nest_end(&b->bytes, hook);
	nft_put_str(&b->bytes, NFTA_CHAIN_TYPE, nft_str("filter"));
	assert_int_equal(nft_batch_close(b), 0);
}

/* A rule that jumps. */
static void put_jump(struct nft_batch *b, const char *from, const char *to, uint32_t slot)
{
	long exprs, elem, data, imm, verdict;
	struct nse_buf *p = &b->bytes;

	assert_int_equal(nft_batch_open(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND,
					NFPROTO_IPV4, slot),
			 0);
	nft_put_str(p, NFTA_RULE_TABLE, nft_str("t"));
	nft_put_str(p, NFTA_RULE_CHAIN, nft_str(from));
	exprs = nft_nest(p, NFTA_RULE_EXPRESSIONS);
	elem = nft_nest(p, NFTA_LIST_ELEM);
	nft_put_str(p, NFTA_EXPR_NAME, nft_str("immediate"));
	data = nft_nest(p, NFTA_EXPR_DATA);
	nft_put_u32(p, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	imm = nft_nest(p, NFTA_IMMEDIATE_DATA);
	verdict = nft_nest(p, NFTA_DATA_VERDICT);
	nft_put_u32(p, NFTA_VERDICT_CODE, (uint32_t)NFT_JUMP);
	nft_put_str(p, NFTA_VERDICT_CHAIN, nft_str(to));
	nft_nest_end(p, verdict);
	nft_nest_end(p, imm);
	nft_nest_end(p, data);
	nft_nest_end(p, elem);
	nft_nest_end(p, exprs);
	assert_int_equal(nft_batch_close(b), 0);
}

static int send_it(struct nft_batch *b, uint32_t genid, struct refusals *r)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	struct nse_error err = { 0 };
	int rc;

	*r = (struct refusals){ .slot = 0 };
	assert_int_equal(nse_nl_open(&nl, 1u << 20, b->bytes.len + 65536, &err), 0);
	rc = nft_batch_send(nl, b, genid, on_refused, r, &err);
	if (rc < 0 && rc != -ECANCELED && rc != -ERESTART)
		fail_msg("%s", err.text);
	return rc;
}

static uint32_t generation(void)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	uint32_t genid = 0;

	assert_int_equal(nse_nl_open(&nl, 0, 0, NULL), 0);
	assert_int_equal(nft_dump_generation(nl, &genid, NULL), 0);
	return genid;
}

static void test_all_or_nothing(void **state)
{
	NSE_CLEANUP(nft_batch_release) struct nft_batch b;
	struct refusals r;

	(void)state;
	new_host();
	nft_batch_init(&b);
	assert_int_equal(send_it(&b, 0, &r), 0);
	put_table(&b, "t", 10);
	put_chain(&b, "t", "c", 11);
	put_chain(&b, "nowhere", "c", 12);
	put_chain(&b, "t", "d", 13);
	assert_int_equal(send_it(&b, 0, &r), -ECANCELED);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.slot, 12);
	assert_int_equal(r.code, -ENOENT);
	assert_listing("-s", "");
	nft_batch_release(&b);
	put_table(&b, "t", 10);
	put_chain(&b, "t", "c", 11);
	assert_int_equal(send_it(&b, 0, &r), 0);
	assert_int_equal(r.n, 0);
	assert_true(lists("chain c"));
	/* The same again: both are there. */
	assert_int_equal(send_it(&b, 0, &r), -ECANCELED);
	assert_int_equal(r.n, 2);
	assert_int_equal(r.code, -EEXIST);
}

static void test_generation(void **state)
{
	NSE_CLEANUP(nft_batch_release) struct nft_batch b;
	struct refusals r;
	uint32_t genid;

	(void)state;
	new_host();
	nft_batch_init(&b);
	genid = generation();
	add_rules("table ip other { }");
	put_table(&b, "t", 1);
	assert_int_equal(send_it(&b, genid, &r), -ERESTART);
	assert_int_equal(r.n, 0);
	assert_false(lists("table ip t "));
	assert_int_equal(send_it(&b, generation(), &r), 0);
	assert_true(lists("table ip t "));
}

/* Every message is good, and they are not all together. */
static void test_whole(void **state)
{
	NSE_CLEANUP(nft_batch_release) struct nft_batch b;
	struct refusals r;

	(void)state;
	new_host();
	nft_batch_init(&b);
	put_table(&b, "t", 1);
	put_chain(&b, "t", "a", 2);
	put_chain(&b, "t", "b", 3);
	put_base(&b, "in", 4);
	put_jump(&b, "a", "b", 5);
	put_jump(&b, "b", "a", 6);
	put_jump(&b, "in", "a", 7);
	assert_int_equal(send_it(&b, 0, &r), -ECANCELED);
	assert_true(r.n >= 1);
	assert_true(r.code == -ELOOP || r.code == -EMLINK);
	assert_listing("-s", "");
}

static void test_big(void **state)
{
	NSE_CLEANUP(nft_batch_release) struct nft_batch b;
	struct refusals r;
	char name[32];

	(void)state;
	new_host();
	nft_batch_init(&b);
	put_table(&b, "t", 0);
	for (uint32_t i = 1; i <= MANY; i++) {
		snprintf(name, sizeof(name), "chain%u", i == MANY ? 7 : i);
		put_chain(&b, "t", name, i);
	}
	assert_true(b.bytes.len > 2u << 20);
	assert_int_equal(send_it(&b, 0, &r), -ECANCELED);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.slot, MANY);
	assert_listing("-s", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_or_nothing),
		cmocka_unit_test(test_generation),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_big),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!may_unshare())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
