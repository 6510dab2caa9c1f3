/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The kernel's dumps as nodes and elements. One dump of each type for all
 * families, one of the elements of each set that is asked for; the generation
 * stands in every message, so that a change between two dumps is seen at the
 * first message of the later one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/ruleset_load.h"
#include "lib/util/cleanup.h"

#define MSG(type)    (NFNL_SUBSYS_NFTABLES << 8 | (type))
#define REQUEST_MAX  1024		   /* two names of 255 bytes and their heads */
#define MAX_ATTRS    (NFTA_SET_HANDLE + 1) /* the last that is looked at */
#define NO_ATTRIBUTE 0			   /* NFTA_*_UNSPEC */

/* Where the attributes that every node has stand. */
static const struct shape {
	uint8_t get;
	uint8_t name, table, chain, handle, flags, objtype;
	bool optional; /* not in the oldest kernels */
} shapes[NFT_TYPES] = {
	[NFT_TABLE] = { .get = NFT_MSG_GETTABLE,
			.name = NFTA_TABLE_NAME,
			.handle = NFTA_TABLE_HANDLE,
			.flags = NFTA_TABLE_FLAGS },
	[NFT_OBJECT] = { .get = NFT_MSG_GETOBJ,
			 .name = NFTA_OBJ_NAME,
			 .table = NFTA_OBJ_TABLE,
			 .handle = NFTA_OBJ_HANDLE,
			 .objtype = NFTA_OBJ_TYPE,
			 .optional = true },
	[NFT_CHAIN] = { .get = NFT_MSG_GETCHAIN,
			.name = NFTA_CHAIN_NAME,
			.table = NFTA_CHAIN_TABLE,
			.handle = NFTA_CHAIN_HANDLE,
			.flags = NFTA_CHAIN_FLAGS },
	[NFT_FLOWTABLE] = { .get = NFT_MSG_GETFLOWTABLE,
			    .name = NFTA_FLOWTABLE_NAME,
			    .table = NFTA_FLOWTABLE_TABLE,
			    .handle = NFTA_FLOWTABLE_HANDLE,
			    .optional = true },
	[NFT_SET] = { .get = NFT_MSG_GETSET,
		      .name = NFTA_SET_NAME,
		      .table = NFTA_SET_TABLE,
		      .handle = NFTA_SET_HANDLE,
		      .flags = NFTA_SET_FLAGS,
		      .objtype = NFTA_SET_OBJ_TYPE },
	[NFT_RULE] = { .get = NFT_MSG_GETRULE,
		       .table = NFTA_RULE_TABLE,
		       .chain = NFTA_RULE_CHAIN,
		       .handle = NFTA_RULE_HANDLE },
};

/* Of one dump: what its messages are handed to. */
struct dump {
	struct nft_ruleset *rs;
	uint16_t res_id; /* of the generation, as in the messages */
	int (*message)(struct dump *d, uint8_t family, struct nse_bytes attrs);
	/* nodes */
	const struct shape *shape;
	enum nft_type type;
	uint32_t *room;
	uint32_t table, chain; /* of the message before */
	/* elements */
	struct nft_arena *keep;
	nft_element_cb *cb;
	void *arg;
};

static struct nlmsghdr *request(uint8_t *buf, uint8_t type, uint16_t flags,
				uint8_t family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));

	nlh->nlmsg_type = MSG(type);
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	return nlh;
}

static struct nse_bytes attrs_of(const struct nlmsghdr *nlh)
{
	size_t n = mnl_nlmsg_get_payload_len(nlh);

	if (n < sizeof(struct nfgenmsg))
		return (struct nse_bytes){ NULL, 0 };
	return (struct nse_bytes){ mnl_nlmsg_get_payload_offset(nlh,
								sizeof(struct nfgenmsg)),
				   n - sizeof(struct nfgenmsg) };
}

static int on_generation(const struct nlmsghdr *nlh, void *arg)
{
	if (nlh->nlmsg_type == MSG(NFT_MSG_NEWGEN))
		*(uint32_t *)arg =
			nft_attr_u32(nft_attr_find(attrs_of(nlh), NFTA_GEN_ID));
	return 0;
}

int nft_dump_generation(struct nse_nl *nl, uint32_t *genid, struct nse_error *err)
{
	uint8_t buf[REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = request(buf, NFT_MSG_GETGEN, 0, NFPROTO_UNSPEC);
	int rc;

	*genid = 0;
	rc = nse_nl_talk(nl, nlh, on_generation, genid, err);
	switch (rc) {
	case 0:
		return *genid ? 0
			      : nse_error(err, -EPROTO,
					  "the kernel does not tell the generation of "
					  "its nf_tables ruleset");
	case -EPERM:
		return nse_error(err, rc,
				 "reading the nf_tables ruleset needs CAP_NET_ADMIN: "
				 "run as root");
	case -EINVAL: /* nfnetlink's answer for a subsystem that is not there */
	case -ENOENT:
	case -EOPNOTSUPP:
	case -EPROTONOSUPPORT:
		return nse_error(err, -EOPNOTSUPP, "the kernel has no nf_tables");
	default:
		return rc;
	}
}

static int on_message(const struct nlmsghdr *nlh, void *arg)
{
	struct nse_bytes attrs = attrs_of(nlh);
	const struct nfgenmsg *nfg;
	struct dump *d = arg;

	if (!attrs.p)
		return -EPROTO;
	nfg = mnl_nlmsg_get_payload(nlh);
	if (nfg->res_id != d->res_id)
		return -EAGAIN;
	return d->message(d, nfg->nfgen_family, attrs);
}

/* What is gone, or disturbed, is a change of generation. */
static int talk(struct nse_nl *nl, struct nlmsghdr *nlh, struct dump *d,
		struct nse_error *err)
{
	int rc;

	d->res_id = htons(d->rs->genid & 0xffff);
	rc = nse_nl_talk(nl, nlh, on_message, d, err);
	if (rc == -ENOENT || rc == -EINTR)
		rc = -EAGAIN;
	if (rc == -EAGAIN)
		nse_error(err, rc, "the nf_tables ruleset changed while it was read");
	if (rc == -EPROTO)
		nse_error(err, rc, "the kernel's dump of nf_tables makes no sense");
	return rc;
}

/* Messages of one table or chain follow each other: the last is tried first. */
static uint32_t find(struct dump *d, enum nft_type type, uint8_t family, uint32_t table,
		     uint32_t last, struct nse_bytes payload)
{
	struct nse_bytes name = nft_attr_str(payload);
	const struct nft_node *n;

	if (!name.p)
		return NFT_NODE_NONE;
	if (last != NFT_NODE_NONE) {
		n = &d->rs->nodes[last];
		if (n->family == family && (type == NFT_TABLE || n->table == table) &&
		    nse_bytes_equal(n->name, name))
			return last;
	}
	return nft_names_find(d->rs, type, family, table, name, 0);
}

static int new_node(struct dump *d)
{
	struct nft_ruleset *rs = d->rs;

	if (rs->n == *d->room) {
		uint32_t room = *d->room ? *d->room * 2 : 256;
		struct nft_node *p;

		if (rs->n >= NFT_NODE_NONE / 4)
			return -ENOMEM;
		p = realloc(rs->nodes, room * sizeof(*p));
		if (!p)
			return -ENOMEM;
		rs->nodes = p;
		*d->room = room;
	}
	rs->nodes[rs->n] = (struct nft_node){
		.type = d->type,
		.table = rs->n,
		.chain = NFT_NODE_NONE,
		.owner = NFT_NODE_NONE,
	};
	return 0;
}

/* A rule into its chain, or another node into the index by name. */
static int place(struct dump *d, struct nft_node *n, struct nse_bytes name)
{
	struct nft_ruleset *rs = d->rs;
	struct nft_node *chain;

	if (d->type != NFT_RULE) {
		const struct nft_node *last = n - 1;

		if (rs->n && last->type == n->type &&
		    (n->type == NFT_TABLE || last->table == n->table))
			n->number = last->number + 1;
		n->name = nft_attr_str(name);
		return n->name.p ? nft_names_add(rs, rs->n) : -EPROTO;
	}
	chain = &rs->nodes[n->chain];
	if (chain->nrules == 0)
		chain->first_rule = rs->n;
	/* They come chain by chain. */
	if (chain->first_rule + chain->nrules != rs->n)
		return -EPROTO;
	n->number = chain->nrules++;
	return 0;
}

static int fill_node(struct dump *d, struct nft_node *n, uint8_t family)
{
	struct nse_bytes at[MAX_ATTRS];
	const struct shape *s = d->shape;

	if (nft_attr_index(n->attrs, at, MAX_ATTRS) < 0)
		return -EPROTO;
	n->family = family;
	if (s->table) {
		d->table = n->table =
			find(d, NFT_TABLE, family, 0, d->table, at[s->table]);
		if (n->table == NFT_NODE_NONE)
			return -EAGAIN;
	}
	if (s->chain) {
		d->chain = n->chain =
			find(d, NFT_CHAIN, family, n->table, d->chain, at[s->chain]);
		if (n->chain == NFT_NODE_NONE)
			return -EAGAIN;
	}
	n->handle = nft_attr_u64(at[s->handle]);
	if (s->flags)
		n->flags = nft_attr_u32(at[s->flags]);
	if (s->objtype)
		n->objtype = nft_attr_u32(at[s->objtype]);
	n->base = d->type == NFT_CHAIN && at[NFTA_CHAIN_HOOK].p;
	return place(d, n, at[s->name]);
}

static int on_node(struct dump *d, uint8_t family, struct nse_bytes attrs)
{
	struct nft_ruleset *rs = d->rs;
	struct nft_node *n;
	int rc = new_node(d);

	if (rc < 0)
		return rc;
	n = &rs->nodes[rs->n];
	rc = nft_arena_copy(rs->arena, attrs, &n->attrs) ?: fill_node(d, n, family);
	if (rc == 0 && d->type == NFT_SET) {
		n->layout = nft_arena_alloc(rs->arena, sizeof(*n->layout));
		if (!n->layout)
			return -ENOMEM;
		nft_layout_of(n->attrs, n->layout);
	}
	if (rc == 0)
		rs->n++;
	return rc;
}

int nft_dump_nodes(struct nse_nl *nl, struct nft_ruleset *rs, struct nse_error *err)
{
	uint8_t buf[REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	uint32_t room = 0;
	int rc;

	for (enum nft_type type = NFT_TABLE; type < NFT_TYPES; type++) {
		struct dump d = {
			.rs = rs,
			.message = on_node,
			.shape = &shapes[type],
			.type = type,
			.room = &room,
			.table = NFT_NODE_NONE,
			.chain = NFT_NODE_NONE,
		};

		if (type == NFT_ELEMENT)
			continue;
		rc = talk(nl, request(buf, d.shape->get, NLM_F_DUMP, NFPROTO_UNSPEC), &d,
			  err);
		if (rc < 0 &&
		    !(d.shape->optional && (rc == -EINVAL || rc == -EOPNOTSUPP)))
			return rc;
		if (type == NFT_TABLE)
			rs->ntables = rs->n;
	}
	return 0;
}

static enum nft_element_kind kind_of(uint32_t flags, bool range)
{
	if (flags & NFT_SET_ELEM_CATCHALL)
		return NFT_ELEMENT_CATCHALL;
	if (flags & NFT_SET_ELEM_INTERVAL_END)
		return NFT_ELEMENT_END;
	return range ? NFT_ELEMENT_RANGE : NFT_ELEMENT_PLAIN;
}

struct range {
	uint8_t bytes[2 * NFT_DATA_VALUE_MAXLEN];
};

/* Both halves of a range side by side, for as long as the element lives. */
static int join(struct nft_arena *keep, struct range *r, struct nse_bytes end,
		struct nft_element *e)
{
	struct nse_bytes both = { r->bytes, e->bytes.n + end.n };

	if (both.n > sizeof(r->bytes) || end.n != e->bytes.n)
		return -EPROTO;
	memcpy(r->bytes, e->bytes.p, e->bytes.n);
	memcpy(r->bytes + e->bytes.n, end.p, end.n);
	e->bytes = both;
	return keep ? nft_arena_copy(keep, both, &e->bytes) : 0;
}

static int take_element(struct dump *d, struct nse_bytes attrs)
{
	struct nse_cur c = nse_cur(attrs.p, attrs.n);
	struct nft_element e = { .attrs = attrs };
	struct nse_bytes end = { NULL, 0 };
	struct range range;
	struct nft_attr a;
	uint32_t flags = 0;
	int rc;

	while ((rc = nft_attr_next(&c, &a)) > 0) {
		if (a.type == NFTA_SET_ELEM_KEY)
			e.bytes = nft_attr_find(a.data, NFTA_DATA_VALUE);
		else if (a.type == NFTA_SET_ELEM_KEY_END)
			end = nft_attr_find(a.data, NFTA_DATA_VALUE);
		else if (a.type == NFTA_SET_ELEM_FLAGS)
			flags = nft_attr_u32(a.data);
	}
	e.kind = kind_of(flags, end.p);
	if (rc < 0 || (e.kind != NFT_ELEMENT_CATCHALL && e.bytes.n == 0))
		return -EPROTO;
	if (e.kind == NFT_ELEMENT_CATCHALL)
		e.bytes.n = 0;
	if (e.kind == NFT_ELEMENT_RANGE)
		rc = join(d->keep, &range, end, &e);
	return rc < 0 ? rc : d->cb(d->arg, &e);
}

static int on_elements(struct dump *d, uint8_t family, struct nse_bytes attrs)
{
	struct nse_bytes list = nft_attr_find(attrs, NFTA_SET_ELEM_LIST_ELEMENTS);
	struct nft_attr a;
	struct nse_cur c;
	int rc = 0;

	(void)family;
	if (d->keep && list.n)
		rc = nft_arena_copy(d->keep, list, &list);
	c = nse_cur(list.p, list.n);
	while (rc == 0 && (rc = nft_attr_next(&c, &a)) > 0)
		rc = take_element(d, a.data);
	return rc == -EBADMSG ? -EPROTO : rc;
}

/* A request about the elements of a set. */
static struct nlmsghdr *about_set(uint8_t *buf, const struct nft_ruleset *rs,
				  uint32_t set, uint16_t flags)
{
	const struct nft_node *n = &rs->nodes[set];
	const struct nft_node *table = &rs->nodes[n->table];
	struct nlmsghdr *nlh = request(buf, NFT_MSG_GETSETELEM, flags, n->family);
	char name[NFT_NAME_MAXLEN];

	snprintf(name, sizeof(name), "%.*s", (int)table->name.n, table->name.p);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, name);
	snprintf(name, sizeof(name), "%.*s", (int)n->name.n, n->name.p);
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, name);
	return nlh;
}

int nft_dump_elements(struct nse_nl *nl, const struct nft_ruleset *rs, uint32_t set,
		      struct nft_arena *keep, nft_element_cb *cb, void *arg,
		      struct nse_error *err)
{
	uint8_t buf[REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	/* Only its generation is looked at. */
	struct dump d = {
		.rs = (struct nft_ruleset *)rs,
		.message = on_elements,
		.keep = keep,
		.cb = cb,
		.arg = arg,
	};

	return talk(nl, about_set(buf, rs, set, NLM_F_DUMP), &d, err);
}

int nft_dump_element(struct nse_nl *nl, const struct nft_ruleset *rs, uint32_t set,
		     const struct nft_key *key, nft_element_cb *cb, void *arg,
		     struct nse_error *err)
{
	uint8_t buf[REQUEST_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = about_set(buf, rs, set, 0);
	struct dump d = {
		.rs = (struct nft_ruleset *)rs,
		.message = on_elements,
		.cb = cb,
		.arg = arg,
	};
	struct nlattr *list, *elem, *value;
	int rc;

	if (key->bytes.n > NFT_DATA_VALUE_MAXLEN)
		return -EINVAL;
	list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	elem = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
	if (key->kind == NFT_ELEMENT_CATCHALL) {
		mnl_attr_put_u32(nlh, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_CATCHALL));
	} else {
		value = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);
		mnl_attr_put(nlh, NFTA_DATA_VALUE, key->bytes.n, key->bytes.p);
		mnl_attr_nest_end(nlh, value);
	}
	mnl_attr_nest_end(nlh, elem);
	mnl_attr_nest_end(nlh, list);
	d.res_id = htons(rs->genid & 0xffff);
	rc = nse_nl_talk(nl, nlh, on_message, &d, err);
	return rc == -ENOENT ? 0 : rc;
}
