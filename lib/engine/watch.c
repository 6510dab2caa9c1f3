/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Watching over the list of engines. What can be followed has one context together;
 * each of the other engines has one of its own, that the next collection is compared
 * with.
 */
#include "lib/engine/watch.h"

#include <errno.h>
#include <string.h>

#include "lib/engine/registry.h"
#include "lib/netlink/nl.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"

#define PARTS	   (NSE_WATCH_FDS / 2)
#define RCVBUF	   (1u << 20) /* news that do not fit are news as well */
#define TAKE_MAX   100000     /* in one go */
#define SHARE	   4	      /* a collection, then that many times its time without */
#define SPACE_US   20000      /* at least that */
#define GLANCE_US  1	      /* for silent records, while there is other news */
#define MAX_BUDGET 2000000

/* An engine that cannot be followed. */
struct part {
	uint32_t set;		 /* the engine alone */
	struct nse_context *now; /* as it was seen last; owned */
	struct nse_nl *nl;	 /* tells that it may have changed; or NULL */
	bool stale;		 /* it has told */
	int64_t seen_us, took_us;
};

struct nse_watch {
	struct nse_watch_spec spec;
	struct nse_scope scope;
	struct nse_follow *follow; /* or NULL: no such engine was chosen */
	struct nse_context *ctx;   /* of the followed ones; owned */
	int64_t tick_us;	   /* when these are all looked at again */
	struct part parts[PARTS];
	size_t n;
};

static int out_of_memory(int rc, struct nse_error *err)
{
	return nse_errno(err, rc, "watching the context");
}

void nse_watch_close(struct nse_watch *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n; i++) {
		nse_context_free(w->parts[i].now);
		nse_nl_close(w->parts[i].nl);
	}
	nse_follow_close(w->follow);
	nse_context_free(w->ctx);
	nse_scope_release(&w->scope);
	free(w);
}

void nse_watch_closep(struct nse_watch **w)
{
	nse_watch_close(*w);
}

static int listen_to(struct part *p, const unsigned int *groups, struct nse_error *err)
{
	int rc = nse_nl_open(&p->nl, RCVBUF, 0, err);

	while (rc == 0 && *groups)
		rc = nse_nl_join(p->nl, *groups++, err);
	return rc;
}

static int ignore(const struct nlmsghdr *nlh, void *arg)
{
	(void)nlh;
	(void)arg;
	return 0;
}

/* Takes what has been told: only that it has, and not what, counts. */
static int hear(struct part *p)
{
	int rc = p->nl ? 1 : 0;

	for (int i = 0; i < TAKE_MAX && rc > 0; i++) {
		rc = nse_nl_take(p->nl, ignore, NULL);
		if (rc == 0)
			break;
		p->stale = true;
		rc = rc == -ENOBUFS ? 1 : rc;
	}
	return rc < 0 ? rc : 0;
}

static int collect(const struct nse_watch *w, struct part *p, struct nse_context **out,
		   struct nse_error *err)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *ctx = nse_context_new();
	struct nse_sink sink = nse_context_sink(ctx);
	int64_t start = nse_now_us();
	int rc;

	if (!ctx)
		return out_of_memory(-ENOMEM, err);
	p->stale = false;
	rc = nse_engines_collect(p->set, &w->scope, &sink, err);
	p->seen_us = nse_now_us();
	p->took_us = p->seen_us - start;
	if (rc == 0)
		*out = nse_take(ctx);
	return rc;
}

static int64_t rest_us(int64_t least_us, int64_t took_us)
{
	return took_us * SHARE > least_us ? took_us * SHARE : least_us;
}

static int64_t due_us(const struct nse_watch *w, const struct part *p)
{
	return p->seen_us +
	       rest_us(p->stale ? SPACE_US : w->spec.interval_us, p->took_us);
}

/* Divides the engines into those that are followed and the others. */
static int divide(struct nse_watch *w, uint32_t *followed, struct nse_error *err)
{
	int rc = 0;

	*followed = 0;
	for (size_t i = 0; nse_engines[i] && rc == 0; i++) {
		const struct nse_engine *e = nse_engines[i];

		if (!(w->spec.engines >> i & 1))
			continue;
		if (e->follow) {
			*followed |= 1u << i;
			continue;
		}
		if (w->n == PARTS)
			return nse_error(err, -E2BIG, "too many engines to be watched");
		w->parts[w->n].set = 1u << i;
		if (e->news)
			rc = listen_to(&w->parts[w->n], e->news, err);
		w->n++;
	}
	return rc;
}

static int follow(struct nse_watch *w, uint32_t set, struct nse_error *err)
{
	int64_t start = nse_now_us();
	int rc = nse_follow_open(&w->follow, set, &w->scope, GLANCE_US, err);

	if (rc < 0)
		return rc;
	nse_follow_quiet(w->follow);
	rc = nse_follow_collect(w->follow, &w->ctx, err);
	w->tick_us = nse_now_us() + rest_us(w->spec.interval_us, nse_now_us() - start);
	return rc;
}

int nse_watch_open(struct nse_watch **out, const struct nse_watch_spec *spec,
		   struct nse_error *err)
{
	NSE_CLEANUP(nse_watch_closep) struct nse_watch *w = calloc(1, sizeof(*w));
	uint32_t followed;
	int rc;

	if (!w)
		return out_of_memory(-ENOMEM, err);
	w->spec = *spec;
	nse_scope_init(&w->scope);
	rc = nse_scope_copy(&w->scope, spec->scope);
	if (rc < 0)
		return out_of_memory(rc, err);
	rc = divide(w, &followed, err);
	if (rc == 0 && followed)
		rc = follow(w, followed, err);
	for (size_t i = 0; i < w->n && rc == 0; i++)
		rc = collect(w, &w->parts[i], &w->parts[i].now, err);
	if (rc == 0)
		*out = nse_take(w);
	return rc;
}

/* Compares as `diff` does and tells; nothing when they are alike. */
static int tell(const struct nse_watch *w, const struct nse_context *a,
		const struct nse_context *b, nse_watch_cb *cb, void *arg,
		struct nse_error *err)
{
	NSE_CLEANUP(nse_diff_release) struct nse_diff diff = { 0 };
	const struct nse_watch_news news = { a, b, &diff };
	int rc = nse_engines_diff(a, b, w->spec.state ? NSE_DIFF_STATE : 0, &diff, err);

	return rc < 0 || diff.n == 0 ? rc : cb(arg, &news);
}

int nse_watch_first(const struct nse_watch *w, nse_watch_cb *cb, void *arg,
		    struct nse_error *err)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *none = nse_context_new();
	int rc = none ? 0 : out_of_memory(-ENOMEM, err);

	for (size_t i = 0; i < w->n && rc == 0; i++)
		rc = tell(w, none, w->parts[i].now, cb, arg, err);
	return rc == 0 && w->ctx ? tell(w, none, w->ctx, cb, arg, err) : rc;
}

size_t nse_watch_count(const struct nse_watch *w)
{
	size_t n = w->ctx ? nse_context_count(w->ctx) : 0;

	for (size_t i = 0; i < w->n; i++)
		n += nse_context_count(w->parts[i].now);
	return n;
}

size_t nse_watch_fds(const struct nse_watch *w, struct pollfd fds[NSE_WATCH_FDS],
		     int64_t *until_us)
{
	size_t n = w->follow ? nse_follow_fds(w->follow, fds, NSE_WATCH_FDS - PARTS) : 0;

	*until_us = w->follow ? w->tick_us : NSE_FOREVER;
	for (size_t i = 0; i < w->n; i++) {
		int64_t due = due_us(w, &w->parts[i]);

		if (due < *until_us)
			*until_us = due;
		/* What has told already is due then, and no sooner. */
		if (w->parts[i].nl && !w->parts[i].stale)
			fds[n++] = (struct pollfd){ .fd = nse_nl_fd(w->parts[i].nl),
						    .events = POLLIN };
	}
	return n;
}

static int add_item(struct nse_diff *diff, enum nse_change change, uint32_t a, uint32_t b)
{
	diff->items[diff->n++] = (struct nse_diff_item){ change, a, b };
	diff->added += change == NSE_ADDED;
	diff->removed += change == NSE_REMOVED;
	diff->changed += change == NSE_CHANGED;
	return 0;
}

/* What a delta does to ctx, in the order in which it came to be known. */
static int diff_of(const struct nse_watch *w, const struct nse_delta *d,
		   struct nse_diff *diff)
{
	struct nse_record rec, old;
	uint32_t slot;

	diff->items = calloc(nse_context_count(d->puts) + nse_context_count(d->dels) + 1,
			     sizeof(*diff->items));
	if (!diff->items)
		return -ENOMEM;
	for (uint32_t s = 0; s < nse_context_slots(d->dels); s++) {
		if (!nse_context_at(d->dels, s, &rec))
			continue;
		slot = nse_context_find(w->ctx, rec.kind, rec.key);
		if (slot != NSE_CONTEXT_NONE)
			add_item(diff, NSE_REMOVED, slot, NSE_CONTEXT_NONE);
	}
	for (uint32_t s = 0; s < nse_context_slots(d->puts); s++) {
		if (!nse_context_at(d->puts, s, &rec))
			continue;
		slot = nse_context_find(w->ctx, rec.kind, rec.key);
		if (slot == NSE_CONTEXT_NONE)
			add_item(diff, NSE_ADDED, slot, s);
		else if (nse_context_at(w->ctx, slot, &old) &&
			 (w->spec.state || !nse_bytes_equal(old.body, rec.body)))
			add_item(diff, NSE_CHANGED, slot, s);
	}
	return 0;
}

static int tell_delta(struct nse_watch *w, const struct nse_delta *d, nse_watch_cb *cb,
		      void *arg, struct nse_error *err)
{
	NSE_CLEANUP(nse_diff_release) struct nse_diff diff = { 0 };
	const struct nse_watch_news news = { w->ctx, d->puts, &diff };
	int rc = diff_of(w, d, &diff);

	if (rc < 0)
		return out_of_memory(rc, err);
	if (diff.n)
		rc = cb(arg, &news);
	if (rc < 0)
		return rc;
	rc = nse_delta_apply(d, w->ctx);
	return rc < 0 ? out_of_memory(rc, err) : 0;
}

static int round_followed(struct nse_watch *w, nse_watch_cb *cb, void *arg,
			  struct nse_error *err)
{
	NSE_CLEANUP(nse_delta_release) struct nse_delta d = { 0 };
	int64_t start = nse_now_us();
	bool tick = start >= w->tick_us;
	int rc = nse_delta_init(&d);

	if (rc < 0)
		return out_of_memory(rc, err);
	/* At a tick it is as at a migration's end: all that is silent is looked at. */
	nse_follow_budget(w->follow, tick ? MAX_BUDGET : GLANCE_US);
	rc = nse_follow_changes(w->follow, w->ctx, tick, &d, err);
	if (tick)
		w->tick_us =
			nse_now_us() + rest_us(w->spec.interval_us, nse_now_us() - start);
	return rc < 0 ? rc : tell_delta(w, &d, cb, arg, err);
}

static int round_part(struct nse_watch *w, struct part *p, nse_watch_cb *cb, void *arg,
		      struct nse_error *err)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *before = NULL;
	struct nse_context *now = NULL;
	int rc = hear(p);

	if (rc < 0)
		return nse_errno(err, rc, "listening for changes");
	if (nse_now_us() < due_us(w, p))
		return 0;
	rc = collect(w, p, &now, err);
	if (rc < 0)
		return rc;
	before = p->now;
	p->now = now;
	return tell(w, before, now, cb, arg, err);
}

int nse_watch_round(struct nse_watch *w, nse_watch_cb *cb, void *arg,
		    struct nse_error *err)
{
	int rc = w->follow ? round_followed(w, cb, arg, err) : 0;

	for (size_t i = 0; i < w->n && rc == 0; i++)
		rc = round_part(w, &w->parts[i], cb, arg, err);
	return rc;
}

const struct nse_follow_stats *nse_watch_stats(const struct nse_watch *w)
{
	static const struct nse_follow_stats none;

	return w->follow ? nse_follow_stats(w->follow) : &none;
}
