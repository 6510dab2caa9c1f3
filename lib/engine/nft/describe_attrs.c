/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Attributes as members of JSON objects, by the tables of describe.c and
 * describe_expr.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/describe_private.h"
#include "lib/engine/nft/words.h"

static int list_of(struct nft_describer *d, json_t *o, struct nse_bytes list,
		   const struct nft_shown *fields);

/* A member that is a list: the one that is there already, or a new one. */
static json_t *list_in(json_t *o, const char *name)
{
	json_t *list = json_object_get(o, name);

	if (list)
		return list;
	list = json_array();
	return nft_json_set(o, name, list) < 0 ? NULL : list;
}

static uint64_t number(struct nse_bytes b)
{
	uint64_t v = 0;

	for (size_t i = 0; i < b.n && i < 8; i++)
		v = v << 8 | b.p[i];
	return v;
}

static int set_flags(json_t *o, const struct nft_shown *f, uint32_t v)
{
	json_t *list = list_in(o, f->name);
	char text[16];

	for (uint32_t bit = 1; list && bit; bit <<= 1) {
		const char *name = nft_word(f->more, bit);

		snprintf(text, sizeof(text), "0x%x", bit);
		if ((v & bit) &&
		    json_array_append_new(list, json_string(name ? name : text)) < 0)
			return -ENOMEM;
	}
	return list ? 0 : -ENOMEM;
}

/*
 * The values of one expression become members of the state. Where there are
 * such already, they go into the list `more` with the expression's name. What
 * stands in a set or in an expression is a pattern for elements: it counts
 * nothing, and is zero as a rule.
 */
static int merge_values(struct nft_describer *d, struct nse_bytes name, json_t *values)
{
	bool pattern = d->depth > 0 || d->key->type == NFT_SET;
	bool taken = pattern, zero = true;
	json_t *more;

	for (void *i = json_object_iter(values); i;
	     i = json_object_iter_next(values, i)) {
		json_t *v = json_object_iter_value(i);

		taken |= json_object_get(d->out, json_object_iter_key(i)) != NULL;
		zero &= json_is_integer(v) && json_integer_value(v) == 0;
	}
	if (json_object_size(values) == 0 || (pattern && zero))
		return 0;
	if (!taken)
		return json_object_update(d->out, values) < 0 ? -ENOMEM : 0;
	more = list_in(d->out, "more");
	if (!more || nft_json_text(values, "name", name) < 0)
		return -ENOMEM;
	return json_array_append(more, values) < 0 ? -ENOMEM : 0;
}

static int add_expr(struct nft_describer *d, json_t *list, struct nse_bytes expr)
{
	struct nse_bytes name = nft_attr_str(nft_attr_find(expr, NFTA_EXPR_NAME));
	struct nse_bytes data = nft_attr_find(expr, NFTA_EXPR_DATA);
	json_t *o = json_object(), *outer = d->values;
	int rc;

	if (json_array_append_new(list, o) < 0)
		return -ENOMEM;
	d->values = json_object();
	rc = d->values ? nft_json_text(o, "name", name) : -ENOMEM;
	d->depth++;
	if (rc == 0)
		rc = list_of(d, o, data, nft_expr_rows(name));
	d->depth--;
	if (rc == 0)
		rc = merge_values(d, name, d->values);
	json_decref(d->values);
	d->values = outer;
	return rc;
}

static int set_exprs(struct nft_describer *d, json_t *o, const char *name,
		     struct nse_bytes exprs)
{
	struct nse_cur c = nse_cur(exprs.p, exprs.n);
	json_t *list = list_in(o, name);
	struct nft_attr a;
	int rc = 0;

	while (list && rc == 0 && nft_attr_next(&c, &a) > 0)
		rc = add_expr(d, list, a.data);
	return list ? rc : -ENOMEM;
}

/* nft(8)'s userdata: u8 type, u8 length, bytes. */
static int set_comment(json_t *o, const struct nft_shown *f, struct nse_bytes udata)
{
	struct nse_cur c = nse_cur(udata.p, udata.n);
	const uint8_t *comment = f->more, *p;
	struct nse_bytes text = { NULL, 0 };
	bool others = false;
	uint8_t type, n;

	while (nse_get_u8(&c, &type) == 0) {
		if (nse_get_u8(&c, &n) < 0 || nse_get_bytes(&c, n, &p) < 0) {
			others = true;
			break;
		}
		if (type == *comment && !text.p)
			text = nft_attr_str((struct nse_bytes){ p, n });
		others |= type != *comment || !text.p;
	}
	if (text.p && nft_json_text(o, f->name, text) < 0)
		return -ENOMEM;
	return others ? nft_json_hex(o, "userdata", udata) : 0;
}

/* nft(8) has six bits for each part of a concatenation, the first uppermost. */
static int set_types(json_t *o, const struct nft_shown *f, uint32_t types)
{
	char text[256] = "";
	size_t len = 0;

	if (types == NFT_DATA_VERDICT)
		return nft_json_set(o, f->name, json_string("verdict"));
	for (int shift = 30; shift >= 0; shift -= 6) {
		uint32_t type = types >> shift & 0x3f;
		const char *name = nft_datatype_name(type);

		if (!type && !len && shift)
			continue;
		if (!name)
			return nft_json_word(o, f->name, NULL, types);
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s",
					len ? " . " : "", name);
	}
	return nft_json_set(o, f->name, json_string(text));
}

static int set_names(json_t *o, const char *name, struct nse_bytes names)
{
	struct nse_cur c = nse_cur(names.p, names.n);
	json_t *list = list_in(o, name), *one = json_object();
	struct nft_attr a;
	int rc = list && one ? 0 : -ENOMEM;

	while (rc == 0 && nft_attr_next(&c, &a) > 0) {
		rc = nft_json_text(one, "name", nft_attr_str(a.data));
		if (rc == 0 && json_array_append(list, json_object_get(one, "name")) < 0)
			rc = -ENOMEM;
	}
	json_decref(one);
	return rc;
}

static int set_lengths(json_t *o, const char *name, struct nse_bytes elems)
{
	struct nse_cur c = nse_cur(elems.p, elems.n);
	json_t *list = list_in(o, name);
	struct nft_attr a;

	while (list && nft_attr_next(&c, &a) > 0) {
		uint32_t v = nft_attr_u32(nft_attr_find(a.data, NFTA_SET_FIELD_LEN));

		if (json_array_append_new(list, json_integer(v)) < 0)
			return -ENOMEM;
	}
	return list ? 0 : -ENOMEM;
}

static int set_seconds(json_t *o, const char *name, struct nse_bytes list)
{
	struct nse_cur c = nse_cur(list.p, list.n);
	json_t *seconds = json_object();
	int rc = nft_json_set(o, name, seconds);
	struct nft_attr a;
	char type[8];

	while (rc == 0 && nft_attr_next(&c, &a) > 0) {
		snprintf(type, sizeof(type), "%u", a.type);
		rc = nft_json_number(seconds, type, number(a.data));
	}
	return rc;
}

/* Attributes that hold a number. */
static int set_number(json_t *o, const struct nft_shown *f, struct nse_bytes b)
{
	uint64_t v = number(b);
	const char *name = NULL;

	switch (f->how) {
	case AS_HOST:
		return nft_json_number(o, f->name, nft_host_number(b));
	case AS_SIGNED:
		return nft_json_set(o, f->name, json_integer((int32_t)v));
	case AS_WORD:
		name = v <= UINT32_MAX ? nft_word(f->more, v) : NULL;
		return nft_json_word(o, f->name, name, v);
	case AS_FLAGS:
		return set_flags(o, f, v);
	case AS_FAMILY:
		name = v <= UINT8_MAX ? nft_family_name(v) : NULL;
		return nft_json_word(o, f->name, name, v);
	case AS_TYPES:
		return set_types(o, f, v);
	default:
		return nft_json_number(o, f->name, v);
	}
}

static int set_one(struct nft_describer *d, json_t *o, const struct nft_shown *f,
		   const struct nft_attr *a)
{
	struct nse_bytes b = a->data;
	json_t *list;

	switch (f->how) {
	case AS_VALUE:
		return nft_describe_value(d, f->name, b);
	case AS_DATA:
		return nft_describe_data(d, o, f->name, b);
	case AS_FIELDS:
		return list_of(d, o, b, f->more);
	case AS_OBJECT:
		return list_of(d, o, b, nft_object_rows(d->key->objtype));
	case AS_EXPR:
		list = list_in(o, f->name);
		return list ? add_expr(d, list, b) : -ENOMEM;
	case AS_EXPRS:
		return set_exprs(d, o, f->name, b);
	case AS_COMMENT:
		return set_comment(o, f, b);
	case AS_HOOK:
		return nft_json_word(o, f->name,
				     nft_hook_name(d->key->family, nft_attr_u32(b)),
				     nft_attr_u32(b));
	case AS_NAMES:
		return set_names(o, f->name, b);
	case AS_LENGTHS:
		return set_lengths(o, f->name, b);
	case AS_SECONDS:
		return set_seconds(o, f->name, b);
	case AS_TEXT:
		return nft_json_text(o, f->name, nft_attr_str(b));
	case AS_HEX:
		return nft_json_hex(o, f->name, b);
	case AS_NOTHING:
		return 0;
	default:
		return b.n <= 8 ? set_number(o, f, b) : nft_json_hex(o, f->name, b);
	}
}

static int list_of(struct nft_describer *d, json_t *o, struct nse_bytes list,
		   const struct nft_shown *fields)
{
	struct nse_cur c = nse_cur(list.p, list.n);
	struct nft_attr a;
	char name[32];
	int rc = 0;

	while (rc == 0 && nft_attr_next(&c, &a) > 0) {
		const struct nft_shown *f = fields;

		while (f->name && f->attr != a.type)
			f++;
		/* What has no name here is not passed over in silence. */
		snprintf(name, sizeof(name), "attribute_%u", a.type);
		if (f->name)
			rc = set_one(d, o, f, &a);
		else if (a.data.n)
			rc = nft_json_hex(o, name, a.data);
	}
	return rc;
}

static int set_interfaces(json_t *o, const struct nft_ifnames *names)
{
	json_t *list = names->n ? list_in(o, "interfaces") : NULL;

	for (unsigned int i = 0; i < names->n; i++)
		if (!list ||
		    json_array_append_new(list, json_string(names->names[i])) < 0)
			return -ENOMEM;
	return 0;
}

int nft_describe_attrs(const struct nft_key *key, struct nse_bytes attrs,
		       const struct nft_shown *fields, struct nse_bytes values,
		       json_t *body, json_t *state)
{
	struct nft_describer d = { .key = key, .out = state };
	int rc;

	if (nft_ifindex_split(attrs, &attrs, &d.names) < 0)
		return -EBADMSG;
	d.state = nse_cur(values.p, values.n);
	d.values = json_object();
	rc = d.values ? nft_walk_in(key->family, key->type, attrs, NULL,
				    nft_describe_site, &d, NULL)
		      : -ENOMEM;
	rc = rc ?: list_of(&d, body, attrs, fields);
	rc = rc ?: set_interfaces(body, &d.names);
	rc = rc ?: merge_values(&d, nft_str(nft_kinds[key->type].type), d.values);
	json_decref(d.values);
	free(d.told);
	return rc;
}
