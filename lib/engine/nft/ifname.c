/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names of interfaces as nf_tables compares them: 16 bytes with NULs behind
 * the name, fewer bytes for a wildcard, and both as ends of intervals.
 */
#include "lib/engine/nft/ifname.h"

#include <errno.h>
#include <string.h>

/* Length of the name when all behind it are `pad`s; else the whole length. */
static size_t unpadded(const uint8_t *p, size_t n, uint8_t pad)
{
	while (n && p[n - 1] == pad)
		n--;
	return n;
}

static bool is_name(const uint8_t *p, size_t n)
{
	return n && n < IFNAMSIZ && !memchr(p, '\0', n);
}

/* Subtracts or adds one: the bytes are a number in network order. */
static void step(uint8_t *p, size_t n, bool up)
{
	while (n--) {
		p[n] = (uint8_t)(p[n] + (up ? 1 : -1));
		if (p[n] != (up ? 0x00 : 0xff))
			return;
	}
}

/* The bytes of all interfaces that begin so, as the last of a range. */
static int map_last(const struct nse_map *map, uint8_t *p, size_t n)
{
	size_t len = unpadded(p, n, 0xff);
	char name[IFNAMSIZ];
	int rc;

	if (len == n || !is_name(p, len))
		return 0;
	rc = nse_map_ifprefix(map, (const char *)p, len, name);
	if (rc <= 0)
		return rc;
	memset(p, 0xff, n);
	memcpy(p, name, strlen(name));
	return 1;
}

/* One interface, or (as the first of a range) all that begin so. */
static int map_padded(const struct nse_map *map, uint8_t *p, size_t n, bool range)
{
	size_t len = unpadded(p, n, 0);
	char name[IFNAMSIZ];
	int rc;

	if (!is_name(p, len))
		return 0;
	rc = nse_map_ifname(map, (const char *)p, len, name);
	/* "vif5." is nobody's name. */
	if (rc == 0 && range && p[len - 1] == '.')
		rc = nse_map_ifprefix(map, (const char *)p, len, name);
	if (rc <= 0)
		return rc;
	memset(p, 0, n);
	memcpy(p, name, strlen(name));
	return 1;
}

static int map_end(const struct nse_map *map, uint8_t *p, size_t n)
{
	int rc;

	if (unpadded(p, n, 0) == 0)
		return 0;
	step(p, n, false);
	rc = map_last(map, p, n);
	if (rc == 0)
		rc = map_padded(map, p, n, true);
	step(p, n, true);
	return rc;
}

/* Sixteen bytes of whatever form. */
static int map_whole(const struct nse_map *map, enum nft_site_op op, bool end, uint8_t *p)
{
	int rc;

	if (end)
		return map_end(map, p, IFNAMSIZ);
	rc = map_padded(map, p, IFNAMSIZ, op >= NFT_OP_OTHER);
	if (rc == 0)
		rc = map_last(map, p, IFNAMSIZ);
	/* What is less than the end of an interval. */
	if (rc == 0 && op == NFT_OP_OTHER)
		rc = map_end(map, p, IFNAMSIZ);
	return rc;
}

/* Fewer bytes: with a NUL one name, without any a wildcard. */
static int map_short(const struct nse_map *map, struct nse_bytes data, struct nse_buf *to)
{
	size_t len = unpadded(data.p, data.n, 0), nuls = data.n - len;
	static const uint8_t zeros[IFNAMSIZ];
	char name[IFNAMSIZ];
	int rc;

	if (!is_name(data.p, len))
		return 0;
	rc = nuls ? nse_map_ifname(map, (const char *)data.p, len, name)
		  : nse_map_ifprefix(map, (const char *)data.p, len, name);
	if (rc <= 0)
		return rc;
	len = strlen(name);
	if (nuls > IFNAMSIZ - len)
		nuls = IFNAMSIZ - len;
	return nse_buf_put(to, name, len) ?: nse_buf_put(to, zeros, nuls) ?: 1;
}

int nft_ifname_relocate(const struct nse_map *map, const struct nft_site *site, bool end,
			struct nse_buf *to)
{
	uint8_t bytes[IFNAMSIZ];
	int rc;

	if (site->bits != site->data.n * 8 || site->data.n > IFNAMSIZ)
		return 0;
	if (site->data.n < IFNAMSIZ)
		return map_short(map, site->data, to);
	memcpy(bytes, site->data.p, IFNAMSIZ);
	rc = map_whole(map, site->op, end, bytes);
	return rc <= 0 ? rc : nse_buf_put(to, bytes, IFNAMSIZ) ?: 1;
}

int nft_device_relocate(const struct nse_map *map, const struct nft_site *site,
			struct nse_buf *to)
{
	const char *s = (const char *)site->data.p;
	char name[IFNAMSIZ];
	int rc;

	if (!is_name(site->data.p, site->data.n))
		return 0;
	rc = site->op == NFT_OP_OTHER ? nse_map_ifprefix(map, s, site->data.n, name)
				      : nse_map_ifname(map, s, site->data.n, name);
	return rc <= 0 ? rc : nse_buf_put(to, name, strlen(name)) ?: 1;
}
