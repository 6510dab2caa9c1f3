/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parts of the conntrack engine, one per file; the contracts are those of
 * struct nse_engine.
 */
#ifndef NSE_ENGINE_CT_ENGINE_H
#define NSE_ENGINE_CT_ENGINE_H

#include "lib/engine/ct_entry.h"
#include "lib/engine/engine.h"

int ct_facts(json_t *facts, struct nse_error *err);
/* See nse_engine.losses. */
int ct_losses(const struct nse_context *ctx, struct nse_problems *problems,
	      struct nse_error *err);
int ct_preflight(const struct nse_context *ctx, const struct nse_arrival *as,
		 struct nse_problems *problems, struct nse_error *err);
int ct_admit_record(const struct nse_scope *scope, const struct nse_record *rec,
		    struct nse_error *err);
int ct_install(struct nse_job *job, struct nse_error *err);

/* Takes back what these flags have done, and clears them in the job. */
#define CT_PRELIMINARY (NSE_JOB_LIBERAL | NSE_JOB_AHEAD | NSE_JOB_LONG)
int ct_settle(struct nse_job *job, struct nse_error *err);
int ct_verify(struct nse_job *job, struct nse_error *err);
int ct_refresh(struct nse_job *job, struct nse_error *err);
int ct_undo(struct nse_job *job, struct nse_error *err);
int ct_remove(struct nse_job *job, struct nse_error *err);
int ct_describe(const struct nse_record *rec, json_t *key, json_t *body, json_t *state);

/*
 * The seconds to live that an entry gets when it is installed ahead: longer than any
 * migration, and less than what a kernel of 1000 Hz cuts off (24.8 days).
 */
#define CT_AHEAD_S 2073600u

/*
 * Has no packet met the entry since it got CT_AHEAD_S? A packet would have given it
 * its protocol's time. Entries with IPS_FIXED_TIMEOUT never get a long time.
 */
static inline bool ct_unmet(const struct ct_entry *live)
{
	return live->timeout > CT_AHEAD_S / 2;
}

/*
 * Goes through the slots that an installation or an undo is about, from *i = 0 on:
 * job->slots, or all that there are.
 */
static inline bool ct_job_next(const struct nse_job *job, size_t *i, uint32_t *slot)
{
	size_t n = job->slots ? job->nslots : nse_context_slots(job->ctx);

	if (*i >= n)
		return false;
	*slot = job->slots ? job->slots[*i] : (uint32_t)*i;
	(*i)++;
	return true;
}

/*
 * Loads a slot into e when it is ours and has that outcome. A record that
 * cannot be read is refused.
 */
bool ct_job_load(struct nse_job *job, uint32_t slot, enum nse_outcome outcome,
		 struct ct_entry *e);

#endif
