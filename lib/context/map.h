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
#include "lib/util/buf.h"
#include "lib/util/error.h"

#define NSE_MAP_MAX	 1024 /* pairs of each sort */
#define NSE_MAP_NAME_MAX 255  /* bytes of a name in a pair */

struct nse_map_vif {
	char from[IFNAMSIZ], to[IFNAMSIZ];
};
struct nse_map_zone {
	uint16_t from, to;
};
struct nse_map_addr {
	struct nse_addr from, to; /* hosts or equal-length prefixes of one family */
};
struct nse_map_name {
	char from[NSE_MAP_NAME_MAX + 1], to[NSE_MAP_NAME_MAX + 1];
};

struct nse_map {
	struct nse_map_vif *vifs; /* all owned */
	size_t nvifs;
	struct nse_map_zone *zones;
	size_t nzones;
	struct nse_map_addr *addrs;
	size_t naddrs;
	struct nse_map_name *names; /* of tables, chains, sets and objects */
	size_t nnames;
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
int nse_map_add_name(struct nse_map *m, const char *pair, struct nse_error *err);

/* Is there nothing to rewrite? */
bool nse_map_empty(const struct nse_map *m);

/* The zone's new number (its own when it is not mapped). */
uint16_t nse_map_zone(const struct nse_map *m, uint16_t zone);

/* Rewrites the 4 or 16 bytes in place when they are mapped; true if so. */
bool nse_map_addr(const struct nse_map *m, uint8_t family, uint8_t *bytes);

/* The same for a prefix of that many bits: only pairs that hold all of it count. */
bool nse_map_prefix(const struct nse_map *m, uint8_t family, uint8_t bits,
		    uint8_t *bytes);

/*
 * The new name of an interface: 1, or 0 when it keeps its own. "vif5.1=vif9.1"
 * is about vif5.1 and its device model's vif5.1-emu, not about vif5.10.
 * -ENAMETOOLONG when an interface cannot have the new name.
 */
int nse_map_ifname(const struct nse_map *m, const char *name, size_t n,
		   char to[IFNAMSIZ]);

/*
 * The same for all interfaces whose names begin with those n bytes:
 * "vif5.1=vif9.1" makes vif9. of vif5. as well. -EINVAL when the pairs do not
 * agree on what it would be.
 */
int nse_map_ifprefix(const struct nse_map *m, const char *prefix, size_t n,
		     char to[IFNAMSIZ]);

/*
 * The new name of anything else: that of its pair, else with the names of
 * interfaces in it replaced where no letter, digit or dot is next to them
 * (fw-vif5.1). Appends it and returns 1, or 0 with nothing appended; -errno of
 * the buffer.
 */
int nse_map_name(const struct nse_map *m, const char *name, size_t n, struct nse_buf *to);

#endif
