/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The writer and the reader against one another: every shape of record, the
 * order of what is said twice about a key, damage of every kind, memory.
 */
#include "context_tests.h"

#include <sys/resource.h>

#include "lib/context/stream_format.h"

/* What a reader delivered, as a context with the last word on every key. */
struct taken {
	struct nse_context *ctx;
	uint64_t puts, dels, resets;
};

static int take_put(void *arg, const struct nse_record *rec)
{
	struct taken *t = arg;

	t->puts++;
	return nse_context_put(t->ctx, rec, NULL);
}

static int take_del(void *arg, const struct nse_kind *kind, struct nse_bytes key)
{
	struct taken *t = arg;

	t->dels++;
	nse_context_del(t->ctx, kind, key);
	return 0;
}

static int take_reset(void *arg, const char *engine)
{
	struct taken *t = arg;

	t->resets++;
	nse_context_del_engine(t->ctx, engine);
	return 0;
}

static int read_all(struct mem *m, struct taken *t, struct nse_stream_stats *stats,
		    struct nse_error *err)
{
	struct nse_stream_events ev = { take_put, take_del, take_reset, t };
	struct nse_stream_reader *r;
	int rc;

	*t = (struct taken){ .ctx = nse_context_new() };
	rc = nse_stream_reader_new(&r, mem_read, m, err);
	if (rc == 0)
		rc = nse_stream_read(r, &ev, stats, err);
	nse_stream_reader_free(r);
	return rc;
}

static struct nse_stream_writer *open_writer(struct mem *m, enum nse_stream_kind kind,
					     unsigned int flags)
{
	struct nse_stream_header h = test_header(kind);
	struct nse_stream_writer *w = NULL;
	struct nse_error err;

	assert_int_equal(nse_stream_writer_new(&w, &h, mem_write, m, flags, &err), 0);
	nse_stream_header_release(&h);
	return w;
}

static void close_writer(struct nse_stream_writer *w, struct nse_stream_stats *stats)
{
	struct nse_error err = { 0 };

	assert_int_equal(nse_stream_finish(w, stats, &err), 0);
	nse_stream_writer_free(w);
}

/* A stream of n random records in memory. */
static void write_random(struct mem *m, uint32_t n, unsigned int flags,
			 struct taken *want)
{
	struct nse_stream_writer *w = open_writer(m, NSE_STREAM_SNAPSHOT, flags);
	struct nse_stream_stats stats;
	struct own_record o;

	want->ctx = nse_context_new();
	for (uint32_t k = 0; k < n; k++) {
		make_record(&o, k);
		assert_int_equal(nse_stream_put(w, &o.r), 0);
		assert_int_equal(nse_context_put(want->ctx, &o.r, NULL), 0);
	}
	close_writer(w, &stats);
	assert_int_equal(stats.records, n);
	assert_int_equal(stats.stored, m->buf.len);
}

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

/* Reads a damaged copy: there must be an error, with a text. */
static int read_damaged(const uint8_t *bytes, size_t n, struct nse_error *err)
{
	struct mem m = MEM_INIT;
	struct taken got;
	int rc;

	nse_buf_put(&m.buf, bytes, n);
	*err = (struct nse_error){ 0 };
	rc = read_all(&m, &got, NULL, err);
	nse_context_free(got.ctx);
	nse_buf_release(&m.buf);
	if (rc < 0) {
		assert_int_equal(err->code, rc);
		assert_true(err->text[0]);
	}
	return rc;
}

static void test_truncated(void **state)
{
	struct mem m = MEM_INIT;
	struct nse_error err;
	struct taken want;

	(void)state;
	write_random(&m, 40, 0, &want);
	for (size_t n = 0; n < m.buf.len; n++) {
		assert_int_equal(read_damaged(m.buf.data, n, &err), -EBADMSG);
		if (n >= 8)
			assert_non_null(strstr(err.text, "truncated"));
	}
	assert_int_equal(read_damaged(m.buf.data, m.buf.len, &err), 0);
	nse_context_free(want.ctx);
	nse_buf_release(&m.buf);
}

static void test_truncated_at_frames(void **state)
{
	struct mem m = MEM_INIT;
	struct nse_error err;
	struct taken want;
	size_t frames = 0;

	(void)state;
	write_random(&m, 20000, 0, &want);
	for (size_t at = NSE_STREAM_PROLOGUE; at < m.buf.len; frames++) {
		assert_int_equal(read_damaged(m.buf.data, at, &err), -EBADMSG);
		assert_non_null(strstr(err.text, "without its end frame"));
		at += NSE_FRAME_HEAD + nse_ld32(m.buf.data + at + 20);
	}
	assert_true(frames > 10);
	nse_context_free(want.ctx);
	nse_buf_release(&m.buf);
}

static void test_every_bit(void **state)
{
	struct mem m = MEM_INIT;
	struct nse_error err;
	struct taken want;

	(void)state;
	write_random(&m, 40, 0, &want);
	for (size_t bit = 0; bit < m.buf.len * 8; bit++) {
		m.buf.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_true(read_damaged(m.buf.data, m.buf.len, &err) < 0);
		m.buf.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(read_damaged(m.buf.data, m.buf.len, &err), 0);
	nse_context_free(want.ctx);
	nse_buf_release(&m.buf);
}

/* The stream belongs to a session: what is behind it stays in the pipe. */
static void test_reads_nothing_behind(void **state)
{
	struct mem m = MEM_INIT;
	struct nse_error err;
	struct taken want, got;
	size_t end;

	(void)state;
	write_random(&m, 1000, 0, &want);
	end = m.buf.len;
	nse_buf_put(&m.buf, "and more", 8);
	assert_int_equal(read_all(&m, &got, NULL, &err), 0);
	assert_int_equal(m.at, end);
	nse_context_free(got.ctx);
	nse_context_free(want.ctx);
	nse_buf_release(&m.buf);
}

static void check_write_error(unsigned int flags)
{
	struct mem m = MEM_INIT;
	struct nse_stream_writer *w;
	struct nse_error err = { 0 };
	uint8_t key[4];
	struct nse_record r = { &test_kinds[0], { key, 4 }, { key, 4 }, { key, 4 } };
	int rc = 0;

	m.fail_after = 20000;
	w = open_writer(&m, NSE_STREAM_SNAPSHOT, flags);
	for (uint32_t i = 0; i < 2000000 && rc == 0; i++) {
		nse_st32(key, i * 2654435761u);
		rc = nse_stream_put(w, &r);
	}
	assert_int_equal(rc, -ENOSPC);
	assert_int_equal(nse_stream_put(w, &r), -ENOSPC);
	assert_int_equal(nse_stream_del(w, r.kind, r.key), -ENOSPC);
	assert_int_equal(nse_stream_reset(w, "conntrack"), -ENOSPC);
	assert_int_equal(nse_stream_finish(w, NULL, &err), -ENOSPC);
	assert_int_equal(err.code, -ENOSPC);
	assert_non_null(strstr(err.text, "cannot write the stream at offset"));
	nse_stream_writer_free(w);
	/* The rest fails only at the end. */
	nse_buf_reset(&m.buf);
	m.fail_after = 600;
	w = open_writer(&m, NSE_STREAM_SNAPSHOT, flags);
	for (uint32_t i = 0; i < 1000; i++) {
		nse_st32(key, i * 2654435761u);
		assert_int_equal(nse_stream_put(w, &r), 0);
	}
	assert_int_equal(nse_stream_finish(w, NULL, &err), -ENOSPC);
	nse_stream_writer_free(w);
	/* Given up in the middle. */
	nse_buf_reset(&m.buf);
	m.fail_after = 0;
	w = open_writer(&m, NSE_STREAM_SNAPSHOT, flags);
	for (uint32_t i = 0; i < 100000; i++) {
		nse_st32(key, i);
		assert_int_equal(nse_stream_put(w, &r), 0);
	}
	nse_stream_writer_free(w);
	assert_int_equal(read_damaged(m.buf.data, m.buf.len, &err), -EBADMSG);
	nse_buf_release(&m.buf);
}

static void test_write_errors(void **state)
{
	struct nse_stream_header h = test_header(NSE_STREAM_SNAPSHOT);
	struct nse_stream_writer *w;
	struct mem m = MEM_INIT;
	struct nse_error err;

	(void)state;
	m.fail_after = 1;
	assert_int_equal(nse_stream_writer_new(&w, &h, mem_write, &m, 0, &err), -ENOSPC);
	assert_null(w);
	nse_stream_writer_free(NULL);
	check_write_error(0);
	check_write_error(NSE_STREAM_THREAD);
}

static ssize_t read_error(void *arg, void *p, size_t n)
{
	struct mem *m = arg;

	return m->at >= 500 ? -ECONNRESET : mem_read(m, p, n < 100 ? n : 100);
}

static int refuse_put(void *arg, const struct nse_record *rec)
{
	(void)rec;
	return nse_error(arg, -EBADMSG, "this one I do not like");
}

static int refuse_silently(void *arg, const struct nse_record *rec)
{
	(void)arg;
	(void)rec;
	return -ENOMEM;
}

static int accept_put(void *arg, const struct nse_record *rec)
{
	(void)arg;
	(void)rec;
	return 0;
}

static void test_errors_of_others(void **state)
{
	struct nse_error err = { .code = -EBADMSG, .text = "old" };
	struct nse_stream_events ev = { refuse_put, take_del, take_reset, &err };
	struct nse_stream_reader *r;
	struct mem m = MEM_INIT;
	struct taken want;

	(void)state;
	write_random(&m, 1000, 0, &want);
	nse_context_free(want.ctx);
	assert_int_equal(nse_stream_reader_new(&r, mem_read, &m, &err), 0);
	assert_int_equal(nse_stream_read(r, &ev, NULL, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "frame 1: this one I do not like"));
	assert_int_equal(nse_stream_read(r, &ev, NULL, &err), -EINVAL);
	nse_stream_reader_free(r);
	m.at = 0;
	ev.put = refuse_silently;
	assert_int_equal(nse_stream_reader_new(&r, mem_read, &m, &err), 0);
	assert_int_equal(nse_stream_read(r, &ev, NULL, NULL), -ENOMEM);
	nse_stream_reader_free(r);
	m.at = 0;
	ev.put = accept_put;
	assert_int_equal(nse_stream_reader_new(&r, read_error, &m, &err), 0);
	assert_int_equal(nse_stream_read(r, &ev, NULL, &err), -ECONNRESET);
	assert_non_null(strstr(err.text, "cannot read the stream at offset 5"));
	nse_stream_reader_free(r);
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

#if !defined(__SANITIZE_ADDRESS__) /* which keeps what is freed */
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
#if !defined(__SANITIZE_ADDRESS__)
		cmocka_unit_test(test_writer_memory), /* first: it looks at the peak */
#endif
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_big_records),
		cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_threads_write_the_same),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_many_shapes),
		cmocka_unit_test(test_header_arrives),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_truncated_at_frames),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_reads_nothing_behind),
		cmocka_unit_test(test_write_errors),
		cmocka_unit_test(test_errors_of_others),
		cmocka_unit_test(test_size),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
