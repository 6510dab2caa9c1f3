/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The lines of `nsemig watch`: one for each change, for people or as JSON.
 */
#ifndef NSE_CMD_WATCH_PRINT_H
#define NSE_CMD_WATCH_PRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/context/filter.h"
#include "lib/engine/watch.h"

struct watch_print {
	bool json, state, color;
	bool first;			 /* what is told was there at the beginning */
	const struct nse_filter *filter; /* or NULL: everything */
	int64_t left;			 /* lines to be printed, < 0: any number */
	uint64_t n[3];			 /* printed, by enum nse_change */
	struct nse_error *err;
};

/*
 * An nse_watch_cb; arg is the struct watch_print. What is printed has left this
 * process afterwards. -ECANCELED when no line is left, -EPIPE when nobody reads.
 */
int watch_print_news(void *arg, const struct nse_watch_news *news);

/* Events were lost: a line of JSON, where the output is that. */
int watch_print_lost(struct watch_print *p);

#endif
