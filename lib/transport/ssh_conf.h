/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where and how to connect: the user's command line, ssh(1)'s configuration
 * for that host, and defaults, in this order.
 */
#ifndef NSE_TRANSPORT_SSH_CONF_H
#define NSE_TRANSPORT_SSH_CONF_H

#include <stdbool.h>

#include "lib/transport/transport.h"
#include "lib/transport/words.h"

struct nse_ssh_conf {
	char host[256]; /* to connect to */
	char name[272]; /* as known_hosts files spell it: host, [host]:port or alias */
	char user[64];
	int port;
	struct nse_words keys;	/* private key files, absolute; they may not exist */
	struct nse_words known; /* known_hosts files, absolute, likewise */
	char agent[512];	/* the agent's socket, or "" */
	bool only_these_keys;	/* of the agent too only those in `keys` */
	bool known_given;	/* by the user: the file must exist */
	bool key_given;		/* likewise */
};

/*
 * Asks `ssh -G`, when there is an ssh(1). -EOPNOTSUPP when that says that a
 * proxy leads to the host. release() at the end, also after a failure.
 */
int nse_ssh_conf_read(struct nse_ssh_conf *c, const struct nse_link_spec *spec,
		      int64_t deadline_us, struct nse_error *err);
void nse_ssh_conf_release(struct nse_ssh_conf *c);

#endif
