/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a target lets in: only what lies in the announced scope, and a scope
 * that its own configuration allows. A hostile source harms no other domain.
 */
#ifndef NSE_SESSION_POLICY_H
#define NSE_SESSION_POLICY_H

#include "lib/context/context.h"
#include "lib/context/scope.h"
#include "lib/platform/platform.h"
#include "lib/util/config.h"
#include "lib/util/error.h"

/*
 * -EPERM with a text when the configuration does not allow the scope: `all`,
 * no address, an address outside [receive] allow, or a table or chain that
 * this host's own patterns for the domain ([nft], [domain NAME]) do not name,
 * nor those of [receive] allow-nft.
 */
int nse_policy_scope(const struct nse_config *config, const struct nse_scope *scope,
		     struct nse_error *err);

/*
 * Nobody moves in with what another domain of this host has: -EPERM with a text
 * when an address or a MAC of the scope is that of a domain of another name
 * that runs here, -errno when the platform does not tell. To be asked before
 * the domain arrives.
 */
int nse_policy_claims(const struct nse_config *config, struct nse_platform *platform,
		      const struct nse_scope *scope, struct nse_error *err);

/*
 * Checks records by themselves: known and well formed, and in the scope, as far as
 * one record of its engine tells that. Costs nothing for what is not in ctx.
 */
int nse_policy_records(const struct nse_scope *scope, const struct nse_context *ctx,
		       struct nse_error *err);

/*
 * Checks every record: known and well formed (nse_engines_check()), and in
 * the scope, by itself or in the whole of its engine's records (admit() of
 * engine.h); -EPERM names the first that is not.
 */
int nse_policy_context(const struct nse_scope *scope, const struct nse_context *ctx,
		       struct nse_error *err);

#endif
