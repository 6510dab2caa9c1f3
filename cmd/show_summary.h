/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The summary of a context: whose it is, what is in it, what comes next, and
 * what of it no host can take back.
 */
#ifndef NSE_CMD_SHOW_SUMMARY_H
#define NSE_CMD_SHOW_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "cmd/record.h"
#include "lib/context/snapshot.h"

/* How many records there are of each kind, protocol and state. */
struct show_count {
	char engine[NSE_KIND_NAME], type[NSE_KIND_NAME];
	char proto[16], state[24];
	uint64_t n;
};
#define SHOW_MAX_COUNTS 512

/* A set with its elements, or a quota with what is used of it. */
struct show_item {
	char name[200];
	uint64_t n;	/* elements, or bytes used */
	uint64_t limit; /* bytes of the quota */
};
#define SHOW_MAX_ITEMS 32
struct show_items {
	struct show_item items[SHOW_MAX_ITEMS];
	size_t n, last;
	uint64_t more; /* elements of sets, or quotas, for which there was no room */
};

struct show_tally {
	struct show_count items[SHOW_MAX_COUNTS];
	size_t n, last;
	uint64_t total;
	bool nat, marks, zones; /* are there some, of connections? */
	struct show_items sets, quotas;
	char oldest[CMD_TEXT], start[40]; /* "": the host keeps no times */
	char next[CMD_TEXT];		  /* "": nothing expires */
	int64_t next_ms;
};

void show_tally_add(struct show_tally *t, const json_t *rec);

/* Adds what another one, of later records, has counted. */
void show_tally_merge(struct show_tally *t, const struct show_tally *more);

/*
 * Prints all of it, with the losses of the whole context; on a terminal times are
 * told as people do.
 */
void show_summary_print(const struct nse_snapshot *snap, const struct show_tally *t,
			bool color, bool terminal);

#endif
