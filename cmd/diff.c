/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsemig diff: two contexts, each from a file, from stdin or live, compared
 * and printed as text, JSON, numbers, or as a delta stream.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/diff_print.h"
#include "cmd/groups.h"
#include "cmd/output.h"
#include "cmd/source.h"
#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"

struct options {
	bool json, stat, delta, state;
	const char *out;
};

static const struct nse_opt opts[] = {
	NSE_OPT_FLAG('\0', "json", struct options, json,
		     "one JSON object, nsemig-json(5)"),
	NSE_OPT_FLAG('\0', "stat", struct options, stat, "only numbers"),
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
	NSE_OPT_END
};

static const char *const synopsis[] = {
	"[--json | --stat | --delta [-o FILE]] [--state] A B", NULL
};
static const struct nse_usage usage = {
	.name = "diff",
	.synopsis = synopsis,
	.notes =
		"A and B: FILE, - (stdin), @DOMAIN for a live domain, or @ alone for what\n"
		"the options of Scope choose on this host (without any: the scope of the\n"
		"other side). The exit status is 0 when they are equal and 1 when not.",
	.operands = "file-or-live",
	.min = 2,
	.max = 2,
};

static int load_one(const struct cmd_scope *chosen, const char *word,
		    const struct nse_scope *other, struct nse_snapshot *s,
		    struct nse_error *err)
{
	NSE_CLEANUP(nse_scope_release) struct nse_scope scope = { 0 };
	int rc;

	if (word[0] != '@' && !cmd_is_file(word))
		return nse_error(err, -ENOENT,
				 "there is no file '%s'; a live domain is written @%s",
				 word, word);
	if (word[0] != '@')
		return cmd_load(chosen, word, s, err);
	if (!word[1] && nse_scope_empty(&chosen->given) && other)
		return cmd_load_live(other, chosen->engines, s, err);
	rc = cmd_scope_resolve(chosen, word[1] ? word + 1 : NULL, &scope, err);
	return rc < 0 ? rc : cmd_load_live(&scope, chosen->engines, s, err);
}

/* A bare @ is loaded last, since it may take its scope from the other side. */
static int load_both(const struct cmd_scope *chosen, char **words,
		     struct nse_snapshot *snaps, struct nse_error *err)
{
	size_t first = strcmp(words[0], "@") == 0 ? 1 : 0, second = !first;
	int rc;

	if (strcmp(words[0], "-") == 0 && strcmp(words[1], "-") == 0)
		return nse_error(err, -EINVAL, "only one of A and B can be stdin");
	rc = load_one(chosen, words[first], NULL, &snaps[first], err);
	if (rc == 0)
		rc = load_one(chosen, words[second], &snaps[first].header.scope,
			      &snaps[second], err);
	return rc;
}

static int write_delta(const struct options *o, const struct nse_snapshot *snaps,
		       unsigned int flags, struct nse_error *err)
{
	NSE_CLEANUP(nse_stream_header_release) struct nse_stream_header h;
	NSE_CLEANUP(cmd_outfile_release) struct cmd_outfile out = CMD_OUTFILE_INIT;
	int rc = cmd_outfile_open(&out, o->out, err);

	nse_stream_header_init(&h);
	if (rc < 0)
		return rc;
	nse_stream_header_now(&h);
	rc = nse_scope_copy(&h.scope, &snaps[1].header.scope);
	if (rc < 0)
		return nse_error(err, rc, "out of memory");
	rc = nse_delta_write(snaps[0].ctx, snaps[1].ctx, flags, &h, nse_fd_write, &out.fd,
			     NULL, err);
	return rc < 0 ? rc : cmd_outfile_commit(&out, err);
}

static int print(const struct nse_args *args, const struct options *o,
		 const struct diff_print *p, struct nse_error *err)
{
	if (args->common.quiet && !o->json)
		return 0;
	if (o->json)
		return diff_print_json(p, err);
	return o->stat ? diff_print_stat(p, err) : diff_print_text(p, err);
}

/* 1 when they differ, 0 or -errno. */
static int run(const struct nse_args *args, const struct options *o,
	       const struct cmd_scope *chosen, struct nse_snapshot *snaps,
	       struct nse_error *err)
{
	unsigned int flags = o->state ? NSE_DIFF_STATE : 0;
	NSE_CLEANUP(nse_diff_release) struct nse_diff d = { .n = 0 };
	struct diff_print p = { .a = &snaps[0], .b = &snaps[1], .diff = &d };
	int rc;

	if (o->json + o->stat + o->delta > 1 || (o->out && !o->delta))
		return nse_error(
			err, -EINVAL, "%s",
			o->out && !o->delta
				? "-o is for --delta"
				: "--json, --stat and --delta exclude one another");
	rc = load_both(chosen, args->words, snaps, err);
	if (rc < 0)
		return rc;
	rc = nse_engines_diff(snaps[0].ctx, snaps[1].ctx, flags, &d, err);
	if (rc < 0)
		return rc;
	p.state = o->state;
	p.color = cmd_color_on(&args->common, stdout);
	p.names[0] = args->words[0];
	p.names[1] = args->words[1];
	if (o->delta)
		rc = write_delta(o, snaps, flags, err);
	else
		rc = print(args, o, &p, err);
	return rc < 0 ? rc : d.n > 0;
}

int cmd_diff(int argc, char **argv)
{
	NSE_CLEANUP(cmd_scope_release) struct cmd_scope chosen;
	struct options o = { .json = false };
	struct nse_opt_group groups[] = { { NULL, opts, &o },
					  CMD_SCOPE_GROUP(&chosen),
					  { NULL, NULL, NULL } };
	struct nse_snapshot snaps[2] = { 0 };
	struct nse_error err = { 0 };
	struct nse_args args;
	int status;

	cmd_scope_init(&chosen);
	status = nse_opts_parse(&usage, groups, argc, argv, &args);
	if (status >= 0)
		return status;
	status = run(&args, &o, &chosen, snaps, &err);
	nse_snapshot_release(&snaps[0]);
	nse_snapshot_release(&snaps[1]);
	if (status < 0)
		return cmd_fail(&err);
	return status ? CMD_DIFFERS : CMD_DONE;
}
