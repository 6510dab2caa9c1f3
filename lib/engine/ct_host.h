/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What this host offers to conntrack entries that arrive.
 */
#ifndef NSE_ENGINE_CT_HOST_H
#define NSE_ENGINE_CT_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/engine/ct_entry.h"
#include "lib/util/error.h"

/* A number of /proc/sys/net/netfilter/nf_conntrack_NAME; -1 when it is not there. */
int64_t ct_host_sysctl(const char *name);

/* How many entries may still be created; UINT64_MAX when there is no limit. */
uint64_t ct_host_room(void);

/*
 * For which families NAT works: the kernel translates only while some nat
 * chain is registered, and says nothing otherwise.
 */
struct ct_nat {
	bool v4, v6;
};
int ct_host_nat(struct ct_nat *nat, struct nse_error *err);

#define CT_NAT_MEND(l3)                                                                  \
	((l3) == 4 ? "nft 'add table ip nat; add chain ip nat postrouting "              \
		     "{ type nat hook postrouting priority 100; }'"                      \
		   : "nft 'add table ip6 nat; add chain ip6 nat postrouting "            \
		     "{ type nat hook postrouting priority 100; }'")

/*
 * Do labels stay? 1, 0 or -errno. Found with an entry of an experimental
 * protocol between loopback addresses, which is removed at once.
 */
int ct_host_labels(struct nse_error *err);

/* A helper for a protocol, and whether it can be attached here. */
struct ct_helper {
	char name[CT_HELPER_NAME];
	uint8_t l3, l4;
	bool available;
};

/*
 * Fills `available` of each, by attaching it in a network namespace of its
 * own that ends with the call. 0 or -errno.
 */
int ct_host_helpers(struct ct_helper *helpers, size_t n, struct nse_error *err);

#endif
