/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsemig receive: the far end of a pipe or of a session. Nothing is applied
 * or stored before the whole stream has been seen to be whole.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/event.h"
#include "cmd/groups.h"
#include "cmd/job.h"
#include "cmd/output.h"
#include "cmd/progress.h"
#include "lib/context/snapshot.h"
#include "lib/engine/registry.h"
#include "lib/session/install.h"
#include "lib/session/target.h"
#include "lib/util/cleanup.h"
#include "lib/util/io.h"

struct options {
	bool apply, session, best_effort;
	const char *store, *platform;
	int progress;
};

static const struct nse_opt opts[] = {
	NSE_OPT_FLAG('\0', "apply", struct options, apply,
		     "install the context on this host, all or nothing"),
	NSE_OPT_STRING('\0', "store", "DIR", struct options, store,
		       "keep it as a file in DIR and print its name"),
	NSE_OPT_FLAG('\0', "session", struct options, session,
		     "serve a migration (run by `nsemig migrate` on the other host)"),
	NSE_OPT_FLAG('\0', "best-effort", struct options, best_effort,
		     "with --apply: keep what could be installed"),
	NSE_OPT_STRING('\0', "platform", "P", struct options, platform,
		       "with --session: xen or script:PROGRAM"),
	CMD_PROGRESS_OPT(struct options, progress),
	NSE_OPT_END
};

static const char *const synopsis[] = { "--apply [--best-effort] [--progress WHEN] [-]",
					"--store DIR [--progress WHEN] [-]",
					"--session [--platform P]", NULL };
static const struct nse_usage usage = {
	.name = "receive",
	.synopsis = synopsis,
	.operands = "none",
	.max = 1,
};

/* A file name of what a stream says of itself, which is not trusted. */
static void safe_name(const char *text, char *out, size_t room)
{
	size_t n = 0;

	for (; *text && n < room - 1; text++)
		out[n++] = isalnum((unsigned char)*text) || strchr("-_.", *text) ? *text
										 : '_';
	out[n] = '\0';
	if (out[0] == '.')
		out[0] = '_';
}

static int store(const struct options *o, const struct nse_snapshot *s,
		 struct nse_error *err)
{
	NSE_CLEANUP(nse_newfile_release) struct nse_newfile f = NSE_NEWFILE_INIT;
	const char *domain = s->header.scope.domain.name;
	struct nse_stream_header h;
	char name[128], host[128];
	NSE_FREE char *path = NULL;
	int rc;

	safe_name(domain[0] ? domain : "context", name, sizeof(name));
	safe_name(s->header.host[0] ? s->header.host : "host", host, sizeof(host));
	rc = nse_mkdirs(o->store, 0700, err);
	if (rc < 0)
		return rc;
	if (asprintf(&path, "%s/%s-%s-%" PRId64 ".nsc", o->store, name, host,
		     s->header.taken_us) < 0) {
		path = NULL;
		return nse_error(err, -ENOMEM, "out of memory");
	}
	rc = nse_newfile_open(&f, path, err);
	if (rc < 0)
		return rc;
	h = s->header;
	rc = nse_snapshot_write(s->ctx, &h, nse_fd_write, &f.fd, NULL, err);
	if (rc == 0)
		rc = nse_newfile_commit(&f, err);
	if (rc == 0)
		printf("%s\n", path);
	return rc;
}

static void stop(struct cmd_progress **p)
{
	cmd_progress_stop(*p);
}

static int apply(const struct options *o, const struct nse_args *args,
		 struct nse_snapshot *s, struct cmd_progress **progress,
		 struct nse_error *err)
{
	NSE_CLEANUP(nse_job_release) struct nse_job job = { 0 };
	unsigned int flags = o->best_effort ? NSE_INSTALL_BEST_EFFORT : 0;
	int rc = cmd_scope_others(&args->common, &s->header.scope, err);

	if (rc < 0)
		return rc;
	cmd_job_progress(*progress, "install", &job, nse_context_count(s->ctx));
	rc = nse_install_apply(s->ctx, NSE_ENGINES_ALL, flags, &s->header.scope.others,
			       &cmd_signal, &job, err);
	/* It looks at the job, which goes. */
	cmd_progress_stop(nse_take(*progress));
	cmd_job_refusals(&job);
	if (rc == 0)
		cmd_say(&args->common,
			"%" PRIu64 " created, %" PRIu64 " kept, %" PRIu64 " refused",
			job.created, job.kept, job.refused);
	return rc;
}

static int receive(const struct options *o, const struct nse_args *args,
		   struct nse_error *err)
{
	NSE_CLEANUP(nse_snapshot_release) struct nse_snapshot s = { 0 };
	NSE_CLEANUP(stop) struct cmd_progress *progress = NULL;
	const struct cmd_progress_at at = { .phase = "read", .work = true };
	const char *done = o->apply ? "installed" : "stored";
	int rc;

	if (isatty(STDIN_FILENO))
		return nse_error(
			err, -EINVAL,
			"receive: stdin is a terminal; pipe a stream into it, as in "
			"`nsemig snapshot DOMAIN | ssh HOST nsemig receive --apply`");
	cmd_catch_signals();
	progress = cmd_progress_start(o->progress, &args->common, "", true);
	cmd_progress_update(progress, &at);
	rc = nse_snapshot_read_fd(&s, STDIN_FILENO, err);
	if (rc == 0)
		rc = nse_engines_check(s.ctx, err);
	if (cmd_signal)
		return nse_error(err, -EINTR, "interrupted: nothing was %s", done);
	if (rc < 0) {
		snprintf(err->state, sizeof(err->state), "Nothing of it was %s.", done);
		return rc;
	}
	/* From here on it is all or nothing: what is begun is ended or taken back. */
	cmd_hold_signals();
	if (o->apply)
		return apply(o, args, &s, &progress, err);
	/* The file's name does not go into the middle of the line. */
	cmd_progress_stop(nse_take(progress));
	return store(o, &s, err);
}

static void on_end(void *arg, const struct nse_target_end *end,
		   const struct nse_error *err)
{
	static const struct nse_error none = { 0 };

	cmd_event_session(arg, end, err ? err : &none);
}

static int session(const struct options *o, bool *told, struct nse_error *err)
{
	NSE_CLEANUP(cmd_env_release) struct cmd_env env = CMD_ENV_INIT;
	struct nse_target_spec spec = { .in = STDIN_FILENO,
					.out = STDOUT_FILENO,
					.told = told,
					.interrupted = &cmd_signal };
	int rc = cmd_env_open(&env, o->platform, err);

	if (rc < 0)
		return rc;
	cmd_hold_signals();
	spec.config = &env.config;
	spec.platform = env.platform;
	spec.ended = on_end;
	spec.arg = &env.config;
	return nse_target_serve(&spec, err);
}

int cmd_receive(int argc, char **argv)
{
	struct options o = { 0 };
	struct nse_opt_group groups[] = { { NULL, opts, &o }, { NULL, NULL, NULL } };
	struct nse_error err = { 0 };
	struct nse_args args;
	bool told = false;
	int status = nse_opts_parse(&usage, groups, argc, argv, &args);

	if (status >= 0)
		return status;
	if (o.apply + (o.store != NULL) + o.session != 1)
		return cmd_usage_error(
			"receive", "choose one of --apply, --store DIR and --session");
	if (args.n && strcmp(args.words[0], "-") != 0)
		return cmd_usage_error(
			"receive", "it reads stdin; `nsemig apply %s` installs a file",
			args.words[0]);
	signal(SIGPIPE, SIG_IGN);
	if ((o.session ? session(&o, &told, &err) : receive(&o, &args, &err)) >= 0)
		return CMD_DONE;
	/* Our stderr is the source's: what it tells by itself is not said twice. */
	return told && !args.common.verbose ? CMD_FAILED : cmd_fail(&err);
}
