/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The thread that transposes, compresses and writes, so that the one which
 * reads the kernel's tables only copies records.
 */
#include "lib/context/stream_worker.h"

#include <errno.h>
#include <signal.h>

#define BLOCK_MAX NSE_STREAM_MAX_FRAME

static void fail(struct nse_worker *w, const struct nse_error *err)
{
	if (w->failed)
		return;
	w->err = *err;
	w->failed = err->code;
}

/* Waits for a block: false when there will be none any more. */
static bool next_block(struct nse_worker *w, struct nse_block *b)
{
	while (!w->queued && !w->stop)
		pthread_cond_wait(&w->changed, &w->lock);
	if (!w->queued || w->discard)
		return false;
	*b = w->queue[w->head];
	w->head = (w->head + 1) % NSE_WORKER_QUEUE;
	w->queued--;
	pthread_cond_broadcast(&w->changed);
	return true;
}

/* Keeps the memory for another block. */
static void keep_rows(struct nse_worker *w, struct nse_buf *rows)
{
	if (rows->cap && w->spares < NSE_WORKER_QUEUE)
		w->spare[w->spares++] = *rows;
	else
		nse_buf_release(rows);
}

static void *work(void *arg)
{
	struct nse_worker *w = arg;
	struct nse_block b;

	pthread_mutex_lock(&w->lock);
	while (next_block(w, &b)) {
		struct nse_error err = { 0 };
		bool failed = w->failed;
		int rc = 0;

		pthread_mutex_unlock(&w->lock);
		if (!failed)
			rc = nse_block_write(&b, &w->out, &w->scratch, &err);
		pthread_mutex_lock(&w->lock);
		if (rc < 0)
			fail(w, &err);
		keep_rows(w, &b.rows);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

int nse_worker_init(struct nse_worker *w, nse_write_fn *write, void *arg,
		    struct nse_error *err)
{
	*w = (struct nse_worker){ .scratch = NSE_BUF_INIT(BLOCK_MAX) };
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	return nse_frame_out_open(&w->out, write, arg, err);
}

int nse_worker_start(struct nse_worker *w, struct nse_error *err)
{
	sigset_t all, old;
	int rc;

	/* Signals are for the threads that know what to do about them. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&w->thread, NULL, work, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc)
		return nse_errno(err, -rc, "cannot start a thread");
	w->threaded = true;
	return 0;
}

static int submit_inline(struct nse_worker *w, struct nse_block *b)
{
	struct nse_error err = { 0 };

	if (!w->failed && nse_block_write(b, &w->out, &w->scratch, &err) < 0)
		fail(w, &err);
	nse_buf_reset(&b->rows);
	return w->failed;
}

int nse_worker_submit(struct nse_worker *w, struct nse_block *b)
{
	if (!w->threaded)
		return submit_inline(w, b);
	pthread_mutex_lock(&w->lock);
	while (w->queued == NSE_WORKER_QUEUE)
		pthread_cond_wait(&w->changed, &w->lock);
	w->queue[(w->head + w->queued++) % NSE_WORKER_QUEUE] = *b;
	b->rows = (struct nse_buf)NSE_BUF_INIT(b->rows.max);
	if (w->spares && b->op != NSE_BLOCK_RESET) {
		b->rows = w->spare[--w->spares];
		nse_buf_reset(&b->rows);
	}
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	return w->failed;
}

int nse_worker_fail(struct nse_worker *w, int code, const char *what)
{
	struct nse_error err;

	nse_errno(&err, code, "%s", what);
	pthread_mutex_lock(&w->lock);
	fail(w, &err);
	pthread_mutex_unlock(&w->lock);
	return w->failed;
}

static void end_thread(struct nse_worker *w, bool discard)
{
	if (!w->threaded)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	w->discard = discard;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	w->threaded = false;
}

int nse_worker_finish(struct nse_worker *w, struct nse_error *err)
{
	end_thread(w, false);
	if (w->failed)
		return nse_error(err, w->err.code, "%s", w->err.text);
	return 0;
}

void nse_worker_release(struct nse_worker *w)
{
	end_thread(w, true);
	for (; w->queued; w->queued--) {
		nse_buf_release(&w->queue[w->head].rows);
		w->head = (w->head + 1) % NSE_WORKER_QUEUE;
	}
	while (w->spares)
		nse_buf_release(&w->spare[--w->spares]);
	nse_buf_release(&w->scratch);
	nse_frame_out_release(&w->out);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
}
