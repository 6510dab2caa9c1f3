/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whose flows have an end on this host.
 */
#ifndef NSE_SESSION_LOCAL_H
#define NSE_SESSION_LOCAL_H

#include "lib/context/scope.h"
#include "lib/platform/platform.h"
#include "lib/util/config.h"
#include "lib/util/error.h"

enum nse_local_which {
	/*
	 * Of a domain that leaves: who has ends here or is on the way to here. What
	 * the arriving ones have with it was found here, and they rely on it.
	 */
	NSE_LOCAL_TO_LEAVE,
	/*
	 * Of a domain that is to come: those that are just being released to another
	 * host have left entries here, even if the platform lists them no more …
	 */
	NSE_LOCAL_TO_COME,
	/* … and when it comes they have no end here, even if it lists them still. */
	NSE_LOCAL_TO_MEET,
};

/*
 * The addresses of the host itself, of nse_scope_local(), and of the domains that are
 * on their way to this host; scope is that of the domain in question, whose own are
 * left out. Replaces *addrs (owned by the caller).
 */
int nse_local_ends(const struct nse_config *cfg, struct nse_platform *platform,
		   const struct nse_scope *scope, enum nse_local_which which,
		   struct nse_addr **addrs, size_t *n, struct nse_error *err);

#endif
