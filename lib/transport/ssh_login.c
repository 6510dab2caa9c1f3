/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Login by key: the agent's keys, then key files, as ssh(1) does, but never a
 * question. Each key that was tried or could not be is remembered for the
 * text of a refusal.
 */
#include "lib/transport/ssh.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/transport/agent.h"
#include "lib/transport/keyfile.h"
#include "lib/util/clock.h"

#define NOTES_MAX	  320
#define AGENT_PATIENCE_US 5000000

struct login {
	struct nse_ssh *s;
	struct nse_agent agent;
	struct nse_keyfile file;
	const struct nse_agent_key *key; /* being tried */
	int sign_failure;		 /* -errno of the agent, or 0 */
	char methods[128];
	char tried[NOTES_MAX];
	char passed[NOTES_MAX]; /* over, with the reason */
};

__attribute__((format(printf, 2, 3))) static void note(char list[NOTES_MAX],
						       const char *fmt, ...)
{
	size_t n = strlen(list);
	va_list ap;

	if (n)
		n += (size_t)snprintf(list + n, NOTES_MAX - n, "; ");
	if (n >= NOTES_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(list + n, NOTES_MAX - n, fmt, ap);
	va_end(ap);
}

/*
 * Asks for the methods, which is a login without any key: 1 when that was
 * already enough.
 */
static int ask_methods(struct login *l, struct nse_error *err)
{
	LIBSSH2_SESSION *session = l->s->session;
	const char *user = l->s->conf.user;
	const char *list;
	int rc;

	while (!(list = libssh2_userauth_list(session, user, strlen(user)))) {
		if (libssh2_userauth_authenticated(session))
			return 1;
		if (libssh2_session_last_errno(session) != LIBSSH2_ERROR_EAGAIN)
			return nse_ssh_error(l->s, err, -EACCES, "no login is possible");
		rc = nse_ssh_wait(l->s, err);
		if (rc < 0)
			return rc;
	}
	snprintf(l->methods, sizeof(l->methods), "%s", list);
	return 0;
}

static LIBSSH2_USERAUTH_PUBLICKEY_SIGN_FUNC(sign)
{
	struct login *l = *abstract;

	(void)session;
	l->sign_failure = nse_agent_sign(&l->agent, l->key, data, data_len, sig, sig_len);
	return l->sign_failure < 0 ? -1 : 0;
}

/* 1: logged in, 0: not with this key, or -errno. */
static int outcome(struct login *l, int rc)
{
	if (rc == 0)
		return 1;
	if (rc == LIBSSH2_ERROR_AUTHENTICATION_FAILED ||
	    rc == LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED)
		return 0;
	return rc == LIBSSH2_ERROR_SOCKET_DISCONNECT || l->s->wire.ended ? -ECONNRESET
									 : 0;
}

static int try_agent_key(struct login *l, const struct nse_agent_key *k,
			 struct nse_error *err)
{
	void *abstract = l;
	int rc, wait;

	l->key = k;
	l->sign_failure = 0;
	note(l->tried, "%s %s of the agent", k->type, k->comment);
	while ((rc = libssh2_userauth_publickey(l->s->session, l->s->conf.user, k->blob,
						k->len, sign, &abstract)) ==
	       LIBSSH2_ERROR_EAGAIN) {
		wait = nse_ssh_wait(l->s, err);
		if (wait < 0)
			return wait;
	}
	if (l->sign_failure < 0)
		note(l->passed, "%s: the agent did not sign (%s)", k->comment,
		     strerror(-l->sign_failure));
	return outcome(l, rc);
}

/* Is it the public half of one of the key files? */
static bool is_ours(struct login *l, const struct nse_agent_key *k)
{
	for (size_t i = 0; i < l->s->conf.keys.n; i++)
		if (nse_keyfile_read(l->s->conf.keys.argv[i], &l->file) == 0 &&
		    l->file.blob_len == k->len &&
		    memcmp(l->file.blob, k->blob, k->len) == 0)
			return true;
	return false;
}

static int try_agent(struct login *l, struct nse_error *err)
{
	int64_t now = nse_now_us();
	int64_t share = (l->s->deadline_us - now) / 2; /* the rest is for key files */
	struct nse_agent_key k;
	int rc = 0;

	if (l->s->conf.agent[0] == '\0')
		return 0;
	if (share > AGENT_PATIENCE_US)
		share = AGENT_PATIENCE_US;
	rc = nse_agent_open(&l->agent, l->s->conf.agent, now + share);
	if (rc < 0) {
		note(l->passed, "the agent at %s: %s", l->s->conf.agent, strerror(-rc));
		return 0;
	}
	l->agent.deadline_us = l->s->deadline_us; /* a token waits for a touch */
	while (rc == 0 && nse_agent_next(&l->agent, &k)) {
		const char *trouble = nse_key_trouble(k.type);

		if (l->s->conf.only_these_keys && !is_ours(l, &k))
			continue;
		if (trouble)
			note(l->passed, "%s of the agent (%s)", k.comment, trouble);
		else
			rc = try_agent_key(l, &k, err);
	}
	return rc;
}

/* Did the agent offer this file's key already? */
static bool agent_has(struct login *l)
{
	struct nse_agent_key k;

	if (l->agent.fd < 0 || l->file.blob_len == 0)
		return false;
	nse_agent_rewind(&l->agent);
	while (nse_agent_next(&l->agent, &k))
		if (k.len == l->file.blob_len && memcmp(k.blob, l->file.blob, k.len) == 0)
			return true;
	return false;
}

static int try_file(struct login *l, const char *path, struct nse_error *err)
{
	const char *user = l->s->conf.user;
	const char *trouble;
	int rc = nse_keyfile_read(path, &l->file);

	if (rc == -ENOENT && !l->s->conf.key_given)
		return 0;
	if (rc < 0) {
		note(l->passed, "%s (%s)", path,
		     rc == -EINVAL ? "not a private key" : strerror(-rc));
		return 0;
	}
	if (agent_has(l))
		return 0;
	trouble = nse_key_trouble(l->file.type);
	if (!trouble && l->file.encrypted)
		trouble = "has a passphrase: ssh-add it to an agent";
	if (trouble) {
		note(l->passed, "%s (%s)", path, trouble);
		return 0;
	}
	note(l->tried, "%s", path);
	while ((rc = libssh2_userauth_publickey_fromfile_ex(
			l->s->session, user, (unsigned int)strlen(user), NULL, path,
			"")) == LIBSSH2_ERROR_EAGAIN) {
		rc = nse_ssh_wait(l->s, err);
		if (rc < 0)
			return rc;
	}
	return outcome(l, rc);
}

static int refuse(struct login *l, struct nse_error *err)
{
	struct nse_ssh *s = l->s;

	nse_error(err, -EACCES,
		  "%s port %d does not let %s log in\n"
		  "it accepts: %s\n"
		  "tried: %s\n"
		  "passed over: %s",
		  s->conf.host, s->conf.port, s->conf.user, l->methods,
		  l->tried[0] ? l->tried : "nothing",
		  l->passed[0] ? l->passed : "nothing");
	return nse_advise(err,
			  "load a key that it knows into ssh-agent, or name one with "
			  "--identity; or let ssh do it: --rsh ssh");
}

static int try_all(struct login *l, struct nse_error *err)
{
	int rc = ask_methods(l, err);

	if (rc != 0)
		return rc;
	if (!strstr(l->methods, "publickey"))
		return refuse(l, err);
	rc = try_agent(l, err);
	for (size_t i = 0; rc == 0 && i < l->s->conf.keys.n; i++)
		rc = try_file(l, l->s->conf.keys.argv[i], err);
	if (rc == 0)
		return refuse(l, err);
	/* Too many keys: the server hangs up, and its text is all there is. */
	if (rc == -ECONNRESET) {
		nse_error(err, -EACCES,
			  "%s port %d hung up during the login of %s, after: %s",
			  l->s->conf.host, l->s->conf.port, l->s->conf.user, l->tried);
		return nse_advise(err, "name one key with --identity");
	}
	return rc;
}

int nse_ssh_login(struct nse_ssh *s, struct nse_error *err)
{
	struct login *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return nse_error(err, -ENOMEM, "out of memory");
	l->s = s;
	l->agent.fd = -1;
	s->doing = "the login";
	rc = try_all(l, err);
	nse_agent_release(&l->agent);
	free(l);
	return rc < 0 ? rc : 0;
}
