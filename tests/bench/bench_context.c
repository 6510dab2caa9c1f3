/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a context of a million records shaped like conntrack entries costs:
 * time to fill, find, sort, compare, digest, write and read it; memory and
 * stream bytes per record. One "name value unit" per line.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "lib/context/context.h"
#include "lib/context/diff.h"
#include "lib/context/snapshot.h"
#include "lib/util/buf.h"
#include "lib/util/clock.h"

#define KEY   13
#define BODY  21
#define STATE 4

static const struct nse_kind kind = { "conntrack", "entry" };

static uint64_t random_state = 88172645463325252ull;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* An IPv4 TCP entry of one guest with a random peer. */
static void make_row(uint8_t *row)
{
	uint64_t r = next_random();

	memset(row, 0, KEY + BODY + STATE);
	row[0] = 6;
	nse_st32(row + 1, 0x0a000005);
	nse_st32(row + 5, (uint32_t)r);
	nse_st16(row + 9, (uint16_t)(r >> 32));
	nse_st16(row + 11, 443);
	nse_st32(row + KEY, 0x0000018e); /* status */
	row[KEY + 4] = 3;		 /* TCP state */
	row[KEY + 5] = row[KEY + 6] = 7; /* window scale */
	row[KEY + 7] = row[KEY + 8] = 0x23;
	nse_st32(row + KEY + BODY, 431000 + (uint32_t)(r >> 48) % 1000); /* timeout */
}

static struct nse_record view(const uint8_t *row)
{
	return (struct nse_record){
		&kind, { row, KEY }, { row + KEY, BODY }, { row + KEY + BODY, STATE }
	};
}

static void say(const char *name, double value, const char *unit)
{
	printf("%-28s %12.3f %s\n", name, value, unit);
	fflush(stdout);
}

static double since(int64_t start)
{
	return (double)(nse_now_us() - start) / 1e6;
}

static struct nse_context *fill(const uint8_t *rows, size_t n)
{
	struct nse_context *ctx = nse_context_new();

	for (size_t i = 0; i < n; i++) {
		struct nse_record rec = view(rows + i * (KEY + BODY + STATE));

		if (!ctx || nse_context_put(ctx, &rec, NULL) < 0) {
			fprintf(stderr, "out of memory\n");
			exit(1);
		}
	}
	return ctx;
}

static int count_bytes(void *arg, const void *p, size_t n)
{
	(void)p;
	*(uint64_t *)arg += n;
	return 0;
}

static int keep_bytes(void *arg, const void *p, size_t n)
{
	return nse_buf_put(arg, p, n);
}

static ssize_t give_bytes(void *arg, void *p, size_t n)
{
	struct nse_cur *c = arg;
	const uint8_t *from;

	if (n > nse_cur_left(c))
		n = nse_cur_left(c);
	if (nse_get_bytes(c, n, &from) < 0)
		return -EIO;
	memcpy(p, from, n);
	return (ssize_t)n;
}

static void bench_stream(const uint8_t *rows, size_t n, unsigned int flags)
{
	struct nse_stream_header h;
	struct nse_stream_writer *w = NULL;
	struct nse_stream_stats stats;
	struct nse_error err = { 0 };
	uint64_t bytes = 0;
	int64_t start;

	nse_stream_header_init(&h);
	nse_stream_header_now(&h);
	start = nse_now_us();
	nse_stream_writer_new(&w, &h, count_bytes, &bytes, flags, &err);
	for (size_t i = 0; w && i < n; i++) {
		struct nse_record rec = view(rows + i * (KEY + BODY + STATE));

		nse_stream_put(w, &rec);
	}
	say(flags ? "stream_put_threaded" : "stream_put", since(start), "s");
	if (!w || nse_stream_finish(w, &stats, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	say(flags ? "stream_whole_threaded" : "stream_whole", since(start), "s");
	say("stream_bytes_per_record", (double)bytes / (double)n, "bytes");
	say("stream_frames", (double)stats.frames, "");
	nse_stream_writer_free(w);
	nse_stream_header_release(&h);
}

static void bench_snapshot(const struct nse_context *ctx, size_t n)
{
	struct nse_buf buf = NSE_BUF_INIT(1u << 30);
	struct nse_snapshot s = { 0 };
	struct nse_stream_header h;
	struct nse_error err = { 0 };
	struct nse_cur c;
	int64_t start = nse_now_us();

	nse_stream_header_init(&h);
	nse_stream_header_now(&h);
	if (nse_snapshot_write(ctx, &h, keep_bytes, &buf, NULL, &err) < 0)
		goto fail;
	say("snapshot_write_sorted", since(start), "s");
	say("snapshot_bytes_per_record", (double)buf.len / (double)n, "bytes");
	start = nse_now_us();
	c = nse_cur(buf.data, buf.len);
	if (nse_snapshot_read(&s, give_bytes, &c, &err) < 0)
		goto fail;
	say("snapshot_read", since(start), "s");
	if (nse_context_digest(s.ctx, true) != nse_context_digest(ctx, true)) {
		nse_error(&err, -EIO, "what was read differs from what was written");
		goto fail;
	}
	nse_snapshot_release(&s);
	nse_stream_header_release(&h);
	nse_buf_release(&buf);
	return;
fail:
	fprintf(stderr, "%s\n", err.text);
	exit(1);
}

static void bench_diff(struct nse_context *a, const uint8_t *rows, size_t n)
{
	struct nse_context *b = fill(rows, n);
	struct nse_diff d;
	struct nse_record rec;
	uint8_t body[BODY];
	int64_t start;

	for (uint32_t s = 0; s < n; s += 100) {
		nse_context_at(b, s, &rec);
		memcpy(body, rec.body.p, BODY);
		body[4] ^= 1;
		rec.body.p = body;
		nse_context_put(b, &rec, NULL);
	}
	start = nse_now_us();
	if (nse_diff(a, b, 0, &d) < 0)
		exit(1);
	say("diff_one_percent", since(start), "s");
	say("diff_changed", (double)d.changed, "records");
	nse_diff_release(&d);
	start = nse_now_us();
	while (nse_context_count(b)) {
		struct nse_record r;

		for (uint32_t s = 0; s < nse_context_slots(b); s++)
			if (nse_context_at(b, s, &r))
				nse_context_del(b, r.kind, r.key);
	}
	say("context_del", since(start), "s");
	nse_context_free(b);
}

int main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000000;
	uint8_t *rows = malloc(n * (KEY + BODY + STATE) + 1);
	struct nse_context *ctx;
	struct rusage usage;
	uint32_t *sorted;
	int64_t start;

	if (!rows)
		return 1;
	for (size_t i = 0; i < n; i++)
		make_row(rows + i * (KEY + BODY + STATE));
	start = nse_now_us();
	ctx = fill(rows, n);
	say("context_put", since(start), "s");
	n = nse_context_count(ctx);
	say("context_put_rate", (double)n / since(start), "records/s");
	say("context_memory", (double)nse_context_memory(ctx) / (double)n,
	    "bytes/record");
	start = nse_now_us();
	sorted = nse_context_sorted(ctx);
	say("context_sort", since(start), "s");
	free(sorted);
	start = nse_now_us();
	printf("digest %016" PRIx64 "\n", nse_context_digest(ctx, true));
	say("context_digest_state", since(start), "s");
	bench_stream(rows, n, 0);
	bench_stream(rows, n, NSE_STREAM_THREAD);
	bench_snapshot(ctx, n);
	bench_diff(ctx, rows, n);
	getrusage(RUSAGE_SELF, &usage);
	say("peak_memory_with_rows", (double)usage.ru_maxrss / 1024, "MiB");
	nse_context_free(ctx);
	free(rows);
	return 0;
}
