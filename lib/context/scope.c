/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The scope as data: building, membership of addresses and zones, JSON.
 */
#include "lib/context/scope.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util/selector.h"

void nse_scope_init(struct nse_scope *s)
{
	memset(s, 0, sizeof(*s));
	nse_domain_init(&s->domain);
	nse_domain_init(&s->others);
}

static void free_list(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

void nse_scope_release(struct nse_scope *s)
{
	if (!s)
		return;
	nse_domain_release(&s->domain);
	nse_domain_release(&s->others);
	free(s->zones);
	free_list(s->tables, s->ntables);
	free_list(s->chains, s->nchains);
	nse_scope_init(s);
}

int nse_scope_copy(struct nse_scope *to, const struct nse_scope *from)
{
	struct nse_scope s;
	int rc;

	nse_scope_init(&s);
	s.all = from->all;
	s.carry_shared = from->carry_shared;
	rc = nse_domain_copy(&s.domain, &from->domain);
	if (rc == 0)
		rc = nse_domain_copy(&s.others, &from->others);
	for (size_t i = 0; rc == 0 && i < from->nzones; i++)
		rc = nse_scope_add_zone(&s, from->zones[i], NULL);
	for (size_t i = 0; rc == 0 && i < from->ntables; i++)
		rc = nse_scope_add_table(&s, from->tables[i], NULL);
	for (size_t i = 0; rc == 0 && i < from->nchains; i++)
		rc = nse_scope_add_chain(&s, from->chains[i], NULL);
	if (rc < 0) {
		nse_scope_release(&s);
		return rc;
	}
	nse_scope_release(to);
	*to = s;
	return 0;
}

int nse_scope_add_zone(struct nse_scope *s, uint16_t zone, struct nse_error *err)
{
	uint16_t *p;

	for (size_t i = 0; i < s->nzones; i++)
		if (s->zones[i] == zone)
			return 0;
	if (s->nzones >= NSE_SCOPE_MAX_ZONES)
		return nse_error(err, -E2BIG, "more than %d zones", NSE_SCOPE_MAX_ZONES);
	p = realloc(s->zones, (s->nzones + 1) * sizeof(*p));
	if (!p)
		return nse_error(err, -ENOMEM, "out of memory");
	s->zones = p;
	p[s->nzones++] = zone;
	return 0;
}

/* The one in the list that names the same, with or without its '?'. */
static char **find_selector(char **list, size_t n, const char *spec)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i] + (list[i][0] == '?'), spec + (spec[0] == '?')) == 0)
			return &list[i];
	return NULL;
}

static int add_selector(char ***list, size_t *n, const char *spec,
			enum nse_selector_kind kind, const char *form,
			struct nse_error *err)
{
	char **p;

	if (!nse_selector_ok(spec + (spec[0] == '?'), kind))
		return nse_error(
			err, -EINVAL,
			"'%s' is not of the form %s, FAMILY one of ip, ip6, inet, "
			"arp, bridge, netdev",
			spec, form);
	p = find_selector(*list, *n, spec);
	if (p) {
		/* What must be there is more than what may be missing. */
		if (spec[0] != '?' && (*p)[0] == '?')
			memmove(*p, *p + 1, strlen(*p));
		return 0;
	}
	if (*n >= NSE_SCOPE_MAX_SELECTORS)
		return nse_error(err, -E2BIG, "more than %d selectors",
				 NSE_SCOPE_MAX_SELECTORS);
	p = realloc(*list, (*n + 1) * sizeof(*p));
	if (!p)
		return nse_error(err, -ENOMEM, "out of memory");
	*list = p;
	p[*n] = strdup(spec);
	if (!p[*n])
		return nse_error(err, -ENOMEM, "out of memory");
	++*n;
	return 0;
}

int nse_scope_add_table(struct nse_scope *s, const char *spec, struct nse_error *err)
{
	return add_selector(&s->tables, &s->ntables, spec, NSE_SELECTOR_TABLE,
			    "FAMILY:TABLE", err);
}

int nse_scope_add_chain(struct nse_scope *s, const char *spec, struct nse_error *err)
{
	return add_selector(&s->chains, &s->nchains, spec, NSE_SELECTOR_CHAIN,
			    "FAMILY:TABLE:CHAIN", err);
}

static int relax(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t size = strlen(list[i]) + 2;
		char *p;

		if (list[i][0] == '?')
			continue;
		p = realloc(list[i], size);
		if (!p)
			return -ENOMEM;
		memmove(p + 1, p, size - 1);
		p[0] = '?';
		list[i] = p;
	}
	return 0;
}

int nse_scope_relax(struct nse_scope *s)
{
	return relax(s->tables, s->ntables) ?: relax(s->chains, s->nchains);
}

bool nse_scope_empty(const struct nse_scope *s)
{
	return !s->all && !s->domain.name[0] && !s->domain.nvifs && !s->domain.naddrs &&
	       !s->nzones && !s->ntables && !s->nchains;
}

bool nse_scope_has_addr(const struct nse_scope *s, uint8_t family, const uint8_t *bytes)
{
	if (s->all)
		return true;
	if (!s->domain.naddrs)
		return s->nzones > 0;
	for (size_t i = 0; i < s->domain.naddrs; i++)
		if (nse_addr_covers(&s->domain.addrs[i], family, bytes))
			return true;
	return false;
}

bool nse_scope_shares(const struct nse_scope *s, uint8_t family, const uint8_t *from,
		      const uint8_t *to, const struct nse_addr *local, size_t nlocal)
{
	bool is_from = nse_scope_has_addr(s, family, from);

	if (is_from == nse_scope_has_addr(s, family, to))
		return false;
	for (size_t i = 0; i < nlocal; i++)
		if (nse_addr_covers(&local[i], family, is_from ? to : from))
			return true;
	return false;
}

bool nse_scope_has_zone(const struct nse_scope *s, uint16_t zone)
{
	if (s->all || !s->nzones)
		return true;
	for (size_t i = 0; i < s->nzones; i++)
		if (s->zones[i] == zone)
			return true;
	return false;
}

static json_t *list_to_json(char *const *list, size_t n)
{
	json_t *a = json_array();
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		rc |= json_array_append_new(a, json_string(list[i]));
	if (rc) {
		/* Not UTF-8, or no memory: a shorter list would be another scope. */
		json_decref(a);
		return NULL;
	}
	return a;
}

json_t *nse_scope_to_json(const struct nse_scope *s)
{
	json_t *zones = json_array();

	for (size_t i = 0; i < s->nzones; i++)
		json_array_append_new(zones, json_integer(s->zones[i]));
	return json_pack("{s:b, s:o, s:o, s:o, s:o, s:b}", "all", s->all, "domain",
			 nse_domain_to_json(&s->domain), "zones", zones, "tables",
			 list_to_json(s->tables, s->ntables), "chains",
			 list_to_json(s->chains, s->nchains), "carry_shared",
			 s->carry_shared);
}

typedef int add_fn(struct nse_scope *s, const char *spec, struct nse_error *err);

static int list_from_json(const json_t *list, struct nse_scope *s, add_fn *add,
			  struct nse_error *err)
{
	const json_t *v;
	size_t i;

	if (list && !json_is_array(list))
		return nse_error(err, -EPROTO, "scope: a list is expected");
	json_array_foreach(list, i, v)
	{
		int rc = json_is_string(v) ? add(s, json_string_value(v), NULL) : -EINVAL;

		if (rc < 0)
			return nse_error(err, rc == -ENOMEM ? rc : -EPROTO,
					 "scope: selector %zu is not valid", i);
	}
	return 0;
}

static int fill(const json_t *json, struct nse_scope *s, struct nse_error *err)
{
	const json_t *all = json_object_get(json, "all");
	const json_t *domain = json_object_get(json, "domain");
	const json_t *zones = json_object_get(json, "zones"), *v;
	size_t i;
	int rc;

	if (all && !json_is_boolean(all))
		return nse_error(err, -EPROTO, "scope: \"all\" is not true or false");
	s->all = json_is_true(all);
	s->carry_shared = json_is_true(json_object_get(json, "carry_shared"));
	if (domain && (rc = nse_domain_from_json(domain, &s->domain, err)) < 0)
		return rc;
	if (zones && !json_is_array(zones))
		return nse_error(err, -EPROTO, "scope: \"zones\" is not a list");
	json_array_foreach(zones, i, v)
	{
		if (!json_is_integer(v) || json_integer_value(v) < 0 ||
		    json_integer_value(v) > UINT16_MAX)
			return nse_error(err, -EPROTO, "scope: a zone is not 0 to 65535");
		rc = nse_scope_add_zone(s, (uint16_t)json_integer_value(v), NULL);
		if (rc < 0)
			return nse_error(err, rc == -ENOMEM ? rc : -EPROTO,
					 "scope: zone %zu cannot be taken", i);
	}
	rc = list_from_json(json_object_get(json, "tables"), s, nse_scope_add_table, err);
	if (rc < 0)
		return rc;
	return list_from_json(json_object_get(json, "chains"), s, nse_scope_add_chain,
			      err);
}

int nse_scope_from_json(const json_t *json, struct nse_scope *out, struct nse_error *err)
{
	struct nse_scope s;
	int rc;

	if (!json_is_object(json))
		return nse_error(err, -EPROTO, "scope: not a JSON object");
	nse_scope_init(&s);
	rc = fill(json, &s, err);
	if (rc < 0) {
		nse_scope_release(&s);
		return rc;
	}
	nse_scope_release(out);
	*out = s;
	return 0;
}
