/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fuzzes the context stream: the input is read as a stream, as a snapshot and
 * as a delta against a fixed context. Most damage would end at a checksum, so
 * that after each mutation the stream is sealed anew, as a hostile writer
 * would do. What a snapshot was made of is written and read again and must be
 * the same; a delta that is refused must leave the context as it was.
 *
 * With NSE_FUZZ_SEEDS=DIR in the environment, seeds are written to DIR first.
 * Compiled with -DREPLAY it is a program that runs the files of its arguments.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/context/snapshot.h"
#include "lib/context/stream_format.h"
#include "lib/util/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ssize_t give(void *arg, void *p, size_t n)
{
	struct nse_cur *c = arg;
	const uint8_t *from;

	if (n > nse_cur_left(c))
		n = nse_cur_left(c);
	/* Short reads, at odd places. */
	if (n > 3 && nse_cur_left(c) % 5 == 0)
		n /= 2;
	if (n == 0 || nse_get_bytes(c, n, &from) < 0)
		return 0;
	memcpy(p, from, n);
	return (ssize_t)n;
}

static int keep(void *arg, const void *p, size_t n)
{
	return nse_buf_put(arg, p, n);
}

/* Touches every byte, so that the sanitizer sees what is handed out. */
static void touch(struct nse_bytes b, uint64_t *sum)
{
	for (size_t i = 0; i < b.n; i++)
		*sum += b.p[i];
}

static int see_put(void *arg, const struct nse_record *rec)
{
	touch(rec->key, arg);
	touch(rec->body, arg);
	touch(rec->state, arg);
	return nse_kind_name_ok(rec->kind->engine) && nse_kind_name_ok(rec->kind->type)
		       ? 0
		       : (abort(), -1);
}

static int see_del(void *arg, const struct nse_kind *kind, struct nse_bytes key)
{
	touch(key, arg);
	return nse_kind_name_ok(kind->engine) ? 0 : (abort(), -1);
}

static int see_reset(void *arg, const char *engine)
{
	*(uint64_t *)arg += strlen(engine);
	return 0;
}

/* An error must have a code and a text. */
static void check_error(int rc, const struct nse_error *err)
{
	if (rc < 0 && (err->code != rc || !err->text[0]))
		abort();
}

static int run_reader(const uint8_t *data, size_t size)
{
	struct nse_cur c = nse_cur(data, size);
	struct nse_stream_reader *r;
	struct nse_error err = { 0 };
	uint64_t sum = 0;
	struct nse_stream_events ev = { see_put, see_del, see_reset, &sum };
	int rc = nse_stream_reader_new(&r, give, &c, &err);

	if (rc == 0)
		rc = nse_stream_read(r, &ev, NULL, &err);
	check_error(rc, &err);
	nse_stream_reader_free(r);
	return rc;
}

/* What was understood is written and understood again. */
static void check_again(struct nse_snapshot *s)
{
	struct nse_buf buf = NSE_BUF_INIT(256u << 20);
	struct nse_snapshot back;
	struct nse_error err = { 0 };
	struct nse_cur c;

	if (nse_snapshot_write(s->ctx, &s->header, keep, &buf, NULL, &err) < 0)
		abort();
	c = nse_cur(buf.data, buf.len);
	if (nse_snapshot_read(&back, give, &c, &err) < 0 ||
	    nse_context_digest(back.ctx, true) != nse_context_digest(s->ctx, true))
		abort();
	nse_snapshot_release(&back);
	nse_buf_release(&buf);
}

static void run_snapshot(const uint8_t *data, size_t size)
{
	struct nse_cur c = nse_cur(data, size);
	struct nse_snapshot s;
	struct nse_error err = { 0 };
	int rc = nse_snapshot_read(&s, give, &c, &err);

	check_error(rc, &err);
	if (rc == 0)
		check_again(&s);
	nse_snapshot_release(&s);
}

/* The record with that number of a small made-up context. */
static void put_number(struct nse_context *ctx, uint32_t number, uint8_t body)
{
	static const struct nse_kind kinds[] = { { "conntrack", "entry" },
						 { "expect", "entry" } };
	uint8_t key[4], bytes[9] = { body, 1, 2, 3 };
	struct nse_record r = { &kinds[number % 2],
				{ key, sizeof(key) },
				{ bytes, number % 5 },
				{ bytes, number % 3 } };

	nse_st32(key, number);
	if (nse_context_put(ctx, &r, NULL) < 0)
		abort();
}

static struct nse_context *make_base(void)
{
	struct nse_context *ctx = nse_context_new();

	for (uint32_t i = 0; i < 40; i++)
		put_number(ctx, i, 0);
	return ctx;
}

static void run_delta(const uint8_t *data, size_t size)
{
	struct nse_cur c = nse_cur(data, size);
	struct nse_context *ctx = make_base();
	uint64_t before = nse_context_digest(ctx, true);
	struct nse_error err = { 0 };
	int rc = nse_delta_read(ctx, give, &c, NULL, &err);

	check_error(rc, &err);
	if (rc < 0 && nse_context_digest(ctx, true) != before)
		abort();
	nse_context_free(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	run_reader(data, size);
	run_snapshot(data, size);
	run_delta(data, size);
	return 0;
}

/* Makes numbers, checksums and the end frame of what looks like frames right. */
static void seal(uint8_t *data, size_t size)
{
	uint64_t chain, raw = 0, records = 0;
	size_t at = NSE_STREAM_PROLOGUE;
	uint32_t seq = 0;

	if (size < at)
		return;
	chain = XXH3_64bits(data, at);
	while (size - at >= NSE_FRAME_HEAD) {
		uint8_t *head = data + at, *p = head + NSE_FRAME_HEAD;
		uint32_t stored = nse_ld32(head + 20);
		uint16_t type = nse_ld16(head + 8);

		if (stored > size - at - NSE_FRAME_HEAD)
			return;
		if (type == NSE_FRAME_END && stored == NSE_FRAME_END_SIZE) {
			nse_st64(p, seq);
			nse_st64(p + 8, records);
			nse_st64(p + 16, raw);
			nse_st64(p + 24, chain);
		}
		if (!(nse_ld16(head + 10) & NSE_FRAME_ZSTD)) {
			nse_st32(head + 16, stored);
			/* The count stands behind two names, one and three lengths. */
			if (type == NSE_FRAME_ROWS && stored > 40 && p[0] < 16 &&
			    p[1 + p[0]] < 16)
				records += nse_ld32(p + p[0] + p[1 + p[0]] + 9);
		}
		nse_st32(head + 12, seq++);
		nse_st64(head, XXH3_64bits(head + NSE_FRAME_SUM,
					   NSE_FRAME_HEAD - NSE_FRAME_SUM + stored));
		chain = XXH3_64bits_withSeed(head, NSE_FRAME_SUM, chain);
		raw += nse_ld32(head + 16);
		at += NSE_FRAME_HEAD + stored;
	}
}

#ifndef REPLAY

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Changes anything, or the payload of one frame and nothing else. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	size_t at = NSE_STREAM_PROLOGUE;

	if (seed % 4 == 0 || size < at)
		return LLVMFuzzerMutate(data, size, max);
	for (unsigned int n = seed / 4 % 4; size - at >= NSE_FRAME_HEAD; n--) {
		uint32_t stored = nse_ld32(data + at + 20);
		uint8_t *p = data + at + NSE_FRAME_HEAD;
		size_t behind, now;

		if (stored > size - at - NSE_FRAME_HEAD)
			break;
		if (n) {
			at += NSE_FRAME_HEAD + stored;
			continue;
		}
		behind = size - at - NSE_FRAME_HEAD - stored;
		if (behind) { /* in place: the length stays */
			LLVMFuzzerMutate(p, stored, stored);
			break;
		}
		now = LLVMFuzzerMutate(p, stored, max - at - NSE_FRAME_HEAD);
		nse_st32(data + at + 20, (uint32_t)now);
		size = at + NSE_FRAME_HEAD + now;
		break;
	}
	if (seed % 4 == 1)
		size = LLVMFuzzerMutate(data, size, max);
	seal(data, size);
	return size;
}

static void write_seed(const char *dir, const char *name, const struct nse_buf *b)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);
	if (fd < 0 || nse_fd_write(&fd, b->data, b->len) < 0)
		abort();
	close(fd);
}

/* A context of n numbers, and each tenth with another body. */
static struct nse_context *make_other(uint32_t n)
{
	struct nse_context *ctx = nse_context_new();

	for (uint32_t i = 0; i < n; i++)
		put_number(ctx, i, i % 10 == 0);
	return ctx;
}

static void make_seeds(const char *dir)
{
	static const uint32_t sizes[] = { 0, 1, 30, 60, 3000 };
	struct nse_context *base = make_base();
	struct nse_stream_header h;
	struct nse_error err;

	nse_stream_header_init(&h);
	nse_stream_header_now(&h);
	nse_scope_add_zone(&h.scope, 1, NULL);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct nse_context *ctx = make_other(sizes[i]);
		struct nse_buf b = NSE_BUF_INIT(1u << 20);
		char name[32];

		nse_snapshot_write(ctx, &h, keep, &b, NULL, &err);
		snprintf(name, sizeof(name), "snapshot-%u", sizes[i]);
		write_seed(dir, name, &b);
		nse_buf_reset(&b);
		nse_delta_write(base, ctx, NSE_DIFF_STATE, &h, keep, &b, NULL, &err);
		snprintf(name, sizeof(name), "delta-%u", sizes[i]);
		write_seed(dir, name, &b);
		nse_buf_release(&b);
		nse_context_free(ctx);
	}
	nse_stream_header_release(&h);
	nse_context_free(base);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const char *dir = getenv("NSE_FUZZ_SEEDS");

	(void)argc;
	(void)argv;
	if (dir)
		make_seeds(dir);
	return 0;
}

#else

int main(int argc, char **argv)
{
	struct nse_buf b = NSE_BUF_INIT(256u << 20);

	for (int i = 1; i < argc; i++) {
		int fd = open(argv[i], O_RDONLY | O_CLOEXEC);
		ssize_t n = 1;

		nse_buf_reset(&b);
		while (fd >= 0 && n > 0 && nse_buf_reserve(&b, 65536) == 0) {
			n = nse_fd_read(&fd, b.data + b.len, 65536);
			b.len += n > 0 ? (size_t)n : 0;
		}
		if (fd < 0 || n < 0) {
			perror(argv[i]);
			return 1;
		}
		close(fd);
		LLVMFuzzerTestOneInput(b.data, b.len);
		seal(b.data, b.len);
		LLVMFuzzerTestOneInput(b.data, b.len);
	}
	nse_buf_release(&b);
	return 0;
}

#endif
