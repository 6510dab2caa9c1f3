/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whole contexts to and from streams, and deltas between them.
 */
#ifndef NSE_CONTEXT_SNAPSHOT_H
#define NSE_CONTEXT_SNAPSHOT_H

#include "lib/context/delta.h"
#include "lib/context/stream.h"

/* A context with the header that it came with. */
struct nse_snapshot {
	struct nse_stream_header header;
	struct nse_context *ctx; /* owned */
};

void nse_snapshot_release(struct nse_snapshot *s);

/*
 * Reads one whole stream of kind snapshot into *s (initialised to zero or
 * released). On error *s is empty: a stream that is not whole leaves nothing.
 */
int nse_snapshot_read(struct nse_snapshot *s, nse_read_fn *read, void *arg,
		      struct nse_error *err);

/* From a descriptor, or from a file name ("-" is stdin). */
int nse_snapshot_read_fd(struct nse_snapshot *s, int fd, struct nse_error *err);
int nse_snapshot_load(struct nse_snapshot *s, const char *path, struct nse_error *err);

/*
 * nse_read_fn and nse_write_fn on an int * file descriptor. A signal that is caught
 * ends the reading with -EINTR, never the writing.
 */
ssize_t nse_fd_read(void *fd, void *p, size_t n);
int nse_fd_write(void *fd, const void *p, size_t n);

/*
 * Writes ctx as a snapshot in the order of keys. The header's kind is set.
 * stats->records counts while it is written: write() may look at it (atomically,
 * since it may run in another thread).
 */
int nse_snapshot_write(const struct nse_context *ctx, struct nse_stream_header *h,
		       nse_write_fn *write, void *arg, struct nse_stream_stats *stats,
		       struct nse_error *err);

/*
 * Writes what turns a into b (states included when flags has NSE_DIFF_STATE)
 * as a delta stream; the digests of both are set in the header.
 */
int nse_delta_write(const struct nse_context *a, const struct nse_context *b,
		    unsigned int flags, struct nse_stream_header *h, nse_write_fn *write,
		    void *arg, struct nse_stream_stats *stats, struct nse_error *err);

/*
 * Writes a delta in memory against base, as above; base is as it is before the
 * delta is applied.
 */
int nse_delta_send(const struct nse_delta *d, const struct nse_context *base,
		   struct nse_stream_header *h, nse_write_fn *write, void *arg,
		   struct nse_stream_stats *stats, struct nse_error *err);

/*
 * Reads a delta stream that was made against ctx into *d (initialised by the
 * caller), without applying it. Errors as of nse_delta_read().
 */
int nse_delta_receive(struct nse_delta *d, const struct nse_context *ctx,
		      nse_read_fn *read, void *arg, struct nse_stream_stats *stats,
		      struct nse_error *err);

/*
 * Reads a delta stream and applies it to ctx. -ESTALE when ctx is not the
 * delta's base, or not its result afterwards. All or nothing: on any error
 * ctx is as it was before.
 */
int nse_delta_read(struct nse_context *ctx, nse_read_fn *read, void *arg,
		   struct nse_stream_stats *stats, struct nse_error *err);

#endif
