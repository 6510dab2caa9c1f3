/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * This host's expectations: looked up, listed, and told apart by zone, which
 * the kernel does not show.
 */
#ifndef NSE_ENGINE_EXPECT_HOST_H
#define NSE_ENGINE_EXPECT_HOST_H

#include "lib/context/scope.h"
#include "lib/engine/expect_msg.h"
#include "lib/netlink/nl.h"

struct nse_expect_list {
	struct nse_expect *items; /* owned */
	size_t n, cap;
};

void nse_expect_list_release(struct nse_expect_list *l);

/* A socket for all that follows. */
int nse_expect_open(struct nse_nl **nl, struct nse_error *err);

/* The entry that e names as its master: 0, or -ENOENT without a text. */
int nse_expect_host_master(struct nse_nl *nl, const struct nse_expect *e,
			   struct ct_entry *master, struct nse_error *err);

/*
 * What the kernel has in the place of e: the expectation that would match what
 * e expects, whole, with the kernel's id. -ENOENT without a text for nothing.
 */
int nse_expect_host_find(struct nse_nl *nl, const struct nse_expect *e,
			 struct nse_expect *live, struct nse_error *err);

/* All expectations, without zones and the masters' reply sources. */
int nse_expect_host_all(struct nse_nl *nl, struct nse_expect_list *l,
			struct nse_error *err);

/* Those of the master of e, complete. */
int nse_expect_host_siblings(struct nse_nl *nl, const struct nse_expect *e,
			     struct nse_expect_list *l, struct nse_error *err);

/*
 * All expectations in zones that the scope could mean, complete. What vanishes
 * meanwhile is left out.
 */
int nse_expect_host_list(struct nse_nl *nl, const struct nse_scope *scope,
			 struct nse_expect_list *l, struct nse_error *err);

#endif
