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
	struct nse_scope here;	  /* the scope by this host's names, from the commit on */
	unsigned int anchor;	  /* NSE_INSTALL_ANCHOR_*, as the source asked for */
	unsigned int rounds;
	struct nse_guard *guard;
	struct nse_job job;
	bool installed;
	bool frozen;   /* FREEZE has come: the arriving copy is of this session */
	bool aborted;  /* the source asked for it */
	bool leftover; /* the session that the source asks after has not ended */
};

extern const struct nse_step nse_target_steps[];

/*
 * Waits for a message that is legal in the state; `type` NONE: any of them.
 * QUERY is answered here. -ECANCELED for ABORT.
 */
int nse_target_expect(struct nse_target_session *t, enum nse_message type,
		      struct nse_incoming *msg, struct nse_error *err);

/* Reads one context stream whose first CONTEXT message is given. */
int nse_target_receive_round(struct nse_target_session *t,
			     const struct nse_incoming *first, struct nse_error *err);

/* Refuses a domain that runs here under the same name already. */
int nse_target_check_domain(struct nse_target_session *t, struct nse_problems *problems,
			    struct nse_error *err);

/*
 * Installs what has come: by this host's names, and once more only what is of
 * the domain under these names. The journal knows of it before the kernel.
 */
int nse_target_install(struct nse_target_session *t, struct nse_error *err);

/* Makes final what was installed, and reads it back. */
int nse_target_settle(struct nse_target_session *t, struct nse_error *err);

/* [{"key","why"}] of a job's refusals or differences. */
json_t *nse_target_reasons(const struct nse_job *job, const struct nse_refusal *items,
			   size_t n);

/*
 * A step has failed with rc: finishes or undoes by the facts, and tells the
 * source. Returns 0 when that is the orderly end of an aborted session.
 */
int nse_target_fate(struct nse_target_session *t, struct nse_steps *steps, int rc,
		    struct nse_error *err);

#endif
