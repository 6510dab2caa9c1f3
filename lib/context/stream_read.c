/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The reader: frames become records again. Only one frame is in memory, its
 * columns become rows in small pieces.
 */
#include "lib/context/stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/context/stream_header.h"
#include "lib/context/stream_rows.h"
#include "lib/util/cleanup.h"

#define PIECE (64 << 10) /* bytes of rows that are made at once; one at least */

struct nse_stream_reader {
	struct nse_frame_in in;
	struct nse_stream_header header;
	struct nse_buf rows;
	bool started;
};

/* The text of an error below a frame gets the frame's place in front. */
static int at_frame(const struct nse_frame_in *in, int rc, const char *what,
		    struct nse_error *err)
{
	char text[NSE_ERROR_MAX / 2] = "";

	if (err && err->code == rc)
		memcpy(text, err->text, sizeof(text) - 1);
	if (!text[0])
		snprintf(text, sizeof(text), "%s: %s", what, strerror(-rc));
	return nse_frame_in_error(in, err, rc, "%s", text);
}

static void clear_error(struct nse_error *err)
{
	if (err)
		*err = (struct nse_error){ 0 };
}

int nse_stream_reader_new(struct nse_stream_reader **out, nse_read_fn *read, void *arg,
			  struct nse_error *err)
{
	NSE_CLEANUP(nse_stream_reader_freep)
	struct nse_stream_reader *r = calloc(1, sizeof(*r));
	struct nse_frame frame;
	int rc;

	*out = NULL;
	if (!r)
		return nse_error(err, -ENOMEM, "out of memory");
	nse_stream_header_init(&r->header);
	r->rows.max = PIECE + 3 * NSE_RECORD_MAX;
	if ((rc = nse_frame_in_open(&r->in, read, arg, err)) < 0 ||
	    (rc = nse_frame_in_next(&r->in, &frame, err)) < 0)
		return rc;
	clear_error(err);
	rc = nse_stream_header_decode(&r->header, frame.payload, err);
	if (rc < 0)
		return at_frame(&r->in, rc, "header", err);
	*out = nse_take(r);
	return 0;
}

void nse_stream_reader_free(struct nse_stream_reader *r)
{
	if (!r)
		return;
	nse_frame_in_release(&r->in);
	nse_stream_header_release(&r->header);
	nse_buf_release(&r->rows);
	free(r);
}

void nse_stream_reader_freep(struct nse_stream_reader **r)
{
	nse_stream_reader_free(*r);
}

const struct nse_stream_header *
nse_stream_reader_header(const struct nse_stream_reader *r)
{
	return &r->header;
}

static int get_name(struct nse_cur *c, char out[NSE_KIND_NAME])
{
	const uint8_t *p;
	uint8_t n;

	if (nse_get_u8(c, &n) < 0 || n >= NSE_KIND_NAME || nse_get_bytes(c, n, &p) < 0)
		return -EBADMSG;
	memcpy(out, p, n);
	memset(out + n, 0, NSE_KIND_NAME - n);
	return strlen(out) == n && nse_kind_name_ok(out) ? 0 : -EBADMSG;
}

/* Reads what stands before the columns; the cursor is then at them. */
static int get_shape(const struct nse_frame_in *in, struct nse_cur *c,
		     struct nse_block *b, struct nse_error *err)
{
	uint16_t n[3];
	uint8_t op;

	if (get_name(c, b->kind.engine) < 0 || get_name(c, b->kind.type) < 0)
		return nse_frame_in_error(in, err, -EBADMSG,
					  "no valid name of an engine and a type");
	if (nse_get_u8(c, &op) < 0 || nse_get_u16(c, &n[0]) < 0 ||
	    nse_get_u16(c, &n[1]) < 0 || nse_get_u16(c, &n[2]) < 0 ||
	    nse_get_u32(c, &b->count) < 0)
		return nse_frame_in_error(in, err, -EBADMSG,
					  "ends before its rows begin");
	if (op != NSE_ROWS_PUT && op != NSE_ROWS_DEL)
		return nse_frame_in_error(in, err, -EBADMSG, "operation %u is unknown",
					  op);
	if (op == NSE_ROWS_DEL && (n[1] || n[2]))
		return nse_frame_in_error(in, err, -EBADMSG,
					  "deletions with more than a key");
	if (b->count == 0 || b->count > (n[0] ? NSE_ROWS_MAX : 1))
		return nse_frame_in_error(in, err, -EMSGSIZE,
					  "%u rows with keys of %u bytes: 1 to %d are "
					  "allowed",
					  b->count, n[0], n[0] ? NSE_ROWS_MAX : 1);
	b->op = (enum nse_block_op)op;
	b->width = 0;
	for (int i = 0; i < 3; i++)
		b->width += b->n[i] = n[i];
	if ((uint64_t)b->width * b->count != nse_cur_left(c))
		return nse_frame_in_error(in, err, -EBADMSG,
					  "%u rows of %zu bytes, but %zu bytes are there",
					  b->count, b->width, nse_cur_left(c));
	return 0;
}

static int deliver(const struct nse_block *b, const uint8_t *row,
		   const struct nse_stream_events *ev)
{
	struct nse_record rec = {
		.kind = &b->kind,
		.key = { row, b->n[0] },
		.body = { row + b->n[0], b->n[1] },
		.state = { row + b->n[0] + b->n[1], b->n[2] },
	};

	if (b->op == NSE_BLOCK_DEL)
		return ev->del(ev->arg, rec.kind, rec.key);
	return ev->put(ev->arg, &rec);
}

static int read_rows(struct nse_stream_reader *r, struct nse_cur c,
		     const struct nse_stream_events *ev, struct nse_error *err)
{
	struct nse_block b = { 0 };
	size_t step;
	int rc = get_shape(&r->in, &c, &b, err);

	if (rc < 0)
		return rc;
	if (r->in.records + b.count > NSE_STREAM_MAX_RECORDS)
		return nse_frame_in_error(&r->in, err, -EMSGSIZE,
					  "the stream is above the limit of %llu records",
					  NSE_STREAM_MAX_RECORDS);
	step = b.width && b.width < PIECE ? PIECE / b.width : 1;
	nse_buf_reset(&r->rows);
	if (nse_buf_reserve(&r->rows, step * b.width + 1) < 0)
		return nse_error(err, -ENOMEM, "out of memory");
	clear_error(err);
	for (size_t first = 0; rc == 0 && first < b.count; first += step) {
		size_t some = b.count - first < step ? b.count - first : step;

		nse_untranspose(r->rows.data, c.p, b.width, b.count, first, some);
		for (size_t i = 0; rc == 0 && i < some; i++)
			rc = deliver(&b, r->rows.data + i * b.width, ev);
	}
	if (rc < 0)
		return at_frame(&r->in, rc, "a record cannot be taken", err);
	r->in.records += b.count;
	return 0;
}

static int read_reset(struct nse_stream_reader *r, struct nse_cur c,
		      const struct nse_stream_events *ev, struct nse_error *err)
{
	char engine[NSE_KIND_NAME];
	int rc;

	if (get_name(&c, engine) < 0 || nse_cur_left(&c))
		return nse_frame_in_error(&r->in, err, -EBADMSG,
					  "no valid name of an engine");
	clear_error(err);
	rc = ev->reset(ev->arg, engine);
	return rc < 0 ? at_frame(&r->in, rc, "records cannot be voided", err) : 0;
}

int nse_stream_read(struct nse_stream_reader *r, const struct nse_stream_events *ev,
		    struct nse_stream_stats *stats, struct nse_error *err)
{
	struct nse_frame frame;
	int rc = 0;

	if (r->started)
		return nse_error(err, -EINVAL, "the stream was read already");
	r->started = true;
	while (rc == 0) {
		rc = nse_frame_in_next(&r->in, &frame, err);
		if (rc < 0 || frame.type == NSE_FRAME_END)
			break;
		if (frame.type == NSE_FRAME_ROWS)
			rc = read_rows(r, frame.payload, ev, err);
		else
			rc = read_reset(r, frame.payload, ev, err);
	}
	if (rc == 0 && stats)
		*stats = (struct nse_stream_stats){ r->in.records, r->in.seq,
						    r->in.raw_total, r->in.offset };
	return rc;
}
