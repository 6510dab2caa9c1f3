/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading and applying OLD=NEW pairs.
 */
#include "lib/context/map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util/cleanup.h"
#include "lib/util/domain.h"

void nse_map_release(struct nse_map *m)
{
	if (!m)
		return;
	free(m->vifs);
	free(m->zones);
	free(m->addrs);
	free(m->names);
	*m = (struct nse_map)NSE_MAP_INIT;
}

bool nse_map_empty(const struct nse_map *m)
{
	return !m->nvifs && !m->nzones && !m->naddrs && !m->nnames;
}

/* Cuts OLD=NEW at the '='; *to points behind it. */
static char *split(const char *pair, char **to, struct nse_error *err)
{
	const char *eq = strchr(pair, '=');
	char *copy;

	if (!eq || eq == pair || !eq[1]) {
		nse_error(err, -EINVAL, "'%s' is not of the form OLD=NEW", pair);
		return NULL;
	}
	copy = strdup(pair);
	if (!copy) {
		nse_error(err, -ENOMEM, "out of memory");
		return NULL;
	}
	copy[eq - pair] = '\0';
	*to = copy + (eq - pair) + 1;
	return copy;
}

static int append(void **items, size_t *n, const void *item, size_t size,
		  struct nse_error *err)
{
	void *p;

	if (*n >= NSE_MAP_MAX)
		return nse_error(err, -E2BIG, "more than %d mappings", NSE_MAP_MAX);
	p = realloc(*items, (*n + 1) * size);
	if (!p)
		return nse_error(err, -ENOMEM, "out of memory");
	memcpy((char *)p + *n * size, item, size);
	*items = p;
	++*n;
	return 0;
}

static int twice(const char *from, struct nse_error *err)
{
	return nse_error(err, -EINVAL, "'%s' is mapped twice", from);
}

int nse_map_add_vif(struct nse_map *m, const char *pair, struct nse_error *err)
{
	struct nse_map_vif v = { 0 };
	char *to;
	NSE_FREE char *from = split(pair, &to, err);

	if (!from)
		return err ? err->code : -EINVAL;
	if (nse_ifname_check(from, err) < 0 || nse_ifname_check(to, err) < 0)
		return -EINVAL;
	for (size_t i = 0; i < m->nvifs; i++)
		if (strcmp(m->vifs[i].from, from) == 0)
			return twice(from, err);
	memcpy(v.from, from, strlen(from) + 1);
	memcpy(v.to, to, strlen(to) + 1);
	return append((void **)&m->vifs, &m->nvifs, &v, sizeof(v), err);
}

static int parse_zone(const char *text, uint16_t *zone, struct nse_error *err)
{
	unsigned long v;
	char *end;

	v = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || v > UINT16_MAX)
		return nse_error(err, -EINVAL, "'%s' is not a zone (0 to 65535)", text);
	*zone = (uint16_t)v;
	return 0;
}

int nse_map_add_zone(struct nse_map *m, const char *pair, struct nse_error *err)
{
	struct nse_map_zone z;
	char *to;
	NSE_FREE char *from = split(pair, &to, err);

	if (!from)
		return err ? err->code : -EINVAL;
	if (parse_zone(from, &z.from, err) < 0 || parse_zone(to, &z.to, err) < 0)
		return -EINVAL;
	for (size_t i = 0; i < m->nzones; i++)
		if (m->zones[i].from == z.from)
			return twice(from, err);
	return append((void **)&m->zones, &m->nzones, &z, sizeof(z), err);
}

int nse_map_add_addr(struct nse_map *m, const char *pair, struct nse_error *err)
{
	struct nse_map_addr a;
	char *to;
	NSE_FREE char *from = split(pair, &to, err);

	if (!from)
		return err ? err->code : -EINVAL;
	if (nse_addr_parse(from, &a.from, err) < 0 || nse_addr_parse(to, &a.to, err) < 0)
		return -EINVAL;
	if (a.from.family != a.to.family || a.from.prefix != a.to.prefix)
		return nse_error(err, -EINVAL,
				 "'%s': both addresses need one family and prefix length",
				 pair);
	for (size_t i = 0; i < m->naddrs; i++)
		if (nse_addr_equal(&m->addrs[i].from, &a.from))
			return twice(from, err);
	return append((void **)&m->addrs, &m->naddrs, &a, sizeof(a), err);
}

static int check_name(const char *name, struct nse_error *err)
{
	if (strlen(name) > NSE_MAP_NAME_MAX)
		return nse_error(err, -EINVAL, "'%s': a name has at most %d bytes", name,
				 NSE_MAP_NAME_MAX);
	/* Rules' own sets and chains are called so in records. */
	if (name[0] == '@')
		return nse_error(err, -EINVAL, "'%s': no name begins with '@'", name);
	return 0;
}

int nse_map_add_name(struct nse_map *m, const char *pair, struct nse_error *err)
{
	struct nse_map_name n = { 0 };
	char *to;
	NSE_FREE char *from = split(pair, &to, err);

	if (!from)
		return err ? err->code : -EINVAL;
	if (check_name(from, err) < 0 || check_name(to, err) < 0)
		return -EINVAL;
	for (size_t i = 0; i < m->nnames; i++)
		if (strcmp(m->names[i].from, from) == 0)
			return twice(from, err);
	memcpy(n.from, from, strlen(from) + 1);
	memcpy(n.to, to, strlen(to) + 1);
	return append((void **)&m->names, &m->nnames, &n, sizeof(n), err);
}

uint16_t nse_map_zone(const struct nse_map *m, uint16_t zone)
{
	for (size_t i = 0; i < m->nzones; i++)
		if (m->zones[i].from == zone)
			return m->zones[i].to;
	return zone;
}

bool nse_map_prefix(const struct nse_map *m, uint8_t family, uint8_t max, uint8_t *bytes)
{
	const struct nse_map_addr *best = NULL;

	for (size_t i = 0; i < m->naddrs; i++)
		if (m->addrs[i].from.prefix <= max &&
		    nse_addr_covers(&m->addrs[i].from, family, bytes) &&
		    (!best || m->addrs[i].from.prefix > best->from.prefix))
			best = &m->addrs[i];
	if (!best)
		return false;
	for (size_t i = 0; i < nse_addr_size(family); i++) {
		int bits = (int)best->from.prefix - (int)i * 8;
		uint8_t mask = bits >= 8   ? 0xff
			       : bits <= 0 ? 0
					   : (uint8_t)(0xff << (8 - bits));

		bytes[i] = (uint8_t)((best->to.bytes[i] & mask) | (bytes[i] & ~mask));
	}
	return true;
}

bool nse_map_addr(const struct nse_map *m, uint8_t family, uint8_t *bytes)
{
	return nse_map_prefix(m, family, 128, bytes);
}
