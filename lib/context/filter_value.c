/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Finds the fields of records, and compares them with the values of filters:
 * numbers, addresses, ranges of both, and texts.
 */
#include "lib/context/filter_value.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/context/filter.h"
#include "lib/util/cleanup.h"

/* Reads a number up to its end (decimal, or hexadecimal with 0x). */
static const char *number(const char *p, uint64_t *v)
{
	bool hex = p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
	char *end;

	if (!isdigit((unsigned char)*p) || (hex && !isxdigit((unsigned char)p[2])))
		return NULL;
	errno = 0;
	*v = strtoull(p, &end, hex ? 16 : 10);
	return errno ? NULL : end;
}

static bool to_address(const char *text, struct nse_addr *addr)
{
	struct nse_error unused;

	return nse_addr_parse(text, addr, &unused) == 0;
}

static bool understand_range(struct nse_filter_value *v)
{
	const char *dash = strchr(v->text, '-');
	NSE_FREE char *low = dash ? strndup(v->text, (size_t)(dash - v->text)) : NULL;

	return low && to_address(low, &v->addr) && to_address(dash + 1, &v->addr_to) &&
	       nse_addr_is_host(&v->addr) && nse_addr_is_host(&v->addr_to) &&
	       v->addr.family == v->addr_to.family &&
	       memcmp(v->addr.bytes, v->addr_to.bytes, nse_addr_size(v->addr.family)) <=
		       0;
}

static void understand(struct nse_filter_value *v)
{
	const char *end = number(v->text, &v->from);

	v->to = v->from;
	if (end && *end == '-')
		end = number(end + 1, &v->to);
	v->is_number = end && !*end && v->from <= v->to;
	if (v->is_number)
		return;
	v->is_addr = to_address(v->text, &v->addr);
	if (!v->is_addr)
		v->is_addr = v->is_range = understand_range(v);
}

int nse_filter_value_set(struct nse_filter_value *v, const char *text, size_t n,
			 bool quoted)
{
	*v = (struct nse_filter_value){ .text = strndup(text, n) };
	if (!v->text)
		return -ENOMEM;
	if (!quoted)
		understand(v);
	return 0;
}

void nse_filter_value_release(struct nse_filter_value *v)
{
	free(v->text);
	v->text = NULL;
}

bool nse_filter_value_is_misspelt(const struct nse_filter_value *v)
{
	size_t n = strspn(v->text, "0123456789./-"), dots = 0;

	for (const char *p = v->text; *p; p++)
		dots += *p == '.';
	return !v->is_number && !v->is_addr && n && !v->text[n] &&
	       (dots >= 3 ||
		(!dots && isdigit((unsigned char)*v->text) && strpbrk(v->text, "/-")));
}

bool nse_filter_value_is_one(const struct nse_filter_value *v)
{
	return v->is_number && v->from == v->to;
}

static bool in_addresses(const struct nse_filter_value *v, const struct nse_addr *a)
{
	size_t n = nse_addr_size(a->family);

	if (!v->is_range)
		return a->prefix >= v->addr.prefix &&
		       nse_addr_covers(&v->addr, a->family, a->bytes);
	return a->family == v->addr.family && nse_addr_is_host(a) &&
	       memcmp(a->bytes, v->addr.bytes, n) >= 0 &&
	       memcmp(a->bytes, v->addr_to.bytes, n) <= 0;
}

static bool match_text(const struct nse_filter_value *v, const char *text,
		       enum nse_filter_op op)
{
	struct nse_addr a;

	if (op == NSE_FILTER_HAS)
		return strcasestr(text, v->text) != NULL;
	if (op != NSE_FILTER_EQ)
		return false;
	if (v->is_addr && to_address(text, &a))
		return in_addresses(v, &a);
	return strcasecmp(text, v->text) == 0;
}

static bool match_number(const struct nse_filter_value *v, json_int_t field,
			 enum nse_filter_op op)
{
	bool below = field < 0 || (uint64_t)field < v->from;
	bool above = field >= 0 && (uint64_t)field > v->to;

	if (!v->is_number)
		return false;
	switch (op) {
	case NSE_FILTER_EQ:
		return !below && !above;
	case NSE_FILTER_LT:
		return below;
	case NSE_FILTER_LE:
		return !above;
	case NSE_FILTER_GT:
		return above;
	case NSE_FILTER_GE:
		return !below;
	default:
		return false;
	}
}

bool nse_filter_value_match(const struct nse_filter_value *v, const json_t *field,
			    enum nse_filter_op op)
{
	size_t i;
	const json_t *item;

	if (json_is_array(field)) {
		json_array_foreach(field, i, item) if (!json_is_array(item) &&
						       nse_filter_value_match(
							       v, item, op)) return true;
		return false;
	}
	if (json_is_integer(field))
		return match_number(v, json_integer_value(field), op);
	if (json_is_boolean(field))
		return op == NSE_FILTER_EQ &&
		       !strcmp(v->text, json_is_true(field) ? "true" : "false");
	return json_is_string(field) && match_text(v, json_string_value(field), op);
}

/* Follows a dotted path down from an object. */
static const json_t *descend(const json_t *at, const char *path)
{
	while (at) {
		size_t n = strcspn(path, ".");
		char name[64];

		if (n >= sizeof(name))
			return NULL;
		memcpy(name, path, n);
		name[n] = '\0';
		at = json_object_get(at, name);
		if (!path[n])
			return at;
		path += n + 1;
	}
	return NULL;
}

const json_t *nse_filter_field(const json_t *rec, const char *path)
{
	static const char *const parts[] = { "key", "body", "state" };
	const json_t *v, *object = NULL;

	for (size_t i = 0; i < NSE_ARRAY_SIZE(parts); i++) {
		v = descend(json_object_get(rec, parts[i]), path);
		if (v && !json_is_object(v))
			return v;
		object = object ? object : v;
	}
	for (size_t i = 0; i < NSE_ARRAY_SIZE(parts); i++)
		if (strcmp(parts[i], path) == 0)
			return object;
	v = descend(rec, path);
	return v ? v : object;
}
