/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The writer: sorts records into open blocks by shape (kind, operation and
 * the three lengths) and hands a block on when it is full. A record costs the
 * caller one copy and one look into the table of keys. Blocks of different
 * shapes overtake one another, which is harmless as long as no key is in two
 * of them; the table of keys sees to that. A key is looked up when the next
 * record comes, when the memory that is needed has had time to arrive.
 */
#include "lib/context/stream.h"

#include <errno.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/context/stream_header.h"
#include "lib/context/stream_keys.h"
#include "lib/context/stream_worker.h"
#include "lib/util/cleanup.h"

#define SHAPES	    128		/* open blocks at most; a power of two */
#define BLOCK_ROWS  16384	/* of one block */
#define BLOCK_BYTES (512 << 10) /* likewise; one record is always below it */
#define OPEN_ROWS   (48 << 10)	/* of all open blocks together */
#define OPEN_BYTES  (6 << 20)	/* memory of all open blocks together */

struct slot {
	struct nse_block b;
	uint32_t number; /* of the block among the open ones; 0 without rows */
	uint64_t seed;	 /* hash of the kind */
	uint64_t used;	 /* when last, in records */
};

struct nse_stream_writer {
	struct nse_worker worker;
	struct nse_keys keys;
	struct slot slots[SHAPES];
	uint64_t shapes[SHAPES]; /* lengths and operation of each slot */
	unsigned int nslots, last;
	struct slot *unnoted; /* the block of the last record, if it is not noted */
	uint64_t hash;	      /* of its key */
	uint32_t blocks;      /* opened so far */
	uint64_t clock;
	size_t rows, held; /* in open blocks: rows, bytes of memory */
	bool done;
};

int nse_stream_writer_new(struct nse_stream_writer **out,
			  const struct nse_stream_header *h, nse_write_fn *write,
			  void *arg, unsigned int flags, struct nse_error *err)
{
	NSE_CLEANUP(nse_stream_writer_freep)
	struct nse_stream_writer *w = calloc(1, sizeof(*w));
	NSE_FREE char *text = NULL;
	int rc;

	*out = NULL;
	if (!w)
		return nse_error(err, -ENOMEM, "out of memory");
	rc = nse_worker_init(&w->worker, write, arg, err);
	if (rc < 0)
		return rc;
	if (nse_keys_init(&w->keys) < 0)
		return nse_error(err, -ENOMEM, "out of memory");
	rc = nse_stream_header_encode(h, &text, err);
	if (rc == 0)
		rc = nse_frame_out_put(&w->worker.out, NSE_FRAME_HEADER, text,
				       strlen(text), 0, err);
	if (rc == 0 && (flags & NSE_STREAM_THREAD))
		rc = nse_worker_start(&w->worker, err);
	if (rc == 0)
		*out = nse_take(w);
	return rc;
}

void nse_stream_writer_free(struct nse_stream_writer *w)
{
	if (!w)
		return;
	nse_worker_release(&w->worker);
	nse_keys_release(&w->keys);
	for (unsigned int i = 0; i < w->nslots; i++)
		nse_buf_release(&w->slots[i].b.rows);
	free(w);
}

void nse_stream_writer_freep(struct nse_stream_writer **w)
{
	nse_stream_writer_free(*w);
}

static void forget_rows(struct nse_stream_writer *w, struct slot *s)
{
	w->rows -= s->b.count;
	s->b.count = 0;
	s->number = 0;
}

/* Hands a block on, its slot stays for the shape. */
static int flush(struct nse_stream_writer *w, struct slot *s)
{
	int rc;

	if (!s->b.count)
		return 0;
	w->held -= s->b.rows.cap;
	rc = nse_worker_submit(&w->worker, &s->b);
	w->held += s->b.rows.cap;
	forget_rows(w, s);
	return rc;
}

/* Gives a slot up: its rows are written, its memory is freed. */
static int vacate(struct nse_stream_writer *w, struct slot *s)
{
	int rc = flush(w, s);

	w->held -= s->b.rows.cap;
	nse_buf_release(&s->b.rows);
	return rc;
}

/* Writes the biggest blocks until rows and memory are below the limits. */
static int shrink(struct nse_stream_writer *w)
{
	int rc = 0;

	while (rc == 0 && (w->rows > OPEN_ROWS || w->held > OPEN_BYTES)) {
		bool by_rows = w->rows > OPEN_ROWS;
		struct slot *big = w->slots;

		for (unsigned int i = 1; i < w->nslots; i++) {
			struct slot *s = &w->slots[i];

			if (by_rows ? s->b.count > big->b.count
				    : s->b.rows.cap > big->b.rows.cap)
				big = s;
		}
		rc = vacate(w, big);
	}
	return rc;
}

static bool has_shape(const struct nse_stream_writer *w, unsigned int i, uint64_t shape,
		      const struct nse_kind *kind)
{
	return i < w->nslots && w->shapes[i] == shape &&
	       nse_kind_equal(&w->slots[i].b.kind, kind);
}

/* A slot for a new shape: the next one, or that which waited longest. */
static int new_slot(struct nse_stream_writer *w, struct slot **out)
{
	struct slot *s = w->slots;

	if (w->nslots < SHAPES) {
		*out = &w->slots[w->nslots++];
		return 0;
	}
	for (unsigned int i = 1; i < SHAPES; i++)
		if (w->slots[i].used < s->used)
			s = &w->slots[i];
	*out = s;
	return vacate(w, s);
}

static int open_shape(struct nse_stream_writer *w, uint64_t shape,
		      const struct nse_block *like, struct slot **out)
{
	const struct nse_kind *kind = &like->kind;
	struct slot *s;
	int rc;

	if (!nse_kind_name_ok(kind->engine) || !nse_kind_name_ok(kind->type))
		return -EINVAL;
	rc = new_slot(w, &s);
	if (rc < 0)
		return rc;
	s->b = *like;
	s->b.rows = (struct nse_buf)NSE_BUF_INIT(BLOCK_BYTES);
	w->shapes[s - w->slots] = shape;
	s->seed = XXH3_64bits(kind->engine, strlen(kind->engine));
	s->seed = XXH3_64bits_withSeed(kind->type, strlen(kind->type), s->seed);
	*out = s;
	return 0;
}

/* The slot for records of that shape. */
static int find_shape(struct nse_stream_writer *w, enum nse_block_op op,
		      const struct nse_record *rec, struct slot **out)
{
	uint64_t shape = (uint64_t)op << 48 | (uint64_t)rec->key.n << 32 |
			 (uint64_t)rec->body.n << 16 | rec->state.n;
	struct nse_block like = {
		.kind = *rec->kind,
		.op = op,
		.n = { rec->key.n, rec->body.n, rec->state.n },
		.width = rec->key.n + rec->body.n + rec->state.n,
	};

	if (has_shape(w, w->last, shape, rec->kind)) {
		*out = &w->slots[w->last];
		return 0;
	}
	for (unsigned int i = 0; i < w->nslots; i++) {
		if (has_shape(w, i, shape, rec->kind)) {
			*out = &w->slots[i];
			return 0;
		}
	}
	return open_shape(w, shape, &like, out);
}

static bool is_open(const void *arg, uint32_t number)
{
	const struct nse_stream_writer *w = arg;

	return w->slots[number % SHAPES].number == number;
}

static void give_number(struct nse_stream_writer *w, struct slot *s)
{
	uint32_t most = (1u << NSE_KEYS_BLOCK_BITS) / SHAPES - 1;

	w->blocks = w->blocks % most + 1;
	s->number = w->blocks * SHAPES + (uint32_t)(s - w->slots);
}

/*
 * Sees to it that no other open block has the key of the last record. Comes
 * before any block is written that the record may be in.
 */
static int note_key(struct nse_stream_writer *w)
{
	struct slot *s = w->unnoted;
	uint32_t first;
	int rc = 0;

	w->unnoted = NULL;
	while (rc == 0 && s && s->number &&
	       (first = nse_keys_note(&w->keys, w->hash, s->number, is_open, w)))
		rc = flush(w, &w->slots[first % SHAPES]);
	return rc;
}

static void append(struct nse_buf *b, struct nse_bytes v)
{
	if (v.n)
		memcpy(b->data + b->len, v.p, v.n);
	b->len += v.n;
}

/* May the block take one more row? An empty key can be there only once. */
static bool is_full(const struct nse_block *b)
{
	return b->count == BLOCK_ROWS || b->rows.len + b->width > BLOCK_BYTES ||
	       (b->n[0] == 0 && b->count);
}

static int add_row(struct nse_stream_writer *w, enum nse_block_op op,
		   const struct nse_record *rec)
{
	struct slot *s;
	int rc;

	if (rec->key.n > NSE_RECORD_MAX || rec->body.n > NSE_RECORD_MAX ||
	    rec->state.n > NSE_RECORD_MAX)
		return -EMSGSIZE;
	if ((rc = note_key(w)) < 0 || (rc = find_shape(w, op, rec, &s)) < 0 ||
	    (is_full(&s->b) && (rc = flush(w, s)) < 0))
		return rc;
	if (!s->number)
		give_number(w, s);
	w->held -= s->b.rows.cap;
	rc = nse_buf_reserve(&s->b.rows, s->b.width);
	w->held += s->b.rows.cap;
	if (rc < 0)
		return rc;
	append(&s->b.rows, rec->key);
	append(&s->b.rows, rec->body);
	append(&s->b.rows, rec->state);
	s->b.count++;
	s->used = ++w->clock;
	w->rows++;
	w->last = (unsigned int)(s - w->slots);
	w->unnoted = s;
	w->hash = XXH3_64bits_withSeed(rec->key.p, rec->key.n, s->seed);
	nse_keys_prefetch(&w->keys, w->hash);
	if (w->rows <= OPEN_ROWS && w->held <= OPEN_BYTES)
		return 0;
	rc = note_key(w);
	return rc < 0 ? rc : shrink(w);
}

static int add(struct nse_stream_writer *w, enum nse_block_op op,
	       const struct nse_record *rec)
{
	int rc;

	if (w->done)
		return -EINVAL;
	if (w->worker.failed)
		return w->worker.failed;
	rc = add_row(w, op, rec);
	/* A record that is missing must not go unnoticed at the end. */
	return rc < 0 ? nse_worker_fail(&w->worker, rc,
					"a record cannot be put into the stream")
		      : 0;
}

int nse_stream_put(struct nse_stream_writer *w, const struct nse_record *rec)
{
	return add(w, NSE_BLOCK_PUT, rec);
}

int nse_stream_del(struct nse_stream_writer *w, const struct nse_kind *kind,
		   struct nse_bytes key)
{
	return add(w, NSE_BLOCK_DEL, &(struct nse_record){ .kind = kind, .key = key });
}

int nse_stream_reset(struct nse_stream_writer *w, const char *engine)
{
	struct nse_block b = { .op = NSE_BLOCK_RESET };
	int rc;

	if (w->done)
		return -EINVAL;
	if (!nse_kind_name_ok(engine))
		return nse_worker_fail(&w->worker, -EINVAL,
				       "an engine without a valid name");
	rc = note_key(w);
	if (rc < 0)
		return rc;
	/* What is void already need not be written. */
	for (unsigned int i = 0; i < w->nslots; i++) {
		struct slot *s = &w->slots[i];

		if (!s->b.count || strcmp(s->b.kind.engine, engine) != 0)
			continue;
		nse_buf_reset(&s->b.rows);
		forget_rows(w, s);
	}
	memcpy(b.kind.engine, engine, strlen(engine) + 1);
	if (w->worker.failed)
		return w->worker.failed;
	return nse_worker_submit(&w->worker, &b);
}

int nse_stream_finish(struct nse_stream_writer *w, struct nse_stream_stats *stats,
		      struct nse_error *err)
{
	struct nse_frame_out *out = &w->worker.out;
	int rc;

	if (w->done)
		return nse_error(err, -EINVAL, "the stream is finished already");
	w->done = true;
	rc = note_key(w);
	for (unsigned int i = 0; rc == 0 && i < w->nslots; i++)
		rc = flush(w, &w->slots[i]);
	rc = nse_worker_finish(&w->worker, err);
	if (rc == 0)
		rc = nse_frame_out_end(out, err);
	if (rc == 0 && stats)
		*stats = (struct nse_stream_stats){ out->records, out->seq, out->raw,
						    out->stored };
	return rc;
}

static int sink_put(void *arg, const struct nse_record *rec)
{
	return nse_stream_put(arg, rec);
}

static int sink_reset(void *arg, const char *engine)
{
	return nse_stream_reset(arg, engine);
}

struct nse_sink nse_stream_sink(struct nse_stream_writer *w)
{
	return (struct nse_sink){ sink_put, sink_reset, w };
}
