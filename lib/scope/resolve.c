/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Puts a scope together: what the platform says of the domain, what the
 * configuration adds, what the command line adds. The order matters only for
 * the error texts, since all of it is a union.
 */
#include "lib/scope/resolve.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int merge_domain(struct nse_domain *to, const struct nse_domain *from,
			struct nse_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < from->naddrs && rc == 0; i++)
		rc = nse_domain_add_addr(to, &from->addrs[i]);
	for (size_t i = 0; i < from->nvifs && rc == 0; i++)
		rc = nse_domain_add_vif(to, &from->vifs[i]);
	return rc < 0 ? nse_errno(err, rc, "cannot put the scope together") : 0;
}

static int merge_config(struct nse_scope *to, const struct nse_domain_config *from,
			struct nse_error *err)
{
	int rc = merge_domain(&to->domain, &from->domain, err);

	for (size_t i = 0; i < from->nzones && rc == 0; i++)
		rc = nse_scope_add_zone(to, from->zones[i], err);
	return rc;
}

static int merge_given(struct nse_scope *to, const struct nse_scope *given,
		       struct nse_error *err)
{
	int rc = merge_domain(&to->domain, &given->domain, err);

	to->all |= given->all;
	to->carry_shared |= given->carry_shared;
	for (size_t i = 0; i < given->nzones && rc == 0; i++)
		rc = nse_scope_add_zone(to, given->zones[i], err);
	for (size_t i = 0; i < given->ntables && rc == 0; i++)
		rc = nse_scope_add_table(to, given->tables[i], err);
	for (size_t i = 0; i < given->nchains && rc == 0; i++)
		rc = nse_scope_add_chain(to, given->chains[i], err);
	return rc;
}

/* Names for the text of "no such domain". */
struct names {
	char text[400];
	size_t n, left_out;
};

static void add_name(struct names *l, const char *name)
{
	size_t len = strlen(l->text);

	if (len + strlen(name) + 3 > sizeof(l->text)) {
		l->left_out++;
		return;
	}
	snprintf(l->text + len, sizeof(l->text) - len, "%s%s", l->n++ ? ", " : "", name);
}

static int each_name(void *arg, const struct nse_domain *d)
{
	add_name(arg, d->name);
	return 0;
}

static int no_such_domain(const struct nse_config *cfg, struct nse_platform *platform,
			  const char *domain, struct nse_error *err)
{
	struct names l = { .n = 0 };
	char more[64] = "";

	if (platform)
		platform->ops->list(platform, each_name, &l, NULL);
	for (size_t i = 0; cfg && i < cfg->ndomains; i++)
		add_name(&l, cfg->domains[i].domain.name);
	if (l.left_out)
		snprintf(more, sizeof(more), " and %zu more", l.left_out);
	if (l.n)
		return nse_error(err, -ENOENT,
				 "there is no domain '%s' here; there are: %s%s", domain,
				 l.text, more);
	if (!platform)
		return nse_error(
			err, -ENOENT,
			"there is no domain '%s': this host has no platform and its "
			"configuration names no domain\ngive --addr, --zone or --vif "
			"instead, or --platform, or see nsemig.conf(5)",
			domain);
	return nse_error(err, -ENOENT,
			 "there is no domain '%s' here; there is none at all", domain);
}

/* The platform's and the configuration's share of a domain. */
static int describe(const struct nse_config *cfg, struct nse_platform *platform,
		    const char *domain, struct nse_scope *s, struct nse_error *err)
{
	const struct nse_domain_config *conf;
	int rc = -ENOENT;

	if (platform)
		rc = platform->ops->describe(platform, domain, &s->domain, err);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	/* By id the platform found a name, by which the configuration knows it. */
	conf = cfg ? nse_config_domain(cfg, rc == 0 ? s->domain.name : domain) : NULL;
	if (rc < 0 && !conf)
		return no_such_domain(cfg, platform, domain, err);
	if (rc < 0)
		snprintf(s->domain.name, sizeof(s->domain.name), "%s", domain);
	return conf ? merge_config(s, conf, err) : 0;
}

/* The configured domain that has the interface, or NULL. */
static const struct nse_domain_config *config_of_vif(const struct nse_config *cfg,
						     const char *ifname)
{
	for (size_t i = 0; cfg && i < cfg->ndomains; i++)
		for (size_t v = 0; v < cfg->domains[i].domain.nvifs; v++)
			if (strcmp(cfg->domains[i].domain.vifs[v].name, ifname) == 0)
				return &cfg->domains[i];
	return NULL;
}

/* Addresses behind the interfaces that have been chosen. */
static int add_behind_vifs(const struct nse_config *cfg, struct nse_scope *s,
			   struct nse_error *err)
{
	size_t n = s->domain.nvifs;
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		const char *ifname = s->domain.vifs[i].name;
		const struct nse_domain_config *conf = config_of_vif(cfg, ifname);

		if (conf)
			rc = merge_config(s, conf, err);
		else
			rc = nse_scope_learn_vif(ifname, &s->domain, err);
		/* The platform may name an interface that is not there yet. */
		if (rc == -ENODEV && s->domain.name[0])
			rc = 0;
	}
	return rc;
}

static int no_address(const struct nse_scope *s, struct nse_error *err)
{
	const char *what = s->domain.name[0] ? "domain" : "interface";
	const char *name = s->domain.name[0] ? s->domain.name : s->domain.vifs[0].name;

	return nse_error(
		err, -EDESTADDRREQ,
		"no address is known for %s %s: nothing would be in its scope\n"
		"give --addr ADDR, or set addresses in a [domain NAME] section of "
		"nsemig.conf(5)",
		what, name);
}

/* Would a conntrack entry or an nft object be in scope at all? */
static bool selects(const struct nse_scope *s)
{
	return s->all || s->domain.naddrs || s->nzones || s->ntables || s->nchains;
}

static int fill(const struct nse_config *cfg, struct nse_platform *platform,
		const char *domain, const struct nse_scope *given, struct nse_scope *s,
		struct nse_error *err)
{
	int rc = 0;

	if (domain)
		rc = describe(cfg, platform, domain, s, err);
	if (rc == 0 && given)
		rc = merge_given(s, given, err);
	if (rc < 0)
		return rc;
	if (nse_scope_empty(s)) {
		nse_error(err, -EINVAL,
			  "nothing is chosen: give a DOMAIN, --addr, --vif, --zone, "
			  "--table, --chain or --all");
		return nse_advise(err, "`nsemig help COMMAND` tells what a command "
				       "works on, `nsemig help` which there are");
	}
	/*
	 * The kernel's tables are asked only where nobody knows better: what
	 * they have learnt need not be all.
	 */
	if (!s->all && !s->domain.naddrs && !s->nzones)
		rc = add_behind_vifs(cfg, s, err);
	if (rc < 0)
		return rc;
	return selects(s) ? 0 : no_address(s, err);
}

int nse_scope_resolve(const struct nse_config *cfg, struct nse_platform *platform,
		      const char *domain, const struct nse_scope *given,
		      struct nse_scope *scope, struct nse_error *err)
{
	int rc;

	nse_scope_release(scope);
	rc = fill(cfg, platform, domain, given, scope, err);
	if (rc == 0 && !scope->all)
		rc = nse_scope_add_patterns(cfg, scope, err)
			     ?: nse_scope_others(cfg, platform, scope, err);
	if (rc < 0)
		nse_scope_release(scope);
	return rc;
}
