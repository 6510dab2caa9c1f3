/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The target's policy over scope and records.
 */
#include "lib/session/policy.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/engine/registry.h"

static bool allowed(const struct nse_config *config, const struct nse_addr *addr)
{
	if (!config->nallow)
		return true;
	for (size_t i = 0; i < config->nallow; i++)
		if (config->allow[i].prefix <= addr->prefix &&
		    nse_addr_covers(&config->allow[i], addr->family, addr->bytes))
			return true;
	return false;
}

int nse_policy_scope(const struct nse_config *config, const struct nse_scope *scope,
		     struct nse_error *err)
{
	char text[NSE_ADDR_STR];

	if (scope->all)
		return nse_error(err, -EPERM,
				 "a migration's scope is one domain, not the whole host");
	if (!scope->domain.name[0] || !scope->domain.naddrs)
		return nse_error(err, -EPERM, "the scope names no domain or no address");
	for (size_t i = 0; i < scope->domain.naddrs; i++)
		if (!allowed(config, &scope->domain.addrs[i]))
			return nse_error(
				err, -EPERM,
				"this host does not accept the address %s ([receive] "
				"allow in its nsemig.conf)",
				nse_addr_format(&scope->domain.addrs[i], text));
	return 0;
}

static int outside(const struct nse_record *rec, struct nse_error *err)
{
	json_t *json = nse_record_to_json(rec);
	char *text = json ? json_dumps(json_object_get(json, "key"), JSON_COMPACT) : NULL;

	nse_error(err, -EPERM, "a record is outside the announced scope: %s %s %s",
		  rec->kind->engine, rec->kind->type, text ? text : "");
	free(text);
	json_decref(json);
	return -EPERM;
}

int nse_policy_context(const struct nse_scope *scope, const struct nse_context *ctx,
		       struct nse_error *err)
{
	struct nse_record rec;
	int rc = nse_engines_check(ctx, err);

	for (uint32_t s = 0; rc == 0 && s < nse_context_slots(ctx); s++) {
		if (!nse_context_at(ctx, s, &rec))
			continue;
		if (!nse_engine_find(rec.kind->engine)->in_scope(scope, &rec))
			rc = outside(&rec, err);
	}
	return rc;
}
