/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The fields in which two records differ.
 */
#ifndef NSE_CMD_DIFF_FIELDS_H
#define NSE_CMD_DIFF_FIELDS_H

#include <stdbool.h>

#include <jansson.h>

/*
 * part is "body" or "state", name the dotted name in it ("reply.src",
 * "expressions[1].info"); a or b is NULL on the side that does not have it.
 */
typedef void diff_field_fn(void *arg, const char *part, const char *name, const json_t *a,
			   const json_t *b);

/* In the order of names; state: not only of the bodies. 0 or -ENOMEM. */
int diff_fields(const json_t *a, const json_t *b, bool state, diff_field_fn *each,
		void *arg);

#endif
