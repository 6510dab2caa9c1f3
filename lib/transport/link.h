/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the carriers of a link (a child process, an SSH session) share.
 */
#ifndef NSE_TRANSPORT_LINK_H
#define NSE_TRANSPORT_LINK_H

#include "lib/transport/transport.h"

#define NSE_LINK_BROKEN 255 /* the status when the program's own is not known */

/* The first member of every carrier's own struct. */
struct nse_link_impl {
	int done; /* becomes readable when the program or the link has ended */
	/* After that: collects the exit status, 0 to 255. */
	int (*status)(struct nse_link_impl *impl);
	/*
	 * As status, but nothing is collected or ended: how it ended, in words, and
	 * what the program printed last.
	 */
	void (*ending)(struct nse_link_impl *impl, char *out, size_t room);
	/* Cuts what still runs and frees impl, `done` included. */
	void (*close)(struct nse_link_impl *impl);
};

/*
 * The two ends of a link, non-blocking and with room for bulk: ends[0] is
 * the caller's, ends[1] the carrier's. 0 or -errno.
 */
int nse_link_pair(int ends[2], struct nse_error *err);

/* nse_link_exec(); host, when given, stands before each line of stderr. */
int nse_exec_start(struct nse_link *link, char *const argv[], const char *host,
		   struct nse_error *err);

int nse_rsh_open(struct nse_link *link, const struct nse_link_spec *spec,
		 struct nse_error *err);
int nse_ssh_open(struct nse_link *link, const struct nse_link_spec *spec,
		 struct nse_error *err);

#endif
