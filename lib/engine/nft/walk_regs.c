/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The registers of a rule, byte by byte: which field of the packet each byte
 * comes from. A load of several neighbouring fields at once, a prefix of a
 * field and a concatenation in neighbouring registers need no special care in
 * that form.
 */
#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/walk_private.h"

static const struct nft_mean nothing = { MEAN_NONE, 0, 0xff, 0 };

int nft_reg_offset(uint32_t reg)
{
	if (reg >= NFT_REG_1 && reg <= NFT_REG_4)
		return (int)(reg - NFT_REG_1) * NFT_REG_SIZE;
	if (reg >= NFT_REG32_00 && reg <= NFT_REG32_15)
		return (int)(reg - NFT_REG32_00) * NFT_REG32_SIZE;
	return -1;
}

/* A register's bytes from its first on: how many of n there are. */
static size_t room(uint32_t reg, size_t n, size_t *at)
{
	int off = nft_reg_offset(reg);

	if (off < 0)
		return 0;
	*at = (size_t)off;
	n = (n + 3) & ~(size_t)3; /* the kernel zeroes the rest of a word */
	return n < NFT_REG_BYTES - *at ? n : NFT_REG_BYTES - *at;
}

void nft_regs_clear(struct nft_walker *w, uint32_t reg, size_t n)
{
	size_t at = 0;

	n = room(reg, n, &at);
	for (size_t i = 0; i < n; i++)
		w->regs[at + i] = nothing;
}

void nft_regs_load(struct nft_walker *w, uint32_t reg, uint8_t kind, size_t n)
{
	size_t at = 0, have = room(reg, n, &at);

	for (size_t i = 0; i < have; i++)
		w->regs[at + i] =
			i < n ? (struct nft_mean){ kind, (uint8_t)i, 0xff, 0 } : nothing;
}

/* A field of a header: where it begins, and what it is. */
struct header_field {
	uint8_t off, len, kind;
};

static const struct header_field ll[] = {
	{ 0, 6, NFT_SITE_MAC },
	{ 6, 6, NFT_SITE_MAC },
	{ 12, 2, MEAN_ETHERTYPE },
	{ 16, 2, MEAN_ETHERTYPE }, /* behind a VLAN tag */
	{ 0, 0, 0 },
};
static const struct header_field ip4[] = {
	{ 12, 4, NFT_SITE_IP4 },
	{ 16, 4, NFT_SITE_IP4 },
	{ 0, 0, 0 },
};
static const struct header_field ip6[] = {
	{ 8, 16, NFT_SITE_IP6 },
	{ 24, 16, NFT_SITE_IP6 },
	{ 0, 0, 0 },
};
static const struct header_field arp[] = {
	{ 8, 6, NFT_SITE_MAC },
	{ 14, 4, NFT_SITE_IP4 },
	{ 18, 6, NFT_SITE_MAC },
	{ 24, 4, NFT_SITE_IP4 },
	{ 0, 0, 0 },
};
static const struct header_field none[] = { { 0, 0, 0 } };

/*
 * Nothing in the rule says which network header it is: the place and length
 * of what it loads do. One byte at 8 is IPv4's TTL rather than an IPv6 prefix.
 */
static uint8_t guess_l3(uint32_t off, uint32_t len)
{
	if ((off == 12 && len <= 8) || (off == 16 && len <= 4))
		return NFT_L3_IP4;
	if (off == 14 || (off == 8 && (len == 6 || len == 10)) ||
	    (off == 18 && (len == 6 || len == 10)) || (off == 24 && len == 4))
		return NFT_L3_ARP;
	if ((off == 8 && len >= 4) || off == 24)
		return NFT_L3_IP6;
	return NFT_L3_ANY;
}

static const struct header_field *header(uint8_t l3, uint32_t base, uint32_t off,
					 uint32_t len)
{
	if (base == NFT_PAYLOAD_LL_HEADER)
		return ll;
	if (base != NFT_PAYLOAD_NETWORK_HEADER)
		return none;
	switch (l3 == NFT_L3_ANY ? guess_l3(off, len) : l3) {
	case NFT_L3_IP4:
		return ip4;
	case NFT_L3_IP6:
		return ip6;
	case NFT_L3_ARP:
		return arp;
	default:
		return none;
	}
}

void nft_payload_means(uint8_t l3, uint32_t base, uint32_t off, uint32_t len,
		       struct nft_mean *mean, size_t n)
{
	const struct header_field *f = header(l3, base, off, len);

	for (size_t i = 0; i < n; i++)
		mean[i] = nothing;
	for (; f->len; f++)
		for (uint32_t k = 0; k < f->len; k++) {
			uint32_t i =
				f->off + k - off; /* far beyond n when it is before */

			if (f->off + k >= off && i < len && i < n)
				mean[i] =
					(struct nft_mean){ f->kind, (uint8_t)k, 0xff, 0 };
		}
}

void nft_regs_payload(struct nft_walker *w, uint32_t reg, uint32_t base, uint32_t off,
		      uint32_t len)
{
	struct nft_mean mean[NFT_REG_BYTES];
	size_t at = 0, have = len <= NFT_REG_BYTES ? room(reg, len, &at) : 0;

	nft_payload_means(w->l3, base, off, len, mean, NFT_REG_BYTES);
	for (size_t i = 0; i < have; i++)
		w->regs[at + i] = mean[i];
}

void nft_regs_get(const struct nft_walker *w, uint32_t reg, struct nft_mean *mean,
		  size_t n)
{
	int off = nft_reg_offset(reg);

	for (size_t i = 0; i < n; i++)
		mean[i] = off >= 0 && (size_t)off + i < NFT_REG_BYTES
				  ? w->regs[(size_t)off + i]
				  : nothing;
}

void nft_regs_consume(struct nft_walker *w, uint32_t reg, uint8_t kind)
{
	int off = nft_reg_offset(reg);
	const struct nft_mean *m;

	if (off < 0)
		return;
	m = &w->regs[off];
	if (m->imm && m->off == 0)
		w->imm_kind[m->imm - 1] = kind;
}
