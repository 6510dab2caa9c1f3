/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whole contexts in memory, files and pipes, and what a broken one leaves.
 */
#include "tests/unit/context_tests.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORDS 2000

static struct nse_context *filled(bool backwards)
{
	struct nse_context *ctx = nse_context_new();
	struct own_record o;

	for (uint32_t i = 0; i < RECORDS; i++) {
		uint32_t k = backwards ? RECORDS - 1 - i : i;

		test_random_state = k + 1;
		make_record(&o, k);
		nse_context_put(ctx, &o.r, NULL);
	}
	return ctx;
}

static void write_to(struct mem *m, const struct nse_context *ctx)
{
	struct nse_stream_header h = test_header(NSE_STREAM_DELTA);
	struct nse_stream_stats stats;
	struct nse_error err = { 0 };

	assert_int_equal(nse_scope_add_zone(&h.scope, 12, &err), 0);
	assert_int_equal(nse_snapshot_write(ctx, &h, mem_write, m, &stats, &err), 0);
	assert_int_equal(h.kind, NSE_STREAM_SNAPSHOT);
	assert_int_equal(stats.records, nse_context_count(ctx));
	assert_int_equal(stats.stored, m->buf.len);
	nse_stream_header_release(&h);
}

static void test_order_does_not_matter(void **state)
{
	struct nse_context *a = filled(false), *b = filled(true);
	struct mem ma = MEM_INIT, mb = MEM_INIT;

	(void)state;
	write_to(&ma, a);
	write_to(&mb, b);
	assert_int_equal(ma.buf.len, mb.buf.len);
	assert_memory_equal(ma.buf.data, mb.buf.data, ma.buf.len);
	nse_buf_release(&ma.buf);
	nse_buf_release(&mb.buf);
	nse_context_free(a);
	nse_context_free(b);
}

static void check_read(const struct nse_snapshot *s, const struct nse_context *want)
{
	assert_non_null(s->ctx);
	assert_true(nse_context_digest(s->ctx, true) == nse_context_digest(want, true));
	assert_string_equal(s->header.host, "hostA");
	assert_true(s->header.scope.nzones == 1 && s->header.scope.zones[0] == 12);
}

static void check_empty(const struct nse_snapshot *s)
{
	assert_null(s->ctx);
	assert_string_equal(s->header.host, "");
	assert_null(s->header.scope.zones);
}

static void test_memory(void **state)
{
	struct nse_context *ctx = filled(false);
	struct nse_snapshot s;
	struct nse_error err = { 0 };
	struct mem m = MEM_INIT;

	(void)state;
	write_to(&m, ctx);
	assert_int_equal(nse_snapshot_read(&s, mem_read, &m, &err), 0);
	check_read(&s, ctx);
	nse_snapshot_release(&s);
	check_empty(&s);
	nse_snapshot_release(&s);
	m.at = 0;
	m.buf.len -= 1;
	assert_int_equal(nse_snapshot_read(&s, mem_read, &m, &err), -EBADMSG);
	check_empty(&s);
	nse_snapshot_release(NULL);
	nse_buf_release(&m.buf);
	nse_context_free(ctx);
}

static int load_bytes(const char *path, const struct mem *m, size_t n,
		      struct nse_snapshot *s, struct nse_error *err)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(nse_fd_write(&fd, m->buf.data, n), 0);
	close(fd);
	*err = (struct nse_error){ 0 };
	return nse_snapshot_load(s, path, err);
}

static void test_files(void **state)
{
	char dir[] = "/tmp/nsemig-snapshot-XXXXXX", path[64];
	struct nse_context *ctx = filled(false);
	struct nse_snapshot s;
	struct nse_error err;
	struct mem m = MEM_INIT;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/web1.nse", dir);
	write_to(&m, ctx);
	assert_int_equal(load_bytes(path, &m, m.buf.len, &s, &err), 0);
	check_read(&s, ctx);
	nse_snapshot_release(&s);
	assert_int_equal(load_bytes(path, &m, m.buf.len - 30, &s, &err), -EBADMSG);
	assert_memory_equal(err.text, path, strlen(path));
	assert_non_null(strstr(err.text, "(truncated)"));
	check_empty(&s);
	nse_buf_put(&m.buf, "more", 4);
	assert_int_equal(load_bytes(path, &m, m.buf.len, &s, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "4 bytes follow the end of the stream"));
	check_empty(&s);
	unlink(path);
	assert_int_equal(nse_snapshot_load(&s, path, &err), -ENOENT);
	assert_non_null(strstr(err.text, path));
	check_empty(&s);
	assert_int_equal(nse_snapshot_load(&s, dir, &err), -EISDIR);
	rmdir(dir);
	nse_buf_release(&m.buf);
	nse_context_free(ctx);
}

/* Two streams behind one another in a pipe that never blocks the reader. */
static void test_pipe(void **state)
{
	struct nse_context *ctx = filled(false);
	struct nse_snapshot s;
	struct nse_error err = { 0 };
	struct mem m = MEM_INIT;
	int fds[2], was;

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_true(fcntl(fds[1], F_SETPIPE_SZ, 1 << 20) > 0);
	write_to(&m, ctx);
	assert_int_equal(nse_fd_write(&fds[1], m.buf.data, m.buf.len), 0);
	assert_int_equal(nse_fd_write(&fds[1], m.buf.data, m.buf.len), 0);
	close(fds[1]);
	assert_int_equal(nse_snapshot_read_fd(&s, fds[0], &err), 0);
	check_read(&s, ctx);
	nse_snapshot_release(&s);
	was = dup(STDIN_FILENO);
	dup2(fds[0], STDIN_FILENO);
	assert_int_equal(nse_snapshot_load(&s, "-", &err), 0);
	check_read(&s, ctx);
	nse_snapshot_release(&s);
	assert_int_equal(nse_snapshot_load(&s, "-", &err), -EBADMSG);
	assert_string_equal(err.text, "standard input: the stream is empty");
	if (was >= 0)
		dup2(was, STDIN_FILENO);
	close(was);
	close(fds[0]);
	nse_buf_release(&m.buf);
	nse_context_free(ctx);
}

static void put(struct nse_context *ctx, const char *key, const char *body)
{
	struct nse_record rec = { .kind = &test_kinds[0],
				  .key = { (const uint8_t *)key, strlen(key) },
				  .body = { (const uint8_t *)body, strlen(body) } };

	assert_int_equal(nse_context_put(ctx, &rec, NULL), 0);
}

#define OLD ((struct nse_bytes){ (const uint8_t *)"old", 3 })

/* A delta that was kept, and not made by comparing. */
static void test_delta(void **state)
{
	struct nse_stream_header h = test_header(NSE_STREAM_SNAPSHOT);
	struct nse_context *a = filled(false), *b = filled(true);
	struct nse_delta sent = { 0 }, got = { 0 };
	struct nse_error err = { 0 };
	struct mem m = MEM_INIT;

	(void)state;
	put(a, "old", "1");
	put(b, "old", "1");
	assert_int_equal(nse_delta_init(&sent) | nse_delta_init(&got), 0);
	put(sent.puts, "new", "2");
	assert_int_equal(nse_delta_del(&sent, &test_kinds[0], OLD), 0);
	assert_int_equal(nse_delta_send(&sent, a, &h, mem_write, &m, NULL, &err), 0);
	assert_int_equal(nse_delta_receive(&got, b, mem_read, &m, NULL, &err), 0);
	assert_int_equal(nse_context_count(got.puts), 1);
	assert_int_equal(nse_context_count(got.dels), 1);
	assert_int_equal(nse_delta_apply(&sent, a) | nse_delta_apply(&got, b), 0);
	assert_int_equal(nse_context_digest(a, true), nse_context_digest(b, true));
	assert_int_equal(nse_context_find(b, &test_kinds[0], OLD), NSE_CONTEXT_NONE);
	/* It is of no use for what it has made. */
	m.at = 0;
	nse_delta_release(&got);
	assert_int_equal(nse_delta_init(&got), 0);
	assert_int_equal(nse_delta_receive(&got, b, mem_read, &m, NULL, &err), -ESTALE);
	nse_delta_release(&sent);
	nse_delta_release(&got);
	nse_buf_release(&m.buf);
	nse_context_free(a);
	nse_context_free(b);
}

static void test_wrong_kind(void **state)
{
	struct nse_stream_header h = test_header(NSE_STREAM_SNAPSHOT);
	struct nse_context *a = filled(false), *b = nse_context_new();
	struct nse_stream_writer *w;
	struct nse_snapshot s;
	struct nse_error err = { 0 };
	struct mem m = MEM_INIT;

	(void)state;
	assert_int_equal(nse_delta_write(b, a, 0, &h, mem_write, &m, NULL, &err), 0);
	assert_int_equal(h.kind, NSE_STREAM_DELTA);
	assert_int_equal(nse_snapshot_read(&s, mem_read, &m, &err), -EINVAL);
	assert_non_null(strstr(err.text, "is a delta"));
	check_empty(&s);
	/* A snapshot that deletes. */
	nse_buf_reset(&m.buf);
	m.at = 0;
	h.kind = NSE_STREAM_SNAPSHOT;
	assert_int_equal(nse_stream_writer_new(&w, &h, mem_write, &m, 0, &err), 0);
	nse_stream_del(w, &test_kinds[0], (struct nse_bytes){ (const uint8_t *)"k", 1 });
	assert_int_equal(nse_stream_finish(w, NULL, &err), 0);
	nse_stream_writer_free(w);
	assert_int_equal(nse_snapshot_read(&s, mem_read, &m, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "frame 1: a deletion (of conntrack entry)"));
	check_empty(&s);
	nse_buf_release(&m.buf);
	nse_context_free(a);
	nse_context_free(b);
}

static void test_write_error(void **state)
{
	struct nse_stream_header h = test_header(NSE_STREAM_SNAPSHOT);
	struct nse_context *ctx = filled(false);
	struct nse_error err = { 0 };
	struct mem m = MEM_INIT;

	(void)state;
	m.fail_after = 2000;
	assert_int_equal(nse_snapshot_write(ctx, &h, mem_write, &m, NULL, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "No space left"));
	nse_buf_release(&m.buf);
	nse_context_free(ctx);
}

/* A collector starts again: what it put before is void. */
static void test_reset(void **state)
{
	struct nse_stream_header h = test_header(NSE_STREAM_SNAPSHOT);
	struct nse_context *want = nse_context_new();
	struct nse_stream_writer *w;
	struct nse_snapshot s;
	struct nse_error err = { 0 };
	struct mem m = MEM_INIT;
	struct own_record o;
	struct nse_sink sink;

	(void)state;
	assert_int_equal(nse_stream_writer_new(&w, &h, mem_write, &m, 0, &err), 0);
	sink = nse_stream_sink(w);
	for (uint32_t k = 0; k < 100000; k++) {
		make_record(&o, k);
		assert_int_equal(sink.put(sink.arg, &o.r), 0);
		if (strcmp(o.r.kind->engine, "conntrack") || k > 90000)
			nse_context_put(want, &o.r, NULL);
		if (k == 90000)
			assert_int_equal(sink.reset(sink.arg, "conntrack"), 0);
	}
	assert_int_equal(nse_stream_finish(w, NULL, &err), 0);
	nse_stream_writer_free(w);
	assert_int_equal(nse_snapshot_read(&s, mem_read, &m, &err), 0);
	assert_true(nse_context_digest(s.ctx, true) == nse_context_digest(want, true));
	nse_snapshot_release(&s);
	nse_context_free(want);
	nse_buf_release(&m.buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_does_not_matter),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_delta),
		cmocka_unit_test(test_wrong_kind),
		cmocka_unit_test(test_write_error),
		cmocka_unit_test(test_reset),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
