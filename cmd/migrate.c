/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsemig migrate: the whole move, driven by lib/session, told to people on
 * stderr and to programs by --report.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/event.h"
#include "cmd/groups.h"
#include "cmd/move_shell.h"
#include "cmd/output.h"
#include "cmd/problems.h"
#include "cmd/progress.h"
#include "lib/scope/resolve.h"
#include "lib/session/source.h"
#include "lib/session/steps.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"

struct options {
	const char *report;
	bool dry_run, force;
	int64_t timeout;
	int progress, anchor;
};

static const struct nse_opt opts[] = {
	NSE_OPT_FILE('\0', "report", struct options, report,
		     "write the report (JSON) there, '-' for stdout"),
	NSE_OPT_FLAG('n', "dry-run", struct options, dry_run,
		     "stop after the check of both hosts"),
	NSE_OPT_FLAG('\0', "force", struct options, force,
		     "move although the check says that something would be lost"),
	NSE_OPT_INT('\0', "timeout", "S", struct options, timeout, 1, 3600,
		    "abort when the target has not committed S seconds after the "
		    "freeze, or is silent for so long (30, or as configured)"),
	CMD_ANCHOR_OPT(struct options, anchor),
	CMD_PROGRESS_OPT(struct options, progress),
	NSE_OPT_END
};

static const char *const synopsis[] = {
	"[options] DOMAIN [USER@]HOST[:PORT] [-- PLATFORM-OPTIONS]", NULL
};
static const struct nse_usage usage = {
	.name = "migrate",
	.synopsis = synopsis,
	.operands = "scope host",
	.min = 2,
	.max = 2,
	.rest = true,
	.notes =
		"What stands behind -- is passed to the platform's own move (xl migrate).",
};

struct watcher {
	const struct cmd_common *common;
	struct cmd_progress *progress;
	const char *domain, *target;
	int answered;	  /* signals */
	uint64_t records; /* the most that were at the target */
};

static void note(void *arg, const char *text)
{
	const struct watcher *w = arg;

	cmd_say(w->common, "%s", text);
}

/* Each Ctrl-C is told what becomes of it. */
static void answer_signal(struct watcher *w, const struct nse_source_progress *now)
{
	bool again = w->answered > 0;

	if (!cmd_signal_again(&w->answered))
		return;
	if (now->released)
		cmd_say(w->common,
			"%s has been released to run at %s, and that cannot be taken "
			"back: its context is being settled there and removed here, "
			"which has to be finished",
			w->domain, w->target);
	else if (strcmp(now->phase, NSE_STEPS_UNDO) != 0 || !again)
		cmd_say(w->common, "interrupted: everything is taken back, %s stays here",
			w->domain);
	else
		cmd_say(w->common,
			"everything is being taken back already, and %s would "
			"be left half moved without that",
			w->domain);
}

static void on_progress(void *arg, const struct nse_source_progress *now)
{
	struct watcher *w = arg;
	const struct cmd_progress_at at = { .phase = now->phase,
					    .memory = now->memory,
					    .records = now->records,
					    .sent = now->sent };

	if (now->records > w->records)
		w->records = now->records;
	cmd_progress_update(w->progress, &at);
	answer_signal(w, now);
}

/* The report goes to its file whole or not at all. */
static int write_report(const char *path, const json_t *report, struct nse_error *err)
{
	NSE_CLEANUP(nse_newfile_release) struct nse_newfile f = NSE_NEWFILE_INIT;
	NSE_FREE char *text = json_dumps(report, JSON_INDENT(2));
	int rc;

	if (!text)
		return nse_error(err, -ENOMEM, "out of memory");
	if (strcmp(path, "-") == 0)
		return puts(text) < 0 ? nse_errno(err, -EIO, "cannot write the report")
				      : 0;
	rc = nse_newfile_open(&f, path, err);
	if (rc == 0)
		rc = nse_write_full(f.fd, text, strlen(text), NSE_FOREVER);
	if (rc == 0)
		rc = nse_write_full(f.fd, "\n", 1, NSE_FOREVER);
	return rc < 0 ? rc : nse_newfile_commit(&f, err);
}

static json_int_t number(const json_t *obj, const char *name)
{
	return json_integer_value(json_object_get(obj, name));
}

/* What a person wants to know, from the report alone. */
static void say_done(const struct cmd_common *common, const json_t *report)
{
	const json_t *phases = json_object_get(report, "phases_us");
	const json_t *records = json_object_get(report, "records");
	char commit[CMD_NUMBER], hold[CMD_NUMBER], frozen[CMD_NUMBER];

	cmd_say(common, "%s runs at %s; %lld records carried, %lld were there already%s",
		json_string_value(json_object_get(report, "domain")),
		json_string_value(json_object_get(report, "target")),
		(long long)number(records, "carried"), (long long)number(records, "kept"),
		json_is_true(json_object_get(report, "verified")) ? ", verified"
								  : ", NOT verified");
	cmd_say(common, "frozen %s, context committed %s after the freeze, READY held %s",
		cmd_duration(number(phases, "frozen"), frozen),
		cmd_duration(number(phases, "commit"), commit),
		cmd_duration(number(report, "hold_us"), hold));
}

static int status_of(enum nse_source_result result)
{
	static const int status[] = { CMD_DONE, CMD_FAILED, CMD_UNCLEAR };

	return status[result];
}

static int finish(const struct nse_args *args, const struct options *o,
		  enum nse_source_result result, const json_t *report,
		  const struct nse_problems *problems, struct nse_error *err)
{
	struct nse_error own = { 0 };
	int status = status_of(result);
	/* What the check has found is told already. */
	bool told = err->code == -ECONNABORTED && nse_problems_worst(problems) > NSE_NOTE;

	cmd_problems_say(&args->common, problems, o->dry_run ? NSE_NOTE : NSE_LOSS,
			 told && o->dry_run ? NULL : err);
	if (err->code && !(told && o->dry_run))
		cmd_fail(err);
	if (result == NSE_MIGRATED && !o->dry_run)
		say_done(&args->common, report);
	if (result == NSE_MIGRATED && o->dry_run)
		status = cmd_problems_status(problems);
	if (o->report && write_report(o->report, report, &own) < 0)
		cmd_fail(&own);
	return status;
}

/* What no option said is as configured for the domain, or for all. */
static void configure(struct nse_source_spec *spec, const struct options *o)
{
	const char *name = spec->scope->domain.name;

	spec->timeout_s = (int)o->timeout;
	if (!o->timeout)
		spec->timeout_s = atoi(nse_config_of(spec->config, "domain", name,
						     "migrate", "timeout"));
	spec->anchor = o->anchor >= 0 ? cmd_anchor_words[o->anchor]
				      : nse_config_of(spec->config, "domain", name,
						      "migrate", "anchor");
	if (strcmp(spec->anchor, cmd_anchor_words[CMD_ANCHOR_SAME]) == 0)
		spec->anchor = NULL;
}

static int migrate(const struct nse_args *args, const struct options *o,
		   const struct cmd_scope *chosen, struct cmd_remote *remote,
		   struct nse_error *err)
{
	NSE_CLEANUP(cmd_env_release) struct cmd_env env = CMD_ENV_INIT;
	NSE_CLEANUP(nse_scope_release) struct nse_scope scope;
	NSE_CLEANUP(nse_words_release) struct nse_words shell = { 0 };
	NSE_CLEANUP(nse_problems_release)
	struct nse_problems problems = NSE_PROBLEMS_INIT;
	struct watcher watcher = { .common = &args->common, .target = args->words[1] };
	struct nse_source_spec spec = { .scope = &scope,
					.engines = chosen->engines,
					.target = args->words[1],
					.dry_run = o->dry_run,
					.force = o->force,
					.note = note,
					.progress = on_progress,
					.arg = &watcher,
					.interrupted = &cmd_signal };
	char host[sizeof(spec.link.target.user) + sizeof(spec.link.target.host) + 1];
	json_t *report = NULL;
	enum nse_source_result result;
	int status;

	nse_scope_init(&scope);
	if (cmd_env_open(&env, chosen->platform, err) < 0)
		return cmd_fail(err);
	if (!env.platform) {
		nse_error(err, -ENODEV,
			  "no platform: this host does not run Xen; name one "
			  "with --platform script:PROGRAM or in nsemig.conf");
		return cmd_fail(err);
	}
	if (nse_scope_resolve(&env.config, env.platform, args->words[0], &chosen->given,
			      &scope, err) < 0 ||
	    cmd_remote_defaults(remote, args->words[1], err) < 0 ||
	    cmd_remote_spec(remote, args->words[1], "receive --session", &spec.link,
			    err) < 0 ||
	    cmd_move_shell(remote, spec.link.target.port, !isatty(STDIN_FILENO), &shell,
			   err) < 0)
		return cmd_fail(err);
	snprintf(host, sizeof(host), "%s%s%s", spec.link.target.user,
		 spec.link.target.user[0] ? "@" : "", spec.link.target.host);
	spec.config = &env.config;
	spec.platform = env.platform;
	configure(&spec, o);
	spec.move = (struct nse_move_spec){ scope.domain.name, host, args->rest,
					    (const char *const *)shell.argv };
	watcher.domain = scope.domain.name;
	watcher.progress =
		cmd_progress_start(o->progress, &args->common, host, remote->rsh != NULL);
	result = nse_source_migrate(&spec, &report, &problems, err);
	cmd_event_migrated(&env.config, report, err);
	cmd_progress_stop(watcher.progress);
	status = finish(args, o, result, report, &problems, err);
	json_decref(report);
	return status;
}

int cmd_migrate(int argc, char **argv)
{
	NSE_CLEANUP(cmd_scope_release) struct cmd_scope chosen;
	struct options o = { .anchor = -1 };
	NSE_CLEANUP(cmd_remote_release) struct cmd_remote remote = { 0 };
	struct nse_opt_group groups[] = { { NULL, opts, &o },
					  CMD_SCOPE_GROUP(&chosen),
					  CMD_REMOTE_GROUP(&remote),
					  { NULL, NULL, NULL } };
	struct nse_error err = { 0 };
	struct nse_args args;
	int status;

	cmd_scope_init(&chosen);
	status = nse_opts_parse(&usage, groups, argc, argv, &args);
	if (status >= 0)
		return status;
	cmd_hold_signals();
	signal(SIGPIPE, SIG_IGN);
	return migrate(&args, &o, &chosen, &remote, &err);
}
