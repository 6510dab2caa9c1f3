/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Relocation of the nft engine's records. One record knows neither what the
 * bytes of its set's elements are, nor the content of the anonymous sets of
 * its rule: the whole context does.
 */
#ifndef NSE_ENGINE_NFT_RELOCATE_H
#define NSE_ENGINE_NFT_RELOCATE_H

#include "lib/context/context.h"
#include "lib/context/map.h"
#include "lib/engine/nft/walk.h"
#include "lib/util/buf.h"
#include "lib/util/error.h"

/*
 * As nft_relocate() of nft_engine.h; for an element `layout` is that of its
 * set (NULL: the names that it refers to are all that is rewritten).
 */
int nft_relocate_record(const struct nse_map *map, const struct nse_record *rec,
			const struct nft_layout *layout, struct nse_buf *key,
			struct nse_buf *body, struct nse_buf *state,
			struct nse_error *err);

/*
 * Puts all (checked) records of the engine into `to`, rewritten, with the
 * digests of rules made anew. -EEXIST when two of them become one.
 */
int nft_relocate_context(const struct nse_map *map, const struct nse_context *from,
			 struct nse_context *to, struct nse_error *err);

#endif
