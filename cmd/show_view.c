/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records as JSON, and the threads that make it: the JSON of a million records
 * takes far longer than reading them.
 */
#include "cmd/show_view.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/engine/registry.h"

#define PART_MIN 2048 /* records for which a thread is worth while */

void show_view_release(struct show_view *v)
{
	nse_snapshot_release(&v->snap);
	show_why_release(&v->why);
	free(v->slots);
	free(v->numbers);
}

int show_view_number(struct show_view *v)
{
	v->numbers = calloc(nse_context_slots(v->snap.ctx) + 1ul, sizeof(*v->numbers));
	for (size_t i = 0; v->numbers && i < v->n; i++)
		v->numbers[v->slots[i]] = (uint32_t)i + 1;
	return v->numbers ? 0 : -ENOMEM;
}

json_t *show_view_record(const struct show_view *v, size_t i)
{
	const char *why = show_why_at(&v->why, v->slots[i]);
	struct nse_record rec;
	json_t *json = NULL;

	if (nse_context_at(v->snap.ctx, v->slots[i], &rec))
		json = nse_record_to_json(&rec);
	if (json && why)
		json_object_set_new(json, "why", json_string(why));
	if (json && v->numbers)
		json_object_set_new(json, "number",
				    json_integer(v->numbers[v->slots[i]]));
	return json;
}

unsigned int show_parts(size_t n)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t parts = n / PART_MIN;

	if (cpus < 1 || parts < 1)
		return 1;
	if (parts > (size_t)cpus)
		parts = (size_t)cpus;
	return parts > SHOW_PARTS_MAX ? SHOW_PARTS_MAX : (unsigned int)parts;
}

struct part {
	pthread_t thread;
	show_work *work;
	void *arg;
	unsigned int number;
	size_t from, to;
};

static void *run(void *arg)
{
	struct part *p = arg;

	p->work(p->arg, p->number, p->from, p->to);
	return NULL;
}

void show_share(size_t n, show_work *work, void *arg)
{
	struct part parts[SHOW_PARTS_MAX];
	bool alone[SHOW_PARTS_MAX];
	unsigned int count = show_parts(n);

	/* jansson chooses the seed of its hashes once, and not in two threads. */
	json_object_seed(0);
	for (unsigned int i = count; i-- > 0;) {
		parts[i] = (struct part){ .work = work,
					  .arg = arg,
					  .number = i,
					  .from = n * i / count,
					  .to = n * (i + 1) / count };
		alone[i] = i && !pthread_create(&parts[i].thread, NULL, run, &parts[i]);
		if (!alone[i])
			run(&parts[i]);
	}
	for (unsigned int i = 0; i < count; i++)
		if (alone[i])
			pthread_join(parts[i].thread, NULL);
}
