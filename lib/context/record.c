/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names and order of records.
 */
#include "lib/context/record.h"

bool nse_kind_name_ok(const char *name)
{
	size_t n = strnlen(name, NSE_KIND_NAME);

	if (n == 0 || n == NSE_KIND_NAME || name[0] < 'a' || name[0] > 'z')
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

int nse_record_cmp_key(const struct nse_record *a, const struct nse_record *b)
{
	size_t n = a->key.n < b->key.n ? a->key.n : b->key.n;
	int c = 0;

	if (a->kind != b->kind) {
		c = strcmp(a->kind->engine, b->kind->engine);
		if (!c)
			c = strcmp(a->kind->type, b->kind->type);
	}
	if (!c && n)
		c = memcmp(a->key.p, b->key.p, n);
	if (!c)
		c = (a->key.n > b->key.n) - (a->key.n < b->key.n);
	return c;
}
