/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The index of who has which interface, MAC and address, and what a place in a
 * rule compares with them.
 */
#include "lib/engine/nft/whose.h"

#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/engine/nft/closure.h"
#include "lib/engine/nft/ifindex.h"

#define EMU	 "-emu"
#define RULE_MAX 131072 /* bytes of a rule with one expression more */

struct nft_owned {
	struct nft_value value;
	uint8_t whose; /* enum nft_whose; NFT_NOBODYS: empty, NFT_BOTH: not clear */
};

static size_t slot_of(const struct nft_owners *o, const struct nft_value *v)
{
	uint64_t h = 0xcbf29ce484222325u ^ v->kind;

	for (size_t i = 0; i < sizeof(v->bytes); i++)
		h = (h ^ v->bytes[i]) * 0x100000001b3u;
	return (size_t)(h ^ h >> 29) & (o->size - 1);
}

/* The slot that has the value, or the empty one where it would go. */
static struct nft_owned *look(const struct nft_owners *o, const struct nft_value *v)
{
	size_t at = slot_of(o, v);

	while (o->slots[at].whose && memcmp(&o->slots[at].value, v, sizeof(*v)) != 0)
		at = (at + 1) & (o->size - 1);
	return &o->slots[at];
}

static void add(struct nft_owners *o, const struct nft_value *v, enum nft_whose whose)
{
	struct nft_owned *slot = look(o, v);

	if (!slot->whose)
		*slot = (struct nft_owned){ *v, (uint8_t)whose };
}

static struct nft_value value(uint8_t kind, const void *p, size_t n)
{
	struct nft_value v = { .kind = kind };

	memcpy(v.bytes, p, n < sizeof(v.bytes) ? n : sizeof(v.bytes));
	return v;
}

static bool mac_value(const char *text, struct nft_value *v)
{
	unsigned int b[6];

	*v = (struct nft_value){ .kind = NFT_SITE_MAC };
	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", &b[0], &b[1], &b[2], &b[3], &b[4],
		   &b[5]) != 6)
		return false;
	for (int i = 0; i < 6; i++)
		v->bytes[i] = (uint8_t)b[i];
	return true;
}

/* A network is no address that a rule could compare as a whole. */
static bool addr_value(const struct nse_addr *addr, struct nft_value *v)
{
	*v = value(addr->family == AF_INET ? NFT_SITE_IP4 : NFT_SITE_IP6, addr->bytes,
		   nse_addr_size(addr->family));
	return nse_addr_is_host(addr);
}

static void add_domain(struct nft_owners *o, const struct nse_domain *d,
		       enum nft_whose whose)
{
	struct nft_value v;

	for (size_t i = 0; d && i < d->nvifs; i++) {
		v = value(NFT_SITE_IFNAME, d->vifs[i].name, strlen(d->vifs[i].name));
		add(o, &v, whose);
		if (mac_value(d->vifs[i].mac, &v))
			add(o, &v, whose);
	}
	for (size_t i = 0; d && i < d->naddrs; i++)
		if (addr_value(&d->addrs[i], &v))
			add(o, &v, whose);
}

static struct nft_value index_of(const char *name)
{
	uint32_t number = nft_ifindex_number(name);

	return value(NFT_SITE_IFINDEX, &number, sizeof(number));
}

/* The numbers by which records name the domain's interfaces. */
static void add_indexes(struct nft_owners *o, const struct nse_domain *d)
{
	char emu[IFNAMSIZ + sizeof(EMU)];
	struct nft_value v;

	for (size_t i = 0; d && i < d->nvifs; i++) {
		v = index_of(d->vifs[i].name);
		add(o, &v, NFT_MINE);
		snprintf(emu, sizeof(emu), "%s" EMU, d->vifs[i].name);
		v = index_of(emu);
		if (strlen(emu) < IFNAMSIZ)
			add(o, &v, NFT_MINE);
	}
}

static size_t values_of(const struct nse_domain *d)
{
	return d ? 4 * d->nvifs + d->naddrs : 0;
}

int nft_owners_init(struct nft_owners *o, const struct nse_domain *mine,
		    const struct nse_domain *others, bool live)
{
	size_t n = values_of(mine) + values_of(others), size = 16;

	while (size < 2 * n)
		size *= 2;
	*o = (struct nft_owners){ .slots = calloc(size, sizeof(*o->slots)),
				  .size = size,
				  .live = live,
				  .rule = NSE_BUF_INIT(RULE_MAX) };
	if (!o->slots)
		return -ENOMEM;
	add_domain(o, mine, NFT_MINE);
	add_domain(o, others, NFT_OTHERS);
	if (!live)
		add_indexes(o, mine);
	return 0;
}

void nft_owners_release(struct nft_owners *o)
{
	free(o->slots);
	nse_buf_release(&o->rule);
	*o = (struct nft_owners){ .size = 0 };
}

static const char *digits(const char *p)
{
	const char *start = p;

	while (isdigit((unsigned char)*p))
		p++;
	return p > start ? p : NULL;
}

/* vif5.0, tap5.0, vif5.0-emu */
static bool looks_like_vif(const char *name)
{
	const char *p = NULL;

	if (strncmp(name, "vif", 3) == 0 || strncmp(name, "tap", 3) == 0)
		p = digits(name + 3);
	if (p)
		p = *p == '.' ? digits(p + 1) : NULL;
	return p && (!*p || strcmp(p, EMU) == 0);
}

static uint8_t level_of(uint8_t kind)
{
	return kind == NFT_SITE_IFNAME ? NFT_LEVEL_VIF
	       : kind == NFT_SITE_MAC  ? NFT_LEVEL_MAC
				       : NFT_LEVEL_ADDRESS;
}

/* "vif5.0-emu" without its end. */
static bool without_emu(const struct nft_value *v, struct nft_value *base)
{
	size_t n = strnlen((const char *)v->bytes, sizeof(v->bytes));
	size_t emu = strlen(EMU);

	if (v->kind != NFT_SITE_IFNAME || n <= emu ||
	    memcmp(v->bytes + n - emu, EMU, emu) != 0)
		return false;
	*base = value(v->kind, v->bytes, n - emu);
	return true;
}

enum nft_whose nft_owners_find(const struct nft_owners *o, const struct nft_value *v,
			       uint8_t *level)
{
	struct nft_value base;
	uint8_t whose = look(o, v)->whose;

	if (!whose && without_emu(v, &base))
		whose = look(o, &base)->whose;
	if (!whose && v->kind == NFT_SITE_IFNAME &&
	    looks_like_vif((const char *)v->bytes))
		whose = NFT_OTHERS;
	if (whose == NFT_BOTH)
		whose = NFT_NOBODYS;
	*level = whose ? level_of(v->kind) : NFT_LEVEL_NONE;
	return whose;
}

void nft_owners_note_index(struct nft_owners *o, const char *name)
{
	struct nft_value v = value(NFT_SITE_IFNAME, name, strlen(name));
	struct nft_value number = index_of(name);
	struct nft_owned *slot = look(o, &number);
	uint8_t level;

	if (slot->whose && nft_owners_find(o, &v, &level) != NFT_MINE)
		slot->whose = NFT_BOTH;
}

/* A whole name has its NUL among the bytes; without it is the start of many. */
static bool name_value(const uint8_t *p, size_t n, struct nft_value *v)
{
	size_t len = strnlen((const char *)p, n);

	if (len == 0 || len == n || len >= IFNAMSIZ)
		return false;
	*v = value(NFT_SITE_IFNAME, p, len);
	return true;
}

static bool index_value(struct nse_bytes data, struct nft_value *v)
{
	char name[IFNAMSIZ] = "";
	uint32_t number;

	if (data.n != sizeof(number))
		return false;
	memcpy(&number, data.p, sizeof(number));
	if (!if_indextoname(number, name))
		return false;
	return name_value((const uint8_t *)name, sizeof(name), v);
}

bool nft_site_value(const struct nft_site *site, bool live, struct nft_value *v)
{
	static const uint8_t sizes[] = {
		[NFT_SITE_MAC] = 6,
		[NFT_SITE_IP4] = 4,
		[NFT_SITE_IP6] = 16,
	};

	if (site->op != NFT_OP_EQ)
		return false;
	switch (site->kind) {
	case NFT_SITE_IFNAME:
		return name_value(site->data.p, site->data.n, v);
	case NFT_SITE_IFINDEX:
		if (live)
			return index_value(site->data, v);
		*v = value(NFT_SITE_IFINDEX, site->data.p, site->data.n);
		return site->data.n == 4;
	case NFT_SITE_MAC:
	case NFT_SITE_IP4:
	case NFT_SITE_IP6:
		*v = value((uint8_t)site->kind, site->data.p, site->data.n);
		return site->data.n == sizes[site->kind];
	default:
		return false;
	}
}

void nft_value_text(const struct nft_value *v, char *text, size_t n)
{
	char addr[NSE_ADDR_STR];

	if (v->kind == NFT_SITE_IFNAME)
		snprintf(text, n, "%.*s", IFNAMSIZ, (const char *)v->bytes);
	else if (v->kind == NFT_SITE_MAC)
		snprintf(text, n, "%02x:%02x:%02x:%02x:%02x:%02x", v->bytes[0],
			 v->bytes[1], v->bytes[2], v->bytes[3], v->bytes[4], v->bytes[5]);
	else
		snprintf(text, n, "%s",
			 nse_addr_text(v->kind == NFT_SITE_IP4 ? AF_INET : AF_INET6,
				       v->bytes, addr));
}
