/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parts of conntrack's preflight.
 */
#ifndef NSE_ENGINE_CT_PREFLIGHT_H
#define NSE_ENGINE_CT_PREFLIGHT_H

#include "lib/engine/ct_entry.h"
#include "lib/engine/engine.h"

/*
 * What holds for any context: is there connection tracking, and how is it set
 * up? 0 or -ENOMEM.
 */
int ct_preflight_host(struct nse_problems *p);

/*
 * Finds that outside addresses of NAT are none of this host (as->scope says
 * whose flows they are), that zones and marks mean nothing here. 0 or -errno.
 */
int ct_preflight_local(const struct nse_context *ctx, const struct nse_arrival *as,
		       struct nse_problems *p, struct nse_error *err);

/*
 * The command that ends the entry of this host which keeps e out; "" when
 * there is none (any more). Returns out.
 */
#define CT_MEND 256
const char *ct_preflight_mend_clash(const struct ct_entry *e, char out[CT_MEND]);

#endif
