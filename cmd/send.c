/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsemig send: a context over SSH into `nsemig receive` on another host. What
 * becomes of it there is that command's exit status, which is ours too.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/groups.h"
#include "cmd/output.h"
#include "cmd/progress.h"
#include "cmd/source.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"

#define ANSWER_US  (600 * 1000000LL)
#define STALL_US   (60 * 1000000LL)
#define SLICE_US   200000 /* an interrupt is noticed within this time */
#define HURRY_US   2000000
#define OUTPUT_MAX 65536
#define KILLED	   128 /* and more: of a signal, or ssh(1) itself has failed */

#define STORE_DIR "/var/lib/nsemig"

struct options {
	bool apply, store;
	const char *store_dir;
	int progress;
};

static const struct nse_opt opts[] = {
	NSE_OPT_FLAG('\0', "apply", struct options, apply,
		     "install it there, all or nothing (the default)"),
	NSE_OPT_FLAG('\0', "store", struct options, store, "keep it there as a file"),
	NSE_OPT_STRING('\0', "store-dir", "DIR", struct options, store_dir,
		       "with --store: in this directory there (" STORE_DIR ")"),
	CMD_PROGRESS_OPT(struct options, progress), NSE_OPT_END
};

static const char *const synopsis[] = { "[options] FILE|DOMAIN [USER@]HOST[:PORT]",
					"[options] SCOPE-OPTIONS [USER@]HOST[:PORT]",
					NULL };
static const struct nse_usage usage = {
	.name = "send",
	.synopsis = synopsis,
	.operands = "scope-or-file host",
	.min = 1,
	.max = 2,
};

/* What is under way, and what a signal would do to it. */
struct shipment {
	const struct nse_args *args;
	const struct options *o;
	const char *target;
	struct cmd_progress *progress;
	struct cmd_progress_at at;
	struct nse_stream_stats stats; /* count while it is sent */
	int fd;
	uint64_t bytes;
	int answered; /* signals */
};

static void enter(struct shipment *s, const char *phase)
{
	s->at.phase = phase;
	cmd_progress_update(s->progress, &s->at);
}

/* 0 when fd can be written to; an interrupt ends the waiting. */
static int wait_for_room(int fd, int64_t deadline_us)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	while (!cmd_signal && nse_poll_ms(deadline_us) != 0) {
		int64_t slice = nse_now_us() + SLICE_US;
		int n = poll(&p, 1,
			     nse_poll_ms(slice < deadline_us ? slice : deadline_us));

		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
	return cmd_signal ? -EINTR : -ETIMEDOUT;
}

/* In a thread of the stream's, where it is big. */
static int put(void *arg, const void *p, size_t n)
{
	struct shipment *s = arg;
	const char *from = p;
	int rc = cmd_signal ? -EINTR : 0;

	while (n && rc == 0) {
		ssize_t done = write(s->fd, from, n);

		if (done < 0 && errno == EAGAIN)
			rc = wait_for_room(s->fd, nse_now_us() + STALL_US);
		else if (done < 0 && errno != EINTR)
			rc = -errno;
		if (done <= 0)
			continue;
		from += done;
		n -= (size_t)done;
		s->bytes += (uint64_t)done;
		s->at.records = __atomic_load_n(&s->stats.records, __ATOMIC_RELAXED);
		s->at.sent = s->bytes;
		cmd_progress_update(s->progress, &s->at);
	}
	return rc;
}

/* "receive --store DIR" for a remote shell: DIR in quotes. */
static char *remote_args(const struct options *o)
{
	const char *dir = o->store_dir ? o->store_dir : STORE_DIR;
	size_t room = strlen(dir) * 4 + 32, n;
	char *out;

	if (!o->store)
		return strdup("receive --apply -");
	out = malloc(room);
	if (!out)
		return NULL;
	n = (size_t)snprintf(out, room, "receive --store '");
	for (const char *p = dir; *p; p++) {
		const char *s = *p == '\'' ? "'\\''" : (char[]){ *p, '\0' };

		n += (size_t)snprintf(out + n, room - n, "%s", s);
	}
	snprintf(out + n, room - n, "' -");
	return out;
}

/* The other host gets everything: what it does with it is not in our hands. */
static void answer_signal(struct shipment *s)
{
	if (cmd_signal_again(&s->answered))
		cmd_say(&s->args->common,
			"%s was sent the whole context and %s it, all or nothing: it cannot "
			"be stopped from here, and its answer has to be waited for",
			s->target, s->o->store ? "stores" : "installs");
}

/*
 * What the far end prints (the stored file's name) is our output, when the line of
 * the progress is out of its way.
 */
static int take_output(struct shipment *s, char *text, size_t room, struct nse_error *err)
{
	int64_t deadline = nse_now_us() + ANSWER_US;
	size_t have = 0;
	ssize_t n = 1;
	int rc;

	while (n != 0 && have + 1 < room) {
		rc = nse_wait_readable(s->fd, nse_now_us() + SLICE_US);
		answer_signal(s);
		if (rc < 0 && (rc != -ETIMEDOUT || nse_poll_ms(deadline) == 0) &&
		    rc != -EINTR)
			return nse_errno(err, rc, "waiting for the other host");
		if (rc < 0)
			continue;
		n = read(s->fd, text + have, room - have - 1);
		/* Who ended without reading all of it has said why by its status. */
		if (n < 0 && errno == ECONNRESET)
			n = 0;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return nse_errno(err, -errno, "waiting for the other host");
		have += n > 0 ? (size_t)n : 0;
	}
	text[have] = '\0';
	return 0;
}

static int unclear(const struct shipment *s, const char *why, struct nse_error *err)
{
	nse_error(err, -EUCLEAN, "%s was sent the whole context, and %s", s->target, why);
	return nse_advise(
		err, "send it again: what is there by then is kept as it is; `nsemig "
		     "show` there tells what it has");
}

/* What the other end has made of it, by its exit status; whole: it got all. */
static int far_status(const struct shipment *s, int status, bool whole,
		      struct nse_error *err)
{
	if (status == 0)
		return 0;
	if (status == 127) {
		nse_error(err, -ENOENT, "%s has no nsemig in its PATH", s->target);
		return nse_advise(err, "install it there, or name it with "
				       "--remote-command");
	}
	if (status == CMD_UNCLEAR)
		return unclear(s, "could not take back what it had installed, see above",
			       err);
	if (status > 0 && status < KILLED)
		return nse_error(err, -EREMOTEIO,
				 "%s has not %s the context (exit status %d), see above",
				 s->target, s->o->store ? "stored" : "installed", status);
	if (whole)
		return unclear(s, "the link broke before it confirmed", err);
	return nse_error(err, -EPIPE,
			 "the link to %s broke in the middle; nothing of the context is "
			 "%s there",
			 s->target, s->o->store ? "stored" : "installed");
}

/*
 * A stream without its end is thrown away there: a promise of nsemig-receive(8) that
 * needs no answer.
 */
static int interrupted(const struct shipment *s, struct nse_error *err)
{
	return nse_error(err, -EINTR,
			 s->bytes ? "interrupted: %s has a part of the context, which it "
				    "throws away; nothing of it is %s there"
				  : "interrupted: nothing was sent to %s",
			 s->target, s->o->store ? "stored" : "installed");
}

static int ship(struct shipment *s, const struct nse_snapshot *snap,
		const struct nse_link_spec *spec, struct nse_error *err)
{
	struct nse_stream_header h = snap->header;
	struct nse_error write_err = { 0 };
	struct nse_link link;
	char bytes[CMD_NUMBER], text[OUTPUT_MAX] = "";
	int rc, put_rc, status;
	bool hurry;

	enter(s, "connect");
	rc = nse_link_open(&link, spec, err);
	if (rc < 0)
		return cmd_signal ? interrupted(s, err) : rc;
	s->fd = link.fd;
	s->at.total = nse_context_count(snap->ctx);
	enter(s, "send");
	put_rc = nse_snapshot_write(snap->ctx, &h, put, s, &s->stats, &write_err);
	if (put_rc == 0) {
		nse_link_shutdown(&link);
		enter(s, "wait");
		rc = take_output(s, text, sizeof(text), err);
	}
	/* There is nothing more to be waited for. */
	hurry = rc < 0 || (put_rc < 0 && cmd_signal);
	status = nse_link_finish(&link, nse_now_us() + (hurry ? HURRY_US : ANSWER_US));
	cmd_progress_stop(nse_take(s->progress));
	fputs(text, stdout);
	if (put_rc < 0 && cmd_signal)
		return interrupted(s, err);
	rc = rc < 0 ? unclear(s, "did not answer", err)
		    : far_status(s, status, put_rc == 0, err);
	/* The far end's own words say more than a broken pipe. */
	if (rc == 0 && put_rc < 0) {
		*err = write_err;
		return put_rc;
	}
	if (rc == 0 && s->args->common.verbose)
		cmd_say(&s->args->common, "%zu records, %s sent",
			nse_context_count(snap->ctx), cmd_bytes(s->bytes, bytes));
	return rc < 0 ? rc : cmd_flush(err);
}

static int run(const struct nse_args *args, const struct options *o,
	       const struct cmd_scope *chosen, struct cmd_remote *remote,
	       struct nse_error *err)
{
	NSE_CLEANUP(nse_snapshot_release) struct nse_snapshot snap = { 0 };
	NSE_FREE char *far = remote_args(o);
	struct shipment s = { .args = args,
			      .o = o,
			      .target = args->words[args->n - 1],
			      .at = { .phase = "collect", .work = true } };
	const char *word = args->n == 2 ? args->words[0] : NULL;
	struct nse_link_spec spec;
	int rc;

	if (!far)
		return nse_error(err, -ENOMEM, "out of memory");
	rc = cmd_remote_defaults(remote, s.target, err)
		     ?: cmd_remote_spec(remote, s.target, far, &spec, err);
	if (rc < 0)
		return rc;
	spec.interrupted = &cmd_signal;
	s.progress =
		cmd_progress_start(o->progress, &args->common, "", remote->rsh != NULL);
	enter(&s, word && cmd_is_file(word) ? "read" : "collect");
	rc = cmd_load(chosen, word, &snap, err);
	if (rc == 0)
		rc = cmd_signal ? interrupted(&s, err) : ship(&s, &snap, &spec, err);
	cmd_progress_stop(s.progress);
	return rc;
}

int cmd_send(int argc, char **argv)
{
	NSE_CLEANUP(cmd_scope_release) struct cmd_scope chosen;
	struct options o = { 0 };
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
	o.store = o.store || o.store_dir;
	if (o.apply && o.store)
		return cmd_usage_error("send", "--apply and --store exclude each other");
	cmd_hold_signals();
	signal(SIGPIPE, SIG_IGN);
	return run(&args, &o, &chosen, &remote, &err) < 0 ? cmd_fail(&err) : CMD_DONE;
}
