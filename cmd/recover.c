/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsemig recover: finishes, undoes or cleans up what migrations whose process
 * was killed have left on this host. `receive --session` and `migrate` do the
 * same before they begin; this is for those who do not want to wait for one.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/event.h"
#include "cmd/groups.h"
#include "cmd/output.h"
#include "lib/session/recover.h"
#include "lib/util/cleanup.h"

struct options {
	bool json;
	const char *platform;
};

static const struct nse_opt opts[] = { NSE_OPT_FLAG('\0', "json", struct options, json,
						    "report as one JSON object"),
				       { .name = "platform",
					 .arg = "SPEC",
					 .kind = NSE_OPT_K_STRING,
					 .offset = offsetof(struct options, platform),
					 .complete = "platform",
					 .help = "xen or script:PROGRAM" },
				       NSE_OPT_END };

static const char *const synopsis[] = { "[--json] [--platform SPEC]", NULL };
static const struct nse_usage usage = {
	.name = "recover",
	.synopsis = synopsis,
	.operands = "none",
	.notes =
		"Exit status 4: something is pending; try again when its move has ended.",
};

struct report {
	const struct nse_args *args;
	const struct options *o;
	json_t *sessions;
};

static void add_json(json_t *list, const struct nse_recovered *what)
{
	json_t *one =
		json_pack("{s:s, s:s, s:s, s:s}", "session", what->id, "role",
			  what->side == NSE_JOURNAL_MOVE ? "source" : "target", "domain",
			  what->domain, "outcome", nse_recovered_name(what->how));

	if (what->how == NSE_RECOVERED_CLEANED) {
		json_object_set_new(one, "removed",
				    json_integer((json_int_t)what->removed));
		json_object_set_new(one, "kept", json_integer((json_int_t)what->kept));
	}
	if (what->text[0])
		json_object_set_new(one, "why", json_string(what->text));
	json_array_append_new(list, one);
}

static void tell(void *arg, const struct nse_recovered *what)
{
	struct report *r = arg;
	char text[NSE_RECOVERED_TEXT], safe[2 * NSE_RECOVERED_TEXT];

	if (r->o->json)
		add_json(r->sessions, what);
	/* A failure is told as every error, at the end. */
	else if (!r->args->common.quiet && what->how != NSE_RECOVERED_FAILED)
		printf("%s\n",
		       cmd_safe(nse_recovered_text(what, text), safe, sizeof(safe)));
}

static int print(const struct report *r, const struct nse_recovery *sum,
		 struct nse_error *err)
{
	json_t *all;

	if (!r->o->json) {
		unsigned int n = 0;

		for (size_t i = 0; i < NSE_RECOVERED_KINDS; i++)
			n += sum->n[i];
		if (!n && !r->args->common.quiet)
			printf("nothing to recover\n");
		return cmd_flush(err);
	}
	all = json_pack("{s:i}", "format", 1);
	for (size_t i = 0; i < NSE_RECOVERED_KINDS; i++)
		json_object_set_new(all, nse_recovered_name((enum nse_recovered_how)i),
				    json_integer(sum->n[i]));
	json_object_set(all, "sessions", r->sessions);
	return cmd_json_print(all, err);
}

static int recover(const struct nse_args *args, const struct options *o,
		   struct nse_error *err)
{
	NSE_CLEANUP(cmd_env_release) struct cmd_env env = CMD_ENV_INIT;
	struct report report = { args, o, NULL };
	struct nse_recover_spec spec = { .each = tell, .arg = &report };
	struct nse_error own = { 0 };
	struct nse_recovery sum;
	int status, rc = cmd_env_open(&env, o->platform, err);

	if (rc < 0)
		return cmd_fail(err);
	spec.config = &env.config;
	spec.platform = env.platform;
	report.sessions = json_array();
	rc = nse_recover(&spec, &sum, err);
	cmd_event_recovered(&env.config, &sum);
	status = sum.n[NSE_RECOVERED_PENDING] ? CMD_UNCLEAR : CMD_DONE;
	if (print(&report, &sum, &own) < 0)
		status = cmd_fail(&own);
	json_decref(report.sessions);
	if (sum.n[NSE_RECOVERED_PENDING] && !o->json)
		cmd_say(&args->common,
			"run `nsemig recover` again when the move has ended and the platform "
			"answers; should it stay pending, look for the domain on both hosts, "
			"and let it run on one");
	if (rc < 0 && cmd_fail(err) == CMD_UNCLEAR)
		return CMD_UNCLEAR;
	return rc < 0 && status == CMD_DONE ? CMD_FAILED : status;
}

int cmd_recover(int argc, char **argv)
{
	struct options o = { .json = false };
	struct nse_opt_group groups[] = { { NULL, opts, &o }, { NULL, NULL, NULL } };
	struct nse_error err = { 0 };
	struct nse_args args;
	int status = nse_opts_parse(&usage, groups, argc, argv, &args);

	return status >= 0 ? status : recover(&args, &o, &err);
}
