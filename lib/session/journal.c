/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keeping a journal, and reading one back whose process is gone. Journals
 * appear and go under a lock on the directory that they lie in, so that
 * nobody meets half of one.
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
#include "lib/session/policy.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"

#define MAX_ROUNDS 100000

static const char *const state_names[] = { "gather", "installing", "committed",
					   "released" };
static const char *const side_names[] = { "sessions", "moves" };

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

/* Locks the directory of all journals of a side; released by closing it. */
static int lock_all(int at, const char *path, struct nse_error *err)
{
	int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return nse_errno(err, -errno, "cannot open %s", path);
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR) {
			int rc = nse_errno(err, -errno, "cannot lock %s", path);

			close(fd);
			return rc;
		}
	return fd;
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

/* A journal that is not attached yet; *all is the locked directory it lies in. */
static int journal_new(struct nse_journal **out, const char *state_dir,
		       enum nse_journal_side side, const char *id, bool make, int *all,
		       struct nse_error *err)
{
	NSE_FREE char *parent = NULL;
	struct nse_journal *j;
	int rc;

	if (!id_ok(id))
		return nse_error(err, -EPROTO, "the session's id is not valid");
	if (asprintf(&parent, "%s/%s", state_dir, side_names[side]) < 0) {
		parent = NULL;
		return nse_error(err, -ENOMEM, "out of memory");
	}
	rc = make ? nse_mkdirs(parent, 0700, err) : 0;
	if (rc < 0 || (rc = *all = lock_all(AT_FDCWD, parent, err)) < 0)
		return rc;
	j = calloc(1, sizeof(*j));
	if (!j || asprintf(&j->path, "%s/%s", parent, id) < 0) {
		free(j);
		return nse_error(err, -ENOMEM, "out of memory");
	}
	j->dir = j->lock = j->round_fd = -1;
	*out = j;
	return make ? nse_mkdirs(j->path, 0700, err) : 0;
}

int nse_journal_open(struct nse_journal **out, const char *state_dir,
		     enum nse_journal_side side, const char *id,
		     const struct nse_scope *scope, struct nse_error *err)
{
	struct nse_journal *j = NULL;
	NSE_CLOSE int all = -1;
	NSE_FREE char *text = NULL;
	json_t *json = nse_scope_to_json(scope);
	int rc;

	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (!text)
		return nse_error(err, -ENOMEM, "out of memory");
	rc = journal_new(&j, state_dir, side, id, true, &all, err);
	if (rc == 0)
		rc = attach(j, err);
	if (rc == 0)
		rc = put_file(j, "scope.json", text, strlen(text), err);
	if (rc == 0)
		rc = nse_journal_mark(j, NSE_JOURNAL_GATHER, err);
	if (rc == 0) {
		*out = j;
		return 0;
	}
	nse_closep(&all); /* which removing needs */
	all = -1;
	if (rc == -EBUSY)
		nse_journal_close(j);
	else
		nse_journal_forget(j);
	return rc;
}

int nse_journal_reopen(struct nse_journal **out, const char *state_dir,
		       enum nse_journal_side side, const char *id, struct nse_error *err)
{
	NSE_CLOSE int all = -1;
	struct nse_journal *j = NULL;
	int rc = journal_new(&j, state_dir, side, id, false, &all, err);

	if (rc == 0)
		rc = attach(j, err);
	if (rc < 0 && rc != -EBUSY) {
		nse_journal_close(j);
		return rc;
	}
	*out = j;
	return rc;
}

bool nse_journal_exists(const char *state_dir, const char *id)
{
	char path[4096];

	if (!id_ok(id))
		return false;
	snprintf(path, sizeof(path), "%s/%s/%s", state_dir,
		 side_names[NSE_JOURNAL_SESSION], id);
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

int nse_journal_map(struct nse_journal *j, const struct nse_map *map,
		    struct nse_error *err)
{
	NSE_CLEANUP(nse_buf_release)
	struct nse_buf text = NSE_BUF_INIT(NSE_DOMAIN_MAX_VIFS * 2 * IFNAMSIZ);
	char line[2 * IFNAMSIZ + 2];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < map->nvifs; i++) {
		int n = snprintf(line, sizeof(line), "%s=%s\n", map->vifs[i].from,
				 map->vifs[i].to);

		rc = nse_buf_put(&text, line, (size_t)n);
	}
	if (rc < 0)
		return nse_errno(err, rc, "cannot write the journal %s", j->path);
	return put_file(j, "map", text.data, text.len, err);
}

int nse_journal_read_map(const struct nse_journal *j, struct nse_map *map,
			 struct nse_error *err)
{
	char text[NSE_DOMAIN_MAX_VIFS * 2 * IFNAMSIZ + 1], path[4096], *save;
	int rc;

	snprintf(path, sizeof(path), "%s/map", j->path);
	rc = nse_read_text(path, text, sizeof(text));
	if (rc < 0)
		return rc == -ENOENT ? 0 : nse_errno(err, rc, "cannot read %s", path);
	for (char *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		rc = nse_map_add_vif(map, line, err);
		if (rc < 0)
			return nse_error_prefix(err, "%s", path);
	}
	return 0;
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

const char *nse_journal_path(const struct nse_journal *j)
{
	return j->path;
}

int nse_journal_mark(struct nse_journal *j, enum nse_journal_state state,
		     struct nse_error *err)
{
	return put_file(j, "state", state_names[state], strlen(state_names[state]), err);
}

void nse_journal_forget(struct nse_journal *j)
{
	NSE_CLOSE int all = -1;
	DIR *d;
	struct dirent *e;

	if (!j)
		return;
	all = lock_all(j->dir, "..", NULL);
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

/* What a delta deletes or replaces is kept aside: the kernel may have it still. */
static int keep_old(const struct nse_delta *d, const struct nse_context *ctx,
		    struct nse_context *gone)
{
	const struct nse_context *lists[] = { d->dels, d->puts };
	struct nse_record rec, was;
	int rc = 0;

	for (size_t i = 0; i < NSE_ARRAY_SIZE(lists); i++) {
		for (uint32_t s = 0; s < nse_context_slots(lists[i]) && rc == 0; s++) {
			uint32_t slot;

			if (!nse_context_at(lists[i], s, &rec))
				continue;
			slot = nse_context_find(ctx, rec.kind, rec.key);
			if (slot == NSE_CONTEXT_NONE || !nse_context_at(ctx, slot, &was))
				continue;
			if (lists[i] == d->dels || !nse_bytes_equal(was.body, rec.body))
				rc = nse_context_put(gone, &was, NULL);
		}
	}
	return rc;
}

static int read_delta(int fd, const struct nse_scope *scope, struct nse_context *ctx,
		      struct nse_context *gone, struct nse_error *err)
{
	NSE_CLEANUP(nse_delta_release) struct nse_delta d = { 0 };
	int rc = nse_delta_init(&d);

	if (rc < 0)
		return nse_errno(err, rc, "reading a delta");
	rc = nse_delta_receive(&d, ctx, nse_fd_read, &fd, NULL, err);
	if (rc == 0 && scope)
		rc = nse_policy_records(scope, d.puts, err);
	if (rc < 0)
		return rc;
	if (gone)
		rc = keep_old(&d, ctx, gone);
	rc = rc ?: nse_delta_apply(&d, ctx);
	return rc < 0 ? nse_errno(err, rc, "applying a delta") : 0;
}

static int open_round(const struct nse_journal *j, unsigned int n, char name[32])
{
	snprintf(name, 32, "round-%u.nsc", n);
	return openat(j->dir, name, O_RDONLY | O_CLOEXEC);
}

/* At the target a last round that is not whole, or not let in, was never used. */
static bool is_last(const struct nse_journal *j, unsigned int n)
{
	char name[32];
	NSE_CLOSE int next = open_round(j, n + 1, name);

	return next < 0;
}

static int load_rounds(const struct nse_journal *j, const struct nse_scope *scope,
		       struct nse_snapshot *snap, struct nse_context *gone,
		       struct nse_error *err)
{
	char name[32];

	for (unsigned int n = 0; n < MAX_ROUNDS; n++) {
		NSE_CLOSE int fd = open_round(j, n, name);
		int rc;

		if (fd < 0)
			break;
		rc = n == 0 ? nse_snapshot_read_fd(snap, fd, err)
			    : read_delta(fd, scope, snap->ctx, gone, err);
		if (rc < 0 && (n == 0 || !scope || !is_last(j, n)))
			return nse_error_prefix(err, "%s/%s", j->path, name);
		if (rc < 0)
			break;
	}
	return 0;
}

int nse_journal_load(const struct nse_journal *j, const struct nse_scope *scope,
		     struct nse_snapshot *snap, struct nse_snapshot *before,
		     struct nse_context *gone, struct nse_error *err)
{
	NSE_CLOSE int fd = -1;
	int rc = load_rounds(j, scope, snap, gone, err);

	if (rc < 0 || !before)
		return rc;
	fd = openat(j->dir, "before.nsc", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? 0 : nse_snapshot_read_fd(before, fd, err);
}

static int read_scope(const struct nse_journal *j, struct nse_scope *scope,
		      struct nse_error *err)
{
	NSE_FREE char *path = NULL;
	json_error_t why;
	json_t *json;
	int rc;

	if (asprintf(&path, "%s/scope.json", j->path) < 0) {
		path = NULL;
		return nse_error(err, -ENOMEM, "out of memory");
	}
	json = json_load_file(path, 0, &why);
	if (!json)
		return nse_error(err, -EBADMSG, "%s: %s", path, why.text);
	rc = nse_scope_from_json(json, scope, err);
	json_decref(json);
	return rc < 0 ? nse_error_prefix(err, "%s", path) : 0;
}

int nse_journal_read(const struct nse_journal *j, enum nse_journal_state *state,
		     struct nse_scope *scope, struct nse_error *err)
{
	char path[4096], text[32];
	int rc;

	*state = NSE_JOURNAL_GATHER;
	snprintf(path, sizeof(path), "%s/state", j->path);
	/* Whoever was killed before the first state has done nothing. */
	if (nse_read_text(path, text, sizeof(text)) < 0)
		return 0;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(state_names); i++)
		if (strcmp(text, state_names[i]) == 0) {
			*state = (enum nse_journal_state)i;
			rc = read_scope(j, scope, err);
			return *state == NSE_JOURNAL_GATHER ? 0 : rc;
		}
	return nse_error(err, -EBADMSG, "%s: unknown state '%s'", path, text);
}

int nse_journal_each(const char *state_dir, enum nse_journal_side side,
		     int (*each)(void *arg, const char *id), void *arg,
		     struct nse_error *err)
{
	NSE_FREE char *path = NULL;
	struct dirent *e;
	int rc = 0;
	DIR *d;

	if (asprintf(&path, "%s/%s", state_dir, side_names[side]) < 0) {
		path = NULL;
		return nse_error(err, -ENOMEM, "out of memory");
	}
	d = opendir(path);
	if (!d)
		return errno == ENOENT ? 0
				       : nse_errno(err, -errno, "cannot read %s", path);
	while (rc == 0 && (e = readdir(d)))
		if (id_ok(e->d_name))
			rc = each(arg, e->d_name);
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
