/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recovery by facts from the journals of processes that are gone.
 */
#ifndef NSE_SESSION_RECOVER_H
#define NSE_SESSION_RECOVER_H

#include <stddef.h>
#include <stdint.h>

#include "lib/platform/platform.h"
#include "lib/session/journal.h"
#include "lib/util/config.h"
#include "lib/util/error.h"

/* What became of one session. */
enum nse_recovered_how {
	NSE_RECOVERED_NOTHING,	/* it had changed nothing; its journal is gone */
	NSE_RECOVERED_FINISHED, /* target: the domain runs here, its context is final */
	NSE_RECOVERED_UNDONE,	/* target: it does not, its context is removed */
	NSE_RECOVERED_CLEANED,	/* source: it has left, its context is removed */
	NSE_RECOVERED_RETURNED, /* source: it runs here after all, all is kept */
	NSE_RECOVERED_PENDING,	/* not known yet: left alone, to be tried again */
	NSE_RECOVERED_ALIVE,	/* its process lives: left alone */
	NSE_RECOVERED_FAILED,	/* the journal stays */
	NSE_RECOVERED_KINDS
};

struct nse_recovered {
	enum nse_recovered_how how;
	enum nse_journal_side side;
	const char *id;	    /* of the session */
	const char *domain; /* "" when the journal does not say */
	uint64_t removed;   /* CLEANED: records */
	uint64_t kept;	    /* CLEANED: for another local end */
	const char *text;   /* PENDING and FAILED: why; else "" */
};

struct nse_recovery {
	unsigned int n[NSE_RECOVERED_KINDS]; /* sessions, by what became of them */
};

struct nse_recover_spec {
	const struct nse_config *config;
	struct nse_platform *platform; /* may be NULL */
	/* Called for each session; may be NULL. */
	void (*each)(void *arg, const struct nse_recovered *what);
	void *arg;
};

/*
 * Goes through the journals of both sides. Those of living processes are left
 * alone. A target's context stays and is completed when its domain runs here,
 * and is removed when it does not and is not arriving either (without a
 * platform: removed). What a source had released is removed when the domain is
 * not here any more, but for what has another local end, and stays when it
 * runs here; while it is here without running, and when that cannot be found
 * out, all is left alone. Every session is tried; the first failure is
 * returned with a text.
 */
int nse_recover(const struct nse_recover_spec *spec, struct nse_recovery *r,
		struct nse_error *err);

/* "cleaned", … as in nsemig-json(5). */
const char *nse_recovered_name(enum nse_recovered_how how);

/* A line for people, without a newline. */
#define NSE_RECOVERED_TEXT (NSE_ERROR_MAX + NSE_DOMAIN_NAME_MAX + 64)
const char *nse_recovered_text(const struct nse_recovered *what,
			       char out[NSE_RECOVERED_TEXT]);

#endif
