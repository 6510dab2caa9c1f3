/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ways in which `nsemig diff` shows what it found.
 */
#ifndef NSE_CMD_DIFF_PRINT_H
#define NSE_CMD_DIFF_PRINT_H

#include <stdbool.h>

#include <jansson.h>

#include "lib/context/diff.h"
#include "lib/context/snapshot.h"

struct diff_print {
	const struct nse_snapshot *a, *b;
	const struct nse_diff *diff; /* what is shown */
	const struct nse_diff *all;  /* the same before it was filtered */
	const char *names[2];	     /* as the user gave them */
	size_t equal;		     /* records; for numbers and JSON */
	uint32_t context;	     /* rules around those that differ */
	size_t width;		     /* of the terminal in columns, 0: there is none */
	bool state;		     /* volatile fields count too */
	bool word;		     /* what changed is one line with marks in it */
	bool color;
};

/* Each prints to stdout and returns 0 or -errno with a text. */
int diff_print_text(const struct diff_print *p, struct nse_error *err);
int diff_print_names(const struct diff_print *p, struct nse_error *err);
int diff_print_stat(const struct diff_print *p, struct nse_error *err);
int diff_print_numstat(const struct diff_print *p, struct nse_error *err);
int diff_print_json(const struct diff_print *p, struct nse_error *err);

/* "@@ chain inet filter web @@" on a line of its own. */
void diff_print_heading(const struct diff_print *p, const char *title, const char *more);

/*
 * The fields in which two records differ, of those that are compared: each on
 * a line of its own, or with `word` all behind the line that was begun, which
 * is ended then.
 */
void diff_print_fields(const struct diff_print *p, uint32_t a, uint32_t b);

/* The record that an item is about, as it is in b unless it is gone there. */
bool diff_print_record(const struct diff_print *p, const struct nse_diff_item *item,
		       struct nse_record *rec);

/* The JSON of a slot's record, a new reference, or NULL. */
json_t *diff_print_json_of(const struct nse_snapshot *s, uint32_t slot);

#endif
