/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Interfaces of the context that this host does not have. What hooks into one
 * sees no packet; a rule that asks for one by name matches none, as it did
 * where there was such an interface, until there is one here.
 */
#include "lib/engine/nft/preflight_devices.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "lib/engine/nft/walk.h"
#include "lib/util/cleanup.h"

#define AREA	  "nft"
#define NAMES_MAX 16 /* that are told */

struct device_check {
	struct nft_key key; /* of what is looked at */
	const struct nse_arrival *as;
	struct nse_problems *problems;
	char told[NAMES_MAX][IFNAMSIZ]; /* named by rules */
	size_t ntold;
};

bool nft_comes_later(const char *name)
{
	unsigned int domain, device;

	return sscanf(name, "vif%u.%u", &domain, &device) == 2 ||
	       sscanf(name, "tap%u.%u", &domain, &device) == 2;
}

static bool is_domains(const struct nse_arrival *as, const char *name)
{
	const struct nse_domain *d = as && as->scope ? &as->scope->domain : NULL;

	for (size_t i = 0; d && i < d->nvifs; i++)
		if (strcmp(d->vifs[i].name, name) == 0)
			return true;
	return false;
}

static bool is_missing(const struct device_check *c, const char *name)
{
	return !if_nametoindex(name) && !nft_comes_later(name) &&
	       !is_domains(c->as, name);
}

static int tell_hook(struct device_check *c, const char *name)
{
	char object[512], mend[64];

	nft_key_text(&c->key, object, sizeof(object));
	snprintf(mend, sizeof(mend), "ip link add %s type dummy, or the real one", name);
	return nse_problem_add(
		c->problems, NSE_LOSS, AREA, mend,
		"%s hooks into %s, which is no interface of this host: it "
		"would see no packet until there is one, and older kernels "
		"refuse it",
		object, name);
}

static int tell_name(struct device_check *c, const char *name)
{
	char object[512], mend[64];

	for (size_t i = 0; i < c->ntold; i++)
		if (strcmp(c->told[i], name) == 0)
			return 0;
	if (c->ntold == NAMES_MAX)
		return 0;
	snprintf(c->told[c->ntold++], IFNAMSIZ, "%s", name);
	nft_key_text(&c->key, object, sizeof(object));
	snprintf(mend, sizeof(mend), "ip link set IFNAME name %s", name);
	return nse_problem_add(c->problems, NSE_NOTE, AREA, mend,
			       "%s names %s, which is no interface of this host: it "
			       "matches nothing there until there is one",
			       object, name);
}

static int on_site(void *arg, const struct nft_site *site, struct nse_buf *to)
{
	struct device_check *c = arg;
	char name[IFNAMSIZ];
	size_t n;

	(void)to;
	if (site->op == NFT_OP_OTHER || site->data.n == 0 ||
	    (site->kind != NFT_SITE_DEVICE && site->kind != NFT_SITE_IFNAME))
		return 0;
	n = strnlen((const char *)site->data.p, site->data.n);
	/* Without a NUL among the bytes that are compared it is a wildcard. */
	if (n == 0 || n >= sizeof(name) ||
	    (site->kind == NFT_SITE_IFNAME && n == site->data.n))
		return 0;
	memcpy(name, site->data.p, n);
	name[n] = '\0';
	if (!is_missing(c, name))
		return 0;
	return site->kind == NFT_SITE_DEVICE ? tell_hook(c, name) : tell_name(c, name);
}

static int look_at_type(struct device_check *c, const struct nse_context *ctx,
			const struct nft_order *o, enum nft_type type,
			struct nse_error *err)
{
	const uint32_t *slots = o->slots + o->first[type][0];
	struct nse_record rec;
	int rc = 0;

	for (uint32_t i = 0; i < o->count[type][0] && rc == 0; i++) {
		nse_context_at(ctx, slots[i], &rec);
		rc = nft_key_decode(&rec, &c->key, err);
		if (rc == 0)
			rc = nft_walk_in(c->key.family, type,
					 nft_body_attrs(type, rec.body), NULL, on_site, c,
					 NULL);
	}
	return rc;
}

int nft_device_problems(const struct nse_context *ctx, const struct nft_order *o,
			const struct nse_arrival *as, struct nse_problems *problems,
			struct nse_error *err)
{
	static const enum nft_type types[] = { NFT_CHAIN, NFT_FLOWTABLE, NFT_RULE };
	struct device_check c = { .as = as, .problems = problems };
	int rc = 0;

	for (size_t t = 0; t < NSE_ARRAY_SIZE(types) && rc == 0; t++)
		rc = look_at_type(&c, ctx, o, types[t], err);
	return rc;
}
