/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Steps with an undo each and one line of no return, instead of a ladder of
 * labels. Both ends of a migration are such a table.
 */
#ifndef NSE_SESSION_STEPS_H
#define NSE_SESSION_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "lib/util/error.h"

#define NSE_STEPS_MAX  32
#define NSE_STEPS_UNDO "undo" /* what nse_steps.now says while steps are undone */

struct nse_step {
	const char *name;
	int (*run)(void *arg, struct nse_error *err);
	/*
	 * Takes back what run did, also when run failed half way; NULL when
	 * there is nothing to take back.
	 */
	int (*undo)(void *arg, struct nse_error *err);
	bool line;	  /* once this one has succeeded, nothing is undone any more */
	const char *what; /* what it does, for people: "copying its memory" */
};

struct nse_steps {
	const struct nse_step *table; /* ends with a NULL name */
	void *arg;
	size_t done;	       /* steps that have begun */
	const char *until;     /* name of a step that is not to be run; NULL after init */
	bool crossed;	       /* the line of no return is passed */
	const char *failed_at; /* name of the step that failed, or NULL */
	struct nse_error undo; /* the first one that could not be undone, code 0: none */
	const char *now;       /* name of the step that runs; NSE_STEPS_UNDO */
	/* Called when now has changed; NULL after init. */
	void (*changed)(void *arg);
	int64_t us[NSE_STEPS_MAX];
};

void nse_steps_init(struct nse_steps *s, const struct nse_step *table, void *arg);

/*
 * Runs the next step: 1 done and more to come, 0 that was the last one, or
 * -errno of the step (nothing is undone yet).
 */
int nse_steps_next(struct nse_steps *s, struct nse_error *err);

/* Undoes what has begun, backwards. The first error is returned, all are tried. */
int nse_steps_undo(struct nse_steps *s, struct nse_error *err);

/*
 * Runs all that is left. When a step fails before the line everything is
 * undone; the step's error is returned, an undo's is in s->undo.
 */
int nse_steps_run(struct nse_steps *s, struct nse_error *err);

/* What the step that failed does, "" when none has. */
const char *nse_steps_failed_what(const struct nse_steps *s);

/* {"name": microseconds, …} of the steps that have run, a new reference. */
json_t *nse_steps_times(const struct nse_steps *s);

#endif
