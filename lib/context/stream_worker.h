/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where full blocks become frames: in a thread of its own behind a bounded
 * queue, or at once in the caller's.
 */
#ifndef NSE_CONTEXT_STREAM_WORKER_H
#define NSE_CONTEXT_STREAM_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "lib/context/stream_rows.h"

#define NSE_WORKER_QUEUE 4 /* blocks that wait at most */

struct nse_worker {
	struct nse_frame_out out;
	struct nse_buf scratch;
	bool threaded;
	pthread_t thread;
	pthread_mutex_t lock; /* of everything below */
	pthread_cond_t changed;
	struct nse_block queue[NSE_WORKER_QUEUE];
	unsigned int head, queued;
	struct nse_buf spare[NSE_WORKER_QUEUE]; /* memory of rows to use again */
	unsigned int spares;
	bool stop, discard;
	struct nse_error err; /* the first one */
	atomic_int failed;    /* its code, without the lock */
};

/* Opens the stream. On error the worker is released by the caller, too. */
int nse_worker_init(struct nse_worker *w, nse_write_fn *write, void *arg,
		    struct nse_error *err);

/* Starts the thread; without it the caller's is used. */
int nse_worker_start(struct nse_worker *w, struct nse_error *err);

/*
 * Hands on a block: its rows are taken and replaced by an empty buffer. 0, or
 * the code of the first error, now or earlier.
 */
int nse_worker_submit(struct nse_worker *w, struct nse_block *b);

/* Notes an error of the caller's own, unless there is one already; its code. */
int nse_worker_fail(struct nse_worker *w, int code, const char *what);

/* Waits until everything is written, ends the thread; the first error. */
int nse_worker_finish(struct nse_worker *w, struct nse_error *err);

/* Throws away what is queued, ends the thread, frees. */
void nse_worker_release(struct nse_worker *w);

#endif
