/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A link to a program on another host: one full-duplex descriptor, whatever
 * carries it.
 */
#ifndef NSE_TRANSPORT_TRANSPORT_H
#define NSE_TRANSPORT_TRANSPORT_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/util/error.h"

/* [USER@]HOST[:PORT], as the user wrote it; [2001:db8::1]:22 for IPv6. */
struct nse_target {
	char user[64];	/* "" unless given */
	char host[256]; /* never begins with '-' */
	int port;	/* 0 unless given */
};

int nse_target_parse(const char *text, struct nse_target *t, struct nse_error *err);

struct nse_link_spec {
	struct nse_target target;
	const char *identity;	    /* key file, or NULL */
	const char *known_hosts;    /* file, or NULL for the user's and the system's */
	const char *rsh;	    /* a command as ssh(1) instead of libssh2, or NULL */
	const char *remote_command; /* names nsemig there, with options if need be */
	const char *remote_args;    /* what it shall do, as "receive --session" */
	int64_t connect_timeout_us; /* from look-up to login; 0: 30 seconds */
	const volatile sig_atomic_t *interrupted; /* not 0: give up; may be NULL */
	int keepalive_s; /* seconds between keepalives; 0: none; three
			  * without any sign of life break the link */
};

struct nse_link {
	int fd; /* read what the program prints, write what it reads; O_NONBLOCK */
	struct nse_link_impl *impl;
};

/*
 * Connects, checks the host's key, logs in and starts the program. Its stderr
 * goes to our stderr, each line with "HOST: " in front. Errors: -EHOSTUNREACH,
 * -ECONNREFUSED, -ETIMEDOUT, -ECONNRESET, -EKEYREJECTED (host key), -EACCES
 * (login), -EPROTO (no algorithm in common), -EOPNOTSUPP (only ssh(1) gets
 * there), -EINVAL and file errors, with a text that says what to do. With rsh
 * only its start can fail here; the rest shows as the end of fd and a status.
 */
int nse_link_open(struct nse_link *link, const struct nse_link_spec *spec,
		  struct nse_error *err);

/* A link to a local program, for tests and --rsh. argv as execvp(3). */
int nse_link_exec(struct nse_link *link, char *const argv[], struct nse_error *err);

/* Tells the program that nothing more comes (end of its stdin). */
int nse_link_shutdown(struct nse_link *link);

/*
 * Tells the program that nothing more comes, throws away what it still prints,
 * waits for its end and closes the link, in any case. Its exit status (0 to
 * 255; 255 also when the link broke or a signal killed it), or -ETIMEDOUT.
 */
int nse_link_finish(struct nse_link *link, int64_t deadline_us);

/*
 * After the end of fd: why, in words that can follow "the link ended: ", as
 * "nsemig there was killed by SIGKILL" or "the connection broke". Waits for
 * it until the deadline at most. Returns out.
 */
#define NSE_LINK_ENDING_MAX 512
const char *nse_link_ending(struct nse_link *link, int64_t deadline_us,
			    char out[NSE_LINK_ENDING_MAX]);

/* Cuts the link at once. */
void nse_link_close(struct nse_link *link);

#endif
