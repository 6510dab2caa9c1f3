/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The context stream, version 1: the one encoding of records, in files, in
 * pipes and in the migration session. nsemig-stream(5) specifies the bytes.
 *
 * Writing and reading take bounded memory whatever the stream's length. A
 * consumer must not act on what it got before nse_stream_read() has returned
 * 0, since only then the whole stream is known to be whole.
 */
#ifndef NSE_CONTEXT_STREAM_H
#define NSE_CONTEXT_STREAM_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/context/context.h"
#include "lib/context/diff.h"
#include "lib/context/scope.h"
#include "lib/util/error.h"

#define NSE_STREAM_VERSION     1
#define NSE_STREAM_MAX_FRAME   (4u << 20)     /* bytes of one frame, stored or raw */
#define NSE_STREAM_MAX_HEADER  (1u << 20)     /* bytes of the header's JSON */
#define NSE_STREAM_MAX_TOTAL   (64ull << 30)  /* raw bytes of one stream */
#define NSE_STREAM_MAX_RECORDS (256ull << 20) /* records of one stream */
#define NSE_STREAM_MAX_EXPANSION                                                         \
	4096u /* raw bytes per stored byte, beyond the first frame */

enum nse_stream_kind {
	NSE_STREAM_SNAPSHOT, /* all records of a scope */
	NSE_STREAM_DELTA,    /* puts and deletions against a base */
};

struct nse_stream_header {
	enum nse_stream_kind kind;
	char host[256];		/* where it was taken */
	char kernel[256];	/* uname release there */
	char version[64];	/* of nsemig there */
	int64_t taken_us;	/* CLOCK_REALTIME, microseconds */
	uint64_t base_digest;	/* deltas: nse_context_digest(base, false) */
	uint64_t result_digest; /* deltas: the same after applying */
	struct nse_scope scope;
};

void nse_stream_header_init(struct nse_stream_header *h);
void nse_stream_header_release(struct nse_stream_header *h);

/* Fills host, kernel, version and taken_us for here and now. */
void nse_stream_header_now(struct nse_stream_header *h);

struct nse_stream_stats {
	uint64_t records; /* puts and deletions */
	uint64_t frames;
	uint64_t raw;	 /* bytes before compression */
	uint64_t stored; /* bytes of the whole stream */
};

/* Writes all n bytes somewhere: 0 or -errno. May be called from a thread of
 * the writer's own, never from two at once. */
typedef int nse_write_fn(void *arg, const void *p, size_t n);

/* Reads 1 to n bytes: their number, 0 at the end, or -errno. */
typedef ssize_t nse_read_fn(void *arg, void *p, size_t n);

struct nse_stream_writer;

#define NSE_STREAM_THREAD 0x1 /* compress and write in a thread of its own */

/*
 * Starts a stream: writes the prologue and the header. h is copied.
 * 0, -ENOMEM or what `write` returned, with a text.
 */
int nse_stream_writer_new(struct nse_stream_writer **w, const struct nse_stream_header *h,
			  nse_write_fn *write, void *arg, unsigned int flags,
			  struct nse_error *err);

/* Adds a record (copied), a deletion, or voids what an engine has put. */
int nse_stream_put(struct nse_stream_writer *w, const struct nse_record *rec);
int nse_stream_del(struct nse_stream_writer *w, const struct nse_kind *kind,
		   struct nse_bytes key);
int nse_stream_reset(struct nse_stream_writer *w, const char *engine);

/*
 * Writes everything that is buffered and the end frame. The first error of
 * any earlier call is returned here too. stats may be NULL.
 */
int nse_stream_finish(struct nse_stream_writer *w, struct nse_stream_stats *stats,
		      struct nse_error *err);

/* NULL is accepted; a stream that was not finished is truncated. */
void nse_stream_writer_free(struct nse_stream_writer *w);
void nse_stream_writer_freep(struct nse_stream_writer **w);

/* A sink that puts into the writer. */
struct nse_sink nse_stream_sink(struct nse_stream_writer *w);

struct nse_stream_reader;

/*
 * Starts reading: checks prologue and header. -EBADMSG (not a stream,
 * corrupted, truncated), -EPROTONOSUPPORT (a newer version), -EMSGSIZE
 * (above a limit), or what `read` returned; the text names the byte offset.
 */
int nse_stream_reader_new(struct nse_stream_reader **r, nse_read_fn *read, void *arg,
			  struct nse_error *err);

/* Valid while the reader lives. */
const struct nse_stream_header *
nse_stream_reader_header(const struct nse_stream_reader *r);

/* What the reader calls; each returns 0 or -errno, which stops it. */
struct nse_stream_events {
	int (*put)(void *arg, const struct nse_record *rec);
	int (*del)(void *arg, const struct nse_kind *kind, struct nse_bytes key);
	int (*reset)(void *arg, const char *engine);
	void *arg;
};

/* Reads to the end frame. Errors as above. It reads nothing behind the end frame. */
int nse_stream_read(struct nse_stream_reader *r, const struct nse_stream_events *ev,
		    struct nse_stream_stats *stats, struct nse_error *err);

void nse_stream_reader_free(struct nse_stream_reader *r);
void nse_stream_reader_freep(struct nse_stream_reader **r);

#endif
