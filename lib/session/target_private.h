/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the target's steps (target.c), its receiving (target_receive.c) and its
 * decisions after a failure (target_fate.c) share.
 */
#ifndef NSE_SESSION_TARGET_PRIVATE_H
#define NSE_SESSION_TARGET_PRIVATE_H

#include "lib/context/snapshot.h"
#include "lib/engine/nft/guard.h"
#include "lib/session/install.h"
#include "lib/session/journal.h"
#include "lib/session/protocol.h"
#include "lib/session/recover.h"
#include "lib/session/steps.h"
#include "lib/session/target.h"
#include "lib/util/cleanup.h"
#include "lib/util/slots.h"

struct nse_target_session {
	const struct nse_target_spec *spec;
	struct nse_channel ch;
	enum nse_state state;
	char id[64];
	struct nse_scope scope;
	int lock;
	struct nse_recovery recovery;
	struct nse_journal *journal;
	struct nse_context *before;
	struct nse_snapshot snap; /* what has come */
	struct nse_job job;	  /* of snap.ctx, for the engines that install ahead */
	struct nse_slots waiting; /* of these, what could not be made yet */
	struct nse_context *rest; /* what has come for the other engines */
	struct nse_job rest_job;  /* of rest, from the commit on */
	struct nse_scope here; /* the scope by this host's names, once they are known */
	struct nse_map map;    /* from the source's names to these */
	bool named;	       /* they are known */
	struct nse_addr *ends; /* who had ends here when it was announced; owned */
	size_t nends;
	unsigned int anchor; /* NSE_INSTALL_ANCHOR_*, as the source asked for */
	unsigned int rounds;
	int64_t round_us; /* when the last round began to arrive */
	struct nse_guard *guard;
	struct nse_guard *watch; /* counts what may meet entries that are ahead */
	uint64_t memory_kib;	 /* of the domain, 0: not known */
	bool dry_run;
	bool lossless; /* the source goes on only when nothing would be lost */
	bool frozen;   /* FREEZE has come: the arriving copy is of this session */
	bool aborted;  /* the source asked for it */
	bool asked;    /* the source was asked for it, since a signal came */
	enum nse_target_result result;
	bool leftover; /* the session that the source asks after has not ended */
};

extern const struct nse_step nse_target_steps[];

/*
 * Waits for a message that is legal in the state; `type` NONE: any of them.
 * QUERY is answered here. -ECANCELED for ABORT, -EINTR for a signal.
 */
int nse_target_expect(struct nse_target_session *t, enum nse_message type,
		      struct nse_incoming *msg, struct nse_error *err);

/*
 * Has a signal come? -EINTR with a text as long as everything can be undone. What is
 * committed may be released this moment: then the source is asked for ABORT, once,
 * and 0 is returned, as behind the release.
 */
int nse_target_give_up(struct nse_target_session *t, struct nse_error *err);

/*
 * Reads one context stream whose first CONTEXT message is given: the first round
 * into t->snap, a later one into d (initialised by the caller).
 */
int nse_target_receive_round(struct nse_target_session *t,
			     const struct nse_incoming *first, struct nse_delta *d,
			     struct nse_error *err);

/*
 * target_ahead.c: the first round, and every later one, become what this session
 * has, checked by the policy. A delta is made good in the kernel at once.
 */
int nse_target_take_snapshot(struct nse_target_session *t, struct nse_error *err);
int nse_target_take_delta(struct nse_target_session *t, const struct nse_delta *d,
			  struct nse_error *err);

/* Makes of the first round what can be made while the domain runs elsewhere. */
int nse_target_install_ahead(struct nse_target_session *t, struct nse_error *err);

/*
 * The guard is up: what stray packets have met while memory was copied is made anew.
 */
int nse_target_refresh(struct nse_target_session *t, struct nse_error *err);

/* At the commit: what had to wait. Records that cannot be made are refused now. */
int nse_target_install_waiting(struct nse_target_session *t, struct nse_error *err);

/*
 * Finds out by which names the domain goes here, and what this host has of it under
 * these. With last = false it may be too early for that, which is no error.
 */
int nse_target_find_names(struct nse_target_session *t, bool last, struct nse_error *err);

/*
 * Installs what is not in the kernel yet: by this host's names, and once more only
 * what is of the domain under these names. The journal knows of it before the
 * kernel. All or nothing: -ECANCELED when a record is refused.
 */
int nse_target_install(struct nse_target_session *t, struct nse_error *err);

/* Makes final what was installed; reads it back. */
int nse_target_settle(struct nse_target_session *t, struct nse_error *err);
int nse_target_verify(struct nse_target_session *t, struct nse_error *err);

/* Takes it back, and what was installed ahead with it. */
int nse_target_uninstall(struct nse_target_session *t, struct nse_error *err);

/* [{"key","why"}] of what was refused, or (differ) read back otherwise. */
json_t *nse_target_reasons(const struct nse_target_session *t, bool differ);

/*
 * A step has failed with rc: finishes or undoes by the facts, and tells the
 * source. Returns 0 when that is the orderly end of an aborted session.
 */
int nse_target_fate(struct nse_target_session *t, struct nse_steps *steps, int rc,
		    struct nse_error *err);

#endif
