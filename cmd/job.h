/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What became of the records of an apply or a purge, for people and programs.
 */
#ifndef NSE_CMD_JOB_H
#define NSE_CMD_JOB_H

#include <jansson.h>

#include "lib/engine/engine.h"

/* Lists the refused records with their reasons on stderr. */
void cmd_job_refusals(const struct nse_job *job);

/* [{"record":{…},"code":"EEXIST","why":"…"}, …], a new reference or NULL. */
json_t *cmd_job_refusals_json(const struct nse_job *job);

#endif
