/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The domains of this host, one by one, with all that is known of each.
 */
#ifndef NSE_SCOPE_DOMAINS_H
#define NSE_SCOPE_DOMAINS_H

#include <stdbool.h>

#include "lib/platform/platform.h"
#include "lib/util/config.h"

typedef int nse_scope_domain_cb(void *arg, const struct nse_domain *d);

/*
 * Calls each() for every domain that runs here, as the platform describes it,
 * and once more with what the configuration adds to it, if it does. A domain
 * that the platform lists without addresses, or with `vifs` without interfaces,
 * is asked for by its name. Without a platform the configured domains are those
 * that live here. 0 or what each() or the platform returned.
 */
int nse_scope_each_domain(const struct nse_config *cfg, struct nse_platform *platform,
			  bool vifs, nse_scope_domain_cb *each, void *arg,
			  struct nse_error *err);

#endif
