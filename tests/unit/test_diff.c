/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Comparing contexts against a naive comparison, and deltas: what turns a
 * into b, applied as a whole or not at all.
 */
#include "tests/unit/context_tests.h"

/* Two models of random records, alike in about two thirds of their keys. */
static void random_pair(struct nse_context *ctx[2], struct model m[2])
{
	struct own_record o;

	memset(m, 0, 2 * sizeof(*m));
	for (int i = 0; i < 2; i++)
		ctx[i] = nse_context_new();
	for (uint32_t k = 0; k < MODEL_KEYS; k++) {
		make_record(&o, k);
		for (int i = 0; i < 2; i++) {
			if (test_random(5) == 0)
				continue;
			model_put(&m[i], k, &o);
			if (test_random(5) == 0)
				make_record(&o, k);
			else if (test_random(5) == 0)
				o.bytes[2][0] ^= 1; /* counts only if there is state */
		}
	}
	for (int i = 0; i < 2; i++)
		for (uint32_t k = 0; k < MODEL_KEYS; k++)
			if (model_at(&m[i], k, &o))
				nse_context_put(ctx[i], &o.r, NULL);
}

static size_t naive_changes(const struct model m[2], bool state, size_t n[3])
{
	struct own_record a, b;

	n[0] = n[1] = n[2] = 0;
	for (uint32_t k = 0; k < MODEL_KEYS; k++) {
		bool in_a = model_at(&m[0], k, &a), in_b = model_at(&m[1], k, &b);

		n[NSE_ADDED] += !in_a && in_b;
		n[NSE_REMOVED] += in_a && !in_b;
		n[NSE_CHANGED] += in_a && in_b &&
				  (!nse_bytes_equal(a.r.body, b.r.body) ||
				   (state && !nse_bytes_equal(a.r.state, b.r.state)));
	}
	return n[0] + n[1] + n[2];
}

static void check_items(const struct nse_diff *d, struct nse_context *ctx[2])
{
	struct nse_record rec, last = { 0 };

	for (size_t i = 0; i < d->n; i++) {
		const struct nse_diff_item *it = &d->items[i];

		assert_int_equal(it->a == NSE_CONTEXT_NONE, it->change == NSE_ADDED);
		assert_int_equal(it->b == NSE_CONTEXT_NONE, it->change == NSE_REMOVED);
		if (it->a != NSE_CONTEXT_NONE)
			assert_true(nse_context_at(ctx[0], it->a, &rec));
		if (it->b != NSE_CONTEXT_NONE)
			assert_true(nse_context_at(ctx[1], it->b, &rec));
		if (i)
			assert_true(nse_record_cmp_key(&last, &rec) < 0);
		last = rec;
	}
}

static void test_naive(void **state)
{
	static struct model m[2];
	struct nse_context *ctx[2];
	struct nse_diff d;
	size_t n[3];

	(void)state;
	for (int round = 0; round < 40; round++) {
		unsigned int flags = round % 2 ? NSE_DIFF_STATE : 0;

		random_pair(ctx, m);
		assert_int_equal(nse_diff(ctx[0], ctx[1], flags, &d), 0);
		assert_int_equal(d.n, naive_changes(m, flags, n));
		assert_true(d.n > 100);
		assert_int_equal(d.added, n[NSE_ADDED]);
		assert_int_equal(d.removed, n[NSE_REMOVED]);
		assert_int_equal(d.changed, n[NSE_CHANGED]);
		check_items(&d, ctx);
		nse_diff_release(&d);
		assert_int_equal(nse_diff(ctx[0], ctx[0], NSE_DIFF_STATE, &d), 0);
		assert_int_equal(d.n, 0);
		nse_diff_release(&d);
		nse_context_free(ctx[0]);
		nse_context_free(ctx[1]);
	}
}

static void test_delta(void **state)
{
	static struct model m[2];
	struct nse_stream_header h = test_header(NSE_STREAM_SNAPSHOT);
	struct nse_context *ctx[2];
	struct nse_error err = { 0 };

	(void)state;
	for (int round = 0; round < 40; round++) {
		struct nse_stream_stats wrote, read;
		struct mem mem = MEM_INIT;
		size_t n[3];

		random_pair(ctx, m);
		assert_int_equal(nse_delta_write(ctx[0], ctx[1], NSE_DIFF_STATE, &h,
						 mem_write, &mem, &wrote, &err),
				 0);
		assert_int_equal(wrote.records, naive_changes(m, true, n));
		assert_int_equal(nse_delta_read(ctx[0], mem_read, &mem, &read, &err), 0);
		assert_int_equal(read.records, wrote.records);
		assert_model(ctx[0], &m[1]);
		/* Once more: it is not the base any longer. */
		mem.at = 0;
		if (n[NSE_ADDED] + n[NSE_REMOVED])
			assert_int_equal(nse_delta_read(ctx[0], mem_read, &mem, NULL,
							&err),
					 -ESTALE);
		assert_model(ctx[0], &m[1]);
		nse_buf_release(&mem.buf);
		nse_context_free(ctx[0]);
		nse_context_free(ctx[1]);
	}
}

/* Without states only bodies and keys have to agree afterwards. */
static void test_delta_without_state(void **state)
{
	static struct model m[2];
	struct nse_stream_header h = test_header(NSE_STREAM_SNAPSHOT);
	struct nse_context *ctx[2];
	struct nse_error err = { 0 };
	struct mem mem = MEM_INIT;

	(void)state;
	random_pair(ctx, m);
	assert_int_equal(
		nse_delta_write(ctx[0], ctx[1], 0, &h, mem_write, &mem, NULL, &err), 0);
	assert_int_equal(nse_delta_read(ctx[0], mem_read, &mem, NULL, &err), 0);
	assert_true(nse_context_digest(ctx[0], false) ==
		    nse_context_digest(ctx[1], false));
	nse_buf_release(&mem.buf);
	nse_context_free(ctx[0]);
	nse_context_free(ctx[1]);
}

static void test_damaged_delta(void **state)
{
	static struct model m[2];
	struct nse_stream_header h = test_header(NSE_STREAM_SNAPSHOT);
	struct nse_context *ctx[2];
	struct nse_error err;
	struct mem mem = MEM_INIT;

	(void)state;
	random_pair(ctx, m);
	assert_int_equal(
		nse_delta_write(ctx[0], ctx[1], 1, &h, mem_write, &mem, NULL, &err), 0);
	for (size_t i = 0; i < mem.buf.len; i += 1 + test_random(40)) {
		mem.at = 0;
		mem.buf.data[i] ^= 0x10;
		assert_true(nse_delta_read(ctx[0], mem_read, &mem, NULL, &err) < 0);
		mem.buf.data[i] ^= 0x10;
	}
	assert_model(ctx[0], &m[0]);
	/* A whole stream of the wrong kind, or against nothing. */
	mem.at = 0;
	assert_int_equal(nse_delta_read(ctx[1], mem_read, &mem, NULL, &err), -ESTALE);
	assert_non_null(strstr(err.text, "made against another context"));
	assert_model(ctx[1], &m[1]);
	nse_buf_reset(&mem.buf);
	mem.at = 0;
	assert_int_equal(nse_snapshot_write(ctx[1], &h, mem_write, &mem, NULL, &err), 0);
	assert_int_equal(nse_delta_read(ctx[0], mem_read, &mem, NULL, &err), -EINVAL);
	assert_non_null(strstr(err.text, "is a snapshot"));
	assert_model(ctx[0], &m[0]);
	nse_buf_release(&mem.buf);
	nse_context_free(ctx[0]);
	nse_context_free(ctx[1]);
}

/* Any sequence of puts, deletions and resets against a base. */
static void random_sequence(struct model *m, struct nse_stream_writer *w)
{
	struct own_record o;

	for (int i = 0; i < 3000; i++) {
		uint32_t k = test_random(MODEL_KEYS);

		make_record(&o, k);
		if (test_random(1500) == 0) {
			assert_int_equal(nse_stream_reset(w, o.r.kind->engine), 0);
			for (uint32_t j = 0; j < MODEL_KEYS; j++)
				if (strcmp(test_kinds[j % 4].engine, o.r.kind->engine) ==
				    0)
					m->at[j].there = 0;
		} else if (test_random(2) == 0) {
			assert_int_equal(nse_stream_del(w, o.r.kind, o.r.key), 0);
			m->at[k].there = 0;
		} else {
			assert_int_equal(nse_stream_put(w, &o.r), 0);
			model_put(m, k, &o);
		}
	}
}

static uint64_t model_digest(const struct model *m)
{
	struct nse_context *ctx = nse_context_new();
	struct own_record o;
	uint64_t digest;

	for (uint32_t k = 0; k < MODEL_KEYS; k++)
		if (model_at(m, k, &o))
			nse_context_put(ctx, &o.r, NULL);
	digest = nse_context_digest(ctx, false);
	nse_context_free(ctx);
	return digest;
}

static void test_sequences(void **state)
{
	static struct model m[2], result;
	struct nse_context *ctx[2];

	(void)state;
	for (int round = 0; round < 60; round++) {
		struct nse_stream_header h = test_header(NSE_STREAM_DELTA);
		struct nse_stream_writer *w;
		struct nse_error err = { 0 };
		struct mem mem = MEM_INIT;
		uint64_t seed;

		random_pair(ctx, m);
		h.base_digest = nse_context_digest(ctx[0], false);
		/* The result is known only after a first pass. */
		seed = test_random_state;
		for (int pass = 0; pass < 2; pass++) {
			nse_buf_reset(&mem.buf);
			test_random_state = seed;
			result = m[0];
			assert_int_equal(nse_stream_writer_new(&w, &h, mem_write, &mem, 0,
							       &err),
					 0);
			random_sequence(&result, w);
			assert_int_equal(nse_stream_finish(w, NULL, &err), 0);
			nse_stream_writer_free(w);
			h.result_digest = model_digest(&result);
			mem.at = 0;
			if (pass == 0) {
				assert_int_equal(nse_delta_read(ctx[0], mem_read, &mem,
								NULL, &err),
						 -ESTALE);
				assert_non_null(strstr(err.text, "as it announces"));
				assert_model(ctx[0], &m[0]);
			}
		}
		assert_int_equal(nse_delta_read(ctx[0], mem_read, &mem, NULL, &err), 0);
		assert_model(ctx[0], &result);
		nse_buf_release(&mem.buf);
		nse_context_free(ctx[0]);
		nse_context_free(ctx[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_naive),
		cmocka_unit_test(test_delta),
		cmocka_unit_test(test_delta_without_state),
		cmocka_unit_test(test_damaged_delta),
		cmocka_unit_test(test_sequences),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
