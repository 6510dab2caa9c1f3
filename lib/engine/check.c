/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Checking a whole context. Each record is looked at alone, so that a big
 * context is cut into as many parts as there are processors.
 */
#include <pthread.h>
#include <unistd.h>

#include "lib/engine/registry.h"

#define PARTS_MAX 8
#define PART_MIN  8192 /* records, below which a thread costs more than it gains */

struct part {
	const struct nse_context *ctx;
	uint32_t from, to; /* slots */
	int rc;
	struct nse_error err;
	pthread_t thread;
	bool alone; /* in a thread of its own */
};

static void *check_part(void *arg)
{
	struct part *p = arg;
	struct nse_record rec;

	for (uint32_t s = p->from; s < p->to && p->rc == 0; s++) {
		if (!nse_context_at(p->ctx, s, &rec))
			continue;
		p->rc = nse_engines_check_record(&rec, &p->err);
		if (p->rc < 0)
			nse_error_prefix(&p->err, "record %u (%s %s)", s,
					 rec.kind->engine, rec.kind->type);
	}
	return NULL;
}

static unsigned int parts_for(uint32_t slots)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	uint32_t worth = slots / PART_MIN;
	unsigned int n = cpus < PARTS_MAX ? (unsigned int)cpus : PARTS_MAX;

	n = worth < n ? worth : n;
	return cpus > 0 && n > 0 ? n : 1;
}

int nse_engines_check(const struct nse_context *ctx, struct nse_error *err)
{
	uint32_t slots = nse_context_slots(ctx), n = parts_for(slots), each = slots / n;
	struct part parts[PARTS_MAX] = { 0 };
	int rc = 0;

	/* The first part is for this thread, and what gets no thread of its own. */
	for (uint32_t i = n; i-- > 0;) {
		struct part *p = &parts[i];

		p->ctx = ctx;
		p->from = i * each;
		p->to = i + 1 < n ? (i + 1) * each : slots;
		p->alone = i && pthread_create(&p->thread, NULL, check_part, p) == 0;
		if (!p->alone)
			check_part(p);
	}
	for (uint32_t i = 0; i < n; i++) {
		if (parts[i].alone)
			pthread_join(parts[i].thread, NULL);
		if (parts[i].rc < 0 && rc == 0) {
			rc = parts[i].rc;
			if (err)
				*err = parts[i].err;
		}
	}
	return rc;
}
