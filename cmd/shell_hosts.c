/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names of hosts that SSH knows, for the completion.
 */
#include "cmd/shell_hosts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util/cleanup.h"

typedef int take_fn(struct shell_argv *out, char *line);

/* "host,[other]:2222 ssh-ed25519 …"; hashed names begin with |. */
static int take_known(struct shell_argv *out, char *line)
{
	char *names = strsep(&line, " \t"), *name;
	int rc = 0;

	if (!line || *names == '#' || *names == '@' || *names == '|')
		return 0;
	while (rc == 0 && (name = strsep(&names, ","))) {
		char *port = *name == '[' ? strstr(name, "]:") : NULL;

		if (*name == '[')
			name++;
		/* [HOST]:PORT there is HOST:PORT here, but for IPv6. */
		if (port && strchr(name, ':') > port)
			memmove(port, port + 1, strlen(port));
		if (*name && !strpbrk(name, "*?!]"))
			rc = shell_argv_add(out, name);
	}
	return rc;
}

static int take_names(struct shell_argv *out, char *line, const char *skip)
{
	char *name;
	int rc = 0;

	while (rc == 0 && (name = strsep(&line, " \t="))) {
		if (*name == '#')
			break;
		if (*name && !strpbrk(name, "*?!") && (!skip || strcasecmp(name, skip)))
			rc = shell_argv_add(out, name);
	}
	return rc;
}

static int take_config(struct shell_argv *out, char *line)
{
	line += strspn(line, " \t");
	if (strncasecmp(line, "host", 4) || !line[4] || !strchr(" \t=", line[4]))
		return 0;
	return take_names(out, line + 4, NULL);
}

/* An address, then names. */
static int take_etc(struct shell_argv *out, char *line)
{
	char *addr = strsep(&line, " \t");

	return *addr == '#' || !line ? 0 : take_names(out, line, "localhost");
}

static int read_lines(struct shell_argv *out, const char *path, take_fn *take)
{
	FILE *f = fopen(path, "re");
	NSE_FREE char *line = NULL;
	size_t room = 0;
	int rc = 0;

	while (f && rc == 0 && getline(&line, &room, f) > 0) {
		line[strcspn(line, "\r\n")] = '\0';
		rc = take(out, line);
	}
	if (f)
		fclose(f);
	return rc;
}

int shell_hosts(struct shell_argv *out)
{
	static const struct {
		const char *path;
		bool home;
		take_fn *take;
	} files[] = {
		{ "/.ssh/known_hosts", true, take_known },
		{ "/.ssh/config", true, take_config },
		{ "/etc/ssh/ssh_known_hosts", false, take_known },
		{ "/etc/ssh/ssh_config", false, take_config },
		{ "/etc/hosts", false, take_etc },
	};
	const char *home = getenv("HOME");
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < NSE_ARRAY_SIZE(files); i++) {
		NSE_FREE char *path = NULL;

		if (asprintf(&path, "%s%s", files[i].home && home ? home : "",
			     files[i].path) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		rc = read_lines(out, path, files[i].take);
	}
	return rc;
}
