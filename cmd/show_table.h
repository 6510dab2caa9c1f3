/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tables of `nsemig show`: one for each type of record with columns of its
 * own, or one for all with chosen columns; and the form for scripts.
 */
#ifndef NSE_CMD_SHOW_TABLE_H
#define NSE_CMD_SHOW_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "cmd/output.h"
#include "cmd/show_columns.h"

struct show_kind;

/* Prints records as they come; a new table where the kind changes. */
struct show_tables {
	const struct show_columns *chosen; /* for all records, or NULL */
	const char *const *empty;	   /* columns that are left out, or NULL */
	bool color, bare;		   /* bare: without headings */
	bool numbered;			   /* the first column is # */
	size_t width;			   /* of the terminal, 0: not cut */
	/* To be zero in the beginning: */
	struct cmd_table *table;
	const struct show_kind *kind; /* of the open table */
	struct show_columns own;      /* of that kind */
	struct cmd_column shapes[SHOW_MAX_COLUMNS];
};

/* Adds a record's row; one that has none of the chosen columns is left out. */
int show_tables_add(struct show_tables *t, const json_t *rec, struct nse_error *err);
/* Prints the rest and releases what the tables own. */
int show_tables_end(struct show_tables *t);

/*
 * Prints a line of the columns' values with tabs between them; tabs, newlines
 * and backslashes in a value are \t, \n and \\, other control characters \xNN.
 * A record that has none of them is left out. 0 or -ENOMEM.
 */
int show_porcelain(const struct show_columns *columns, const json_t *rec);

/* The columns of the form for scripts when none are chosen. */
extern const char show_porcelain_columns[];

#endif
