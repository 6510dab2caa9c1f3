/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is the host the one that it claims to be? Reads known_hosts files as ssh(1)
 * writes them: patterns, [host]:port, hashed names, @revoked. There is no way
 * around this check and no question "continue?": an unknown key is an error.
 */
#include "lib/transport/ssh.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/transport/base64.h"
#include "lib/transport/keyfile.h"
#include "lib/util/cleanup.h"

#define HOSTKEY_MAX	4096
#define FINGERPRINT_LEN 43 /* base64 of SHA-256 without '=' */

/* Host key algorithms in our order; no ssh-rsa, which is a SHA-1 signature. */
static const char *const host_key_types[] = { "ssh-ed25519", "ecdsa-sha2-nistp256",
					      "ecdsa-sha2-nistp384",
					      "ecdsa-sha2-nistp521" };

/* '*' and '?' as in known_hosts; letters compare without case. */
static bool glob(const char *pattern, size_t len, const char *name)
{
	for (; len > 0; pattern++, len--, name++) {
		if (*pattern == '*') {
			do
				if (glob(pattern + 1, len - 1, name))
					return true;
			while (*name++);
			return false;
		}
		if (!*name || (*pattern != '?' && tolower((unsigned char)*pattern) !=
							  tolower((unsigned char)*name)))
			return false;
	}
	return *name == '\0';
}

/* Does "a,*.b,!c.b" hold the name? A pattern with '!' decides against it. */
static bool names_host(const char *patterns, const char *name)
{
	bool match = false;

	while (*patterns) {
		bool negated = *patterns == '!';
		size_t len;

		patterns += negated;
		len = strcspn(patterns, ",");
		if (glob(patterns, len, name)) {
			if (negated)
				return false;
			match = true;
		}
		patterns += len + (patterns[len] == ',');
	}
	return match;
}

/*
 * libssh2 knows the hash, but only tells of a name whether it has *that* key:
 * with a key that no host has, "mismatch" means that the name is the hashed one.
 */
static bool hash_names_host(struct nse_ssh *s, const char *hash, const char *name)
{
	static const char no_key[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
	LIBSSH2_KNOWNHOSTS *hosts = libssh2_knownhost_init(s->session);
	NSE_FREE char *line = NULL;
	int len, rc = LIBSSH2_KNOWNHOST_CHECK_NOTFOUND;

	if (!hosts)
		return false;
	len = asprintf(&line, "%s ssh-ed25519 %s", hash, no_key);
	if (len < 0)
		line = NULL;
	else if (libssh2_knownhost_readline(hosts, line, (size_t)len,
					    LIBSSH2_KNOWNHOST_FILE_OPENSSH) == 0)
		rc = libssh2_knownhost_check(hosts, name, "AAAA", 4,
					     LIBSSH2_KNOWNHOST_TYPE_PLAIN |
						     LIBSSH2_KNOWNHOST_KEYENC_BASE64,
					     NULL);
	libssh2_knownhost_free(hosts);
	return rc == LIBSSH2_KNOWNHOST_CHECK_MISMATCH;
}

static int keep(struct nse_ssh *s, const char *type, const char *key, const char *file,
		int line, bool revoked)
{
	struct nse_known *known = realloc(s->known, (s->nknown + 1) * sizeof(*known));
	struct nse_known *k;

	if (!known)
		return -ENOMEM;
	s->known = known;
	k = &known[s->nknown];
	*k = (struct nse_known){ .file = file, .line = line, .revoked = revoked };
	snprintf(k->type, sizeof(k->type), "%s", type);
	k->key = strdup(key);
	if (!k->key)
		return -ENOMEM;
	s->nknown++;
	return 0;
}

/* [@marker] names type key [comment]; lines that are not understood say nothing. */
static int read_line(struct nse_ssh *s, char *line, const char *file, int number)
{
	char *rest = line;
	char *names = strsep(&rest, " \t\r\n");
	bool revoked = strcmp(names, "@revoked") == 0;
	char *type, *key;

	if (revoked && rest)
		names = strsep(&rest, " \t\r\n");
	else if (names[0] == '@' || names[0] == '#')
		return 0; /* certificates are not supported */
	type = rest ? strsep(&rest, " \t\r\n") : NULL;
	key = rest ? strsep(&rest, " \t\r\n") : NULL;
	if (!key || !*key)
		return 0;
	if (names[0] == '|' ? !hash_names_host(s, names, s->conf.name)
			    : !names_host(names, s->conf.name))
		return 0;
	return keep(s, type, key, file, number, revoked);
}

static int read_file(struct nse_ssh *s, const char *file, bool must,
		     struct nse_error *err)
{
	FILE *f = fopen(file, "re");
	NSE_FREE char *line = NULL;
	size_t room = 0;
	int rc = 0;

	if (!f && !must && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (!f)
		return nse_errno(err, -errno, "cannot read the known hosts in %s", file);
	for (int n = 1; rc == 0 && getline(&line, &room, f) >= 0; n++) {
		char *start = line + strspn(line, " \t");

		rc = read_line(s, start, file, n);
	}
	if (rc == 0 && ferror(f))
		rc = -EIO;
	fclose(f);
	return rc < 0 ? nse_errno(err, rc, "reading %s", file) : 0;
}

static bool knows_type(const struct nse_ssh *s, const char *type)
{
	for (size_t i = 0; i < s->nknown; i++)
		if (!s->known[i].revoked && strcmp(s->known[i].type, type) == 0)
			return true;
	return false;
}

/*
 * The key types that are known come first. The others follow only so that
 * the error can show the fingerprint of what the host has.
 */
static int prefer_known_types(struct nse_ssh *s, struct nse_error *err)
{
	char list[256] = "";

	for (int known = 1; known >= 0; known--) {
		for (size_t i = 0; i < NSE_ARRAY_SIZE(host_key_types); i++) {
			size_t n = strlen(list);

			if (knows_type(s, host_key_types[i]) == !!known)
				snprintf(list + n, sizeof(list) - n, "%s%s", n ? "," : "",
					 host_key_types[i]);
		}
	}
	if (libssh2_session_method_pref(s->session, LIBSSH2_METHOD_HOSTKEY, list))
		return nse_ssh_error(s, err, -EOPNOTSUPP, "choosing host key types");
	return 0;
}

int nse_ssh_known(struct nse_ssh *s, struct nse_error *err)
{
	for (size_t i = 0; i < s->conf.known.n; i++) {
		int rc = read_file(s, s->conf.known.argv[i], s->conf.known_given, err);

		if (rc < 0)
			return rc;
	}
	return prefer_known_types(s, err);
}

/* The file in which a user would put the key. */
static const char *first_file(const struct nse_ssh *s)
{
	return s->conf.known.n ? s->conf.known.argv[0] : "known_hosts";
}

static int reject_unknown(struct nse_ssh *s, const char *type, const char *print,
			  struct nse_error *err)
{
	char others[256] = "";

	for (size_t i = 0; i < s->nknown; i++) {
		size_t n = strlen(others);

		snprintf(others + n, sizeof(others) - n, "%s%s", n ? ", " : "",
			 s->known[i].type);
	}
	nse_error(err, -EKEYREJECTED,
		  "the host key of %s is not known: %s SHA256:%s (%s%s%s)", s->conf.name,
		  type, print,
		  s->nknown ? "known are only its keys of the types "
			    : "no line speaks of it in ",
		  s->nknown ? others : first_file(s),
		  s->nknown || s->conf.known.n < 2 ? "" : " and the other files");
	return nse_advise(
		err,
		"if that is the right one: ssh-keyscan -t %s -p %d %s >>%s\n"
		"or connect once with ssh, or name a file that has it with --known-hosts",
		strncmp(type, "ecdsa", 5) == 0 ? "ecdsa" : "ed25519", s->conf.port,
		s->conf.host, first_file(s));
}

static int reject_changed(struct nse_ssh *s, const struct nse_known *k, const char *print,
			  struct nse_error *err)
{
	if (k->revoked) {
		nse_error(err, -EKEYREJECTED,
			  "the host key of %s, %s SHA256:%s, is marked @revoked in %s "
			  "line %d",
			  s->conf.name, k->type, print, k->file, k->line);
		return nse_advise(err,
				  "do not connect before you know why; the host needs "
				  "a new key");
	}
	nse_error(
		err, -EKEYREJECTED,
		"the host key of %s is not the one in %s line %d: the host shows %s "
		"SHA256:%s; either it was installed anew, or something stands in between",
		s->conf.name, k->file, k->line, k->type, print);
	return nse_advise(err,
			  "if the new key is right, remove the old one: ssh-keygen -f %s "
			  "-R '%s'",
			  k->file, s->conf.name);
}

static int judge(struct nse_ssh *s, const char *type, const char *key, const char *print,
		 struct nse_error *err)
{
	const struct nse_known *same_type = NULL;
	bool match = false;

	for (size_t i = 0; i < s->nknown; i++) {
		const struct nse_known *k = &s->known[i];

		if (strcmp(k->key, key) == 0) {
			if (k->revoked)
				return reject_changed(s, k, print, err);
			match = strcmp(k->type, type) == 0 || match;
		} else if (!k->revoked && strcmp(k->type, type) == 0) {
			same_type = k;
		}
	}
	if (match)
		return 0;
	if (same_type)
		return reject_changed(s, same_type, print, err);
	return reject_unknown(s, type, print, err);
}

int nse_ssh_check_host(struct nse_ssh *s, struct nse_error *err)
{
	char print[NSE_BASE64_ROOM(32)], key[NSE_BASE64_ROOM(HOSTKEY_MAX)], type[64];
	const char *hash = libssh2_hostkey_hash(s->session, LIBSSH2_HOSTKEY_HASH_SHA256);
	size_t len = 0;
	int unused;
	const char *blob = libssh2_session_hostkey(s->session, &len, &unused);

	if (!blob || !hash || len > HOSTKEY_MAX ||
	    !nse_key_type((const uint8_t *)blob, len, type))
		return nse_error(err, -EKEYREJECTED,
				 "%s port %d showed no usable host key", s->conf.host,
				 s->conf.port);
	nse_base64_encode((const uint8_t *)hash, 32, print);
	print[FINGERPRINT_LEN] = '\0';
	nse_base64_encode((const uint8_t *)blob, len, key);
	return judge(s, type, key, print, err);
}
