/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is known of the structures of xtables' extensions: where in them names
 * of interfaces and addresses stand, so that a rule of iptables-nft and
 * ebtables-nft means as much as one of nft(8). Names are compared by a mask:
 * "vif5.0" with its NUL, of "vif5.+" the five bytes ahead of the plus sign,
 * which iptables leaves there.
 */
#include <endian.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

#include <linux/netlink.h>

#include "lib/engine/nft/walk_private.h"
#include "lib/util/cleanup.h"

#define NONE 255

/* Where the low byte of a number of the host's order stands. */
#if __BYTE_ORDER == __LITTLE_ENDIAN
#define LOW16(off) (off)
#define LOW32(off) (off)
#else
#define LOW16(off) ((off) + 1)
#define LOW32(off) ((off) + 3)
#endif

/* One bit of one byte; off NONE: there is none. */
struct bit {
	uint8_t off, mask;
};

struct xt_field {
	uint8_t kind; /* MEAN_ADDR: of the table's family */
	uint8_t off;
	uint8_t mask;	 /* where its mask stands, or NONE */
	uint8_t op;	 /* enum nft_site_op; of NFT_OP_EQ the bit makes NFT_OP_NEQ */
	struct bit used; /* set when it counts */
	struct bit inverted;
};

#define ALWAYS                                                                           \
	{                                                                                \
		NONE, 0                                                                  \
	}

/* The structures are those of linux/netfilter and linux/netfilter_bridge. */
static const struct xt_field physdev[] = {
	{ NFT_SITE_IFNAME, 0, 16, NFT_OP_EQ, ALWAYS, { 64, 0x01 } },
	{ NFT_SITE_IFNAME, 32, 48, NFT_OP_EQ, ALWAYS, { 64, 0x02 } },
};
static const struct xt_field mac[] = {
	{ NFT_SITE_MAC, 0, NONE, NFT_OP_EQ, ALWAYS, { LOW32(8), 0xff } },
};
static const struct xt_field iprange[] = {
	{ MEAN_ADDR, 0, NONE, NFT_OP_FROM, { 64, 0x01 }, ALWAYS },
	{ MEAN_ADDR, 16, NONE, NFT_OP_TO, { 64, 0x01 }, ALWAYS },
	{ MEAN_ADDR, 32, NONE, NFT_OP_FROM, { 64, 0x02 }, ALWAYS },
	{ MEAN_ADDR, 48, NONE, NFT_OP_TO, { 64, 0x02 }, ALWAYS },
};
static const struct xt_field conntrack[] = {
	{ MEAN_ADDR, 0, 16, NFT_OP_EQ, { LOW16(146), 0x04 }, { LOW16(148), 0x04 } },
	{ MEAN_ADDR, 32, 48, NFT_OP_EQ, { LOW16(146), 0x08 }, { LOW16(148), 0x08 } },
	{ MEAN_ADDR, 64, 80, NFT_OP_EQ, { LOW16(146), 0x10 }, { LOW16(148), 0x10 } },
	{ MEAN_ADDR, 96, 112, NFT_OP_EQ, { LOW16(146), 0x20 }, { LOW16(148), 0x20 } },
};
/* ebtables */
static const struct xt_field eb_ip[] = {
	{ NFT_SITE_IP4, 0, 8, NFT_OP_EQ, { 18, 0x01 }, { 19, 0x01 } },
	{ NFT_SITE_IP4, 4, 12, NFT_OP_EQ, { 18, 0x02 }, { 19, 0x02 } },
};
static const struct xt_field eb_ip6[] = {
	{ NFT_SITE_IP6, 0, 32, NFT_OP_EQ, { 66, 0x01 }, { 67, 0x01 } },
	{ NFT_SITE_IP6, 16, 48, NFT_OP_EQ, { 66, 0x02 }, { 67, 0x02 } },
};
static const struct xt_field eb_arp[] = {
	{ NFT_SITE_IP4, 8, 12, NFT_OP_EQ, { 48, 0x08 }, { 49, 0x08 } },
	{ NFT_SITE_IP4, 16, 20, NFT_OP_EQ, { 48, 0x10 }, { 49, 0x10 } },
	{ NFT_SITE_MAC, 24, 30, NFT_OP_EQ, { 48, 0x20 }, { 49, 0x20 } },
	{ NFT_SITE_MAC, 36, 42, NFT_OP_EQ, { 48, 0x40 }, { 49, 0x40 } },
};
/* Targets; a target of ebtables begins with the MAC that it writes. */
static const struct xt_field eb_mac[] = {
	{ NFT_SITE_MAC, 0, NONE, NFT_OP_NONE, ALWAYS, ALWAYS },
};
static const struct xt_field nat4[] = {
	{ NFT_SITE_IP4, 8, NONE, NFT_OP_NONE, { LOW32(4), 0x01 }, ALWAYS },
	{ NFT_SITE_IP4, 12, NONE, NFT_OP_NONE, { LOW32(4), 0x01 }, ALWAYS },
};
static const struct xt_field nat[] = {
	{ MEAN_ADDR, 4, NONE, NFT_OP_NONE, { LOW32(0), 0x01 }, ALWAYS },
	{ MEAN_ADDR, 20, NONE, NFT_OP_NONE, { LOW32(0), 0x01 }, ALWAYS },
};
static const struct xt_field tee[] = {
	{ MEAN_ADDR, 0, NONE, NFT_OP_NONE, ALWAYS, ALWAYS },
	{ NFT_SITE_IFNAME, 16, NONE, NFT_OP_NONE, ALWAYS, ALWAYS },
};
static const struct xt_field tproxy[] = {
	{ MEAN_ADDR, 8, NONE, NFT_OP_NONE, ALWAYS, ALWAYS },
};

#define FIELDS(f) (f), sizeof(f) / sizeof((f)[0])

static const struct extension {
	const char *name;
	uint8_t rev, last_rev;
	uint8_t size; /* at least */
	const struct xt_field *fields;
	size_t n;
} extensions[] = {
	{ "physdev", 0, 0, 66, FIELDS(physdev) },
	{ "mac", 0, 0, 12, FIELDS(mac) },
	{ "iprange", 1, 1, 65, FIELDS(iprange) },
	{ "conntrack", 1, 3, 150, FIELDS(conntrack) },
	{ "ip", 0, 0, 20, FIELDS(eb_ip) },
	{ "ip6", 0, 0, 68, FIELDS(eb_ip6) },
	{ "arp", 0, 0, 50, FIELDS(eb_arp) },
	{ "arpreply", 0, 0, 6, FIELDS(eb_mac) },
	{ "snat", 0, 0, 6, FIELDS(eb_mac) },
	{ "dnat", 0, 0, 6, FIELDS(eb_mac) },
	{ "SNAT", 0, 0, 20, FIELDS(nat4) },
	{ "DNAT", 0, 0, 20, FIELDS(nat4) },
	{ "SNAT", 1, 2, 40, FIELDS(nat) },
	{ "DNAT", 1, 2, 40, FIELDS(nat) },
	{ "TEE", 1, 1, 32, FIELDS(tee) },
	{ "TPROXY", 1, 1, 24, FIELDS(tproxy) },
};

static const struct extension *find(struct nse_bytes name, uint32_t rev, size_t size)
{
	for (size_t i = 0; i < NSE_ARRAY_SIZE(extensions); i++) {
		const struct extension *x = &extensions[i];

		if (nse_bytes_equal(name, nft_str(x->name)) && rev >= x->rev &&
		    rev <= x->last_rev && size >= x->size)
			return x;
	}
	return NULL;
}

static bool is_set(struct bit bit, const uint8_t *info)
{
	return bit.off != NONE && (info[bit.off] & bit.mask);
}

/* How many leading bits a mask has; 0: none, or not at the beginning alone. */
static uint16_t mask_bits(const uint8_t *mask, size_t n)
{
	uint16_t bits = 0;

	while (bits < n * 8 && (mask[bits / 8] >> (7 - bits % 8) & 1))
		bits++;
	for (size_t i = bits; i < n * 8; i++)
		if (mask[i / 8] >> (7 - i % 8) & 1)
			return 0;
	return bits;
}

/* A blob that is being walked. */
struct blob {
	struct nft_walker *w;
	const uint8_t *info;
	size_t at;	      /* of its copy in w->out */
	struct nse_buf fresh; /* what shall stand in the place of a field */
};

/* 1: there is something fresh. */
static int ask(struct blob *b, const struct nft_site *site)
{
	nse_buf_reset(&b->fresh);
	return b->w->cb(b->w->arg, site, b->w->out ? &b->fresh : NULL);
}

static int walk_bytes(struct blob *b, const struct xt_field *f, uint8_t kind)
{
	size_t n = kind == NFT_SITE_MAC ? 6 : kind == NFT_SITE_IP4 ? 4 : 16;
	struct nft_site site = { .kind = kind,
				 .op = f->op,
				 .data = { b->info + f->off, n },
				 .bits = (uint16_t)(n * 8) };
	int rc;

	if (f->mask != NONE)
		site.bits = mask_bits(b->info + f->mask, n);
	if (site.bits != n * 8)
		site.op = NFT_OP_OTHER;
	else if (site.op == NFT_OP_EQ && is_set(f->inverted, b->info))
		site.op = NFT_OP_NEQ;
	rc = ask(b, &site);
	if (rc <= 0 || !b->w->out)
		return rc < 0 ? rc : 0;
	if (b->fresh.len != n)
		return -EINVAL;
	memcpy(b->w->out->data + b->at + f->off, b->fresh.data, n);
	return 0;
}

/* The name that was given back, as it stands in the structure. */
static int put_name(struct blob *b, const struct xt_field *f, bool whole, bool plus)
{
	size_t n = strnlen((const char *)b->fresh.data, b->fresh.len);
	uint8_t *to = b->w->out->data + b->at;

	if (n == 0 || n + plus >= IFNAMSIZ)
		return -ENAMETOOLONG;
	memset(to + f->off, 0, IFNAMSIZ);
	memcpy(to + f->off, b->fresh.data, n);
	if (plus)
		to[f->off + n] = '+';
	if (f->mask == NONE)
		return 0;
	memset(to + f->mask, 0, IFNAMSIZ);
	memset(to + f->mask, 0xff, n + whole);
	return 0;
}

static int walk_name(struct blob *b, const struct xt_field *f)
{
	const uint8_t *name = b->info + f->off;
	size_t len = strnlen((const char *)name, IFNAMSIZ), n = IFNAMSIZ;
	struct nft_site site = { .kind = NFT_SITE_IFNAME, .op = f->op };
	bool whole;
	int rc;

	if (f->mask != NONE)
		n = mask_bits(b->info + f->mask, IFNAMSIZ);
	if (f->mask != NONE)
		n = n % 8 ? 0 : n / 8;
	if (len == 0 || len == IFNAMSIZ || n == 0)
		return 0;
	whole = n > len;
	site.data = (struct nse_bytes){ name, whole ? IFNAMSIZ : n };
	site.bits = (uint16_t)(site.data.n * 8);
	if (site.op == NFT_OP_EQ && is_set(f->inverted, b->info))
		site.op = NFT_OP_NEQ;
	rc = ask(b, &site);
	if (rc <= 0 || !b->w->out)
		return rc < 0 ? rc : 0;
	return put_name(b, f, whole, !whole && name[n] == '+');
}

static int walk_field(struct blob *b, const struct xt_field *f)
{
	uint8_t kind = f->kind;

	if (f->used.off != NONE && !is_set(f->used, b->info))
		return 0;
	if (kind == NFT_SITE_IFNAME)
		return walk_name(b, f);
	if (kind == MEAN_ADDR && b->w->l3 != NFT_L3_IP4 && b->w->l3 != NFT_L3_IP6)
		return 0;
	if (kind == MEAN_ADDR)
		kind = b->w->l3 == NFT_L3_IP4 ? NFT_SITE_IP4 : NFT_SITE_IP6;
	return walk_bytes(b, f, kind);
}

int nft_walk_xt(struct nft_walker *w, const struct nft_in *a, struct nse_bytes name,
		uint32_t rev)
{
	const struct extension *x = find(name, rev, a->data.n);
	struct nft_site site = { .kind = NFT_SITE_XT, .data = a->data, .name = name };
	struct blob b = { .w = w, .info = a->data.p, .fresh = NSE_BUF_INIT(64) };
	int rc;

	if (!x)
		return nft_walk_site(w, a, &site);
	if (w->names)
		return nft_walk_copy(w, a);
	b.at = w->out ? w->out->len + NLA_HDRLEN : 0;
	rc = nft_walk_copy(w, a);
	for (size_t i = 0; i < x->n && rc == 0; i++)
		rc = walk_field(&b, &x->fields[i]);
	nse_buf_release(&b.fresh);
	return rc;
}
