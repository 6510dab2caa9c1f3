/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records of the nft engine, one of each sort, made byte by byte as the
 * kernel's attributes come.
 */
#ifndef TESTS_UNIT_NFT_SAMPLE_H
#define TESTS_UNIT_NFT_SAMPLE_H

#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/object.h"

#define BYTES(s)                                                                         \
	{                                                                                \
		(const uint8_t *)(s), sizeof(s) - 1                                      \
	}

#define SAMPLE_RECORDS 24

/* A record that owns its bytes. */
struct sample {
	struct nse_record rec;
	struct nse_buf key, body, state;
};

/* All records of the sample, and how many. */
struct samples {
	struct sample at[SAMPLE_RECORDS];
	size_t n;
};

/* What fails here would fail the test that uses it, later and less clearly. */
static inline void sample_must(long rc)
{
	if (rc < 0)
		abort();
}

static inline struct sample *sample_new(struct samples *all, const struct nft_key *key)
{
	struct sample *s = &all->at[all->n++];

	if (all->n > SAMPLE_RECORDS)
		abort();
	memset(s, 0, sizeof(*s));
	s->key.max = s->body.max = s->state.max = NSE_RECORD_MAX;
	sample_must(nft_key_encode(key, &s->key));
	sample_must(nse_buf_put_u8(&s->body, NFT_LAYOUT));
	s->rec.kind = key->need ? &nft_need_kinds[key->type] : &nft_kinds[key->type];
	return s;
}

/* A state with that many values, numbered from 1. */
static inline void sample_state(struct sample *s, uint8_t flags, uint64_t expires, int n)
{
	sample_must(nse_buf_put_u8(&s->state, flags));
	if (flags & NFT_STATE_EXPIRES)
		sample_must(nse_buf_put_u64(&s->state, expires));
	for (int i = 1; i <= n; i++)
		sample_must(nse_buf_put_u64(&s->state, i));
}

static inline void sample_str(struct nse_buf *b, uint16_t type, const char *s)
{
	sample_must(nft_put_str(b, type, nft_str(s)));
}

static inline void sample_u32(struct nse_buf *b, uint16_t type, uint32_t v)
{
	sample_must(nft_put_u32(b, type, v));
}

static inline void sample_u64(struct nse_buf *b, uint16_t type, uint64_t v)
{
	sample_must(nft_put_u64(b, type, v));
}

static inline void sample_end(struct nse_buf *b, long at)
{
	sample_must(at);
	sample_must(nft_nest_end(b, at));
}

/* Userdata as nft(8) writes a comment. */
static inline void sample_comment(struct nse_buf *b, uint16_t attr, uint8_t type,
				  const char *text)
{
	uint8_t raw[256] = { type, (uint8_t)(strlen(text) + 1) };

	memcpy(raw + 2, text, strlen(text) + 1);
	sample_must(nft_put(b, attr, raw, 2u + raw[1]));
}

/* An expression's head; its attributes and two ends follow. */
static inline void sample_expr(struct nse_buf *b, uint16_t attr, const char *name,
			       long at[2])
{
	at[0] = nft_nest(b, attr);
	sample_str(b, NFTA_EXPR_NAME, name);
	at[1] = nft_nest(b, NFTA_EXPR_DATA);
}

static inline void sample_expr_end(struct nse_buf *b, const long at[2])
{
	sample_end(b, at[1]);
	sample_end(b, at[0]);
}

static inline void sample_data(struct nse_buf *b, uint16_t attr, const void *p, size_t n)
{
	long at = nft_nest(b, attr);

	sample_must(nft_put(b, NFTA_DATA_VALUE, p, n));
	sample_end(b, at);
}

static inline void sample_verdict(struct nse_buf *b, uint16_t attr, int code,
				  const char *chain)
{
	long at = nft_nest(b, attr), in = nft_nest(b, NFTA_DATA_VERDICT);

	sample_u32(b, NFTA_VERDICT_CODE, (uint32_t)code);
	if (chain)
		sample_str(b, NFTA_VERDICT_CHAIN, chain);
	sample_end(b, in);
	sample_end(b, at);
}

static inline void sample_counter(struct nse_buf *b, uint16_t attr)
{
	long at[2];

	sample_expr(b, attr, "counter", at);
	sample_u64(b, NFTA_COUNTER_BYTES, 0);
	sample_u64(b, NFTA_COUNTER_PACKETS, 0);
	sample_expr_end(b, at);
}

static inline void sample_match(struct nse_buf *b)
{
	long at[2];

	sample_expr(b, NFTA_LIST_ELEM, "meta", at);
	sample_u32(b, NFTA_META_KEY, NFT_META_IIFNAME);
	sample_u32(b, NFTA_META_DREG, NFT_REG_1);
	sample_expr_end(b, at);
	sample_expr(b, NFTA_LIST_ELEM, "cmp", at);
	sample_u32(b, NFTA_CMP_SREG, NFT_REG_1);
	sample_u32(b, NFTA_CMP_OP, NFT_CMP_EQ);
	sample_data(b, NFTA_CMP_DATA, "vif5.0\0\0\0\0\0\0\0\0\0", 16);
	sample_expr_end(b, at);
	sample_expr(b, NFTA_LIST_ELEM, "payload", at);
	sample_u32(b, NFTA_PAYLOAD_DREG, NFT_REG_1);
	sample_u32(b, NFTA_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
	sample_u32(b, NFTA_PAYLOAD_OFFSET, 2);
	sample_u32(b, NFTA_PAYLOAD_LEN, 2);
	sample_expr_end(b, at);
	sample_expr(b, NFTA_LIST_ELEM, "lookup", at);
	sample_str(b, NFTA_LOOKUP_SET, "@0");
	sample_u32(b, NFTA_LOOKUP_SREG, NFT_REG_1);
	sample_u32(b, NFTA_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
	sample_expr_end(b, at);
}

static inline void sample_quota(struct nse_buf *b)
{
	sample_u64(b, NFTA_QUOTA_BYTES, 4096);
	sample_u64(b, NFTA_QUOTA_CONSUMED, 0);
	sample_u32(b, NFTA_QUOTA_FLAGS, NFT_QUOTA_F_INV);
}

static inline void sample_limit(struct nse_buf *b)
{
	sample_u64(b, NFTA_LIMIT_RATE, 10);
	sample_u64(b, NFTA_LIMIT_UNIT, 1);
	sample_u32(b, NFTA_LIMIT_BURST, 5);
	sample_u32(b, NFTA_LIMIT_TYPE, NFT_LIMIT_PKTS);
	sample_u32(b, NFTA_LIMIT_FLAGS, NFT_LIMIT_F_INV);
}

static inline void sample_meter(struct nse_buf *b)
{
	long at[2], in[2], list;

	sample_expr(b, NFTA_LIST_ELEM, "dynset", at);
	sample_u32(b, NFTA_DYNSET_SREG_KEY, NFT_REG_1);
	sample_u32(b, NFTA_DYNSET_OP, NFT_DYNSET_OP_UPDATE);
	sample_str(b, NFTA_DYNSET_SET_NAME, "meter");
	sample_u64(b, NFTA_DYNSET_TIMEOUT, 60000);
	list = nft_nest(b, NFTA_DYNSET_EXPRESSIONS);
	sample_expr(b, NFTA_LIST_ELEM, "limit", in);
	sample_limit(b);
	sample_expr_end(b, in);
	sample_counter(b, NFTA_LIST_ELEM);
	sample_end(b, list);
	sample_expr_end(b, at);
}

/* `iifname "vif5.0" tcp dport != { … } counter quota …`, a meter, `jump { … }`. */
static inline void sample_expressions(struct nse_buf *b)
{
	long list = nft_nest(b, NFTA_RULE_EXPRESSIONS), at[2];

	sample_match(b);
	sample_counter(b, NFTA_LIST_ELEM);
	sample_expr(b, NFTA_LIST_ELEM, "quota", at);
	sample_quota(b);
	sample_expr_end(b, at);
	sample_meter(b);
	sample_expr(b, NFTA_LIST_ELEM, "immediate", at);
	sample_u32(b, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
	sample_verdict(b, NFTA_IMMEDIATE_DATA, NFT_JUMP, "@1");
	sample_expr_end(b, at);
	sample_end(b, list);
}

#define SAMPLE_KEY(t, n)                                                                 \
	.type = (t), .family = NFPROTO_INET, .table = BYTES("filter"), .name = BYTES(n)

/* Each new() below appends one record. */
static inline struct sample *new_table(struct samples *all, bool need)
{
	struct nft_key key = { .type = NFT_TABLE,
			       .need = need,
			       .family = NFPROTO_INET,
			       .table = BYTES("filter") };
	struct sample *s = sample_new(all, &key);

	sample_u32(&s->body, NFTA_TABLE_FLAGS, NFT_TABLE_F_DORMANT);
	sample_comment(&s->body, NFTA_TABLE_USERDATA, 0, "the domains' rules");
	return s;
}

static inline struct sample *new_chain(struct samples *all)
{
	struct nft_key key = { SAMPLE_KEY(NFT_CHAIN, "forward") };
	struct sample *s = sample_new(all, &key);
	long at = nft_nest(&s->body, NFTA_CHAIN_HOOK), in;

	sample_u32(&s->body, NFTA_HOOK_HOOKNUM, NF_INET_INGRESS);
	sample_u32(&s->body, NFTA_HOOK_PRIORITY, (uint32_t)-150);
	in = nft_nest(&s->body, NFTA_HOOK_DEVS);
	sample_str(&s->body, NFTA_DEVICE_NAME, "vif5.0");
	sample_str(&s->body, NFTA_DEVICE_NAME, "vif5.1");
	sample_end(&s->body, in);
	sample_end(&s->body, at);
	sample_u32(&s->body, NFTA_CHAIN_POLICY, NF_DROP);
	sample_str(&s->body, NFTA_CHAIN_TYPE, "filter");
	at = nft_nest(&s->body, NFTA_CHAIN_COUNTERS);
	sample_u64(&s->body, NFTA_COUNTER_PACKETS, 0);
	sample_u64(&s->body, NFTA_COUNTER_BYTES, 0);
	sample_end(&s->body, at);
	sample_u32(&s->body, NFTA_CHAIN_FLAGS, NFT_CHAIN_BASE);
	sample_state(s, 0, 0, 2);
	return s;
}

static inline struct sample *new_bound_chain(struct samples *all)
{
	struct nft_key key = { SAMPLE_KEY(NFT_CHAIN, "@forward:3:1") };
	struct sample *s = sample_new(all, &key);

	sample_u32(&s->body, NFTA_CHAIN_FLAGS, NFT_CHAIN_BINDING);
	return s;
}

static inline struct sample *new_quota(struct samples *all)
{
	struct nft_key key = { SAMPLE_KEY(NFT_OBJECT, "web"),
			       .objtype = NFT_OBJECT_QUOTA };
	struct sample *s = sample_new(all, &key);
	long at;

	sample_u32(&s->body, NFTA_OBJ_TYPE, NFT_OBJECT_QUOTA);
	at = nft_nest(&s->body, NFTA_OBJ_DATA);
	sample_quota(&s->body);
	sample_end(&s->body, at);
	sample_comment(&s->body, NFTA_OBJ_USERDATA, 0, "per month");
	sample_state(s, 0, 0, 1);
	return s;
}

static inline struct sample *new_helper(struct samples *all)
{
	struct nft_key key = { SAMPLE_KEY(NFT_OBJECT, "ftp"),
			       .objtype = NFT_OBJECT_CT_HELPER };
	struct sample *s = sample_new(all, &key);
	long at;

	sample_u32(&s->body, NFTA_OBJ_TYPE, NFT_OBJECT_CT_HELPER);
	at = nft_nest(&s->body, NFTA_OBJ_DATA);
	sample_str(&s->body, NFTA_CT_HELPER_NAME, "ftp");
	sample_must(nft_put(&s->body, NFTA_CT_HELPER_L3PROTO, "\0\2", 2));
	sample_must(nft_put_u8(&s->body, NFTA_CT_HELPER_L4PROTO, 6));
	sample_end(&s->body, at);
	return s;
}

static inline struct sample *new_flowtable(struct samples *all)
{
	struct nft_key key = { SAMPLE_KEY(NFT_FLOWTABLE, "fast") };
	struct sample *s = sample_new(all, &key);
	long at = nft_nest(&s->body, NFTA_FLOWTABLE_HOOK), in;

	sample_u32(&s->body, NFTA_FLOWTABLE_HOOK_NUM, 0);
	sample_u32(&s->body, NFTA_FLOWTABLE_HOOK_PRIORITY, 10);
	in = nft_nest(&s->body, NFTA_FLOWTABLE_HOOK_DEVS);
	sample_str(&s->body, NFTA_DEVICE_NAME, "vif5.0");
	sample_end(&s->body, in);
	sample_end(&s->body, at);
	sample_u32(&s->body, NFTA_FLOWTABLE_FLAGS, NFT_FLOWTABLE_COUNTER);
	return s;
}

/* A verdict map on address and port with timeouts and counters. */
static inline struct sample *new_set(struct samples *all)
{
	struct nft_key key = { SAMPLE_KEY(NFT_SET, "dispatch") };
	struct sample *s = sample_new(all, &key);
	long at, in, field;

	sample_u32(&s->body, NFTA_SET_FLAGS,
		   NFT_SET_INTERVAL | NFT_SET_MAP | NFT_SET_TIMEOUT | NFT_SET_CONCAT);
	sample_u32(&s->body, NFTA_SET_KEY_TYPE, 7 << 6 | 13);
	sample_u32(&s->body, NFTA_SET_KEY_LEN, 8);
	sample_u32(&s->body, NFTA_SET_DATA_TYPE, NFT_DATA_VERDICT);
	sample_u32(&s->body, NFTA_SET_DATA_LEN, 16);
	sample_u64(&s->body, NFTA_SET_TIMEOUT, 3600000);
	sample_u32(&s->body, NFTA_SET_POLICY, NFT_SET_POL_MEMORY);
	at = nft_nest(&s->body, NFTA_SET_DESC);
	sample_u32(&s->body, NFTA_SET_DESC_SIZE, 1000);
	in = nft_nest(&s->body, NFTA_SET_DESC_CONCAT);
	for (uint32_t len = 4; len; len -= 2) {
		field = nft_nest(&s->body, NFTA_LIST_ELEM);
		sample_u32(&s->body, NFTA_SET_FIELD_LEN, len);
		sample_end(&s->body, field);
	}
	sample_end(&s->body, in);
	sample_end(&s->body, at);
	sample_counter(&s->body, NFTA_SET_EXPR);
	sample_comment(&s->body, NFTA_SET_USERDATA, 7, "where to");
	sample_state(s, 0, 0, 2);
	return s;
}

static inline struct sample *new_anonymous_set(struct samples *all)
{
	struct nft_key key = { SAMPLE_KEY(NFT_SET, "@forward:3:0") };
	struct sample *s = sample_new(all, &key);

	sample_u32(&s->body, NFTA_SET_FLAGS, NFT_SET_ANONYMOUS | NFT_SET_CONSTANT);
	sample_u32(&s->body, NFTA_SET_KEY_TYPE, 13);
	sample_u32(&s->body, NFTA_SET_KEY_LEN, 2);
	return s;
}

static inline struct sample *new_element(struct samples *all)
{
	struct nft_key key = {
		SAMPLE_KEY(NFT_ELEMENT, "dispatch"), .kind = NFT_ELEMENT_RANGE,
		.bytes = BYTES("\x0a\0\0\1\0\x16\0\0\x0a\0\0\x09\1\xbb\0\0")
	};
	struct sample *s = sample_new(all, &key);
	long list;

	sample_verdict(&s->body, NFTA_SET_ELEM_DATA, NFT_GOTO, "web1");
	sample_u64(&s->body, NFTA_SET_ELEM_TIMEOUT, 60000);
	list = nft_nest(&s->body, NFTA_SET_ELEM_EXPRESSIONS);
	sample_counter(&s->body, NFTA_LIST_ELEM);
	sample_counter(&s->body, NFTA_LIST_ELEM);
	sample_end(&s->body, list);
	sample_comment(&s->body, NFTA_SET_ELEM_USERDATA, 0, "web");
	sample_state(s, NFT_STATE_EXPIRES, 55000, 4);
	return s;
}

/* An element without anything, one with an object, an end and the catchall. */
static inline void new_small_elements(struct samples *all)
{
	struct nft_key key = { SAMPLE_KEY(NFT_ELEMENT, "hosts"),
			       .kind = NFT_ELEMENT_PLAIN, .bytes = BYTES("\x0a\0\0\1") };
	struct nse_buf *b;

	sample_new(all, &key);
	key.bytes.p = (const uint8_t *)"\x0a\0\0\2";
	b = &sample_new(all, &key)->body;
	sample_str(b, NFTA_SET_ELEM_OBJREF, "web");
	key.kind = NFT_ELEMENT_END;
	b = &sample_new(all, &key)->body;
	sample_u32(b, NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
	key.kind = NFT_ELEMENT_CATCHALL;
	key.bytes.n = 0;
	b = &sample_new(all, &key)->body;
	sample_u32(b, NFTA_SET_ELEM_FLAGS, NFT_SET_ELEM_CATCHALL);
}

static inline struct sample *new_rule(struct samples *all, bool need)
{
	struct nft_key key = { SAMPLE_KEY(NFT_RULE, "forward"), .need = need, .rule = 3 };
	struct sample *s = sample_new(all, &key);

	sample_must(nse_buf_put_u64(&s->body, 0x0123456789abcdef));
	sample_must(nse_buf_put_u32(&s->body, need ? NFT_PLACE_NONE : 2));
	sample_expressions(&s->body);
	sample_comment(&s->body, NFTA_RULE_USERDATA, 0, "web's way out");
	if (!need)
		sample_state(s, 0, 0, 5);
	return s;
}

static inline void samples_seal(struct samples *all)
{
	for (size_t i = 0; i < all->n; i++) {
		struct sample *s = &all->at[i];

		s->rec.key = (struct nse_bytes){ s->key.data, s->key.len };
		s->rec.body = (struct nse_bytes){ s->body.data, s->body.len };
		s->rec.state = (struct nse_bytes){ s->state.data, s->state.len };
	}
}

static inline void samples_make(struct samples *all)
{
	all->n = 0;
	new_table(all, false);
	new_table(all, true);
	new_chain(all);
	new_bound_chain(all);
	new_quota(all);
	new_helper(all);
	new_flowtable(all);
	new_set(all);
	new_anonymous_set(all);
	new_element(all);
	new_small_elements(all);
	new_rule(all, false);
	new_rule(all, true);
	samples_seal(all);
}

static inline void samples_release(struct samples *all)
{
	for (size_t i = 0; i < all->n; i++) {
		nse_buf_release(&all->at[i].key);
		nse_buf_release(&all->at[i].body);
		nse_buf_release(&all->at[i].state);
	}
}

#endif
