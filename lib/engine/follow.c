/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Following over the list of engines. An engine that can be followed tells its
 * changes itself; when it has lost track it is collected anew and compared. Any
 * other is collected and compared only when everything has to be known.
 */
#include "lib/engine/follow.h"

#include <errno.h>
#include <string.h>

#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"

#define MAX_ENGINES 32 /* of a set */

struct nse_follow {
	struct nse_scope scope; /* the engines hold on to it */
	uint32_t engines;
	int64_t budget_us;
	struct nse_follow_stats stats;
	void *states[MAX_ENGINES]; /* of engines that are followed; NULL: not open */
	uint32_t unbegun;	   /* a set: begin() has to come before changes() */
	/*
	 * Keys that the caller's context may hold of engines that are not followed:
	 * those are found without a walk through all records.
	 */
	struct nse_context *known;
};

static bool chosen(const struct nse_follow *f, size_t i)
{
	return f->engines >> i & 1;
}

static int out_of_memory(int rc, struct nse_error *err)
{
	return nse_errno(err, rc, "following the context");
}

void nse_follow_close(struct nse_follow *f)
{
	if (!f)
		return;
	for (size_t i = 0; nse_engines[i]; i++)
		if (f->states[i])
			nse_engines[i]->follow->close(f->states[i]);
	nse_context_free(f->known);
	nse_scope_release(&f->scope);
	free(f);
}

void nse_follow_closep(struct nse_follow **f)
{
	nse_follow_close(*f);
}

int nse_follow_open(struct nse_follow **out, uint32_t engines,
		    const struct nse_scope *scope, int64_t budget_us,
		    struct nse_error *err)
{
	NSE_CLEANUP(nse_follow_closep) struct nse_follow *f = calloc(1, sizeof(*f));
	int rc;

	if (!f)
		return out_of_memory(-ENOMEM, err);
	f->engines = engines;
	f->budget_us = budget_us;
	nse_scope_init(&f->scope);
	rc = nse_scope_copy(&f->scope, scope);
	if (rc < 0)
		return out_of_memory(rc, err);
	for (size_t i = 0; nse_engines[i] && rc == 0; i++)
		if (chosen(f, i) && nse_engines[i]->follow)
			rc = nse_engines[i]->follow->open(&f->scope, &f->states[i], err);
	if (rc == 0)
		*out = nse_take(f);
	return rc;
}

void nse_follow_quiet(struct nse_follow *f)
{
	for (size_t i = 0; nse_engines[i]; i++)
		if (f->states[i])
			nse_engines[i]->follow->quiet(f->states[i]);
}

void nse_follow_budget(struct nse_follow *f, int64_t budget_us)
{
	f->budget_us = budget_us;
}

size_t nse_follow_fds(const struct nse_follow *f, struct pollfd *fds, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; nse_engines[i] && n < max; i++)
		if (f->states[i])
			fds[n++] = (struct pollfd){
				.fd = nse_engines[i]->follow->fd(f->states[i]),
				.events = POLLIN,
			};
	return n;
}

static int begin(struct nse_follow *f, size_t i, const struct nse_context *ctx,
		 struct nse_error *err)
{
	int rc = nse_engines[i]->follow->begin(f->states[i], ctx, err);

	if (rc == 0)
		f->unbegun &= ~(1u << i);
	return rc;
}

/* Adds the keys of an engine's records to what the caller may hold. */
static int know(struct nse_follow *f, const struct nse_engine *e,
		const struct nse_context *ctx, struct nse_error *err)
{
	struct nse_record rec;
	int rc = 0;

	for (uint32_t s = 0; s < nse_context_slots(ctx) && rc == 0; s++) {
		if (!nse_context_at(ctx, s, &rec) ||
		    strcmp(rec.kind->engine, e->name) != 0)
			continue;
		rec.body.n = rec.state.n = 0;
		rc = nse_context_put(f->known, &rec, NULL);
	}
	return rc < 0 ? out_of_memory(rc, err) : 0;
}

int nse_follow_collect(struct nse_follow *f, struct nse_context **out,
		       struct nse_error *err)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *ctx = nse_context_new();
	struct nse_sink sink = nse_context_sink(ctx);
	int rc;

	nse_context_free(f->known);
	f->known = nse_context_new();
	if (!ctx || !f->known)
		return out_of_memory(-ENOMEM, err);
	rc = nse_engines_collect(f->engines, &f->scope, &sink, err);
	for (size_t i = 0; nse_engines[i] && rc == 0; i++) {
		if (f->states[i])
			rc = begin(f, i, ctx, err);
		else if (chosen(f, i))
			rc = know(f, nse_engines[i], ctx, err);
	}
	if (rc == 0)
		*out = nse_take(ctx);
	return rc;
}

/* Appends the records of `fresh` that ctx does not have, or has otherwise. */
static int put_changed(const struct nse_context *ctx, const struct nse_context *fresh,
		       struct nse_delta *d)
{
	struct nse_record rec, old;
	int rc = 0;

	for (uint32_t s = 0; s < nse_context_slots(fresh) && rc == 0; s++) {
		uint32_t slot;

		if (!nse_context_at(fresh, s, &rec))
			continue;
		slot = nse_context_find(ctx, rec.kind, rec.key);
		if (slot != NSE_CONTEXT_NONE && nse_context_at(ctx, slot, &old) &&
		    nse_bytes_equal(old.body, rec.body) &&
		    nse_bytes_equal(old.state, rec.state))
			continue;
		rc = nse_delta_put(d, &rec);
	}
	return rc;
}

/* Appends the deletion of the engine's keys in `among` that only ctx has. */
static int del_missing(const struct nse_engine *e, const struct nse_context *ctx,
		       const struct nse_context *among, const struct nse_context *fresh,
		       struct nse_delta *d)
{
	struct nse_record rec;
	int rc = 0;

	for (uint32_t s = 0; s < nse_context_slots(among) && rc == 0; s++)
		if (nse_context_at(among, s, &rec) &&
		    strcmp(rec.kind->engine, e->name) == 0 &&
		    nse_context_find(fresh, rec.kind, rec.key) == NSE_CONTEXT_NONE &&
		    nse_context_find(ctx, rec.kind, rec.key) != NSE_CONTEXT_NONE)
			rc = nse_delta_del(d, rec.kind, rec.key);
	return rc;
}

/* Collects an engine anew, and appends how its records in ctx have to change. */
static int compare(struct nse_follow *f, const struct nse_engine *e,
		   const struct nse_context *ctx, const struct nse_context *among,
		   struct nse_context **out, struct nse_delta *d, struct nse_error *err)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *fresh = nse_context_new();
	struct nse_sink sink = nse_context_sink(fresh);
	int rc;

	if (!fresh)
		return out_of_memory(-ENOMEM, err);
	rc = e->collect(&f->scope, &sink, err);
	if (rc < 0)
		return rc;
	rc = put_changed(ctx, fresh, d) ?: del_missing(e, ctx, among, fresh, d);
	if (rc < 0)
		return out_of_memory(rc, err);
	*out = nse_take(fresh);
	return 0;
}

/* The caller's context gets what it is told now. */
static int recollect(struct nse_follow *f, const struct nse_engine *e,
		     const struct nse_context *ctx, struct nse_delta *d,
		     struct nse_error *err)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *fresh = NULL;
	int rc = compare(f, e, ctx, f->known, &fresh, d, err);

	return rc ?: know(f, e, fresh, err);
}

/*
 * Events were lost. With last = true nothing changes after this collection, and
 * finding out again who tells of changes can wait until it is needed.
 */
static int resync(struct nse_follow *f, size_t i, const struct nse_context *ctx,
		  bool last, struct nse_delta *d, struct nse_error *err)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *fresh = NULL;
	const struct nse_engine *e = nse_engines[i];
	int rc;

	f->stats.resyncs++;
	nse_context_del_engine(d->puts, e->name);
	nse_context_del_engine(d->dels, e->name);
	rc = compare(f, e, ctx, ctx, &fresh, d, err);
	if (rc < 0)
		return rc;
	f->unbegun |= 1u << i;
	return last ? 0 : begin(f, i, fresh, err);
}

static int follow(struct nse_follow *f, size_t i, const struct nse_context *ctx,
		  bool last, struct nse_delta *d, struct nse_error *err)
{
	const struct nse_follow_ops *ops = nse_engines[i]->follow;
	struct nse_follow_stats now = { 0 };
	int rc = 0;

	if (f->unbegun >> i & 1)
		rc = begin(f, i, ctx, err);
	if (rc < 0)
		return rc;
	rc = ops->changes(f->states[i], ctx, last, f->budget_us, d, &now, err);
	f->stats.events += now.events;
	f->stats.checked += now.checked;
	if (rc == -ENOBUFS)
		return resync(f, i, ctx, last, d, err);
	f->stats.silent += now.silent;
	f->stats.left += now.left;
	return rc;
}

int nse_follow_changes(struct nse_follow *f, const struct nse_context *ctx, bool last,
		       struct nse_delta *d, struct nse_error *err)
{
	int rc = 0;

	f->stats.silent = f->stats.left = 0;
	for (size_t i = 0; nse_engines[i] && rc == 0; i++) {
		if (f->states[i])
			rc = follow(f, i, ctx, last, d, err);
		else if (last && chosen(f, i))
			rc = recollect(f, nse_engines[i], ctx, d, err);
	}
	return rc;
}

const struct nse_follow_stats *nse_follow_stats(const struct nse_follow *f)
{
	return &f->stats;
}
