/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The preflight beside the engines': what a host says of itself, what of two
 * hosts does not go together, and what a domain needs where it comes.
 */
#ifndef NSE_SESSION_PREFLIGHT_H
#define NSE_SESSION_PREFLIGHT_H

#include <jansson.h>

#include "lib/context/problem.h"
#include "lib/context/scope.h"
#include "lib/platform/platform.h"

/*
 * What this host is and can, as of WELCOME: "protocol", "version", "host",
 * "kernel", "platform" (or null), "time_us" and "facts". platform may be NULL.
 * A new reference, or NULL with a text.
 */
json_t *nse_preflight_facts(struct nse_platform *platform, struct nse_error *err);

/*
 * Compares what the two hosts say of themselves; `there` came from a peer.
 * 0 or -ENOMEM.
 */
int nse_preflight_compare(const json_t *here, const json_t *there,
			  struct nse_problems *problems);

/*
 * The host that the domain of the scope (NULL: none) would leave: what of it
 * no engine carries. platform may be NULL. 0 or -errno.
 */
int nse_preflight_leave(struct nse_platform *platform, uint32_t engines,
			const struct nse_scope *scope, struct nse_problems *problems,
			struct nse_error *err);

/*
 * The host to which the domain of the scope would come: its name, its bridges,
 * its memory_kib (0: unknown), and legacy rules that would meet it. platform may be
 * NULL. 0 or -errno.
 */
int nse_preflight_arrive(struct nse_platform *platform, const struct nse_scope *scope,
			 uint64_t memory_kib, struct nse_problems *problems,
			 struct nse_error *err);

/* How much memory the platform gave to a domain, in KiB; 0 when it does not tell. */
uint64_t nse_preflight_memory(struct nse_platform *platform, const char *domain);

#endif
