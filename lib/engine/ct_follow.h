/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Following conntrack entries: ct_follow.c listens, ct_follow_look.c asks.
 *
 * An event says little of what has changed, so it only names an entry that is then
 * asked for. Entries that were created while nobody listened tell nothing at all:
 * these are the silent ones, and they have to be looked at.
 */
#ifndef NSE_ENGINE_CT_FOLLOW_H
#define NSE_ENGINE_CT_FOLLOW_H

#include "lib/engine/ct_batch.h"
#include "lib/engine/engine.h"

extern const struct nse_follow_ops ct_follow_ops;

/* The same as ct_follow_ops.open(), with a receive buffer of that many bytes. */
int ct_follow_open(const struct nse_scope *scope, size_t rcvbuf, void **state,
		   struct nse_error *err);

struct ct_follow {
	const struct nse_scope *scope; /* not owned */
	struct nse_nl *nl;	       /* that hears the events; owned */
	struct ct_batch batch;
	struct nse_context *dirty;  /* keys that events have named; owned */
	struct nse_context *silent; /* keys of entries that tell nothing; owned */
	uint32_t next;		    /* the slot of `silent` that is looked at next */
	bool deaf;		    /* not even new entries are told of */
	bool quiet;		    /* begin() asks nobody */
	bool lost;		    /* events were dropped since the last collection */
	int64_t opened_us;	    /* no state in the context is older */
	int64_t dump_us;	    /* what a dump of the scope takes; 0: not known */
	int64_t look_us;	    /* what the looks have taken */
	uint64_t looks;		    /* so far */
	uint64_t events;	    /* that have not been reported yet */
	/* While begin() finds out who tells: what is asked, and who has been heard. */
	const struct nse_context *asked;
	uint8_t *heard;	   /* by slot of `asked` */
	struct ct_entry e; /* scratch, too big to be cleared for each event */
};

/* Asks for every dirty key, and appends to d how ctx has to change. */
int ct_follow_look_dirty(struct ct_follow *f, const struct nse_context *ctx,
			 struct nse_delta *d, struct nse_error *err);

/*
 * The same for silent keys, one batch at least, and no new batch after until_us.
 * *looked is how many they were.
 */
int ct_follow_look_silent(struct ct_follow *f, const struct nse_context *ctx,
			  int64_t until_us, struct nse_delta *d, uint64_t *looked,
			  struct nse_error *err);

/* The same for everything, by a dump. d must hold nothing of this engine yet. */
int ct_follow_dump(struct ct_follow *f, const struct nse_context *ctx,
		   struct nse_delta *d, struct nse_error *err);

/* Finds out what such a dump takes; 0 when it did not succeed. */
int64_t ct_follow_time_dump(const struct ct_follow *f, const struct nse_context *ctx);

/* Estimated microseconds for n looks. */
int64_t ct_follow_cost(const struct ct_follow *f, size_t n);

#endif
