/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scope: what identifies a domain's share of the host. Plain data with a JSON
 * form; lib/scope finds out what belongs into it.
 *
 * A conntrack entry is in scope when (all) or when its original source or
 * its reply source is one of the addresses (no address: any), and it lies in
 * one of the zones (no zone: any). A scope without addresses and zones holds
 * no conntrack entry unless `all` is set.
 */
#ifndef NSE_CONTEXT_SCOPE_H
#define NSE_CONTEXT_SCOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "lib/util/domain.h"
#include "lib/util/error.h"
#include "lib/util/selector.h"

#define NSE_SCOPE_MAX_ZONES	256
#define NSE_SCOPE_MAX_SELECTORS 1024
#define NSE_SCOPE_SELECTOR_MAX	NSE_SELECTOR_MAX /* bytes of FAMILY:TABLE[:CHAIN] */

struct nse_scope {
	bool all;		  /* everything on the host */
	struct nse_domain domain; /* addresses and vifs are here too */
	uint16_t *zones;	  /* owned */
	size_t nzones;
	/*
	 * Selectors of nft objects. A '?' ahead says that the table or chain may
	 * be missing: such are those that come from a pattern.
	 */
	char **tables; /* [?]FAMILY:NAME; owned */
	size_t ntables;
	char **chains; /* [?]FAMILY:TABLE:NAME; owned */
	size_t nchains;
	bool carry_shared; /* what others use as well is to be carried, too */
	/*
	 * Of this host alone, and not part of the JSON: the interfaces and
	 * addresses of all other domains.
	 */
	struct nse_domain others;
};

void nse_scope_init(struct nse_scope *s);
void nse_scope_release(struct nse_scope *s);
int nse_scope_copy(struct nse_scope *to, const struct nse_scope *from);

/*
 * Each appends once. 0, -ENOMEM, -E2BIG or -EINVAL with a text. A selector
 * without a '?' takes the place of the same one with it.
 */
int nse_scope_add_zone(struct nse_scope *s, uint16_t zone, struct nse_error *err);
int nse_scope_add_table(struct nse_scope *s, const char *spec, struct nse_error *err);
int nse_scope_add_chain(struct nse_scope *s, const char *spec, struct nse_error *err);

/*
 * Every table and chain may be missing from now on: the scope of one host,
 * looked at on another where they do not exist yet. 0 or -ENOMEM.
 */
int nse_scope_relax(struct nse_scope *s);

/* True when nothing at all has been chosen. */
bool nse_scope_empty(const struct nse_scope *s);

/* Is the host address one of the scope's? False when it has none. */
bool nse_scope_has_addr(const struct nse_scope *s, uint8_t family, const uint8_t *bytes);
bool nse_scope_has_zone(const struct nse_scope *s, uint16_t zone);

/*
 * A connection from one address to the other, of which one is the scope's: is the other
 * one among `local`? False when both are the scope's, or none.
 */
bool nse_scope_shares(const struct nse_scope *s, uint8_t family, const uint8_t *from,
		      const uint8_t *to, const struct nse_addr *local, size_t nlocal);

/*
 * {"all":bool,"domain":{…},"zones":[…],"tables":[…],"chains":[…]}. from_json
 * takes hostile input: -EPROTO with a text.
 */
json_t *nse_scope_to_json(const struct nse_scope *s);
int nse_scope_from_json(const json_t *json, struct nse_scope *s, struct nse_error *err);

#endif
