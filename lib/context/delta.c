/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Collecting and applying a delta. What it would make of a context is known
 * by its digest before anything is changed, and room is made beforehand, so
 * that applying cannot fail half-way and nothing ever has to be taken back.
 */
#include "lib/context/delta.h"

#include <errno.h>
#include <string.h>

int nse_delta_init(struct nse_delta *d)
{
	d->nresets = 0;
	d->puts = nse_context_new();
	d->dels = nse_context_new();
	return d->puts && d->dels ? 0 : -ENOMEM;
}

void nse_delta_release(struct nse_delta *d)
{
	nse_context_free(d->puts);
	nse_context_free(d->dels);
	d->puts = d->dels = NULL;
}

int nse_delta_put(struct nse_delta *d, const struct nse_record *rec)
{
	nse_context_del(d->dels, rec->kind, rec->key);
	return nse_context_put(d->puts, rec, NULL);
}

int nse_delta_del(struct nse_delta *d, const struct nse_kind *kind, struct nse_bytes key)
{
	struct nse_record rec = { .kind = kind, .key = key };

	nse_context_del(d->puts, kind, key);
	return nse_context_put(d->dels, &rec, NULL);
}

static bool is_reset(const struct nse_delta *d, const char *engine)
{
	for (size_t i = 0; i < d->nresets; i++)
		if (strcmp(d->resets[i], engine) == 0)
			return true;
	return false;
}

int nse_delta_reset(struct nse_delta *d, const char *engine)
{
	nse_context_del_engine(d->puts, engine);
	nse_context_del_engine(d->dels, engine);
	if (is_reset(d, engine))
		return 0;
	if (d->nresets == NSE_DELTA_MAX_RESETS)
		return -E2BIG;
	strncpy(d->resets[d->nresets++], engine, NSE_KIND_NAME - 1);
	return 0;
}

/* What is gone from the digest when a record is replaced or deleted. */
static uint64_t loss(const struct nse_delta *d, const struct nse_context *ctx,
		     const struct nse_record *key)
{
	uint32_t slot = nse_context_find(ctx, key->kind, key->key);
	struct nse_record old;

	if (slot == NSE_CONTEXT_NONE || is_reset(d, key->kind->engine))
		return 0;
	nse_context_at(ctx, slot, &old);
	return nse_record_digest(&old) + 1;
}

uint64_t nse_delta_result(const struct nse_delta *d, const struct nse_context *ctx)
{
	uint64_t digest = nse_context_digest(ctx, false);
	struct nse_record rec;

	for (uint32_t s = 0; d->nresets && s < nse_context_slots(ctx); s++)
		if (nse_context_at(ctx, s, &rec) && is_reset(d, rec.kind->engine))
			digest -= nse_record_digest(&rec) + 1;
	for (uint32_t s = 0; s < nse_context_slots(d->dels); s++)
		if (nse_context_at(d->dels, s, &rec))
			digest -= loss(d, ctx, &rec);
	for (uint32_t s = 0; s < nse_context_slots(d->puts); s++)
		if (nse_context_at(d->puts, s, &rec))
			digest += nse_record_digest(&rec) + 1 - loss(d, ctx, &rec);
	return digest;
}

int nse_delta_apply(const struct nse_delta *d, struct nse_context *ctx)
{
	struct nse_record rec;
	int rc = nse_context_reserve(ctx, d->puts);

	for (size_t i = 0; rc == 0 && i < d->nresets; i++)
		nse_context_del_engine(ctx, d->resets[i]);
	for (uint32_t s = 0; rc == 0 && s < nse_context_slots(d->dels); s++)
		if (nse_context_at(d->dels, s, &rec))
			nse_context_del(ctx, rec.kind, rec.key);
	for (uint32_t s = 0; rc == 0 && s < nse_context_slots(d->puts); s++)
		if (nse_context_at(d->puts, s, &rec))
			rc = nse_context_put(ctx, &rec, NULL);
	return rc;
}
