/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The target's journal: what a session has received and installed, in
 * STATE-DIR/sessions/ID/ on a tmpfs, so that whoever comes next can finish or
 * undo the work of a receiver that was killed. Nothing is flushed to disk: a
 * host that loses power loses its kernel's state with it.
 *
 *	lock         held (flock) while the session's process lives
 *	state        "gather", "installing" or "committed"
 *	scope.json   the announced scope
 *	before.nsc   what this host had of the scope beforehand
 *	round-N.nsc  the streams as they came: a snapshot, then deltas
 */
#ifndef NSE_SESSION_JOURNAL_H
#define NSE_SESSION_JOURNAL_H

#include "lib/context/context.h"
#include "lib/context/scope.h"
#include "lib/engine/engine.h"
#include "lib/platform/platform.h"
#include "lib/util/error.h"

enum nse_journal_state {
	NSE_JOURNAL_GATHER,	/* nothing is installed */
	NSE_JOURNAL_INSTALLING, /* some may be installed */
	NSE_JOURNAL_COMMITTED,	/* all is installed */
};

struct nse_journal;

/*
 * Makes the journal of a session. id comes from the peer: 1 to 36 of
 * [0-9a-f-]. -EBUSY when a session of that id lives.
 */
int nse_journal_open(struct nse_journal **j, const char *state_dir, const char *id,
		     const struct nse_scope *scope, struct nse_error *err);

/* Stores what the host had. */
int nse_journal_before(struct nse_journal *j, const struct nse_context *before,
		       struct nse_error *err);

/* Begins the next round; then bytes are appended to it as they come. */
int nse_journal_round(struct nse_journal *j, struct nse_error *err);
int nse_journal_append(struct nse_journal *j, const void *p, size_t n);

int nse_journal_mark(struct nse_journal *j, enum nse_journal_state state,
		     struct nse_error *err);

/* The session is over and nothing is left to recover: removes the journal. */
void nse_journal_forget(struct nse_journal *j);

/* Closes without removing, as a killed process would; NULL is accepted. */
void nse_journal_close(struct nse_journal *j);

struct nse_recovery {
	unsigned int finished; /* sessions whose context was kept */
	unsigned int undone;   /* sessions whose context was removed */
	unsigned int alive;    /* sessions that still run: left alone */
};

/*
 * Finishes or undoes every session whose process is dead, by facts: the
 * context of a committed session stays when its domain runs here (platform
 * may be NULL: then it is removed).
 */
int nse_journal_recover(const char *state_dir, struct nse_platform *platform,
			struct nse_recovery *r, struct nse_error *err);

/* Is there a journal of that session (whose id comes from a peer)? */
bool nse_journal_exists(const char *state_dir, const char *id);

/*
 * A job over what a session brought minus what the host had: every such
 * record is CREATED. For undo and settle of a session's work.
 */
int nse_journal_job(struct nse_job *job, const struct nse_context *ctx,
		    const struct nse_context *before);

/*
 * Locks a domain on this host for a migration: *fd is held until closed.
 * -EBUSY when one is under way.
 */
int nse_lock_domain(const char *state_dir, const char *name, int *fd,
		    struct nse_error *err);

#endif
