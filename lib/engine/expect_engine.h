/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parts of the engine `expect`, one per file; the contracts are those of
 * struct nse_engine.
 */
#ifndef NSE_ENGINE_EXPECT_ENGINE_H
#define NSE_ENGINE_EXPECT_ENGINE_H

#include "lib/engine/engine.h"
#include "lib/engine/expect_row.h"

int nse_expect_facts(json_t *facts, struct nse_error *err);
int nse_expect_preflight(const struct nse_context *ctx, const struct nse_arrival *as,
			 struct nse_problems *problems, struct nse_error *err);
int nse_expect_install(struct nse_job *job, struct nse_error *err);
int nse_expect_verify(struct nse_job *job, struct nse_error *err);
int nse_expect_undo(struct nse_job *job, struct nse_error *err);
int nse_expect_remove(struct nse_job *job, struct nse_error *err);
int nse_expect_describe(const struct nse_record *rec, json_t *key, json_t *body,
			json_t *state);

/*
 * The slot of the master's own record, or NSE_CONTEXT_NONE. helper gets the
 * name of the helper that it has there, "" for none.
 */
uint32_t nse_expect_master_slot(const struct nse_context *ctx, const struct nse_expect *e,
				char helper[CT_HELPER_NAME]);

#endif
