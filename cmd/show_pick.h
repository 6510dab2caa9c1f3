/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which records are shown, and in which order.
 */
#ifndef NSE_CMD_SHOW_PICK_H
#define NSE_CMD_SHOW_PICK_H

#include "cmd/show_summary.h"
#include "cmd/show_view.h"

struct show_pick {
	const struct nse_filter *filter; /* NULL: all */
	struct show_tally *tally;	 /* counts them; may be NULL */
	const char *order; /* a field, with '-' in front: downwards; or NULL */
	bool by_kind;	   /* records of a kind stay together */
};

/*
 * Takes the records that do not match out of the view, counts the others, and
 * puts them in order: numbers, then addresses, then texts, and last what has
 * no such field. 0 or -errno with a text.
 */
int show_pick(struct show_view *v, const struct show_pick *p, struct nse_error *err);

#endif
