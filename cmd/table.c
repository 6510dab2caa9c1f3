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

#define BLOCK_ROWS 2000

struct cmd_table {
	const struct cmd_column *columns;
	size_t n;
	size_t *widths; /* reached so far */
	bool color;
	struct libscols_table *block;
	size_t rows; /* in the block */
	bool headed; /* the titles have been printed */
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
	/* Never cut: a terminal wraps, and a pipe wants everything. */
	scols_table_set_termforce(t->block, SCOLS_TERMFORCE_NEVER);
	scols_table_enable_colors(t->block, t->color);
	scols_table_enable_noheadings(t->block, t->headed);
	t->rows = 0;
	return add_columns(t);
}

static int close_block(struct cmd_table *t)
{
	int rc = 0;

	if (t->block && t->rows) {
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
