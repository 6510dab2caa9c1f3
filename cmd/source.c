/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Contexts from files, pipes and the live host, and files for streams.
 */
#include "cmd/source.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/source_remote.h"
#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"

bool cmd_is_file(const char *word)
{
	struct stat st;

	return strcmp(word, "-") == 0 || (stat(word, &st) == 0 && !S_ISDIR(st.st_mode));
}

int cmd_load_file(const char *path, uint32_t engines, struct nse_snapshot *s,
		  struct nse_error *err)
{
	int rc;

	if (strcmp(path, "-") == 0 && isatty(STDIN_FILENO))
		return nse_error(err, -EINVAL,
				 "a stream is not typed in: give a file, or a pipe as in "
				 "`ssh HOST nsemig snapshot DOMAIN |`");
	rc = nse_snapshot_load(s, path, err);
	/* What is wrong with a file is not wrong with the command line. */
	if (rc == -EINVAL)
		rc = err->code = -EBADMSG;
	if (rc < 0)
		return rc;
	for (size_t i = 0; nse_engines[i]; i++)
		if (!(engines >> i & 1))
			nse_context_del_engine(s->ctx, nse_engines[i]->name);
	return 0;
}

int cmd_load_live(const struct nse_scope *scope, uint32_t engines, struct nse_snapshot *s,
		  struct nse_error *err)
{
	struct nse_sink sink;
	int rc;

	nse_stream_header_init(&s->header);
	nse_stream_header_now(&s->header);
	s->ctx = nse_context_new();
	if (!s->ctx || nse_scope_copy(&s->header.scope, scope) < 0)
		return nse_error(err, -ENOMEM, "out of memory");
	sink = nse_context_sink(s->ctx);
	rc = nse_engines_collect(engines, scope, &sink, err);
	if (rc < 0)
		nse_snapshot_release(s);
	return rc;
}

/* Drops what does not lie in the scope; every record is checked first. */
static int restrict_to(const struct nse_scope *scope, struct nse_snapshot *s,
		       struct nse_error *err)
{
	int rc = nse_engines_check(s->ctx, err);
	struct nse_record rec;

	for (uint32_t slot = 0; rc == 0 && slot < nse_context_slots(s->ctx); slot++) {
		if (nse_context_at(s->ctx, slot, &rec) &&
		    !nse_engine_find(rec.kind->engine)->in_scope(scope, &rec))
			rc = nse_context_del(s->ctx, rec.kind, rec.key);
	}
	return rc;
}

/* Options of the scope beside a file choose from the file. */
static int choose_from_file(const struct cmd_scope *chosen, struct nse_snapshot *s,
			    struct nse_error *err)
{
	NSE_CLEANUP(nse_scope_release) struct nse_scope scope = { 0 };
	int rc;

	if (nse_scope_empty(&chosen->given) || chosen->given.all)
		return 0;
	rc = cmd_scope_resolve(chosen, NULL, &scope, err);
	return rc < 0 ? rc : restrict_to(&scope, s, err);
}

int cmd_load(const struct cmd_scope *chosen, const char *word, struct nse_snapshot *s,
	     struct nse_error *err)
{
	NSE_CLEANUP(nse_scope_release) struct nse_scope scope = { 0 };
	int rc;

	if (word && cmd_is_file(word)) {
		rc = cmd_load_file(word, chosen->engines, s, err);
		return rc < 0 ? rc : choose_from_file(chosen, s, err);
	}
	rc = cmd_scope_resolve(chosen, word, &scope, err);
	return rc < 0 ? rc : cmd_load_live(&scope, chosen->engines, s, err);
}

int cmd_load_any(const struct cmd_scope *chosen, const struct cmd_remote *remote,
		 const char *word, struct nse_snapshot *s, struct nse_error *err)
{
	if (word && !cmd_is_file(word) && cmd_remote_is(word))
		return cmd_load_remote(chosen, remote, word, NULL, s, err);
	return cmd_load(chosen, word, s, err);
}

int cmd_relocate(struct nse_snapshot *s, const struct nse_map *map,
		 struct nse_context **old, struct nse_error *err)
{
	struct nse_context *moved = NULL;
	int rc;

	if (old)
		*old = NULL;
	if (nse_map_empty(map))
		return 0;
	rc = nse_engines_check(s->ctx, err);
	if (rc == 0)
		rc = nse_engines_relocate(map, s->ctx, &moved, err);
	if (rc < 0)
		return rc;
	if (old)
		*old = s->ctx;
	else
		nse_context_free(s->ctx);
	s->ctx = moved;
	return 0;
}

int cmd_outfile_open(struct cmd_outfile *f, const char *path, struct nse_error *err)
{
	struct stat st;
	int rc;

	if (!path || strcmp(path, "-") == 0) {
		if (isatty(STDOUT_FILENO))
			return nse_error(err, -EINVAL,
					 "a stream is not written to a terminal: give "
					 "-o FILE, or redirect the output");
		f->fd = STDOUT_FILENO;
		return 0;
	}
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return nse_error(err, -EISDIR, "%s is a directory", path);
	/* Renaming over a device or a pipe would replace it by a file. */
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		f->own = f->fd = open(path, O_WRONLY | O_CLOEXEC);
		return f->fd < 0 ? nse_errno(err, -errno, "cannot open %s", path) : 0;
	}
	rc = nse_newfile_open(&f->file, path, err);
	f->fd = f->file.fd;
	return rc;
}

int cmd_outfile_commit(struct cmd_outfile *f, struct nse_error *err)
{
	return f->file.fd >= 0 ? nse_newfile_commit(&f->file, err) : 0;
}

void cmd_outfile_release(struct cmd_outfile *f)
{
	if (f->own >= 0)
		close(f->own);
	f->own = -1;
	nse_newfile_release(&f->file);
}
