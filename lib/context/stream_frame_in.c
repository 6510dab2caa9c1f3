/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading frames of a stream that nobody vouches for: lengths are compared
 * with limits before anything is allocated, the checksum is proved before
 * anything else of the frame is believed, and every error names its offset.
 */
#include "lib/context/stream_frame.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

int nse_frame_in_error(const struct nse_frame_in *f, struct nse_error *err, int code,
		       const char *fmt, ...)
{
	char text[NSE_ERROR_MAX / 2];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return nse_error(err, code, "offset %" PRIu64 ": frame %" PRIu32 ": %s", f->at,
			 f->number, text);
}

/* Reads n bytes, or as many as there are: *got. */
static int take(struct nse_frame_in *f, void *p, size_t n, size_t *got,
		struct nse_error *err)
{
	*got = 0;
	while (*got < n) {
		ssize_t k = f->read(f->arg, (uint8_t *)p + *got, n - *got);

		if (k == 0)
			return 0;
		if (k < 0 || (size_t)k > n - *got)
			return nse_errno(err, k < 0 ? (int)k : -EIO,
					 "cannot read the stream at offset %" PRIu64,
					 f->offset);
		*got += (size_t)k;
		f->offset += (uint64_t)k;
	}
	return 0;
}

static int check_prologue(const uint8_t *p, size_t got, struct nse_error *err)
{
	unsigned int version = nse_ld16(p + 8);
	size_t magic = sizeof(NSE_STREAM_MAGIC) - 1;

	if (got == 0)
		return nse_error(err, -EBADMSG, "the stream is empty");
	if (memcmp(p, NSE_STREAM_MAGIC, got < magic ? got : magic) != 0)
		return nse_error(err, -EBADMSG, "offset 0: not a context stream");
	if (got < NSE_STREAM_PROLOGUE)
		return nse_error(err, -EBADMSG,
				 "the stream ends in its prologue at offset %zu "
				 "(truncated)",
				 got);
	if (version > NSE_STREAM_VERSION)
		return nse_error(err, -EPROTONOSUPPORT,
				 "offset 8: made by a newer nsemig: stream version %u, "
				 "this one reads %d",
				 version, NSE_STREAM_VERSION);
	if (version != NSE_STREAM_VERSION)
		return nse_error(err, -EBADMSG, "offset 8: no stream version %u exists",
				 version);
	if (nse_ld16(p + 10))
		return nse_error(err, -EPROTONOSUPPORT,
				 "offset 10: made by a newer nsemig: stream flags 0x%04x "
				 "are unknown",
				 nse_ld16(p + 10));
	if (nse_ld32(p + 12))
		return nse_error(err, -EBADMSG,
				 "offset 12: reserved bytes are not zero (corrupted)");
	return 0;
}

int nse_frame_in_open(struct nse_frame_in *f, nse_read_fn *read, void *arg,
		      struct nse_error *err)
{
	uint8_t prologue[NSE_STREAM_PROLOGUE] = { 0 };
	size_t got;
	int rc;

	*f = (struct nse_frame_in){ .read = read, .arg = arg };
	f->stored.max = NSE_FRAME_HEAD + NSE_STREAM_MAX_FRAME;
	f->raw.max = NSE_STREAM_MAX_FRAME;
	f->zstd = ZSTD_createDCtx();
	if (!f->zstd || nse_buf_reserve(&f->stored, NSE_FRAME_HEAD) < 0)
		return nse_error(err, -ENOMEM, "out of memory");
	rc = take(f, prologue, sizeof(prologue), &got, err);
	if (rc < 0)
		return rc;
	f->chain = XXH3_64bits(prologue, sizeof(prologue));
	return check_prologue(prologue, got, err);
}

void nse_frame_in_release(struct nse_frame_in *f)
{
	ZSTD_freeDCtx(f->zstd);
	f->zstd = NULL;
	nse_buf_release(&f->stored);
	nse_buf_release(&f->raw);
}

/* The lengths in a frame's head, before they are used. */
static int check_lengths(const struct nse_frame_in *f, uint16_t flags, uint32_t raw,
			 uint32_t stored, struct nse_error *err)
{
	uint64_t end = f->at + NSE_FRAME_HEAD + stored;

	if (raw > NSE_STREAM_MAX_FRAME || stored > NSE_STREAM_MAX_FRAME)
		return nse_frame_in_error(f, err, -EMSGSIZE,
					  "%" PRIu32
					  " bytes are above the limit of %u for a frame",
					  raw > stored ? raw : stored,
					  NSE_STREAM_MAX_FRAME);
	if ((flags & NSE_FRAME_ZSTD) ? stored >= raw : stored != raw)
		return nse_frame_in_error(f, err, -EBADMSG,
					  "lengths %" PRIu32 " and %" PRIu32
					  " contradict the flags (corrupted)",
					  raw, stored);
	if (f->raw_total + raw > NSE_STREAM_MAX_TOTAL)
		return nse_frame_in_error(f, err, -EMSGSIZE,
					  "the stream is above the limit of %llu bytes",
					  NSE_STREAM_MAX_TOTAL);
	if (f->raw_total + raw > NSE_STREAM_MAX_EXPANSION * end + NSE_STREAM_MAX_FRAME)
		return nse_frame_in_error(f, err, -EMSGSIZE,
					  "expands beyond the limit of %u times",
					  NSE_STREAM_MAX_EXPANSION);
	if (f->seq == UINT32_MAX)
		return nse_frame_in_error(f, err, -EMSGSIZE,
					  "above the limit of %u frames", UINT32_MAX);
	return 0;
}

/* Reads one frame, head and stored payload, into f->stored. */
static int fetch(struct nse_frame_in *f, struct nse_error *err)
{
	uint32_t raw, stored;
	size_t got;
	int rc;

	f->at = f->offset;
	f->number = f->seq;
	rc = take(f, f->stored.data, NSE_FRAME_HEAD, &got, err);
	if (rc < 0)
		return rc;
	if (got == 0)
		return nse_error(
			err, -EBADMSG,
			"the stream ends without its end frame at offset %" PRIu64
			" (truncated)",
			f->offset);
	if (got < NSE_FRAME_HEAD)
		goto truncated;
	raw = nse_ld32(f->stored.data + 16);
	stored = nse_ld32(f->stored.data + 20);
	rc = check_lengths(f, nse_ld16(f->stored.data + 10), raw, stored, err);
	if (rc < 0)
		return rc;
	f->stored.len = NSE_FRAME_HEAD;
	if (nse_buf_reserve(&f->stored, stored) < 0)
		return nse_error(err, -ENOMEM, "out of memory");
	rc = take(f, f->stored.data + NSE_FRAME_HEAD, stored, &got, err);
	if (rc < 0)
		return rc;
	f->stored.len += got;
	if (got == stored)
		return 0;
truncated:
	return nse_error(err, -EBADMSG,
			 "the stream ends in the middle of frame %" PRIu32
			 " at offset %" PRIu64 " (truncated)",
			 f->seq, f->offset);
}

/* Checksum, order, type and flags. *known: is it one of ours? */
static int prove(struct nse_frame_in *f, bool *known, struct nse_error *err)
{
	const uint8_t *head = f->stored.data;
	uint16_t type = nse_ld16(head + 8), flags = nse_ld16(head + 10);
	uint64_t sum = XXH3_64bits(head + NSE_FRAME_SUM, f->stored.len - NSE_FRAME_SUM);

	if (sum != nse_ld64(head))
		return nse_frame_in_error(f, err, -EBADMSG,
					  "checksum differs (corrupted)");
	if (nse_ld32(head + 12) != f->seq)
		return nse_frame_in_error(f, err, -EBADMSG,
					  "has the sequence number %" PRIu32
					  " (a frame is missing or out of order)",
					  nse_ld32(head + 12));
	*known = type >= NSE_FRAME_HEADER && type <= NSE_FRAME_END;
	if (!*known && !(type & NSE_FRAME_OPTIONAL))
		return nse_frame_in_error(f, err, -EPROTONOSUPPORT,
					  "made by a newer nsemig: type 0x%04x is "
					  "unknown and not optional",
					  type);
	if (*known && (flags & ~NSE_FRAME_ZSTD))
		return nse_frame_in_error(f, err, -EPROTONOSUPPORT,
					  "made by a newer nsemig: flags 0x%04x are "
					  "unknown",
					  flags);
	if ((type == NSE_FRAME_HEADER) != (f->seq == 0))
		return nse_frame_in_error(f, err, -EBADMSG,
					  f->seq ? "a second header"
						 : "the first frame is not a header");
	return 0;
}

static int expand(struct nse_frame_in *f, struct nse_frame *frame, struct nse_error *err)
{
	const uint8_t *stored = f->stored.data + NSE_FRAME_HEAD;
	size_t n = f->stored.len - NSE_FRAME_HEAD, raw = nse_ld32(f->stored.data + 16);
	size_t got;

	if (!(nse_ld16(f->stored.data + 10) & NSE_FRAME_ZSTD)) {
		frame->payload = nse_cur(stored, n);
		return 0;
	}
	nse_buf_reset(&f->raw);
	if (nse_buf_reserve(&f->raw, raw) < 0)
		return nse_error(err, -ENOMEM, "out of memory");
	if (ZSTD_getFrameContentSize(stored, n) != raw ||
	    ZSTD_findFrameCompressedSize(stored, n) != n)
		return nse_frame_in_error(f, err, -EBADMSG,
					  "the payload is not one zstd frame of %zu "
					  "bytes",
					  raw);
	got = ZSTD_decompressDCtx(f->zstd, f->raw.data, raw, stored, n);
	if (got != raw)
		return nse_frame_in_error(
			f, err, -EBADMSG, "the zstd frame cannot be decompressed: %s",
			ZSTD_isError(got) ? ZSTD_getErrorName(got) : "wrong length");
	frame->payload = nse_cur(f->raw.data, raw);
	return 0;
}

/* The end frame's payload against what was read before it. */
static int check_end(const struct nse_frame_in *f, struct nse_cur c,
		     struct nse_error *err)
{
	const struct {
		const char *what;
		uint64_t seen;
	} fields[] = {
		{ "frames", f->seq },
		{ "records", f->records },
		{ "bytes", f->raw_total },
	};
	uint64_t v;

	if (nse_cur_left(&c) != NSE_FRAME_END_SIZE)
		return nse_frame_in_error(f, err, -EBADMSG, "an end frame of %zu bytes",
					  nse_cur_left(&c));
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		nse_get_u64(&c, &v);
		if (v != fields[i].seen)
			return nse_frame_in_error(f, err, -EBADMSG,
						  "the end frame counts %" PRIu64
						  " %s, but %" PRIu64 " were read",
						  v, fields[i].what, fields[i].seen);
	}
	nse_get_u64(&c, &v);
	if (v != f->chain)
		return nse_frame_in_error(f, err, -EBADMSG,
					  "the checksum of the whole stream differs "
					  "(corrupted)");
	return 0;
}

int nse_frame_in_next(struct nse_frame_in *f, struct nse_frame *frame,
		      struct nse_error *err)
{
	bool known = false;
	int rc = 0;

	while (!known) {
		if ((rc = fetch(f, err)) < 0 || (rc = prove(f, &known, err)) < 0)
			return rc;
		frame->type = nse_ld16(f->stored.data + 8);
		if (known && (rc = expand(f, frame, err)) < 0)
			return rc;
		if (frame->type == NSE_FRAME_END &&
		    (rc = check_end(f, frame->payload, err)) < 0)
			return rc;
		f->raw_total += nse_ld32(f->stored.data + 16);
		f->chain = XXH3_64bits_withSeed(f->stored.data, NSE_FRAME_SUM, f->chain);
		f->seq++;
	}
	return 0;
}
