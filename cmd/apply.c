/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsemig apply: a whole stream is read and checked, relocated, installed all
 * or nothing, settled, read back and reported.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "cmd/cmd.h"
#include "cmd/groups.h"
#include "cmd/job.h"
#include "cmd/output.h"
#include "cmd/problems.h"
#include "cmd/progress.h"
#include "cmd/source.h"
#include "lib/engine/registry.h"
#include "lib/session/install.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"

#define MAX_SETTLE_S 3600

struct options {
	bool dry_run, best_effort, json;
	int64_t settle_s;
	uint32_t engines;
	int anchor, progress;
};

/* What took how long. */
struct phases {
	int64_t read_us, install_us, settle_us, verify_us;
};

static int take_engines(void *base, const char *value, struct nse_error *err)
{
	return nse_engines_parse(value, &((struct options *)base)->engines, err);
}

static const struct nse_opt opts[] = {
	NSE_OPT_FLAG('n', "dry-run", struct options, dry_run,
		     "change nothing, say what would happen"),
	NSE_OPT_FLAG('\0', "best-effort", struct options, best_effort,
		     "keep what could be installed when something is refused"),
	NSE_OPT_INT('\0', "settle", "SECONDS", struct options, settle_s, 0, MAX_SETTLE_S,
		    "accept any TCP window for so long (default 0)"),
	CMD_ANCHOR_OPT(struct options, anchor),
	NSE_OPT_FLAG('\0', "json", struct options, json, "report as one JSON object"),
	CMD_PROGRESS_OPT(struct options, progress),
	{ .letter = 'e',
	  .name = "engine",
	  .arg = "NAME[,NAME]",
	  .kind = NSE_OPT_K_CALL,
	  .call = take_engines,
	  .complete = "engine",
	  .help = "only these engines" },
	NSE_OPT_END
};

static const char *const synopsis[] = { "[options] FILE | -", NULL };
static const struct nse_usage usage = {
	.name = "apply",
	.synopsis = synopsis,
	.operands = "file",
	.min = 1,
	.max = 1,
};

/* Everything that this command shows while it runs. */
struct show {
	struct cmd_progress *progress;
	const struct cmd_common *common;
	int answered; /* signals */
};

static void show_release(struct show *s)
{
	cmd_progress_stop(s->progress);
}

static void enter(struct show *s, const char *phase)
{
	const struct cmd_progress_at at = { .phase = phase, .work = true };

	cmd_progress_update(s->progress, &at);
}

/* Behind the installation there is nothing that could be taken back. */
static void answer_signal(struct show *s)
{
	if (cmd_signal_again(&s->answered))
		cmd_say(s->common, "the context is installed; it is being settled and "
				   "read back, which has to be finished");
}

/* Lets the windows be learnt, then makes the entries strict. */
static int settle(const struct options *o, struct nse_job *job, struct show *show,
		  struct nse_error *err)
{
	int64_t until = nse_now_us() + o->settle_s * 1000000;

	/* A signal cuts the waiting short, never the settling. */
	while (!cmd_signal && nse_poll_ms(until) > 0)
		poll(NULL, 0, nse_poll_ms(until));
	answer_signal(show);
	return nse_engines_settle(o->engines, job, err);
}

/* The time since *start, which moves on to now. */
static int64_t lap(int64_t *start)
{
	int64_t from = *start;

	*start = nse_now_us();
	return *start - from;
}

static int install(const struct options *o, const struct nse_snapshot *snap,
		   struct nse_job *job, struct show *show, struct phases *took,
		   struct nse_error *err)
{
	int64_t start = nse_now_us();
	unsigned int flags = (o->dry_run ? NSE_INSTALL_DRY_RUN : 0) |
			     (o->best_effort ? NSE_INSTALL_BEST_EFFORT : 0) |
			     (o->settle_s ? NSE_INSTALL_LIBERAL : 0) |
			     cmd_anchor_flags(o->anchor);
	int rc;

	cmd_job_progress(show->progress, "install", job, nse_context_count(snap->ctx));
	rc = nse_install_apply(snap->ctx, o->engines, flags, &snap->header.scope.others,
			       &cmd_signal, job, err);
	took->install_us = lap(&start);
	if (rc < 0 || o->dry_run)
		return rc;
	enter(show, "settle");
	if (o->settle_s)
		rc = settle(o, job, show, err);
	took->settle_us = lap(&start);
	cmd_job_progress(show->progress, "verify", job, job->created);
	if (rc == 0)
		rc = nse_engines_verify(o->engines, job, err);
	answer_signal(show);
	took->verify_us = lap(&start);
	/* From here on the context is in force, though not as it should be. */
	if (rc < 0) {
		nse_error_prefix(err, "the context is installed, but");
		rc = err->code = -EUCLEAN;
	}
	return rc;
}

/*
 * A dry run of what is not refused: the preflight, too, which tries the rules on
 * this kernel. Its answer is CMD_DONE or CMD_FAILED.
 */
static int try_out(const struct nse_args *args, const struct options *o,
		   const struct nse_snapshot *snap, struct nse_error *err)
{
	NSE_CLEANUP(nse_problems_release)
	struct nse_problems problems = NSE_PROBLEMS_INIT;
	const struct nse_arrival as = { nse_install_job_flags(
						cmd_anchor_flags(o->anchor)),
					&snap->header.scope.others, NULL };
	int rc = nse_engines_preflight(o->engines, snap->ctx, &as, &problems, err);

	if (rc < 0)
		return rc;
	cmd_problems_say(&args->common, &problems, NSE_LOSS, NULL);
	return nse_problems_worst(&problems) == NSE_FAIL ? CMD_FAILED : CMD_DONE;
}

static int report_json(const struct options *o, const struct nse_job *job, bool undone,
		       const struct phases *took, struct nse_error *err)
{
	const char *result = undone ? "undone" : o->dry_run ? "dry-run" : "applied";
	json_t *phases =
		json_pack("{s:I, s:I, s:I, s:I}", "read", (json_int_t)took->read_us,
			  "install", (json_int_t)took->install_us, "settle",
			  (json_int_t)took->settle_us, "verify",
			  (json_int_t)took->verify_us);

	return cmd_json_print(json_pack("{s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:o}",
					"format", 1, "result", result, "created",
					(json_int_t)(undone ? 0 : job->created), "kept",
					(json_int_t)job->kept, "refused",
					(json_int_t)job->refused, "verified",
					(json_int_t)job->verified, "differ",
					(json_int_t)job->differ, "phases_us", phases,
					"refusals", cmd_job_refusals_json(job)),
			      err);
}

static void report_text(const struct nse_args *args, const struct options *o,
			const struct nse_job *job)
{
	cmd_job_refusals(job);
	if (job->differ)
		cmd_say(&args->common,
			"%" PRIu64 " of the created records read back differently; "
			"compare with: nsemig diff %s @",
			job->differ, args->words[0]);
	if (!args->common.quiet)
		printf("%s%" PRIu64 " created, %" PRIu64 " kept, %" PRIu64 " refused\n",
		       o->dry_run ? "dry run: " : "", job->created, job->kept,
		       job->refused);
}

static int status_of(const struct options *o, const struct nse_job *job)
{
	if (o->dry_run && job->refused && !o->best_effort)
		return CMD_FAILED;
	return job->refused || job->differ ? CMD_DIFFERS : CMD_DONE;
}

static int load(const char *path, const struct options *o, const struct nse_args *args,
		const struct nse_map *map, struct nse_snapshot *snap,
		struct nse_error *err)
{
	int rc = cmd_load_file(path, o->engines, snap, err);

	if (rc == 0)
		rc = cmd_relocate(snap, map, NULL, err);
	if (rc == 0)
		rc = cmd_scope_others(&args->common, &snap->header.scope, err);
	return cmd_signal ? nse_error(err, -EINTR, "interrupted: nothing was changed")
			  : rc;
}

/* Whose context, where, and how to go on; what was refused is listed before. */
static void explain(const struct nse_args *args, const struct nse_snapshot *snap,
		    const struct nse_job *job, struct nse_error *err)
{
	const char *name = snap->header.scope.domain.name, *file = args->words[0];
	struct utsname un = { .nodename = "this host" };

	uname(&un);
	if (err->code == -ECANCELED)
		nse_error(err, -ECANCELED,
			  "%" PRIu64 " of %zu records are refused, see above",
			  job->refused, nse_context_count(snap->ctx));
	nse_error_prefix(err, "the context of %s was not applied to %s",
			 name[0] ? name : file, un.nodename);
	if (err->code == -EUCLEAN)
		return;
	snprintf(err->state, sizeof(err->state),
		 "Nothing of it was installed; %s is as before.", un.nodename);
	nse_advise(
		err,
		"see with `nsemig apply --dry-run %s` what is in the way; --best-effort "
		"applies what can be",
		file);
}

static int run(const struct nse_args *args, const struct options *o,
	       const struct nse_map *map, struct nse_error *err)
{
	NSE_CLEANUP(nse_snapshot_release) struct nse_snapshot snap = { .ctx = NULL };
	NSE_CLEANUP(nse_job_release) struct nse_job job = { .ctx = NULL };
	int64_t start = nse_now_us();
	struct nse_error failed = { 0 };
	NSE_CLEANUP(show_release) struct show show = { .common = &args->common };
	struct phases took = { 0 };
	int rc;

	cmd_catch_signals();
	show.progress = cmd_progress_start(o->progress, &args->common, "",
					   strcmp(args->words[0], "-") == 0);
	enter(&show, "read");
	rc = load(args->words[0], o, args, map, &snap, err);
	if (rc < 0)
		return rc;
	took.read_us = lap(&start);
	cmd_hold_signals();
	rc = install(o, &snap, &job, &show, &took, &failed);
	cmd_progress_stop(nse_take(show.progress));
	if (rc < 0 && rc != -EINTR)
		explain(args, &snap, &job, &failed);
	if (rc < 0 && rc != -ECANCELED) {
		*err = failed;
		return rc;
	}
	if (o->json && report_json(o, &job, rc < 0, &took, err) < 0)
		return err->code;
	if (rc < 0) {
		cmd_job_refusals(&job);
		*err = failed;
		return rc;
	}
	if (!o->json)
		report_text(args, o, &job);
	rc = status_of(o, &job);
	return o->dry_run && rc == CMD_DONE ? try_out(args, o, &snap, err) : rc;
}

int cmd_apply(int argc, char **argv)
{
	NSE_CLEANUP(nse_map_release) struct nse_map map = NSE_MAP_INIT;
	struct options o = { .engines = NSE_ENGINES_ALL };
	struct nse_opt_group groups[] = { { NULL, opts, &o },
					  CMD_MAP_GROUP(&map),
					  { NULL, NULL, NULL } };
	struct nse_error err = { 0 };
	struct nse_args args;
	int status = nse_opts_parse(&usage, groups, argc, argv, &args);

	if (status >= 0)
		return status;
	status = run(&args, &o, &map, &err);
	return status < 0 ? cmd_fail(&err) : status;
}
