/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The arriving domain's interfaces: which one of this host's is which one of
 * the source's.
 */
#include "lib/session/arrive.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"

#define NOBODY 0x7ff0 /* the first domain id that Xen reserves */

static const struct nse_vif *by_devid(const struct nse_domain *d, int devid)
{
	for (size_t i = 0; i < d->nvifs; i++)
		if (d->vifs[i].devid == devid)
			return &d->vifs[i];
	return NULL;
}

/*
 * The interface's name here. Xen attaches it after the memory has come, which
 * is after the commit: but what Xen names by itself it names by domain and
 * device, and any other name comes from the configuration and stays.
 */
static void name_here(const struct nse_domain *from, const struct nse_domain *incoming,
		      const struct nse_vif *vif, char name[IFNAMSIZ])
{
	const struct nse_vif *there = by_devid(incoming, vif->devid);
	char own[32];

	snprintf(name, IFNAMSIZ, "%s", vif->name);
	snprintf(own, sizeof(own), "vif%d.%d", from->id, vif->devid);
	if (there && there->name[0]) {
		snprintf(name, IFNAMSIZ, "%s", there->name);
	} else if (incoming->id >= 0 && strcmp(vif->name, own) == 0) {
		snprintf(own, sizeof(own), "vif%d.%d", incoming->id, vif->devid);
		snprintf(name, IFNAMSIZ, "%.*s", IFNAMSIZ - 1, own);
	}
}

static int add_pair(struct nse_map *map, const char *from, const char *to,
		    struct nse_error *err)
{
	char pair[2 * IFNAMSIZ + 2];

	if (strcmp(from, to) == 0)
		return 0;
	snprintf(pair, sizeof(pair), "%s=%s", from, to);
	return nse_map_add_vif(map, pair, err);
}

int nse_arrive_scope(struct nse_platform *p, const struct nse_scope *announced,
		     struct nse_scope *here, struct nse_map *map, struct nse_error *err)
{
	NSE_CLEANUP(nse_domain_release) struct nse_domain incoming;
	const struct nse_domain *from = &announced->domain;
	int rc = nse_scope_copy(here, announced);

	nse_domain_init(&incoming);
	if (rc < 0)
		return nse_error(err, rc, "out of memory");
	if (!p || p->ops->incoming(p, from->name, &incoming, NULL) < 0)
		return 0;
	if (incoming.id >= 0)
		here->domain.id = incoming.id;
	for (size_t i = 0; rc == 0 && i < from->nvifs; i++) {
		char *name = here->domain.vifs[i].name;

		name_here(from, &incoming, &from->vifs[i], name);
		rc = add_pair(map, from->vifs[i].name, name, err);
	}
	return rc;
}

static bool has_vif(const struct nse_domain *d, const char *name)
{
	for (size_t i = 0; i < d->nvifs; i++)
		if (strcmp(d->vifs[i].name, name) == 0)
			return true;
	return false;
}

int nse_arrive_stand_in(const struct nse_scope *announced, struct nse_map *map,
			struct nse_error *err)
{
	const struct nse_domain *d = &announced->domain, nobody = { .id = NOBODY };
	char name[IFNAMSIZ];
	int rc = 0;

	for (size_t i = 0; i < d->nvifs && rc == 0; i++) {
		name_here(d, &nobody, &d->vifs[i], name);
		if (has_vif(&announced->others, d->vifs[i].name))
			rc = add_pair(map, d->vifs[i].name, name, err);
	}
	return rc;
}

int nse_arrive_relocate(struct nse_context **ctx, const struct nse_map *map,
			struct nse_error *err)
{
	struct nse_context *moved = NULL;
	int rc;

	if (nse_map_empty(map))
		return 0;
	rc = nse_engines_relocate(map, *ctx, &moved, err);
	if (rc < 0)
		return rc;
	nse_context_free(*ctx);
	*ctx = moved;
	return 0;
}
