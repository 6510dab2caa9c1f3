/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * /etc/nsemig/nsemig.conf (or $NSEMIG_CONFIG), an inih file. nsemig.conf(5)
 * documents the keys; an unknown key is an error with its line number.
 */
#ifndef NSE_UTIL_CONFIG_H
#define NSE_UTIL_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "lib/util/domain.h"
#include "lib/util/error.h"

#define NSE_CONFIG_DEFAULT    "/etc/nsemig/nsemig.conf"
#define NSE_STATE_DIR_DEFAULT "/run/nsemig"

/* Patterns of tables and chains (selector.h). */
struct nse_patterns {
	char **tables; /* owned */
	size_t ntables;
	char **chains; /* owned */
	size_t nchains;
};

/* [domain NAME]: what the platform does not know of a domain. */
struct nse_domain_config {
	struct nse_domain domain; /* name, vifs and addresses that are added */
	uint16_t *zones;	  /* owned */
	size_t nzones;
	struct nse_patterns nft; /* beside those of [nft] */
};

struct nse_config {
	char platform[512];	/* "" or xen or script:PROGRAM */
	char state_dir[512];	/* journals and locks */
	struct nse_addr *allow; /* [receive] allow = PREFIX …; none: any; owned */
	size_t nallow;
	struct nse_patterns nft;	   /* [nft] tables and chains */
	struct nse_patterns allow_nft;	   /* [receive] allow-nft */
	struct nse_domain_config *domains; /* owned */
	size_t ndomains;
};

/*
 * Reads the file; a missing default file is an empty configuration, a missing
 * $NSEMIG_CONFIG is an error. -EINVAL with file, line and key in the text.
 */
int nse_config_load(struct nse_config *c, struct nse_error *err);
void nse_config_release(struct nse_config *c);

/* The section of a domain, or NULL. */
const struct nse_domain_config *nse_config_domain(const struct nse_config *c,
						  const char *name);

#endif
