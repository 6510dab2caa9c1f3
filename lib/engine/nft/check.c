/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is a record one that this engine could have written? Its bytes come from a
 * file or a peer. What passes here may be handed to the other parts of the
 * engine and to the kernel: attributes are well formed as deep as nf_tables
 * nests them and none stands twice in a list, the object is named by the key
 * and by nothing else, and the state has a value for each zero of the body.
 */
#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/ifindex.h"
#include "lib/engine/nft/nft_engine.h"
#include "lib/engine/nft/object.h"
#include "lib/engine/nft/schema.h"
#include "lib/engine/nft/walk.h"

/* Expressions nest in expressions: a dynset has some, and none of them a dynset. */
#define DEPTH_MAX 16

#define ATTRS_MAX 64 /* far above any type that there is */

struct check {
	const struct nft_key *key;
	unsigned int depth;
	struct nse_error *err;
};

static int bad(const struct check *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int bad(const struct check *c, const char *fmt, ...)
{
	char name[512], why[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	nft_key_text(c->key, name, sizeof(name));
	return nse_error(c->err, -EBADMSG, "%s%s: %s", c->key->need ? "needed " : "",
			 name, why);
}

static int check_list(struct check *c, struct nse_bytes list,
		      const struct nft_schema *schema);

/* "@K": the K-th set or chain of the rule's own. */
static bool own_name_ok(struct nse_bytes name)
{
	if (name.n < 2 || name.n > 11)
		return false;
	for (size_t i = 1; i < name.n; i++)
		if (name.p[i] < '0' || name.p[i] > '9')
			return false;
	return true;
}

static int check_ref(struct check *c, const struct nft_attr *a)
{
	struct nse_bytes name = nft_attr_str(a->data);

	if (!name.p)
		return bad(c, "attribute %u is no name", a->type);
	if (!nft_name_is_ours(name))
		return 0;
	if (c->key->type != NFT_RULE || !own_name_ok(name))
		return bad(c, "attribute %u names nothing of its own", a->type);
	return 0;
}

static int check_elements(struct check *c, struct nse_bytes list,
			  const struct nft_schema *schema)
{
	struct nse_cur cur = nse_cur(list.p, list.n);
	struct nft_attr a;
	int rc;

	while ((rc = nft_attr_next(&cur, &a)) > 0) {
		if (a.type != NFTA_LIST_ELEM)
			return bad(c, "attribute %u in a list", a.type);
		rc = check_list(c, a.data, schema);
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? bad(c, "a list that is cut or garbled") : 0;
}

static int check_devices(struct check *c, struct nse_bytes list)
{
	struct nse_cur cur = nse_cur(list.p, list.n);
	struct nft_attr a;
	int rc;

	while ((rc = nft_attr_next(&cur, &a)) > 0) {
		struct nse_bytes name = nft_attr_str(a.data);

		if (!name.p || name.n >= IFNAMSIZ)
			return bad(c, "no name of an interface in its list of devices");
	}
	return rc < 0 ? bad(c, "a list of devices that is cut or garbled") : 0;
}

/* An attribute whose content depends on another one of its list. */
static int check_data(struct check *c, struct nse_bytes list, const struct nft_attr *a)
{
	struct nse_bytes name;

	/* The schema of an object's attributes is at the top alone. */
	if (c->key->type == NFT_OBJECT && c->depth == 1)
		return check_list(c, a->data, nft_object_data_schema(c->key->objtype));
	name = nft_attr_str(nft_attr_find(list, NFTA_EXPR_NAME));
	if (!name.p)
		return bad(c, "an expression without a name");
	return check_list(c, a->data, nft_expr_data_schema(name));
}

static int check_attr(struct check *c, struct nse_bytes list,
		      const struct nft_member_shape *m, const struct nft_attr *a)
{
	switch ((enum nft_shape)m->shape) {
	case NFT_SHAPE_GONE:
		return bad(c, "attribute %u does not belong into a record", a->type);
	case NFT_SHAPE_ANY:
		return 0;
	case NFT_SHAPE_SIZE:
		if (a->data.n == m->size)
			return 0;
		return bad(c, "attribute %u has %zu bytes instead of %u", a->type,
			   a->data.n, m->size);
	case NFT_SHAPE_UPTO:
		if (a->data.n > 0 && a->data.n <= m->size)
			return 0;
		return bad(c, "attribute %u has %zu bytes", a->type, a->data.n);
	case NFT_SHAPE_NAME:
		if (nft_attr_str(a->data).p)
			return 0;
		return bad(c, "attribute %u is no name", a->type);
	case NFT_SHAPE_REF:
		return check_ref(c, a);
	case NFT_SHAPE_NEST:
		return check_list(c, a->data, m->in);
	case NFT_SHAPE_LIST:
		return check_elements(c, a->data, m->in);
	case NFT_SHAPE_DEVICES:
		return check_devices(c, a->data);
	case NFT_SHAPE_DATA:
		return check_data(c, list, a);
	}
	return bad(c, "attribute %u", a->type);
}

static const struct nft_member_shape *find_member(const struct nft_schema *s,
						  uint16_t type)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->members[i].type == type)
			return &s->members[i];
	return NULL;
}

static int check_members(struct check *c, struct nse_bytes list,
			 const struct nft_schema *schema)
{
	struct nse_cur cur = nse_cur(list.p, list.n);
	struct nft_attr a;
	uint64_t seen = 0;
	int rc;

	while ((rc = nft_attr_next(&cur, &a)) > 0) {
		const struct nft_member_shape *m = find_member(schema, a.type);

		/* Padding of the kernel is empty, and may be there for each u64. */
		if (!m && a.data.n == 0)
			continue;
		if (a.type >= ATTRS_MAX)
			return bad(c, "no list of nf_tables has an attribute %u", a.type);
		if (seen & 1ull << a.type)
			return bad(c, "attribute %u stands there twice", a.type);
		seen |= 1ull << a.type;
		rc = m ? check_attr(c, list, m, &a) : 0;
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? bad(c, "its attributes are cut or garbled") : 0;
}

static int check_list(struct check *c, struct nse_bytes list,
		      const struct nft_schema *schema)
{
	int rc;

	if (c->depth == DEPTH_MAX)
		return bad(c, "attributes that nest too deep");
	c->depth++;
	rc = check_members(c, list, schema);
	c->depth--;
	return rc;
}

static int check_set(const struct check *c, const struct nse_bytes *at)
{
	uint32_t key_len = nft_attr_u32(at[NFTA_SET_KEY_LEN]);
	uint32_t flags = nft_attr_u32(at[NFTA_SET_FLAGS]);

	if (key_len == 0 || key_len > NFT_DATA_VALUE_MAXLEN ||
	    nft_attr_u32(at[NFTA_SET_DATA_LEN]) > NFT_DATA_VALUE_MAXLEN)
		return bad(c, "a key of %u and data of %u bytes", key_len,
			   nft_attr_u32(at[NFTA_SET_DATA_LEN]));
	if (nft_name_is_ours(c->key->name) && !(flags & NFT_SET_ANONYMOUS))
		return bad(c, "it has a rule's name and is not anonymous");
	return 0;
}

static int check_chain(const struct check *c, const struct nse_bytes *at)
{
	bool bound = nft_attr_u32(at[NFTA_CHAIN_FLAGS]) & NFT_CHAIN_BINDING;

	if (bound != nft_name_is_ours(c->key->name))
		return bad(c, bound ? "it is bound to a rule and has a name of its own"
				    : "it has a rule's name and is not bound to one");
	if (bound && at[NFTA_CHAIN_HOOK].p)
		return bad(c, "it is bound to a rule and to a hook");
	return 0;
}

static int check_element(const struct check *c, const struct nse_bytes *at)
{
	uint32_t flags = nft_attr_u32(at[NFTA_SET_ELEM_FLAGS]);
	bool end = flags & NFT_SET_ELEM_INTERVAL_END;
	bool catchall = flags & NFT_SET_ELEM_CATCHALL;

	if (end != (c->key->kind == NFT_ELEMENT_END) ||
	    catchall != (c->key->kind == NFT_ELEMENT_CATCHALL))
		return bad(c, "its flags (0x%x) are those of another kind", flags);
	return 0;
}

/* What the key and the body say of the same thing must agree. */
static int check_agrees(const struct check *c, struct nse_bytes attrs)
{
	struct nse_bytes at[32];

	nft_attr_index(attrs, at, 32);
	/* The kernel would make up a name for such a set. */
	if ((c->key->type == NFT_SET || c->key->type == NFT_ELEMENT) &&
	    memchr(c->key->name.p, '%', c->key->name.n))
		return bad(c, "no set can have this name");
	switch (c->key->type) {
	case NFT_TABLE:
		if (nft_attr_u32(at[NFTA_TABLE_FLAGS]) & NFT_TABLE_F_OWNER)
			return bad(c, "it would be owned by a process");
		return 0;
	case NFT_OBJECT:
		if (nft_attr_u32(at[NFTA_OBJ_TYPE]) != c->key->objtype)
			return bad(c, "its body is of an object of type %u",
				   nft_attr_u32(at[NFTA_OBJ_TYPE]));
		return 0;
	case NFT_CHAIN:
		return check_chain(c, at);
	case NFT_SET:
		return check_set(c, at);
	case NFT_ELEMENT:
		return check_element(c, at);
	default:
		return 0;
	}
}

/* The values of the state, one for each zero that the walk finds. */
struct values {
	struct nse_cur state;
	size_t n;
	bool need;
};

static int on_site(void *arg, const struct nft_site *site, struct nse_buf *to)
{
	static const uint8_t zeros[8];
	struct values *v = arg;
	uint64_t value = 0;

	(void)to;
	if (site->kind != NFT_SITE_VALUE)
		return 0;
	v->n++;
	if (site->data.n > 8 || memcmp(site->data.p, zeros, site->data.n) != 0)
		return -EBADMSG;
	if (!v->need && nse_get_u64(&v->state, &value) < 0)
		return -EBADMSG;
	return site->data.n == 8 || value >> 8 * site->data.n == 0 ? 0 : -EBADMSG;
}

static int check_state(const struct check *c, struct nse_bytes attrs,
		       struct nse_bytes state)
{
	struct values v = { nse_cur(state.p, state.n), 0, c->key->need };
	uint64_t expires;
	uint32_t order;
	uint8_t flags = 0;
	int rc;

	if (state.n) {
		nse_get_u8(&v.state, &flags);
		if (c->key->need)
			return bad(c, "what is needed has no state");
		if (flags & ~(NFT_STATE_EXPIRES | NFT_STATE_ORDER))
			return bad(c, "unknown flags of its state: 0x%02x", flags);
	}
	if (flags & NFT_STATE_EXPIRES) {
		if (c->key->type != NFT_ELEMENT)
			return bad(c, "only elements expire");
		if (nse_get_u64(&v.state, &expires) < 0)
			return bad(c, "its state is cut");
	}
	if (flags & NFT_STATE_ORDER) {
		if (c->key->type == NFT_RULE)
			return bad(c, "rules stand by their numbers");
		if (nse_get_u32(&v.state, &order) < 0)
			return bad(c, "its state is cut");
	}
	/* The values alone: what the rules compare need not be understood. */
	rc = c->key->type == NFT_ELEMENT
		     ? nft_walk(NFT_ELEMENT, attrs, NULL, on_site, &v, NULL)
		     : nft_walk_names(c->key->type, attrs, on_site, &v, NULL);
	if (rc < 0)
		return bad(c, "the values of its state do not fit its body");
	if (nse_cur_left(&v.state) || (state.n && !flags && v.n == 0))
		return bad(c, "its state has more values than its body");
	return 0;
}

static int check_head(const struct check *c, struct nse_bytes body)
{
	if (body.n == 0)
		return bad(c, "it has no body");
	if (body.p[0] == NFT_LAYOUT)
		return 0;
	if (body.p[0] == 1 || body.p[0] == 2)
		return bad(c, "it is of a machine of the other byte order, "
			      "where alone its rules mean something");
	return bad(c, "its body has an unknown layout: %u", body.p[0]);
}

int nft_check(const struct nse_record *rec, struct nse_error *err)
{
	struct nft_ifnames names;
	struct nse_bytes attrs;
	struct nft_key key;
	struct check c = { &key, 0, err };
	int rc = nft_key_decode(rec, &key, err);

	if (rc == 0)
		rc = check_head(&c, rec->body);
	if (rc < 0)
		return rc;
	attrs = nft_body_attrs(key.type, rec->body);
	if (!attrs.p)
		return bad(&c, "its body is cut");
	if (nft_ifindex_split(attrs, &attrs, &names) < 0)
		return bad(&c,
			   "its attributes or names of interfaces are cut or garbled");
	return check_list(&c, attrs, &nft_body_schemas[key.type]) ?:
	       check_agrees(&c, attrs) ?: check_state(&c, attrs, rec->state);
}
