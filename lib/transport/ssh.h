/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An SSH session while it is being opened and while it carries a link. The
 * parts of its opening are in files of their own: ssh_hostkey.c, ssh_login.c;
 * ssh_pump.c carries the bytes afterwards.
 */
#ifndef NSE_TRANSPORT_SSH_H
#define NSE_TRANSPORT_SSH_H

#include <libssh2.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/transport/link.h"
#include "lib/transport/far_stderr.h"
#include "lib/transport/ssh_conf.h"
#include "lib/transport/wire.h"

/* A line of a known_hosts file that speaks of our host. */
struct nse_known {
	char type[64];
	char *key;	  /* base64; owned */
	const char *file; /* of conf.known */
	int line;
	bool revoked;
};

struct nse_ssh {
	struct nse_link_impl impl;
	struct nse_ssh_conf conf;
	struct nse_wire wire;
	LIBSSH2_SESSION *session;
	LIBSSH2_CHANNEL *channel;
	int64_t deadline_us;			  /* of the opening */
	const volatile sig_atomic_t *interrupted; /* likewise; or NULL */
	const char *doing;			  /* for error texts */
	struct nse_known *known;		  /* owned */
	size_t nknown;

	/* The pump; its thread owns the session once it runs. */
	pthread_t thread;
	bool running;
	int local; /* the carrier's end of the link */
	int stop;  /* eventfd: end at once */
	int keepalive_s;
	int exit_status;
	bool ended_there;   /* the program, and the server told how */
	char killed_by[24]; /* "SIGKILL", or "" */
	struct nse_far_stderr relay;
};

/* Takes libssh2's last error into the text: "WHAT: …". Returns code. */
int nse_ssh_error(struct nse_ssh *s, struct nse_error *err, int code, const char *what);

/*
 * After LIBSSH2_ERROR_EAGAIN: lets bytes move. 0, or -ETIMEDOUT or
 * -ECONNRESET with a text that tells what was being done.
 */
int nse_ssh_wait(struct nse_ssh *s, struct nse_error *err);

/* Before the key exchange: which keys of the host are known. */
int nse_ssh_known(struct nse_ssh *s, struct nse_error *err);

/* After it: is the host's key a known one? 0 or -EKEYREJECTED. */
int nse_ssh_check_host(struct nse_ssh *s, struct nse_error *err);

/* 0 or -EACCES with the keys that were tried. */
int nse_ssh_login(struct nse_ssh *s, struct nse_error *err);

/* Starts the pump's thread. */
int nse_ssh_pump_start(struct nse_ssh *s, struct nse_error *err);

/* Ends the thread, by force unless it has ended. */
void nse_ssh_pump_stop(struct nse_ssh *s);

#endif
