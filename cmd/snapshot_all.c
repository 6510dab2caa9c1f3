/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsemig snapshot --all-domains: one file for each domain of this host, made
 * for timers. What goes wrong with one domain is told, and the others go on.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/event.h"
#include "cmd/output.h"
#include "cmd/snapshot.h"
#include "cmd/snapshot_dir.h"
#include "lib/scope/resolve.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"

struct names {
	char **items;
	size_t n;
};

struct run {
	const struct cmd_common *common;
	const struct cmd_snapshot_all *what;
	struct cmd_env env;
	struct cmd_snapdir dir;
	size_t keep; /* 0: all */
	json_t *domains;
	size_t stored, failed, removed;
};

/* What became of one domain. */
struct taken {
	const char *domain, *result;
	char *file; /* owned */
	struct nse_stream_stats stats;
	int64_t us;
	size_t removed;
};

static void release_names(struct names *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->items[i]);
	free(l->items);
}

static int add_name(void *arg, const struct nse_domain *d)
{
	struct names *l = arg;
	char **p = realloc(l->items, (l->n + 1) * sizeof(*p));

	if (!p)
		return -ENOMEM;
	l->items = p;
	p[l->n] = strdup(d->name);
	return p[l->n] ? (l->n++, 0) : -ENOMEM;
}

/* The platform's domains; without one, those of the configuration. */
static int list_domains(const struct cmd_env *env, struct names *l, struct nse_error *err)
{
	int rc = 0;

	if (env->platform)
		rc = env->platform->ops->list(env->platform, add_name, l, err);
	for (size_t i = 0; !env->platform && i < env->config.ndomains && rc == 0; i++)
		rc = add_name(l, &env->config.domains[i].domain);
	if (rc == 0 && !env->platform && !l->n)
		return nse_error(err, -ENODEV,
				 "this host has no platform and its configuration names "
				 "no domain: see --platform, and nsemig.conf(5)");
	return rc < 0 && err->code == 0 ? nse_errno(err, rc, "listing the domains") : rc;
}

static bool is_among(const struct names *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->items[i], name) == 0)
			return true;
	return false;
}

/* A domain may leave while others are collected: that is no failure. */
static bool has_gone(const struct run *r, const char *name)
{
	NSE_CLEANUP(release_names) struct names now = { NULL, 0 };
	struct nse_error err = { 0 };

	return list_domains(&r->env, &now, &err) == 0 && !is_among(&now, name);
}

static bool is_wanted(const struct run *r, const char *name)
{
	const struct nse_config_value *v =
		nse_config_find(&r->env.config, "domain", name, "snapshot");

	return !v || strcmp(v->text, "yes") == 0;
}

static int64_t realtime_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Into a file that has its name when it is whole. */
static int store(struct run *r, const struct nse_scope *scope, struct taken *t,
		 struct nse_error *err)
{
	NSE_CLEANUP(nse_newfile_release) struct nse_newfile f = NSE_NEWFILE_INIT;
	NSE_FREE char *path = NULL;
	int rc;

	t->file = cmd_snapdir_name(t->domain, realtime_us());
	if (!t->file || asprintf(&path, "%s/%s", r->dir.path, t->file) < 0)
		return nse_error(err, -ENOMEM, "out of memory");
	rc = nse_newfile_open(&f, path, err);
	if (rc == 0)
		rc = cmd_snapshot_collect(scope, r->what->chosen->engines, f.fd,
					  &t->stats, err);
	if (rc == 0)
		rc = nse_newfile_commit(&f, err);
	if (rc == 0)
		rc = cmd_snapdir_latest(&r->dir, t->domain, t->file, err);
	return rc;
}

static int take(struct run *r, struct taken *t, struct nse_error *err)
{
	NSE_CLEANUP(nse_scope_release) struct nse_scope scope;
	int64_t start = nse_now_us();
	int rc;

	nse_scope_init(&scope);
	rc = nse_scope_resolve(&r->env.config, r->env.platform, t->domain,
			       &r->what->chosen->given, &scope, err);
	if (rc == 0)
		rc = store(r, &scope, t, err);
	if (rc == 0 && r->keep)
		rc = cmd_snapdir_prune(&r->dir, t->domain, t->file, r->keep, &t->removed,
				       err);
	t->us = nse_now_us() - start;
	return rc;
}

static void add_json(struct run *r, const struct taken *t, const struct nse_error *err)
{
	json_t *o = json_pack("{s:s, s:s}", "domain", t->domain, "result", t->result);

	if (strcmp(t->result, "stored") == 0)
		json_object_update_new(
			o, json_pack("{s:s, s:I, s:I, s:I, s:I}", "file", t->file,
				     "records", (json_int_t)t->stats.records, "bytes",
				     (json_int_t)t->stats.stored, "us", (json_int_t)t->us,
				     "removed", (json_int_t)t->removed));
	else if (err->text[0])
		json_object_set_new(o, "reason", json_string(err->text));
	json_array_append_new(r->domains, o);
}

static void say_stored(const struct run *r, const struct taken *t)
{
	char number[CMD_NUMBER], bytes[CMD_NUMBER], time[CMD_NUMBER];

	if (r->common->verbose)
		cmd_say(r->common, "%s: %s records, %s in %s: %s/%s", t->domain,
			cmd_number(t->stats.records, number),
			cmd_bytes(t->stats.stored, bytes), cmd_duration(t->us, time),
			r->dir.path, t->file);
}

static void one(struct run *r, const char *name)
{
	struct taken t = { .domain = name, .result = "stored" };
	struct nse_error err = { 0 };

	if (!is_wanted(r, name)) {
		t.result = "skipped";
	} else if (take(r, &t, &err) == 0) {
		r->stored++;
		say_stored(r, &t);
	} else if (!cmd_signal && has_gone(r, name)) {
		t.result = "gone";
	} else {
		t.result = "failed";
		r->failed++;
		nse_error_prefix(&err, "domain %s", name);
		cmd_fail(&err);
	}
	r->removed += t.removed;
	add_json(r, &t, &err);
	free(t.file);
}

static int finish(struct run *r, struct nse_error *err)
{
	json_t *all =
		json_pack("{s:i, s:s, s:i, s:i, s:i, s:O}", "format", 1, "directory",
			  r->dir.path, "stored", (int)r->stored, "failed", (int)r->failed,
			  "removed", (int)r->removed, "domains", r->domains);

	cmd_event_snapshots(&r->env.config, all);
	if (r->what->json)
		return cmd_json_print(all, err);
	json_decref(all);
	cmd_say(r->common,
		"%zu domain%s stored in %s, %zu failed; %zu old file%s removed",
		r->stored, r->stored == 1 ? "" : "s", r->dir.path, r->failed, r->removed,
		r->removed == 1 ? "" : "s");
	return 0;
}

static int run(struct run *r, struct nse_error *err)
{
	NSE_CLEANUP(release_names) struct names names = { NULL, 0 };
	const char *dir = r->what->dir, *keep;
	int rc = cmd_env_open(&r->env, r->what->chosen->platform, err);

	if (rc < 0)
		return rc;
	if (!dir)
		dir = nse_config_get(&r->env.config, "snapshot", "directory");
	if (!dir)
		return nse_error(err, -EINVAL,
				 "snapshot: --all-domains needs a DIR, or `directory` in "
				 "the section [snapshot] of nsemig.conf");
	keep = nse_config_get(&r->env.config, "snapshot", "keep");
	r->keep = r->what->keep ? (size_t)r->what->keep
		  : keep	? strtoul(keep, NULL, 10)
				: 0;
	rc = list_domains(&r->env, &names, err);
	if (rc == 0)
		rc = cmd_snapdir_open(&r->dir, dir, err);
	for (size_t i = 0; i < names.n && rc == 0 && !cmd_signal; i++)
		one(r, names.items[i]);
	return rc == 0 ? finish(r, err) : rc;
}

int cmd_snapshot_all(const struct cmd_common *common, const struct cmd_snapshot_all *what)
{
	struct run r = { .common = common,
			 .what = what,
			 .env = CMD_ENV_INIT,
			 .dir = CMD_SNAPDIR_INIT };
	struct nse_error err = { 0 };
	int status = CMD_DONE;

	r.domains = json_array();
	if (run(&r, &err) < 0)
		status = cmd_fail(&err);
	else if (r.failed || cmd_signal)
		status = CMD_FAILED;
	json_decref(r.domains);
	cmd_snapdir_release(&r.dir);
	cmd_env_release(&r.env);
	return status;
}
