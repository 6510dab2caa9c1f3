/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a target lets in: only what lies in the announced scope, and a scope
 * that its own configuration allows. A hostile source harms no other domain.
 */
#ifndef NSE_SESSION_POLICY_H
#define NSE_SESSION_POLICY_H

#include "lib/context/context.h"
#include "lib/context/scope.h"
#include "lib/util/config.h"
#include "lib/util/error.h"

/*
 * -EPERM with a text when the configuration does not allow the scope: `all`,
 * no address, or an address outside [receive] allow.
 */
int nse_policy_scope(const struct nse_config *config, const struct nse_scope *scope,
		     struct nse_error *err);

/*
 * Checks every record: known and well formed (nse_engines_check()), and in
 * the scope; -EPERM names the first that is not.
 */
int nse_policy_context(const struct nse_scope *scope, const struct nse_context *ctx,
		       struct nse_error *err);

#endif
