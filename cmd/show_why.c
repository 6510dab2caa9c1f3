/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reasons by slot. They are found in a second look at the host: what has
 * changed since the first one has no reason.
 */
#include "cmd/show_why.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/engine/nft/explain.h"

struct asking {
	struct show_why *w;
	const struct nse_context *ctx;
};

static int add_staying(struct show_why *w, const char *text)
{
	char **p = realloc(w->staying, (w->nstaying + 1) * sizeof(*p));

	if (!p)
		return -ENOMEM;
	w->staying = p;
	p[w->nstaying] = strdup(text);
	return p[w->nstaying] ? (w->nstaying++, 0) : -ENOMEM;
}

static int on_reason(void *arg, const struct nse_record *rec, const char *why)
{
	struct asking *a = arg;
	struct nse_record ours;
	uint32_t slot;

	if (!rec)
		return add_staying(a->w, why);
	slot = nse_context_find(a->ctx, rec->kind, rec->key);
	if (slot >= a->w->n || a->w->by_slot[slot] ||
	    !nse_context_at(a->ctx, slot, &ours) ||
	    !nse_bytes_equal(ours.body, rec->body))
		return 0;
	a->w->by_slot[slot] = strdup(why);
	return a->w->by_slot[slot] ? 0 : -ENOMEM;
}

int show_why_load(struct show_why *w, const struct nse_context *ctx,
		  const struct nse_scope *scope, struct nse_error *err)
{
	struct asking a = { w, ctx };

	w->by_slot = calloc(nse_context_slots(ctx) + 1ul, sizeof(*w->by_slot));
	if (!w->by_slot)
		return nse_error(err, -ENOMEM, "out of memory");
	w->n = nse_context_slots(ctx);
	return nft_explain(scope, on_reason, &a, err);
}

const char *show_why_at(const struct show_why *w, uint32_t slot)
{
	return slot < w->n ? w->by_slot[slot] : NULL;
}

/* The next record of the engine that has reasons, from *slot on. */
static bool next_record(const struct nse_context *ctx, uint32_t *slot,
			struct nse_record *rec)
{
	while (*slot < nse_context_slots(ctx))
		if (nse_context_at(ctx, (*slot)++, rec) &&
		    strcmp(rec->kind->engine, "nft") == 0)
			return true;
	return false;
}

int show_why_moved(struct show_why *w, const struct nse_context *from,
		   const struct nse_context *to, struct nse_error *err)
{
	char **reasons = calloc(nse_context_slots(to) + 1ul, sizeof(*reasons));
	struct nse_record a, b;
	uint32_t i = 0, j = 0;

	if (!reasons)
		return nse_error(err, -ENOMEM, "out of memory");
	while (next_record(from, &i, &a) && next_record(to, &j, &b)) {
		if (i > w->n || !nse_kind_equal(a.kind, b.kind))
			continue;
		reasons[j - 1] = w->by_slot[i - 1];
		w->by_slot[i - 1] = NULL;
	}
	for (uint32_t s = 0; s < w->n; s++)
		free(w->by_slot[s]);
	free(w->by_slot);
	w->by_slot = reasons;
	w->n = nse_context_slots(to);
	return 0;
}

void show_why_release(struct show_why *w)
{
	for (uint32_t s = 0; s < w->n; s++)
		free(w->by_slot[s]);
	for (size_t i = 0; i < w->nstaying; i++)
		free(w->staying[i]);
	free(w->by_slot);
	free(w->staying);
	*w = (struct show_why){ .by_slot = NULL };
}
