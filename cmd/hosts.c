/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads names of hosts out of the files of ssh(1) and of the resolver. Patterns,
 * hashed names and the machine itself are left out.
 */
#include "cmd/hosts.h"

#include <glob.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/util/cleanup.h"

#define SPACE	      " \t\r\n"
#define INCLUDES_DEEP 8 /* Include in an included file; ssh has 16 */

struct hosts {
	int (*each)(void *arg, const char *name);
	void *arg;
	const char *home;
	int depth;
};

typedef int take_line(struct hosts *h, char *line);

static int read_lines(struct hosts *h, const char *path, take_line *take)
{
	FILE *f = fopen(path, "re");
	NSE_FREE char *line = NULL;
	size_t room = 0;
	int rc = 0;

	while (f && rc == 0 && getline(&line, &room, f) > 0)
		rc = take(h, line);
	if (f)
		fclose(f);
	return rc;
}

static bool is_pattern(const char *name)
{
	return strpbrk(name, "*?!") || name[0] == '\0';
}

/* "NAME,[NAME]:PORT TYPE KEY"; what begins with | is hashed, with @ a mark. */
static int take_known(struct hosts *h, char *line)
{
	char *save, *names = strtok_r(line, SPACE, &save), *name;
	int rc = 0;

	if (!names || strchr("#@|", *names))
		return 0;
	while (rc == 0 && (name = strsep(&names, ","))) {
		char *end = *name == '[' ? strchr(name, ']') : NULL;

		if (is_pattern(name))
			continue;
		/* [HOST]:PORT; with an address of IPv6 the brackets stay. */
		if (end && !memchr(name, ':', (size_t)(end - name))) {
			memmove(end, end + 1, strlen(end));
			name++;
		}
		rc = h->each(h->arg, name);
	}
	return rc;
}

static int take_config(struct hosts *h, char *line);

/* A path of Include: relative to the file's directory, with ~ and wildcards. */
static int include(struct hosts *h, const char *path)
{
	NSE_FREE char *full = NULL;
	glob_t found;
	int rc = 0, n;

	if (*path == '/')
		n = asprintf(&full, "%s", path);
	else if (strncmp(path, "~/", 2) == 0)
		n = asprintf(&full, "%s%s", h->home, path + 1);
	else
		n = asprintf(&full, "%s/.ssh/%s", h->home, path);
	if (n < 0 || h->depth >= INCLUDES_DEEP || glob(full, GLOB_NOSORT, NULL, &found))
		return 0;
	h->depth++;
	for (size_t i = 0; rc == 0 && i < found.gl_pathc; i++)
		rc = read_lines(h, found.gl_pathv[i], take_config);
	h->depth--;
	globfree(&found);
	return rc;
}

/* "Host NAME..." and "Include PATH...". */
static int take_config(struct hosts *h, char *line)
{
	char *save, *key = strtok_r(line, SPACE "=", &save), *word;
	bool host = key && strcasecmp(key, "Host") == 0;
	int rc = 0;

	if (!host && (!key || strcasecmp(key, "Include") != 0))
		return 0;
	while (rc == 0 && (word = strtok_r(NULL, SPACE "=\"", &save))) {
		if (!host)
			rc = include(h, word);
		else if (!is_pattern(word))
			rc = h->each(h->arg, word);
	}
	return rc;
}

/* "ADDRESS NAME...". */
static int take_etc(struct hosts *h, char *line)
{
	char *save, *word;
	int rc = 0;

	line[strcspn(line, "#")] = '\0';
	if (!strtok_r(line, SPACE, &save))
		return 0;
	while (rc == 0 && (word = strtok_r(NULL, SPACE, &save)))
		if (strcmp(word, "localhost") && strncmp(word, "ip6-", 4))
			rc = h->each(h->arg, word);
	return rc;
}

int cmd_each_host(int (*each)(void *arg, const char *name), void *arg)
{
	static const struct {
		const char *path;
		bool home;
		take_line *take;
	} files[] = {
		{ "/.ssh/config", true, take_config },
		{ "/etc/ssh/ssh_config", false, take_config },
		{ "/.ssh/known_hosts", true, take_known },
		{ "/etc/ssh/ssh_known_hosts", false, take_known },
		{ "/etc/hosts", false, take_etc },
	};
	const struct passwd *pw = getpwuid(getuid());
	const char *home = getenv("HOME");
	struct hosts h = { each, arg, home ? home : pw ? pw->pw_dir : "/", 0 };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < NSE_ARRAY_SIZE(files); i++) {
		NSE_FREE char *path = NULL;

		if (asprintf(&path, "%s%s", files[i].home ? h.home : "", files[i].path) >=
		    0)
			rc = read_lines(&h, path, files[i].take);
	}
	return rc;
}
