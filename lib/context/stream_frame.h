/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Frames: numbering, compression, checksums and limits. What a frame's
 * payload means is not known here, but for the end frame.
 */
#ifndef NSE_CONTEXT_STREAM_FRAME_H
#define NSE_CONTEXT_STREAM_FRAME_H

#include <zstd.h>

#include "lib/context/stream.h"
#include "lib/context/stream_format.h"
#include "lib/util/buf.h"

struct nse_frame_out {
	nse_write_fn *write;
	void *arg;
	ZSTD_CCtx *zstd;
	struct nse_buf bytes; /* the frame that is being made */
	uint32_t seq;
	uint64_t chain; /* of the checksums so far */
	uint64_t raw, stored, records;
};

/* Writes the prologue. 0, -ENOMEM, or what write() returned, with a text. */
int nse_frame_out_open(struct nse_frame_out *f, nse_write_fn *write, void *arg,
		       struct nse_error *err);

/* Writes one frame that carries that many records. */
int nse_frame_out_put(struct nse_frame_out *f, uint16_t type, const void *payload,
		      size_t n, uint32_t records, struct nse_error *err);

/* Writes the end frame. */
int nse_frame_out_end(struct nse_frame_out *f, struct nse_error *err);

void nse_frame_out_release(struct nse_frame_out *f);

struct nse_frame_in {
	nse_read_fn *read;
	void *arg;
	ZSTD_DCtx *zstd;
	struct nse_buf stored, raw; /* payload of the frame in hand */
	uint64_t offset;	    /* bytes read from the stream */
	uint64_t at;		    /* offset of the frame in hand */
	uint32_t number;	    /* its number */
	uint32_t seq;		    /* frames taken */
	uint64_t chain;
	uint64_t raw_total, records; /* records is counted by the caller */
};

struct nse_frame {
	uint16_t type;
	struct nse_cur payload; /* valid until the next frame */
};

/* Reads the prologue: 0, -EBADMSG, -EPROTONOSUPPORT, -ENOMEM, or as read(). */
int nse_frame_in_open(struct nse_frame_in *f, nse_read_fn *read, void *arg,
		      struct nse_error *err);

/*
 * Reads the next frame and proves it. Unknown optional frames are passed by.
 * An end frame is compared with what was read. Errors as above, or -EMSGSIZE.
 */
int nse_frame_in_next(struct nse_frame_in *f, struct nse_frame *frame,
		      struct nse_error *err);

/* Sets the text "offset N: frame N: …" about the frame in hand. */
int nse_frame_in_error(const struct nse_frame_in *f, struct nse_error *err, int code,
		       const char *fmt, ...) __attribute__((format(printf, 4, 5)));

void nse_frame_in_release(struct nse_frame_in *f);

#endif
