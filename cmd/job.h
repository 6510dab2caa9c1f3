/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What becomes of the records of a job, for people and programs.
 */
#ifndef NSE_CMD_JOB_H
#define NSE_CMD_JOB_H

#include <jansson.h>

#include "cmd/progress.h"
#include "lib/engine/engine.h"

/* Lists the refused records with their reasons on stderr. */
void cmd_job_refusals(const struct nse_job *job);

/* [{"record":{…},"code":"EEXIST","why":"…"}, …], a new reference or NULL. */
json_t *cmd_job_refusals_json(const struct nse_job *job);

/*
 * The work on a job has come to the phase "install" or "verify", of `total` records:
 * it tells by its counts how far it is. p may be NULL.
 */
void cmd_job_progress(struct cmd_progress *p, const char *phase,
		      const struct nse_job *job, uint64_t total);

#endif
