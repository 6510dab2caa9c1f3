/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Opens a link over SSH: connection, key exchange, the host's key, login, the
 * remote program. Everything is non-blocking under one deadline, and nothing
 * ever asks the user.
 */
#include "lib/transport/ssh.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/transport/connect.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"

#define DEFAULT_TIMEOUT_US 30000000
#define SLICE_US	   200000 /* an interrupt is noticed within this time */
#define CHANNEL_WINDOW	   (4u << 20)
#define CHANNEL_PACKET	   32768

/* Fast ones first; libssh2 1.10 has neither GCM nor ChaCha20. */
static const struct {
	int method;
	const char *names;
} preferences[] = {
	{ LIBSSH2_METHOD_CRYPT_CS, "aes128-ctr,aes192-ctr,aes256-ctr" },
	{ LIBSSH2_METHOD_CRYPT_SC, "aes128-ctr,aes192-ctr,aes256-ctr" },
	{ LIBSSH2_METHOD_MAC_CS, "hmac-sha2-256,hmac-sha2-512" },
	{ LIBSSH2_METHOD_MAC_SC, "hmac-sha2-256,hmac-sha2-512" },
};

int nse_ssh_error(struct nse_ssh *s, struct nse_error *err, int code, const char *what)
{
	char *text = "";

	libssh2_session_last_error(s->session, &text, NULL, 0);
	return nse_error(err, code, "%s port %d: %s: %s", s->conf.host, s->conf.port,
			 what, text);
}

int nse_ssh_wait(struct nse_ssh *s, struct nse_error *err)
{
	struct pollfd p = { .fd = s->wire.fd, .events = POLLIN };
	int64_t slice;
	int n;

	nse_wire_flush(&s->wire);
	if (s->wire.ended) {
		nse_error(err, -ECONNRESET, "%s port %d closed the connection during %s",
			  s->conf.host, s->conf.port, s->doing);
		return nse_advise(err, "its log may tell why: `journalctl -u ssh` on %s",
				  s->conf.host);
	}
	if (nse_wire_pending(&s->wire) > 0)
		p.events |= POLLOUT;
	slice = nse_now_us() + SLICE_US;
	n = poll(&p, 1, nse_poll_ms(slice < s->deadline_us ? slice : s->deadline_us));
	if (s->interrupted && *s->interrupted)
		return nse_error(err, -EINTR, "interrupted while connecting to %s",
				 s->conf.host);
	if (n < 0 && errno != EINTR)
		return nse_errno(err, -errno, "waiting for %s", s->conf.host);
	if (n > 0 || nse_now_us() < s->deadline_us)
		return 0;
	nse_error(err, -ETIMEDOUT,
		  "%s port %d accepted the connection, but %s did not end in time",
		  s->conf.host, s->conf.port, s->doing);
	return nse_advise(err,
			  "is its sshd overloaded or stopped? See `systemctl status ssh` "
			  "on %s",
			  s->conf.host);
}

static int new_session(struct nse_ssh *s, struct nse_error *err)
{
	s->session = libssh2_session_init_ex(NULL, NULL, NULL, &s->wire);
	if (!s->session)
		return nse_error(err, -ENOMEM, "cannot make an SSH session");
	nse_wire_attach(s->session);
	libssh2_session_set_blocking(s->session, 0);
	for (size_t i = 0; i < NSE_ARRAY_SIZE(preferences); i++)
		if (libssh2_session_method_pref(s->session, preferences[i].method,
						preferences[i].names))
			return nse_ssh_error(s, err, -EOPNOTSUPP, "choosing ciphers");
	return 0;
}

static int handshake(struct nse_ssh *s, struct nse_error *err)
{
	int rc, wait;

	s->doing = "the key exchange";
	while ((rc = libssh2_session_handshake(s->session, s->wire.fd)) ==
	       LIBSSH2_ERROR_EAGAIN) {
		wait = nse_ssh_wait(s, err);
		if (wait < 0)
			return wait;
	}
	if (rc == 0)
		return 0;
	if (rc == LIBSSH2_ERROR_KEX_FAILURE) {
		nse_error(err, -EPROTO,
			  "%s port %d has no algorithm in common with libssh2, which "
			  "knows Ed25519 and ECDSA host keys and AES-CTR",
			  s->conf.host, s->conf.port);
		return nse_advise(err, "let ssh itself connect: --rsh ssh");
	}
	return nse_ssh_error(s, err, -EPROTO, "the key exchange failed");
}

static int open_channel(struct nse_ssh *s, struct nse_error *err)
{
	int wait;

	s->doing = "the opening of a channel";
	for (;;) {
		s->channel =
			libssh2_channel_open_ex(s->session, "session", 7, CHANNEL_WINDOW,
						CHANNEL_PACKET, NULL, 0);
		if (s->channel)
			return 0;
		if (libssh2_session_last_errno(s->session) != LIBSSH2_ERROR_EAGAIN)
			return nse_ssh_error(s, err, -EACCES, "no channel was opened");
		wait = nse_ssh_wait(s, err);
		if (wait < 0)
			return wait;
	}
}

static int start_program(struct nse_ssh *s, const struct nse_link_spec *spec,
			 struct nse_error *err)
{
	NSE_FREE char *command = NULL;
	int rc, wait;

	s->doing = "the start of the remote program";
	if (asprintf(&command, "%s%s%s", spec->remote_command,
		     spec->remote_args ? " " : "",
		     spec->remote_args ? spec->remote_args : "") < 0) {
		command = NULL;
		return nse_error(err, -ENOMEM, "out of memory");
	}
	while ((rc = libssh2_channel_exec(s->channel, command)) == LIBSSH2_ERROR_EAGAIN) {
		wait = nse_ssh_wait(s, err);
		if (wait < 0)
			return wait;
	}
	return rc ? nse_ssh_error(s, err, -EACCES, "the server refused to run a program")
		  : 0;
}

static int ssh_status(struct nse_link_impl *impl)
{
	struct nse_ssh *s = (struct nse_ssh *)impl;

	nse_ssh_pump_stop(s);
	return s->exit_status;
}

static void ssh_ending(struct nse_link_impl *impl, char *out, size_t room)
{
	struct nse_ssh *s = (struct nse_ssh *)impl;

	nse_ssh_pump_stop(s);
	if (s->ended_there)
		nse_far_stderr_ending(&s->relay, "nsemig there",
				      s->killed_by[0] ? s->killed_by : NULL,
				      s->exit_status, out, room);
	else
		snprintf(
			out, room,
			"the SSH connection to %s port %d ended without a word: its sshd "
			"was killed, the host went down, or the network broke it",
			s->conf.host, s->conf.port);
}

/* Says good-bye as far as that needs no waiting. */
static void free_session(struct nse_ssh *s)
{
	if (!s->session)
		return;
	libssh2_session_disconnect(s->session, "done");
	nse_wire_flush(&s->wire);
	/* Freeing a channel waits for the peer's answer, unless the peer is gone. */
	s->wire.mute = s->wire.gone = true;
	if (s->channel)
		libssh2_channel_free(s->channel);
	libssh2_session_free(s->session);
}

static void ssh_close(struct nse_link_impl *impl)
{
	struct nse_ssh *s = (struct nse_ssh *)impl;

	nse_ssh_pump_stop(s);
	free_session(s);
	nse_wire_release(&s->wire);
	nse_ssh_conf_release(&s->conf);
	for (size_t i = 0; i < s->nknown; i++)
		free(s->known[i].key);
	free(s->known);
	nse_closep(&s->local);
	nse_closep(&s->stop);
	nse_closep(&s->impl.done);
	free(s);
}

static void ssh_closep(struct nse_ssh **s)
{
	if (*s)
		ssh_close(&(*s)->impl);
}

static int establish(struct nse_ssh *s, const struct nse_link_spec *spec,
		     struct nse_error *err)
{
	int rc = nse_ssh_conf_read(&s->conf, spec, s->deadline_us, err);

	if (rc < 0)
		return rc;
	rc = nse_connect(s->conf.host, s->conf.port, s->deadline_us, spec->interrupted,
			 err);
	if (rc < 0)
		return rc;
	nse_wire_init(&s->wire, rc);
	rc = new_session(s, err);
	if (rc == 0)
		rc = nse_ssh_known(s, err);
	if (rc == 0)
		rc = handshake(s, err);
	if (rc == 0)
		rc = nse_ssh_check_host(s, err);
	if (rc == 0)
		rc = nse_ssh_login(s, err);
	if (rc == 0)
		rc = open_channel(s, err);
	if (rc == 0)
		rc = start_program(s, spec, err);
	return rc;
}

int nse_ssh_open(struct nse_link *link, const struct nse_link_spec *spec,
		 struct nse_error *err)
{
	int64_t timeout = spec->connect_timeout_us;
	NSE_CLEANUP(ssh_closep) struct nse_ssh *s = calloc(1, sizeof(*s));
	int ends[2], rc;

	if (!s)
		return nse_error(err, -ENOMEM, "out of memory");
	s->impl = (struct nse_link_impl){ -1, ssh_status, ssh_ending, ssh_close };
	s->wire.fd = s->local = s->stop = -1;
	s->deadline_us = nse_now_us() + (timeout > 0 ? timeout : DEFAULT_TIMEOUT_US);
	s->keepalive_s = spec->keepalive_s;
	s->interrupted = spec->interrupted;
	nse_far_stderr_init(&s->relay, STDERR_FILENO, spec->target.host);
	rc = establish(s, spec, err);
	if (rc < 0)
		return rc;
	rc = nse_link_pair(ends, err);
	if (rc < 0)
		return rc;
	s->local = ends[1];
	rc = nse_ssh_pump_start(s, err);
	if (rc < 0) {
		close(ends[0]);
		return rc;
	}
	link->fd = ends[0];
	link->impl = &nse_take(s)->impl;
	return 0;
}
