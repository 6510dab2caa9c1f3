/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Why the records of a live domain are in its context, for `nsemig show`.
 */
#ifndef NSE_CMD_SHOW_WHY_H
#define NSE_CMD_SHOW_WHY_H

#include <stddef.h>
#include <stdint.h>

#include "lib/context/context.h"
#include "lib/context/scope.h"
#include "lib/util/error.h"

struct show_why {
	char **by_slot; /* owned; NULL where there is no reason */
	uint32_t n;
	char **staying; /* owned: what names the domain and is not in, sentences */
	size_t nstaying;
};

/* Asks the engines why; the context was collected from that scope just now. */
int show_why_load(struct show_why *w, const struct nse_context *ctx,
		  const struct nse_scope *scope, struct nse_error *err);

/* The reason of a slot, or NULL. */
const char *show_why_at(const struct show_why *w, uint32_t slot);

/*
 * The context has been relocated: the reasons go with their records, which
 * follow one another in both contexts in the same order, engine by engine.
 */
int show_why_moved(struct show_why *w, const struct nse_context *from,
		   const struct nse_context *to, struct nse_error *err);
void show_why_release(struct show_why *w);

#endif
