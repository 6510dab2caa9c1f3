/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Blocks of records of one shape, and their form as frames: rows of fixed
 * width, transposed byte by byte.
 */
#ifndef NSE_CONTEXT_STREAM_ROWS_H
#define NSE_CONTEXT_STREAM_ROWS_H

#include "lib/context/stream_frame.h"

enum nse_block_op {
	NSE_BLOCK_PUT = NSE_ROWS_PUT,
	NSE_BLOCK_DEL = NSE_ROWS_DEL,
	NSE_BLOCK_RESET, /* of kind.engine; no rows */
};

struct nse_block {
	struct nse_kind kind;
	enum nse_block_op op;
	uint32_t count;
	size_t n[3]; /* bytes of key, body and state */
	size_t width;
	struct nse_buf rows; /* count times key, body, state */
};

/* Writes a block as one frame; scratch is any buffer of the caller's. */
int nse_block_write(const struct nse_block *b, struct nse_frame_out *out,
		    struct nse_buf *scratch, struct nse_error *err);

/* dst column after column from src row after row. */
void nse_transpose(uint8_t *dst, const uint8_t *src, size_t width, size_t count);

/* Rows first to first + some of count, row after row, from columns. */
void nse_untranspose(uint8_t *dst, const uint8_t *columns, size_t width, size_t count,
		     size_t first, size_t some);

#endif
