/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The job: what became of each record of a context, and why not. Engines only
 * report outcomes; the counting and the keeping of reasons is done here, once.
 */
#include "lib/engine/engine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int nse_job_init(struct nse_job *job, const struct nse_context *ctx, unsigned int flags)
{
	*job = (struct nse_job){ .ctx = ctx, .flags = flags };
	job->room = nse_context_slots(ctx);
	job->outcome = calloc((size_t)job->room + 1, 1);
	return job->outcome ? 0 : -ENOMEM;
}

int nse_job_grow(struct nse_job *job)
{
	uint32_t n = nse_context_slots(job->ctx);
	uint8_t *p;

	if (n <= job->room)
		return 0;
	n += n / 4;
	p = realloc(job->outcome, (size_t)n + 1);
	if (!p)
		return -ENOMEM;
	memset(p + job->room, NSE_UNTOUCHED, (size_t)n + 1 - job->room);
	job->outcome = p;
	job->room = n;
	return 0;
}

void nse_job_release(struct nse_job *job)
{
	for (size_t i = 0; i < job->nrefusals; i++)
		free(job->refusals[i].why);
	for (size_t i = 0; i < job->ndifferences; i++)
		free(job->differences[i].why);
	free(job->differences);
	free(job->refusals);
	free(job->outcome);
	nse_context_free(job->owned);
	*job = (struct nse_job){ 0 };
}

static uint64_t *counter(struct nse_job *job, uint8_t outcome)
{
	switch ((enum nse_outcome)outcome) {
	case NSE_CREATED:
		return &job->created;
	case NSE_KEPT:
		return &job->kept;
	case NSE_REFUSED:
		return &job->refused;
	case NSE_REMOVED_OK:
		return &job->removed;
	case NSE_ABSENT:
		return &job->absent;
	case NSE_UNTOUCHED:
		break;
	}
	return NULL;
}

/* A slot that is no longer refused, or kept for a reason, has none any more. */
static void forget_refusal(struct nse_job *job, uint32_t slot)
{
	for (size_t i = 0; i < job->nrefusals; i++) {
		if (job->refusals[i].slot != slot)
			continue;
		free(job->refusals[i].why);
		job->nrefusals--;
		memmove(&job->refusals[i], &job->refusals[i + 1],
			(job->nrefusals - i) * sizeof(*job->refusals));
		return;
	}
}

void nse_job_outcome(struct nse_job *job, uint32_t slot, enum nse_outcome outcome)
{
	uint64_t *n;

	if (slot >= nse_context_slots(job->ctx))
		return;
	n = counter(job, job->outcome[slot]);
	if (n)
		(*n)--;
	if (job->outcome[slot] == NSE_REFUSED || job->outcome[slot] == NSE_KEPT)
		forget_refusal(job, slot);
	job->outcome[slot] = (uint8_t)outcome;
	n = counter(job, job->outcome[slot]);
	if (n)
		(*n)++;
}

/* Keeps the reason, up to NSE_REFUSALS_MAX of them. */
static void add_reason(struct nse_job *job, uint32_t slot, int code, const char *fmt,
		       va_list ap)
{
	struct nse_refusal *items;
	char *why = NULL;

	if (job->nrefusals == NSE_REFUSALS_MAX)
		return;
	items = realloc(job->refusals, (job->nrefusals + 1) * sizeof(*items));
	if (!items)
		return; /* counted; only the text is missing */
	job->refusals = items;
	if (vasprintf(&why, fmt, ap) < 0)
		why = NULL;
	if (why)
		items[job->nrefusals++] = (struct nse_refusal){ slot, code, why };
}

void nse_job_refuse(struct nse_job *job, uint32_t slot, int code, const char *fmt, ...)
{
	va_list ap;

	if (slot >= nse_context_slots(job->ctx))
		return;
	nse_job_outcome(job, slot, NSE_REFUSED);
	va_start(ap, fmt);
	add_reason(job, slot, code, fmt, ap);
	va_end(ap);
}

void nse_job_keep(struct nse_job *job, uint32_t slot, int code, const char *fmt, ...)
{
	va_list ap;

	if (slot >= nse_context_slots(job->ctx))
		return;
	nse_job_outcome(job, slot, NSE_KEPT);
	va_start(ap, fmt);
	add_reason(job, slot, code, fmt, ap);
	va_end(ap);
}

void nse_job_tell_difference(struct nse_job *job, uint32_t slot, const char *why)
{
	size_t n = job->ndifferences;
	struct nse_refusal *items;
	char *text;

	if (n == NSE_DIFFERENCES_MAX)
		return;
	items = realloc(job->differences, (n + 1) * sizeof(*items));
	if (!items)
		return; /* counted; only the text is missing */
	job->differences = items;
	text = strdup(why);
	if (text)
		items[job->ndifferences++] = (struct nse_refusal){ slot, -EUCLEAN, text };
}
