/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of streams share: streams of random records in memory, and
 * a consumer that collects what it gets.
 */
#ifndef NSE_TESTS_STREAM_TESTS_H
#define NSE_TESTS_STREAM_TESTS_H

#include "tests/unit/context_tests.h"

/* What a reader delivered, as a context with the last word on every key. */
struct taken {
	struct nse_context *ctx;
	uint64_t puts, dels, resets;
};

static UNUSED int take_put(void *arg, const struct nse_record *rec)
{
	struct taken *t = arg;

	t->puts++;
	return nse_context_put(t->ctx, rec, NULL);
}

static UNUSED int take_del(void *arg, const struct nse_kind *kind, struct nse_bytes key)
{
	struct taken *t = arg;

	t->dels++;
	nse_context_del(t->ctx, kind, key);
	return 0;
}

static UNUSED int take_reset(void *arg, const char *engine)
{
	struct taken *t = arg;

	t->resets++;
	nse_context_del_engine(t->ctx, engine);
	return 0;
}

static UNUSED int read_all(struct mem *m, struct taken *t, struct nse_stream_stats *stats,
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

static UNUSED struct nse_stream_writer *
open_writer(struct mem *m, enum nse_stream_kind kind, unsigned int flags)
{
	struct nse_stream_header h = test_header(kind);
	struct nse_stream_writer *w = NULL;
	struct nse_error err;

	assert_int_equal(nse_stream_writer_new(&w, &h, mem_write, m, flags, &err), 0);
	nse_stream_header_release(&h);
	return w;
}

static UNUSED void close_writer(struct nse_stream_writer *w,
				struct nse_stream_stats *stats)
{
	struct nse_error err = { 0 };

	assert_int_equal(nse_stream_finish(w, stats, &err), 0);
	nse_stream_writer_free(w);
}

/* A stream of n random records in memory. */
static UNUSED void write_random(struct mem *m, uint32_t n, unsigned int flags,
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

#endif
