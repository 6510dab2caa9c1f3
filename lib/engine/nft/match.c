/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a rule matches by equality. Comparisons come from the walk. For a
 * lookup the walk tells the name of the set only; what the rule looks up in it
 * is found by letting the walk see a comparison in the lookup's place, since
 * the type that a set claims to have binds nobody.
 */
#include "lib/engine/nft/match.h"

#include <errno.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/xt_mac.h>
#include <linux/netfilter/xt_physdev.h>

#include "lib/engine/nft/attr.h"
#include "lib/util/cleanup.h"

void nft_match_value(const struct nft_owners *o, const struct nft_value *v,
		     struct nft_match *m)
{
	uint8_t level;

	switch (nft_owners_find(o, v, &level)) {
	case NFT_MINE:
		if (level > m->mine) {
			m->mine = level;
			m->what = *v;
		}
		break;
	case NFT_OTHERS:
		if (level > m->other)
			m->other = level;
		break;
	default:
		break;
	}
}

enum nft_whose nft_match_whose(const struct nft_match *m)
{
	uint8_t top = m->mine > m->other ? m->mine : m->other;
	bool mine, other;

	top = top > m->mixed ? top : m->mixed;
	if (!top)
		return NFT_NOBODYS;
	mine = m->mine == top;
	other = m->other == top;
	if (mine != other)
		return mine ? NFT_MINE : m->mixed == top ? NFT_BOTH : NFT_OTHERS;
	return NFT_BOTH;
}

struct rule_match {
	struct nft_owners *o;
	uint8_t family;
	nft_match_set_cb *set;
	void *arg;
	struct nft_match *m;
};

static int on_site(void *arg, const struct nft_site *site, struct nse_buf *to)
{
	struct rule_match *r = arg;
	struct nft_value v;

	(void)to;
	if (nft_site_value(site, r->o->live, &v))
		nft_match_value(r->o, &v, r->m);
	return 0;
}

/* Collects the fields of the bytes that a lookup looks up. */
struct probe {
	struct nft_layout *layout;
	const uint8_t *bytes;
	size_t n;
};

static int on_probe(void *arg, const struct nft_site *site, struct nse_buf *to)
{
	struct probe *p = arg;
	struct nft_layout *l = p->layout;

	(void)to;
	if (site->op != NFT_OP_EQ || site->data.p < p->bytes ||
	    site->data.p + site->data.n > p->bytes + p->n || l->nkey == NFT_FIELDS_MAX)
		return 0;
	/* Numbers in an interval are in another order of bytes. */
	if (l->interval && site->kind == NFT_SITE_IFINDEX)
		return 0;
	l->key[l->nkey++] = (struct nft_field){ (uint8_t)site->kind,
						(uint8_t)(site->data.p - p->bytes),
						(uint8_t)site->data.n };
	return 0;
}

/* Appends `cmp eq SREG 0…` with n bytes of zeros, at the end of the buffer. */
static int put_probe(struct nse_buf *b, uint32_t sreg, size_t n)
{
	static const uint8_t zeros[NFT_DATA_VALUE_MAXLEN];
	long elem = nft_nest(b, NFTA_LIST_ELEM), data, value;
	int rc = elem < 0 ? (int)elem : nft_put_str(b, NFTA_EXPR_NAME, nft_str("cmp"));

	if (rc < 0)
		return rc;
	data = nft_nest(b, NFTA_EXPR_DATA);
	if (data < 0)
		return (int)data;
	rc = nft_put_u32(b, NFTA_CMP_SREG, sreg)
		     ?: nft_put_u32(b, NFTA_CMP_OP, NFT_CMP_EQ);
	if (rc < 0)
		return rc;
	value = nft_nest(b, NFTA_CMP_DATA);
	if (value < 0)
		return (int)value;
	rc = nft_put(b, NFTA_DATA_VALUE, zeros, n) ?: nft_nest_end(b, value);
	return rc ?: nft_nest_end(b, data) ?: nft_nest_end(b, elem);
}

static struct nse_bytes bytes_of(const struct nse_buf *b)
{
	return (struct nse_bytes){ b->data, b->len };
}

/* What the conditions so far have put into the registers from sreg on. */
static int find_layout(struct rule_match *r, uint32_t sreg, const struct nft_layout *set,
		       struct nft_layout *layout)
{
	size_t n = set->key_len, padded = (n + 3) & ~(size_t)3;
	struct nse_buf *b = &r->o->rule;
	size_t before = b->len;
	struct probe p = { layout, NULL, n };
	int rc;

	*layout =
		(struct nft_layout){ .key_len = set->key_len, .interval = set->interval };
	if (n == 0 || n > NFT_DATA_VALUE_MAXLEN)
		return 0;
	rc = put_probe(b, sreg, n) ?: nft_nest_end(b, 0);
	if (rc == 0) {
		p.bytes = b->data + b->len - padded;
		rc = nft_walk_in(r->family, NFT_RULE, bytes_of(b), NULL, on_probe, &p,
				 NULL);
	}
	b->len = before;
	return rc;
}

/* What several things together, of which any will do, say of a rule. */
struct tally {
	bool rest; /* one of them is nobody's */
	uint8_t mine, other;
	struct nft_value what;
};

static void count(struct tally *t, const struct nft_match *one)
{
	enum nft_whose whose = nft_match_whose(one);

	if (whose & NFT_MINE && one->mine > t->mine) {
		t->mine = one->mine;
		t->what = one->what;
	}
	if (whose & NFT_OTHERS && one->other > t->other)
		t->other = one->other;
	t->rest |= whose == NFT_NOBODYS;
}

static void conclude(const struct tally *t, struct nft_match *m)
{
	if (t->mine && (t->other || t->rest)) {
		m->mixed = t->mine > m->mixed ? t->mine : m->mixed;
	} else if (t->mine > m->mine) {
		m->mine = t->mine;
		m->what = t->what;
	}
	m->other = t->other > m->other ? t->other : m->other;
}

static int match_set(const struct nft_owners *o, const struct nft_layout *layout,
		     const struct nft_own_set *set, struct nft_match *m)
{
	NSE_FREE uint8_t *claims = malloc(set->n + 1);
	struct tally t = { .rest = false };

	if (!claims)
		return -ENOMEM;
	if (nft_match_elements(o, layout, set->elements, set->n, claims) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < set->n; i++) {
		struct nft_match one = { 0 };

		if (layout->interval && set->elements[i].kind == NFT_ELEMENT_END)
			continue;
		if (NFT_CLAIM_WHOSE(claims[i]))
			nft_match_key(o, layout, &set->elements[i], &one);
		count(&t, &one);
	}
	conclude(&t, m);
	return 0;
}

static int look_up(struct rule_match *r, struct nse_bytes name, uint32_t sreg)
{
	struct nft_own_set set = { NULL, NULL, 0 };
	struct nft_layout layout;
	int rc = name.p ? r->set(r->arg, name, &set) : 0;

	if (rc <= 0)
		return rc;
	rc = find_layout(r, sreg, set.layout, &layout);
	if (rc < 0 || !layout.nkey)
		return rc == -ENOMEM ? rc : 0;
	return match_set(r->o, &layout, &set, r->m);
}

static bool any_byte(const void *p, size_t n)
{
	const uint8_t *bytes = p;

	for (size_t i = 0; i < n; i++)
		if (bytes[i])
			return true;
	return false;
}

/*
 * Does an xt match compare all that stands in it? iptables(8) makes no other;
 * who does wants it to look narrower than it is.
 */
static bool is_earnest(struct nse_bytes name, struct nse_bytes info)
{
	struct xt_physdev_info dev;
	struct xt_mac_info mac;

	if (nse_bytes_equal(name, nft_str("mac")) && info.n >= sizeof(mac)) {
		memcpy(&mac, info.p, sizeof(mac));
		return mac.invert == 0 || mac.invert == 1;
	}
	if (!nse_bytes_equal(name, nft_str("physdev")) || info.n < sizeof(dev))
		return true;
	memcpy(&dev, info.p, sizeof(dev));
	if (!(dev.bitmask & XT_PHYSDEV_OP_IN) &&
	    any_byte(dev.in_mask, sizeof(dev.in_mask)))
		return false;
	return dev.bitmask & XT_PHYSDEV_OP_OUT ||
	       !any_byte(dev.out_mask, sizeof(dev.out_mask));
}

/* What an expression means for the rest of the rule. */
enum role { CONDITION, CONDITION_AND_ACTION, ACTION, NOTHING };

/* Those that only look, when they have the attribute (0: in any case). */
static const struct {
	const char *name;
	uint16_t attr;
} conditions[] = {
	{ "meta", NFTA_META_DREG },
	{ "payload", NFTA_PAYLOAD_DREG },
	{ "ct", NFTA_CT_DREG },
	{ "exthdr", NFTA_EXTHDR_DREG },
	{ "immediate", 0 },
	{ "cmp", 0 },
	{ "bitwise", 0 },
	{ "byteorder", 0 },
	{ "range", 0 },
	{ "lookup", 0 },
	{ "objref", 0 },
	{ "match", 0 },
	{ "fib", 0 },
	{ "rt", 0 },
	{ "socket", 0 },
	{ "osf", 0 },
	{ "hash", 0 },
	{ "numgen", 0 },
	{ "xfrm", 0 },
	{ "tunnel", 0 },
	{ "inner", 0 },
	{ "limit", 0 },
	{ "connlimit", 0 },
	{ "quota", 0 },
	{ "counter", 0 },
	{ "last", 0 },
	{ "log", 0 },
};

static bool only_looks(struct nse_bytes name, const struct nse_bytes *at)
{
	for (size_t i = 0; i < NSE_ARRAY_SIZE(conditions); i++)
		if (nse_bytes_equal(name, nft_str(conditions[i].name)))
			return !conditions[i].attr || at[conditions[i].attr].p;
	return false;
}

#define AT_MAX 16

_Static_assert(NFTA_LOOKUP_FLAGS < AT_MAX && NFTA_OBJREF_SET_NAME < AT_MAX &&
		       NFTA_META_DREG < AT_MAX && NFTA_PAYLOAD_DREG < AT_MAX &&
		       NFTA_EXTHDR_DREG < AT_MAX && NFTA_CT_DREG < AT_MAX,
	       "attributes that are looked at");

static bool to_verdict(struct nse_bytes reg)
{
	return reg.p && nft_attr_u32(reg) == NFT_REG_VERDICT;
}

static int expression(struct rule_match *r, struct nse_bytes expr, enum role *role)
{
	struct nse_bytes name = nft_attr_str(nft_attr_find(expr, NFTA_EXPR_NAME));
	struct nse_bytes at[AT_MAX];

	*role = ACTION;
	if (nft_attr_index(nft_attr_find(expr, NFTA_EXPR_DATA), at, AT_MAX) < 0 ||
	    !only_looks(name, at))
		return 0;
	if (nse_bytes_equal(name, nft_str("immediate"))) {
		if (!to_verdict(at[NFTA_IMMEDIATE_DREG]))
			*role = CONDITION;
		return 0;
	}
	*role = CONDITION;
	if (nse_bytes_equal(name, nft_str("match")) &&
	    !is_earnest(nft_attr_str(at[NFTA_MATCH_NAME]), at[NFTA_MATCH_INFO]))
		*role = NOTHING;
	if (nse_bytes_equal(name, nft_str("lookup"))) {
		if (to_verdict(at[NFTA_LOOKUP_DREG]))
			*role = CONDITION_AND_ACTION;
		if (nft_attr_u32(at[NFTA_LOOKUP_FLAGS]) & NFT_LOOKUP_F_INV)
			return 0;
		return look_up(r, nft_attr_str(at[NFTA_LOOKUP_SET]),
			       nft_attr_u32(at[NFTA_LOOKUP_SREG]));
	}
	if (nse_bytes_equal(name, nft_str("objref")))
		return look_up(r, nft_attr_str(at[NFTA_OBJREF_SET_NAME]),
			       nft_attr_u32(at[NFTA_OBJREF_SET_SREG]));
	return 0;
}

/* Copies the conditions into the buffer, and looks into their sets. */
static int each_condition(struct rule_match *r, struct nse_bytes list)
{
	struct nse_cur c = nse_cur(list.p, list.n);
	enum role role = CONDITION;
	struct nft_attr a;
	int rc = 0;

	while (rc == 0 && (role == CONDITION || role == NOTHING) &&
	       nft_attr_next(&c, &a) > 0) {
		if (a.type != NFTA_LIST_ELEM)
			continue;
		rc = expression(r, a.data, &role);
		if (rc == 0 && (role == CONDITION || role == CONDITION_AND_ACTION))
			rc = nft_put(&r->o->rule, NFTA_LIST_ELEM | NLA_F_NESTED, a.data.p,
				     a.data.n);
	}
	return rc;
}

int nft_match_rule(struct nft_owners *o, uint8_t family, struct nse_bytes attrs,
		   nft_match_set_cb *set, void *arg, struct nft_match *m)
{
	struct rule_match r = { o, family, set, arg, m };
	long nest;
	int rc;

	nse_buf_reset(&o->rule);
	nest = nft_nest(&o->rule, NFTA_RULE_EXPRESSIONS);
	if (nest < 0)
		return (int)nest;
	rc = each_condition(&r, nft_attr_find(attrs, NFTA_RULE_EXPRESSIONS));
	if (rc == 0)
		rc = nft_nest_end(&o->rule, nest);
	if (rc == 0)
		rc = nft_walk_in(family, NFT_RULE, bytes_of(&o->rule), NULL, on_site, &r,
				 NULL);
	return rc == -EMSGSIZE || rc == -EBADMSG ? 0 : rc;
}

struct devices {
	const struct nft_owners *o;
	struct tally tally;
};

static int on_device(void *arg, const struct nft_site *site, struct nse_buf *to)
{
	struct nft_value v = { .kind = NFT_SITE_IFNAME };
	struct nft_match one = { 0 };
	struct devices *d = arg;

	(void)to;
	if (site->kind != NFT_SITE_DEVICE)
		return 0;
	if (site->op != NFT_OP_OTHER && site->data.n < sizeof(v.bytes)) {
		memcpy(v.bytes, site->data.p, site->data.n);
		nft_match_value(d->o, &v, &one);
	}
	count(&d->tally, &one);
	return 0;
}

int nft_match_devices(const struct nft_owners *o, struct nse_bytes chain_attrs,
		      struct nft_match *m)
{
	struct devices d = { .o = o };
	int rc = nft_walk(NFT_CHAIN, chain_attrs, NULL, on_device, &d, NULL);

	if (rc == 0)
		conclude(&d.tally, m);
	return rc == -ENOMEM ? rc : 0;
}
