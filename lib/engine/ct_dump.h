/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading the conntrack table.
 */
#ifndef NSE_ENGINE_CT_DUMP_H
#define NSE_ENGINE_CT_DUMP_H

#include "lib/context/scope.h"
#include "lib/engine/ct_entry.h"
#include "lib/netlink/nl.h"

/* Each returns 0 or -errno, which ends the dump. */
struct ct_dump_to {
	int (*entry)(void *arg, const struct ct_entry *e);
	int (*reset)(void *arg); /* what came is void: it comes again */
	void *arg;
};

/*
 * Hands over every entry of the scope, once unless it changed meanwhile. The
 * dump is repeated when the table was resized or the kernel says that it was
 * disturbed; -EAGAIN with a text when it does not succeed undisturbed.
 */
int ct_dump(const struct nse_scope *scope, const struct ct_dump_to *to,
	    struct nse_error *err);

/* Does the entry lie in the scope? */
bool ct_in_scope(const struct nse_scope *scope, const struct ct_entry *e);

/* Does the kernel filter dumps by (IPv4) tuple? 1, 0, or -errno. */
int ct_dump_filters(struct nse_error *err);

#endif
