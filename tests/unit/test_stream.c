/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The writer and the reader against one another: every shape of record, the
 * order of what is said twice about a key, size and memory.
 */
#include "tests/unit/stream_tests.h"

#include <sys/resource.h>

static void test_round_trip(void **state)
{
	static const uint32_t sizes[] = { 0, 1, 2, 500, 70000 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct mem m = MEM_INIT;
		struct taken want, got;
		struct nse_stream_stats stats = { 0 };
		struct nse_error err = { 0 };

		m.most = i % 2 ? 7 : SIZE_MAX;
		write_random(&m, sizes[i], 0, &want);
		assert_int_equal(read_all(&m, &got, &stats, &err), 0);
		assert_int_equal(got.puts, sizes[i]);
		assert_int_equal(stats.records, sizes[i]);
		assert_int_equal(stats.stored, m.buf.len);
		assert_true(nse_context_digest(got.ctx, true) ==
			    nse_context_digest(want.ctx, true));
		nse_context_free(got.ctx);
		nse_context_free(want.ctx);
		nse_buf_release(&m.buf);
	}
}

static void test_big_records(void **state)
{
	struct mem m = MEM_INIT;
	struct nse_stream_writer *w = open_writer(&m, NSE_STREAM_SNAPSHOT, 0);
	uint8_t *big = malloc(NSE_RECORD_MAX + 1), key[2];
	struct nse_record r = { .kind = &test_kinds[0] };
	struct nse_error err = { 0 };
	struct taken got;

	(void)state;
	for (size_t i = 0; i < NSE_RECORD_MAX; i++)
		big[i] = (uint8_t)test_random(256);
	r.key = r.body = r.state = (struct nse_bytes){ big, NSE_RECORD_MAX };
	assert_int_equal(nse_stream_put(w, &r), 0);
	r.key = r.body = r.state = (struct nse_bytes){ NULL, 0 };
	assert_int_equal(nse_stream_put(w, &r), 0);
	/* Zeros that compress a thousandfold still make a stream that is read. */
	memset(big, 0, NSE_RECORD_MAX);
	for (uint16_t i = 0; i < 400; i++) {
		nse_st16(key, i);
		r.key = (struct nse_bytes){ key, 2 };
		r.body = r.state = (struct nse_bytes){ big, NSE_RECORD_MAX };
		assert_int_equal(nse_stream_put(w, &r), 0);
	}
	close_writer(w, NULL);
	assert_true(m.buf.len < 3 << 20);
	assert_int_equal(read_all(&m, &got, NULL, &err), 0);
	assert_int_equal(nse_context_count(got.ctx), 402);
	nse_context_free(got.ctx);
	free(big);
	nse_buf_release(&m.buf);
}

static void test_too_big(void **state)
{
	struct mem m = MEM_INIT;
	struct nse_stream_writer *w = open_writer(&m, NSE_STREAM_SNAPSHOT, 0);
	uint8_t *big = calloc(1, NSE_RECORD_MAX + 1);
	struct nse_record r = { .kind = &test_kinds[0],
				.key = { big, NSE_RECORD_MAX + 1 } };
	struct nse_kind bad = { "Bad", "x" };
	struct nse_error err = { 0 };

	(void)state;
	assert_int_equal(nse_stream_put(w, &r), -EMSGSIZE);
	/* The record is missing: the stream must not seem whole. */
	assert_int_equal(nse_stream_finish(w, NULL, &err), -EMSGSIZE);
	assert_true(err.text[0]);
	nse_stream_writer_free(w);
	nse_buf_reset(&m.buf);
	w = open_writer(&m, NSE_STREAM_SNAPSHOT, 0);
	r = (struct nse_record){ .kind = &bad };
	assert_int_equal(nse_stream_put(w, &r), -EINVAL);
	assert_int_equal(nse_stream_finish(w, NULL, &err), -EINVAL);
	assert_int_equal(nse_stream_finish(w, NULL, &err), -EINVAL);
	nse_stream_writer_free(w);
	free(big);
	nse_buf_release(&m.buf);
}

static void test_threads_write_the_same(void **state)
{
	struct mem a = MEM_INIT, b = MEM_INIT;
	struct taken want;

	(void)state;
	test_random_state = 4711;
	write_random(&a, 90000, 0, &want);
	nse_context_free(want.ctx);
	test_random_state = 4711;
	write_random(&b, 90000, NSE_STREAM_THREAD, &want);
	nse_context_free(want.ctx);
	assert_int_equal(a.buf.len, b.buf.len);
	assert_memory_equal(a.buf.data, b.buf.data, a.buf.len);
	nse_buf_release(&a.buf);
	nse_buf_release(&b.buf);
}

/* Any order of puts, deletions and resets arrives as it was said. */
static void check_order(unsigned int flags, uint32_t keys, int steps)
{
	struct mem m = MEM_INIT;
	struct nse_stream_writer *w = open_writer(&m, NSE_STREAM_DELTA, flags);
	struct nse_context *want = nse_context_new();
	struct nse_error err = { 0 };
	struct own_record o;
	struct taken got;

	for (int i = 0; i < steps; i++) {
		make_record(&o, test_random(keys));
		if (test_random(2000) == 0) {
			nse_context_del_engine(want, o.r.kind->engine);
			assert_int_equal(nse_stream_reset(w, o.r.kind->engine), 0);
		} else if (test_random(3) == 0) {
			nse_context_del(want, o.r.kind, o.r.key);
			assert_int_equal(nse_stream_del(w, o.r.kind, o.r.key), 0);
		} else {
			nse_context_put(want, &o.r, NULL);
			assert_int_equal(nse_stream_put(w, &o.r), 0);
		}
	}
	close_writer(w, NULL);
	assert_int_equal(read_all(&m, &got, NULL, &err), 0);
	assert_true(got.dels && got.resets);
	assert_true(nse_context_digest(got.ctx, true) == nse_context_digest(want, true));
	nse_context_free(got.ctx);
	nse_context_free(want);
	nse_buf_release(&m.buf);
}

static void test_order(void **state)
{
	(void)state;
	check_order(0, 30, 20000);
	check_order(NSE_STREAM_THREAD, 3000, 20000);
	check_order(NSE_STREAM_THREAD, 200000, 400000);
}

/* More shapes than the writer keeps open. */
static void test_many_shapes(void **state)
{
	struct mem m = MEM_INIT;
	struct nse_stream_writer *w = open_writer(&m, NSE_STREAM_SNAPSHOT, 0);
	struct nse_context *want = nse_context_new();
	struct nse_error err = { 0 };
	struct taken got;
	uint8_t bytes[2000] = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 60000; i++) {
		struct nse_record r = { .kind = &test_kinds[0] };

		nse_st32(bytes, test_random(20000));
		r.key = (struct nse_bytes){ bytes, 4 };
		r.body = (struct nse_bytes){ bytes, test_random(300) };
		r.state = (struct nse_bytes){ bytes, test_random(2) };
		nse_context_put(want, &r, NULL);
		assert_int_equal(nse_stream_put(w, &r), 0);
	}
	close_writer(w, NULL);
	assert_int_equal(read_all(&m, &got, NULL, &err), 0);
	assert_true(nse_context_digest(got.ctx, true) == nse_context_digest(want, true));
	nse_context_free(got.ctx);
	nse_context_free(want);
	nse_buf_release(&m.buf);
}

static void test_header_arrives(void **state)
{
	struct nse_stream_header h = test_header(NSE_STREAM_DELTA);
	const struct nse_stream_header *got;
	struct nse_stream_writer *w;
	struct nse_stream_reader *r;
	struct nse_error err = { 0 };
	struct mem m = MEM_INIT;

	(void)state;
	h.base_digest = 0x0123456789abcdef;
	h.result_digest = UINT64_MAX;
	snprintf(h.scope.domain.name, sizeof(h.scope.domain.name), "web1");
	nse_scope_add_zone(&h.scope, 7, &err);
	nse_scope_add_table(&h.scope, "inet:filter", &err);
	assert_int_equal(nse_stream_writer_new(&w, &h, mem_write, &m, 0, &err), 0);
	close_writer(w, NULL);
	assert_int_equal(nse_stream_reader_new(&r, mem_read, &m, &err), 0);
	got = nse_stream_reader_header(r);
	assert_int_equal(got->kind, NSE_STREAM_DELTA);
	assert_string_equal(got->host, "hostA");
	assert_string_equal(got->kernel, "6.18.0");
	assert_string_equal(got->version, "0.1.0");
	assert_true(got->taken_us == h.taken_us);
	assert_true(got->base_digest == h.base_digest);
	assert_true(got->result_digest == h.result_digest);
	assert_string_equal(got->scope.domain.name, "web1");
	assert_true(got->scope.nzones == 1 && got->scope.zones[0] == 7);
	assert_string_equal(got->scope.tables[0], "inet:filter");
	nse_stream_reader_free(r);
	nse_stream_header_now(&h);
	assert_true(h.host[0] && h.kernel[0] && h.version[0]);
	assert_true(h.taken_us > 1700000000000000);
	snprintf(h.host, sizeof(h.host), "\xff\xfe");
	assert_int_equal(nse_stream_writer_new(&w, &h, mem_write, &m, 0, &err), -EINVAL);
	assert_null(w);
	nse_stream_header_release(&h);
	nse_buf_release(&m.buf);
}

static int count_bytes(void *arg, const void *p, size_t n)
{
	(void)p;
	*(uint64_t *)arg += n;
	return 0;
}

/* Rows like conntrack entries of one guest with random peers. */
static uint64_t write_peers(uint32_t n, unsigned int flags)
{
	struct nse_stream_header h = test_header(NSE_STREAM_SNAPSHOT);
	struct nse_stream_writer *w;
	uint8_t row[38] = { 6, 10, 0, 0, 5 };
	struct nse_record r = {
		&test_kinds[0], { row, 13 }, { row + 13, 21 }, { row + 34, 4 }
	};
	uint64_t bytes = 0;

	assert_int_equal(nse_stream_writer_new(&w, &h, count_bytes, &bytes, flags, NULL),
			 0);
	for (uint32_t i = 0; i < n; i++) {
		nse_st32(row + 5, test_random(UINT32_MAX));
		nse_st16(row + 9, (uint16_t)test_random(65536));
		nse_st32(row + 34, 431000 + test_random(1000));
		/* From time to time another shape. */
		r.body.n = i % 50 ? 21 : test_random(22);
		assert_int_equal(nse_stream_put(w, &r), 0);
	}
	close_writer(w, NULL);
	return bytes;
}

static void test_size(void **state)
{
	(void)state;
	assert_true(write_peers(200000, 0) <= 200000 * 10);
}

#if !defined(__SANITIZE_ADDRESS__) &&                                                    \
	!defined(__SANITIZE_THREAD__) /* which keep memory */
static void test_writer_memory(void **state)
{
	struct rusage before, after;

	(void)state;
	getrusage(RUSAGE_SELF, &before);
	write_peers(1000000, NSE_STREAM_THREAD);
	getrusage(RUSAGE_SELF, &after);
	assert_true(after.ru_maxrss - before.ru_maxrss < 16 << 10);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
		cmocka_unit_test(test_writer_memory), /* first: it looks at the peak */
#endif
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_big_records),
		cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_threads_write_the_same),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_many_shapes),
		cmocka_unit_test(test_header_arrives),
		cmocka_unit_test(test_size),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
