/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsemig purge: removes exactly the records of a file, or what is collected
 * for a scope now. A flow whose other end lives on this host belongs to that
 * domain too, and stays.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/groups.h"
#include "cmd/job.h"
#include "cmd/output.h"
#include "cmd/source.h"
#include "lib/engine/registry.h"
#include "lib/session/install.h"
#include "lib/session/local.h"
#include "lib/util/cleanup.h"

struct options {
	bool dry_run, json;
};

static const struct nse_opt opts[] = {
	NSE_OPT_FLAG('n', "dry-run", struct options, dry_run,
		     "change nothing, say what would happen"),
	NSE_OPT_FLAG('\0', "json", struct options, json, "report as one JSON object"),
	NSE_OPT_END
};

static const char *const synopsis[] = { "[options] DOMAIN | FILE | -", "[options] SCOPE",
					NULL };
static const struct nse_usage usage = {
	.name = "purge",
	.synopsis = synopsis,
	.operands = "scope-or-file",
	.max = 1,
};

static int purge(const struct cmd_scope *chosen, const char *word, unsigned int flags,
		 struct nse_snapshot *snap, struct nse_job *job, struct nse_error *err)
{
	NSE_CLEANUP(cmd_env_release) struct cmd_env env = CMD_ENV_INIT;
	NSE_FREE struct nse_addr *local = NULL;
	size_t n = 0;
	int rc;

	rc = cmd_load(chosen, word, snap, err);
	if (rc == 0)
		rc = cmd_env_open(&env, chosen->platform, err);
	if (rc == 0)
		rc = nse_local_ends(&env.config, env.platform, &snap->header.scope,
				    NSE_LOCAL_TO_LEAVE, &local, &n, err);
	if (rc < 0)
		return rc;
	return nse_install_purge(snap->ctx, chosen->engines, &snap->header.scope, local,
				 n, flags, job, err);
}

static int report_json(const struct options *o, const struct nse_job *job,
		       struct nse_error *err)
{
	return cmd_json_print(json_pack("{s:i, s:s, s:I, s:I, s:I, s:I, s:o}", "format",
					1, "result", o->dry_run ? "dry-run" : "purged",
					"removed", (json_int_t)job->removed, "absent",
					(json_int_t)job->absent, "kept",
					(json_int_t)job->kept, "refused",
					(json_int_t)job->refused, "refusals",
					cmd_job_refusals_json(job)),
			      err);
}

static int run(const struct nse_args *args, const struct options *o,
	       const struct cmd_scope *chosen, struct nse_error *err)
{
	NSE_CLEANUP(nse_snapshot_release) struct nse_snapshot snap = { .ctx = NULL };
	NSE_CLEANUP(nse_job_release) struct nse_job job = { .ctx = NULL };
	int rc;

	rc = purge(chosen, args->words[0], o->dry_run ? NSE_INSTALL_DRY_RUN : 0, &snap,
		   &job, err);
	if (rc < 0 && job.removed && !o->dry_run) {
		nse_error_prefix(err, "%" PRIu64 " records are removed, but",
				 job.removed);
		rc = err->code = -EUCLEAN;
	}
	if (rc < 0)
		return rc;
	if (o->json)
		rc = report_json(o, &job, err);
	else
		cmd_job_refusals(&job);
	if (rc < 0)
		return rc;
	if (!o->json && !args->common.quiet)
		printf("%s%" PRIu64 " removed, %" PRIu64 " absent, %" PRIu64
		       " kept for a local end, %" PRIu64 " refused\n",
		       o->dry_run ? "dry run: " : "", job.removed, job.absent, job.kept,
		       job.refused);
	return job.refused ? CMD_DIFFERS : CMD_DONE;
}

int cmd_purge(int argc, char **argv)
{
	NSE_CLEANUP(cmd_scope_release) struct cmd_scope chosen;
	struct options o = { .json = false };
	struct nse_opt_group groups[] = { { NULL, opts, &o },
					  CMD_SCOPE_GROUP(&chosen),
					  { NULL, NULL, NULL } };
	struct nse_error err = { 0 };
	struct nse_args args;
	int status;

	cmd_scope_init(&chosen);
	status = nse_opts_parse(&usage, groups, argc, argv, &args);
	if (status >= 0)
		return status;
	status = run(&args, &o, &chosen, &err);
	return status < 0 ? cmd_fail(&err) : status;
}
