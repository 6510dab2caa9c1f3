/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The domains of this host, from the platform and the configuration.
 */
#include "lib/scope/domains.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/util/cleanup.h"

struct domains {
	struct nse_domain *items;
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

/* list() may give a name alone: describe() and the configuration know more. */
static int visit(const struct nse_config *cfg, struct nse_platform *platform, bool vifs,
		 const struct nse_domain *d, nse_scope_domain_cb *each, void *arg)
{
	const struct nse_domain_config *conf =
		cfg ? nse_config_domain(cfg, d->name) : NULL;
	struct nse_domain full;
	int rc = conf ? each(arg, &conf->domain) : 0;

	if (rc < 0 || (d->naddrs && (d->nvifs || !vifs)))
		return rc < 0 ? rc : each(arg, d);
	nse_domain_init(&full);
	/* It may have gone meanwhile. */
	rc = platform->ops->describe(platform, d->name, &full, NULL);
	rc = rc < 0 ? each(arg, d) : each(arg, &full);
	nse_domain_release(&full);
	return rc;
}

int nse_scope_each_domain(const struct nse_config *cfg, struct nse_platform *platform,
			  bool vifs, nse_scope_domain_cb *each, void *arg,
			  struct nse_error *err)
{
	NSE_CLEANUP(domains_release) struct domains running = { 0 };
	int rc = 0;

	if (platform)
		rc = platform->ops->list(platform, add_domain, &running, err);
	for (size_t i = 0; i < running.n && rc == 0; i++)
		rc = visit(cfg, platform, vifs, &running.items[i], each, arg);
	for (size_t i = 0; !platform && cfg && i < cfg->ndomains && rc == 0; i++)
		rc = each(arg, &cfg->domains[i].domain);
	return rc;
}
