/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Differences as numbers: for each kind of record, and for each table, chain,
 * set or object of nf_tables, a line with a bar.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/diff_nft.h"
#include "cmd/diff_print.h"
#include "cmd/nft_order.h"
#include "cmd/output.h"
#include "cmd/record.h"
#include "lib/engine/nft/object.h"
#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"

#define WIDTH	  80 /* where there is no terminal, as git has it */
#define MIN_GRAPH 10

struct row {
	char name[512];
	bool nft;
	struct nft_key block; /* of nft; views into a context */
	size_t at;	      /* in the order of what differs */
	size_t n[3];	      /* by enum nse_change */
};

struct rows {
	struct row *items; /* owned */
	size_t n, room;
	size_t all[3]; /* by enum nse_change */
};

static void release(struct rows *r)
{
	free(r->items);
}

/* "conntrack entry tcp", "nft chain inet filter web" */
static int name_of(const struct diff_print *p, const struct nse_diff_item *item,
		   struct row *row)
{
	char block[480], proto[CMD_TEXT];
	struct nse_record rec;
	json_t *json;

	row->nft = diff_nft_block(p, item, &row->block);
	if (row->nft) {
		nft_key_text(&row->block, block, sizeof(block));
		snprintf(row->name, sizeof(row->name), "nft %s", block);
		return 0;
	}
	json = diff_print_record(p, item, &rec) ? nse_record_to_json(&rec) : NULL;
	if (!json)
		return -ENOMEM;
	cmd_value(cmd_field(json, "proto"), proto);
	snprintf(row->name, sizeof(row->name), "%s %s%s%.20s", rec.kind->engine,
		 rec.kind->type, *proto ? " " : "", proto);
	json_decref(json);
	return 0;
}

static struct row *find(struct rows *r, const struct row *like)
{
	struct row *items;

	/* Neighbours are alike: what is looked for came last, as a rule. */
	for (size_t i = r->n; i > 0; i--)
		if (strcmp(r->items[i - 1].name, like->name) == 0)
			return &r->items[i - 1];
	if (r->n == r->room) {
		size_t room = r->room ? 2 * r->room : 32;

		items = realloc(r->items, room * sizeof(*items));
		if (!items)
			return NULL;
		r->items = items;
		r->room = room;
	}
	r->items[r->n] = *like;
	r->items[r->n].at = r->n;
	return &r->items[r->n++];
}

/* As they are in the text: nf_tables last, in the order of a listing. */
static int by_block(const void *p, const void *q)
{
	const struct row *a = p, *b = q;
	int c = a->nft - b->nft;

	c = c || !a->nft ? c : cmd_nft_block_cmp(&a->block, &b->block);
	return c ? c : (a->at > b->at) - (a->at < b->at);
}

static int collect(const struct diff_print *p, struct rows *r)
{
	for (size_t i = 0; i < p->diff->n; i++) {
		const struct nse_diff_item *item = &p->diff->items[i];
		struct row like = { .n = { 0 } }, *row = NULL;

		if (diff_nft_is_part(p, item))
			continue;
		if (name_of(p, item, &like) == 0)
			row = find(r, &like);
		if (!row)
			return -ENOMEM;
		row->n[item->change]++;
		r->all[item->change]++;
	}
	if (r->n)
		qsort(r->items, r->n, sizeof(*r->items), by_block);
	return 0;
}

static size_t total(const struct row *row)
{
	return row->n[NSE_ADDED] + row->n[NSE_REMOVED] + row->n[NSE_CHANGED];
}

/* How long a part of a bar is: what is there is seen. */
static int length(size_t n, size_t most, size_t graph)
{
	if (most <= graph)
		return (int)n;
	return n ? (int)(1 + n * (graph - 3) / most) : 0;
}

static void print_part(const struct diff_print *p, char sign, enum cmd_style style, int n)
{
	if (!n)
		return;
	fputs(cmd_style(p->color, style), stdout);
	while (n--)
		putchar(sign);
	fputs(cmd_style(p->color, CMD_PLAIN), stdout);
}

static void print_rows(const struct diff_print *p, const struct rows *r)
{
	size_t name = 0, most = 0, width = p->width ?: WIDTH, graph;
	char digits[24];
	int number;

	for (size_t i = 0; i < r->n; i++) {
		size_t n = strlen(r->items[i].name);

		name = n > name ? n : name;
		most = total(&r->items[i]) > most ? total(&r->items[i]) : most;
	}
	number = snprintf(digits, sizeof(digits), "%zu", most);
	graph = width > name + (size_t)number + 5 + MIN_GRAPH
			? width - name - (size_t)number - 5
			: MIN_GRAPH;
	for (size_t i = 0; i < r->n; i++) {
		const struct row *row = &r->items[i];

		printf(" %-*s | %*zu ", (int)name, row->name, number, total(row));
		print_part(p, '+', CMD_GREEN, length(row->n[NSE_ADDED], most, graph));
		print_part(p, '-', CMD_RED, length(row->n[NSE_REMOVED], most, graph));
		print_part(p, '~', CMD_YELLOW, length(row->n[NSE_CHANGED], most, graph));
		putchar('\n');
	}
}

int diff_print_stat(const struct diff_print *p, struct nse_error *err)
{
	NSE_CLEANUP(release) struct rows r = { .n = 0 };

	if (collect(p, &r) < 0)
		return nse_error(err, -ENOMEM, "out of memory");
	print_rows(p, &r);
	printf("total: %zu added, %zu removed, %zu changed, %zu equal\n",
	       r.all[NSE_ADDED], r.all[NSE_REMOVED], r.all[NSE_CHANGED], p->equal);
	return cmd_flush(err);
}

int diff_print_numstat(const struct diff_print *p, struct nse_error *err)
{
	NSE_CLEANUP(release) struct rows r = { .n = 0 };

	if (collect(p, &r) < 0)
		return nse_error(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < r.n; i++) {
		const struct row *row = &r.items[i];

		printf("%zu\t%zu\t%zu\t%s\n", row->n[NSE_ADDED], row->n[NSE_REMOVED],
		       row->n[NSE_CHANGED], row->name);
	}
	return cmd_flush(err);
}
