/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Relocation maps: what is local to a host and is called otherwise on the
 * next one. Engines apply them to their own records.
 */
#ifndef NSE_CONTEXT_MAP_H
#define NSE_CONTEXT_MAP_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/util/addr.h"
#include "lib/util/error.h"

#define NSE_MAP_MAX 1024 /* pairs of each sort */

struct nse_map_vif {
	char from[IFNAMSIZ], to[IFNAMSIZ];
};
struct nse_map_zone {
	uint16_t from, to;
};
struct nse_map_addr {
	struct nse_addr from, to; /* hosts or equal-length prefixes of one family */
};

struct nse_map {
	struct nse_map_vif *vifs; /* all owned */
	size_t nvifs;
	struct nse_map_zone *zones;
	size_t nzones;
	struct nse_map_addr *addrs;
	size_t naddrs;
};

#define NSE_MAP_INIT                                                                     \
	{                                                                                \
		0                                                                        \
	}

void nse_map_release(struct nse_map *m);

/*
 * Each reads "OLD=NEW" and appends. -EINVAL with a text for bad input or for
 * a second NEW of the same OLD; -ENOMEM, -E2BIG.
 */
int nse_map_add_vif(struct nse_map *m, const char *pair, struct nse_error *err);
int nse_map_add_zone(struct nse_map *m, const char *pair, struct nse_error *err);
int nse_map_add_addr(struct nse_map *m, const char *pair, struct nse_error *err);

/* Is there nothing to rewrite? */
bool nse_map_empty(const struct nse_map *m);

/* The zone's new number (its own when it is not mapped). */
uint16_t nse_map_zone(const struct nse_map *m, uint16_t zone);

/* Rewrites the 4 or 16 bytes in place when they are mapped; true if so. */
bool nse_map_addr(const struct nse_map *m, uint8_t family, uint8_t *bytes);

#endif
