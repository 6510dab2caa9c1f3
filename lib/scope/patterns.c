/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tables and chains of a domain by the patterns of the configuration.
 */
#include <errno.h>

#include "lib/scope/resolve.h"
#include "lib/util/selector.h"

static int expand_one(const char *pattern, enum nse_selector_kind kind, const char *vif,
		      struct nse_scope *scope, struct nse_error *err)
{
	char spec[NSE_SELECTOR_MAX + 2] = "?";
	int rc = nse_pattern_expand(pattern, kind, &scope->domain, vif, spec + 1);

	if (rc < 0)
		return nse_error(err, rc,
				 "the pattern '%s' of the configuration is no name of a "
				 "%s with what domain '%s' is called; rename the domain, "
				 "or use %%u or %%i",
				 pattern, kind == NSE_SELECTOR_TABLE ? "table" : "chain",
				 scope->domain.name);
	if (rc == 0)
		return 0;
	return kind == NSE_SELECTOR_TABLE ? nse_scope_add_table(scope, spec, err)
					  : nse_scope_add_chain(scope, spec, err);
}

static int expand(char *const *patterns, size_t n, enum nse_selector_kind kind,
		  struct nse_scope *scope, struct nse_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		if (!nse_pattern_has_vif(patterns[i]))
			rc = expand_one(patterns[i], kind, NULL, scope, err);
		else
			for (size_t v = 0; v < scope->domain.nvifs && rc == 0; v++)
				rc = expand_one(patterns[i], kind,
						scope->domain.vifs[v].name, scope, err);
	}
	return rc;
}

int nse_scope_expand(const struct nse_patterns *p, struct nse_scope *scope,
		     struct nse_error *err)
{
	return expand(p->tables, p->ntables, NSE_SELECTOR_TABLE, scope, err)
		       ?: expand(p->chains, p->nchains, NSE_SELECTOR_CHAIN, scope, err);
}

int nse_scope_add_patterns(const struct nse_config *cfg, struct nse_scope *scope,
			   struct nse_error *err)
{
	const struct nse_domain_config *conf;
	int rc;

	if (!cfg)
		return 0;
	conf = nse_config_domain(cfg, scope->domain.name);
	rc = nse_scope_expand(&cfg->nft, scope, err);
	return rc < 0 || !conf ? rc : nse_scope_expand(&conf->nft, scope, err);
}
