/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A client of ssh-agent that, unlike libssh2's own, never waits longer than
 * a deadline: the socket of a forwarded agent may lead to a sleeping laptop.
 */
#ifndef NSE_TRANSPORT_AGENT_H
#define NSE_TRANSPORT_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/util/buf.h"

struct nse_agent {
	int fd; /* -1: no agent */
	int64_t deadline_us;
	struct nse_buf list; /* the agent's answer with its keys */
	struct nse_cur next; /* the keys not seen yet */
	uint32_t left;	     /* how many these are */
};

struct nse_agent_key {
	const uint8_t *blob; /* into the agent's list */
	size_t len;
	char type[64];
	char comment[64]; /* cut, control characters replaced */
};

/* Connects and asks for the keys. 0 or -errno; release() in any case. */
int nse_agent_open(struct nse_agent *a, const char *path, int64_t deadline_us);
void nse_agent_release(struct nse_agent *a);

/* The next key, or false. */
bool nse_agent_next(struct nse_agent *a, struct nse_agent_key *k);
void nse_agent_rewind(struct nse_agent *a);

/*
 * Signs with a key. *sig (malloc) gets the signature as its algorithm defines
 * it, without the algorithm's name. 0, -EACCES when the agent refuses, or
 * -errno.
 */
int nse_agent_sign(struct nse_agent *a, const struct nse_agent_key *k, const void *data,
		   size_t len, uint8_t **sig, size_t *sig_len);

#endif
