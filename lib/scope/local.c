/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The local ends: the addresses of the domains that run on this host. A flow
 * between two of them belongs to both, so that it must not go with one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/scope/domains.h"
#include "lib/scope/resolve.h"

struct addresses {
	struct nse_addr *items;
	size_t n;
	const struct nse_domain *except;
};

static bool has_addr(const struct nse_domain *d, const struct nse_addr *addr)
{
	for (size_t i = 0; d && i < d->naddrs; i++)
		if (nse_addr_equal(&d->addrs[i], addr))
			return true;
	return false;
}

static int add_addrs(void *arg, const struct nse_domain *d)
{
	struct addresses *l = arg;
	const struct nse_domain *except = l->except;
	struct nse_addr *p;

	if (except && except->name[0] && strcmp(except->name, d->name) == 0)
		return 0;
	for (size_t i = 0; i < d->naddrs; i++) {
		if (has_addr(except, &d->addrs[i]))
			continue;
		p = realloc(l->items, (l->n + 1) * sizeof(*p));
		if (!p)
			return -ENOMEM;
		l->items = p;
		p[l->n++] = d->addrs[i];
	}
	return 0;
}

int nse_scope_local(const struct nse_config *cfg, struct nse_platform *platform,
		    const struct nse_scope *except, struct nse_addr **addrs, size_t *n,
		    struct nse_error *err)
{
	struct addresses l = { .except = except ? &except->domain : NULL };
	int rc;

	*addrs = NULL;
	*n = 0;
	rc = nse_scope_each_domain(cfg, platform, false, add_addrs, &l, err);
	if (rc < 0) {
		free(l.items);
		return rc == -ENOMEM ? nse_error(err, rc, "out of memory") : rc;
	}
	*addrs = l.items;
	*n = l.n;
	return 0;
}
