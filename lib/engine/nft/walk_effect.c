/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What each expression does to the registers: what it loads there, and for
 * what it takes that which an immediate has put there. Expressions that have
 * no register are not here.
 */
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/walk_private.h"
#include "lib/util/cleanup.h"

#define INNER_EXPR 5 /* NFTA_INNER_EXPR, Linux 6.2 */

typedef void effect_fn(struct nft_walker *w, const struct nse_bytes *at);

static void do_meta(struct nft_walker *w, const struct nse_bytes *at)
{
	uint32_t dreg = nft_attr_u32(at[NFTA_META_DREG]);

	if (!at[NFTA_META_DREG].p)
		return;
	switch (nft_attr_u32(at[NFTA_META_KEY])) {
	case NFT_META_IIFNAME:
	case NFT_META_OIFNAME:
	case NFT_META_BRI_IIFNAME:
	case NFT_META_BRI_OIFNAME:
	case NFT_META_SDIFNAME:
		nft_regs_load(w, dreg, NFT_SITE_IFNAME, 16);
		break;
	case NFT_META_IIF:
	case NFT_META_OIF:
	case NFT_META_SDIF:
		nft_regs_load(w, dreg, NFT_SITE_IFINDEX, 4);
		break;
	case NFT_META_NFPROTO:
		nft_regs_load(w, dreg, MEAN_NFPROTO, 1);
		break;
	case NFT_META_PROTOCOL:
		nft_regs_load(w, dreg, MEAN_ETHERTYPE, 2);
		break;
	case NFT_META_IIFKIND:
	case NFT_META_OIFKIND:
		nft_regs_clear(w, dreg, 16);
		break;
	case NFT_META_TIME_NS:
		nft_regs_clear(w, dreg, 8);
		break;
	default:
		nft_regs_clear(w, dreg, 4);
	}
}

static void do_payload(struct nft_walker *w, const struct nse_bytes *at)
{
	uint32_t base = nft_attr_u32(at[NFTA_PAYLOAD_BASE]);
	uint32_t off = nft_attr_u32(at[NFTA_PAYLOAD_OFFSET]);
	uint32_t len = nft_attr_u32(at[NFTA_PAYLOAD_LEN]);
	struct nft_mean mean;

	if (at[NFTA_PAYLOAD_DREG].p) {
		nft_regs_payload(w, nft_attr_u32(at[NFTA_PAYLOAD_DREG]), base, off, len);
	} else if (at[NFTA_PAYLOAD_SREG].p) {
		nft_payload_means(w->l3, base, off, len, &mean, 1);
		if (mean.off == 0)
			nft_regs_consume(w, nft_attr_u32(at[NFTA_PAYLOAD_SREG]),
					 mean.kind);
	}
}

static void do_immediate(struct nft_walker *w, const struct nse_bytes *at)
{
	struct nse_bytes value = nft_attr_find(at[NFTA_IMMEDIATE_DATA], NFTA_DATA_VALUE);
	uint32_t dreg = nft_attr_u32(at[NFTA_IMMEDIATE_DREG]);
	int off = nft_reg_offset(dreg);

	if (off < 0)
		return;
	nft_regs_clear(w, dreg, value.n);
	if (w->imm >= NFT_IMMEDIATES)
		return;
	w->imm++;
	for (size_t i = 0; i < value.n && (size_t)off + i < NFT_REG_BYTES; i++)
		w->regs[(size_t)off + i] =
			(struct nft_mean){ MEAN_NONE, (uint8_t)i, 0xff, (uint8_t)w->imm };
}

/* A mask keeps what a byte is; other operations do not. */
static void do_bitwise(struct nft_walker *w, const struct nse_bytes *at)
{
	struct nse_bytes mask = nft_attr_find(at[NFTA_BITWISE_MASK], NFTA_DATA_VALUE);
	struct nse_bytes xor = nft_attr_find(at[NFTA_BITWISE_XOR], NFTA_DATA_VALUE);
	uint32_t dreg = nft_attr_u32(at[NFTA_BITWISE_DREG]);
	uint32_t len = nft_attr_u32(at[NFTA_BITWISE_LEN]);
	struct nft_mean mean[NFT_REG_BYTES];
	int off = nft_reg_offset(dreg);

	if (off < 0 || len > NFT_REG_BYTES)
		return;
	nft_regs_get(w, nft_attr_u32(at[NFTA_BITWISE_SREG]), mean, NFT_REG_BYTES);
	nft_regs_clear(w, dreg, len);
	if (nft_attr_u32(at[NFTA_BITWISE_OP]) != NFT_BITWISE_MASK_XOR)
		return;
	for (size_t i = 0; i < len && (size_t)off + i < NFT_REG_BYTES; i++) {
		if (i >= mask.n || i >= xor.n || xor.p[i])
			continue;
		mean[i].mask &= mask.p[i];
		mean[i].imm = 0;
		w->regs[(size_t)off + i] = mean[i];
	}
}

static void do_byteorder(struct nft_walker *w, const struct nse_bytes *at)
{
	nft_regs_clear(w, nft_attr_u32(at[NFTA_BYTEORDER_DREG]),
		       nft_attr_u32(at[NFTA_BYTEORDER_LEN]));
}

static void learn_ethertype(struct nft_walker *w, const uint8_t *p)
{
	switch (nse_ld16(p)) {
	case 0x0800:
		w->l3 = NFT_L3_IP4;
		break;
	case 0x86dd:
		w->l3 = NFT_L3_IP6;
		break;
	case 0x0806:
		w->l3 = NFT_L3_ARP;
		break;
	}
}

static void learn_nfproto(struct nft_walker *w, uint8_t nfproto)
{
	switch (nfproto) {
	case NFPROTO_IPV4:
		w->l3 = NFT_L3_IP4;
		break;
	case NFPROTO_IPV6:
		w->l3 = NFT_L3_IP6;
		break;
	case NFPROTO_ARP:
		w->l3 = NFT_L3_ARP;
		break;
	}
}

/* Behind `meta nfproto ipv4` the rule is about IPv4. */
static void do_cmp(struct nft_walker *w, const struct nse_bytes *at)
{
	struct nse_bytes value = nft_attr_find(at[NFTA_CMP_DATA], NFTA_DATA_VALUE);
	struct nft_mean mean[NFT_REG_BYTES];

	if (nft_attr_u32(at[NFTA_CMP_OP]) != NFT_CMP_EQ || value.n > NFT_REG_BYTES)
		return;
	nft_regs_get(w, nft_attr_u32(at[NFTA_CMP_SREG]), mean, NFT_REG_BYTES);
	for (size_t i = 0; i < value.n; i++) {
		if (mean[i].off || mean[i].mask != 0xff)
			continue;
		if (mean[i].kind == MEAN_NFPROTO)
			learn_nfproto(w, value.p[i]);
		if (mean[i].kind == MEAN_ETHERTYPE && i + 1 < value.n &&
		    mean[i + 1].kind == MEAN_ETHERTYPE)
			learn_ethertype(w, value.p + i);
	}
}

static void do_lookup(struct nft_walker *w, const struct nse_bytes *at)
{
	if (at[NFTA_LOOKUP_DREG].p)
		nft_regs_clear(w, nft_attr_u32(at[NFTA_LOOKUP_DREG]), NFT_REG_SIZE);
}

static void do_dynset(struct nft_walker *w, const struct nse_bytes *at)
{
	nft_regs_consume(w, nft_attr_u32(at[NFTA_DYNSET_SREG_KEY]), MEAN_MAYBE_NAME);
	nft_regs_consume(w, nft_attr_u32(at[NFTA_DYNSET_SREG_DATA]), MEAN_MAYBE_NAME);
}

static void do_fib(struct nft_walker *w, const struct nse_bytes *at)
{
	uint32_t dreg = nft_attr_u32(at[NFTA_FIB_DREG]);
	uint32_t result = nft_attr_u32(at[NFTA_FIB_RESULT]);

	if (nft_attr_u32(at[NFTA_FIB_FLAGS]) & NFTA_FIB_F_PRESENT)
		nft_regs_clear(w, dreg, 4);
	else if (result == NFT_FIB_RESULT_OIFNAME)
		nft_regs_load(w, dreg, NFT_SITE_IFNAME, 16);
	else if (result == NFT_FIB_RESULT_OIF)
		nft_regs_load(w, dreg, NFT_SITE_IFINDEX, 4);
	else
		nft_regs_clear(w, dreg, 4);
}

static void do_rt(struct nft_walker *w, const struct nse_bytes *at)
{
	uint32_t dreg = nft_attr_u32(at[NFTA_RT_DREG]);

	switch (nft_attr_u32(at[NFTA_RT_KEY])) {
	case NFT_RT_NEXTHOP4:
		nft_regs_load(w, dreg, NFT_SITE_IP4, 4);
		break;
	case NFT_RT_NEXTHOP6:
		nft_regs_load(w, dreg, NFT_SITE_IP6, 16);
		break;
	default:
		nft_regs_clear(w, dreg, 4);
	}
}

static void load_ct(struct nft_walker *w, uint32_t dreg, uint32_t key)
{
	switch (key) {
	case NFT_CT_SRC:
	case NFT_CT_DST:
		nft_regs_load(w, dreg, MEAN_ADDR, 16);
		break;
	case NFT_CT_SRC_IP:
	case NFT_CT_DST_IP:
		nft_regs_load(w, dreg, NFT_SITE_IP4, 4);
		break;
	case NFT_CT_SRC_IP6:
	case NFT_CT_DST_IP6:
		nft_regs_load(w, dreg, NFT_SITE_IP6, 16);
		break;
	case NFT_CT_HELPER:
	case NFT_CT_LABELS:
		nft_regs_clear(w, dreg, 16);
		break;
	case NFT_CT_PKTS:
	case NFT_CT_BYTES:
	case NFT_CT_AVGPKT:
		nft_regs_clear(w, dreg, 8);
		break;
	default:
		nft_regs_clear(w, dreg, 4);
	}
}

static void do_ct(struct nft_walker *w, const struct nse_bytes *at)
{
	uint32_t dreg = nft_attr_u32(at[NFTA_CT_DREG]);
	uint32_t key = nft_attr_u32(at[NFTA_CT_KEY]);

	if (!at[NFTA_CT_DREG].p)
		return;
	load_ct(w, dreg, key);
	/* In a table of one family the old keys load as much as its addresses have. */
	if ((key == NFT_CT_SRC || key == NFT_CT_DST) && w->l3 == NFT_L3_IP4)
		nft_regs_load(w, dreg, NFT_SITE_IP4, 4);
	else if ((key == NFT_CT_SRC || key == NFT_CT_DST) && w->l3 == NFT_L3_IP6)
		nft_regs_load(w, dreg, NFT_SITE_IP6, 16);
}

static void do_xfrm(struct nft_walker *w, const struct nse_bytes *at)
{
	uint32_t dreg = nft_attr_u32(at[NFTA_XFRM_DREG]);

	switch (nft_attr_u32(at[NFTA_XFRM_KEY])) {
	case NFT_XFRM_KEY_DADDR_IP4:
	case NFT_XFRM_KEY_SADDR_IP4:
		nft_regs_load(w, dreg, NFT_SITE_IP4, 4);
		break;
	case NFT_XFRM_KEY_DADDR_IP6:
	case NFT_XFRM_KEY_SADDR_IP6:
		nft_regs_load(w, dreg, NFT_SITE_IP6, 16);
		break;
	default:
		nft_regs_clear(w, dreg, 4);
	}
}

static void do_exthdr(struct nft_walker *w, const struct nse_bytes *at)
{
	if (at[NFTA_EXTHDR_DREG].p)
		nft_regs_clear(w, nft_attr_u32(at[NFTA_EXTHDR_DREG]),
			       nft_attr_u32(at[NFTA_EXTHDR_LEN]) % NFT_REG_BYTES);
}

static void do_hash(struct nft_walker *w, const struct nse_bytes *at)
{
	nft_regs_clear(w, nft_attr_u32(at[NFTA_HASH_DREG]), 4);
}

static void do_numgen(struct nft_walker *w, const struct nse_bytes *at)
{
	nft_regs_clear(w, nft_attr_u32(at[NFTA_NG_DREG]), 4);
}

static void do_osf(struct nft_walker *w, const struct nse_bytes *at)
{
	nft_regs_clear(w, nft_attr_u32(at[NFTA_OSF_DREG]), NFT_OSF_MAXGENRELEN);
}

static void do_socket(struct nft_walker *w, const struct nse_bytes *at)
{
	nft_regs_clear(w, nft_attr_u32(at[NFTA_SOCKET_DREG]), 8);
}

static void do_tunnel(struct nft_walker *w, const struct nse_bytes *at)
{
	nft_regs_clear(w, nft_attr_u32(at[NFTA_TUNNEL_DREG]), 4);
}

static void do_nat(struct nft_walker *w, const struct nse_bytes *at)
{
	nft_regs_consume(w, nft_attr_u32(at[NFTA_NAT_REG_ADDR_MIN]), MEAN_ADDR);
	nft_regs_consume(w, nft_attr_u32(at[NFTA_NAT_REG_ADDR_MAX]), MEAN_ADDR);
}

static void do_tproxy(struct nft_walker *w, const struct nse_bytes *at)
{
	nft_regs_consume(w, nft_attr_u32(at[NFTA_TPROXY_REG_ADDR]), MEAN_ADDR);
}

static void do_dup(struct nft_walker *w, const struct nse_bytes *at)
{
	nft_regs_consume(w, nft_attr_u32(at[NFTA_DUP_SREG_ADDR]), MEAN_ADDR);
	nft_regs_consume(w, nft_attr_u32(at[NFTA_DUP_SREG_DEV]), NFT_SITE_IFINDEX);
}

static void do_fwd(struct nft_walker *w, const struct nse_bytes *at)
{
	nft_regs_consume(w, nft_attr_u32(at[NFTA_FWD_SREG_ADDR]), MEAN_ADDR);
	nft_regs_consume(w, nft_attr_u32(at[NFTA_FWD_SREG_DEV]), NFT_SITE_IFINDEX);
}

/* The expression inside of `inner` sees another packet's headers. */
static void do_inner(struct nft_walker *w, const struct nse_bytes *at)
{
	struct nse_bytes name = nft_attr_find(at[INNER_EXPR], NFTA_EXPR_NAME);
	struct nse_bytes data = nft_attr_find(at[INNER_EXPR], NFTA_EXPR_DATA);
	uint8_t l3 = w->l3;

	if (!name.p || !data.p || w->depth >= NFT_WALK_DEPTH)
		return;
	w->depth++;
	w->l3 = NFT_L3_ANY;
	nft_effect(w, name, data);
	w->l3 = l3;
	w->depth--;
}

static const struct {
	const char *name;
	effect_fn *fn;
} effects[] = {
	{ "meta", do_meta },	   { "cmp", do_cmp },
	{ "payload", do_payload }, { "immediate", do_immediate },
	{ "lookup", do_lookup },   { "ct", do_ct },
	{ "bitwise", do_bitwise }, { "byteorder", do_byteorder },
	{ "dynset", do_dynset },   { "nat", do_nat },
	{ "fib", do_fib },	   { "rt", do_rt },
	{ "exthdr", do_exthdr },   { "hash", do_hash },
	{ "numgen", do_numgen },   { "socket", do_socket },
	{ "osf", do_osf },	   { "tproxy", do_tproxy },
	{ "dup", do_dup },	   { "fwd", do_fwd },
	{ "xfrm", do_xfrm },	   { "tunnel", do_tunnel },
	{ "inner", do_inner },
};

void nft_effect(struct nft_walker *w, struct nse_bytes name, struct nse_bytes data)
{
	struct nse_bytes s = nft_attr_str(name), at[NFT_AT_MAX];

	for (size_t i = 0; i < NSE_ARRAY_SIZE(effects); i++)
		if (nse_bytes_equal(s, nft_str(effects[i].name))) {
			if (nft_attr_index(data, at, NFT_AT_MAX) == 0)
				effects[i].fn(w, at);
			return;
		}
}
