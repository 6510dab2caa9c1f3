/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Opening and closing the shell's context. A child loads it and writes it as a
 * snapshot, which then takes the place of the one before.
 */
#include "cmd/shell_context.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/groups.h"
#include "cmd/output.h"
#include "cmd/source.h"
#include "lib/util/cleanup.h"

#define PREFIX "shell."

static const char *const open_synopsis[] = { "[options] FILE | DOMAIN", "[options] SCOPE",
					     NULL };
static const struct nse_usage open_usage = {
	.name = "open",
	.synopsis = open_synopsis,
	.notes = "Makes it the context that the shell's other commands are about.",
	.operands = "any-context",
	.max = 1,
};

static int write_snapshot(struct nse_snapshot *s, const char *path, struct nse_error *err)
{
	NSE_CLEANUP(nse_newfile_release) struct nse_newfile f = NSE_NEWFILE_INIT;
	int rc = nse_newfile_open(&f, path, err);

	if (rc == 0)
		rc = nse_snapshot_write(s->ctx, &s->header, nse_fd_write, &f.fd, NULL,
					err);
	return rc < 0 ? rc : nse_newfile_commit(&f, err);
}

static int load_into(const struct cmd_scope *chosen, const struct cmd_remote *remote,
		     const struct nse_args *args, const char *path, struct nse_error *err)
{
	NSE_CLEANUP(nse_snapshot_release) struct nse_snapshot s = { .ctx = NULL };
	char taken[CMD_TIME], number[CMD_NUMBER], host[300];
	int rc;

	if (args->n && strcmp(args->words[0], "-") == 0)
		return nse_error(err, -EINVAL,
				 "open: the shell reads its commands from stdin; give a "
				 "file or a domain");
	rc = cmd_load_any(chosen, remote, args->words[0], &s, err);
	if (rc == 0)
		rc = write_snapshot(&s, path, err);
	if (rc == 0)
		cmd_say(&args->common, "%s records of %s, taken %s",
			cmd_number(nse_context_count(s.ctx), number),
			cmd_safe(s.header.host, host, sizeof(host)),
			cmd_time(s.header.taken_us, taken));
	return rc;
}

int shell_open_call(void *arg, int argc, char **argv)
{
	NSE_CLEANUP(cmd_scope_release) struct cmd_scope chosen;
	struct cmd_remote remote = { .rsh = NULL };
	struct nse_opt_group groups[] = { CMD_SCOPE_GROUP(&chosen),
					  CMD_REMOTE_GROUP(&remote),
					  { NULL, NULL, NULL } };
	struct nse_error err = { 0 };
	struct nse_args args;
	int status;

	cmd_scope_init(&chosen);
	status = nse_opts_parse(&open_usage, groups, argc, argv, &args);
	if (status >= 0)
		return status;
	return load_into(&chosen, &remote, &args, arg, &err) < 0 ? cmd_fail(&err)
								 : CMD_DONE;
}

static void remove_dir(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(path);
}

/* Those of shells that were killed are not locked any more. */
static void sweep(const char *parent)
{
	DIR *d = opendir(parent);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		NSE_FREE char *path = NULL;
		NSE_CLOSE int fd = -1;
		struct stat st;

		if (strncmp(e->d_name, PREFIX, strlen(PREFIX)))
			continue;
		fd = openat(dirfd(d), e->d_name,
			    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid() ||
		    flock(fd, LOCK_EX | LOCK_NB) < 0)
			continue;
		if (asprintf(&path, "%s/%s", parent, e->d_name) > 0)
			remove_dir(path);
	}
	if (d)
		closedir(d);
}

/* mkdtemp() and its lock. NULL with errno when it cannot be. */
static char *make_in(const char *parent, int *lock)
{
	char *path = NULL;

	if (asprintf(&path, "%s/" PREFIX "XXXXXX", parent) < 0)
		return NULL;
	if (mkdtemp(path)) {
		*lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (*lock >= 0)
			flock(*lock, LOCK_EX | LOCK_NB);
		return path;
	}
	free(path);
	return NULL;
}

/* Beneath the state directory; where we may not write there, in $TMPDIR. */
static int make_dir(struct shell_context *c, struct nse_error *err)
{
	const char *tmp = getenv("TMPDIR");
	NSE_CLEANUP(nse_config_release) struct nse_config config = { 0 };
	struct nse_error unused = { 0 };

	if (c->dir)
		return 0;
	if (nse_config_load(&config, &unused) == 0 &&
	    nse_mkdirs(config.state_dir, 0700, &unused) == 0) {
		sweep(config.state_dir);
		c->dir = make_in(config.state_dir, &c->lock);
	}
	if (!c->dir)
		c->dir = make_in(tmp && *tmp == '/' ? tmp : "/tmp", &c->lock);
	return c->dir ? 0
		      : nse_errno(err, -errno, "cannot make a directory for the context");
}

/* What the operand is called in the prompt and in the names of files. */
static char *short_name(const char *source)
{
	const char *slash = source ? strrchr(source, '/') : NULL;
	char *name = strdup(!source ? "context" : slash && slash[1] ? slash + 1 : source);

	for (char *p = name; p && *p; p++)
		if ((unsigned char)*p <= ' ' || *p == '/' || *p == 0x7f)
			*p = '_';
	return name;
}

static const char *operand_of(const struct shell_takes *takes, char *const *v, size_t n)
{
	struct shell_arg a;

	for (size_t at = 1; shell_takes_next(takes, v, n, at, &a); at = a.next)
		if (a.operand)
			return v[a.at];
	return NULL;
}

/* Puts the new one in the place of what was open. */
static int become(struct shell_context *c, const char *path, const char *operand,
		  char *const *words, size_t n)
{
	char *name = short_name(operand), *file = NULL, *source = NULL;
	struct shell_argv opened = { NULL, 0 };
	int rc = name ? 0 : -ENOMEM;

	if (operand && !(source = strdup(operand)))
		rc = -ENOMEM;
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = shell_argv_add(&opened, words[i]);
	if (rc == 0 && asprintf(&file, "%s/%s", c->dir, name) < 0) {
		file = NULL;
		rc = -ENOMEM;
	}
	/* The filter is kept: it is about records, not about a host. */
	if (rc == 0) {
		shell_context_close(c);
		rc = rename(path, file) < 0 ? -errno : 0;
	}
	if (rc < 0) {
		free(name);
		free(file);
		free(source);
		shell_argv_release(&opened);
		return rc;
	}
	c->file = file;
	c->name = name;
	c->source = source;
	c->opened = opened.v;
	c->nopened = opened.n;
	c->taken++;
	return 0;
}

int shell_context_open(struct shell_context *c, struct shell_signals *s,
		       const struct shell_takes *takes, char *const *words, size_t n,
		       bool no_input)
{
	struct shell_job job = { .call = shell_open_call, .no_input = no_input };
	struct shell_argv copy = { NULL, 0 };
	NSE_FREE char *path = NULL;
	struct nse_error err = { 0 };
	int rc = make_dir(c, &err), status;

	if (rc < 0)
		return cmd_fail(&err);
	if (asprintf(&path, "%s/.new", c->dir) < 0)
		return CMD_FAILED;
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = shell_argv_add(&copy, words[i]);
	job.arg = path;
	job.argc = (int)copy.n;
	job.argv = copy.v;
	status = rc == 0 ? shell_run(s, &job) : CMD_FAILED;
	if (status == CMD_DONE && access(path, F_OK) == 0)
		rc = become(c, path, operand_of(takes, words, n), words, n);
	shell_argv_release(&copy);
	if (rc < 0) {
		nse_errno(&err, rc, "cannot open the context");
		return cmd_fail(&err);
	}
	return status;
}

void shell_context_close(struct shell_context *c)
{
	struct shell_argv opened = { c->opened, c->nopened };

	if (c->file)
		unlink(c->file);
	free(nse_take(c->file));
	free(nse_take(c->name));
	free(nse_take(c->source));
	shell_argv_release(&opened);
	c->opened = NULL;
	c->nopened = 0;
}

void shell_context_release(struct shell_context *c)
{
	shell_context_close(c);
	free(nse_take(c->filter));
	if (c->dir)
		remove_dir(c->dir);
	free(nse_take(c->dir));
	if (c->lock >= 0)
		close(c->lock);
	c->lock = -1;
}

bool shell_context_is_file(const struct shell_context *c)
{
	return c->source && cmd_is_file(c->source);
}
