/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The attributes of a node or an element become body and state: first those
 * that are local to this host are left out, then the rest is walked for names
 * that the kernel gave and for values that move.
 */
#include "lib/engine/nft/encode_body.h"

#include <errno.h>
#include <stdio.h>

#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/ifindex.h"
#include "lib/engine/nft/object.h"

#define BIT(n) (1u << (n))

/* Newer than the headers: the set's type in the kernel, and how many it has. */
#define SET_TYPE  19
#define SET_COUNT 20

static const uint32_t left_out[NFT_TYPES] = {
	[NFT_TABLE] = BIT(NFTA_TABLE_NAME) | BIT(NFTA_TABLE_USE) |
		      BIT(NFTA_TABLE_HANDLE) | BIT(NFTA_TABLE_PAD) |
		      BIT(NFTA_TABLE_OWNER),
	[NFT_OBJECT] = BIT(NFTA_OBJ_TABLE) | BIT(NFTA_OBJ_NAME) | BIT(NFTA_OBJ_USE) |
		       BIT(NFTA_OBJ_HANDLE) | BIT(NFTA_OBJ_PAD),
	[NFT_CHAIN] = BIT(NFTA_CHAIN_TABLE) | BIT(NFTA_CHAIN_HANDLE) |
		      BIT(NFTA_CHAIN_NAME) | BIT(NFTA_CHAIN_USE) | BIT(NFTA_CHAIN_PAD) |
		      BIT(NFTA_CHAIN_ID),
	[NFT_FLOWTABLE] = BIT(NFTA_FLOWTABLE_TABLE) | BIT(NFTA_FLOWTABLE_NAME) |
			  BIT(NFTA_FLOWTABLE_USE) | BIT(NFTA_FLOWTABLE_HANDLE) |
			  BIT(NFTA_FLOWTABLE_PAD),
	[NFT_SET] = BIT(NFTA_SET_TABLE) | BIT(NFTA_SET_NAME) | BIT(NFTA_SET_ID) |
		    BIT(NFTA_SET_PAD) | BIT(NFTA_SET_HANDLE) | BIT(SET_TYPE) |
		    BIT(SET_COUNT),
	[NFT_ELEMENT] = BIT(NFTA_SET_ELEM_KEY) | BIT(NFTA_SET_ELEM_KEY_END) |
			BIT(NFTA_SET_ELEM_EXPIRATION) | BIT(NFTA_SET_ELEM_PAD),
	[NFT_RULE] = BIT(NFTA_RULE_TABLE) | BIT(NFTA_RULE_CHAIN) | BIT(NFTA_RULE_HANDLE) |
		     BIT(NFTA_RULE_POSITION) | BIT(NFTA_RULE_PAD) | BIT(NFTA_RULE_ID) |
		     BIT(NFTA_RULE_POSITION_ID) | BIT(NFTA_RULE_CHAIN_ID),
};

/* The bytes as they are; padding that was cut off at the end is given back. */
static int copy_run(struct nse_buf *b, const uint8_t *from, const uint8_t *to)
{
	static const uint8_t zeros[4];
	size_t n = (size_t)(to - from);

	return nse_buf_put(b, from, n) ?: nse_buf_put(b, zeros, -n & 3);
}

/* All attributes that are not local, in runs as long as they come. */
static int keep(enum nft_type type, uint32_t out, struct nse_bytes attrs,
		struct nse_buf *b)
{
	struct nse_cur c = nse_cur(attrs.p, attrs.n);
	const uint8_t *run = c.p, *before = c.p;
	struct nft_attr a;
	int rc;

	for (; (rc = nft_attr_next(&c, &a)) > 0; before = c.p) {
		bool flags = type == NFT_TABLE && a.type == NFTA_TABLE_FLAGS;

		if (!flags && (a.type >= 32 || !(out & BIT(a.type))))
			continue;
		rc = copy_run(b, run, before);
		if (rc == 0 && flags)
			rc = nft_put_u32(b, a.type,
					 nft_attr_u32(a.data) &
						 ~(uint32_t)NFT_TABLE_F_OWNER);
		if (rc < 0)
			return rc;
		run = c.p;
	}
	return rc < 0 ? rc : copy_run(b, run, c.p);
}

/* One walk that takes apart. */
struct parting {
	const struct nft_ruleset *rs;
	uint32_t node;
	struct nse_buf *state; /* NULL: nobody wants it */
	struct nft_ifnames names;
};

static int part_value(struct parting *p, struct nse_bytes value, struct nse_buf *to)
{
	static const uint8_t zeros[8];
	uint64_t v;

	if (value.n != 4 && value.n != 8)
		return -EBADMSG;
	v = value.n == 8 ? nse_ld64(value.p) : nse_ld32(value.p);
	if (p->state && nse_buf_put_u64(p->state, v) < 0)
		return -EMSGSIZE;
	return nse_buf_put(to, zeros, value.n) ?: 1;
}

static int part_name(struct parting *p, enum nft_type type, struct nse_bytes name,
		     struct nse_buf *to)
{
	const struct nft_node *n = &p->rs->nodes[p->node], *named;
	struct nse_bytes table = p->rs->nodes[n->table].name;
	uint32_t at = nft_ruleset_find(p->rs, type, n->family, table, name, 0);
	char text[16];

	if (at == NFT_NODE_NONE)
		return 0;
	named = &p->rs->nodes[at];
	if (named->owner != p->node)
		return 0;
	snprintf(text, sizeof(text), "@%u", named->owner_k);
	return nse_buf_put(to, text, strlen(text)) ?: 1;
}

static int on_site(void *arg, const struct nft_site *site, struct nse_buf *to)
{
	struct parting *p = arg;

	switch (site->kind) {
	case NFT_SITE_VALUE:
		return part_value(p, site->data, to);
	case NFT_SITE_SET:
		return part_name(p, NFT_SET, site->data, to);
	case NFT_SITE_CHAIN:
		return part_name(p, NFT_CHAIN, site->data, to);
	default:
		return nft_ifindex_note_site(&p->names, site, to);
	}
}

/* The room for names is not cleared: it is big, and mostly nobody needs it. */
static void parting_init(struct parting *p, const struct nft_encoder *enc, uint32_t node,
			 struct nse_buf *state)
{
	p->rs = enc->rs;
	p->node = node;
	p->state = state;
	p->names.n = 0;
}

static bool is_name(struct nse_bytes name, const char *s)
{
	return nse_bytes_equal(name, nft_str(s));
}

/* Does the expression know the number of an interface? */
static bool has_index(struct nse_bytes expr)
{
	struct nse_bytes name = nft_attr_str(nft_attr_find(expr, NFTA_EXPR_NAME));
	struct nse_bytes data = nft_attr_find(expr, NFTA_EXPR_DATA);
	uint32_t v;

	if (is_name(name, "meta")) {
		v = nft_attr_u32(nft_attr_find(data, NFTA_META_KEY));
		return v == NFT_META_IIF || v == NFT_META_OIF || v == NFT_META_SDIF;
	}
	if (is_name(name, "fib")) {
		v = nft_attr_u32(nft_attr_find(data, NFTA_FIB_RESULT));
		return v == NFT_FIB_RESULT_OIF;
	}
	return is_name(name, "fwd") || is_name(name, "dup");
}

bool nft_rule_has_index(struct nse_bytes attrs)
{
	struct nse_bytes list = nft_attr_find(attrs, NFTA_RULE_EXPRESSIONS);
	struct nse_cur c = nse_cur(list.p, list.n);
	struct nft_attr a;

	while (nft_attr_next(&c, &a) > 0)
		if (has_index(a.data))
			return true;
	return false;
}

/* Registers matter for interfaces' numbers alone. */
static int part_node(struct parting *p, enum nft_type type, const struct nse_buf *kept,
		     struct nse_buf *body)
{
	struct nse_bytes attrs = { kept->data, kept->len };

	if (type == NFT_RULE && nft_rule_has_index(attrs))
		return nft_walk(type, attrs, NULL, on_site, p, body);
	return nft_walk_names(type, attrs, on_site, p, body);
}

static int part_element(struct parting *p, const struct nse_buf *kept,
			const struct nft_layout *layout, struct nse_buf *body)
{
	struct nse_bytes attrs = { kept->data, kept->len };

	return nft_walk(NFT_ELEMENT, attrs, layout, on_site, p, body);
}

int nft_body_of_node(struct nft_encoder *enc, uint32_t node, uint64_t digest,
		     uint32_t place, struct nse_buf *body, struct nse_buf *state)
{
	const struct nft_node *n = &enc->rs->nodes[node];
	size_t start = state ? state->len : 0;
	int rc = nse_buf_put_u8(body, NFT_LAYOUT);
	struct parting p;

	parting_init(&p, enc, node, state);
	if (rc == 0 && n->type == NFT_RULE)
		rc = nse_buf_put_u64(body, digest) ?: nse_buf_put_u32(body, place);
	if (rc == 0 && state)
		rc = nse_buf_put_u8(state, 0);
	nse_buf_reset(&enc->kept);
	rc = rc ?: keep(n->type, left_out[n->type], n->attrs, &enc->kept);
	rc = rc ?: part_node(&p, n->type, &enc->kept, body);
	rc = rc ?: nft_ifindex_put(&p.names, body);
	if (state && state->len == start + 1)
		state->len = start;
	return rc;
}

/* What else than its key an element has. */
struct extras {
	struct nse_bytes expiration, timeout;
	bool kept;   /* something for the body */
	bool walked; /* where something moves, or is local */
};

static int look(struct nse_bytes attrs, struct extras *x)
{
	struct nse_cur c = nse_cur(attrs.p, attrs.n);
	struct nft_attr a;
	int rc;

	while ((rc = nft_attr_next(&c, &a)) > 0) {
		if (a.type == NFTA_SET_ELEM_EXPIRATION)
			x->expiration = a.data;
		if (a.type == NFTA_SET_ELEM_TIMEOUT)
			x->timeout = a.data;
		if (a.type >= 32 || !(left_out[NFT_ELEMENT] & BIT(a.type)))
			x->kept = true;
		if (a.type == NFTA_SET_ELEM_EXPR || a.type == NFTA_SET_ELEM_EXPRESSIONS)
			x->walked = true;
	}
	return rc;
}

/*
 * A rule of Linux 6.1 writes its set's timeout at each element that it adds, and
 * who adds one by netlink does not: both mean the same.
 */
static bool is_default(const struct nft_node *set, struct nse_bytes timeout)
{
	struct nse_bytes all;

	if (!timeout.p)
		return false;
	all = nft_attr_find(set->attrs, NFTA_SET_TIMEOUT);
	return all.p && nft_attr_u64(all) == nft_attr_u64(timeout);
}

static bool has_ifindex(const struct nft_field *fields, uint8_t n)
{
	for (uint8_t i = 0; i < n; i++)
		if (fields[i].kind == NFT_SITE_IFINDEX)
			return true;
	return false;
}

static int put_bytes(const struct nft_layout *layout, const struct nft_element *e,
		     struct nft_ifnames *names, struct nse_buf *key)
{
	int rc = 0;

	if (layout && has_ifindex(layout->key, layout->nkey))
		rc = nft_ifindex_note_key(layout, e->kind, e->bytes, names, key);
	if (rc == 0)
		rc = nse_buf_put(key, e->bytes.p, e->bytes.n);
	return rc < 0 ? rc : 0;
}

static int put_expiration(struct nse_buf *state, struct nse_bytes expiration)
{
	if (!expiration.p)
		return nse_buf_put_u8(state, 0);
	return nse_buf_put_u8(state, NFT_STATE_EXPIRES)
		       ?: nse_buf_put_u64(state, nft_attr_u64(expiration));
}

/* Most elements have a key and nothing else: one byte of body and no state. */
int nft_body_of_element(struct nft_encoder *enc, uint32_t set,
			const struct nft_element *e, struct nse_buf *key,
			struct nse_buf *body, struct nse_buf *state)
{
	const struct nft_layout *layout = enc->rs->nodes[set].layout;
	size_t start = state ? state->len : 0;
	struct extras x = { 0 };
	uint32_t out = left_out[NFT_ELEMENT];
	struct parting p;
	int rc;

	parting_init(&p, enc, set, state);
	rc = look(e->attrs, &x) ?: put_bytes(layout, e, &p.names, key);
	if (is_default(&enc->rs->nodes[set], x.timeout))
		out |= BIT(NFTA_SET_ELEM_TIMEOUT);
	rc = rc ?: nse_buf_put_u8(body, NFT_LAYOUT);
	if (rc == 0 && state && (x.kept || x.expiration.p))
		rc = put_expiration(state, x.expiration);
	if (x.walked || (layout && has_ifindex(layout->data, layout->ndata))) {
		nse_buf_reset(&enc->kept);
		rc = rc ?: keep(NFT_ELEMENT, out, e->attrs, &enc->kept);
		rc = rc ?: part_element(&p, &enc->kept, layout, body);
	} else if (x.kept) {
		rc = rc ?: keep(NFT_ELEMENT, out, e->attrs, body);
	}
	rc = rc ?: nft_ifindex_put(&p.names, body);
	if (state && state->len == start + 1)
		state->len = start;
	return rc;
}
