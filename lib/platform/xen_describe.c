/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A Xen domain as plain data: identity and vifs from libxenlight, names of
 * the vifs from xenstore, addresses by the rules of claims.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/platform/claims.h"
#include "lib/platform/xen_ctx.h"
#include "lib/util/cleanup.h"

struct nics {
	libxl_device_nic *list;
	int n;
};

static void nics_release(struct nics *nics)
{
	if (nics->list)
		libxl_device_nic_list_free(nics->list, nics->n);
}

/* The interface's name on this host: configured, in xenstore, or by rule. */
static void vif_name(struct nse_xen_ctx *x, uint32_t domid, libxl_device_nic *nic,
		     char out[IFNAMSIZ])
{
	NSE_FREE char *stored = NULL;
	libxl_nicinfo info;

	if (nic->ifname && nse_ifname_check(nic->ifname, NULL) == 0) {
		snprintf(out, IFNAMSIZ, "%s", nic->ifname);
		return;
	}
	libxl_nicinfo_init(&info);
	if (libxl_device_nic_getinfo(x->libxl, domid, nic, &info) == 0 && info.backend)
		stored = nse_xen_read(x, "%s/vifname", info.backend);
	libxl_nicinfo_dispose(&info);
	if (stored && nse_ifname_check(stored, NULL) == 0)
		snprintf(out, IFNAMSIZ, "%s", stored);
	else
		snprintf(out, IFNAMSIZ, "vif%u.%d", domid, nic->devid);
}

static int add_nic(struct nse_xen_ctx *x, uint32_t domid, libxl_device_nic *nic,
		   struct nse_domain *d)
{
	struct nse_vif vif = { .devid = nic->devid };
	int rc;

	vif_name(x, domid, nic, vif.name);
	snprintf(vif.mac, sizeof(vif.mac), LIBXL_MAC_FMT, LIBXL_MAC_BYTES(nic->mac));
	if (nic->bridge && nse_ifname_check(nic->bridge, NULL) == 0)
		snprintf(vif.bridge, sizeof(vif.bridge), "%s", nic->bridge);
	rc = nse_domain_add_vif(d, &vif);
	if (rc == 0 && nic->ip)
		rc = nse_claims_configured(d, nic->ip);
	return rc;
}

static int add_nics(struct nse_xen_ctx *x, uint32_t domid, struct nse_domain *d)
{
	NSE_CLEANUP(nics_release) struct nics nics = { 0 };
	int rc = 0;

	nics.list = libxl_device_nic_list(x->libxl, domid, &nics.n);
	for (int i = 0; nics.list && i < nics.n && rc == 0; i++)
		rc = add_nic(x, domid, &nics.list[i], d);
	return rc;
}

/* Reads an address that the guest wrote; anything else is skipped. */
static void publish(struct nse_domain *wanted, char *text)
{
	struct nse_addr addr;

	if (text && nse_addr_parse(text, &addr, NULL) == 0)
		nse_domain_add_addr(wanted, &addr);
	free(text);
}

/* attr/vif/DEVID/ipv4/0 and so on, and the older attr/ethDEVID/ip. */
static void published(struct nse_xen_ctx *x, uint32_t domid, int devid,
		      struct nse_domain *wanted)
{
	static const char *const families[] = { "ipv4", "ipv6" };
	char path[128];

	for (size_t f = 0; f < NSE_ARRAY_SIZE(families); f++) {
		NSE_FREE char **names = NULL;
		unsigned int n = 0;

		snprintf(path, sizeof(path), "/local/domain/%u/attr/vif/%d/%s", domid,
			 devid, families[f]);
		names = xs_directory(x->xs, XBT_NULL, path, &n);
		for (unsigned int i = 0; names && i < n; i++)
			publish(wanted, nse_xen_read(x, "%s/%s", path, names[i]));
	}
	publish(wanted, nse_xen_read(x, "/local/domain/%u/attr/eth%d/ip", domid, devid));
}

/* What the administrator gave to other domains is theirs. */
static int take_others(struct nse_xen_ctx *x, uint32_t domid, struct nse_domain *taken)
{
	libxl_dominfo *list;
	int n = 0, rc = 0;

	list = libxl_list_domain(x->libxl, &n);
	for (int i = 0; list && i < n && rc == 0; i++) {
		NSE_CLEANUP(nics_release) struct nics nics = { 0 };

		if (list[i].domid == domid || list[i].domid == 0)
			continue;
		nics.list = libxl_device_nic_list(x->libxl, list[i].domid, &nics.n);
		for (int k = 0; nics.list && k < nics.n && rc == 0; k++)
			if (nics.list[k].ip)
				rc = nse_claims_configured(taken, nics.list[k].ip);
	}
	if (list)
		libxl_dominfo_list_free(list, n);
	return rc;
}

static int add_claims(struct nse_xen_ctx *x, uint32_t domid, struct nse_domain *d,
		      struct nse_error *err)
{
	NSE_CLEANUP(nse_claims_release) struct nse_claims claims;
	int rc;

	nse_claims_init(&claims);
	for (size_t i = 0; i < d->nvifs; i++)
		published(x, domid, d->vifs[i].devid, &claims.wanted);
	rc = take_others(x, domid, &claims.taken);
	if (rc < 0)
		return nse_errno(err, rc, "reading the addresses of other domains");
	return nse_claims_settle(&claims, d, err);
}

int nse_xen_describe(struct nse_xen_ctx *x, uint32_t domid, bool claims,
		     struct nse_domain *d, struct nse_error *err)
{
	NSE_FREE char *name = NULL;
	libxl_dominfo info;
	int rc;

	nse_domain_release(d);
	rc = nse_xen_info(x, domid, &info);
	if (rc == 0)
		snprintf(d->uuid, sizeof(d->uuid), LIBXL_UUID_FMT,
			 LIBXL_UUID_BYTES(info.uuid));
	libxl_dominfo_dispose(&info);
	name = rc == 0 ? libxl_domid_to_name(x->libxl, domid) : NULL;
	if (rc == 0 && !name)
		rc = -ENOENT;
	if (rc < 0)
		return nse_xen_error(x, err, rc, "cannot describe domain %u", domid);
	snprintf(d->name, sizeof(d->name), "%s", name);
	d->id = (int)domid;
	rc = add_nics(x, domid, d);
	if (rc < 0)
		return nse_errno(err, rc, "reading the vifs of domain %s", name);
	/* Where the administrator has spoken, the guest is not asked. */
	return claims && d->naddrs == 0 ? add_claims(x, domid, d, err) : 0;
}
