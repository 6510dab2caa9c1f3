/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsemig check: every reason why a move would fail or lose something, before
 * it is tried. With a domain and a host it is the dry run of the migration,
 * with the real context; with one of them alone it is what can be said so far.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/groups.h"
#include "cmd/output.h"
#include "cmd/problems.h"
#include "cmd/source.h"
#include "lib/engine/registry.h"
#include "lib/scope/resolve.h"
#include "lib/session/source.h"
#include "lib/util/cleanup.h"

#define TIMEOUT_S 30

struct options {
	bool json;
};

static const struct nse_opt opts[] = { NSE_OPT_FLAG('\0', "json", struct options, json,
						    "print the findings as JSON"),
				       NSE_OPT_END };

static const char *const synopsis[] = { "[options] [DOMAIN] [[USER@]HOST[:PORT]]", NULL };
static const struct nse_usage usage = {
	.name = "check",
	.synopsis = synopsis,
	.operands = "scope host",
	.max = 2,
	.notes =
		"Exit status: 0 a move would work, 1 it would lose something, 3 it would "
		"fail.",
};

struct check {
	const struct nse_args *args;
	const struct cmd_scope *chosen;
	struct cmd_remote *remote;
	struct cmd_env env;
	const char *domain, *host;
	struct nse_problems problems;
	json_t *far; /* WELCOME */
};

/* One operand may be either: a domain that is known here, else a host. */
static int sort_operands(struct check *c, struct nse_error *err)
{
	struct nse_scope scope;
	int rc;

	if (c->args->n == 2) {
		c->domain = c->args->words[0];
		c->host = c->args->words[1];
		return 0;
	}
	if (c->args->n == 0)
		return 0;
	c->domain = c->args->words[0];
	if (!strchr(c->domain, '@') && !strchr(c->domain, ':')) {
		nse_scope_init(&scope);
		rc = nse_scope_resolve(&c->env.config, c->env.platform, c->domain,
				       &c->chosen->given, &scope, err);
		nse_scope_release(&scope);
		if (rc != -ENOENT)
			return rc;
		memset(err, 0, sizeof(*err));
	}
	c->host = c->domain;
	c->domain = NULL;
	return 0;
}

/* What this host has of the domain, and what can be said of it alone. */
static int check_here(struct check *c, struct nse_error *err)
{
	NSE_CLEANUP(nse_snapshot_release) struct nse_snapshot s = { 0 };
	NSE_CLEANUP(nse_scope_release) struct nse_scope scope;
	char host[256] = "here";
	size_t first = c->problems.n;
	int rc;

	nse_scope_init(&scope);
	rc = nse_engines_preflight(c->chosen->engines, NULL, NULL, &c->problems, err);
	if (rc == 0 && c->domain) {
		rc = nse_scope_resolve(&c->env.config, c->env.platform, c->domain,
				       &c->chosen->given, &scope, err);
		if (rc == 0)
			rc = cmd_load_live(&scope, c->chosen->engines, &s, err);
	}
	gethostname(host, sizeof(host) - 1);
	nse_problems_set_where(&c->problems, first, host);
	if (rc == 0 && c->domain && !c->env.platform)
		nse_problem_add(&c->problems, NSE_FAIL, "platform",
				"--platform script:PROGRAM, or `platform` in nsemig.conf",
				"this host has no platform that could move %s",
				c->domain);
	return rc;
}

static int check_far(struct check *c, struct nse_error *err)
{
	struct nse_link_spec link;
	const char *version = "?";
	int rc = cmd_remote_defaults(c->remote, c->host, err);

	if (rc == 0)
		rc = cmd_remote_spec(c->remote, c->host, "receive --session", &link, err);
	if (rc == 0)
		rc = nse_source_facts(&link, c->host, &c->far, err);
	if (rc < 0)
		return rc;
	json_unpack(c->far, "{s:s}", "version", &version);
	if (strcmp(version, NSEMIG_VERSION) != 0)
		nse_problem_add(&c->problems, NSE_NOTE, "version", NULL,
				"%s has nsemig %s, this host %s", c->host, version,
				NSEMIG_VERSION);
	return 0;
}

/* The migration's own preflight, with the real context. */
static int check_both(struct check *c, struct nse_error *err)
{
	NSE_CLEANUP(nse_scope_release) struct nse_scope scope;
	struct nse_source_spec spec = { .config = &c->env.config,
					.platform = c->env.platform,
					.scope = &scope,
					.engines = c->chosen->engines,
					.target = c->host,
					.timeout_s = TIMEOUT_S,
					.dry_run = true };
	size_t before = c->problems.n;
	json_t *report = NULL;
	int rc;

	nse_scope_init(&scope);
	rc = nse_scope_resolve(&c->env.config, c->env.platform, c->domain,
			       &c->chosen->given, &scope, err);
	if (rc == 0)
		rc = cmd_remote_spec(c->remote, c->host, "receive --session", &spec.link,
				     err);
	if (rc < 0)
		return rc;
	nse_source_migrate(&spec, &report, &c->problems, err);
	json_decref(report);
	rc = err->code;
	/* A refusal that is among the findings is what we were asked for. */
	for (size_t i = before; i < c->problems.n; i++)
		if (c->problems.items[i].severity == NSE_FAIL)
			return 0;
	return rc;
}

static int print(struct check *c, const struct options *o, struct nse_error *err)
{
	int status = cmd_problems_status(&c->problems);

	if (!o->json) {
		cmd_problems_say(&c->args->common, &c->problems, NSE_NOTE);
		if (status == CMD_DONE)
			cmd_say(&c->args->common, "nothing stands against it");
		return status;
	}
	if (cmd_json_print(json_pack("{s:i, s:s?, s:s?, s:i, s:o, s:O?}", "format", 1,
				     "domain", c->domain, "target", c->host, "status",
				     status, "problems",
				     nse_problems_to_json(&c->problems), "host", c->far),
			   err) < 0)
		return cmd_fail(err);
	return status;
}

static int run(struct check *c, struct nse_error *err)
{
	int rc = cmd_env_open(&c->env, c->chosen->platform, err);

	if (rc == 0)
		rc = sort_operands(c, err);
	if (rc == 0)
		rc = check_here(c, err);
	if (rc == 0 && c->host)
		rc = check_far(c, err);
	if (rc == 0 && c->host && c->domain)
		rc = check_both(c, err);
	return rc;
}

int cmd_check(int argc, char **argv)
{
	NSE_CLEANUP(cmd_scope_release) struct cmd_scope chosen;
	NSE_CLEANUP(cmd_remote_release) struct cmd_remote remote = { 0 };
	struct options o = { 0 };
	struct nse_opt_group groups[] = { { NULL, opts, &o },
					  CMD_SCOPE_GROUP(&chosen),
					  CMD_REMOTE_GROUP(&remote),
					  { NULL, NULL, NULL } };
	struct nse_error err = { 0 };
	struct nse_args args;
	struct check c = { &args, &chosen, &remote,	      CMD_ENV_INIT,
			   NULL,  NULL,	   NSE_PROBLEMS_INIT, NULL };
	int status;

	cmd_scope_init(&chosen);
	status = nse_opts_parse(&usage, groups, argc, argv, &args);
	if (status >= 0)
		return status;
	cmd_catch_signals();
	signal(SIGPIPE, SIG_IGN);
	status = run(&c, &err) < 0 ? cmd_fail(&err) : print(&c, &o, &err);
	json_decref(c.far);
	nse_problems_release(&c.problems);
	cmd_env_release(&c.env);
	return status;
}
