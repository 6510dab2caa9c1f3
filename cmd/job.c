/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The refused records of a job, with their names and reasons; and how far it is.
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

/* In the thread of the progress: numbers that only grow, maybe not the newest. */
static void look(void *arg, struct cmd_progress_at *now)
{
	const struct nse_job *job = arg;
	bool verifies = strcmp(now->phase, "verify") == 0;

	now->records = __atomic_load_n(verifies ? &job->verified : &job->created,
				       __ATOMIC_RELAXED);
	if (!verifies)
		now->records += __atomic_load_n(&job->kept, __ATOMIC_RELAXED) +
				__atomic_load_n(&job->refused, __ATOMIC_RELAXED);
}

void cmd_job_progress(struct cmd_progress *p, const char *phase,
		      const struct nse_job *job, uint64_t total)
{
	const struct cmd_progress_at at = { .phase = phase,
					    .work = true,
					    .total = total };

	cmd_progress_update(p, &at);
	if (total)
		cmd_progress_ask(p, look, (void *)job);
}
