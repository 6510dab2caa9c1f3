/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names, links and the age of the files in a directory of snapshots.
 */
#include "cmd/snapshot_dir.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/util/cleanup.h"
#include "lib/util/io.h"

#define LATEST "-latest.nsc"
#define NEW    ".new"

/* The end of a snapshot's name: 0 stands for a digit. */
static const char form[] = "-00000000T000000.000000Z.nsc";

static bool has_form(const char *text)
{
	for (size_t i = 0; i < sizeof(form) - 1; i++)
		if (form[i] == '0' ? !isdigit((unsigned char)text[i])
				   : text[i] != form[i])
			return false;
	return true;
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

/* The domain's name as the beginning of a file's; owned by the caller. */
static char *encode(const char *domain)
{
	char *out = malloc(3 * strlen(domain) + 1), *p = out;

	if (!out)
		return NULL;
	for (const char *c = domain; *c; c++) {
		if (is_plain(*c) && !(c == domain && *c == '.'))
			*p++ = *c;
		else
			p += snprintf(p, 4, "%%%02X", (unsigned char)*c);
	}
	*p = '\0';
	return out;
}

char *cmd_snapdir_name(const char *domain, int64_t realtime_us)
{
	time_t t = (time_t)(realtime_us / 1000000);
	NSE_FREE char *stem = encode(domain);
	char stamp[32];
	struct tm tm;
	char *name;

	if (!stem || !gmtime_r(&t, &tm) ||
	    !strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%S", &tm) ||
	    asprintf(&name, "%s-%s.%06dZ.nsc", stem, stamp,
		     (int)(realtime_us % 1000000)) < 0)
		return NULL;
	return name;
}

/* Half a snapshot, as nse_newfile_open() names it, or a link that was to be renamed. */
static bool is_leftover(const struct cmd_snapdir *d, const char *name)
{
	size_t n = strlen(name), end = sizeof(form) - 1;
	char to;

	if (n > end + 7 && name[n - 7] == '.' && has_form(name + n - 7 - end)) {
		for (const char *c = name + n - 6; *c; c++)
			if (!isalnum((unsigned char)*c))
				return false;
		return true;
	}
	return n > strlen(LATEST NEW) &&
	       strcmp(name + n - strlen(LATEST NEW), LATEST NEW) == 0 &&
	       readlinkat(d->fd, name, &to, 1) >= 0;
}

static int drop_leftovers(const struct cmd_snapdir *d, struct nse_error *err)
{
	struct dirent **list = NULL;
	int n = scandirat(d->fd, ".", &list, NULL, NULL);

	if (n < 0)
		return nse_errno(err, -errno, "cannot read %s", d->path);
	for (int i = 0; i < n; i++) {
		if (is_leftover(d, list[i]->d_name))
			unlinkat(d->fd, list[i]->d_name, 0);
		free(list[i]);
	}
	free(list);
	return 0;
}

int cmd_snapdir_open(struct cmd_snapdir *d, const char *path, struct nse_error *err)
{
	int rc = nse_mkdirs(path, 0700, err);

	if (rc < 0)
		return rc;
	d->path = path;
	d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->fd < 0)
		return nse_errno(err, -errno, "cannot open %s", path);
	if (flock(d->fd, LOCK_EX | LOCK_NB) == 0)
		return drop_leftovers(d, err);
	if (errno != EWOULDBLOCK)
		return nse_errno(err, -errno, "cannot lock %s", path);
	return nse_error(err, -EBUSY,
			 "another `nsemig snapshot --all-domains` is writing to %s: try "
			 "again when it has ended",
			 path);
}

void cmd_snapdir_release(struct cmd_snapdir *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

int cmd_snapdir_latest(const struct cmd_snapdir *d, const char *domain, const char *file,
		       struct nse_error *err)
{
	NSE_FREE char *stem = encode(domain);
	NSE_FREE char *link = NULL, *made = NULL;
	struct stat st;

	if (!stem || asprintf(&link, "%s" LATEST, stem) < 0 ||
	    asprintf(&made, "%s" NEW, link) < 0)
		return nse_error(err, -ENOMEM, "out of memory");
	if (fstatat(d->fd, link, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISLNK(st.st_mode))
		return nse_error(err, -EEXIST,
				 "%s/%s is no symbolic link: move it away, its name is "
				 "that of the link to the newest snapshot",
				 d->path, link);
	if (symlinkat(file, d->fd, made) < 0 || renameat(d->fd, made, d->fd, link) < 0)
		return nse_errno(err, -errno, "cannot make the link %s/%s", d->path,
				 link);
	if (fsync(d->fd) < 0 && errno != EINVAL)
		return nse_errno(err, -errno, "cannot write %s", d->path);
	return 0;
}

static bool is_snapshot_of(const char *name, const char *stem)
{
	size_t n = strlen(stem);

	return strncmp(name, stem, n) == 0 && strlen(name) == n + sizeof(form) - 1 &&
	       has_form(name + n);
}

/* The newest first, whatever the locale. */
static int by_age(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*b)->d_name, (*a)->d_name);
}

int cmd_snapdir_prune(const struct cmd_snapdir *d, const char *domain, const char *file,
		      size_t keep, size_t *removed, struct nse_error *err)
{
	NSE_FREE char *stem = encode(domain);
	struct dirent **list = NULL;
	size_t seen = 1;
	int n, rc = 0;

	*removed = 0;
	if (!stem)
		return nse_error(err, -ENOMEM, "out of memory");
	n = scandirat(d->fd, ".", &list, NULL, by_age);
	if (n < 0)
		return nse_errno(err, -errno, "cannot read %s", d->path);
	for (int i = 0; i < n; i++) {
		const char *name = list[i]->d_name;

		if (!is_snapshot_of(name, stem) || strcmp(name, file) == 0 ||
		    ++seen <= keep)
			continue;
		if (unlinkat(d->fd, name, 0) == 0)
			++*removed;
		else if (rc == 0)
			rc = nse_errno(err, -errno, "cannot remove %s/%s", d->path, name);
	}
	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
	return rc;
}
