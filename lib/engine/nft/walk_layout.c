/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the bytes of a set's keys and data are. The kernel knows their length
 * only; nft(8) leaves its own numbers of types with the set, which other
 * programs use likewise: 6 bits for each part of a concatenation, the last
 * part lowest.
 */
#include <string.h>

#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/walk.h"

#define TYPE_BITS 6
#define TYPE_MASK ((1u << TYPE_BITS) - 1)
#define VARIES	  0 /* the size of the type is not known by its number */

/* nft(8)'s numbers of types; all others are at most 4 bytes long. */
enum {
	TYPE_BITMASK = 3,
	TYPE_INTEGER = 4,
	TYPE_STRING = 5,
	TYPE_LLADDR = 6,
	TYPE_IPADDR = 7,
	TYPE_IP6ADDR = 8,
	TYPE_ETHERADDR = 9,
	TYPE_TIME = 18,
	TYPE_IFINDEX = 20,
	TYPE_CT_LABEL = 30,
	TYPE_IFNAME = 41,
	TYPE_DATE = 43,
	TYPE_CGROUPV2 = 46,
};

static uint8_t kind_of(uint32_t type)
{
	switch (type) {
	case TYPE_IPADDR:
		return NFT_SITE_IP4;
	case TYPE_IP6ADDR:
		return NFT_SITE_IP6;
	case TYPE_ETHERADDR:
		return NFT_SITE_MAC;
	case TYPE_IFINDEX:
		return NFT_SITE_IFINDEX;
	case TYPE_IFNAME:
		return NFT_SITE_IFNAME;
	default:
		return NFT_PLAIN;
	}
}

static uint8_t size_of(uint32_t type)
{
	switch (type) {
	case TYPE_BITMASK:
	case TYPE_INTEGER:
	case TYPE_STRING:
	case TYPE_LLADDR:
		return VARIES;
	case TYPE_IP6ADDR:
	case TYPE_CT_LABEL:
	case TYPE_IFNAME:
		return 16;
	case TYPE_ETHERADDR:
		return 6;
	case TYPE_TIME:
	case TYPE_DATE:
	case TYPE_CGROUPV2:
		return 8;
	default:
		return 4;
	}
}

static size_t rounded(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

/* The parts of a type, first to last: kinds and sizes. Their number. */
static size_t split(uint32_t type, struct nft_field *f)
{
	size_t n = 0;

	for (uint32_t t = type; t; t >>= TYPE_BITS)
		n++;
	for (size_t i = n; i-- > 0; type >>= TYPE_BITS)
		f[i] = (struct nft_field){ .kind = kind_of(type & TYPE_MASK),
					   .len = size_of(type & TYPE_MASK) };
	return n;
}

/* The sizes that the set's description gives take the place of the types'. */
static void sizes_of_desc(struct nse_bytes desc, struct nft_field *f, size_t n)
{
	struct nse_bytes concat = nft_attr_find(desc, NFTA_SET_DESC_CONCAT);
	struct nse_cur c = nse_cur(concat.p, concat.n);
	struct nft_attr a;

	for (size_t i = 0; i < n && nft_attr_next(&c, &a) > 0; i++) {
		uint32_t len = nft_attr_u32(nft_attr_find(a.data, NFTA_SET_FIELD_LEN));

		if (a.type == NFTA_LIST_ELEM && len && len <= 64)
			f[i].len = (uint8_t)len;
	}
}

/*
 * Gives a single part of unknown size what the others leave. False when the
 * sizes do not come to the whole.
 */
static bool fit(struct nft_field *f, size_t n, size_t whole)
{
	struct nft_field *open = NULL;
	size_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		sum += rounded(f[i].len);
		if (f[i].len == VARIES && open)
			return false;
		if (f[i].len == VARIES)
			open = &f[i];
	}
	if (open && sum < whole) {
		open->len = (uint8_t)(whole - sum);
		sum = whole;
	}
	return n && rounded(sum) == rounded(whole);
}

static uint8_t place(struct nft_field *f, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		f[i].offset = (uint8_t)at;
		at += rounded(f[i].len);
	}
	return (uint8_t)n;
}

static uint8_t fields_of(uint32_t type, struct nse_bytes desc, size_t whole,
			 struct nft_field *f)
{
	size_t n = split(type, f);

	if (n == 0 || whole == 0)
		return 0;
	if (desc.p)
		sizes_of_desc(desc, f, n);
	if (fit(f, n, whole))
		return place(f, n);
	/* Data that is an interval: the fields twice, first and last. */
	if (!desc.p && whole % 2 == 0 && n * 2 <= NFT_FIELDS_MAX &&
	    fit(f, n, whole / 2)) {
		memcpy(f + n, f, n * sizeof(*f));
		return place(f, n * 2);
	}
	return 0;
}

void nft_layout_of(struct nse_bytes set_attrs, struct nft_layout *layout)
{
	struct nse_bytes at[NFTA_SET_MAX + 1];
	uint32_t flags, data_type;

	memset(layout, 0, sizeof(*layout));
	if (nft_attr_index(set_attrs, at, NFTA_SET_MAX + 1) < 0)
		return;
	flags = nft_attr_u32(at[NFTA_SET_FLAGS]);
	data_type = nft_attr_u32(at[NFTA_SET_DATA_TYPE]);
	if (nft_attr_u32(at[NFTA_SET_KEY_LEN]) <= 64)
		layout->key_len = (uint8_t)nft_attr_u32(at[NFTA_SET_KEY_LEN]);
	if (nft_attr_u32(at[NFTA_SET_DATA_LEN]) <= 64)
		layout->data_len = (uint8_t)nft_attr_u32(at[NFTA_SET_DATA_LEN]);
	layout->ordered = flags & NFT_SET_INTERVAL;
	layout->interval = (flags & NFT_SET_INTERVAL) && !(flags & NFT_SET_CONCAT);
	layout->objtype = (uint8_t)nft_attr_u32(at[NFTA_SET_OBJ_TYPE]);
	layout->nkey = fields_of(nft_attr_u32(at[NFTA_SET_KEY_TYPE]), at[NFTA_SET_DESC],
				 layout->key_len, layout->key);
	if ((flags & NFT_SET_MAP) && data_type < NFT_DATA_RESERVED_MASK)
		layout->ndata = fields_of(data_type, (struct nse_bytes){ NULL, 0 },
					  layout->data_len, layout->data);
}
