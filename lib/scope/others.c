/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What other domains of the host have: their interfaces, MACs and addresses.
 * There may be many more of them than one domain can have.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/scope/domains.h"
#include "lib/scope/resolve.h"

struct others {
	const struct nse_domain *own;
	struct nse_domain all;
	size_t vif_room, addr_room;
};

static bool has_vif(const struct nse_domain *d, const char *name)
{
	for (size_t i = 0; i < d->nvifs; i++)
		if (strcmp(d->vifs[i].name, name) == 0)
			return true;
	return false;
}

static bool has_mac(const struct nse_domain *d, const char *mac)
{
	for (size_t i = 0; i < d->nvifs; i++)
		if (strcmp(d->vifs[i].mac, mac) == 0)
			return true;
	return false;
}

static bool has_addr(const struct nse_domain *d, const struct nse_addr *addr)
{
	for (size_t i = 0; i < d->naddrs; i++)
		if (nse_addr_equal(&d->addrs[i], addr))
			return true;
	return false;
}

/*
 * Is it the domain itself? The copy that is arriving has another name, and the
 * same uuid. Of a scope without a name its interfaces and addresses tell.
 */
static bool is_own(const struct nse_domain *own, const struct nse_domain *d)
{
	if (own->uuid[0] && strcmp(own->uuid, d->uuid) == 0)
		return true;
	if (own->name[0])
		return strcmp(own->name, d->name) == 0;
	for (size_t i = 0; i < d->nvifs; i++)
		if (has_vif(own, d->vifs[i].name))
			return true;
	for (size_t i = 0; i < d->naddrs; i++)
		if (has_addr(own, &d->addrs[i]))
			return true;
	return false;
}

/* Twice the room when it is full, or NULL without memory. */
static void *grown(void *items, size_t n, size_t *room, size_t size)
{
	void *p;

	if (n < *room)
		return items;
	p = realloc(items, (*room ? 2 * *room : 16) * size);
	if (p)
		*room = *room ? 2 * *room : 16;
	return p;
}

static int add_vif(struct others *o, const struct nse_vif *vif)
{
	struct nse_vif *to;

	if (has_vif(o->own, vif->name))
		return 0;
	to = grown(o->all.vifs, o->all.nvifs, &o->vif_room, sizeof(*to));
	if (!to)
		return -ENOMEM;
	o->all.vifs = to;
	to += o->all.nvifs++;
	*to = *vif;
	if (has_mac(o->own, vif->mac))
		to->mac[0] = '\0';
	return 0;
}

static int add_addr(struct others *o, const struct nse_addr *addr)
{
	struct nse_addr *to;

	if (has_addr(o->own, addr))
		return 0;
	to = grown(o->all.addrs, o->all.naddrs, &o->addr_room, sizeof(*to));
	if (!to)
		return -ENOMEM;
	o->all.addrs = to;
	to[o->all.naddrs++] = *addr;
	return 0;
}

static int add_domain(void *arg, const struct nse_domain *d)
{
	struct others *o = arg;
	int rc = 0;

	if (is_own(o->own, d))
		return 0;
	for (size_t i = 0; i < d->nvifs && rc == 0; i++)
		rc = add_vif(o, &d->vifs[i]);
	for (size_t i = 0; i < d->naddrs && rc == 0; i++)
		rc = add_addr(o, &d->addrs[i]);
	return rc;
}

int nse_scope_others(const struct nse_config *cfg, struct nse_platform *platform,
		     struct nse_scope *scope, struct nse_error *err)
{
	struct others o = { .own = &scope->domain };
	int rc;

	nse_domain_init(&o.all);
	rc = nse_scope_each_domain(cfg, platform, true, add_domain, &o, err);
	if (rc < 0) {
		nse_domain_release(&o.all);
		return rc == -ENOMEM ? nse_error(err, rc, "out of memory") : rc;
	}
	nse_domain_release(&scope->others);
	scope->others = o.all;
	return 0;
}
