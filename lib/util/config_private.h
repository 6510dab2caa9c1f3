/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the reader of the configuration (config.c) and its table of keys
 * (config_keys.c) share.
 */
#ifndef NSE_UTIL_CONFIG_PRIVATE_H
#define NSE_UTIL_CONFIG_PRIVATE_H

#include "lib/util/config.h"

/* Room for one more of size bytes at the end, or NULL. */
void *nse_config_grow(void **items, size_t n, size_t size);

/*
 * Takes a value into the members of *c that are made of the key, if any. The
 * text of a list may be a part of it. -EINVAL, -E2BIG or -ENOMEM with a text.
 */
int nse_config_apply(struct nse_config *c, const struct nse_config_key *key,
		     const char *subject, const char *text, struct nse_error *err);

/* Is it the value of the key, and of the subject (NULL: of any)? */
bool nse_config_is(const struct nse_config_value *v, const struct nse_config_key *key,
		   const char *subject);

/* Frees these members, and sets them to what holds when nothing is set. */
void nse_config_reset(struct nse_config *c);

#endif
