/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows of tables and of the form for scripts, made of a record's columns.
 */
#include "cmd/show_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/record.h"
#include "lib/context/filter.h"
#include "lib/util/cleanup.h"

/* The columns of a kind. */
static const struct show_kind {
	const char *engine, *type, *title, *columns;
} kinds[] = {
	{ "conntrack", "entry", "Conntrack entries",
	  "proto,state,source,destination,reply,timeout,mark,zone,info" },
	{ "expect", "expectation", "Expectations",
	  "proto,source,destination,master,timeout,zone,info" },
	{ "", "", "Other records", "record,fields" },
};

static const struct show_kind *const other = &kinds[NSE_ARRAY_SIZE(kinds) - 1];

const char show_porcelain_columns[] =
	"engine,type,family,proto,state,src,sport,dst,dport,reply.src,reply.sport,"
	"reply.dst,reply.dport,timeout,mark,zone,status,helper,table,chain,set,name,"
	"number,element";

static const char *text_of(const json_t *rec, const char *name)
{
	const char *text = json_string_value(json_object_get(rec, name));

	return text ? text : "";
}

static const struct show_kind *kind_of(const json_t *rec)
{
	const struct show_kind *k = kinds;

	/* Bytes that the engine refused have no fields but their digits. */
	if (json_object_size(json_object_get(rec, "key")) == 1 &&
	    json_object_get(json_object_get(rec, "key"), "hex"))
		return other;
	while (k != other && (strcmp(k->engine, text_of(rec, "engine")) ||
			      strcmp(k->type, text_of(rec, "type"))))
		k++;
	return k;
}

static void leave_out(struct show_columns *c, const char *const *empty)
{
	for (; empty && *empty; empty++)
		for (size_t i = 0; i < c->n; i++)
			if (strcmp(c->items[i].field, *empty) == 0) {
				c->n--;
				memmove(&c->items[i], &c->items[i + 1],
					(c->n - i) * sizeof(c->items[0]));
			}
}

static int open_table(struct show_tables *t, const struct show_kind *kind,
		      const json_t *rec, struct nse_error *err)
{
	const struct show_columns *c = t->chosen ? t->chosen : &t->own;
	char list[256];
	int rc = 0;

	snprintf(list, sizeof(list), "%s%s", t->numbered ? "#," : "", kind->columns);
	if (!t->chosen)
		rc = show_columns_parse(&t->own, list, err);
	if (rc < 0)
		return rc;
	leave_out(&t->own, t->empty);
	for (size_t i = 0; i < c->n; i++)
		show_column_shape(&c->items[i], rec, &t->shapes[i]);
	if (!t->chosen && !t->bare)
		printf("\n%s%s%s\n", cmd_style(t->color, CMD_BOLD), kind->title,
		       cmd_style(t->color, CMD_PLAIN));
	rc = cmd_table_new(&t->table, t->shapes, c->n, t->color, err);
	if (rc < 0)
		return rc;
	cmd_table_fit(t->table, t->width);
	if (t->bare)
		cmd_table_bare(t->table);
	t->kind = kind;
	return 0;
}

/* A state in which a connection ends, or has not been answered yet. */
static enum cmd_style style_of(const json_t *rec)
{
	const char *state = json_string_value(nse_filter_field(rec, "body.state"));

	if (!state || strcmp(state, "ESTABLISHED") == 0)
		return CMD_PLAIN;
	return CMD_DIM;
}

int show_tables_add(struct show_tables *t, const json_t *rec, struct nse_error *err)
{
	const struct show_kind *k = t->chosen ? kinds : kind_of(rec);
	char text[SHOW_MAX_COLUMNS][CMD_TEXT];
	const char *cells[SHOW_MAX_COLUMNS];
	const struct show_columns *c;
	bool any = !t->chosen;
	int rc = 0;

	if (t->table && t->kind != k)
		rc = show_tables_end(t);
	if (rc < 0)
		return nse_errno(err, rc, "cannot print the table");
	if (!t->table)
		rc = open_table(t, k, rec, err);
	if (rc < 0)
		return rc;
	c = t->chosen ? t->chosen : &t->own;
	for (size_t i = 0; i < c->n; i++) {
		cells[i] = show_column_text(&c->items[i], rec, text[i]);
		any = any || *cells[i];
	}
	rc = any ? cmd_table_row(t->table, cells, style_of(rec)) : 0;
	return rc < 0 ? nse_errno(err, rc, "cannot print the table") : 0;
}

int show_tables_end(struct show_tables *t)
{
	int rc = t->table ? cmd_table_end(t->table) : 0;

	cmd_table_free(t->table);
	t->table = NULL;
	return rc;
}

static void put_escaped(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p == '\t')
			fputs("\\t", stdout);
		else if (*p == '\n')
			fputs("\\n", stdout);
		else if (*p == '\\')
			fputs("\\\\", stdout);
		else if (*p < ' ' || *p == 0x7f)
			printf("\\x%02x", *p);
		else
			putchar(*p);
	}
}

int show_porcelain(const struct show_columns *c, const json_t *rec)
{
	char *text[SHOW_MAX_COLUMNS];
	bool any = false;
	int rc = 0;

	for (size_t i = 0; i < c->n; i++) {
		text[i] = show_column_full(&c->items[i], rec);
		rc = text[i] ? rc : -ENOMEM;
		any = any || (text[i] && *text[i]);
	}
	for (size_t i = 0; i < c->n; i++) {
		if (any && rc == 0) {
			put_escaped(text[i]);
			putchar(i + 1 < c->n ? '\t' : '\n');
		}
		free(text[i]);
	}
	return rc;
}
