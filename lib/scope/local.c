/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The local ends: the addresses of the domains that run on this host. A flow
 * between two of them belongs to both, so that it must not go with one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/scope/resolve.h"
#include "lib/util/cleanup.h"

struct domains {
	struct nse_domain *items;
	size_t n;
};

struct addresses {
	struct nse_addr *items;
	size_t n;
};

static void domains_release(struct domains *l)
{
	for (size_t i = 0; i < l->n; i++)
		nse_domain_release(&l->items[i]);
	free(l->items);
}

static int add_domain(void *arg, const struct nse_domain *d)
{
	struct domains *l = arg;
	struct nse_domain *p = realloc(l->items, (l->n + 1) * sizeof(*p));

	if (!p)
		return -ENOMEM;
	l->items = p;
	nse_domain_init(&p[l->n]);
	if (nse_domain_copy(&p[l->n], d) < 0)
		return -ENOMEM;
	l->n++;
	return 0;
}

static bool has_addr(const struct nse_domain *d, const struct nse_addr *addr)
{
	for (size_t i = 0; d && i < d->naddrs; i++)
		if (nse_addr_equal(&d->addrs[i], addr))
			return true;
	return false;
}

static int add_addrs(struct addresses *l, const struct nse_domain *d,
		     const struct nse_domain *except)
{
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

/* list() may give no addresses: describe() and the configuration do. */
static int add_running(struct addresses *l, const struct nse_config *cfg,
		       struct nse_platform *platform, struct nse_domain *d,
		       const struct nse_domain *except)
{
	const struct nse_domain_config *conf =
		cfg ? nse_config_domain(cfg, d->name) : NULL;
	struct nse_domain full;
	int rc;

	if (conf && (rc = add_addrs(l, &conf->domain, except)) < 0)
		return rc;
	if (d->naddrs)
		return add_addrs(l, d, except);
	nse_domain_init(&full);
	/* A domain that has gone meanwhile is no local end any more. */
	rc = platform->ops->describe(platform, d->name, &full, NULL);
	rc = rc < 0 ? 0 : add_addrs(l, &full, except);
	nse_domain_release(&full);
	return rc;
}

int nse_scope_local(const struct nse_config *cfg, struct nse_platform *platform,
		    const struct nse_scope *except, struct nse_addr **addrs, size_t *n,
		    struct nse_error *err)
{
	NSE_CLEANUP(domains_release) struct domains running = { 0 };
	const struct nse_domain *not = except ? &except->domain : NULL;
	struct addresses l = { 0 };
	int rc = 0;

	*addrs = NULL;
	*n = 0;
	if (platform) {
		rc = platform->ops->list(platform, add_domain, &running, err);
		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < running.n && rc == 0; i++)
		rc = add_running(&l, cfg, platform, &running.items[i], not );
	/* Without a platform the configured domains are those that live here. */
	for (size_t i = 0; !platform && cfg && i < cfg->ndomains && rc == 0; i++)
		rc = add_addrs(&l, &cfg->domains[i].domain, not );
	if (rc < 0) {
		free(l.items);
		return nse_error(err, rc, "out of memory");
	}
	*addrs = l.items;
	*n = l.n;
	return 0;
}
