/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Checking a whole context. Each record is looked at alone, so that as many
 * threads as there are processors take piece after piece of a big one: what is
 * costly, such as rules, lies together.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "lib/engine/registry.h"

#define THREADS_MAX 8
#define THREAD_MIN  8192 /* records, below which a thread costs more than it gains */
#define PIECE	    1024 /* slots */

struct checking {
	const struct nse_context *ctx;
	uint32_t slots;
	atomic_uint next; /* the first slot that nobody has taken */
};

/* What one thread has found: the first of its pieces with something bad. */
struct part {
	struct checking *all;
	uint32_t slot;
	int rc;
	struct nse_error err;
	pthread_t thread;
	bool alone; /* in a thread of its own */
};

static void check_piece(struct part *p, uint32_t from, uint32_t to)
{
	struct nse_record rec;

	for (uint32_t s = from; s < to && p->rc == 0; s++) {
		if (!nse_context_at(p->all->ctx, s, &rec))
			continue;
		p->rc = nse_engines_check_record(&rec, &p->err);
		p->slot = s;
		if (p->rc < 0)
			nse_error_prefix(&p->err, "record %u (%s %s)", s,
					 rec.kind->engine, rec.kind->type);
	}
}

/* Pieces are taken in their order: what is bad first is always found. */
static void *check_part(void *arg)
{
	struct part *p = arg;
	uint32_t slots = p->all->slots, from;

	while (p->rc == 0 && (from = atomic_fetch_add(&p->all->next, PIECE)) < slots)
		check_piece(p, from, slots - from > PIECE ? from + PIECE : slots);
	return NULL;
}

static unsigned int threads_for(uint32_t slots)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint32_t worth = slots / THREAD_MIN;
	unsigned int n = cpus < THREADS_MAX ? (unsigned int)cpus : THREADS_MAX;

	n = worth < n ? worth : n;
	return cpus > 0 && n > 0 ? n : 1;
}

int nse_engines_check(const struct nse_context *ctx, struct nse_error *err)
{
	struct checking all = { .ctx = ctx, .slots = nse_context_slots(ctx) };
	unsigned int n = threads_for(all.slots);
	struct part parts[THREADS_MAX] = { 0 }, *bad = NULL;

	for (unsigned int i = n; i-- > 0;) {
		parts[i].all = &all;
		parts[i].alone = i && pthread_create(&parts[i].thread, NULL, check_part,
						     &parts[i]) == 0;
	}
	check_part(&parts[0]);
	for (unsigned int i = 0; i < n; i++) {
		if (parts[i].alone)
			pthread_join(parts[i].thread, NULL);
		if (parts[i].rc < 0 && (!bad || parts[i].slot < bad->slot))
			bad = &parts[i];
	}
	if (bad && err)
		*err = bad->err;
	return bad ? bad->rc : 0;
}
