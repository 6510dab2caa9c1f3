/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mending rules. Most expressions go back as the kernel dumped them; the table
 * at the end of this file has those that do not. A rule with a match or target
 * of xtables also needs to be told which protocol it is for, which the kernel
 * asks for and never tells: it is found where the rule compares it.
 */
#include "lib/engine/nft/build_fix.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#include "lib/engine/nft/attr.h"
#include "lib/util/cleanup.h"

#define BIT(type)     (1u << (type))
#define IP4_PROTO     9 /* offsets in the headers of IPv4, IPv6 and Ethernet */
#define IP6_PROTO     6
#define ETHER_TYPE    12
#define ETHER_TYPE_SZ 2
#define EXPR_MAX      16 /* attribute types of an expression that count */

struct nse_bytes nft_fix_pattern(const struct nft_id *id)
{
	return nft_str(id->map & NFT_SET_OBJECT ? "__objmap%d"
		       : id->map		? "__map%d"
						: "__set%d");
}

/* Copies attributes as they are (flags included), but for the types in `drop`. */
static int copy_but(struct nse_buf *out, struct nse_bytes list, uint32_t drop)
{
	static const uint8_t zeros[4];
	struct nse_cur c = nse_cur(list.p, list.n);
	const uint8_t *from = c.p;
	struct nft_attr a;
	int rc;

	while ((rc = nft_attr_next(&c, &a)) > 0) {
		size_t n = (size_t)(c.p - from);

		if (a.type >= 32 || !(drop & BIT(a.type)))
			rc = nse_buf_put(out, from, n) ?: nse_buf_put(out, zeros, -n & 3);
		if (rc < 0)
			return rc;
		from = c.p;
	}
	return rc;
}

/* The name and number of a set that is a rule's own, instead of "@K". */
static int put_set(struct nft_fix *f, uint16_t name_type, uint16_t id_type,
		   struct nse_bytes name)
{
	struct nft_id id;
	int rc = f->find(f->arg, NFT_SET, name, &id);

	return rc ?: nft_put_str(f->out, name_type, nft_fix_pattern(&id)) ?:
	       nft_put_u32(f->out, id_type, id.id);
}

/* An expression that names a set: as it is, or by its number in the batch. */
static int fix_set(struct nft_fix *f, struct nse_bytes data, uint16_t name_type,
		   uint16_t id_type, uint32_t drop)
{
	struct nse_bytes name = nft_attr_str(nft_attr_find(data, name_type));
	int rc = 0;

	drop |= BIT(id_type);
	if (nft_name_is_ours(name)) {
		drop |= BIT(name_type);
		rc = put_set(f, name_type, id_type, name);
	}
	return rc ?: copy_but(f->out, data, drop);
}

static int fix_lookup(struct nft_fix *f, struct nse_bytes data)
{
	return fix_set(f, data, NFTA_LOOKUP_SET, NFTA_LOOKUP_SET_ID, 0);
}

static int fix_objref(struct nft_fix *f, struct nse_bytes data)
{
	return fix_set(f, data, NFTA_OBJREF_SET_NAME, NFTA_OBJREF_SET_ID, 0);
}

/* A timeout of 0 needs a set with timeouts, several expressions need a flag. */
static int fix_dynset(struct nft_fix *f, struct nse_bytes data)
{
	struct nse_bytes at[EXPR_MAX];
	uint32_t drop = 0, flags;
	int rc = nft_attr_index(data, at, EXPR_MAX);

	if (rc < 0)
		return rc;
	if (nft_attr_u64(at[NFTA_DYNSET_TIMEOUT]) == 0)
		drop |= BIT(NFTA_DYNSET_TIMEOUT);
	if (at[NFTA_DYNSET_EXPRESSIONS].p) {
		drop |= BIT(NFTA_DYNSET_FLAGS);
		flags = nft_attr_u32(at[NFTA_DYNSET_FLAGS]) | NFT_DYNSET_F_EXPR;
		rc = nft_put_u32(f->out, NFTA_DYNSET_FLAGS, flags);
	}
	return rc ?: fix_set(f, data, NFTA_DYNSET_SET_NAME, NFTA_DYNSET_SET_ID, drop);
}

static int fix_verdict(struct nft_fix *f, struct nse_bytes verdict,
		       struct nse_bytes chain)
{
	uint32_t drop = BIT(NFTA_VERDICT_CHAIN) | BIT(NFTA_VERDICT_CHAIN_ID);
	long data = nft_nest(f->out, NFTA_IMMEDIATE_DATA);
	long nest = data < 0 ? data : nft_nest(f->out, NFTA_DATA_VERDICT);
	struct nft_id id;
	int rc = nest < 0 ? (int)nest : f->find(f->arg, NFT_CHAIN, chain, &id);

	return rc ?: copy_but(f->out, verdict, drop) ?:
	       nft_put_u32(f->out, NFTA_VERDICT_CHAIN_ID, id.id) ?:
	       nft_nest_end(f->out, nest) ?: nft_nest_end(f->out, data);
}

/* A jump to a chain that is the rule's own. */
static int fix_immediate(struct nft_fix *f, struct nse_bytes data)
{
	struct nse_bytes v = nft_attr_find(data, NFTA_IMMEDIATE_DATA);
	struct nse_bytes verdict = nft_attr_find(v, NFTA_DATA_VERDICT);
	struct nse_bytes chain = nft_attr_str(nft_attr_find(verdict, NFTA_VERDICT_CHAIN));

	if (!nft_name_is_ours(chain))
		return copy_but(f->out, data, 0);
	return copy_but(f->out, data, BIT(NFTA_IMMEDIATE_DATA))
		       ?: fix_verdict(f, verdict, chain);
}

static int fix_osf(struct nft_fix *f, struct nse_bytes data)
{
	bool none = nft_attr_u32(nft_attr_find(data, NFTA_OSF_FLAGS)) == 0;

	return copy_but(f->out, data, none ? BIT(NFTA_OSF_FLAGS) : 0);
}

/* Reading takes everything, writing no flags, removing nothing but the type. */
static int fix_exthdr(struct nft_fix *f, struct nse_bytes data)
{
	uint32_t drop = 0;

	if (!nft_attr_find(data, NFTA_EXTHDR_DREG).p) {
		drop = BIT(NFTA_EXTHDR_FLAGS);
		if (!nft_attr_find(data, NFTA_EXTHDR_SREG).p)
			drop |= BIT(NFTA_EXTHDR_OFFSET) | BIT(NFTA_EXTHDR_LEN);
	}
	return copy_but(f->out, data, drop);
}

static const struct {
	const char *name;
	int (*fix)(struct nft_fix *f, struct nse_bytes data);
} fixes[] = {
	{ "dynset", fix_dynset },	{ "exthdr", fix_exthdr },
	{ "immediate", fix_immediate }, { "lookup", fix_lookup },
	{ "objref", fix_objref },	{ "osf", fix_osf },
};

static bool is_named(struct nse_bytes name, const char *what)
{
	return nse_bytes_equal(name, nft_str(what));
}

/* What is known of the protocol that a rule is for. */
struct proto {
	bool xt, known, inverted;
	uint32_t reg, value; /* reg: where it was loaded, 0: nowhere */
};

static bool loads_proto(const struct nft_fix *f, struct nse_bytes name,
			struct nse_bytes data)
{
	bool bridge = f->family == NFPROTO_BRIDGE;
	uint32_t base, offset, len;

	if (is_named(name, "meta"))
		return nft_attr_u32(nft_attr_find(data, NFTA_META_KEY)) ==
		       (bridge ? NFT_META_PROTOCOL : NFT_META_L4PROTO);
	if (!is_named(name, "payload"))
		return false;
	base = nft_attr_u32(nft_attr_find(data, NFTA_PAYLOAD_BASE));
	offset = nft_attr_u32(nft_attr_find(data, NFTA_PAYLOAD_OFFSET));
	len = nft_attr_u32(nft_attr_find(data, NFTA_PAYLOAD_LEN));
	if (bridge)
		return base == NFT_PAYLOAD_LL_HEADER && offset == ETHER_TYPE &&
		       len == ETHER_TYPE_SZ;
	return base == NFT_PAYLOAD_NETWORK_HEADER && len == 1 &&
	       ((f->family == NFPROTO_IPV4 && offset == IP4_PROTO) ||
		(f->family == NFPROTO_IPV6 && offset == IP6_PROTO));
}

/* The Ethernet type goes to the kernel as it lies in the packet. */
static bool proto_value(struct nse_bytes v, uint32_t *value)
{
	uint16_t type;

	if (v.n == 1) {
		*value = v.p[0];
	} else if (v.n == sizeof(type)) {
		memcpy(&type, v.p, sizeof(type));
		*value = type;
	}
	return v.n == 1 || v.n == sizeof(type);
}

static void see_cmp(struct proto *p, struct nse_bytes data)
{
	uint32_t op = nft_attr_u32(nft_attr_find(data, NFTA_CMP_OP));
	struct nse_bytes v =
		nft_attr_find(nft_attr_find(data, NFTA_CMP_DATA), NFTA_DATA_VALUE);

	if (!p->reg || nft_attr_u32(nft_attr_find(data, NFTA_CMP_SREG)) != p->reg)
		return;
	if ((op == NFT_CMP_EQ || op == NFT_CMP_NEQ) && proto_value(v, &p->value)) {
		p->known = true;
		p->inverted = op == NFT_CMP_NEQ;
	}
}

static void see_expr(const struct nft_fix *f, struct proto *p, struct nse_bytes name,
		     struct nse_bytes data)
{
	bool meta = is_named(name, "meta");

	if (is_named(name, "match") || is_named(name, "target")) {
		p->xt = true;
	} else if (p->known) {
		return;
	} else if (is_named(name, "cmp")) {
		see_cmp(p, data);
	} else if (meta || is_named(name, "payload")) {
		uint16_t type = meta ? NFTA_META_DREG : NFTA_PAYLOAD_DREG;
		uint32_t reg = nft_attr_u32(nft_attr_find(data, type));

		if (loads_proto(f, name, data))
			p->reg = reg;
		else if (reg == p->reg)
			p->reg = 0;
	}
}

static int put_compat(struct nft_fix *f, const struct proto *p)
{
	uint32_t flags = p->inverted ? NFT_RULE_COMPAT_F_INV : 0;
	long at;

	if (!p->xt || !p->known)
		return 0;
	at = nft_nest(f->out, NFTA_RULE_COMPAT);
	if (at < 0)
		return (int)at;
	return nft_put_u32(f->out, NFTA_RULE_COMPAT_PROTO, p->value) ?:
	       nft_put_u32(f->out, NFTA_RULE_COMPAT_FLAGS, flags) ?:
	       nft_nest_end(f->out, at);
}

static int put_expr(struct nft_fix *f, struct proto *p, struct nse_bytes expr)
{
	struct nse_bytes name = nft_attr_str(nft_attr_find(expr, NFTA_EXPR_NAME));
	struct nse_bytes data = nft_attr_find(expr, NFTA_EXPR_DATA);
	long at;
	int rc;

	see_expr(f, p, name, data);
	for (size_t i = 0; i < NSE_ARRAY_SIZE(fixes); i++) {
		if (!is_named(name, fixes[i].name))
			continue;
		rc = nft_put_str(f->out, NFTA_EXPR_NAME, name);
		at = rc ?: nft_nest(f->out, NFTA_EXPR_DATA);
		if (at < 0)
			return (int)at;
		return fixes[i].fix(f, data) ?: nft_nest_end(f->out, at);
	}
	return copy_but(f->out, expr, 0);
}

static int put_exprs(struct nft_fix *f, struct proto *p, struct nse_bytes list)
{
	struct nse_cur c = nse_cur(list.p, list.n);
	long all = nft_nest(f->out, NFTA_RULE_EXPRESSIONS);
	struct nft_attr a;
	int rc = all < 0 ? (int)all : 0;

	while (rc == 0 && (rc = nft_attr_next(&c, &a)) > 0) {
		long at = nft_nest(f->out, NFTA_LIST_ELEM);

		rc = at < 0 ? (int)at
			    : put_expr(f, p, a.data) ?: nft_nest_end(f->out, at);
	}
	return rc ?: nft_nest_end(f->out, all);
}

int nft_fix_rule(struct nft_fix *f, struct nse_bytes attrs)
{
	uint32_t drop = BIT(NFTA_RULE_TABLE) | BIT(NFTA_RULE_CHAIN) |
			BIT(NFTA_RULE_HANDLE) | BIT(NFTA_RULE_POSITION) |
			BIT(NFTA_RULE_ID) | BIT(NFTA_RULE_POSITION_ID) |
			BIT(NFTA_RULE_CHAIN_ID) | BIT(NFTA_RULE_COMPAT) |
			BIT(NFTA_RULE_EXPRESSIONS);
	struct nse_bytes exprs = nft_attr_find(attrs, NFTA_RULE_EXPRESSIONS);
	struct proto p = { 0 };
	int rc = 0;

	if (exprs.p)
		rc = put_exprs(f, &p, exprs);
	return rc ?: put_compat(f, &p) ?: copy_but(f->out, attrs, drop);
}

int nft_fix_element(struct nse_buf *out, struct nse_bytes attrs, uint64_t expiration,
		    uint64_t set_timeout)
{
	struct nse_bytes own = nft_attr_find(attrs, NFTA_SET_ELEM_TIMEOUT);
	uint64_t timeout = own.p ? nft_attr_u64(own) : set_timeout;
	uint32_t drop = 0;
	int rc = 0;

	/* 0 would mean the whole time anew. */
	expiration = expiration ? expiration : 1;
	if (timeout && expiration > timeout) {
		drop = BIT(NFTA_SET_ELEM_TIMEOUT);
		rc = nft_put_u64(out, NFTA_SET_ELEM_TIMEOUT, expiration);
	}
	return rc ?: nft_put_u64(out, NFTA_SET_ELEM_EXPIRATION, expiration) ?:
	       copy_but(out, attrs, drop);
}

int nft_fix_table(struct nft_fix *f, struct nse_bytes attrs)
{
	uint32_t flags = nft_attr_u32(nft_attr_find(attrs, NFTA_TABLE_FLAGS));

	return nft_put_u32(f->out, NFTA_TABLE_FLAGS, flags & ~(uint32_t)NFT_TABLE_F_OWNER)
		       ?: copy_but(f->out, attrs,
				   BIT(NFTA_TABLE_NAME) | BIT(NFTA_TABLE_FLAGS) |
					   BIT(NFTA_TABLE_USE) | BIT(NFTA_TABLE_HANDLE) |
					   BIT(NFTA_TABLE_OWNER));
}
