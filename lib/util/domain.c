/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A domain as plain data, and its JSON form, which may come from a script
 * or from a peer and is therefore checked field by field.
 */
#include "lib/util/domain.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void nse_domain_init(struct nse_domain *d)
{
	memset(d, 0, sizeof(*d));
	d->id = -1;
}

void nse_domain_release(struct nse_domain *d)
{
	if (!d)
		return;
	free(d->vifs);
	free(d->addrs);
	nse_domain_init(d);
}

static int append(void **items, size_t *n, size_t max, const void *item, size_t size)
{
	void *p;

	if (*n >= max)
		return -E2BIG;
	p = realloc(*items, (*n + 1) * size);
	if (!p)
		return -ENOMEM;
	memcpy((char *)p + *n * size, item, size);
	*items = p;
	++*n;
	return 0;
}

int nse_domain_add_addr(struct nse_domain *d, const struct nse_addr *addr)
{
	size_t i;

	for (i = 0; i < d->naddrs; i++)
		if (nse_addr_equal(&d->addrs[i], addr))
			return 0;
	return append((void **)&d->addrs, &d->naddrs, NSE_DOMAIN_MAX_ADDRS, addr,
		      sizeof(*addr));
}

int nse_domain_add_vif(struct nse_domain *d, const struct nse_vif *vif)
{
	size_t i;

	for (i = 0; i < d->nvifs; i++)
		if (strcmp(d->vifs[i].name, vif->name) == 0)
			return 0;
	return append((void **)&d->vifs, &d->nvifs, NSE_DOMAIN_MAX_VIFS, vif,
		      sizeof(*vif));
}

static int copy_list(void *to, const void *from, size_t n, size_t size)
{
	void *p = n ? malloc(n * size) : NULL;

	if (n && !p)
		return -ENOMEM;
	if (n)
		memcpy(p, from, n * size);
	memcpy(to, &p, sizeof(p));
	return 0;
}

int nse_domain_copy(struct nse_domain *to, const struct nse_domain *from)
{
	struct nse_domain d = *from;

	d.vifs = NULL;
	d.addrs = NULL;
	if (copy_list(&d.vifs, from->vifs, from->nvifs, sizeof(*d.vifs)) < 0 ||
	    copy_list(&d.addrs, from->addrs, from->naddrs, sizeof(*d.addrs)) < 0) {
		nse_domain_release(&d);
		return -ENOMEM;
	}
	nse_domain_release(to);
	*to = d;
	return 0;
}

json_t *nse_domain_to_json(const struct nse_domain *d)
{
	json_t *vifs = json_array(), *addrs = json_array();
	char text[NSE_ADDR_STR];
	int rc = 0;

	for (size_t i = 0; i < d->nvifs; i++)
		rc |= json_array_append_new(
			vifs, json_pack("{s:i, s:s, s:s, s:s}", "devid", d->vifs[i].devid,
					"name", d->vifs[i].name, "mac", d->vifs[i].mac,
					"bridge", d->vifs[i].bridge));
	for (size_t i = 0; i < d->naddrs; i++)
		rc |= json_array_append_new(
			addrs, json_string(nse_addr_format(&d->addrs[i], text)));
	if (rc) {
		/* Not UTF-8, or no memory: an object with less in it would be a lie. */
		json_decref(vifs);
		json_decref(addrs);
		return NULL;
	}
	return json_pack("{s:s, s:s, s:i, s:o, s:o}", "name", d->name, "uuid", d->uuid,
			 "id", d->id, "vifs", vifs, "addresses", addrs);
}

/* Copies an optional string member of printable text into room bytes. */
static int get_text(const json_t *obj, const char *field, char *out, size_t room,
		    struct nse_error *err)
{
	const json_t *v = json_object_get(obj, field);

	out[0] = '\0';
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_string(v) || json_string_length(v) >= room ||
	    strlen(json_string_value(v)) != json_string_length(v))
		return nse_error(err, -EPROTO,
				 "domain: field \"%s\" is not a string below %zu bytes",
				 field, room);
	for (const char *p = json_string_value(v); *p; p++)
		if (iscntrl((unsigned char)*p))
			return nse_error(err, -EPROTO,
					 "domain: field \"%s\" has a control character",
					 field);
	memcpy(out, json_string_value(v), json_string_length(v) + 1);
	return 0;
}

static int get_int(const json_t *obj, const char *field, int least, int fallback,
		   int *out, struct nse_error *err)
{
	const json_t *v = json_object_get(obj, field);

	*out = fallback;
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < least ||
	    json_integer_value(v) > INT_MAX)
		return nse_error(err, -EPROTO,
				 "domain: field \"%s\" is not a number from %d", field,
				 least);
	*out = (int)json_integer_value(v);
	return 0;
}

int nse_ifname_check(const char *name, struct nse_error *err)
{
	size_t len = strlen(name);
	bool ok = len > 0 && len < IFNAMSIZ && strcmp(name, ".") && strcmp(name, "..");

	for (const char *p = name; ok && *p; p++)
		ok = *p != '/' && *p != ':' && isgraph((unsigned char)*p);
	return ok ? 0
		  : nse_error(err, -EINVAL,
			      "'%s' is not an interface name (1 to %d bytes, no space, "
			      "no '/' or ':')",
			      name, IFNAMSIZ - 1);
}

static void lower(char *text)
{
	for (; *text; text++)
		*text = (char)tolower((unsigned char)*text);
}

/* Each x of the form stands for a hexadecimal digit. */
static bool has_form(const char *text, const char *form)
{
	for (; *form; form++, text++)
		if (*form == 'x' ? !isxdigit((unsigned char)*text) : *text != *form)
			return false;
	return *text == '\0';
}

static int get_vif(const json_t *v, struct nse_domain *d, struct nse_error *err)
{
	struct nse_vif vif = { 0 };
	int rc;

	if (!json_is_object(v))
		return nse_error(err, -EPROTO, "domain: a vif is not an object");
	if ((rc = get_int(v, "devid", 0, (int)d->nvifs, &vif.devid, err)) < 0 ||
	    (rc = get_text(v, "name", vif.name, sizeof(vif.name), err)) < 0 ||
	    (rc = get_text(v, "mac", vif.mac, sizeof(vif.mac), err)) < 0 ||
	    (rc = get_text(v, "bridge", vif.bridge, sizeof(vif.bridge), err)) < 0)
		return rc;
	if (nse_ifname_check(vif.name, err) < 0 ||
	    (vif.bridge[0] && nse_ifname_check(vif.bridge, err) < 0)) {
		nse_error_prefix(err, "domain");
		if (err)
			err->code = -EPROTO;
		return -EPROTO;
	}
	lower(vif.mac);
	if (vif.mac[0] && !has_form(vif.mac, "xx:xx:xx:xx:xx:xx"))
		return nse_error(err, -EPROTO,
				 "domain: the mac of %s is not of the form "
				 "00:16:3e:00:00:0a",
				 vif.name);
	rc = nse_domain_add_vif(d, &vif);
	if (rc == -ENOMEM)
		return nse_error(err, rc, "out of memory");
	return rc < 0 ? nse_error(err, -EPROTO, "domain: more than %d vifs",
				  NSE_DOMAIN_MAX_VIFS)
		      : 0;
}

static int get_addr(const json_t *v, struct nse_domain *d, struct nse_error *err)
{
	struct nse_addr addr;
	int rc;

	if (!json_is_string(v) || nse_addr_parse(json_string_value(v), &addr, err) < 0)
		return nse_error(err, -EPROTO, "domain: an address is not valid");
	rc = nse_domain_add_addr(d, &addr);
	if (rc == -ENOMEM)
		return nse_error(err, rc, "out of memory");
	return rc < 0 ? nse_error(err, -EPROTO, "domain: more than %d addresses",
				  NSE_DOMAIN_MAX_ADDRS)
		      : 0;
}

static int fill(const json_t *json, struct nse_domain *d, struct nse_error *err)
{
	const json_t *list, *v;
	size_t i;
	int rc;

	if ((rc = get_text(json, "name", d->name, sizeof(d->name), err)) < 0 ||
	    (rc = get_text(json, "uuid", d->uuid, sizeof(d->uuid), err)) < 0 ||
	    (rc = get_int(json, "id", -1, -1, &d->id, err)) < 0)
		return rc;
	lower(d->uuid);
	if (d->uuid[0] && !has_form(d->uuid, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"))
		return nse_error(err, -EPROTO,
				 "domain: the uuid is not of the form "
				 "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
	list = json_object_get(json, "vifs");
	if (list && !json_is_array(list))
		return nse_error(err, -EPROTO, "domain: \"vifs\" is not a list");
	json_array_foreach(list, i, v) if ((rc = get_vif(v, d, err)) < 0) return rc;
	list = json_object_get(json, "addresses");
	if (list && !json_is_array(list))
		return nse_error(err, -EPROTO, "domain: \"addresses\" is not a list");
	json_array_foreach(list, i, v) if ((rc = get_addr(v, d, err)) < 0) return rc;
	return 0;
}

int nse_domain_from_json(const json_t *json, struct nse_domain *out,
			 struct nse_error *err)
{
	struct nse_domain d;
	int rc;

	if (!json_is_object(json))
		return nse_error(err, -EPROTO, "domain: not a JSON object");
	nse_domain_init(&d);
	rc = fill(json, &d, err);
	if (rc < 0) {
		nse_domain_release(&d);
		return rc;
	}
	nse_domain_release(out);
	*out = d;
	return 0;
}
