/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a record means, in plain words: lines that have a topic each, for people
 * and for --json. They are made of the record's JSON form, nsemig-json(5).
 */
#ifndef NSE_CMD_EXPLAIN_H
#define NSE_CMD_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "lib/context/context.h"
#include "lib/context/filter.h"
#include "lib/context/scope.h"
#include "lib/util/error.h"

struct explain {
	const struct nse_scope *scope; /* of the context */
	const json_t *rec;
	const char *why;  /* the reason for which it is in, or NULL */
	const char *text; /* of an nft record, in nft's syntax, or NULL */
	json_t *lines;	  /* [{"topic":…,"text":…}, …] */
};

/* Appends a line. Without memory there is a line less. */
void explain_say(struct explain *x, const char *topic, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Those of conntrack and expect; false: the record is another engine's. */
bool explain_flow(struct explain *x);
/* What of it arrives at a host that takes it, and what not. */
void explain_flow_restored(struct explain *x);
/* Those of nft. */
bool explain_nft(struct explain *x);
/* A record that nobody here knows: its fields. */
void explain_fields(struct explain *x);

/*
 * The records that RECORD means: the one of that number in the order of keys (1 …),
 * those that satisfy it as a filter expression, or else those whose tuple or name
 * has all of its words. Positions in `sorted` (n slots) into *found (owned by the
 * caller), their number is returned; -errno with a text that says what to do.
 */
int explain_find(const struct nse_context *ctx, const uint32_t *sorted, size_t n,
		 const char *record, size_t **found, struct nse_error *err);

/* "4999 seconds (1 h 23 min)" into out. */
#define EXPLAIN_TIME 64
const char *explain_time(int64_t seconds, char out[EXPLAIN_TIME]);

#endif
