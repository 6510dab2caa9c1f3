/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads what ssh(1) would do for a host, so that aliases, users, ports and
 * keys of ~/.ssh/config hold for our own sessions too.
 */
#include "lib/transport/ssh_conf.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/proc.h"

#define SSH_PORT      22
#define SSH_G_MAX     (1 << 20)
#define SSH_G_TIME_US 10000000

static const char *const default_keys[] = { "~/.ssh/id_ed25519", "~/.ssh/id_ecdsa",
					    "~/.ssh/id_rsa", NULL };
static const char *const default_known[] = { "~/.ssh/known_hosts", "~/.ssh/known_hosts2",
					     "/etc/ssh/ssh_known_hosts",
					     "/etc/ssh/ssh_known_hosts2", NULL };

/* While the output of ssh -G is read. */
struct reading {
	struct nse_ssh_conf *c;
	const struct nse_link_spec *spec;
	char home[PATH_MAX];
	char local_user[64];
	bool proxy;
	bool alias;
};

void nse_ssh_conf_release(struct nse_ssh_conf *c)
{
	nse_words_release(&c->keys);
	nse_words_release(&c->known);
}

/* The value of a %-token of a file name, or NULL. */
static const char *token(const struct reading *r, char which, char port[12])
{
	switch (which) {
	case '%':
		return "%";
	case 'd':
		return r->home;
	case 'h':
		return r->c->host;
	case 'p':
		snprintf(port, 12, "%d", r->c->port);
		return port;
	case 'r':
		return r->c->user;
	case 'u':
		return r->local_user;
	default:
		return NULL;
	}
}

/* Adds a file name with "~/" and %-tokens replaced; an odd one is left out. */
static int add_path(const struct reading *r, struct nse_words *w, const char *path)
{
	char out[PATH_MAX], port[12];
	size_t n = 0;

	if (strcmp(path, "none") == 0)
		return 0;
	if (strncmp(path, "~/", 2) == 0) {
		n = (size_t)snprintf(out, sizeof(out), "%s", r->home);
		path++;
	}
	for (; *path; path++) {
		const char *value = *path == '%' ? token(r, path[1], port) : NULL;
		size_t len = value ? strlen(value) : 1;

		if (n + len >= sizeof(out) || (*path == '%' && !value))
			return 0;
		memcpy(out + n, value ? value : path, len);
		n += len;
		path += value ? 1 : 0;
	}
	return nse_words_add(w, out, n);
}

static int add_paths(const struct reading *r, struct nse_words *w, const char *value)
{
	NSE_CLEANUP(nse_words_release) struct nse_words list = { 0 };
	int rc = nse_words_split(&list, value, NULL);

	for (size_t i = 0; rc == 0 && i < list.n; i++)
		rc = add_path(r, w, list.argv[i]);
	return rc;
}

static void set_agent(struct nse_ssh_conf *c, const char *value)
{
	const char *env = getenv("SSH_AUTH_SOCK");

	if (strcmp(value, "none") == 0)
		value = "";
	else if (strcmp(value, "SSH_AUTH_SOCK") == 0)
		value = env ? env : "";
	snprintf(c->agent, sizeof(c->agent), "%s", value);
}

/* One line of ssh -G; what the command line says was set before. */
static int take_line(struct reading *r, const char *key, const char *value)
{
	struct nse_ssh_conf *c = r->c;

	if (strcmp(key, "hostname") == 0)
		snprintf(c->host, sizeof(c->host), "%s", value);
	else if (strcmp(key, "user") == 0)
		snprintf(c->user, sizeof(c->user), "%s", value);
	else if (strcmp(key, "port") == 0)
		c->port = atoi(value);
	else if (strcmp(key, "hostkeyalias") == 0)
		r->alias = snprintf(c->name, sizeof(c->name), "%s", value) > 0;
	else if (strcmp(key, "identityagent") == 0)
		set_agent(c, value);
	else if (strcmp(key, "identitiesonly") == 0)
		c->only_these_keys = strcmp(value, "yes") == 0;
	else if (strcmp(key, "proxyjump") == 0 || strcmp(key, "proxycommand") == 0)
		r->proxy |= strcmp(value, "none") != 0;
	else if (strcmp(key, "identityfile") == 0 && !r->spec->identity)
		return add_path(r, &c->keys, value);
	else if (strstr(key, "knownhostsfile") && !r->spec->known_hosts)
		return add_paths(r, &c->known, value);
	return 0;
}

/*
 * Two passes, since file names may hold %h and %r, which stand behind them in
 * no promised order: the second pass takes the files only.
 */
static int take_output(struct reading *r, char *text, bool files)
{
	int rc = 0;

	for (char *line = text, *next; rc == 0 && line && *line; line = next) {
		char *value, key[64];

		next = strchr(line, '\n');
		value = memchr(line, ' ', next ? (size_t)(next - line) : strlen(line));
		if (next)
			next++;
		if (!value || (size_t)(value - line) >= sizeof(key))
			continue;
		snprintf(key, sizeof(key), "%.*s", (int)(value - line), line);
		if (!!strstr(key, "file") != files)
			continue;
		NSE_FREE char *copy = strndup(value + 1, strcspn(value + 1, "\n"));
		rc = copy ? take_line(r, key, copy) : -ENOMEM;
	}
	return rc;
}

/* 0, or 1 when there is no ssh(1). */
static int ask_ssh(struct reading *r, int64_t deadline, struct nse_error *err)
{
	const struct nse_target *t = &r->spec->target;
	int64_t own = nse_now_us() + SSH_G_TIME_US;
	NSE_FREE char *out = NULL;
	char port[12];
	char *argv[9] = { "ssh", "-G", "-T" }; /* -T: no remark on terminals */
	int n = 3, rc;

	snprintf(port, sizeof(port), "%d", t->port);
	if (t->port) {
		argv[n++] = "-p";
		argv[n++] = port;
	}
	if (t->user[0]) {
		argv[n++] = "-l";
		argv[n++] = (char *)t->user;
	}
	argv[n] = (char *)t->host;
	rc = nse_run(argv, NULL, &out, SSH_G_MAX, own < deadline ? own : deadline, err);
	if (rc == -ENOENT)
		return 1;
	if (rc < 0)
		return nse_error_prefix(err, "reading ssh's configuration for %s",
					t->host);
	if (rc > 0)
		return nse_error(err, -EINVAL,
				 "ssh -G %s failed (exit status %d): correct "
				 "ssh's configuration",
				 t->host, rc);
	rc = take_output(r, out, false);
	if (rc == 0)
		rc = take_output(r, out, true);
	return rc < 0 ? nse_errno(err, rc, "reading ssh's configuration for %s", t->host)
		      : 0;
}

/* Absolute, so that it is clear what an error text speaks of. */
static int add_given(struct nse_words *w, const char *path)
{
	NSE_FREE char *real = realpath(path, NULL);

	if (!real)
		real = strdup(path);
	return real ? nse_words_add(w, real, strlen(real)) : -ENOMEM;
}

static int set_defaults(struct reading *r, const char *const *list, struct nse_words *w)
{
	int rc = 0;

	for (; rc == 0 && *list; list++)
		rc = add_path(r, w, *list);
	return rc;
}

static void start(struct reading *r)
{
	const struct nse_target *t = &r->spec->target;
	const struct passwd *pw = getpwuid(getuid());
	struct nse_ssh_conf *c = r->c;

	snprintf(r->home, sizeof(r->home), "%s", pw ? pw->pw_dir : "/root");
	snprintf(r->local_user, sizeof(r->local_user), "%s", pw ? pw->pw_name : "root");
	snprintf(c->host, sizeof(c->host), "%s", t->host);
	snprintf(c->user, sizeof(c->user), "%s", t->user[0] ? t->user : r->local_user);
	c->port = t->port ? t->port : SSH_PORT;
	set_agent(c, "SSH_AUTH_SOCK");
}

static int add_files(struct reading *r, bool asked)
{
	const struct nse_link_spec *spec = r->spec;
	struct nse_ssh_conf *c = r->c;
	int rc = 0;

	if (spec->identity)
		rc = add_given(&c->keys, spec->identity);
	else if (!asked)
		rc = set_defaults(r, default_keys, &c->keys);
	if (rc == 0 && spec->known_hosts)
		rc = add_given(&c->known, spec->known_hosts);
	else if (rc == 0 && !asked)
		rc = set_defaults(r, default_known, &c->known);
	c->only_these_keys |= spec->identity != NULL;
	c->known_given = spec->known_hosts != NULL;
	c->key_given = spec->identity != NULL;
	return rc;
}

int nse_ssh_conf_read(struct nse_ssh_conf *c, const struct nse_link_spec *spec,
		      int64_t deadline_us, struct nse_error *err)
{
	struct reading r = { .c = c, .spec = spec };
	int rc, asked;

	memset(c, 0, sizeof(*c));
	start(&r);
	asked = ask_ssh(&r, deadline_us, err);
	if (asked < 0)
		return asked;
	if (r.proxy)
		return nse_error(err, -EOPNOTSUPP,
				 "ssh's configuration reaches %s through a "
				 "proxy (ProxyJump or ProxyCommand), which "
				 "only ssh itself can do: use --rsh ssh",
				 spec->target.host);
	rc = add_files(&r, asked == 0);
	if (rc < 0)
		return nse_errno(err, rc, "the files for %s", spec->target.host);
	if (!r.alias && c->port == SSH_PORT)
		snprintf(c->name, sizeof(c->name), "%s", c->host);
	else if (!r.alias)
		snprintf(c->name, sizeof(c->name), "[%s]:%d", c->host, c->port);
	return 0;
}
