/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The addresses of a Xen domain. What the administrator wrote (vif "ip=") is
 * believed. Where he wrote none, the guest's own word is all there is: what
 * it published in xenstore, and what its MAC answered to in ARP and ND. A
 * guest must not get hold of the flows of others by such a claim, so that an
 * address is refused which belongs to this host, which is another domain's
 * by configuration, which the kernel knows at another MAC, or which is no
 * unicast address. Link-local addresses (fe80::) are claimed and carried like
 * others.
 */
#ifndef NSE_PLATFORM_CLAIMS_H
#define NSE_PLATFORM_CLAIMS_H

#include "lib/platform/neigh.h"
#include "lib/util/domain.h"

/*
 * Adds what a vif's "ip=" says: addresses separated by spaces or commas. A
 * prefix whose host bits are zero is a routed network and is kept; any other
 * prefix length is dropped. Words that are no addresses are skipped.
 */
int nse_claims_configured(struct nse_domain *d, const char *ip);

struct nse_claims {
	struct nse_domain wanted; /* its addrs: what the guest published */
	struct nse_domain taken;  /* its addrs: what belongs to other domains */
};

void nse_claims_init(struct nse_claims *c);
void nse_claims_release(struct nse_claims *c);

/*
 * Adds the claims that stand to d: published ones, and neighbours at the MACs
 * of d's vifs on the vif's bridge. The host's own addresses and the
 * neighbour tables are read here.
 */
int nse_claims_settle(struct nse_claims *c, struct nse_domain *d, struct nse_error *err);

#endif
