/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Streams that were cut or damaged anywhere, descriptors and consumers that
 * fail: there is an error, and it says where.
 */
#include "tests/unit/stream_tests.h"

#include "lib/context/stream_format.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_truncated_at_frames),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_reads_nothing_behind),
		cmocka_unit_test(test_write_errors),
		cmocka_unit_test(test_errors_of_others),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
