/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The readable form of a context: a table for each type of record, and a
 * summary by protocol and state.
 */
#ifndef NSE_CMD_SHOW_TABLE_H
#define NSE_CMD_SHOW_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "cmd/output.h"
#include "lib/context/record.h"

struct show_kind;

/* Prints records, which come sorted; one table for each kind in turn. */
struct show_tables {
	struct cmd_table *table;
	const struct show_kind *kind; /* of the open table */
	bool color;
};

/* Adds a record's row. 0 or -errno. */
int show_tables_add(struct show_tables *t, const json_t *rec, struct nse_error *err);
/* Prints the rest and releases what the tables own. */
int show_tables_end(struct show_tables *t);

/* How many records there are of each kind, protocol and state. */
struct show_count {
	char engine[NSE_KIND_NAME], type[NSE_KIND_NAME];
	char proto[16], state[24];
	uint64_t n;
};
#define SHOW_MAX_COUNTS 512
struct show_tally {
	struct show_count items[SHOW_MAX_COUNTS];
	size_t n, last;
	uint64_t total;
};

void show_tally_add(struct show_tally *t, const json_t *rec);
/* One line for each kind and protocol. */
void show_tally_print(const struct show_tally *t, bool color);

#endif
