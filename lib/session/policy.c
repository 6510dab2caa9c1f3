/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The target's policy over scope and records.
 */
#include "lib/session/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/engine/registry.h"
#include "lib/scope/resolve.h"
#include "lib/util/cleanup.h"

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

static bool may_come(const struct nse_config *config, const char *domain)
{
	const struct nse_config_value *v =
		nse_config_find(config, "domain", domain, "receive");

	return !v || strcmp(v->text, "yes") == 0;
}

static bool is_among(char *const *list, size_t n, const char *spec)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i] + (list[i][0] == '?'), spec + (spec[0] == '?')) == 0)
			return true;
	return false;
}

static int first_outside(char *const *list, size_t n, char *const *allow, size_t nallow,
			 const char *what, struct nse_error *err)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!is_among(allow, nallow, list[i]))
			break;
	if (i == n)
		return 0;
	nse_error(err, -EPERM, "it does not let another host choose the %s '%s'", what,
		  list[i] + (list[i][0] == '?'));
	return nse_advise(err, "name it in [nft] of its nsemig.conf, or in [receive] "
			       "allow-nft");
}

/* The tables and chains that this host would call the domain's. */
static int check_selectors(const struct nse_config *config, const struct nse_scope *scope,
			   struct nse_error *err)
{
	NSE_CLEANUP(nse_scope_release) struct nse_scope own = { 0 };
	int rc;

	if (!scope->ntables && !scope->nchains)
		return 0;
	nse_scope_init(&own);
	rc = nse_domain_copy(&own.domain, &scope->domain);
	if (rc < 0)
		return nse_error(err, rc, "out of memory");
	rc = nse_scope_add_patterns(config, &own, err)
		     ?: nse_scope_expand(&config->allow_nft, &own, err);
	if (rc == 0)
		rc = first_outside(scope->tables, scope->ntables, own.tables, own.ntables,
				   "table", err);
	if (rc == 0)
		rc = first_outside(scope->chains, scope->nchains, own.chains, own.nchains,
				   "chain", err);
	return rc;
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
	if (!may_come(config, scope->domain.name))
		return nse_error(err, -EPERM,
				 "this host does not accept the domain %s (receive = no "
				 "in its [domain %s] section of nsemig.conf)",
				 scope->domain.name, scope->domain.name);
	for (size_t i = 0; i < scope->domain.naddrs; i++)
		if (!allowed(config, &scope->domain.addrs[i])) {
			nse_error(err, -EPERM, "it does not accept the address %s",
				  nse_addr_format(&scope->domain.addrs[i], text));
			return nse_advise(err, "add it to [receive] allow in its "
					       "nsemig.conf, if it is right");
		}
	return check_selectors(config, scope, err);
}

/* Do the two have an address in common? */
static bool overlap(const struct nse_addr *a, const struct nse_addr *b)
{
	return a->family == b->family && (nse_addr_covers(a, b->family, b->bytes) ||
					  nse_addr_covers(b, a->family, a->bytes));
}

static int taken(const char *what, struct nse_error *err)
{
	nse_error(err, -EPERM, "%s of the scope is another domain's on this host", what);
	return nse_advise(err,
			  "find the two in the platform's list of domains (xl list), "
			  "and correct the one that is wrong");
}

static int check_claims(const struct nse_domain *d, const struct nse_domain *others,
			struct nse_error *err)
{
	char text[NSE_ADDR_STR];

	for (size_t i = 0; i < d->naddrs; i++)
		for (size_t k = 0; k < others->naddrs; k++)
			if (overlap(&d->addrs[i], &others->addrs[k]))
				return taken(nse_addr_format(&d->addrs[i], text), err);
	for (size_t i = 0; i < d->nvifs; i++)
		for (size_t k = 0; d->vifs[i].mac[0] && k < others->nvifs; k++)
			if (strcmp(d->vifs[i].mac, others->vifs[k].mac) == 0)
				return taken(d->vifs[i].mac, err);
	return 0;
}

int nse_policy_claims(const struct nse_config *config, struct nse_platform *platform,
		      const struct nse_scope *scope, struct nse_error *err)
{
	NSE_CLEANUP(nse_scope_release) struct nse_scope name = { 0 };
	int rc;

	nse_scope_init(&name);
	/* By its name alone, since the rest is what has to be found out. */
	snprintf(name.domain.name, sizeof(name.domain.name), "%s", scope->domain.name);
	rc = nse_scope_others(config, platform, &name, err);
	return rc < 0 ? rc : check_claims(&scope->domain, &name.others, err);
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

/* An engine with admit() judges its records together. */
static int check_record(const struct nse_scope *scope, const struct nse_record *rec,
			struct nse_error *err)
{
	const struct nse_engine *e = nse_engine_find(rec->kind->engine);

	if (e->admit)
		return 0;
	if (!e->in_scope(scope, rec))
		return outside(rec, err);
	return e->admit_record ? e->admit_record(scope, rec, err) : 0;
}

int nse_policy_records(const struct nse_scope *scope, const struct nse_context *ctx,
		       struct nse_error *err)
{
	struct nse_record rec;
	int rc = nse_engines_check(ctx, err);

	for (uint32_t s = 0; rc == 0 && s < nse_context_slots(ctx); s++)
		if (nse_context_at(ctx, s, &rec))
			rc = check_record(scope, &rec, err);
	return rc;
}

int nse_policy_context(const struct nse_scope *scope, const struct nse_context *ctx,
		       struct nse_error *err)
{
	return nse_policy_records(scope, ctx, err) ?: nse_engines_admit(scope, ctx, err);
}
