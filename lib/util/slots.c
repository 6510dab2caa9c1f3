/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "lib/util/slots.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_ROOM 256

int nse_slots_push(struct nse_slots *list, uint32_t slot)
{
	if (list->n == list->room) {
		size_t room = list->room ? 2 * list->room : FIRST_ROOM;
		uint32_t *p = reallocarray(list->p, room, sizeof(*p));

		if (!p)
			return -ENOMEM;
		list->p = p;
		list->room = room;
	}
	list->p[list->n++] = slot;
	return 0;
}

static int by_slot(const void *p, const void *q)
{
	uint32_t a = *(const uint32_t *)p, b = *(const uint32_t *)q;

	return (a > b) - (a < b);
}

void nse_slots_unite(struct nse_slots *list)
{
	size_t k = 0;

	if (list->n)
		qsort(list->p, list->n, sizeof(*list->p), by_slot);
	for (size_t i = 0; i < list->n; i++)
		if (i == 0 || list->p[i] != list->p[i - 1])
			list->p[k++] = list->p[i];
	list->n = k;
}

void nse_slots_release(struct nse_slots *list)
{
	free(list->p);
	*list = (struct nse_slots){ 0 };
}
