/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Problems: the findings of a preflight. Each says what, what it means and
 * what mends it.
 */
#ifndef NSE_CONTEXT_PROBLEM_H
#define NSE_CONTEXT_PROBLEM_H

#include <stddef.h>

#include <jansson.h>

#include "lib/util/error.h"

enum nse_severity {
	NSE_NOTE, /* worth knowing, nothing is lost */
	NSE_LOSS, /* the move would work and lose something */
	NSE_FAIL, /* the move would fail */
};

struct nse_problem {
	enum nse_severity severity;
	char area[24]; /* as "conntrack", "capacity", "version" */
	char *where;   /* host, or "" ; owned */
	char *text;    /* what is the case and what it means; owned */
	char *mend;    /* command or advice, or ""; owned */
};

#define NSE_PROBLEMS_MAX 4096

struct nse_problems {
	struct nse_problem *items; /* owned */
	size_t n;
	size_t dropped; /* beyond NSE_PROBLEMS_MAX */
};

#define NSE_PROBLEMS_INIT                                                                \
	{                                                                                \
		0                                                                        \
	}

void nse_problems_release(struct nse_problems *p);

/* Appends one; mend may be NULL; text is printf-like. 0 or -ENOMEM. */
int nse_problem_add(struct nse_problems *p, enum nse_severity severity, const char *area,
		    const char *mend, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Fills `where` of every item from `first` on that has none. */
int nse_problems_set_where(struct nse_problems *p, size_t first, const char *where);

/* Puts the worst first; what is as bad stays in its order. */
void nse_problems_sort(struct nse_problems *p);

/* How many there are of a severity. */
size_t nse_problems_count(const struct nse_problems *p, enum nse_severity severity);

/* The worst severity, NSE_NOTE for none. */
enum nse_severity nse_problems_worst(const struct nse_problems *p);

/* "note", "loss", "fail". */
const char *nse_severity_name(enum nse_severity severity);

/*
 * [{"severity","area","where","text","mend"}]; from_json appends hostile
 * input after checking it, -EPROTO with a text.
 */
json_t *nse_problems_to_json(const struct nse_problems *p);
int nse_problems_from_json(const json_t *json, struct nse_problems *p,
			   struct nse_error *err);

#endif
