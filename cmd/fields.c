/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engines say which fields their records have; this looks a name up in
 * all of them, and finds the one that was probably meant by a misspelt one.
 */
#include "cmd/fields.h"

#include <stdio.h>
#include <string.h>

#include "cmd/options.h"
#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"

static const char *const of_all[] = { "engine", "type", "why", "hex", NULL };

static const char *nth(size_t i)
{
	for (size_t e = 0; nse_engines[e]; e++)
		for (size_t f = 0; nse_engines[e]->fields[f]; f++)
			if (i-- == 0)
				return nse_engines[e]->fields[f];
	return i < NSE_ARRAY_SIZE(of_all) ? of_all[i] : NULL;
}

static bool stands_before(size_t i, const char *name)
{
	while (i-- > 0)
		if (strcmp(nth(i), name) == 0)
			return true;
	return false;
}

const char *cmd_field_name(const void *unused, size_t i)
{
	const char *name;

	(void)unused;
	for (size_t k = 0; (name = nth(k)); k++)
		if (!stands_before(k, name) && i-- == 0)
			return name;
	return NULL;
}

/* "reply" and "timeouts.3" are fields since reply.src and timeouts are. */
static bool is_field(const char *field, const char *known)
{
	size_t n = strlen(field), m = strlen(known), least = n < m ? n : m;

	return strncmp(field, known, least) == 0 &&
	       (n == m || (n < m ? known[n] : field[m]) == '.');
}

static const char *without_part(const char *field)
{
	static const char *const parts[] = { "key.", "body.", "state." };

	for (size_t i = 0; i < NSE_ARRAY_SIZE(parts); i++)
		if (strncmp(field, parts[i], strlen(parts[i])) == 0)
			return field + strlen(parts[i]);
	return field;
}

bool cmd_field_known(void *unused, const char *field, char *why, size_t room)
{
	const char *bare = without_part(field), *near, *name;

	(void)unused;
	for (size_t i = 0; (name = nth(i)); i++)
		if (is_field(bare, name))
			return true;
	if (strncmp(bare, "attribute_", 10) == 0)
		return true;
	near = nse_nearest(bare, cmd_field_name, NULL);
	snprintf(why, room, "no record has a field '%.64s'%s%s%s", field,
		 near ? "; did you mean '" : " (nsemig-json(5) has all names)",
		 near ? near : "", near ? "'?" : "");
	return false;
}

int cmd_filter_parse(struct nse_filter **f, const char *text, struct nse_error *err)
{
	int rc = nse_filter_parse(f, text, err);

	if (rc == 0)
		rc = nse_filter_check(*f, cmd_field_known, NULL, err);
	if (rc == 0)
		return 0;
	nse_filter_free(*f);
	*f = NULL;
	return rc;
}
