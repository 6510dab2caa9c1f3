/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * In what two objects of the same name differ, for people.
 */
#ifndef NSE_ENGINE_NFT_DIFFER_H
#define NSE_ENGINE_NFT_DIFFER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/context/record.h"
#include "lib/engine/nft/object.h"

/* As "hook and priority, policy"; cut to n bytes. */
void nft_differ_text(enum nft_type type, struct nse_bytes a, struct nse_bytes b,
		     char *text, size_t n);

/*
 * Is the element the same as that of the record? Also when it was installed
 * with another timeout (build_fix.h).
 */
bool nft_element_alike(const struct nse_record *rec, struct nse_bytes live);

#endif
