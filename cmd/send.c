/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsemig send: a context over SSH into `nsemig receive` on another host. What
 * becomes of it there is that command's exit status, which is ours too.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/groups.h"
#include "cmd/output.h"
#include "cmd/source.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"

#define ANSWER_US (600 * 1000000LL)
#define STALL_US  (60 * 1000000LL)

#define STORE_DIR "/var/lib/nsemig"

struct options {
	bool apply, store;
	const char *store_dir;
};

static const struct nse_opt opts[] = {
	NSE_OPT_FLAG('\0', "apply", struct options, apply,
		     "install it there, all or nothing (the default)"),
	NSE_OPT_FLAG('\0', "store", struct options, store, "keep it there as a file"),
	NSE_OPT_STRING('\0', "store-dir", "DIR", struct options, store_dir,
		       "with --store: in this directory there (" STORE_DIR ")"),
	NSE_OPT_END
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

struct pipe {
	int fd;
	uint64_t bytes;
};

static int put(void *arg, const void *p, size_t n)
{
	struct pipe *to = arg;

	to->bytes += n;
	return nse_write_full(to->fd, p, n, nse_now_us() + STALL_US);
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

/* What the far end prints (the stored file's name) is our output. */
static int pass_output(struct nse_link *link, struct nse_error *err)
{
	char text[4096];
	ssize_t n;

	while ((n = nse_read_full(link->fd, text, sizeof(text),
				  nse_now_us() + ANSWER_US)) > 0)
		fwrite(text, 1, (size_t)n, stdout);
	return n < 0 ? nse_errno(err, (int)n, "waiting for the other host")
		     : cmd_flush(err);
}

static int far_status(int status, const char *target, struct nse_error *err)
{
	if (status == 0)
		return 0;
	if (status == 127)
		return nse_error(
			err, -ENOENT,
			"%s has no nsemig in its PATH (--remote-command names it)",
			target);
	if (status < 0 || status == 255)
		return nse_error(
			err, -EPIPE,
			"the link to %s broke before it confirmed; nothing is "
			"installed there unless it says so: check with `nsemig show`",
			target);
	return nse_error(err, -EREMOTEIO,
			 "nsemig at %s failed (exit status %d), see above", target,
			 status);
}

static int ship(const struct nse_snapshot *s, const struct nse_link_spec *spec,
		const char *target, const struct nse_args *args, struct nse_error *err)
{
	struct nse_stream_header h = s->header;
	struct nse_error write_err = { 0 };
	struct nse_link link;
	struct pipe to = { 0 };
	char bytes[CMD_NUMBER];
	int rc = nse_link_open(&link, spec, err), put_rc, status;

	if (rc < 0)
		return rc;
	to.fd = link.fd;
	put_rc = nse_snapshot_write(s->ctx, &h, put, &to, NULL, &write_err);
	if (put_rc == 0) {
		nse_link_shutdown(&link);
		rc = pass_output(&link, err);
	}
	status = nse_link_finish(&link, nse_now_us() + ANSWER_US);
	if (rc == 0)
		rc = far_status(status, target, err);
	/* The far end's own words say more than a broken pipe. */
	if (rc == 0 && put_rc < 0) {
		*err = write_err;
		return put_rc;
	}
	if (rc == 0 && args->common.verbose)
		cmd_say(&args->common, "%zu records, %s sent", nse_context_count(s->ctx),
			cmd_bytes(to.bytes, bytes));
	return rc;
}

static int run(const struct nse_args *args, const struct options *o,
	       const struct cmd_scope *chosen, struct cmd_remote *remote,
	       struct nse_error *err)
{
	NSE_CLEANUP(nse_snapshot_release) struct nse_snapshot s = { 0 };
	NSE_FREE char *far = remote_args(o);
	const char *target = args->words[args->n - 1];
	struct nse_link_spec spec;
	int rc;

	if (!far)
		return nse_error(err, -ENOMEM, "out of memory");
	rc = cmd_remote_defaults(remote, target, err)
		     ?: cmd_remote_spec(remote, target, far, &spec, err);
	if (rc == 0)
		rc = cmd_load(chosen, args->n == 2 ? args->words[0] : NULL, &s, err);
	return rc < 0 ? rc : ship(&s, &spec, target, args, err);
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
	signal(SIGPIPE, SIG_IGN);
	return run(&args, &o, &chosen, &remote, &err) < 0 ? cmd_fail(&err) : CMD_DONE;
}
