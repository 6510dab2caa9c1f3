/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the source's steps (source.c), its talk with the target
 * (source_talk.c), its end (source_fate.c) and its errors (source_explain.c)
 * share.
 */
#ifndef NSE_SESSION_SOURCE_PRIVATE_H
#define NSE_SESSION_SOURCE_PRIVATE_H

#include "lib/context/snapshot.h"
#include "lib/engine/follow.h"
#include "lib/engine/nft/guard.h"
#include "lib/session/install.h"
#include "lib/session/journal.h"
#include "lib/session/protocol.h"
#include "lib/session/source.h"
#include "lib/session/steps.h"

/* Who met the cause of a failure. */
enum nse_source_where { NSE_AT_SOURCE, NSE_AT_TARGET, NSE_AT_LINK };

struct nse_source_session {
	const struct nse_source_spec *spec;
	struct nse_problems *problems;
	char id[37];
	int lock;
	struct nse_journal *journal; /* NULL in a dry run */
	struct nse_link link;
	bool linked;
	struct nse_channel ch;
	struct nse_follow *follow; /* NULL in a dry run, and after the release */
	struct nse_follow_stats followed;
	bool follows;		  /* these are known */
	struct nse_context *sent; /* what the target has */
	struct nse_context *last; /* all there is, after the domain has left */
	struct nse_move *move;
	struct nse_guard *guard;
	/* When; 0: not yet. */
	int64_t suspended_us, ready_us, committed_us, released_us, ended_us;
	bool ended;	/* the platform's program */
	bool prepared;	/* the target knows its names of the domain's interfaces */
	bool there;	/* something of ours may be installed at the target */
	bool was_there; /* it was asked to */
	bool commit_sent;
	bool settled;
	bool verified;
	bool cleaned;
	json_t *rounds;
	json_t *refused;
	json_t *differ; /* what the target has read back otherwise */
	json_t *welcome;
	struct nse_steps steps;
	enum nse_source_where where;
	char ending[NSE_LINK_ENDING_MAX]; /* how the link ended, "": it did not */
	char unconfirmed[512]; /* why it is not known that nothing is left there */
	bool missing;	       /* an undo failed, and the domain does not run here */
	bool abort_said;
	bool arrived; /* it is a fact that the domain runs at the target */
	uint64_t carried, kept, kept_here, dropped;
	uint64_t records_there, bytes_sent; /* for the progress */
};

extern const struct nse_step nse_source_steps[];

/* Sends a JSON message and waits for the answer of type `reply`. */
int nse_source_ask(struct nse_source_session *s, enum nse_message type, json_t *obj,
		   enum nse_message reply, int64_t deadline_us, json_t **answer,
		   struct nse_error *err);

/*
 * Waits for the answer `reply` (NSE_MSG_NONE: for none) or for the move's
 * `event` (NSE_MOVE_NONE: for none), whichever is asked for, and keeps track
 * of the move meanwhile. FAILED, REFUSED, a dead link, the end of the move and
 * an interrupt are errors.
 */
int nse_source_wait(struct nse_source_session *s, enum nse_message reply,
		    enum nse_move_event event, int64_t deadline_us, json_t **answer,
		    struct nse_error *err);

/*
 * Sends the first round, or a delta that is then applied to s->sent, and checks
 * HAVE. What is sent goes into the journal as well.
 */
int nse_source_send_first(struct nse_source_session *s, struct nse_error *err);
int nse_source_send_delta(struct nse_source_session *s, const struct nse_delta *d,
			  struct nse_error *err);

/*
 * Sends what has changed while the first round was under way, until little is left:
 * a long round would keep us from seeing the suspension.
 */
int nse_source_catch_up(struct nse_source_session *s, struct nse_error *err);

/* Sends what has changed since; with last = true everything has to be told now. */
int nse_source_send_changes(struct nse_source_session *s, bool last,
			    struct nse_error *err);

/*
 * The domain is on its way: the target finds out what it would have to at the
 * commit, as far as it can already; to be called again until s->prepared.
 */
int nse_source_prepare(struct nse_source_session *s, struct nse_error *err);

/* News for the user. */
void nse_source_note(struct nse_source_session *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Tells where the migration stands; arg is the session. */
void nse_source_tell_progress(void *arg);

/*
 * source_check.c: the step "offer", in which both hosts are looked at without
 * the context. What the target finds is in its answers.
 */
int nse_source_offer(void *session, struct nse_error *err);
int nse_source_take_problems(struct nse_source_session *s, const json_t *answer,
			     struct nse_error *err);

/*
 * May it go on with the problems that are known? -ECONNABORTED with the first
 * one that would make it fail or (without force) lose something. A dry run is
 * stopped by the former only.
 */
int nse_source_judge(struct nse_source_session *s, struct nse_error *err);

/* The report object of nsemig-json(5). */
json_t *nse_source_report(struct nse_source_session *s, enum nse_source_result result,
			  const struct nse_error *err);

/*
 * Puts around the cause what an operator has to know besides: domain, hosts and
 * phase in front, where the domain is and what to do behind.
 */
void nse_source_explain(struct nse_source_session *s, enum nse_source_result result,
			struct nse_error *err);

/*
 * When the link has ended: keeps how, as long as it can be told; and makes that
 * the error's text.
 */
void nse_source_keep_ending(struct nse_source_session *s);
void nse_source_name_loss(struct nse_source_session *s, struct nse_error *err);

/*
 * Opens the link, unless *interrupted (NULL: never) is not 0, and reads the greeting;
 * closes it again.
 */
int nse_source_connect(struct nse_source_session *s,
		       const volatile sig_atomic_t *interrupted, struct nse_error *err);
void nse_source_disconnect(struct nse_source_session *s);

/* Tells the target to undo everything, without waiting for it. */
void nse_source_say_abort(struct nse_source_session *s);

/*
 * Says so unless it was said, and waits for the confirmation; when it comes
 * s->there and s->commit_sent are cleared, since nothing can be left there any more.
 */
void nse_source_part(struct nse_source_session *s, int64_t deadline_us);

/* A last look before the line: -errno when the target has gone or failed. */
int nse_source_alive(struct nse_source_session *s, struct nse_error *err);

/*
 * After the release, the platform's program has ended (rc 0) or did not in
 * time: where does the domain run? 0 at the target. Here: the line was not
 * crossed after all, and the steps will be undone. Otherwise an error, and it
 * is unclear.
 */
int nse_source_decide(struct nse_source_session *s, int rc, struct nse_error *err);

/* Does the domain run here? Resuming takes the platform a moment: it has some. */
bool nse_source_runs_here(struct nse_source_session *s);

/* Lets the target make final what is preliminary; what fails is told only. */
int nse_source_settle(struct nse_source_session *s, struct nse_error *err);

/*
 * After an abort whose confirmation did not come: asks the target again over
 * a new link, which also makes it clean up. 0 when nothing is left there, or when
 * no commit was asked for: what was installed ahead hurts nobody, and the target
 * takes it back by itself when it notices. What is still there is in s->unconfirmed.
 */
int nse_source_confirm_undone(struct nse_source_session *s);

/* A random session id of 36 bytes and a NUL. */
void nse_source_new_id(char id[37]);

#endif
