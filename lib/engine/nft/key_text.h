/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bytes of elements for people, in messages and in JSON.
 */
#ifndef NSE_ENGINE_NFT_KEY_TEXT_H
#define NSE_ENGINE_NFT_KEY_TEXT_H

#include <stddef.h>

#include "lib/engine/nft/object.h"

#define NFT_ELEMENT_TEXT 320 /* room for the text of any element */

/*
 * The element of a (decoded) key: "10.0.0.1", "10.0.0.1-10.0.0.9", "vif5.0",
 * "0x…", "*" for the catchall. Bytes are read by their number alone.
 */
void nft_element_text(const struct nft_key *key, char *text, size_t n);

#endif
