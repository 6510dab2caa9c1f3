/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a platform knows of a domain: plain data that every floor may hold.
 */
#ifndef NSE_UTIL_DOMAIN_H
#define NSE_UTIL_DOMAIN_H

#include <net/if.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "lib/util/addr.h"
#include "lib/util/error.h"

#define NSE_DOMAIN_NAME_MAX  256
#define NSE_DOMAIN_MAX_VIFS  64
#define NSE_DOMAIN_MAX_ADDRS 1024

struct nse_vif {
	int devid;	       /* 0 is the domain's first interface */
	char name[IFNAMSIZ];   /* on the host, as vif5.0 */
	char mac[18];	       /* 00:16:3e:00:00:0a, lower case; "" unknown */
	char bridge[IFNAMSIZ]; /* "" when it is in none */
};

struct nse_domain {
	char name[NSE_DOMAIN_NAME_MAX]; /* "" for a scope without a domain */
	char uuid[37];			/* lower case text, "" when unknown */
	int id;				/* domid; -1 when unknown */
	struct nse_vif *vifs;		/* owned */
	size_t nvifs;
	struct nse_addr *addrs; /* owned */
	size_t naddrs;
};

/* Makes an empty domain (id -1) of the caller's memory. */
void nse_domain_init(struct nse_domain *d);

/* Frees what the domain owns and empties it. */
void nse_domain_release(struct nse_domain *d);

/* Replaces *to by a deep copy. 0 or -ENOMEM. */
int nse_domain_copy(struct nse_domain *to, const struct nse_domain *from);

/*
 * Appends unless it is there already. 0, -ENOMEM, or -E2BIG past the limits
 * above.
 */
int nse_domain_add_addr(struct nse_domain *d, const struct nse_addr *addr);
int nse_domain_add_vif(struct nse_domain *d, const struct nse_vif *vif);

/*
 * JSON as in the script platform's `describe`: {"name","uuid","id","vifs":
 * [{"devid","name","mac","bridge"}],"addresses":["192.0.2.1", …]}.
 * to_json returns a new reference, or NULL without memory. from_json takes
 * hostile input: every field is checked, -EPROTO with a text otherwise; on
 * success *d (initialised) holds the result.
 */
json_t *nse_domain_to_json(const struct nse_domain *d);
int nse_domain_from_json(const json_t *json, struct nse_domain *d, struct nse_error *err);

/* Is it a usable interface name (1 to 15 bytes, no '/', no space, not . or ..)? */
int nse_ifname_check(const char *name, struct nse_error *err);

#endif
