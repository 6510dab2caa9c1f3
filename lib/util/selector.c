/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Selectors of tables and chains, and their patterns.
 */
#include "lib/util/selector.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/util/cleanup.h"

static bool is_family(const char *text, size_t n)
{
	static const char *const families[] = { "ip",  "ip6",	 "inet",
						"arp", "bridge", "netdev" };

	for (size_t i = 0; i < NSE_ARRAY_SIZE(families); i++)
		if (strlen(families[i]) == n && memcmp(families[i], text, n) == 0)
			return true;
	return false;
}

/* So many colons, something printable at each side of every one? */
static bool has_parts(const char *text, int colons)
{
	size_t part = 0;

	for (; *text; text++) {
		if (*text == ':' && (part == 0 || colons-- == 0))
			return false;
		if ((unsigned char)*text <= ' ' || *text == 0x7f)
			return false;
		part = *text == ':' ? 0 : part + 1;
	}
	return part && colons == 0;
}

bool nse_selector_ok(const char *text, enum nse_selector_kind kind)
{
	return is_family(text, strcspn(text, ":")) && has_parts(text, (int)kind) &&
	       strlen(text) <= NSE_SELECTOR_MAX;
}

bool nse_pattern_ok(const char *text, enum nse_selector_kind kind)
{
	for (const char *p = strchr(text, '%'); p; p = strchr(p + 2, '%'))
		if (!p[1] || !strchr("nuiv%", p[1]))
			return false;
	return nse_selector_ok(text, kind);
}

bool nse_pattern_has_vif(const char *pattern)
{
	for (const char *p = strchr(pattern, '%'); p && p[1]; p = strchr(p + 2, '%'))
		if (p[1] == 'v')
			return true;
	return false;
}

/* What stands for the letter; "" when it is not known. */
static const char *value_of(char letter, const struct nse_domain *d, const char *vif,
			    char number[16])
{
	switch (letter) {
	case 'n':
		return d->name;
	case 'u':
		return d->uuid;
	case 'v':
		return vif ? vif : "";
	case 'i':
		snprintf(number, 16, "%d", d->id);
		return d->id >= 0 ? number : "";
	default:
		return "%";
	}
}

int nse_pattern_expand(const char *pattern, enum nse_selector_kind kind,
		       const struct nse_domain *d, const char *vif, char *to)
{
	size_t len = 0;

	for (const char *p = pattern; *p; p++) {
		char number[16], one[2] = { *p, '\0' };
		const char *value = one;

		if (*p == '%' && p[1])
			value = value_of(*++p, d, vif, number);
		if (!*value)
			return 0;
		if (len + strlen(value) > NSE_SELECTOR_MAX)
			return -EINVAL;
		memcpy(to + len, value, strlen(value) + 1);
		len += strlen(value);
	}
	return len && nse_selector_ok(to, kind) ? 1 : -EINVAL;
}
