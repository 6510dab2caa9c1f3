/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The refused records of a job, with their names and reasons.
 */
#include "cmd/job.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/record.h"
#include "lib/engine/registry.h"

static json_t *record_of(const struct nse_job *job, uint32_t slot)
{
	struct nse_record rec;

	return nse_context_at(job->ctx, slot, &rec) ? nse_record_to_json(&rec) : NULL;
}

void cmd_job_refusals(const struct nse_job *job)
{
	char name[CMD_TEXT];

	for (size_t i = 0; i < job->nrefusals; i++) {
		json_t *rec = record_of(job, job->refusals[i].slot);

		fprintf(stderr, "refused: %s: %s\n", cmd_record_name(rec, name),
			job->refusals[i].why);
		json_decref(rec);
	}
	if (job->refused > job->nrefusals)
		fprintf(stderr, "refused: and %" PRIu64 " more\n",
			job->refused - job->nrefusals);
}

json_t *cmd_job_refusals_json(const struct nse_job *job)
{
	json_t *list = json_array();

	for (size_t i = 0; i < job->nrefusals; i++) {
		const struct nse_refusal *r = &job->refusals[i];
		const char *code = strerrorname_np(-r->code);

		json_array_append_new(list, json_pack("{s:o, s:s, s:s}", "record",
						      record_of(job, r->slot), "code",
						      code ? code : "", "why", r->why));
	}
	return list;
}
