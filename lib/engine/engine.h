/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The contract of a security engine: it collects, installs, removes,
 * relocates and describes its own records, and knows nothing of where they go.
 * Diff, stream and session know nothing of engines but this table.
 */
#ifndef NSE_ENGINE_ENGINE_H
#define NSE_ENGINE_ENGINE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "lib/context/context.h"
#include "lib/context/delta.h"
#include "lib/context/diff.h"
#include "lib/context/map.h"
#include "lib/context/problem.h"
#include "lib/context/scope.h"
#include "lib/util/buf.h"
#include "lib/util/error.h"

/* What became of a record of a context, by slot. */
enum nse_outcome {
	NSE_UNTOUCHED,	/* not this engine's, or not tried */
	NSE_CREATED,	/* we made it; undo removes it */
	NSE_KEPT,	/* the host has it already: the host's is left alone */
	NSE_REFUSED,	/* see the refusals */
	NSE_REMOVED_OK, /* removal: it was there and is gone */
	NSE_ABSENT,	/* removal: it was not there */
};

struct nse_refusal {
	uint32_t slot;
	int code;  /* -errno of the kernel or of our own check */
	char *why; /* what, and what to do; owned */
};

#define NSE_REFUSALS_MAX    1000 /* kept with their text; further ones are counted */
#define NSE_DIFFERENCES_MAX 20

#define NSE_JOB_DRY_RUN 0x1 /* only find out what would happen */
#define NSE_JOB_LIBERAL                                                                  \
	0x2 /* install so that running traffic meets no dip;                             \
		 settle() takes it back */

#define NSE_JOB_AHEAD                                                                    \
	0x10 /* install while the domain still runs elsewhere: with a long time to live, \
		and what cannot be made yet is left NSE_UNTOUCHED and not refused;       \
		settle() gives what no packet has met since the time that it had left */
#define NSE_JOB_UNMET                                                                    \
	0x20 /* undo: only what no packet has met since it was installed                 \
	      */
#define NSE_JOB_LONG                                                                     \
	0x40 /* entries get a long time to live, which settle() takes back;              \
		NSE_JOB_AHEAD implies it */

#define NSE_JOB_ANCHOR_FIRST 0x4 /* rules of shared chains: to the chain's beginning */
#define NSE_JOB_ANCHOR_LAST  0x8 /* or to its end, instead of the same relative place */

/*
 * One job on a context: install, then settle, verify or undo; or remove.
 * outcome has one byte per slot of ctx. The caller owns the job. ctx must not
 * change during its life, but for a job that installs ahead: then records may be
 * put, replaced and deleted between two calls, as long as nse_job_grow() is called
 * afterwards, and no deleted record is NSE_CREATED.
 */
struct nse_job {
	const struct nse_context *ctx;
	unsigned int flags;
	/*
	 * install() and undo() of engines that install ahead look at these slots
	 * only, in time that depends on their number alone. NULL: at all. Not owned.
	 */
	const uint32_t *slots;
	size_t nslots;
	/*
	 * Not 0: install() stops between two batches with -EINTR, and what it did is
	 * known. NULL: never. Not owned.
	 */
	const volatile sig_atomic_t *interrupted;
	uint8_t *outcome;	      /* enum nse_outcome by slot */
	uint32_t room;		      /* slots that outcome has room for */
	struct nse_refusal *refusals; /* owned */
	size_t nrefusals;
	uint64_t created, kept, refused, removed, absent;
	uint64_t verified, differ;	 /* by verify() */
	struct nse_refusal *differences; /* owned; the first of those that differ */
	size_t ndifferences;
	int64_t installed_us; /* nse_now_us() of the first install(), 0: unknown */
	int64_t taken_us; /* when the states were taken, in our nse_now_us(); 0: unknown
			   */
	const struct nse_domain *others; /* of this host; may be NULL. Not owned */
	struct nse_context *owned;	 /* a context that goes with the job, or NULL */
};

/* Makes a job for the context: 0 or -ENOMEM. */
int nse_job_init(struct nse_job *job, const struct nse_context *ctx, unsigned int flags);
void nse_job_release(struct nse_job *job);

/* Makes room for slots that ctx has got since: 0 or -ENOMEM. */
int nse_job_grow(struct nse_job *job);

/* Sets a slot's outcome and counts it; a later call for the slot counts anew. */
void nse_job_outcome(struct nse_job *job, uint32_t slot, enum nse_outcome outcome);

/* Outcome NSE_REFUSED with a printf-like reason. */
void nse_job_refuse(struct nse_job *job, uint32_t slot, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Outcome NSE_KEPT with a printf-like reason, for a removal that leaves something
 * there; it stands among the refusals.
 */
void nse_job_keep(struct nse_job *job, uint32_t slot, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* How a context would be installed here. */
struct nse_arrival {
	unsigned int flags;		 /* NSE_JOB_ANCHOR_* */
	const struct nse_domain *others; /* of this host; NULL: not known */
	const struct nse_scope *scope;	 /* of what comes; NULL: not known */
};

/*
 * Says how what was read back of a slot differs, or that it is gone; the first
 * of them are kept. The engine counts job->differ itself.
 */
void nse_job_tell_difference(struct nse_job *job, uint32_t slot, const char *why);

/* What following has come to, since it began. */
struct nse_follow_stats {
	uint64_t events;  /* that told of one of the domain's records */
	uint64_t silent;  /* records that do not tell of changes by themselves */
	uint64_t checked; /* looks at silent records */
	uint64_t left;	  /* silent records that the last call did not come to */
	uint64_t resyncs; /* events were lost, and everything was collected again */
};

/*
 * Following the changes of an engine's records. `state` is the engine's own. No
 * call waits for news.
 */
struct nse_follow_ops {
	/* Begins to listen: what changes from now on will be told. scope stays. */
	int (*open)(const struct nse_scope *scope, void **state, struct nse_error *err);
	void (*close)(void *state);

	/*
	 * Descriptor that poll(2) finds readable when there is news of records that
	 * tell of their changes.
	 */
	int (*fd)(const void *state);

	/*
	 * To be called ahead of begin(), which then leaves the kernel in peace: any
	 * record is taken for a silent one until it has told of a change.
	 */
	void (*quiet)(void *state);

	/* ctx is whole now: finds out which of its records tell of their changes. */
	int (*begin)(void *state, const struct nse_context *ctx, struct nse_error *err);

	/*
	 * Appends to d how the engine's records in ctx have to change. Silent ones
	 * are looked at as long as budget_us allows; with last = true, when
	 * nothing changes any more, by the cheapest way to see all of them.
	 * -ENOBUFS: events were lost, and d is void: collect again, then begin().
	 */
	int (*changes)(void *state, const struct nse_context *ctx, bool last,
		       int64_t budget_us, struct nse_delta *d,
		       struct nse_follow_stats *stats, struct nse_error *err);
};

struct nse_engine {
	const char *name;	  /* as in nse_kind.engine */
	const char *const *types; /* NULL-terminated */

	/*
	 * The members that describe() can give, without the part of the record that
	 * they stand in, deeper ones as "reply.src"; NULL-terminated. What filters and
	 * columns may name.
	 */
	const char *const *fields;

	/* Does install() know NSE_JOB_AHEAD, and undo() NSE_JOB_UNMET? */
	bool ahead;

	/* Optional (NULL): an engine without is collected again and compared. */
	const struct nse_follow_ops *follow;

	/*
	 * Optional (NULL), ended by 0: the multicast groups (NFNLGRP_*) in which the
	 * kernel tells that something of the engine's may have changed. Not all
	 * changes are told: packets that change something are no news there.
	 */
	const unsigned int *news;

	/*
	 * What this host's kernel offers to the engine, found by behaviour:
	 * members are added to the JSON object `facts`. It goes to the other
	 * side in the preflight. 0 or -errno.
	 */
	int (*facts)(json_t *facts, struct nse_error *err);

	/*
	 * Compares a context that would arrive with this host (facts, room,
	 * clashes) and appends what stands against it. ctx may be NULL: then
	 * only what holds for any context.
	 */
	int (*preflight)(const struct nse_context *ctx, const struct nse_arrival *as,
			 struct nse_problems *problems, struct nse_error *err);

	/*
	 * Optional (NULL): appends what of a (checked) context no kernel takes back,
	 * on any host. 0 or -errno with a text.
	 */
	int (*losses)(const struct nse_context *ctx, struct nse_problems *problems,
		      struct nse_error *err);

	/*
	 * Puts every record of the scope into the sink. A dump that was
	 * disturbed is taken again after sink->reset. 0 or -errno (-EPERM
	 * without CAP_NET_ADMIN).
	 */
	int (*collect)(const struct nse_scope *scope, const struct nse_sink *sink,
		       struct nse_error *err);

	/* Are the bytes a record that this engine could have written? -EBADMSG. */
	int (*check)(const struct nse_record *rec, struct nse_error *err);

	/* Does the (checked) record lie in the scope, looked at alone? */
	bool (*in_scope)(const struct nse_scope *scope, const struct nse_record *rec);

	/*
	 * Optional (NULL): may the (checked) record, which in_scope() knows as
	 * that of the scope's domain, be taken from another host? Looked at alone,
	 * with what this host's other domains have (scope->others). -EPERM with a
	 * text that names it.
	 */
	int (*admit_record)(const struct nse_scope *scope, const struct nse_record *rec,
			    struct nse_error *err);

	/*
	 * May all (checked) records of this engine in the context be there, for
	 * a domain of that scope? -EPERM with a text that names the first that
	 * may not. NULL: in_scope() of each of them is all there is to ask.
	 */
	int (*admit)(const struct nse_scope *scope, const struct nse_context *ctx,
		     struct nse_error *err);

	/*
	 * Is the other end of the (checked) record one of these local
	 * addresses, so that it must stay when the domain leaves?
	 */
	bool (*shared)(const struct nse_record *rec, const struct nse_scope *scope,
		       const struct nse_addr *local, size_t nlocal);

	/*
	 * Rewrites a (checked) record by the map into the three buffers, which
	 * are reset first. 0 or -errno with a text.
	 */
	int (*relocate)(const struct nse_map *map, const struct nse_record *rec,
			struct nse_buf *key, struct nse_buf *body, struct nse_buf *state,
			struct nse_error *err);

	/*
	 * Optional (NULL): the same for all of the engine's records of a context
	 * at once, in the place of relocate() for each, where one record does not
	 * tell enough. Puts them into `to`; -EEXIST when two become one.
	 */
	int (*relocate_all)(const struct nse_map *map, const struct nse_context *from,
			    struct nse_context *to, struct nse_error *err);

	/*
	 * Installs the engine's records of job->ctx that are NSE_UNTOUCHED.
	 * Never overwrites: what exists alike is KEPT, what clashes REFUSED.
	 * It goes on after a refusal; the caller decides about undo. 0 although
	 * records were refused; -errno when the engine could not work at all.
	 */
	int (*install)(struct nse_job *job, struct nse_error *err);

	/* Makes final what install() left preliminary, for CREATED records. */
	int (*settle)(struct nse_job *job, struct nse_error *err);

	/*
	 * With `ahead` only: makes anew what is CREATED and has been met by packets
	 * since. The kernel has learnt from them where a connection stood, and would
	 * not follow it from where it stands when the domain comes. Nothing may pass
	 * meanwhile.
	 */
	int (*refresh)(struct nse_job *job, struct nse_error *err);

	/*
	 * Reads back what is CREATED and compares it with the record: counts
	 * job->verified and job->differ.
	 */
	int (*verify)(struct nse_job *job, struct nse_error *err);

	/* Removes what is CREATED, and only that. */
	int (*undo)(struct nse_job *job, struct nse_error *err);

	/*
	 * Removes the engine's records of job->ctx that are NSE_UNTOUCHED,
	 * exactly these (REMOVED_OK or ABSENT).
	 */
	int (*remove)(struct nse_job *job, struct nse_error *err);

	/*
	 * Optional (NULL): rewrites the engine's items in the result of
	 * nse_diff(a, b, flags, d), where keys alone do not tell what has
	 * changed. 0 or -errno, and then d is as it was.
	 */
	int (*rediff)(const struct nse_context *a, const struct nse_context *b,
		      unsigned int flags, struct nse_diff *d, struct nse_error *err);

	/*
	 * Adds the fields of a (checked) record to three JSON objects, with the
	 * names of nsemig-json(5).
	 */
	int (*describe)(const struct nse_record *rec, json_t *key, json_t *body,
			json_t *state);
};

#endif
