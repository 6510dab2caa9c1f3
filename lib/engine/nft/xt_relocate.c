/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names of interfaces in the structures of xtables' extensions. iptables
 * writes "-i" and "-o" as nf_tables' own expressions; what is left are the
 * ports of a bridge (physdev) and where a copy goes (TEE).
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/ifname.h"

/*
 * struct xt_physdev_info (linux/netfilter/xt_physdev.h cannot stand beside
 * net/if.h): two names, each with its mask behind it, and two bytes of flags.
 */
#define PHYSDEV_IN   0
#define PHYSDEV_OUT  (2 * IFNAMSIZ)
#define PHYSDEV_SIZE (4 * IFNAMSIZ + 2)

#define TEE_OIF 16 /* struct xt_tee_tginfo: behind the gateway's address */

/* How many bytes the mask compares; -1 for one that has holes. */
static int mask_len(const uint8_t *mask)
{
	int n = 0;

	while (n < IFNAMSIZ && mask[n] == 0xff)
		n++;
	for (int i = n; i < IFNAMSIZ; i++)
		if (mask[i])
			return -1;
	return n;
}

/*
 * "vif5.0" is compared with its NUL, of "vif5.+" the five bytes ahead of the
 * plus sign, which iptables leaves there.
 */
static int map_masked(const struct nse_map *map, uint8_t *name, uint8_t *mask)
{
	size_t len = strnlen((const char *)name, IFNAMSIZ), end;
	int n = mask_len(mask), rc;
	char to[IFNAMSIZ];
	bool whole, plus;

	if (n <= 0 || len == 0 || len == IFNAMSIZ)
		return 0;
	whole = (size_t)n > len;
	plus = !whole && name[n] == '+';
	rc = whole ? nse_map_ifname(map, (const char *)name, len, to)
		   : nse_map_ifprefix(map, (const char *)name, (size_t)n, to);
	if (rc <= 0)
		return rc;
	end = strlen(to);
	if (plus && end + 1 >= IFNAMSIZ)
		return -ENAMETOOLONG;
	memset(name, 0, IFNAMSIZ);
	memset(mask, 0, IFNAMSIZ);
	memcpy(name, to, end);
	if (plus)
		name[end] = '+';
	memset(mask, 0xff, end + whole);
	return 1;
}

static int map_physdev(const struct nse_map *map, uint8_t *info, size_t n)
{
	int in, out;

	if (n < PHYSDEV_SIZE)
		return 0;
	in = map_masked(map, info + PHYSDEV_IN, info + PHYSDEV_IN + IFNAMSIZ);
	if (in < 0)
		return in;
	out = map_masked(map, info + PHYSDEV_OUT, info + PHYSDEV_OUT + IFNAMSIZ);
	return out < 0 ? out : in || out;
}

static int map_tee(const struct nse_map *map, uint8_t *info, size_t n)
{
	char to[IFNAMSIZ];
	size_t len;
	int rc;

	if (n < TEE_OIF + IFNAMSIZ)
		return 0;
	len = strnlen((const char *)info + TEE_OIF, IFNAMSIZ);
	if (len == 0 || len == IFNAMSIZ)
		return 0;
	rc = nse_map_ifname(map, (const char *)info + TEE_OIF, len, to);
	if (rc > 0)
		memcpy(info + TEE_OIF, to, IFNAMSIZ);
	return rc;
}

int nft_xt_relocate(const struct nse_map *map, const struct nft_site *site,
		    struct nse_buf *to)
{
	bool physdev = nse_bytes_equal(site->name, nft_str("physdev"));
	size_t at = to->len;
	int rc;

	if (!physdev && !nse_bytes_equal(site->name, nft_str("TEE")))
		return 0;
	rc = nse_buf_put(to, site->data.p, site->data.n);
	if (rc < 0)
		return rc;
	rc = physdev ? map_physdev(map, to->data + at, site->data.n)
		     : map_tee(map, to->data + at, site->data.n);
	if (rc <= 0)
		to->len = at;
	return rc;
}
