/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names of interfaces in the forms in which nf_tables compares them, rewritten by a
 * relocation map.
 */
#ifndef NSE_ENGINE_NFT_IFNAME_H
#define NSE_ENGINE_NFT_IFNAME_H

#include "lib/context/map.h"
#include "lib/engine/nft/walk.h"
#include "lib/util/buf.h"

/*
 * The site is an NFT_SITE_IFNAME; `end` says that its bytes are those of an
 * element that ends an interval. Appends the new bytes: 1; 0: as it was, with
 * nothing appended; -ENAMETOOLONG, -EINVAL as nse_map_ifname() and
 * nse_map_ifprefix(), -ENOMEM, -EMSGSIZE.
 *
 *	vif5.0 NUL NUL …	one interface, of up to 16 bytes
 *	vif5.			fewer than 16 bytes, no NUL: all that begin so
 *	vif5. NUL NUL …		first of a range: likewise
 *	vif5. 0xff 0xff …	last of a range: likewise
 *	the last, plus one	end of an interval
 */
int nft_ifname_relocate(const struct nse_map *map, const struct nft_site *site, bool end,
			struct nse_buf *to);

/* The name of a hook's device (NFT_SITE_DEVICE), likewise. */
int nft_device_relocate(const struct nse_map *map, const struct nft_site *site,
			struct nse_buf *to);

#endif
