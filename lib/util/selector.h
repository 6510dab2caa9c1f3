/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tables and chains of nf_tables by name, as an administrator writes them:
 * FAMILY:TABLE and FAMILY:TABLE:CHAIN; and patterns of such names, in which
 * %n stands for a domain's name, %u for its uuid, %i for its domid, %v for the
 * name of each of its interfaces, and %% for a percent sign.
 */
#ifndef NSE_UTIL_SELECTOR_H
#define NSE_UTIL_SELECTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/util/domain.h"

#define NSE_SELECTOR_MAX 512 /* bytes of a selector or pattern */

enum nse_selector_kind { NSE_SELECTOR_TABLE = 1, NSE_SELECTOR_CHAIN = 2 };

/* Is it a selector (a pattern) of that kind, with a family that exists? */
bool nse_selector_ok(const char *text, enum nse_selector_kind kind);
bool nse_pattern_ok(const char *text, enum nse_selector_kind kind);

/* Does %v stand in the pattern, so that it has to be expanded for each vif? */
bool nse_pattern_has_vif(const char *pattern);

/*
 * Expands a (good) pattern for a domain and one of its vifs (NULL: none) into
 * `to` (NSE_SELECTOR_MAX + 1 bytes): 1, 0 when something of the domain that it
 * asks for is not known, -EINVAL when the outcome is no selector of that kind
 * (a name with a colon or a space).
 */
int nse_pattern_expand(const char *pattern, enum nse_selector_kind kind,
		       const struct nse_domain *d, const char *vif, char *to);

#endif
