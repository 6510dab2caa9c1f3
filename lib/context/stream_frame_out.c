/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writing frames: each payload is compressed when that makes it smaller,
 * sealed with its checksum and handed on in one piece.
 */
#include "lib/context/stream_frame.h"

#include <errno.h>
#include <inttypes.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define LEVEL	 3  /* of zstd: higher ones cost much and gain little on columns */
#define TOO_TINY 64 /* payloads below are not worth a try */

static int emit(struct nse_frame_out *f, const void *p, size_t n, struct nse_error *err)
{
	int rc = f->write(f->arg, p, n);

	if (rc < 0)
		return nse_errno(err, rc, "cannot write the stream at offset %" PRIu64,
				 f->stored);
	f->stored += n;
	return 0;
}

int nse_frame_out_open(struct nse_frame_out *f, nse_write_fn *write, void *arg,
		       struct nse_error *err)
{
	uint8_t prologue[NSE_STREAM_PROLOGUE] = NSE_STREAM_MAGIC;

	*f = (struct nse_frame_out){ .write = write, .arg = arg };
	f->bytes.max = NSE_FRAME_HEAD + ZSTD_compressBound(NSE_STREAM_MAX_FRAME);
	f->zstd = ZSTD_createCCtx();
	if (!f->zstd)
		return nse_error(err, -ENOMEM, "out of memory");
	ZSTD_CCtx_setParameter(f->zstd, ZSTD_c_compressionLevel, LEVEL);
	nse_st16(prologue + 8, NSE_STREAM_VERSION);
	f->chain = XXH3_64bits(prologue, sizeof(prologue));
	return emit(f, prologue, sizeof(prologue), err);
}

void nse_frame_out_release(struct nse_frame_out *f)
{
	ZSTD_freeCCtx(f->zstd);
	f->zstd = NULL;
	nse_buf_release(&f->bytes);
}

/*
 * Compresses into the frame's place; 0 when that gains nothing, or when the
 * reader would take the frame for a bomb.
 */
static size_t squeeze(struct nse_frame_out *f, const void *payload, size_t n)
{
	uint64_t most;
	size_t z;

	if (n < TOO_TINY)
		return 0;
	z = ZSTD_compress2(f->zstd, f->bytes.data + NSE_FRAME_HEAD,
			   f->bytes.cap - NSE_FRAME_HEAD, payload, n);
	if (ZSTD_isError(z) || z >= n)
		return 0;
	most = NSE_STREAM_MAX_EXPANSION * (f->stored + NSE_FRAME_HEAD + z) +
	       NSE_STREAM_MAX_FRAME;
	return f->raw + n > most ? 0 : z;
}

static int check_limits(const struct nse_frame_out *f, size_t n, uint32_t records,
			struct nse_error *err)
{
	if (n > NSE_STREAM_MAX_FRAME)
		return nse_error(err, -EMSGSIZE,
				 "a frame of %zu bytes is above the limit of %u", n,
				 NSE_STREAM_MAX_FRAME);
	if (f->raw + n > NSE_STREAM_MAX_TOTAL)
		return nse_error(err, -EMSGSIZE,
				 "the stream grows above the limit of %llu bytes",
				 NSE_STREAM_MAX_TOTAL);
	if (f->records + records > NSE_STREAM_MAX_RECORDS)
		return nse_error(err, -EMSGSIZE,
				 "the stream grows above the limit of %llu records",
				 NSE_STREAM_MAX_RECORDS);
	if (f->seq == UINT32_MAX)
		return nse_error(err, -EMSGSIZE,
				 "the stream grows above the limit of %u frames",
				 UINT32_MAX);
	return 0;
}

int nse_frame_out_put(struct nse_frame_out *f, uint16_t type, const void *payload,
		      size_t n, uint32_t records, struct nse_error *err)
{
	size_t room = NSE_FRAME_HEAD + ZSTD_compressBound(n), stored;
	uint8_t *head;
	int rc = check_limits(f, n, records, err);

	if (rc < 0)
		return rc;
	nse_buf_reset(&f->bytes);
	if (nse_buf_reserve(&f->bytes, room) < 0)
		return nse_error(err, -ENOMEM, "out of memory");
	head = f->bytes.data;
	stored = type == NSE_FRAME_END ? 0 : squeeze(f, payload, n);
	nse_st16(head + 8, type);
	nse_st16(head + 10, stored ? NSE_FRAME_ZSTD : 0);
	if (!stored) {
		stored = n;
		memcpy(head + NSE_FRAME_HEAD, payload, n);
	}
	nse_st32(head + 12, f->seq++);
	nse_st32(head + 16, (uint32_t)n);
	nse_st32(head + 20, (uint32_t)stored);
	nse_st64(head, XXH3_64bits(head + NSE_FRAME_SUM,
				   NSE_FRAME_HEAD - NSE_FRAME_SUM + stored));
	f->chain = XXH3_64bits_withSeed(head, NSE_FRAME_SUM, f->chain);
	f->raw += n;
	f->records += records;
	return emit(f, head, NSE_FRAME_HEAD + stored, err);
}

int nse_frame_out_end(struct nse_frame_out *f, struct nse_error *err)
{
	uint8_t end[NSE_FRAME_END_SIZE];

	nse_st64(end, f->seq);
	nse_st64(end + 8, f->records);
	nse_st64(end + 16, f->raw);
	nse_st64(end + 24, f->chain);
	return nse_frame_out_put(f, NSE_FRAME_END, end, sizeof(end), 0, err);
}
