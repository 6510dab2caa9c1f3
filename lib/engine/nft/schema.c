/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The attributes of nf_tables as tables, as far as a record's bytes must be
 * looked into: where attributes nest, where names stand, and what would name
 * another object than the record's key does, or by a number that only one
 * transaction on one host knows.
 */
#include "lib/engine/nft/schema.h"

#include <string.h>

#include <linux/netfilter/nf_tables.h>

#include "lib/util/cleanup.h"

/* What stands behind an attribute's number in its row. */
#define GONE	NFT_SHAPE_GONE, 0, NULL
#define ANY	NFT_SHAPE_ANY, 0, NULL
#define SIZE(n) NFT_SHAPE_SIZE, n, NULL
#define U32	SIZE(4)
#define U64	SIZE(8)
#define UPTO(n) NFT_SHAPE_UPTO, n, NULL
#define NAME	NFT_SHAPE_NAME, 0, NULL
#define REF	NFT_SHAPE_REF, 0, NULL
#define NEST(s) NFT_SHAPE_NEST, 0, &(s)
#define LIST(s) NFT_SHAPE_LIST, 0, &(s)
#define DEVICES NFT_SHAPE_DEVICES, 0, NULL
#define DATA	NFT_SHAPE_DATA, 0, NULL

#define SCHEMA(rows) (rows), NSE_ARRAY_SIZE(rows)

/* Attributes of later kernels than the header's. */
#define SET_TYPE   19
#define SET_COUNT  20
#define INNER_EXPR 5

static const struct nft_schema flat;

static const struct nft_member_shape expr_members[] = {
	{ NFTA_EXPR_NAME, NAME },
	{ NFTA_EXPR_DATA, DATA },
};
const struct nft_schema nft_expr_schema = { SCHEMA(expr_members) };

static const struct nft_member_shape verdict_members[] = {
	{ NFTA_VERDICT_CODE, U32 },
	{ NFTA_VERDICT_CHAIN, REF },
	{ NFTA_VERDICT_CHAIN_ID, GONE },
};
static const struct nft_schema verdict = { SCHEMA(verdict_members) };

static const struct nft_member_shape data_members[] = {
	{ NFTA_DATA_VALUE, UPTO(NFT_DATA_VALUE_MAXLEN) },
	{ NFTA_DATA_VERDICT, NEST(verdict) },
};
static const struct nft_schema data = { SCHEMA(data_members) };

static const struct nft_member_shape counter_members[] = {
	{ NFTA_COUNTER_BYTES, U64 },
	{ NFTA_COUNTER_PACKETS, U64 },
};
static const struct nft_schema counter = { SCHEMA(counter_members) };

static const struct nft_member_shape quota_members[] = {
	{ NFTA_QUOTA_BYTES, U64 },
	{ NFTA_QUOTA_FLAGS, U32 },
	{ NFTA_QUOTA_CONSUMED, U64 },
};
static const struct nft_schema quota = { SCHEMA(quota_members) };

static const struct nft_member_shape last_members[] = {
	{ NFTA_LAST_SET, U32 },
	{ NFTA_LAST_MSECS, U64 },
};
static const struct nft_schema last = { SCHEMA(last_members) };

static const struct nft_member_shape immediate_members[] = {
	{ NFTA_IMMEDIATE_DATA, NEST(data) },
};
static const struct nft_schema immediate = { SCHEMA(immediate_members) };

static const struct nft_member_shape bitwise_members[] = {
	{ NFTA_BITWISE_MASK, NEST(data) },
	{ NFTA_BITWISE_XOR, NEST(data) },
	{ NFTA_BITWISE_DATA, NEST(data) },
};
static const struct nft_schema bitwise = { SCHEMA(bitwise_members) };

static const struct nft_member_shape cmp_members[] = {
	{ NFTA_CMP_DATA, NEST(data) },
};
static const struct nft_schema cmp = { SCHEMA(cmp_members) };

static const struct nft_member_shape range_members[] = {
	{ NFTA_RANGE_FROM_DATA, NEST(data) },
	{ NFTA_RANGE_TO_DATA, NEST(data) },
};
static const struct nft_schema range = { SCHEMA(range_members) };

static const struct nft_member_shape lookup_members[] = {
	{ NFTA_LOOKUP_SET, REF },
	{ NFTA_LOOKUP_SET_ID, GONE },
};
static const struct nft_schema lookup = { SCHEMA(lookup_members) };

static const struct nft_member_shape dynset_members[] = {
	{ NFTA_DYNSET_SET_NAME, REF }, { NFTA_DYNSET_SET_ID, GONE },
	{ NFTA_DYNSET_TIMEOUT, U64 },  { NFTA_DYNSET_EXPR, NEST(nft_expr_schema) },
	{ NFTA_DYNSET_FLAGS, U32 },    { NFTA_DYNSET_EXPRESSIONS, LIST(nft_expr_schema) },
};
static const struct nft_schema dynset = { SCHEMA(dynset_members) };

static const struct nft_member_shape objref_members[] = {
	{ NFTA_OBJREF_IMM_TYPE, U32 },
	{ NFTA_OBJREF_IMM_NAME, NAME },
	{ NFTA_OBJREF_SET_NAME, REF },
	{ NFTA_OBJREF_SET_ID, GONE },
};
static const struct nft_schema objref = { SCHEMA(objref_members) };

static const struct nft_member_shape flow_members[] = {
	{ NFTA_FLOW_TABLE_NAME, NAME },
};
static const struct nft_schema flow = { SCHEMA(flow_members) };

static const struct nft_member_shape hash_members[] = {
	{ NFTA_HASH_SET_NAME, GONE },
	{ NFTA_HASH_SET_ID, GONE },
};
static const struct nft_schema hash = { SCHEMA(hash_members) };

static const struct nft_member_shape numgen_members[] = {
	{ NFTA_NG_SET_NAME, GONE },
	{ NFTA_NG_SET_ID, GONE },
};
static const struct nft_schema numgen = { SCHEMA(numgen_members) };

static const struct nft_member_shape inner_members[] = {
	{ INNER_EXPR, NEST(nft_expr_schema) },
};
static const struct nft_schema inner = { SCHEMA(inner_members) };

/* Of match and target alike: name, revision, info. */
static const struct nft_member_shape xt_members[] = {
	{ 1, NAME },
	{ 2, U32 },
	{ 3, ANY },
};
static const struct nft_schema xt = { SCHEMA(xt_members) };

static const struct {
	const char *name;
	const struct nft_schema *schema;
} exprs[] = {
	{ "bitwise", &bitwise },     { "cmp", &cmp },		{ "counter", &counter },
	{ "dynset", &dynset },	     { "flow_offload", &flow }, { "hash", &hash },
	{ "immediate", &immediate }, { "inner", &inner },	{ "last", &last },
	{ "lookup", &lookup },	     { "match", &xt },		{ "numgen", &numgen },
	{ "objref", &objref },	     { "quota", &quota },	{ "range", &range },
	{ "target", &xt },
};

const struct nft_schema *nft_expr_data_schema(struct nse_bytes name)
{
	for (size_t i = 0; i < NSE_ARRAY_SIZE(exprs); i++)
		if (strlen(exprs[i].name) == name.n &&
		    memcmp(exprs[i].name, name.p, name.n) == 0)
			return exprs[i].schema;
	return &flat;
}

static const struct nft_member_shape ct_helper_members[] = {
	{ NFTA_CT_HELPER_NAME, NAME },
};
static const struct nft_schema ct_helper = { SCHEMA(ct_helper_members) };

static const struct nft_member_shape ct_timeout_members[] = {
	{ NFTA_CT_TIMEOUT_DATA, NEST(flat) },
};
static const struct nft_schema ct_timeout = { SCHEMA(ct_timeout_members) };

static const struct nft_member_shape tunnel_members[] = {
	{ NFTA_TUNNEL_KEY_IP, NEST(flat) },
	{ NFTA_TUNNEL_KEY_IP6, NEST(flat) },
};
static const struct nft_schema tunnel = { SCHEMA(tunnel_members) };

const struct nft_schema *nft_object_data_schema(uint32_t objtype)
{
	switch (objtype) {
	case NFT_OBJECT_COUNTER:
		return &counter;
	case NFT_OBJECT_QUOTA:
		return &quota;
	case NFT_OBJECT_CT_HELPER:
		return &ct_helper;
	case NFT_OBJECT_CT_TIMEOUT:
		return &ct_timeout;
	case NFT_OBJECT_TUNNEL:
		return &tunnel;
	default:
		return &flat;
	}
}

static const struct nft_member_shape table_members[] = {
	{ NFTA_TABLE_NAME, GONE }, { NFTA_TABLE_FLAGS, U32 },
	{ NFTA_TABLE_USE, GONE },  { NFTA_TABLE_HANDLE, GONE },
	{ NFTA_TABLE_PAD, GONE },  { NFTA_TABLE_OWNER, GONE },
};

static const struct nft_member_shape object_members[] = {
	{ NFTA_OBJ_TABLE, GONE }, { NFTA_OBJ_NAME, GONE }, { NFTA_OBJ_TYPE, U32 },
	{ NFTA_OBJ_DATA, DATA },  { NFTA_OBJ_USE, GONE },  { NFTA_OBJ_HANDLE, GONE },
	{ NFTA_OBJ_PAD, GONE },
};

static const struct nft_member_shape hook_members[] = {
	{ NFTA_HOOK_HOOKNUM, U32 },
	{ NFTA_HOOK_PRIORITY, U32 },
	{ NFTA_HOOK_DEV, NAME },
	{ NFTA_HOOK_DEVS, DEVICES },
};
static const struct nft_schema hook = { SCHEMA(hook_members) };

static const struct nft_member_shape chain_members[] = {
	{ NFTA_CHAIN_TABLE, GONE }, { NFTA_CHAIN_HANDLE, GONE },
	{ NFTA_CHAIN_NAME, GONE },  { NFTA_CHAIN_HOOK, NEST(hook) },
	{ NFTA_CHAIN_POLICY, U32 }, { NFTA_CHAIN_USE, GONE },
	{ NFTA_CHAIN_TYPE, NAME },  { NFTA_CHAIN_COUNTERS, NEST(counter) },
	{ NFTA_CHAIN_PAD, GONE },   { NFTA_CHAIN_FLAGS, U32 },
	{ NFTA_CHAIN_ID, GONE },
};

static const struct nft_member_shape flowtable_hook_members[] = {
	{ NFTA_FLOWTABLE_HOOK_NUM, U32 },
	{ NFTA_FLOWTABLE_HOOK_PRIORITY, U32 },
	{ NFTA_FLOWTABLE_HOOK_DEVS, DEVICES },
};
static const struct nft_schema flowtable_hook = { SCHEMA(flowtable_hook_members) };

static const struct nft_member_shape flowtable_members[] = {
	{ NFTA_FLOWTABLE_TABLE, GONE },
	{ NFTA_FLOWTABLE_NAME, GONE },
	{ NFTA_FLOWTABLE_HOOK, NEST(flowtable_hook) },
	{ NFTA_FLOWTABLE_USE, GONE },
	{ NFTA_FLOWTABLE_HANDLE, GONE },
	{ NFTA_FLOWTABLE_PAD, GONE },
	{ NFTA_FLOWTABLE_FLAGS, U32 },
};

static const struct nft_member_shape field_members[] = {
	{ NFTA_SET_FIELD_LEN, U32 },
};
static const struct nft_schema field = { SCHEMA(field_members) };

static const struct nft_member_shape desc_members[] = {
	{ NFTA_SET_DESC_SIZE, U32 },
	{ NFTA_SET_DESC_CONCAT, LIST(field) },
};
static const struct nft_schema desc = { SCHEMA(desc_members) };

static const struct nft_member_shape set_members[] = {
	{ NFTA_SET_TABLE, GONE },
	{ NFTA_SET_NAME, GONE },
	{ NFTA_SET_FLAGS, U32 },
	{ NFTA_SET_KEY_TYPE, U32 },
	{ NFTA_SET_KEY_LEN, U32 },
	{ NFTA_SET_DATA_TYPE, U32 },
	{ NFTA_SET_DATA_LEN, U32 },
	{ NFTA_SET_POLICY, U32 },
	{ NFTA_SET_DESC, NEST(desc) },
	{ NFTA_SET_ID, GONE },
	{ NFTA_SET_TIMEOUT, U64 },
	{ NFTA_SET_GC_INTERVAL, U32 },
	{ NFTA_SET_PAD, GONE },
	{ NFTA_SET_OBJ_TYPE, U32 },
	{ NFTA_SET_HANDLE, GONE },
	{ NFTA_SET_EXPR, NEST(nft_expr_schema) },
	{ NFTA_SET_EXPRESSIONS, LIST(nft_expr_schema) },
	{ SET_TYPE, GONE },
	{ SET_COUNT, GONE },
};

static const struct nft_member_shape element_members[] = {
	{ NFTA_SET_ELEM_KEY, GONE },
	{ NFTA_SET_ELEM_DATA, NEST(data) },
	{ NFTA_SET_ELEM_FLAGS, U32 },
	{ NFTA_SET_ELEM_TIMEOUT, U64 },
	{ NFTA_SET_ELEM_EXPIRATION, GONE },
	{ NFTA_SET_ELEM_EXPR, NEST(nft_expr_schema) },
	{ NFTA_SET_ELEM_PAD, GONE },
	{ NFTA_SET_ELEM_OBJREF, NAME },
	{ NFTA_SET_ELEM_KEY_END, GONE },
	{ NFTA_SET_ELEM_EXPRESSIONS, LIST(nft_expr_schema) },
};

static const struct nft_member_shape rule_members[] = {
	{ NFTA_RULE_TABLE, GONE },	 { NFTA_RULE_CHAIN, GONE },
	{ NFTA_RULE_HANDLE, GONE },	 { NFTA_RULE_EXPRESSIONS, LIST(nft_expr_schema) },
	{ NFTA_RULE_COMPAT, GONE },	 { NFTA_RULE_POSITION, GONE },
	{ NFTA_RULE_PAD, GONE },	 { NFTA_RULE_ID, GONE },
	{ NFTA_RULE_POSITION_ID, GONE }, { NFTA_RULE_CHAIN_ID, GONE },
};

const struct nft_schema nft_body_schemas[NFT_TYPES] = {
	[NFT_TABLE] = { SCHEMA(table_members) },
	[NFT_OBJECT] = { SCHEMA(object_members) },
	[NFT_CHAIN] = { SCHEMA(chain_members) },
	[NFT_FLOWTABLE] = { SCHEMA(flowtable_members) },
	[NFT_SET] = { SCHEMA(set_members) },
	[NFT_ELEMENT] = { SCHEMA(element_members) },
	[NFT_RULE] = { SCHEMA(rule_members) },
};
