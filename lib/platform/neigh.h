/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kernel's neighbour tables (ARP and ND): which address it has seen at
 * which MAC. What they say was said by the guests themselves, so that it is a
 * claim and not a proof.
 */
#ifndef NSE_PLATFORM_NEIGH_H
#define NSE_PLATFORM_NEIGH_H

#include "lib/util/domain.h"
#include "lib/util/error.h"

struct nse_neigh {
	int ifindex;	      /* of the bridge or interface that learnt it */
	char mac[18];	      /* 00:16:3e:00:00:0a */
	struct nse_addr addr; /* a whole host */
};

/*
 * Calls each() for every neighbour with a valid MAC, IPv4 and IPv6 (link-local
 * addresses too). each() returns 0 or -errno, which ends it.
 */
int nse_neigh_dump(int (*each)(void *arg, const struct nse_neigh *n), void *arg,
		   struct nse_error *err);

#endif
