/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tables by libsmartcols, as long as they are read: the library holds all rows
 * and measures each letter of them several times, which for a million rows is
 * more memory and time than all the rest. What comes behind the first block is
 * printed row by row, in the widths that were reached.
 */
#include <errno.h>
#include <stdio.h>
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
	size_t *limits; /* the same, cut to what the terminal has room for */
	bool color, bare;
	struct libscols_table *block;
	size_t rows; /* of the table so far */
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
	scols_table_enable_noheadings(t->block, t->bare);
	return add_columns(t);
}

/* The columns that may be cut give way from the right, down to a rest. */
static void share_room(struct cmd_table *t)
{
	size_t need = t->n - 1, *limits = t->limits;

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

/* Where a cell has to be cut, not in the middle of a letter; its end when it fits. */
static size_t cut_at(const char *cell, size_t limit)
{
	size_t n = strnlen(cell, limit + 1);

	if (n <= limit)
		return n;
	n = limit - 1;
	while (n && (cell[n] & 0xc0) == 0x80)
		n--;
	return n;
}

/* A cell that was cut ends in '+'. */
static int cut_cell(struct libscols_line *line, size_t column, size_t limit)
{
	const char *cell = scols_cell_get_data(scols_line_get_cell(line, column));
	size_t n = cut_at(cell, limit);
	NSE_FREE char *copy = NULL;

	if (!cell[n])
		return 0;
	if (asprintf(&copy, "%.*s+", (int)n, cell) < 0)
		return -ENOMEM;
	return scols_line_set_data(line, column, copy) < 0 ? -ENOMEM : 0;
}

static int cut(struct cmd_table *t)
{
	int rc = 0;

	for (size_t i = 0; i < t->n; i++) {
		scols_column_set_whint(scols_table_get_column(t->block, i),
				       (double)t->limits[i]);
		for (size_t k = 0; k < t->rows && t->limits[i] < t->widths[i] && rc == 0;
		     k++)
			rc = cut_cell(scols_table_get_line(t->block, k), i, t->limits[i]);
	}
	return rc;
}

static int close_block(struct cmd_table *t)
{
	int rc = 0;

	if (t->block) {
		share_room(t);
		rc = cut(t);
		if (rc == 0)
			rc = scols_print_table(t->block);
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
		t->widths = calloc(2 * n, sizeof(*t->widths));
	if (!t || !t->widths) {
		free(t);
		return nse_error(err, -ENOMEM, "out of memory");
	}
	t->columns = columns;
	t->n = n;
	t->limits = t->widths + n;
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
	t->bare = true;
}

static int add_to_block(struct cmd_table *t, const char *const *cells,
			enum cmd_style style)
{
	struct libscols_line *line;

	if (!t->block && open_block(t) < 0)
		return -ENOMEM;
	line = scols_table_new_line(t->block, NULL);
	if (!line)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++)
		if (scols_line_set_data(line, i, cells[i] ? cells[i] : "") < 0)
			return -ENOMEM;
	if (t->color && style != CMD_PLAIN)
		scols_line_set_color(line, cmd_style(true, style));
	return 0;
}

static void print_cell(const struct cmd_table *t, size_t i, const char *cell)
{
	size_t n = cut_at(cell, t->limits[i]);
	int pad = (int)(t->limits[i] - n - (cell[n] != '\0'));
	bool right = t->columns[i].right;

	printf("%*s%.*s%s%*s", right ? pad : 0, "", (int)n, cell, cell[n] ? "+" : "",
	       right || i + 1 == t->n ? 0 : pad, "");
}

/* As the library does it. */
static void print_row(struct cmd_table *t, const char *const *cells, enum cmd_style style)
{
	bool color = t->color && style != CMD_PLAIN;

	fputs(cmd_style(color, style), stdout);
	for (size_t i = 0; i < t->n; i++) {
		if (i)
			putchar(' ');
		print_cell(t, i, cells[i] ? cells[i] : "");
	}
	fputs(cmd_style(color, CMD_PLAIN), stdout);
	putchar('\n');
}

int cmd_table_row(struct cmd_table *t, const char *const *cells, enum cmd_style style)
{
	bool wider = false;
	int rc = 0;

	if (t->rows == BLOCK_ROWS)
		rc = close_block(t);
	for (size_t i = 0; i < t->n; i++) {
		size_t n = cells[i] ? strlen(cells[i]) : 0;

		wider = wider || n > t->widths[i];
		t->widths[i] = n > t->widths[i] ? n : t->widths[i];
	}
	if (rc == 0 && t->rows < BLOCK_ROWS) {
		rc = add_to_block(t, cells, style);
	} else if (rc == 0) {
		if (wider)
			share_room(t);
		print_row(t, cells, style);
	}
	t->rows++;
	return rc;
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
