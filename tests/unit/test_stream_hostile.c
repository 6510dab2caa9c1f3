/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Streams that were made by somebody else: each is sealed with right
 * checksums and wrong in one thing. The reader must name it.
 */
#include "tests/unit/context_tests.h"

#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zstd.h>

#include "lib/context/stream_format.h"

/* A stream under construction, frame by frame. */
struct forge {
	struct mem m;
	uint32_t seq;
	uint64_t raw, records, chain;
};

static const char header_json[] =
	"{\"kind\":\"snapshot\",\"host\":\"h\",\"kernel\":\"k\",\"version\":\"v\","
	"\"taken_us\":1,\"scope\":{\"all\":true},\"later\":[1,2]}";

static void begin(struct forge *f)
{
	uint8_t prologue[NSE_STREAM_PROLOGUE] = NSE_STREAM_MAGIC;

	*f = (struct forge){ .m = MEM_INIT };
	nse_st16(prologue + 8, NSE_STREAM_VERSION);
	nse_buf_put(&f->m.buf, prologue, sizeof(prologue));
	f->chain = XXH3_64bits(prologue, sizeof(prologue));
}

/* Any head with any payload, under a right checksum. */
static void raw_frame(struct forge *f, uint16_t type, uint16_t flags, uint32_t raw,
		      const void *payload, size_t n)
{
	uint8_t head[NSE_FRAME_HEAD], *at;

	nse_st16(head + 8, type);
	nse_st16(head + 10, flags);
	nse_st32(head + 12, f->seq++);
	nse_st32(head + 16, raw);
	nse_st32(head + 20, (uint32_t)n);
	assert_int_equal(nse_buf_put(&f->m.buf, head, sizeof(head)), 0);
	assert_int_equal(nse_buf_put(&f->m.buf, payload, n), 0);
	at = f->m.buf.data + f->m.buf.len - n - NSE_FRAME_HEAD;
	nse_st64(at, XXH3_64bits(at + NSE_FRAME_SUM, NSE_FRAME_HEAD - NSE_FRAME_SUM + n));
	f->chain = XXH3_64bits_withSeed(at, NSE_FRAME_SUM, f->chain);
	f->raw += raw;
}

static void frame(struct forge *f, uint16_t type, const void *payload, size_t n)
{
	raw_frame(f, type, 0, (uint32_t)n, payload, n);
}

static void header(struct forge *f)
{
	frame(f, NSE_FRAME_HEADER, header_json, strlen(header_json));
}

static void end(struct forge *f)
{
	uint8_t p[NSE_FRAME_END_SIZE];

	nse_st64(p, f->seq);
	nse_st64(p + 8, f->records);
	nse_st64(p + 16, f->raw);
	nse_st64(p + 24, f->chain);
	frame(f, NSE_FRAME_END, p, sizeof(p));
}

/* The payload of rows. */
static void rows(struct nse_buf *b, const char *engine, const char *type, uint8_t op,
		 const uint16_t n[3], uint32_t count, size_t bytes)
{
	nse_buf_reset(b);
	nse_buf_put_u8(b, (uint8_t)strlen(engine));
	nse_buf_put(b, engine, strlen(engine));
	nse_buf_put_u8(b, (uint8_t)strlen(type));
	nse_buf_put(b, type, strlen(type));
	nse_buf_put_u8(b, op);
	for (int i = 0; i < 3; i++)
		nse_buf_put_u16(b, n[i]);
	nse_buf_put_u32(b, count);
	for (size_t i = 0; i < bytes; i++)
		nse_buf_put_u8(b, (uint8_t)i);
}

static int take_reset(void *arg, const char *engine)
{
	(void)arg;
	(void)engine;
	return 0;
}

static int take_put(void *arg, const struct nse_record *rec)
{
	(void)rec;
	++*(uint64_t *)arg;
	return 0;
}

static int take_del(void *arg, const struct nse_kind *kind, struct nse_bytes key)
{
	(void)kind;
	(void)key;
	++*(uint64_t *)arg;
	return 0;
}

/* Reads and releases; the code must be rc and the text hold the words. */
static void expect(struct forge *f, int rc, const char *words)
{
	uint64_t taken = 0;
	struct nse_stream_events ev = { take_put, take_del, take_reset, &taken };
	struct nse_stream_reader *r;
	struct nse_error err = { 0 };
	int got = nse_stream_reader_new(&r, mem_read, &f->m, &err);

	if (got == 0)
		got = nse_stream_read(r, &ev, NULL, &err);
	if (got != rc || (words && !strstr(err.text, words)))
		print_error("want %d '%s', got %d '%s'\n", rc, words ? words : "", got,
			    err.text);
	assert_int_equal(got, rc);
	if (words)
		assert_non_null(strstr(err.text, words));
	if (rc == 0)
		assert_int_equal(taken, f->records);
	nse_stream_reader_free(r);
	nse_buf_release(&f->m.buf);
}

static void test_forge_is_right(void **state)
{
	struct nse_buf b = NSE_BUF_INIT(1 << 20);
	struct forge f;

	(void)state;
	begin(&f);
	header(&f);
	rows(&b, "conntrack", "entry", NSE_ROWS_PUT, (uint16_t[3]){ 2, 1, 0 }, 3, 9);
	frame(&f, NSE_FRAME_ROWS, b.data, b.len);
	rows(&b, "conntrack", "entry", NSE_ROWS_DEL, (uint16_t[3]){ 2, 0, 0 }, 2, 4);
	frame(&f, NSE_FRAME_ROWS, b.data, b.len);
	frame(&f, NSE_FRAME_RESET, "\6expect", 7);
	f.records = 5;
	end(&f);
	expect(&f, 0, NULL);
	nse_buf_release(&b);
}

static void test_prologue(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		int rc;
		const char *words;
	} cases[] = {
		{ 0, 'x', -EBADMSG, "offset 0: not a context stream" },
		{ 4, '\n', -EBADMSG, "not a context stream" },
		{ 9, 2, -EPROTONOSUPPORT,
		  "made by a newer nsemig: stream version 2, this one reads 1" },
		{ 9, 0, -EBADMSG, "no stream version 0" },
		{ 11, 1, -EPROTONOSUPPORT, "flags 0x0001" },
		{ 15, 1, -EBADMSG, "offset 12" },
	};
	struct forge f;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(&f);
		header(&f);
		end(&f);
		f.m.buf.data[cases[i].at] = cases[i].value;
		expect(&f, cases[i].rc, cases[i].words);
	}
	begin(&f);
	nse_buf_reset(&f.m.buf);
	expect(&f, -EBADMSG, "the stream is empty");
	begin(&f);
	nse_buf_reset(&f.m.buf);
	nse_buf_put(&f.m.buf, "PK", 2);
	expect(&f, -EBADMSG, "not a context stream");
}

static void test_unknown_frames(void **state)
{
	struct forge f;

	(void)state;
	begin(&f);
	header(&f);
	raw_frame(&f, 0x8000 | 77, 0x8000, 3, "abc", 3);
	raw_frame(&f, 0x8000 | NSE_FRAME_ROWS, NSE_FRAME_ZSTD, 300, "not zstd", 8);
	raw_frame(&f, 0x8000, 0, 0, "", 0);
	end(&f);
	expect(&f, 0, NULL);
	begin(&f);
	header(&f);
	frame(&f, 77, "abc", 3);
	end(&f);
	expect(&f, -EPROTONOSUPPORT, "frame 1: made by a newer nsemig: type 0x004d");
	begin(&f);
	header(&f);
	raw_frame(&f, NSE_FRAME_RESET, 0x0002, 7, "\6expect", 7);
	end(&f);
	expect(&f, -EPROTONOSUPPORT, "flags 0x0002 are unknown");
	begin(&f);
	raw_frame(&f, 0x8000 | 1, 0, 3, "abc", 3);
	header(&f);
	end(&f);
	expect(&f, -EBADMSG, "the first frame is not a header");
}

static void test_order_of_frames(void **state)
{
	struct forge f;

	(void)state;
	begin(&f);
	end(&f);
	expect(&f, -EBADMSG, "offset 16: frame 0: the first frame is not a header");
	begin(&f);
	header(&f);
	header(&f);
	end(&f);
	expect(&f, -EBADMSG, "frame 1: a second header");
	begin(&f);
	header(&f);
	f.seq = 2;
	frame(&f, NSE_FRAME_RESET, "\6expect", 7);
	expect(&f, -EBADMSG, "sequence number 2 (a frame is missing or out of order)");
	begin(&f);
	header(&f);
	f.seq = 0;
	frame(&f, NSE_FRAME_RESET, "\6expect", 7);
	expect(&f, -EBADMSG, "sequence number 0");
}

static void test_limits(void **state)
{
	struct nse_buf b = NSE_BUF_INIT(8 << 20);
	struct forge f;

	(void)state;
	begin(&f);
	header(&f);
	raw_frame(&f, NSE_FRAME_ROWS, NSE_FRAME_ZSTD, NSE_STREAM_MAX_FRAME + 1, "x", 1);
	expect(&f, -EMSGSIZE, "4194305 bytes are above the limit of 4194304 for a frame");
	begin(&f);
	header(&f);
	raw_frame(&f, NSE_FRAME_ROWS, NSE_FRAME_ZSTD, UINT32_MAX, "x", 1);
	expect(&f, -EMSGSIZE, "above the limit");
	begin(&f);
	header(&f);
	raw_frame(&f, NSE_FRAME_ROWS, 0, 5, "abc", 3);
	expect(&f, -EBADMSG, "lengths 5 and 3 contradict");
	begin(&f);
	header(&f);
	raw_frame(&f, NSE_FRAME_ROWS, NSE_FRAME_ZSTD, 3, "abc", 3);
	expect(&f, -EBADMSG, "lengths 3 and 3 contradict");
	/* Optional frames, so that nothing is decompressed, each a bomb. */
	begin(&f);
	header(&f);
	raw_frame(&f, 0x8001, NSE_FRAME_ZSTD, NSE_STREAM_MAX_FRAME, "x", 1);
	raw_frame(&f, 0x8001, NSE_FRAME_ZSTD, NSE_STREAM_MAX_FRAME, "x", 1);
	end(&f);
	expect(&f, -EMSGSIZE, "frame 2: expands beyond the limit of 4096 times");
	/* A header above its own limit, below that of a frame. */
	begin(&f);
	nse_buf_put_u8(&b, '{');
	for (unsigned int i = 0; i < NSE_STREAM_MAX_HEADER; i++)
		nse_buf_put_u8(&b, ' ');
	nse_buf_put_u8(&b, '}');
	frame(&f, NSE_FRAME_HEADER, b.data, b.len);
	expect(&f, -EMSGSIZE, "header: 1048578 bytes are above the limit of 1048576");
	nse_buf_release(&b);
}

static void test_zstd(void **state)
{
	uint8_t z[400], zeros[256] = { 0 };
	size_t n = ZSTD_compress(z, sizeof(z), zeros, sizeof(zeros), 3);
	static const uint8_t skippable[] = { 0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 'x' };
	struct forge f;

	(void)state;
	/* The length that is announced is not the one that comes out. */
	for (uint32_t raw = 255; raw <= 257; raw += 2) {
		begin(&f);
		header(&f);
		raw_frame(&f, NSE_FRAME_ROWS, NSE_FRAME_ZSTD, raw, z, n);
		expect(&f, -EBADMSG, "not one zstd frame of 25");
	}
	begin(&f);
	header(&f);
	memcpy(z + n, skippable, sizeof(skippable));
	raw_frame(&f, NSE_FRAME_ROWS, NSE_FRAME_ZSTD, 256, z, n + sizeof(skippable));
	expect(&f, -EBADMSG, "not one zstd frame of 256 bytes");
	begin(&f);
	header(&f);
	raw_frame(&f, NSE_FRAME_ROWS, NSE_FRAME_ZSTD, 256, "garbage", 7);
	expect(&f, -EBADMSG, "not one zstd frame");
	begin(&f);
	header(&f);
	z[n - 1] ^= 0xff; /* inside the frame: its last block */
	z[n - 3] ^= 0x06;
	raw_frame(&f, NSE_FRAME_ROWS, NSE_FRAME_ZSTD, 256, z, n);
	expect(&f, -EBADMSG, "zstd frame");
}

/* One frame of rows, alone. */
static void expect_rows(struct nse_buf *b, int rc, const char *words)
{
	struct forge f;

	begin(&f);
	header(&f);
	frame(&f, NSE_FRAME_ROWS, b->data, b->len);
	end(&f);
	expect(&f, rc, words);
}

static void test_rows(void **state)
{
	struct nse_buf b = NSE_BUF_INIT(1 << 20);
	const uint16_t n[3] = { 2, 1, 1 }, none[3] = { 0, 0, 0 },
		       max[3] = { 65535, 1, 0 };
	static const char *const names[] = { "", "Bad", "a b", "sixteen-bytes-xx",
					     "a\x1b[31m" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		rows(&b, names[i], "entry", 0, n, 1, 4);
		expect_rows(&b, -EBADMSG, "no valid name");
		rows(&b, "conntrack", names[i], 0, n, 1, 4);
		expect_rows(&b, -EBADMSG, "no valid name");
	}
	rows(&b, "conntrack", "entry", 2, n, 1, 4);
	expect_rows(&b, -EBADMSG, "operation 2 is unknown");
	rows(&b, "conntrack", "entry", NSE_ROWS_DEL, n, 1, 4);
	expect_rows(&b, -EBADMSG, "deletions with more than a key");
	rows(&b, "conntrack", "entry", 0, n, 0, 0);
	expect_rows(&b, -EMSGSIZE, "0 rows");
	rows(&b, "conntrack", "entry", 0, n, NSE_ROWS_MAX + 1, 400000);
	expect_rows(&b, -EMSGSIZE, "1 to 65536 are allowed");
	rows(&b, "conntrack", "entry", 0, none, 2, 0);
	expect_rows(&b, -EMSGSIZE, "keys of 0 bytes: 1 to 1 are allowed");
	rows(&b, "conntrack", "entry", 0, n, 2, 7);
	expect_rows(&b, -EBADMSG, "2 rows of 4 bytes, but 7 bytes are there");
	rows(&b, "conntrack", "entry", 0, n, 2, 9);
	expect_rows(&b, -EBADMSG, "but 9 bytes are there");
	rows(&b, "conntrack", "entry", 0, max, 65536, 0); /* 2^32 bytes */
	expect_rows(&b, -EBADMSG, "but 0 bytes are there");
	rows(&b, "conntrack", "entry", 0, n, 1, 4);
	for (size_t whole = b.len; b.len > 1;) {
		b.len--;
		expect_rows(&b, -EBADMSG, NULL);
		assert_true(b.len < whole);
	}
	nse_buf_release(&b);
}

static void test_reset(void **state)
{
	static const char *const bad[] = { "", "\5expect", "\7expect", "\1A",
					   "\6exp\0ct" };
	struct forge f;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin(&f);
		header(&f);
		frame(&f, NSE_FRAME_RESET, bad[i], i == 4 ? 7 : strlen(bad[i]));
		end(&f);
		expect(&f, -EBADMSG, "no valid name of an engine");
	}
}

static void test_end(void **state)
{
	static const char *const words[] = { "counts 2 frames, but 1 were read",
					     "counts 1 records, but 0 were read",
					     " bytes, but ", "whole stream differs" };
	struct forge f;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		begin(&f);
		header(&f);
		if (i == 0)
			f.seq++;
		f.records += i == 1;
		f.raw += i == 2;
		f.chain += i == 3;
		end(&f);
		if (i == 0) {
			/* Only the count is wrong, the number of the frame is right. */
			uint8_t *at = f.m.buf.data + f.m.buf.len - NSE_FRAME_END_SIZE -
				      NSE_FRAME_HEAD;

			nse_st32(at + 12, 1);
			nse_st64(at, XXH3_64bits(at + NSE_FRAME_SUM,
						 NSE_FRAME_HEAD - NSE_FRAME_SUM +
							 NSE_FRAME_END_SIZE));
		}
		expect(&f, -EBADMSG, words[i]);
	}
	begin(&f);
	header(&f);
	frame(&f, NSE_FRAME_END, "short", 5);
	expect(&f, -EBADMSG, "an end frame of 5 bytes");
}

#define FRONT(kind)                                                                      \
	"{\"kind\":\"" kind "\",\"host\":\"h\",\"kernel\":\"k\",\"version\":\"v\","

static void test_bad_header(void **state)
{
	static const struct {
		const char *json;
		int rc;
		const char *words;
	} cases[] = {
		{ "", -EBADMSG, "not JSON" },
		{ "[]", -EBADMSG, "not a JSON object" },
		{ "{} x", -EBADMSG, "not JSON" },
		{ "{\"kind\":NaN}", -EBADMSG, "not JSON" },
		{ "{\"kind\":\"\xff\"}", -EBADMSG, "not JSON" },
		{ "{\"kind\":\"snapshot\",\"kind\":\"delta\"}", -EBADMSG, "not JSON" },
		{ "{}", -EBADMSG, "\"kind\" is not a string" },
		{ "{\"kind\":\"journal\"}", -EPROTONOSUPPORT, "kind 'journal'" },
		{ "{\"kind\":\"snapshot\",\"host\":\"a\\u001b[m\"}", -EBADMSG,
		  "\"host\" has a control character" },
		{ FRONT("snapshot") "\"taken_us\":1.5,\"scope\":{}}", -EBADMSG,
		  "taken_us" },
		{ FRONT("snapshot") "\"taken_us\":-1,\"scope\":{}}", -EBADMSG,
		  "taken_us" },
		{ FRONT("snapshot") "\"taken_us\":1}", -EBADMSG, "scope" },
		{ FRONT("snapshot") "\"taken_us\":1,\"scope\":{\"zones\":[70000]}}",
		  -EBADMSG, "zone" },
		{ FRONT("delta") "\"taken_us\":1,\"base\":\"0\",\"scope\":{}}", -EBADMSG,
		  "\"base\" is not 16 hexadecimal digits" },
		{ FRONT("delta") "\"taken_us\":1,\"base\":\"0123456789abcdeF\","
				 "\"scope\":{}}",
		  -EBADMSG, "\"base\"" },
		{ FRONT("delta") "\"taken_us\":1,\"base\":\"0123456789abcdef\","
				 "\"scope\":{}}",
		  -EBADMSG, "\"result\"" },
	};
	struct forge f;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(&f);
		frame(&f, NSE_FRAME_HEADER, cases[i].json, strlen(cases[i].json));
		end(&f);
		expect(&f, cases[i].rc, cases[i].words);
	}
}

/* Nesting must not eat the stack. */
static void test_deep_header(void **state)
{
	struct nse_buf b = NSE_BUF_INIT(1 << 20);
	struct forge f;

	(void)state;
	for (int i = 0; i < 900000; i++)
		nse_buf_put_u8(&b, '[');
	begin(&f);
	frame(&f, NSE_FRAME_HEADER, b.data, b.len);
	expect(&f, -EBADMSG, "not JSON");
	nse_buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forge_is_right),
		cmocka_unit_test(test_prologue),
		cmocka_unit_test(test_unknown_frames),
		cmocka_unit_test(test_order_of_frames),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_zstd),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_bad_header),
		cmocka_unit_test(test_deep_header),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
