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
int ct_preflight(const struct nse_context *ctx, const struct nse_arrival *as,
		 struct nse_problems *problems, struct nse_error *err);
int ct_install(struct nse_job *job, struct nse_error *err);

/* Takes back NSE_JOB_LIBERAL, and clears that flag of the job. */
int ct_settle(struct nse_job *job, struct nse_error *err);
int ct_verify(struct nse_job *job, struct nse_error *err);
int ct_undo(struct nse_job *job, struct nse_error *err);
int ct_remove(struct nse_job *job, struct nse_error *err);
int ct_describe(const struct nse_record *rec, json_t *key, json_t *body, json_t *state);

/*
 * Loads a slot into e when it is ours and has that outcome. A record that
 * cannot be read is refused.
 */
bool ct_job_load(struct nse_job *job, uint32_t slot, enum nse_outcome outcome,
		 struct ct_entry *e);

#endif
