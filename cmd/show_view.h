/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What `nsemig show` looks at: the chosen records of a context, in order.
 */
#ifndef NSE_CMD_SHOW_VIEW_H
#define NSE_CMD_SHOW_VIEW_H

#include <jansson.h>

#include "cmd/show_why.h"
#include "lib/context/filter.h"
#include "lib/context/snapshot.h"

struct show_view {
	struct nse_snapshot snap;
	uint32_t *slots; /* owned */
	size_t n;
	struct show_why why; /* of a live domain */
	uint32_t *numbers;   /* by slot, see show_view_number(); owned, or NULL */
};

void show_view_release(struct show_view *v);

/*
 * Numbers the records as they are now, from 1 in the order of keys, as explain
 * does; they keep their numbers whatever is taken out. 0 or -ENOMEM.
 */
int show_view_number(struct show_view *v);

/* The record at place i as JSON, a new reference; NULL without memory. */
json_t *show_view_record(const struct show_view *v, size_t i);

/*
 * Shares the places 0 to n - 1 of a view out among the processors: calls
 * work(arg, part, from, to) once for each part, in threads of their own, and
 * returns when all are done. Few places make one part.
 */
#define SHOW_PARTS_MAX 16
typedef void show_work(void *arg, unsigned int part, size_t from, size_t to);
unsigned int show_parts(size_t n);
void show_share(size_t n, show_work *work, void *arg);

#endif
