/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The store of records against a naive model, and its promises about slots,
 * memory, order and digest.
 */
#include "tests/unit/context_tests.h"

#include "lib/context/sort.h"

static void test_basics(void **state)
{
	struct nse_context *ctx = nse_context_new();
	struct own_record o;
	struct nse_record got;
	uint32_t slot = 99, again = 99;

	(void)state;
	assert_non_null(ctx);
	assert_int_equal(nse_context_count(ctx), 0);
	assert_true(nse_context_digest(ctx, false) == 0);
	make_record(&o, 7);
	assert_int_equal(nse_context_find(ctx, o.r.kind, o.r.key), NSE_CONTEXT_NONE);
	assert_int_equal(nse_context_del(ctx, o.r.kind, o.r.key), -ENOENT);
	assert_int_equal(nse_context_put(ctx, &o.r, &slot), 0);
	assert_int_equal(nse_context_find(ctx, o.r.kind, o.r.key), slot);
	assert_true(nse_context_at(ctx, slot, &got));
	assert_record(&got, &o.r);
	make_record(&o, 7);
	assert_int_equal(nse_context_put(ctx, &o.r, &again), 0);
	assert_int_equal(again, slot);
	assert_int_equal(nse_context_count(ctx), 1);
	assert_false(nse_context_at(ctx, slot + 1, &got));
	assert_false(nse_context_at(ctx, NSE_CONTEXT_NONE, &got));
	assert_int_equal(nse_context_del(ctx, o.r.kind, o.r.key), 0);
	assert_false(nse_context_at(ctx, slot, &got));
	assert_true(nse_context_digest(ctx, false) == 0);
	assert_true(nse_context_digest(ctx, true) == 0);
	nse_context_free(ctx);
	nse_context_free(NULL);
}

static void test_sizes(void **state)
{
	struct nse_context *ctx = nse_context_new();
	uint8_t *big = calloc(1, NSE_RECORD_MAX + 1);
	struct nse_record r = { .kind = &test_kinds[0] }, got;
	uint32_t slot;

	(void)state;
	assert_int_equal(nse_context_put(ctx, &r, &slot), 0); /* all parts empty */
	assert_int_equal(nse_context_find(ctx, r.kind, r.key), slot);
	r.key = r.body = r.state = (struct nse_bytes){ big, NSE_RECORD_MAX };
	assert_int_equal(nse_context_put(ctx, &r, &slot), 0);
	assert_true(nse_context_at(ctx, slot, &got));
	assert_record(&got, &r);
	assert_int_equal(nse_context_count(ctx), 2);
	for (int part = 0; part < 3; part++) {
		struct nse_record over = r;

		*(part == 0   ? &over.key
		  : part == 1 ? &over.body
			      : &over.state) =
			(struct nse_bytes){ big, NSE_RECORD_MAX + 1 };
		assert_int_equal(nse_context_put(ctx, &over, NULL), -EMSGSIZE);
	}
	assert_int_equal(nse_context_count(ctx), 2);
	r = (struct nse_record){ .kind = &test_kinds[0] };
	assert_int_equal(nse_context_del(ctx, r.kind, r.key), 0);
	free(big);
	nse_context_free(ctx);
}

static void test_too_many_kinds(void **state)
{
	struct nse_context *ctx = nse_context_new();
	struct nse_kind kind = { "conntrack", "" };
	struct nse_record r = { .kind = &kind };

	(void)state;
	for (int i = 0; i < NSE_CONTEXT_MAX_KINDS; i++) {
		snprintf(kind.type, sizeof(kind.type), "t%d", i);
		assert_int_equal(nse_context_put(ctx, &r, NULL), 0);
	}
	snprintf(kind.type, sizeof(kind.type), "more");
	assert_int_equal(nse_context_put(ctx, &r, NULL), -E2BIG);
	assert_int_equal(nse_context_count(ctx), NSE_CONTEXT_MAX_KINDS);
	snprintf(kind.type, sizeof(kind.type), "t0");
	assert_int_not_equal(nse_context_find(ctx, &kind, r.key), NSE_CONTEXT_NONE);
	nse_context_free(ctx);
}

/* Random puts, replacements and deletions, the same in the model. */
static void test_model(void **state)
{
	static struct model m;
	struct nse_context *ctx = nse_context_new();

	(void)state;
	memset(&m, 0, sizeof(m));
	for (int i = 0; i < 60000; i++) {
		/* The number of keys in use swells and shrinks. */
		uint32_t span = 1 + (uint32_t)abs(i % 2000 - 1000) * 599 / 1000;
		uint32_t k = test_random(span);
		struct own_record o;

		make_record(&o, k);
		if (test_random(100) < 45) {
			assert_int_equal(nse_context_del(ctx, o.r.kind, o.r.key),
					 m.at[k].there ? 0 : -ENOENT);
			m.at[k].there = 0;
		} else {
			assert_int_equal(nse_context_put(ctx, &o.r, NULL), 0);
			model_put(&m, k, &o);
		}
		if (i % 500 == 0)
			assert_model(ctx, &m);
	}
	assert_model(ctx, &m);
	assert_true(nse_context_slots(ctx) <= MODEL_KEYS);
	assert_true(nse_context_memory(ctx) < 400 << 10);
	nse_context_free(ctx);
}

static void test_slots_stay(void **state)
{
	struct nse_context *ctx = nse_context_new();
	struct own_record o;
	uint32_t slots[MODEL_KEYS];

	(void)state;
	for (uint32_t k = 0; k < MODEL_KEYS; k++) {
		make_record(&o, k);
		assert_int_equal(nse_context_put(ctx, &o.r, &slots[k]), 0);
	}
	for (uint32_t k = 0; k < MODEL_KEYS; k += 2) {
		make_key(&o, k);
		assert_int_equal(nse_context_del(ctx, o.r.kind, o.r.key), 0);
	}
	for (uint32_t k = 1; k < MODEL_KEYS; k += 2) {
		make_record(&o, k);
		assert_int_equal(nse_context_put(ctx, &o.r, NULL), 0);
		assert_int_equal(nse_context_find(ctx, o.r.kind, o.r.key), slots[k]);
	}
	for (uint32_t k = 0; k < MODEL_KEYS; k += 2) {
		make_record(&o, k);
		assert_int_equal(nse_context_put(ctx, &o.r, NULL), 0);
	}
	assert_int_equal(nse_context_slots(ctx), MODEL_KEYS);
	nse_context_free(ctx);
}

/* A view of the context itself may be put with a part exchanged. */
static void test_own_view(void **state)
{
	struct nse_context *ctx = nse_context_new();
	uint8_t body[300];
	struct own_record o;

	(void)state;
	memset(body, 0xab, sizeof(body));
	for (uint32_t k = 0; k < 500; k++) {
		make_record(&o, k);
		assert_int_equal(nse_context_put(ctx, &o.r, NULL), 0);
	}
	for (uint32_t k = 0; k < 500; k++) {
		struct nse_record view, got;
		struct nse_bytes state_was;
		uint8_t copy[64];
		uint32_t slot;

		make_key(&o, k);
		slot = nse_context_find(ctx, o.r.kind, o.r.key);
		assert_true(nse_context_at(ctx, slot, &view));
		memcpy(copy, view.state.p, view.state.n);
		state_was = (struct nse_bytes){ copy, view.state.n };
		view.body = (struct nse_bytes){ body, k % 300 };
		assert_int_equal(nse_context_put(ctx, &view, NULL), 0);
		assert_true(nse_context_at(ctx, slot, &got));
		assert_true(nse_bytes_equal(got.state, state_was));
		assert_true(nse_bytes_equal(got.key, o.r.key));
		assert_int_equal(got.body.n, k % 300);
	}
	nse_context_free(ctx);
}

static void test_compaction(void **state)
{
	struct nse_context *ctx = nse_context_new();
	uint8_t body[1000];
	struct own_record o;
	size_t most = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		make_key(&o, test_random(50));
		memset(body, i, sizeof(body));
		o.r.body = (struct nse_bytes){ body, test_random(1000) };
		o.r.state = (struct nse_bytes){ NULL, 0 };
		assert_int_equal(nse_context_put(ctx, &o.r, NULL), 0);
		if (nse_context_memory(ctx) > most)
			most = nse_context_memory(ctx);
	}
	assert_true(most < 400000); /* 50 kB live, far below what was put */
	nse_context_free(ctx);
}

static void test_engine_reset(void **state)
{
	struct nse_context *ctx = nse_context_new();
	struct nse_sink sink = nse_context_sink(ctx);
	struct own_record o;
	struct nse_record got;
	size_t others = 0;

	(void)state;
	for (uint32_t k = 0; k < MODEL_KEYS; k++) {
		make_record(&o, k);
		others += strcmp(o.r.kind->engine, "conntrack") != 0;
		assert_int_equal(sink.put(sink.arg, &o.r), 0);
	}
	assert_int_equal(sink.reset(sink.arg, "conntrack"), 0);
	assert_int_equal(nse_context_count(ctx), others);
	for (uint32_t s = 0; s < nse_context_slots(ctx); s++)
		if (nse_context_at(ctx, s, &got))
			assert_string_not_equal(got.kind->engine, "conntrack");
	nse_context_del_engine(ctx, "absent");
	assert_int_equal(nse_context_count(ctx), others);
	nse_context_free(ctx);
}

static void test_digest(void **state)
{
	struct nse_context *a = nse_context_new(), *b = nse_context_new();
	struct own_record o[200];
	uint64_t sum = 0;

	(void)state;
	for (uint32_t k = 0; k < 200; k++) {
		make_record(&o[k], k);
		nse_context_put(a, &o[k].r, NULL);
		sum += nse_record_digest(&o[k].r) + 1;
	}
	for (uint32_t k = 200; k-- > 0;)
		nse_context_put(b, &o[k].r, NULL);
	assert_true(nse_context_digest(a, false) == sum);
	assert_true(nse_context_digest(b, false) == sum);
	assert_true(nse_context_digest(a, true) == nse_context_digest(b, true));
	o[3].bytes[2][0] ^= 1;
	o[3].r.state.n = 5;
	nse_context_put(b, &o[3].r, NULL);
	assert_true(nse_context_digest(b, false) == sum);
	assert_true(nse_context_digest(a, true) != nse_context_digest(b, true));
	o[3].bytes[1][0] ^= 1;
	o[3].r.body.n = 9;
	nse_context_put(b, &o[3].r, NULL);
	assert_true(nse_context_digest(b, false) != sum);
	nse_context_free(a);
	nse_context_free(b);
}

/* The digest travels in streams: its definition must never change. */
static void test_digest_is_fixed(void **state)
{
	struct nse_context *ctx = nse_context_new();
	struct nse_record r = { .kind = &test_kinds[0],
				.key = { (const uint8_t *)"key", 3 },
				.body = { (const uint8_t *)"body", 4 },
				.state = { (const uint8_t *)"state", 5 } };

	(void)state;
	nse_context_put(ctx, &r, NULL);
	assert_true(nse_context_digest(ctx, false) == 0xf145839738282439);
	assert_true(nse_context_digest(ctx, true) == 0xa171a5f6dd6eb665);
	nse_context_free(ctx);
}

static void test_reserve(void **state)
{
	struct nse_context *ctx = nse_context_new(), *more = nse_context_new();
	struct own_record o;
	struct nse_record rec;
	size_t before;

	(void)state;
	for (uint32_t k = 0; k < 300; k++) {
		make_record(&o, k);
		nse_context_put(ctx, &o.r, NULL);
	}
	for (uint32_t k = 200; k < 5000; k++) {
		make_record(&o, k);
		nse_context_put(more, &o.r, NULL);
	}
	assert_int_equal(nse_context_reserve(ctx, more), 0);
	before = nse_context_memory(ctx);
	for (uint32_t s = 0; s < nse_context_slots(more); s++)
		if (nse_context_at(more, s, &rec))
			assert_int_equal(nse_context_put(ctx, &rec, NULL), 0);
	assert_int_equal(nse_context_count(ctx), 5000);
	assert_int_equal(nse_context_memory(ctx), before);
	nse_context_free(ctx);
	nse_context_free(more);
}

/* Keys that share long beginnings, or are beginnings of one another. */
static void make_nasty_key(uint8_t *key, size_t *n)
{
	static const uint8_t few[] = { 0, 0, 0, 0, 1, 0xff };

	*n = test_random(30);
	for (size_t i = 0; i < *n; i++)
		key[i] = test_random(8) ? 0 : few[test_random(sizeof(few))];
}

static void test_sorted(void **state)
{
	struct nse_context *ctx = nse_context_new();
	struct nse_record a, b;
	uint32_t *slots;
	size_t n;

	(void)state;
	slots = nse_context_sorted(ctx);
	assert_non_null(slots);
	free(slots);
	for (int i = 0; i < 20000; i++) {
		uint8_t key[32];
		struct nse_record r = { .kind = &test_kinds[test_random(4)] };

		make_nasty_key(key, &n);
		r.key = (struct nse_bytes){ key, n };
		nse_context_put(ctx, &r, NULL);
	}
	n = nse_context_count(ctx);
	assert_true(n > 5000);
	slots = nse_context_sorted(ctx);
	for (size_t i = 1; i < n; i++) {
		assert_true(nse_context_at(ctx, slots[i - 1], &a));
		assert_true(nse_context_at(ctx, slots[i], &b));
		assert_true(nse_record_cmp_key(&a, &b) < 0);
	}
	assert_int_equal(nse_context_sort_slots(ctx, slots, 0), 0);
	free(slots);
	nse_context_free(ctx);
}

/* More kinds than the sort keeps apart cheaply. */
static void test_sorted_kinds(void **state)
{
	struct nse_context *ctx = nse_context_new();
	struct nse_kind kind = { "e", "" };
	struct nse_record r = { .kind = &kind }, a, b;
	uint32_t *slots;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		uint8_t key[4];

		snprintf(kind.type, sizeof(kind.type), "t%d", i * 7 % 200);
		nse_st32(key, test_random(1000000));
		r.key = (struct nse_bytes){ key, 4 };
		nse_context_put(ctx, &r, NULL);
	}
	slots = nse_context_sorted(ctx);
	for (size_t i = 1; i < nse_context_count(ctx); i++) {
		nse_context_at(ctx, slots[i - 1], &a);
		nse_context_at(ctx, slots[i], &b);
		assert_true(nse_record_cmp_key(&a, &b) < 0);
	}
	free(slots);
	nse_context_free(ctx);
}

static void test_million(void **state)
{
	struct nse_context *ctx = nse_context_new();
	size_t n = 1000000;
	uint8_t row[38] = { 0 };
	struct nse_record r = {
		&test_kinds[0], { row, 13 }, { row + 13, 21 }, { row + 34, 4 }
	};

	(void)state;
	for (size_t i = 0; i < n; i++) {
		nse_st32(row + 4, (uint32_t)i * 2654435761u);
		nse_st32(row + 34, (uint32_t)i);
		assert_int_equal(nse_context_put(ctx, &r, NULL), 0);
	}
	assert_int_equal(nse_context_count(ctx), n);
	assert_true(nse_context_memory(ctx) <= 100 * n);
	for (size_t i = 0; i < n; i += 997) {
		nse_st32(row + 4, (uint32_t)i * 2654435761u);
		assert_int_equal(nse_context_find(ctx, r.kind, r.key), i);
	}
	nse_context_free(ctx);
}

static void test_names(void **state)
{
	static const char *const good[] = { "a", "conntrack", "ct-2", "abcdefghijklmno" };
	static const char *const bad[] = {
		"", "A", "2a", "-a", "a_b", "a b", "abcdefghijklmnop", "\xc3\xa4"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(nse_kind_name_ok(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(nse_kind_name_ok(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_basics),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_too_many_kinds),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_slots_stay),
		cmocka_unit_test(test_own_view),
		cmocka_unit_test(test_compaction),
		cmocka_unit_test(test_engine_reset),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_digest_is_fixed),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_sorted),
		cmocka_unit_test(test_sorted_kinds),
		cmocka_unit_test(test_million),
		cmocka_unit_test(test_names),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
