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

/*
 * The addresses of nse_scope_local(), and of the domains that are on their way to
 * this host: what these have with the one that leaves was found here, and they
 * rely on it. Replaces *addrs (owned by the caller).
 */
int nse_local_ends(const struct nse_config *cfg, struct nse_platform *platform,
		   const struct nse_scope *except, struct nse_addr **addrs, size_t *n,
		   struct nse_error *err);

#endif
