/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What belongs to a domain: the platform, the configuration and the command
 * line put together.
 */
#ifndef NSE_SCOPE_RESOLVE_H
#define NSE_SCOPE_RESOLVE_H

#include "lib/context/scope.h"
#include "lib/platform/platform.h"
#include "lib/util/config.h"

/*
 * Fills *scope (initialised; what it held is released).
 *
 * cfg, platform and given may be NULL. With a domain (name or id) the
 * platform describes it, [domain NAME] of the configuration adds to that, and
 * a domain that only the configuration knows will do. What `given` holds is
 * added; for a --vif without a domain the addresses are those that the
 * configuration or the kernel's tables (routes, neighbours, the bridge's
 * forwarding table) know behind it. Then come the tables and chains that the
 * patterns of the configuration name, and what other domains have.
 *
 * -EINVAL: neither domain nor options; -ENOENT: no such domain (the text
 * names those that exist), no such interface; -EDESTADDRREQ: no address is
 * known for it. *scope is then empty.
 */
int nse_scope_resolve(const struct nse_config *cfg, struct nse_platform *platform,
		      const char *domain, const struct nse_scope *given,
		      struct nse_scope *scope, struct nse_error *err);

/*
 * Replaces scope->others by the interfaces and addresses of all domains that
 * run here but the scope's own: that of its name or uuid, or when it has none
 * those of its interfaces and addresses. What the scope itself has is never
 * among them. cfg and platform may be NULL. nse_scope_resolve() does it, too.
 */
int nse_scope_others(const struct nse_config *cfg, struct nse_platform *platform,
		     struct nse_scope *scope, struct nse_error *err);

/*
 * Adds the tables and chains by which this host's [nft] and [domain NAME]
 * patterns call the scope's domain; each may be missing. A pattern that asks
 * for what is not known (no interface, say) gives nothing. 0, -ENOMEM, -E2BIG
 * or -EINVAL with a text (a name that cannot be part of a selector).
 * nse_scope_resolve() does it, too.
 */
int nse_scope_add_patterns(const struct nse_config *cfg, struct nse_scope *scope,
			   struct nse_error *err);

/* The same for one list of patterns. */
int nse_scope_expand(const struct nse_patterns *patterns, struct nse_scope *scope,
		     struct nse_error *err);

/*
 * The addresses of all domains that run here but the one in `except` (by
 * name; NULL: none): the local ends that a purge must leave alone. Replaces
 * *addrs (owned by the caller). cfg and platform may be NULL.
 */
int nse_scope_local(const struct nse_config *cfg, struct nse_platform *platform,
		    const struct nse_scope *except, struct nse_addr **addrs, size_t *n,
		    struct nse_error *err);

/*
 * The addresses that the kernel knows behind an interface: host routes
 * through it, neighbours on it, and neighbours with a MAC address that the
 * bridge has learnt on it. Appends to d->addrs. 0, -ENODEV with a text, or
 * -errno.
 */
int nse_scope_learn_vif(const char *ifname, struct nse_domain *d, struct nse_error *err);

#endif
