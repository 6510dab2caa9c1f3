/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Watching a context: what changes on this host, as soon as the kernel tells of it.
 * Engines that can be followed are; any other is collected again when the kernel
 * says that something may have changed, and at every interval, since it does not
 * tell everything. Nothing on the host is touched.
 */
#ifndef NSE_ENGINE_WATCH_H
#define NSE_ENGINE_WATCH_H

#include <poll.h>

#include "lib/engine/follow.h"

struct nse_watch;

struct nse_watch_spec {
	const struct nse_scope *scope;
	uint32_t engines;    /* set of registry.h */
	int64_t interval_us; /* between two looks at what tells nothing by itself */
	bool state;	     /* times and counters are changes, too */
};

/* What changed in one engine's records, or in those of all that are followed. */
struct nse_watch_news {
	const struct nse_context *a, *b; /* the slots of diff: before and after */
	const struct nse_diff *diff;
};

/* 0 or -errno, which ends the round. */
typedef int nse_watch_cb(void *arg, const struct nse_watch_news *news);

/*
 * Collects everything there is, and listens from before that on. The scope is
 * copied. 0 or -errno with a text. Closed by nse_watch_close(NULL ok).
 */
int nse_watch_open(struct nse_watch **w, const struct nse_watch_spec *spec,
		   struct nse_error *err);
void nse_watch_close(struct nse_watch *w);
void nse_watch_closep(struct nse_watch **w);

/* Tells everything that was there at the beginning, as added. */
int nse_watch_first(const struct nse_watch *w, nse_watch_cb *cb, void *arg,
		    struct nse_error *err);

/* Number of records that are known now. */
size_t nse_watch_count(const struct nse_watch *w);

/*
 * What to wait for ahead of the next round: fills in fds, returns how many, and
 * *until_us gets the time of nse_now_us() at which a round is due in any case.
 */
#define NSE_WATCH_FDS 8
size_t nse_watch_fds(const struct nse_watch *w, struct pollfd fds[NSE_WATCH_FDS],
		     int64_t *until_us);

/*
 * Tells what has changed since the last round; it does not wait. No engine is
 * collected so often that this would take more than a fifth of the time. 0, what cb
 * returned, or -errno with a text.
 */
int nse_watch_round(struct nse_watch *w, nse_watch_cb *cb, void *arg,
		    struct nse_error *err);

/* Of the engines that are followed. */
const struct nse_follow_stats *nse_watch_stats(const struct nse_watch *w);

#endif
