/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Relocation of what is made by hand: every form of an interface's name, records
 * that are cut and changed, and parts of a domain beside dependencies of the same
 * key.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/engine/nft/digest.h"
#include "lib/engine/nft/ifindex.h"
#include "lib/engine/nft/ifname.h"
#include "lib/engine/nft/relocate.h"
#include "lib/util/cleanup.h"

#include "tests/unit/nft_sample.h"

#define Z4 "\0\0\0\0"
#define F4 "\xff\xff\xff\xff"

static void make_map(struct nse_map *map)
{
	struct nse_error err;

	assert_int_equal(nse_map_add_vif(map, "vif5.0=vif9.0", &err), 0);
	assert_int_equal(nse_map_add_vif(map, "vif5.1=vif9.1", &err), 0);
}

/* Bytes of a name in the rule or element, and what becomes of them. */
static const struct form {
	const char *from;
	size_t n;
	enum nft_site_op op;
	bool end;
	const char *to; /* NULL: nothing */
	size_t to_n;
} forms[] = {
	/* whole names */
	{ "vif5.1" Z4 Z4 "\0\0", 16, NFT_OP_EQ, false, "vif9.1" Z4 Z4 "\0\0", 16 },
	{ "vif5.1" Z4 Z4 "\0\0", 16, NFT_OP_NEQ, false, "vif9.1" Z4 Z4 "\0\0", 16 },
	{ "vif5.1" Z4 Z4 "\0\0", 16, NFT_OP_NONE, false, "vif9.1" Z4 Z4 "\0\0", 16 },
	{ "vif5.10" Z4 Z4 "\0", 16, NFT_OP_EQ, false, NULL, 0 },
	{ "vif5.1-emu" Z4 "\0\0", 16, NFT_OP_EQ, false, "vif9.1-emu" Z4 "\0\0", 16 },
	{ "vif5." Z4 Z4 "\0\0\0", 16, NFT_OP_EQ, false, NULL, 0 },
	/* iptables: with one NUL */
	{ "vif5.1\0", 7, NFT_OP_EQ, false, "vif9.1\0", 7 },
	/* wildcards */
	{ "vif5.", 5, NFT_OP_EQ, false, "vif9.", 5 },
	{ "vif5.1", 6, NFT_OP_NEQ, false, "vif9.1", 6 },
	{ "vif5.1-", 7, NFT_OP_EQ, false, "vif9.1-", 7 },
	{ "vif", 3, NFT_OP_EQ, false, NULL, 0 },
	/* ranges */
	{ "vif5." Z4 Z4 "\0\0\0", 16, NFT_OP_FROM, false, "vif9." Z4 Z4 "\0\0\0", 16 },
	{ "vif5." F4 F4 "\xff\xff\xff", 16, NFT_OP_TO, false,
	  "vif9." F4 F4 "\xff\xff\xff", 16 },
	{ "vif5.1" Z4 Z4 "\0\0", 16, NFT_OP_TO, false, "vif9.1" Z4 Z4 "\0\0", 16 },
	/* ends of intervals */
	{ "vif5/" Z4 Z4 "\0\0\0", 16, NFT_OP_TO, true, "vif9/" Z4 Z4 "\0\0\0", 16 },
	{ "vif5.1" Z4 Z4 "\0\1", 16, NFT_OP_TO, true, "vif9.1" Z4 Z4 "\0\1", 16 },
	{ "vif5.10" Z4 Z4 "\1", 16, NFT_OP_TO, true, NULL, 0 },
	{ Z4 Z4 Z4 Z4, 16, NFT_OP_TO, true, NULL, 0 },
	{ F4 F4 F4 F4, 16, NFT_OP_TO, true, NULL, 0 },
	/* < and >= */
	{ "vif5." Z4 Z4 "\0\0\0", 16, NFT_OP_OTHER, false, "vif9." Z4 Z4 "\0\0\0", 16 },
	{ "vif5/" Z4 Z4 "\0\0\0", 16, NFT_OP_OTHER, false, "vif9/" Z4 Z4 "\0\0\0", 16 },
	/* no names */
	{ "vif5.1\0x" Z4 Z4, 16, NFT_OP_EQ, false, NULL, 0 },
	{ "sixteen-bytes-of", 16, NFT_OP_EQ, false, NULL, 0 },
	{ "", 0, NFT_OP_EQ, false, NULL, 0 },
	{ "\0", 1, NFT_OP_EQ, false, NULL, 0 },
	{ F4, 4, NFT_OP_EQ, false, NULL, 0 },
};

static void test_forms(void **state)
{
	NSE_CLEANUP(nse_map_release) struct nse_map map = NSE_MAP_INIT;
	NSE_CLEANUP(nse_buf_release) struct nse_buf to = NSE_BUF_INIT(64);

	(void)state;
	make_map(&map);
	for (size_t i = 0; i < NSE_ARRAY_SIZE(forms); i++) {
		const struct form *f = &forms[i];
		struct nft_site site = { .kind = NFT_SITE_IFNAME,
					 .op = f->op,
					 .data = { (const uint8_t *)f->from, f->n },
					 .bits = (uint16_t)(f->n * 8) };

		nse_buf_reset(&to);
		assert_int_equal(nft_ifname_relocate(&map, &site, f->end, &to), !!f->to);
		assert_int_equal(to.len, f->to_n);
		if (f->to)
			assert_memory_equal(to.data, f->to, f->to_n);
	}
}

static void test_devices(void **state)
{
	NSE_CLEANUP(nse_map_release) struct nse_map map = NSE_MAP_INIT;
	NSE_CLEANUP(nse_buf_release) struct nse_buf to = NSE_BUF_INIT(64);
	struct nft_site site = { .kind = NFT_SITE_DEVICE, .data = BYTES("vif5.0") };

	(void)state;
	make_map(&map);
	assert_int_equal(nft_device_relocate(&map, &site, &to), 1);
	assert_memory_equal(to.data, "vif9.0", 6);
	nse_buf_reset(&to);
	site.op = NFT_OP_OTHER;
	site.data.n = 5;
	assert_int_equal(nft_device_relocate(&map, &site, &to), 1);
	assert_int_equal(to.len, 5);
	assert_memory_equal(to.data, "vif9.", 5);
	site.op = NFT_OP_NONE;
	assert_int_equal(nft_device_relocate(&map, &site, &to), 0);
}

struct moved {
	struct nse_buf key, body, state;
};

static void moved_release(struct moved *m)
{
	nse_buf_release(&m->key);
	nse_buf_release(&m->body);
	nse_buf_release(&m->state);
}

#define MOVED_INIT                                                                       \
	{                                                                                \
		NSE_BUF_INIT(NSE_RECORD_MAX), NSE_BUF_INIT(NSE_RECORD_MAX),              \
			NSE_BUF_INIT(NSE_RECORD_MAX)                                     \
	}

static void assert_bytes(const struct nse_buf *b, struct nse_bytes expected)
{
	assert_int_equal(b->len, expected.n);
	if (b->len)
		assert_memory_equal(b->data, expected.p, b->len);
}

static void test_identity(void **state)
{
	NSE_CLEANUP(nse_map_release) struct nse_map map = NSE_MAP_INIT;
	NSE_CLEANUP(moved_release) struct moved m = MOVED_INIT;
	struct nse_error err;
	struct samples all;

	(void)state;
	assert_int_equal(nse_map_add_vif(&map, "vif7.0=vif8.0", &err), 0);
	samples_make(&all);
	for (size_t i = 0; i < all.n; i++) {
		const struct nse_record *rec = &all.at[i].rec;

		assert_int_equal(nft_relocate_record(&map, rec, NULL, &m.key, &m.body,
						     &m.state, &err),
				 0);
		assert_bytes(&m.key, rec->key);
		assert_bytes(&m.body, rec->body);
		assert_bytes(&m.state, rec->state);
	}
	samples_release(&all);
}

/* Any byte of body or key another one, or the rest missing: an error or not. */
static void test_hostile(void **state)
{
	NSE_CLEANUP(nse_map_release) struct nse_map map = NSE_MAP_INIT;
	NSE_CLEANUP(moved_release) struct moved m = MOVED_INIT;
	struct nft_layout layout = { .nkey = 2, .key_len = 8 };
	struct nse_error err;
	struct samples all;

	(void)state;
	make_map(&map);
	assert_int_equal(nse_map_add_addr(&map, "0.0.0.0/1=128.0.0.0/1", &err), 0);
	layout.key[0] = (struct nft_field){ NFT_SITE_IP4, 0, 4 };
	layout.key[1] = (struct nft_field){ NFT_SITE_IFINDEX, 4, 4 };
	samples_make(&all);
	for (size_t i = 0; i < all.n; i++)
		for (int part = 0; part < 2; part++) {
			struct nse_record rec = all.at[i].rec;
			struct nse_bytes *b = part ? &rec.key : &rec.body;
			const struct nse_bytes whole = *b;

			for (size_t at = 0; at < whole.n; at++)
				for (int v = 0; v < 6; v++) {
					size_t n = v ? whole.n : at;
					uint8_t *copy = malloc(n + 1);

					memcpy(copy, whole.p, n);
					if (v)
						copy[at] ^= (uint8_t)(1 << v | v);
					*b = (struct nse_bytes){ copy, n };
					nft_relocate_record(&map, &rec, &layout, &m.key,
							    &m.body, &m.state, &err);
					free(copy);
				}
		}
	samples_release(&all);
}

static struct sample *add(struct samples *all, enum nft_type type, bool need,
			  const char *name, uint32_t rule)
{
	struct nft_key key = { .type = type,
			       .need = need,
			       .family = NFPROTO_INET,
			       .table = BYTES("t"),
			       .name = nft_str(name),
			       .rule = rule,
			       .kind = NFT_ELEMENT_PLAIN,
			       .bytes = BYTES("vif5.0" Z4 Z4 "\0\0") };

	if (need)
		key.bytes.p = (const uint8_t *)"eth0" Z4 Z4 Z4;
	return sample_new(all, &key);
}

static void add_set(struct samples *all, bool need)
{
	struct nse_buf *b = &add(all, NFT_SET, need, "@c:0:0", 0)->body;

	sample_u32(b, NFTA_SET_FLAGS, NFT_SET_ANONYMOUS | NFT_SET_CONSTANT);
	sample_u32(b, NFTA_SET_KEY_TYPE, 41);
	sample_u32(b, NFTA_SET_KEY_LEN, 16);
	sample_u32(b, NFTA_SET_POLICY, need);
	add(all, NFT_ELEMENT, need, "@c:0:0", 0);
}

/* The digest of a rule that has one set with one element. */
static uint64_t digest_of(const struct sample *set, const struct sample *element,
			  const char *bytes)
{
	struct nse_bytes s = { set->body.data, set->body.len };
	struct nse_bytes e = { element->body.data, element->body.len };
	uint64_t d = nft_digest_begin(s);

	d += nft_digest_element(NFT_ELEMENT_PLAIN,
				(struct nse_bytes){ (const uint8_t *)bytes, 16 }, e);
	return nft_digest_name(0, d);
}

/*
 * Rule 0 of chain c that moves, and rule 0 that is a dependency, each with a set
 * of its own that is called alike.
 */
static void test_twins(void **state)
{
	NSE_CLEANUP(nse_map_release) struct nse_map map = NSE_MAP_INIT;
	struct nse_context *from = nse_context_new(), *to = nse_context_new();
	uint64_t own, needed;
	struct samples all = { .n = 0 };
	struct nse_error err = { 0 };
	struct nse_record rec;

	(void)state;
	make_map(&map);
	add_set(&all, false);
	add_set(&all, true);
	own = digest_of(&all.at[0], &all.at[1], "vif9.0" Z4 Z4 "\0\0");
	needed = digest_of(&all.at[2], &all.at[3], "eth0" Z4 Z4 Z4);
	assert_int_not_equal(own, needed);
	for (int need = 0; need < 2; need++) {
		struct nse_buf *b = &add(&all, NFT_RULE, need, "c", 0)->body;

		/* What it was before: of the need-rule as it stays. */
		sample_must(nse_buf_put_u64(b, need ? needed : 5));
		sample_must(nse_buf_put_u32(b, NFT_PLACE_NONE));
	}
	samples_seal(&all);
	for (size_t i = 0; i < all.n; i++)
		assert_int_equal(nse_context_put(from, &all.at[i].rec, NULL), 0);
	assert_int_equal(nft_relocate_context(&map, from, to, &err), 0);
	for (size_t i = 4; i < 6; i++) {
		uint32_t slot =
			nse_context_find(to, all.at[i].rec.kind, all.at[i].rec.key);

		assert_true(nse_context_at(to, slot, &rec));
		assert_true(nft_rule_digest(rec.body) == (i == 4 ? own : needed));
	}
	samples_release(&all);
	nse_context_free(from);
	nse_context_free(to);
}

/* Names with '@' have a chain's name in them, and that is relocated. */
static void test_made_names(void **state)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{ "@fw-vif5.0:3:0", "@fw-vif9.0:3:0" },
		{ "@@fw-vif5.0:3:0:1:2", "@@fw-vif9.0:3:0:1:2" },
		{ "@c:5:0", "@c:5:0" },
		{ "@vif5.0:0:0", "@vif9.0:0:0" },
	};
	NSE_CLEANUP(nse_map_release) struct nse_map map = NSE_MAP_INIT;
	NSE_CLEANUP(moved_release) struct moved m = MOVED_INIT;

	(void)state;
	make_map(&map);
	for (size_t i = 0; i < NSE_ARRAY_SIZE(cases); i++) {
		struct samples all = { .n = 0 };
		struct nse_error err = { 0 };
		struct nse_record rec;
		struct nft_key key;

		add(&all, NFT_SET, false, cases[i].from, 0);
		samples_seal(&all);
		assert_int_equal(nft_relocate_record(&map, &all.at[0].rec, NULL, &m.key,
						     &m.body, &m.state, &err),
				 0);
		rec = all.at[0].rec;
		rec.key = (struct nse_bytes){ m.key.data, m.key.len };
		assert_int_equal(nft_key_decode(&rec, &key, &err), 0);
		assert_int_equal(key.name.n, strlen(cases[i].to));
		assert_memory_equal(key.name.p, cases[i].to, key.name.n);
		samples_release(&all);
	}
}

/* A range of which the map has one end alone. */
static void test_torn_range(void **state)
{
	NSE_CLEANUP(nse_map_release) struct nse_map map = NSE_MAP_INIT;
	NSE_CLEANUP(moved_release) struct moved m = MOVED_INIT;
	struct nft_layout layout = { .nkey = 1, .key_len = 4 };
	struct nft_key key = { SAMPLE_KEY(NFT_ELEMENT, "s"), .kind = NFT_ELEMENT_RANGE,
			       .bytes = BYTES("\x0a\0\0\1\x0a\0\0\x09") };
	struct samples all = { .n = 0 };
	struct nse_error err = { 0 };

	(void)state;
	layout.key[0] = (struct nft_field){ NFT_SITE_IP4, 0, 4 };
	assert_int_equal(nse_map_add_addr(&map, "10.0.0.1=192.0.2.1", &err), 0);
	sample_new(&all, &key);
	samples_seal(&all);
	assert_int_equal(nft_relocate_record(&map, &all.at[0].rec, &layout, &m.key,
					     &m.body, &m.state, &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "one end of its range only"));
	samples_release(&all);
}

static void put_iif(struct nse_buf *b, uint32_t number)
{
	long list = nft_nest(b, NFTA_RULE_EXPRESSIONS), at[2];

	sample_expr(b, NFTA_LIST_ELEM, "meta", at);
	sample_u32(b, NFTA_META_KEY, NFT_META_IIF);
	sample_u32(b, NFTA_META_DREG, NFT_REG_1);
	sample_expr_end(b, at);
	sample_expr(b, NFTA_LIST_ELEM, "cmp", at);
	sample_u32(b, NFTA_CMP_SREG, NFT_REG_1);
	sample_u32(b, NFTA_CMP_OP, NFT_CMP_EQ);
	sample_data(b, NFTA_CMP_DATA, &number, 4);
	sample_expr_end(b, at);
	sample_end(b, list);
}

/* An index without a name means something on its own host alone; lo is lo. */
static void test_index(void **state)
{
	static const struct {
		uint32_t number;
		int rc;
	} cases[] = { { 0, 0 }, { 1, 0 }, { 7, -EINVAL }, { 0x80000001, -EINVAL } };
	NSE_CLEANUP(nse_map_release) struct nse_map map = NSE_MAP_INIT;
	NSE_CLEANUP(moved_release) struct moved m = MOVED_INIT;

	(void)state;
	make_map(&map);
	for (size_t i = 0; i < NSE_ARRAY_SIZE(cases); i++) {
		struct samples all = { .n = 0 };
		struct nse_error err = { 0 };
		struct nse_buf *b = &add(&all, NFT_RULE, false, "c", 0)->body;

		sample_must(nse_buf_put_u64(b, 0));
		sample_must(nse_buf_put_u32(b, NFT_PLACE_NONE));
		put_iif(b, cases[i].number);
		samples_seal(&all);
		assert_int_equal(nft_relocate_record(&map, &all.at[0].rec, NULL, &m.key,
						     &m.body, &m.state, &err),
				 cases[i].rc);
		if (cases[i].rc)
			assert_non_null(strstr(err.text, "rule 0 of chain inet t c"));
		else
			assert_bytes(&m.body, all.at[0].rec.body);
		samples_release(&all);
	}
}

/* The names behind a body: what is none is refused, by whoever reads it. */
static void test_index_names(void **state)
{
	static const struct {
		const char *name;
		int twice, rc;
	} cases[] = {
		{ "lo", 0, 0 },
		{ "no-such-iface", 0, -ENODEV },
		{ "a-name-of-17-byte", 0, -EBADMSG },
		{ "", 0, -EBADMSG },
		{ "lo", 40, 0 },
	};

	(void)state;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(cases); i++) {
		NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(65536);
		NSE_CLEANUP(nse_buf_release) struct nse_buf out = NSE_BUF_INIT(65536);
		struct nse_error err = { 0 };
		uint32_t one = 1;
		long at;
		int rc;

		put_iif(&b, nft_ifindex_number(cases[i].name));
		at = nft_nest(&b, NFT_BODY_IFNAMES);
		for (int k = 0; k <= cases[i].twice; k++)
			sample_str(&b, 1, cases[i].name);
		sample_end(&b, at);
		rc = nft_ifindex_resolve(NFT_RULE, (struct nse_bytes){ b.data, b.len },
					 &out, &err);
		if (cases[i].rc) {
			assert_int_equal(rc, cases[i].rc);
			assert_int_equal(out.len, 0);
			continue;
		}
		assert_int_equal(rc, 1);
		nse_buf_reset(&b);
		put_iif(&b, one);
		assert_bytes(&out, (struct nse_bytes){ b.data, b.len });
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),	    cmocka_unit_test(test_devices),
		cmocka_unit_test(test_identity),    cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_twins),	    cmocka_unit_test(test_made_names),
		cmocka_unit_test(test_torn_range),  cmocka_unit_test(test_index),
		cmocka_unit_test(test_index_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
