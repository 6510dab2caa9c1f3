/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows of fixed width become columns: bytes that mean the same in all rows
 * lie side by side, and the compressor finds what is equal in them without
 * knowing what they mean.
 */
#include "lib/context/stream_rows.h"

#include <errno.h>

#define TILE 64 /* rows whose bytes stay in the first-level cache */

void nse_transpose(uint8_t *dst, const uint8_t *src, size_t width, size_t count)
{
	for (size_t first = 0; first < count; first += TILE) {
		size_t end = first + TILE < count ? first + TILE : count;

		for (size_t c = 0; c < width; c++)
			for (size_t r = first; r < end; r++)
				dst[c * count + r] = src[r * width + c];
	}
}

void nse_untranspose(uint8_t *dst, const uint8_t *columns, size_t width, size_t count,
		     size_t first, size_t some)
{
	for (size_t tile = 0; tile < some; tile += TILE) {
		size_t end = tile + TILE < some ? tile + TILE : some;

		for (size_t c = 0; c < width; c++)
			for (size_t r = tile; r < end; r++)
				dst[r * width + c] = columns[c * count + first + r];
	}
}

static int put_name(struct nse_buf *b, const char *name)
{
	size_t n = strlen(name);
	int rc = nse_buf_put_u8(b, (uint8_t)n);

	return rc < 0 ? rc : nse_buf_put(b, name, n);
}

/* What stands before the columns. */
static int put_shape(struct nse_buf *p, const struct nse_block *b)
{
	int rc;

	if ((rc = put_name(p, b->kind.engine)) < 0 ||
	    (rc = put_name(p, b->kind.type)) < 0 ||
	    (rc = nse_buf_put_u8(p, (uint8_t)b->op)) < 0)
		return rc;
	for (int i = 0; i < 3; i++)
		if ((rc = nse_buf_put_u16(p, (uint16_t)b->n[i])) < 0)
			return rc;
	return nse_buf_put_u32(p, b->count);
}

int nse_block_write(const struct nse_block *b, struct nse_frame_out *out,
		    struct nse_buf *scratch, struct nse_error *err)
{
	bool reset = b->op == NSE_BLOCK_RESET;
	int rc;

	nse_buf_reset(scratch);
	rc = reset ? put_name(scratch, b->kind.engine) : put_shape(scratch, b);
	if (rc == 0 && !reset)
		rc = nse_buf_reserve(scratch, b->rows.len);
	if (rc < 0)
		return nse_errno(err, rc, "cannot make a frame of %u records", b->count);
	if (!reset && b->rows.len) {
		nse_transpose(scratch->data + scratch->len, b->rows.data, b->width,
			      b->count);
		scratch->len += b->rows.len;
	}
	return nse_frame_out_put(out, reset ? NSE_FRAME_RESET : NSE_FRAME_ROWS,
				 scratch->data, scratch->len, b->count, err);
}
