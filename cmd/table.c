/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tables by libsmartcols, printed in blocks: the library holds all rows of a
 * table, which for a million of them is more memory than the context itself.
 * A later block is at least as wide as the ones before it, column by column.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libsmartcols.h>

#include "cmd/output.h"
#include "lib/util/cleanup.h"

#define BLOCK_ROWS 2000
#define CUT_MIN	   8 /* columns that a cut cell keeps */

struct cmd_table {
	const struct cmd_column *columns;
	size_t n;
	size_t *widths; /* reached so far */
	bool color;
	struct libscols_table *block;
	size_t rows; /* in the block */
	bool headed; /* the titles have been printed, or there are none */
	size_t room; /* columns of the terminal, 0: not cut */
};

static int add_columns(struct cmd_table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct libscols_column *c;
		int flags = t->columns[i].right ? SCOLS_FL_RIGHT : 0;

		c = scols_table_new_column(t->block, t->columns[i].title,
					   (double)t->widths[i], flags);
		if (!c)
			return -ENOMEM;
	}
	return 0;
}

static int open_block(struct cmd_table *t)
{
	t->block = scols_new_table();
	if (!t->block)
		return -ENOMEM;
	/* The library would cut addresses as well: too long lines are for us. */
	scols_table_set_termforce(t->block, SCOLS_TERMFORCE_NEVER);
	scols_table_enable_colors(t->block, t->color);
	scols_table_enable_noheadings(t->block, t->headed);
	t->rows = 0;
	return add_columns(t);
}

/* The columns that may be cut give way from the right, down to a rest. */
static void share_room(const struct cmd_table *t, size_t limits[])
{
	size_t need = t->n - 1;

	for (size_t i = 0; i < t->n; i++)
		need += limits[i] = t->widths[i];
	for (size_t i = t->n; t->room && i-- > 0 && need > t->room;) {
		size_t least = strlen(t->columns[i].title), give;

		least = least < CUT_MIN ? CUT_MIN : least;
		if (!t->columns[i].cut || limits[i] <= least)
			continue;
		give = limits[i] - least;
		give = give < need - t->room ? give : need - t->room;
		limits[i] -= give;
		need -= give;
	}
}

/* A cell that was cut ends in '+'. */
static int cut_cell(struct libscols_line *line, size_t column, size_t limit)
{
	const char *text = scols_cell_get_data(scols_line_get_cell(line, column));
	size_t n = text ? strlen(text) : 0;
	NSE_FREE char *copy = NULL;

	if (n <= limit)
		return 0;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	/* Not in the middle of a letter. */
	n = limit - 1;
	while (n && (copy[n] & 0xc0) == 0x80)
		n--;
	copy[n] = '+';
	copy[n + 1] = '\0';
	return scols_line_set_data(line, column, copy) < 0 ? -ENOMEM : 0;
}

static int cut(struct cmd_table *t)
{
	NSE_FREE size_t *limits = calloc(t->n, sizeof(*limits));
	struct libscols_line *line;
	int rc = 0;

	if (!limits)
		return -ENOMEM;
	share_room(t, limits);
	for (size_t i = 0; i < t->n; i++) {
		scols_column_set_whint(scols_table_get_column(t->block, i),
				       (double)limits[i]);
		for (size_t k = 0; k < t->rows && limits[i] < t->widths[i] && rc == 0;
		     k++) {
			line = scols_table_get_line(t->block, k);
			rc = cut_cell(line, i, limits[i]);
		}
	}
	return rc;
}

static int close_block(struct cmd_table *t)
{
	int rc = 0;

	if (t->block && t->rows) {
		rc = cut(t);
		if (rc == 0)
			rc = scols_print_table(t->block);
		t->headed = true;
	}
	scols_unref_table(t->block);
	t->block = NULL;
	return rc < 0 ? -EIO : 0;
}

int cmd_table_new(struct cmd_table **out, const struct cmd_column *columns, size_t n,
		  bool color, struct nse_error *err)
{
	struct cmd_table *t = calloc(1, sizeof(*t));

	*out = NULL;
	if (t)
		t->widths = calloc(n, sizeof(*t->widths));
	if (!t || !t->widths) {
		free(t);
		return nse_error(err, -ENOMEM, "out of memory");
	}
	t->columns = columns;
	t->n = n;
	t->color = color;
	for (size_t i = 0; i < n; i++)
		t->widths[i] = strlen(columns[i].title);
	*out = t;
	return 0;
}

void cmd_table_fit(struct cmd_table *t, size_t columns)
{
	t->room = columns;
}

void cmd_table_bare(struct cmd_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		t->widths[i] = 0;
	t->headed = true;
}

int cmd_table_row(struct cmd_table *t, const char *const *cells, enum cmd_style style)
{
	struct libscols_line *line;
	int rc;

	if (t->rows == BLOCK_ROWS && (rc = close_block(t)) < 0)
		return rc;
	if (!t->block && (rc = open_block(t)) < 0)
		return rc;
	line = scols_table_new_line(t->block, NULL);
	if (!line)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++) {
		const char *cell = cells[i] ? cells[i] : "";

		if (scols_line_set_data(line, i, cell) < 0)
			return -ENOMEM;
		if (strlen(cell) > t->widths[i])
			t->widths[i] = strlen(cell);
	}
	if (t->color && style != CMD_PLAIN)
		scols_line_set_color(line, cmd_style(true, style));
	t->rows++;
	return 0;
}

int cmd_table_end(struct cmd_table *t)
{
	return close_block(t);
}

void cmd_table_free(struct cmd_table *t)
{
	if (!t)
		return;
	scols_unref_table(t->block);
	free(t->widths);
	free(t);
}

void cmd_table_freep(struct cmd_table **t)
{
	cmd_table_free(*t);
}
