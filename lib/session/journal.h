/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The journals of both ends of a migration, on a tmpfs, so that whoever comes
 * next can finish, undo or clean up what a process that was killed has left.
 * Nothing is flushed to disk: a host that loses power loses its kernel's state
 * with it. STATE-DIR/sessions/ID/ is a target's, STATE-DIR/moves/ID/ a source's:
 *
 *	lock         held (flock) while the session's process lives
 *	state        an enum nse_journal_state in words
 *	scope.json   the announced scope
 *	before.nsc   target: what this host had of the scope beforehand
 *	map          target: interfaces that have other names here, OLD=NEW lines
 *	round-N.nsc  the streams as they came or went: a snapshot, then deltas
 */
#ifndef NSE_SESSION_JOURNAL_H
#define NSE_SESSION_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/context/map.h"
#include "lib/context/scope.h"
#include "lib/context/snapshot.h"
#include "lib/util/error.h"

enum nse_journal_side {
	NSE_JOURNAL_SESSION, /* what has come: `receive --session` */
	NSE_JOURNAL_MOVE,    /* what leaves: `migrate` */
};

enum nse_journal_state {
	NSE_JOURNAL_GATHER,	/* nothing is installed, or to be removed */
	NSE_JOURNAL_INSTALLING, /* target: some may be installed */
	NSE_JOURNAL_COMMITTED,	/* target: all is installed */
	NSE_JOURNAL_RELEASED,	/* source: the domain may run at the target */
};

struct nse_journal;

/*
 * Makes the journal of a session. id comes from the peer: 1 to 36 of
 * [0-9a-f-]. -EBUSY when a session of that id lives.
 */
int nse_journal_open(struct nse_journal **j, const char *state_dir,
		     enum nse_journal_side side, const char *id,
		     const struct nse_scope *scope, struct nse_error *err);

/*
 * Takes over the journal of a dead process. -ENOENT when there is none (any
 * more); -EBUSY when the process lives: *j is there then, to be read only.
 */
int nse_journal_reopen(struct nse_journal **j, const char *state_dir,
		       enum nse_journal_side side, const char *id, struct nse_error *err);

/*
 * Calls each() with the id of every journal of a side, which it may remove;
 * what it returns other than 0 ends this and is returned.
 */
int nse_journal_each(const char *state_dir, enum nse_journal_side side,
		     int (*each)(void *arg, const char *id), void *arg,
		     struct nse_error *err);

/* Stores what the host had. */
int nse_journal_before(struct nse_journal *j, const struct nse_context *before,
		       struct nse_error *err);

/* Stores by which names the context was rewritten, before it is installed. */
int nse_journal_map(struct nse_journal *j, const struct nse_map *map,
		    struct nse_error *err);

/* Reads it back; nothing is added when there is none. */
int nse_journal_read_map(const struct nse_journal *j, struct nse_map *map,
			 struct nse_error *err);

/* Begins the next round; then bytes are appended to it as they come. */
int nse_journal_round(struct nse_journal *j, struct nse_error *err);
int nse_journal_append(struct nse_journal *j, const void *p, size_t n);

/* Where it lies, for a text; lives as long as the journal. */
const char *nse_journal_path(const struct nse_journal *j);

/* Changes the state at once and whole, whatever the size of the journal. */
int nse_journal_mark(struct nse_journal *j, enum nse_journal_state state,
		     struct nse_error *err);

/* The session is over and nothing is left to recover: removes the journal. */
void nse_journal_forget(struct nse_journal *j);

/* Closes without removing, as a killed process would; NULL is accepted. */
void nse_journal_close(struct nse_journal *j);

/*
 * The state and the scope (initialised by the caller). One that does not say
 * yet is at GATHER, where the scope may be missing. -EBADMSG with a text.
 */
int nse_journal_read(const struct nse_journal *j, enum nse_journal_state *state,
		     struct nse_scope *scope, struct nse_error *err);

/*
 * What the rounds come to, and what the host had. snap->ctx is NULL when there is no
 * round. scope, before and gone are NULL at the source, where every round has to be
 * whole; at the target a last one that is not, or that the policy for this scope does
 * not let in, was never used. gone gets what an earlier round had and a later one
 * deleted or replaced: a killed process may have left it in the kernel.
 */
int nse_journal_load(const struct nse_journal *j, const struct nse_scope *scope,
		     struct nse_snapshot *snap, struct nse_snapshot *before,
		     struct nse_context *gone, struct nse_error *err);

/* Is there a journal of that session (whose id comes from a peer)? */
bool nse_journal_exists(const char *state_dir, const char *id);

/*
 * Locks a domain on this host for a migration: *fd is held until closed.
 * -EBUSY when one is under way.
 */
int nse_lock_domain(const char *state_dir, const char *name, int *fd,
		    struct nse_error *err);

#endif
