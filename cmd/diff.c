/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsemig diff: two contexts, each from a file, from stdin, live or from
 * another host, compared and printed as text, JSON, numbers, names, or as a
 * delta stream.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/fields.h"
#include "cmd/diff_filter.h"
#include "cmd/diff_print.h"
#include "cmd/groups.h"
#include "cmd/output.h"
#include "cmd/pager.h"
#include "cmd/source.h"
#include "cmd/source_remote.h"
#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"

#define CONTEXT_RULES 3
#define CONTEXT_MAX   1000000

struct options {
	bool word, stat, numstat, patch, names, json, delta, state, exit_code;
	int64_t context;
	const char *out, *filter;
	const char *labels[2]; /* what the sides are called, or NULL: their words */
	size_t nlabels;
};

static int take_label(void *base, const char *value, struct nse_error *err)
{
	struct options *o = base;

	if (o->nlabels == 2)
		return nse_error(err, -EINVAL,
				 "there are two sides, and no third --label");
	o->labels[o->nlabels++] = value;
	return 0;
}

static const struct nse_opt opts[] = {
	NSE_OPT_FLAG('\0', "word", struct options, word,
		     "show changes inside of a record: [-old-]{+new+}"),
	NSE_OPT_FLAG('\0', "stat", struct options, stat,
		     "numbers with a bar for each kind"),
	NSE_OPT_FLAG('\0', "numstat", struct options, numstat,
		     "the same for scripts, with tabs: added, removed, changed, what"),
	NSE_OPT_FLAG('p', "patch", struct options, patch,
		     "the text, behind the numbers when these are wanted too"),
	NSE_OPT_FLAG('\0', "name-only", struct options, names,
		     "only the names of records that differ"),
	NSE_OPT_FLAG('\0', "json", struct options, json,
		     "one JSON object, nsemig-json(5)"),
	NSE_OPT_FLAG('\0', "delta", struct options, delta,
		     "a delta stream that turns A into B"),
	{ .letter = 'o',
	  .name = "output",
	  .arg = "FILE",
	  .kind = NSE_OPT_K_STRING,
	  .offset = offsetof(struct options, out),
	  .complete = "file",
	  .help = "write the delta there" },
	NSE_OPT_FLAG('\0', "state", struct options, state,
		     "compare remaining times and counters too"),
	NSE_OPT_STRING('\0', "filter", "EXPR", struct options, filter,
		       "only records that satisfy it on either side"),
	NSE_OPT_INT('U', "unified", "N", struct options, context, 0, CONTEXT_MAX,
		    "rules around those that differ (3)"),
	NSE_OPT_CALL('\0', "label", "NAME", take_label,
		     "call A so in the output; given again, B"),
	NSE_OPT_FLAG('\0', "exit-code", struct options, exit_code,
		     "accepted for git's sake: the status always says it"),
	NSE_OPT_END
};

static const char *const synopsis[] = { "[options] A B", NULL };
static const struct nse_usage usage = {
	.name = "diff",
	.synopsis = synopsis,
	.notes =
		"A and B: FILE, - (stdin), @DOMAIN for a live domain,\n"
		"[USER@]HOST[:PORT]:DOMAIN for one on another host, or @ alone for what\n"
		"the options of Scope choose on this host (without any: the scope of the\n"
		"other side). Relocation is applied to A. With -q nothing is printed.\n"
		"The exit status is 0 when they are equal and 1 when not.",
	.operands = "file-or-live",
	.min = 2,
	.max = 2,
};

/* All that was asked for, and the two sides. */
struct work {
	struct nse_args *args;
	const struct options *o;
	struct cmd_scope chosen;
	struct cmd_remote remote;
	struct nse_map map;
	struct nse_snapshot snaps[2];
	struct nse_diff all, shown;
};

static void work_release(struct work *w)
{
	cmd_scope_release(&w->chosen);
	nse_map_release(&w->map);
	nse_snapshot_release(&w->snaps[0]);
	nse_snapshot_release(&w->snaps[1]);
	nse_diff_release(&w->all);
	nse_diff_release(&w->shown);
}

/* `other` is the other side's scope where it is known, else NULL. */
static int load_one(struct work *w, size_t i, const struct nse_scope *other,
		    struct nse_error *err)
{
	NSE_CLEANUP(nse_scope_release) struct nse_scope scope = { 0 };
	const struct cmd_scope *chosen = &w->chosen;
	const char *word = w->args->words[i];
	struct nse_snapshot *s = &w->snaps[i];
	int rc;

	if (word[0] != '@' && cmd_is_file(word))
		return cmd_load(chosen, word, s, err);
	if (cmd_remote_is(word))
		return cmd_load_remote(chosen, &w->remote, word,
				       other ? other->domain.name : NULL, s, err);
	if (word[0] != '@' && strpbrk(word, "/:"))
		return nse_error(
			err, -ENOENT,
			"there is no file '%s'; a domain on another host is written "
			"[USER@]HOST:DOMAIN, an IPv6 address in brackets",
			word);
	if (word[0] != '@')
		return nse_error(
			err, -ENOENT,
			"there is no file '%s'; a live domain is written @%s, and "
			"HOST:%s when it is on another host",
			word, word, word);
	if (!word[1] && nse_scope_empty(&chosen->given) && other)
		return cmd_load_live(other, chosen->engines, s, err);
	rc = cmd_scope_resolve(chosen, word[1] ? word + 1 : NULL, &scope, err);
	return rc < 0 ? rc : cmd_load_live(&scope, chosen->engines, s, err);
}

/* Later is what is live, and last what takes its scope from the other side. */
static int lateness(const char *word)
{
	if (strcmp(word, "@") == 0)
		return 4;
	if (word[0] == '@')
		return 2;
	if (cmd_is_file(word) || !cmd_remote_is(word))
		return 0;
	return word[strlen(word) - 1] == ':' ? 3 : 1;
}

static int load_both(struct work *w, struct nse_error *err)
{
	char **words = w->args->words;
	size_t first = lateness(words[0]) > lateness(words[1]), second = !first;
	int rc;

	if (strcmp(words[0], "-") == 0 && strcmp(words[1], "-") == 0)
		return nse_error(err, -EINVAL, "only one of A and B can be stdin");
	rc = load_one(w, first, NULL, err);
	if (rc == 0)
		rc = load_one(w, second, &w->snaps[first].header.scope, err);
	return rc < 0 ? rc : cmd_relocate(&w->snaps[0], &w->map, NULL, err);
}

static int write_delta(struct work *w, unsigned int flags, struct nse_error *err)
{
	NSE_CLEANUP(nse_stream_header_release) struct nse_stream_header h;
	NSE_CLEANUP(cmd_outfile_release) struct cmd_outfile out = CMD_OUTFILE_INIT;
	int rc = cmd_outfile_open(&out, w->o->out, err);

	nse_stream_header_init(&h);
	if (rc < 0)
		return rc;
	nse_stream_header_now(&h);
	rc = nse_scope_copy(&h.scope, &w->snaps[1].header.scope);
	if (rc < 0)
		return nse_error(err, rc, "out of memory");
	rc = nse_delta_write(w->snaps[0].ctx, w->snaps[1].ctx, flags, &h, nse_fd_write,
			     &out.fd, NULL, err);
	return rc < 0 ? rc : cmd_outfile_commit(&out, err);
}

static int print(const struct work *w, size_t equal, struct nse_error *err)
{
	const struct options *o = w->o;
	struct diff_print p = {
		.a = &w->snaps[0],
		.b = &w->snaps[1],
		.diff = &w->shown,
		.all = &w->all,
		.names = { o->labels[0] ?: w->args->words[0],
			   o->labels[1] ?: w->args->words[1] },
		.equal = equal,
		.context = (uint32_t)o->context,
		.width = cmd_width(&w->args->common),
		.state = o->state,
		.word = o->word,
		.color = cmd_color_on(&w->args->common, stdout),
	};
	int rc;

	if (o->json)
		return diff_print_json(&p, err);
	if (o->names)
		return diff_print_names(&p, err);
	if (!o->stat && !o->numstat)
		return diff_print_text(&p, err);
	rc = o->stat ? diff_print_stat(&p, err) : diff_print_numstat(&p, err);
	if (rc < 0 || !o->patch || p.diff->n == 0)
		return rc;
	putchar('\n');
	return diff_print_text(&p, err);
}

static int print_paged(struct work *w, size_t equal, struct nse_error *err)
{
	struct cmd_common *common = &w->args->common;

	if (common->quiet || (w->shown.n == 0 && !w->o->json && !w->o->stat))
		return 0;
	cmd_pager_start(common);
	return cmd_pager_stop(common, print(w, equal, err), err);
}

/*
 * An interface of the domain is named by its host: where rules name it, they
 * differ for that alone.
 */
static void tell_vifs(const struct work *w)
{
	const struct nse_domain *a = &w->snaps[0].header.scope.domain;
	const struct nse_domain *b = &w->snaps[1].header.scope.domain;

	for (size_t i = 0; i < a->nvifs && nse_map_empty(&w->map); i++)
		for (size_t j = 0; j < b->nvifs; j++)
			if (a->vifs[i].devid == b->vifs[j].devid &&
			    strcmp(a->vifs[i].name, b->vifs[j].name))
				cmd_say(&w->args->common,
					"%s of A is called %s in B: with --map-vif %s=%s "
					"this is no difference",
					a->vifs[i].name, b->vifs[j].name, a->vifs[i].name,
					b->vifs[j].name);
}

static int check_options(const struct options *o, struct nse_error *err)
{
	bool text = o->word || o->patch;

	if (o->json + o->stat + o->numstat + o->delta + o->names > 1 ||
	    (text && (o->json || o->delta || o->names)) ||
	    (o->word && !o->patch && (o->stat || o->numstat)))
		return nse_error(
			err, -EINVAL,
			"--word, --stat, --numstat, --name-only, --json and --delta "
			"exclude one another; numbers and text together are --stat -p");
	if (o->out && !o->delta)
		return nse_error(err, -EINVAL, "-o is for --delta");
	if (o->filter && o->delta)
		return nse_error(
			err, -EINVAL,
			"--filter is not for --delta, which has to turn A into B");
	return 0;
}

/* Only what the filter lets through, and how much is the same when that is told. */
static int choose(struct work *w, const struct nse_filter *filter, size_t *equal,
		  struct nse_error *err)
{
	const struct nse_context *a = w->snaps[0].ctx, *b = w->snaps[1].ctx;
	int rc = 0;

	if (w->o->stat || w->o->json)
		rc = diff_count_equal(b, filter, &w->all, w->o->json, equal, err);
	return rc < 0 ? rc : diff_filter(a, b, filter, &w->all, &w->shown, err);
}

/* 1 when they differ, 0 or -errno. */
static int run(struct work *w, struct nse_error *err)
{
	NSE_CLEANUP(nse_filter_freep) struct nse_filter *filter = NULL;
	unsigned int flags = w->o->state ? NSE_DIFF_STATE : 0;
	size_t equal = 0;
	int rc = check_options(w->o, err);

	if (rc == 0 && w->o->filter)
		rc = cmd_filter_parse(&filter, w->o->filter, err);
	if (rc == 0)
		rc = load_both(w, err);
	if (rc == 0)
		rc = nse_engines_diff(w->snaps[0].ctx, w->snaps[1].ctx, flags, &w->all,
				      err);
	if (rc == 0)
		rc = choose(w, filter, &equal, err);
	if (rc == 0 && w->o->delta)
		rc = write_delta(w, flags, err);
	else if (rc == 0)
		rc = print_paged(w, equal, err);
	if (rc == 0 && w->shown.n)
		tell_vifs(w);
	return rc < 0 ? rc : w->shown.n > 0;
}

int cmd_diff(int argc, char **argv)
{
	NSE_CLEANUP(work_release) struct work w = { .map = NSE_MAP_INIT };
	struct options o = { .context = CONTEXT_RULES };
	struct nse_opt_group groups[] = { { NULL, opts, &o },
					  CMD_MAP_GROUP(&w.map),
					  CMD_SCOPE_GROUP(&w.chosen),
					  CMD_REMOTE_GROUP(&w.remote),
					  { NULL, NULL, NULL } };
	struct nse_error err = { 0 };
	struct nse_args args;
	int status;

	cmd_scope_init(&w.chosen);
	status = nse_opts_parse(&usage, groups, argc, argv, &args);
	if (status >= 0)
		return status;
	w.args = &args;
	w.o = &o;
	status = run(&w, &err);
	if (status < 0)
		return cmd_fail(&err);
	return status ? CMD_DIFFERS : CMD_DONE;
}
