/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A growing list of slot numbers (of records in a context).
 */
#ifndef NSE_UTIL_SLOTS_H
#define NSE_UTIL_SLOTS_H

#include <stddef.h>
#include <stdint.h>

/* {0} is an empty one. */
struct nse_slots {
	uint32_t *p; /* owned */
	size_t n, room;
};

/* Adds one at the end: 0 or -ENOMEM, and then the list is as it was. */
int nse_slots_push(struct nse_slots *list, uint32_t slot);

/* Sorts the list; each slot is in it once. */
void nse_slots_unite(struct nse_slots *list);

/* Frees the memory: the list is empty again. */
void nse_slots_release(struct nse_slots *list);

#endif
