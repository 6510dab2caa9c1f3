/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsemig snapshot: engines → stream → file or pipe. No context is built in
 * memory, so that the size of the table does not matter.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/cmd.h"
#include "cmd/groups.h"
#include "cmd/output.h"
#include "cmd/snapshot.h"
#include "cmd/progress.h"
#include "cmd/source.h"
#include "lib/context/stream.h"
#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"

#define SHOW_EVERY 256	       /* records */
#define PIECE	   (64u << 10) /* bytes */

struct options {
	const char *out;
	bool all_domains, json;
	int64_t keep;
	int progress;
};

static const struct nse_opt opts[] = {
	{ .letter = 'o',
	  .name = "output",
	  .arg = "FILE",
	  .kind = NSE_OPT_K_STRING,
	  .offset = offsetof(struct options, out),
	  .complete = "file",
	  .help = "write there (mode 0600, renamed when whole)" },
	NSE_OPT_FLAG('\0', "all-domains", struct options, all_domains,
		     "one file in DIR for each domain of this host"),
	NSE_OPT_INT('\0', "keep", "N", struct options, keep, 1, 100000,
		    "with --all-domains: keep the N newest of each domain"),
	NSE_OPT_FLAG('\0', "json", struct options, json,
		     "with --all-domains: say what was done as one JSON object"),
	CMD_PROGRESS_OPT(struct options, progress),
	NSE_OPT_END
};

static const char *const synopsis[] = { "[options] [DOMAIN] [-o FILE]",
					"[options] --all-domains [--keep N] [DIR]",
					NULL };
static const struct nse_usage usage = {
	.name = "snapshot",
	.synopsis = synopsis,
	.operands = "scope",
	.max = 1,
};

/* Passes records on, counts them, and stops at a signal. */
struct counter {
	struct nse_sink to;
	uint64_t n[32]; /* by engine */
	int fd;
	const char *file; /* that appears whole or not at all; or NULL */
	uint64_t entries; /* of the connection-tracking table, 0: not all are meant */
	struct cmd_progress *progress;
	struct cmd_progress_at at;
	uint64_t written; /* by a thread of the stream's */
};

static void show_progress(struct counter *c)
{
	uint64_t others = 0, entries = 0;

	for (size_t i = 0; nse_engines[i]; i++)
		*(strcmp(nse_engines[i]->name, "conntrack") ? &others : &entries) +=
			c->n[i];
	c->at.records = others + entries;
	c->at.total = c->entries > entries ? others + c->entries : 0;
	c->at.sent = __atomic_load_n(&c->written, __ATOMIC_RELAXED);
	cmd_progress_update(c->progress, &c->at);
}

/* Piece by piece, since a reader may be slow, and a signal must not wait for it. */
static int count_write(void *arg, const void *p, size_t n)
{
	struct counter *c = arg;
	const char *from = p;
	int rc = 0;

	while (n && rc == 0) {
		size_t piece = n < PIECE ? n : PIECE;

		rc = cmd_signal ? -EINTR : nse_fd_write(&c->fd, from, piece);
		__atomic_add_fetch(&c->written, piece, __ATOMIC_RELAXED);
		from += piece;
		n -= piece;
	}
	return rc;
}

static size_t engine_index(const char *name)
{
	size_t i = 0;

	while (nse_engines[i] && strcmp(nse_engines[i]->name, name))
		i++;
	return i;
}

static int count_put(void *arg, const struct nse_record *rec)
{
	struct counter *c = arg;

	if (cmd_signal)
		return -EINTR;
	if (++c->n[engine_index(rec->kind->engine)] % SHOW_EVERY == 0)
		show_progress(c);
	return c->to.put(c->to.arg, rec);
}

static int count_reset(void *arg, const char *engine)
{
	struct counter *c = arg;

	c->n[engine_index(engine)] = 0;
	return c->to.reset(c->to.arg, engine);
}

/* What there is of it is what counts. */
static int interrupted(const struct counter *c, struct nse_error *err)
{
	if (c->file)
		return nse_error(err, -EINTR,
				 "interrupted: %s was not written, what was there "
				 "before is untouched",
				 c->file);
	return nse_error(err, -EINTR,
			 "interrupted: the stream has no end, and nobody who reads it "
			 "will take it for whole");
}

static int collect(const struct nse_scope *scope, uint32_t engines, struct counter *c,
		   struct nse_stream_stats *stats, struct nse_error *err)
{
	NSE_CLEANUP(nse_stream_header_release) struct nse_stream_header h;
	NSE_CLEANUP(nse_stream_writer_freep) struct nse_stream_writer *w = NULL;
	struct nse_sink sink = { count_put, count_reset, c };
	int rc;

	nse_stream_header_init(&h);
	nse_stream_header_now(&h);
	rc = nse_scope_copy(&h.scope, scope);
	if (rc < 0)
		return nse_error(err, rc, "out of memory");
	rc = nse_stream_writer_new(&w, &h, count_write, c, NSE_STREAM_THREAD, err);
	if (rc < 0)
		return cmd_signal ? interrupted(c, err) : rc;
	c->to = nse_stream_sink(w);
	rc = nse_engines_collect(engines, scope, &sink, err);
	if (cmd_signal)
		return interrupted(c, err);
	/* A write that failed stopped the collection: the stream knows why. */
	if (rc < 0 && !err->text[0])
		return nse_stream_finish(w, stats, err) < 0
			       ? err->code
			       : nse_errno(err, rc, "collecting");
	rc = rc ?: nse_stream_finish(w, stats, err);
	return rc < 0 && cmd_signal ? interrupted(c, err) : rc;
}

int cmd_snapshot_collect(const struct nse_scope *scope, uint32_t engines, int fd,
			 struct nse_stream_stats *stats, struct nse_error *err)
{
	struct counter c = { .fd = fd,
			     .file = "the snapshot",
			     .at = { .phase = "collect", .work = true } };

	return collect(scope, engines, &c, stats, err);
}

static void say_counts(const struct nse_args *args, const struct counter *c,
		       const struct nse_stream_stats *stats, int64_t us)
{
	char number[CMD_NUMBER], time[CMD_NUMBER], bytes[CMD_NUMBER];

	if (!args->common.verbose)
		return;
	for (size_t i = 0; nse_engines[i]; i++)
		if (c->n[i])
			cmd_say(&args->common, "%s: %s records", nse_engines[i]->name,
				cmd_number(c->n[i], number));
	cmd_say(&args->common, "%s written in %s", cmd_bytes(stats->stored, bytes),
		cmd_duration(us, time));
}

/* How many entries there are, 0: not known. */
static uint64_t table_size(void)
{
	char text[32];

	if (nse_read_text("/proc/sys/net/netfilter/nf_conntrack_count", text,
			  sizeof(text)) < 0)
		return 0;
	return strtoull(text, NULL, 10);
}

static bool is_pipe(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode));
}

static int run(const struct nse_args *args, const struct options *o,
	       const struct cmd_scope *chosen, struct nse_error *err)
{
	NSE_CLEANUP(nse_scope_release) struct nse_scope scope = { 0 };
	NSE_CLEANUP(cmd_outfile_release) struct cmd_outfile out = CMD_OUTFILE_INIT;
	struct nse_stream_stats stats = { 0 };
	struct counter c = { .at = { .phase = "collect", .work = true } };
	int64_t start = nse_now_us();
	int rc;

	rc = cmd_scope_resolve(chosen, args->words[0], &scope, err);
	if (rc == 0)
		rc = cmd_outfile_open(&out, o->out, err);
	if (rc < 0)
		return rc;
	c.fd = out.fd;
	c.file = out.file.fd >= 0 ? o->out : NULL;
	c.entries = scope.all ? table_size() : 0;
	c.progress = cmd_progress_start(o->progress, &args->common, "", is_pipe(out.fd));
	show_progress(&c);
	rc = collect(&scope, chosen->engines, &c, &stats, err);
	if (rc == 0)
		rc = cmd_outfile_commit(&out, err);
	cmd_progress_stop(c.progress);
	if (rc == 0)
		say_counts(args, &c, &stats, nse_now_us() - start);
	return rc;
}

static int all_domains(const struct nse_args *args, const struct options *o,
		       const struct cmd_scope *chosen)
{
	const struct cmd_snapshot_all what = { args->words[0], o->keep, o->json, chosen };

	if (o->out || !nse_scope_empty(&chosen->given))
		return cmd_usage_error("snapshot",
				       "--all-domains goes with neither --output nor "
				       "options that choose");
	return cmd_snapshot_all(&args->common, &what);
}

int cmd_snapshot(int argc, char **argv)
{
	NSE_CLEANUP(cmd_scope_release) struct cmd_scope chosen;
	struct options o = { .out = NULL };
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
	if (!o.all_domains && (o.keep || o.json))
		return cmd_usage_error("snapshot",
				       "--keep and --json need --all-domains");
	cmd_catch_signals();
	if (o.all_domains)
		return all_domains(&args, &o, &chosen);
	signal(SIGPIPE, SIG_IGN);
	return run(&args, &o, &chosen, &err) < 0 ? cmd_fail(&err) : CMD_DONE;
}
