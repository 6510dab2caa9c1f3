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

#include "cmd/check_link.h"
#include "cmd/cmd.h"
#include "cmd/groups.h"
#include "cmd/output.h"
#include "cmd/problems.h"
#include "cmd/source.h"
#include "lib/engine/registry.h"
#include "lib/scope/resolve.h"
#include "lib/session/preflight.h"
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

/* This host alone, and what it has of the domain. */
static int check_here(struct check *c, struct nse_error *err)
{
	NSE_CLEANUP(nse_snapshot_release) struct nse_snapshot s = { 0 };
	NSE_CLEANUP(nse_scope_release) struct nse_scope scope;
	char host[256] = "here";
	size_t first = c->problems.n;
	int rc = 0;

	nse_scope_init(&scope);
	if (c->domain)
		rc = nse_scope_resolve(&c->env.config, c->env.platform, c->domain,
				       &c->chosen->given, &scope, err);
	if (rc == 0)
		rc = nse_preflight_leave(c->env.platform, c->chosen->engines,
					 c->domain ? &scope : NULL, &c->problems, err);
	if (rc == 0 && c->domain)
		rc = cmd_load_live(&scope, c->chosen->engines, &s, err);
	gethostname(host, sizeof(host) - 1);
	nse_problems_set_where(&c->problems, first, host);
	return rc;
}

static int check_platform(struct check *c)
{
	char host[256] = "here";
	size_t first = c->problems.n;

	if (!c->domain || c->env.platform)
		return 0;
	gethostname(host, sizeof(host) - 1);
	if (nse_problem_add(&c->problems, NSE_FAIL, "platform",
			    "--platform script:PROGRAM, or `platform` in nsemig.conf",
			    "this host has no platform that could move %s",
			    c->domain) < 0)
		return -ENOMEM;
	return nse_problems_set_where(&c->problems, first, host);
}

/* An error that is a finding does not end the check. */
static int take_error(struct check *c, const struct nse_error *why, struct nse_error *err)
{
	int rc = cmd_check_error(&c->problems, c->host, why);

	return rc < 0 ? nse_error(err, rc, "%s", why->text) : 0;
}

/* The ways to the other host; ours is *link. */
static int check_way(struct check *c, struct nse_link_spec *link, struct nse_error *err)
{
	struct nse_platform *p = c->env.platform;
	int rc = cmd_remote_defaults(c->remote, c->host, err);

	if (rc == 0)
		rc = cmd_remote_spec(c->remote, c->host, "receive --session", link, err);
	if (rc < 0 || !p || !p->ops->program_there)
		return rc;
	return cmd_check_shell(&c->problems, c->remote, &link->target,
			       p->ops->program_there, err);
}

/* Without a domain: what of the two hosts does not go together. */
static int compare_hosts(struct check *c, const struct nse_link_spec *link,
			 struct nse_error *err)
{
	struct nse_error why = { 0 };
	size_t first = c->problems.n;
	json_t *here;
	int rc;

	if (nse_source_facts(link, c->host, &c->far, &why) < 0)
		return take_error(c, &why, err);
	here = nse_preflight_facts(c->env.platform, err);
	rc = here ? nse_preflight_compare(here, c->far, &c->problems) : err->code;
	json_decref(here);
	nse_problems_set_where(&c->problems, first, c->host);
	return rc == -ENOMEM ? nse_error(err, rc, "out of memory") : rc;
}

/* The migration's own check of both hosts, with the real context. */
static int check_both(struct check *c, const struct nse_link_spec *link,
		      struct nse_error *err)
{
	NSE_CLEANUP(nse_scope_release) struct nse_scope scope;
	struct nse_source_spec spec = { .config = &c->env.config,
					.platform = c->env.platform,
					.scope = &scope,
					.engines = c->chosen->engines,
					.link = *link,
					.target = c->host,
					.welcome = &c->far,
					.timeout_s = TIMEOUT_S,
					.dry_run = true,
					.bare = true };
	struct nse_error why = { 0 };
	json_t *report = NULL;
	int rc;

	nse_scope_init(&scope);
	rc = nse_scope_resolve(&c->env.config, c->env.platform, c->domain,
			       &c->chosen->given, &scope, err);
	if (rc < 0)
		return rc;
	nse_source_migrate(&spec, &report, &c->problems, &why);
	json_decref(report);
	/* A refusal that is among the findings is what we were asked for. */
	if (!why.code || why.code == -ECONNABORTED)
		return 0;
	return take_error(c, &why, err);
}

static int print_json(struct check *c, int status, struct nse_error *err)
{
	const struct nse_problems *p = &c->problems;

	if (cmd_json_print(
		    json_pack("{s:i, s:s?, s:s?, s:i, s:{s:I, s:I, s:I}, s:o, s:O?}",
			      "format", 1, "domain", c->domain, "target", c->host,
			      "status", status, "counts", "fail",
			      (json_int_t)nse_problems_count(p, NSE_FAIL), "loss",
			      (json_int_t)nse_problems_count(p, NSE_LOSS), "note",
			      (json_int_t)nse_problems_count(p, NSE_NOTE), "problems",
			      nse_problems_to_json(p), "host", c->far),
		    err) < 0)
		return cmd_fail(err);
	return status;
}

/* What it comes to, of a move, a domain or a host. */
static void print_sum(const struct check *c, int status)
{
	static const char *const moves[] = { "would work", "would lose something", "",
					     "would fail" };
	static const char *const alone[] = { "nothing stands against it",
					     "a move from here would lose something", "",
					     "a move would fail" };
	bool both = c->domain && c->host;
	char sum[CMD_PROBLEMS_SUM];

	if (both)
		printf("%s to %s: the move ", c->domain, c->host);
	else if (c->domain || c->host)
		printf("%s: ", c->domain ? c->domain : c->host);
	printf("%s (%s)\n", (both ? moves : alone)[status],
	       cmd_problems_sum(&c->problems, sum));
}

static int print(struct check *c, const struct options *o, struct nse_error *err)
{
	int status = cmd_problems_status(&c->problems);

	nse_problems_sort(&c->problems);
	if (o->json)
		return print_json(c, status, err);
	if (c->args->common.quiet)
		return status;
	cmd_problems_print(stdout, &c->args->common, &c->problems, NSE_NOTE);
	print_sum(c, status);
	return cmd_flush(err) < 0 ? cmd_fail(err) : status;
}

static int run(struct check *c, struct nse_error *err)
{
	struct nse_link_spec link = { 0 };
	int rc = cmd_env_open(&c->env, c->chosen->platform, err);

	if (rc == 0)
		rc = sort_operands(c, err);
	if (rc == 0 && check_platform(c) < 0)
		rc = nse_error(err, -ENOMEM, "out of memory");
	if (rc == 0 && c->host)
		rc = check_way(c, &link, err);
	if (rc == 0 && c->domain && c->host)
		return check_both(c, &link, err);
	rc = rc ?: check_here(c, err);
	return rc < 0 || !c->host ? rc : compare_hosts(c, &link, err);
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
