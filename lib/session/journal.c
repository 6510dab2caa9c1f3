/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keeping the journal, and recovering from one whose process is gone.
 */
#include "lib/session/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/context/snapshot.h"
#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"

#define MAX_ROUNDS 100000

static const char *const state_names[] = { "gather", "installing", "committed" };

struct nse_journal {
	char *path; /* the session's directory */
	int dir;
	int lock;
	int round_fd;
	unsigned int rounds;
};

static bool id_ok(const char *id)
{
	size_t n = strlen(id);

	return n >= 1 && n <= 36 && strspn(id, "0123456789abcdef-") == n;
}

/* Writes a small file in the journal's directory, whole or not at all. */
static int put_file(struct nse_journal *j, const char *name, const void *p, size_t n,
		    struct nse_error *err)
{
	NSE_CLOSE int fd =
		openat(j->dir, "new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return nse_errno(err, -errno, "cannot write the journal %s", j->path);
	rc = nse_write_full(fd, p, n, NSE_FOREVER);
	if (rc == 0 && renameat(j->dir, "new", j->dir, name) < 0)
		rc = -errno;
	return rc < 0 ? nse_errno(err, rc, "cannot write the journal %s", j->path) : 0;
}

/* Opens the directory and takes its lock; -EBUSY when somebody holds it. */
static int attach(struct nse_journal *j, struct nse_error *err)
{
	j->dir = open(j->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->dir < 0)
		return nse_errno(err, -errno, "cannot open the journal %s", j->path);
	j->lock = openat(j->dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (j->lock < 0)
		return nse_errno(err, -errno, "cannot lock the journal %s", j->path);
	if (flock(j->lock, LOCK_EX | LOCK_NB) < 0)
		return nse_error(err, -EBUSY, "the session of the journal %s still runs",
				 j->path);
	return 0;
}

static struct nse_journal *journal_new(const char *state_dir, const char *id)
{
	struct nse_journal *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->dir = j->lock = j->round_fd = -1;
	if (asprintf(&j->path, "%s/sessions/%s", state_dir, id) < 0) {
		free(j);
		return NULL;
	}
	return j;
}

int nse_journal_open(struct nse_journal **out, const char *state_dir, const char *id,
		     const struct nse_scope *scope, struct nse_error *err)
{
	struct nse_journal *j;
	NSE_FREE char *text = NULL;
	json_t *json;
	int rc;

	if (!id_ok(id))
		return nse_error(err, -EPROTO, "the session's id is not valid");
	j = journal_new(state_dir, id);
	if (!j)
		return nse_error(err, -ENOMEM, "out of memory");
	json = nse_scope_to_json(scope);
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	rc = nse_mkdirs(j->path, 0700, err);
	if (rc == 0)
		rc = attach(j, err);
	if (rc == 0 && !text)
		rc = nse_error(err, -ENOMEM, "out of memory");
	if (rc == 0)
		rc = put_file(j, "scope.json", text, strlen(text), err);
	if (rc == 0)
		rc = nse_journal_mark(j, NSE_JOURNAL_GATHER, err);
	if (rc < 0) {
		nse_journal_close(j);
		return rc;
	}
	*out = j;
	return 0;
}

bool nse_journal_exists(const char *state_dir, const char *id)
{
	char path[4096];

	if (!id_ok(id))
		return false;
	snprintf(path, sizeof(path), "%s/sessions/%s", state_dir, id);
	return access(path, F_OK) == 0;
}

int nse_journal_before(struct nse_journal *j, const struct nse_context *before,
		       struct nse_error *err)
{
	NSE_CLOSE int fd = openat(j->dir, "before.nsc",
				  O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct nse_stream_header h;
	int rc;

	if (fd < 0)
		return nse_errno(err, -errno, "cannot write the journal %s", j->path);
	nse_stream_header_init(&h);
	nse_stream_header_now(&h);
	rc = nse_snapshot_write(before, &h, nse_fd_write, &fd, NULL, err);
	nse_stream_header_release(&h);
	return rc;
}

int nse_journal_round(struct nse_journal *j, struct nse_error *err)
{
	char name[32];

	if (j->round_fd >= 0)
		close(j->round_fd);
	snprintf(name, sizeof(name), "round-%u.nsc", j->rounds++);
	j->round_fd =
		openat(j->dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (j->round_fd < 0)
		return nse_errno(err, -errno, "cannot write the journal %s", j->path);
	return 0;
}

int nse_journal_append(struct nse_journal *j, const void *p, size_t n)
{
	return nse_write_full(j->round_fd, p, n, NSE_FOREVER);
}

int nse_journal_mark(struct nse_journal *j, enum nse_journal_state state,
		     struct nse_error *err)
{
	return put_file(j, "state", state_names[state], strlen(state_names[state]), err);
}

void nse_journal_forget(struct nse_journal *j)
{
	DIR *d;
	struct dirent *e;

	if (!j)
		return;
	d = fdopendir(dup(j->dir));
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			unlinkat(j->dir, e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(j->path);
	nse_journal_close(j);
}

void nse_journal_close(struct nse_journal *j)
{
	if (!j)
		return;
	if (j->round_fd >= 0)
		close(j->round_fd);
	if (j->lock >= 0)
		close(j->lock);
	if (j->dir >= 0)
		close(j->dir);
	free(j->path);
	free(j);
}

int nse_journal_job(struct nse_job *job, const struct nse_context *ctx,
		    const struct nse_context *before)
{
	struct nse_record rec;
	int rc = nse_job_init(job, ctx, 0);

	if (rc < 0)
		return rc;
	for (uint32_t s = 0; s < nse_context_slots(ctx); s++) {
		if (!nse_context_at(ctx, s, &rec))
			continue;
		if (before &&
		    nse_context_find(before, rec.kind, rec.key) != NSE_CONTEXT_NONE)
			nse_job_outcome(job, s, NSE_KEPT);
		else
			nse_job_outcome(job, s, NSE_CREATED);
	}
	return 0;
}

/* Reads the rounds back; a last round that is not whole was never used. */
static int load_rounds(struct nse_journal *j, struct nse_snapshot *snap,
		       struct nse_error *err)
{
	char name[32];

	for (unsigned int n = 0; n < MAX_ROUNDS; n++) {
		int rc;

		snprintf(name, sizeof(name), "round-%u.nsc", n);
		NSE_CLOSE int fd = openat(j->dir, name, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			break;
		if (n == 0)
			rc = nse_snapshot_read_fd(snap, fd, err);
		else
			rc = nse_delta_read(snap->ctx, nse_fd_read, &fd, NULL, err);
		if (rc < 0 && n == 0)
			return rc;
		if (rc < 0)
			break;
	}
	return 0;
}

static int read_state(struct nse_journal *j, enum nse_journal_state *state,
		      struct nse_scope *scope)
{
	char path[4096], text[32];
	json_error_t je;
	json_t *json;
	int rc;

	snprintf(path, sizeof(path), "%s/state", j->path);
	if (nse_read_text(path, text, sizeof(text)) < 0)
		return -ENOENT;
	for (*state = 0; *state < NSE_JOURNAL_COMMITTED; ++*state)
		if (strcmp(text, state_names[*state]) == 0)
			break;
	snprintf(path, sizeof(path), "%s/scope.json", j->path);
	json = json_load_file(path, 0, &je);
	rc = nse_scope_from_json(json, scope, NULL);
	json_decref(json);
	return rc;
}

static int recover_context(struct nse_journal *j, bool keep, struct nse_error *err)
{
	struct nse_snapshot snap = { 0 }, before = { 0 };
	struct nse_job job = { 0 };
	int fd = openat(j->dir, "before.nsc", O_RDONLY | O_CLOEXEC), rc;

	rc = load_rounds(j, &snap, err);
	if (rc == 0 && fd >= 0)
		rc = nse_snapshot_read_fd(&before, fd, err);
	if (rc == 0 && snap.ctx) {
		rc = nse_journal_job(&job, snap.ctx, before.ctx);
		if (rc == 0 && keep)
			rc = nse_engines_settle(NSE_ENGINES_ALL, &job, err);
		else if (rc == 0)
			rc = nse_engines_undo(NSE_ENGINES_ALL, &job, err);
		nse_job_release(&job);
	}
	if (fd >= 0)
		close(fd);
	nse_snapshot_release(&snap);
	nse_snapshot_release(&before);
	return rc;
}

static int recover_one(const char *state_dir, const char *id,
		       struct nse_platform *platform, struct nse_recovery *r,
		       struct nse_error *err)
{
	enum nse_journal_state state = NSE_JOURNAL_GATHER;
	struct nse_journal *j = journal_new(state_dir, id);
	struct nse_scope scope;
	bool keep = false;
	int rc;

	if (!j)
		return nse_error(err, -ENOMEM, "out of memory");
	rc = attach(j, err);
	if (rc < 0) {
		r->alive += rc == -EBUSY;
		nse_journal_close(j);
		return rc == -EBUSY ? 0 : rc;
	}
	nse_scope_init(&scope);
	if (read_state(j, &state, &scope) == 0 && state != NSE_JOURNAL_GATHER) {
		keep = state == NSE_JOURNAL_COMMITTED && platform &&
		       platform->ops->running(platform, scope.domain.name, err) > 0;
		rc = recover_context(j, keep, err);
	}
	nse_scope_release(&scope);
	if (rc < 0) {
		nse_error_prefix(err, "recovering the session %s", id);
		nse_journal_close(j);
		return rc;
	}
	r->finished += keep;
	r->undone += state != NSE_JOURNAL_GATHER && !keep;
	nse_journal_forget(j);
	return 0;
}

int nse_journal_recover(const char *state_dir, struct nse_platform *platform,
			struct nse_recovery *r, struct nse_error *err)
{
	NSE_FREE char *path = NULL;
	struct dirent *e;
	int rc = 0;
	DIR *d;

	*r = (struct nse_recovery){ 0 };
	if (asprintf(&path, "%s/sessions", state_dir) < 0)
		return nse_error(err, -ENOMEM, "out of memory");
	d = opendir(path);
	if (!d)
		return errno == ENOENT ? 0
				       : nse_errno(err, -errno, "cannot read %s", path);
	while (rc == 0 && (e = readdir(d)))
		if (id_ok(e->d_name))
			rc = recover_one(state_dir, e->d_name, platform, r, err);
	closedir(d);
	return rc;
}

int nse_lock_domain(const char *state_dir, const char *name, int *fd,
		    struct nse_error *err)
{
	char file[NSE_DOMAIN_NAME_MAX];
	NSE_FREE char *path = NULL;
	size_t i;
	int rc;

	/* A domain's name may hold anything; a file's may not. */
	for (i = 0; name[i] && i < sizeof(file) - 1; i++)
		file[i] = name[i] == '/' ? '%' : name[i];
	file[i] = '\0';
	if (asprintf(&path, "%s/locks", state_dir) < 0)
		return nse_error(err, -ENOMEM, "out of memory");
	rc = nse_mkdirs(path, 0700, err);
	if (rc < 0)
		return rc;
	free(path);
	if (asprintf(&path, "%s/locks/domain-%s", state_dir, file) < 0) {
		path = NULL;
		return nse_error(err, -ENOMEM, "out of memory");
	}
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*fd < 0)
		return nse_errno(err, -errno, "cannot open the lock %s", path);
	if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	close(*fd);
	*fd = -1;
	return nse_error(err, -EBUSY, "a migration of %s is under way already", name);
}
