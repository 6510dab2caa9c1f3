/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a domain that arrives is called here: its interfaces have other names
 * than on the host that it comes from, and its context is rewritten to them.
 */
#ifndef NSE_SESSION_ARRIVE_H
#define NSE_SESSION_ARRIVE_H

#include "lib/context/context.h"
#include "lib/context/map.h"
#include "lib/context/scope.h"
#include "lib/platform/platform.h"
#include "lib/util/error.h"

/*
 * The announced scope as it is on this host: *here (initialised) is a copy of
 * it with the interfaces of the arriving domain in the place of those that the
 * source named, and *map gets a pair for each whose name differs. An interface
 * is found by its number; Xen's own names (vif<domid>.<devid>) are known
 * before the interface is there. Without a platform, or when the platform does
 * not know the arriving domain, names are taken to stay as they are. 0,
 * -ENOMEM, -EINVAL with a text.
 */
int nse_arrive_scope(struct nse_platform *p, const struct nse_scope *announced,
		     struct nse_scope *here, struct nse_map *map, struct nse_error *err);

/*
 * As long as that is not known: *map gets a pair for each interface that Xen named
 * and whose name another domain has here (announced->others), to a name that no
 * domain has.
 */
int nse_arrive_stand_in(const struct nse_scope *announced, struct nse_map *map,
			struct nse_error *err);

/*
 * Replaces *ctx by its relocated copy; an empty map leaves it alone. The
 * records must have been checked.
 */
int nse_arrive_relocate(struct nse_context **ctx, const struct nse_map *map,
			struct nse_error *err);

#endif
