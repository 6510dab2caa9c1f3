/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The source's end of a migration: what `nsemig migrate` does.
 */
#ifndef NSE_SESSION_SOURCE_H
#define NSE_SESSION_SOURCE_H

#include <signal.h>
#include <stdbool.h>

#include <jansson.h>

#include "lib/context/problem.h"
#include "lib/context/scope.h"
#include "lib/platform/platform.h"
#include "lib/transport/transport.h"
#include "lib/util/config.h"
#include "lib/util/error.h"

/* Where a migration stands. */
struct nse_source_progress {
	const char *phase; /* a step's name as in the report's phases_us, or "undo" */
	struct nse_move_progress memory;
	uint64_t records; /* of the context that are at the target */
	uint64_t sent;	  /* bytes of the context sent so far */
	bool released;	  /* behind the line of no return */
};

struct nse_source_spec {
	const struct nse_config *config;
	struct nse_platform *platform;
	const struct nse_scope *scope; /* resolved, with a domain's name */
	uint32_t engines;	       /* set of lib/engine/registry.h */
	struct nse_link_spec link;     /* to `receive --session` there */
	struct nse_move_spec move;
	const char *target; /* as the user wrote it, for reports */
	int timeout_s;	    /* longest from the freeze to COMMITTED */
	bool dry_run;	    /* stop after the preflight */
	bool bare;	    /* an error tells its cause alone, without domain and phase */
	bool force;	    /* go on although something would be lost */
	json_t **welcome;   /* gets what the target says of itself, a new reference, as
			     * of nse_source_facts(); NULL: not asked for */
	const char *anchor; /* "first", "last"; NULL: the same relative place */
	/* Called with a line of news; may be NULL. */
	void (*note)(void *arg, const char *text);
	/*
	 * Called when a step begins and, while one waits, ten times a second; may
	 * be NULL. The domain may be frozen meanwhile: it must not take time.
	 */
	void (*progress)(void *arg, const struct nse_source_progress *p);
	void *arg;				  /* of both */
	const volatile sig_atomic_t *interrupted; /* not 0: abort while possible */
};

enum nse_source_result {
	NSE_MIGRATED, /* also: the dry run found nothing against it */
	NSE_ABORTED,  /* the domain runs here, everything is as before */
	NSE_UNCLEAR,  /* look at both hosts */
};

/*
 * Migrates. *report (a new reference) is the object of nsemig-json(5), also
 * after a failure. Problems of the preflight of both ends are appended to
 * `problems`. With NSE_ABORTED and NSE_UNCLEAR err says why; with
 * NSE_MIGRATED its code is 0, or a text says what could not be completed.
 */
enum nse_source_result nse_source_migrate(const struct nse_source_spec *spec,
					  json_t **report, struct nse_problems *problems,
					  struct nse_error *err);

/*
 * Asks `nsemig receive --session` at the other end of `link` who it is and
 * what it can: *welcome (a new reference) is its WELCOME with "version",
 * "host", "kernel", "platform" and "facts". Nothing changes there.
 */
int nse_source_facts(const struct nse_link_spec *link, const char *target,
		     json_t **welcome, struct nse_error *err);

#endif
