/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Contexts and deltas as whole streams. What is read lies in a structure of
 * its own until the stream's end has proved it whole.
 */
#include "lib/context/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"

/* From so many records on a thread is worth its start. */
#define THREAD_FROM 50000

void nse_snapshot_release(struct nse_snapshot *s)
{
	if (!s)
		return;
	nse_stream_header_release(&s->header);
	nse_context_free(s->ctx);
	s->ctx = NULL;
}

ssize_t nse_fd_read(void *fd, void *p, size_t n)
{
	for (;;) {
		ssize_t k = read(*(int *)fd, p, n);
		int rc;

		if (k >= 0)
			return k;
		if (errno != EAGAIN)
			return -errno;
		rc = nse_wait_readable(*(int *)fd, NSE_FOREVER);
		if (rc < 0)
			return rc;
	}
}

int nse_fd_write(void *fd, const void *p, size_t n)
{
	return nse_write_full(*(int *)fd, p, n, NSE_FOREVER);
}

/* Where records go, and where an error's text does. */
struct taker {
	void *to;
	struct nse_error *err;
};

static int too_many(const struct taker *t, int rc)
{
	if (rc == -E2BIG)
		nse_error(t->err, rc, "more kinds or records than a context holds");
	return rc;
}

static int take_put(void *arg, const struct nse_record *rec)
{
	struct taker *t = arg;

	return too_many(t, nse_context_put(t->to, rec, NULL));
}

static int take_del(void *arg, const struct nse_kind *kind, struct nse_bytes key)
{
	struct taker *t = arg;

	(void)key;
	return nse_error(t->err, -EBADMSG, "a deletion (of %s %s) in a snapshot",
			 kind->engine, kind->type);
}

static int take_reset(void *arg, const char *engine)
{
	struct taker *t = arg;

	nse_context_del_engine(t->to, engine);
	return 0;
}

int nse_snapshot_read(struct nse_snapshot *s, nse_read_fn *read, void *arg,
		      struct nse_error *err)
{
	NSE_CLEANUP(nse_stream_reader_freep) struct nse_stream_reader *r = NULL;
	NSE_CLEANUP(nse_context_freep) struct nse_context *ctx = NULL;
	struct taker t = { .err = err };
	struct nse_stream_events ev = { take_put, take_del, take_reset, &t };
	const struct nse_stream_header *h;
	int rc;

	memset(s, 0, sizeof(*s));
	nse_stream_header_init(&s->header);
	rc = nse_stream_reader_new(&r, read, arg, err);
	if (rc < 0)
		return rc;
	h = nse_stream_reader_header(r);
	if (h->kind != NSE_STREAM_SNAPSHOT)
		return nse_error(err, -EINVAL,
				 "the stream is a delta; a snapshot is needed here");
	t.to = ctx = nse_context_new();
	if (!ctx)
		return nse_error(err, -ENOMEM, "out of memory");
	rc = nse_stream_read(r, &ev, NULL, err);
	if (rc < 0)
		return rc;
	s->header = *h;
	nse_scope_init(&s->header.scope);
	if (nse_scope_copy(&s->header.scope, &h->scope) < 0) {
		nse_stream_header_init(&s->header);
		return nse_error(err, -ENOMEM, "out of memory");
	}
	s->ctx = nse_take(ctx);
	return 0;
}

int nse_snapshot_read_fd(struct nse_snapshot *s, int fd, struct nse_error *err)
{
	return nse_snapshot_read(s, nse_fd_read, &fd, err);
}

/* A file ends where its stream ends; what is more was not written by us. */
static int check_tail(int fd, struct nse_error *err)
{
	struct stat st;
	off_t at = lseek(fd, 0, SEEK_CUR);

	if (at < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= at)
		return 0;
	return nse_error(err, -EBADMSG,
			 "offset %jd: %jd bytes follow the end of the stream",
			 (intmax_t)at, (intmax_t)(st.st_size - at));
}

int nse_snapshot_load(struct nse_snapshot *s, const char *path, struct nse_error *err)
{
	NSE_CLOSE int fd = -1;
	int rc;

	memset(s, 0, sizeof(*s));
	nse_stream_header_init(&s->header);
	if (strcmp(path, "-") == 0) {
		rc = nse_snapshot_read_fd(s, STDIN_FILENO, err);
		if (rc < 0)
			nse_error_prefix(err, "standard input");
		return rc;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return nse_errno(err, -errno, "cannot open %s", path);
	rc = nse_snapshot_read_fd(s, fd, err);
	if (rc == 0)
		rc = check_tail(fd, err);
	if (rc < 0) {
		nse_snapshot_release(s);
		nse_error_prefix(err, "%s", path);
	}
	return rc;
}

int nse_snapshot_write(const struct nse_context *ctx, struct nse_stream_header *h,
		       nse_write_fn *write, void *arg, struct nse_stream_stats *stats,
		       struct nse_error *err)
{
	NSE_CLEANUP(nse_stream_writer_freep) struct nse_stream_writer *w = NULL;
	NSE_FREE uint32_t *slots = nse_context_sorted(ctx);
	size_t n = nse_context_count(ctx);
	struct nse_record rec;
	int rc;

	if (!slots)
		return nse_error(err, -ENOMEM, "out of memory");
	h->kind = NSE_STREAM_SNAPSHOT;
	rc = nse_stream_writer_new(&w, h, write, arg,
				   n < THREAD_FROM ? 0 : NSE_STREAM_THREAD, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < n; i++) {
		nse_context_at(ctx, slots[i], &rec);
		rc = nse_stream_put(w, &rec);
		if (stats)
			__atomic_store_n(&stats->records, i + 1, __ATOMIC_RELAXED);
	}
	return nse_stream_finish(w, stats, err);
}

static int write_item(struct nse_stream_writer *w, const struct nse_context *a,
		      const struct nse_context *b, const struct nse_diff_item *it)
{
	struct nse_record rec;

	if (it->change == NSE_REMOVED) {
		nse_context_at(a, it->a, &rec);
		return nse_stream_del(w, rec.kind, rec.key);
	}
	nse_context_at(b, it->b, &rec);
	return nse_stream_put(w, &rec);
}

int nse_delta_write(const struct nse_context *a, const struct nse_context *b,
		    unsigned int flags, struct nse_stream_header *h, nse_write_fn *write,
		    void *arg, struct nse_stream_stats *stats, struct nse_error *err)
{
	NSE_CLEANUP(nse_stream_writer_freep) struct nse_stream_writer *w = NULL;
	NSE_CLEANUP(nse_diff_release) struct nse_diff d;
	int rc = nse_diff(a, b, flags, &d);

	if (rc < 0)
		return nse_errno(err, rc, "cannot compare the contexts");
	h->kind = NSE_STREAM_DELTA;
	h->base_digest = nse_context_digest(a, false);
	h->result_digest = nse_context_digest(b, false);
	rc = nse_stream_writer_new(&w, h, write, arg,
				   d.n < THREAD_FROM ? 0 : NSE_STREAM_THREAD, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < d.n; i++)
		rc = write_item(w, a, b, &d.items[i]);
	return nse_stream_finish(w, stats, err);
}

static int write_dels(struct nse_stream_writer *w, const struct nse_context *dels)
{
	struct nse_record rec;
	int rc = 0;

	for (uint32_t s = 0; rc == 0 && s < nse_context_slots(dels); s++)
		if (nse_context_at(dels, s, &rec))
			rc = nse_stream_del(w, rec.kind, rec.key);
	return rc;
}

int nse_delta_send(const struct nse_delta *d, const struct nse_context *base,
		   struct nse_stream_header *h, nse_write_fn *write, void *arg,
		   struct nse_stream_stats *stats, struct nse_error *err)
{
	NSE_CLEANUP(nse_stream_writer_freep) struct nse_stream_writer *w = NULL;
	size_t n = nse_context_count(d->puts) + nse_context_count(d->dels);
	struct nse_record rec;
	int rc;

	h->kind = NSE_STREAM_DELTA;
	h->base_digest = nse_context_digest(base, false);
	h->result_digest = nse_delta_result(d, base);
	rc = nse_stream_writer_new(&w, h, write, arg,
				   n < THREAD_FROM ? 0 : NSE_STREAM_THREAD, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; rc == 0 && i < d->nresets; i++)
		rc = nse_stream_reset(w, d->resets[i]);
	rc = rc ?: write_dels(w, d->dels);
	for (uint32_t s = 0; rc == 0 && s < nse_context_slots(d->puts); s++)
		if (nse_context_at(d->puts, s, &rec))
			rc = nse_stream_put(w, &rec);
	return nse_stream_finish(w, stats, err);
}

static int delta_put(void *arg, const struct nse_record *rec)
{
	struct taker *t = arg;

	return too_many(t, nse_delta_put(t->to, rec));
}

static int delta_del(void *arg, const struct nse_kind *kind, struct nse_bytes key)
{
	struct taker *t = arg;

	return too_many(t, nse_delta_del(t->to, kind, key));
}

static int delta_reset(void *arg, const char *engine)
{
	struct taker *t = arg;

	return too_many(t, nse_delta_reset(t->to, engine));
}

static int check_base(const struct nse_context *ctx, const struct nse_stream_header *h,
		      struct nse_error *err)
{
	uint64_t have = nse_context_digest(ctx, false);

	if (h->kind != NSE_STREAM_DELTA)
		return nse_error(err, -EINVAL,
				 "the stream is a snapshot; a delta is needed here");
	if (h->base_digest != have)
		return nse_error(err, -ESTALE,
				 "the delta was made against another context: its base "
				 "is %016" PRIx64 ", this one is %016" PRIx64,
				 h->base_digest, have);
	return 0;
}

int nse_delta_receive(struct nse_delta *d, const struct nse_context *ctx,
		      nse_read_fn *read, void *arg, struct nse_stream_stats *stats,
		      struct nse_error *err)
{
	NSE_CLEANUP(nse_stream_reader_freep) struct nse_stream_reader *r = NULL;
	struct taker t = { d, err };
	struct nse_stream_events ev = { delta_put, delta_del, delta_reset, &t };
	const struct nse_stream_header *h;
	uint64_t result;
	int rc = nse_stream_reader_new(&r, read, arg, err);

	if (rc < 0)
		return rc;
	h = nse_stream_reader_header(r);
	rc = check_base(ctx, h, err);
	if (rc == 0)
		rc = nse_stream_read(r, &ev, stats, err);
	if (rc < 0)
		return rc;
	result = nse_delta_result(d, ctx);
	if (result == h->result_digest)
		return 0;
	return nse_error(err, -ESTALE,
			 "the delta would make %016" PRIx64 " of this context and not "
			 "%016" PRIx64 " as it announces",
			 result, h->result_digest);
}

int nse_delta_read(struct nse_context *ctx, nse_read_fn *read, void *arg,
		   struct nse_stream_stats *stats, struct nse_error *err)
{
	NSE_CLEANUP(nse_delta_release) struct nse_delta d = { 0 };
	int rc;

	if (nse_delta_init(&d) < 0)
		return nse_error(err, -ENOMEM, "out of memory");
	rc = nse_delta_receive(&d, ctx, read, arg, stats, err);
	if (rc < 0)
		return rc;
	rc = nse_delta_apply(&d, ctx);
	return rc < 0 ? nse_errno(err, rc, "cannot apply the delta") : 0;
}
