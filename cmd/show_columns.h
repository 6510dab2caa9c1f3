/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Columns of the tables of `nsemig show`: fields of nsemig-json(5), and some
 * that are made for people of several fields.
 */
#ifndef NSE_CMD_SHOW_COLUMNS_H
#define NSE_CMD_SHOW_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "cmd/output.h"
#include "cmd/record.h"

struct show_column {
	char field[80], title[80];
	/* Makes the text of a column that is no field; else NULL. */
	void (*make)(const json_t *rec, char out[CMD_TEXT]);
};

#define SHOW_MAX_COLUMNS 64
struct show_columns {
	struct show_column items[SHOW_MAX_COLUMNS];
	size_t n;
};

/* Name i of a column; NULL at the end. */
const char *show_column_name(size_t i);

/* Reads "a,b,c"; -EINVAL with a text that names the columns that there are. */
int show_columns_parse(struct show_columns *c, const char *list, struct nse_error *err);

/* Is it the name of a column? 0, or -EINVAL with a text. */
int show_column_check(const char *name, struct nse_error *err);

/* The text of a column for people; cut to CMD_TEXT. */
const char *show_column_text(const struct show_column *c, const json_t *rec,
			     char out[CMD_TEXT]);

/* The same in full, a new string; NULL without memory. */
char *show_column_full(const struct show_column *c, const json_t *rec);

/*
 * How a column is printed, judged by its first record: numbers stand at the
 * right; what is not an address, a number or a word may be cut on a terminal.
 */
void show_column_shape(const struct show_column *c, const json_t *rec,
		       struct cmd_column *shape);

#endif
