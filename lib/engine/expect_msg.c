/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The attributes of expectations. Three things are not symmetric: the kernel
 * shows as helper that of the master, and most kernels take it as the one that
 * the expected connection shall get; it reads ports of the mask only when the mask names
 * a protocol that has ports; and older kernels leave the NAT part of a new expectation
 * unset unless it is given.
 */
#include "lib/engine/expect_msg.h"

#include <errno.h>
#include <netinet/in.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

/* CTA_IP_*, CTA_PROTO_*, CTA_EXPECT_* and what is nested in it are below. */
#define ATTRS_MAX 32

struct attrs {
	const struct nlattr *tb[ATTRS_MAX];
};

static int collect_attr(const struct nlattr *a, void *arg)
{
	struct attrs *t = arg;
	uint16_t type = mnl_attr_get_type(a);

	if (type < ATTRS_MAX)
		t->tb[type] = a;
	return MNL_CB_OK;
}

static void parse_nested(const struct nlattr *nest, struct attrs *t)
{
	*t = (struct attrs){ 0 };
	mnl_attr_parse_nested(nest, collect_attr, t);
}

/* Copies a payload of exactly n bytes; what is missing stays zero. */
static int copy(const struct nlattr *a, void *out, size_t n)
{
	if (!a)
		return 0;
	if (mnl_attr_get_payload_len(a) != n)
		return -EBADMSG;
	memcpy(out, mnl_attr_get_payload(a), n);
	return 0;
}

static int copy_u32(const struct nlattr *a, uint32_t *out)
{
	uint8_t raw[4] = { 0 };
	int rc = copy(a, raw, sizeof(raw));

	*out = nse_ld32(raw);
	return rc;
}

static int copy_name(const struct nlattr *a, char *out, size_t room)
{
	size_t n;

	if (!a)
		return 0;
	n = strnlen(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
	if (n >= room)
		return -EBADMSG;
	memcpy(out, mnl_attr_get_payload(a), n);
	out[n] = '\0';
	return 0;
}

static int parse_addrs(const struct nlattr *nest, uint8_t l3, struct ct_tuple *t)
{
	struct attrs ip;

	if (!nest)
		return -EBADMSG;
	parse_nested(nest, &ip);
	if (l3 == 4)
		return copy(ip.tb[CTA_IP_V4_SRC], t->src, 4)
			       ?: copy(ip.tb[CTA_IP_V4_DST], t->dst, 4);
	return copy(ip.tb[CTA_IP_V6_SRC], t->src, 16)
		       ?: copy(ip.tb[CTA_IP_V6_DST], t->dst, 16);
}

static int parse_proto(const struct nlattr *nest, uint8_t *l4, struct ct_tuple *t)
{
	struct attrs p;

	if (!nest)
		return -EBADMSG;
	parse_nested(nest, &p);
	if (p.tb[CTA_PROTO_ICMP_ID])
		return copy(p.tb[CTA_PROTO_NUM], l4, 1)
			       ?: copy(p.tb[CTA_PROTO_ICMP_ID], t->l4, 2)
			       ?: copy(p.tb[CTA_PROTO_ICMP_TYPE], t->l4 + 2, 1)
			       ?: copy(p.tb[CTA_PROTO_ICMP_CODE], t->l4 + 3, 1);
	if (p.tb[CTA_PROTO_ICMPV6_ID])
		return copy(p.tb[CTA_PROTO_NUM], l4, 1)
			       ?: copy(p.tb[CTA_PROTO_ICMPV6_ID], t->l4, 2)
			       ?: copy(p.tb[CTA_PROTO_ICMPV6_TYPE], t->l4 + 2, 1)
			       ?: copy(p.tb[CTA_PROTO_ICMPV6_CODE], t->l4 + 3, 1);
	return copy(p.tb[CTA_PROTO_NUM], l4, 1)
		       ?: copy(p.tb[CTA_PROTO_SRC_PORT], t->l4, 2)
		       ?: copy(p.tb[CTA_PROTO_DST_PORT], t->l4 + 2, 2);
}

static int parse_tuple(const struct nlattr *nest, uint8_t l3, uint8_t *l4,
		       struct ct_tuple *t)
{
	struct attrs a;

	*t = (struct ct_tuple){ 0 };
	if (!nest)
		return -EBADMSG;
	parse_nested(nest, &a);
	return parse_addrs(a.tb[CTA_TUPLE_IP], l3, t)
		       ?: parse_proto(a.tb[CTA_TUPLE_PROTO], l4, t);
}

static int parse_mask(const struct nlattr *nest, struct nse_expect *e)
{
	struct ct_tuple t;
	uint8_t l4;
	int rc = parse_tuple(nest, e->l3, &l4, &t);

	memcpy(e->mask_src, t.src, sizeof(e->mask_src));
	memcpy(e->mask_sport, t.l4, sizeof(e->mask_sport));
	return rc;
}

static int parse_nat(const struct nlattr *nest, struct nse_expect *e)
{
	struct ct_tuple t;
	struct attrs a;
	uint32_t dir = 0;
	uint8_t l4;
	int rc;

	if (!nest)
		return 0;
	parse_nested(nest, &a);
	rc = parse_tuple(a.tb[CTA_EXPECT_NAT_TUPLE], e->l3, &l4, &t)
		     ?: copy_u32(a.tb[CTA_EXPECT_NAT_DIR], &dir);
	if (rc < 0)
		return rc;
	/* Only what was never set has another direction. */
	if (dir > 1)
		return 0;
	e->nat = true;
	e->nat_dir = (uint8_t)dir;
	memcpy(e->nat_addr, t.src, sizeof(e->nat_addr));
	memcpy(e->nat_port, t.l4, sizeof(e->nat_port));
	return 0;
}

static int parse_attrs(const struct attrs *a, struct nse_expect *e)
{
	return parse_tuple(a->tb[CTA_EXPECT_TUPLE], e->l3, &e->l4, &e->tuple)
		       ?: parse_mask(a->tb[CTA_EXPECT_MASK], e)
		       ?: parse_tuple(a->tb[CTA_EXPECT_MASTER], e->l3, &e->master_l4,
				      &e->master)
		       ?: parse_nat(a->tb[CTA_EXPECT_NAT], e)
		       ?: copy_u32(a->tb[CTA_EXPECT_TIMEOUT], &e->timeout)
		       ?: copy_u32(a->tb[CTA_EXPECT_ID], &e->id)
		       ?: copy_u32(a->tb[CTA_EXPECT_FLAGS], &e->flags)
		       ?: copy_u32(a->tb[CTA_EXPECT_CLASS], &e->class)
		       ?: copy_name(a->tb[CTA_EXPECT_HELP_NAME], e->helper,
				    sizeof(e->helper))
		       ?: copy_name(a->tb[CTA_EXPECT_FN], e->function,
				    sizeof(e->function));
}

int nse_expect_msg_parse(const struct nlmsghdr *nlh, struct nse_expect *e)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	struct attrs a = { 0 };

	*e = (struct nse_expect){ 0 };
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*nfg))
		return -EBADMSG;
	if (nfg->nfgen_family != AF_INET && nfg->nfgen_family != AF_INET6)
		return -EBADMSG;
	e->l3 = nfg->nfgen_family == AF_INET ? 4 : 6;
	mnl_attr_parse(nlh, sizeof(*nfg), collect_attr, &a);
	return parse_attrs(&a, e);
}

static struct nlmsghdr *begin(void *buf, uint16_t type, uint16_t flags, uint8_t family)
{
	struct nlmsghdr *nlh;
	struct nfgenmsg *nfg;

	/* libmnl does not clear what pads an attribute. */
	memset(buf, 0, NSE_EXPECT_MSG_MAX);
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = (NFNL_SUBSYS_CTNETLINK_EXP << 8) | type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = 0;
	return nlh;
}

static void put_u32(struct nlmsghdr *nlh, uint16_t type, uint32_t v)
{
	mnl_attr_put_u32(nlh, type, htonl(v));
}

static void put_proto(struct nlmsghdr *nlh, uint8_t l4, const uint8_t l4data[4])
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);

	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, l4);
	if (l4 == IPPROTO_ICMP) {
		mnl_attr_put(nlh, CTA_PROTO_ICMP_ID, 2, l4data);
		mnl_attr_put_u8(nlh, CTA_PROTO_ICMP_TYPE, l4data[2]);
		mnl_attr_put_u8(nlh, CTA_PROTO_ICMP_CODE, l4data[3]);
	} else if (l4 == IPPROTO_ICMPV6) {
		mnl_attr_put(nlh, CTA_PROTO_ICMPV6_ID, 2, l4data);
		mnl_attr_put_u8(nlh, CTA_PROTO_ICMPV6_TYPE, l4data[2]);
		mnl_attr_put_u8(nlh, CTA_PROTO_ICMPV6_CODE, l4data[3]);
	} else if (ct_has_ports(l4)) {
		mnl_attr_put(nlh, CTA_PROTO_SRC_PORT, 2, l4data);
		mnl_attr_put(nlh, CTA_PROTO_DST_PORT, 2, l4data + 2);
	}
	mnl_attr_nest_end(nlh, nest);
}

static void put_tuple(struct nlmsghdr *nlh, uint16_t type, uint8_t l3, uint8_t l4,
		      const struct ct_tuple *t)
{
	struct nlattr *tuple = mnl_attr_nest_start(nlh, type);
	struct nlattr *ip = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);

	if (l3 == 4) {
		mnl_attr_put(nlh, CTA_IP_V4_SRC, 4, t->src);
		mnl_attr_put(nlh, CTA_IP_V4_DST, 4, t->dst);
	} else {
		mnl_attr_put(nlh, CTA_IP_V6_SRC, 16, t->src);
		mnl_attr_put(nlh, CTA_IP_V6_DST, 16, t->dst);
	}
	mnl_attr_nest_end(nlh, ip);
	put_proto(nlh, l4, t->l4);
	mnl_attr_nest_end(nlh, tuple);
}

static void put_mask(struct nlmsghdr *nlh, const struct nse_expect *e)
{
	struct ct_tuple t;

	memset(&t, 0xff, sizeof(t));
	memcpy(t.src, e->mask_src, sizeof(t.src));
	memcpy(t.l4, e->mask_sport, sizeof(e->mask_sport));
	put_tuple(nlh, CTA_EXPECT_MASK, e->l3, ct_has_ports(e->l4) ? e->l4 : IPPROTO_UDP,
		  &t);
}

static void put_nat(struct nlmsghdr *nlh, const struct nse_expect *e)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, CTA_EXPECT_NAT);
	struct ct_tuple t = { 0 };

	memcpy(t.src, e->nat_addr, sizeof(t.src));
	memcpy(t.l4, e->nat_port, sizeof(e->nat_port));
	put_u32(nlh, CTA_EXPECT_NAT_DIR, e->nat_dir);
	put_tuple(nlh, CTA_EXPECT_NAT_TUPLE, e->l3, e->master_l4, &t);
	mnl_attr_nest_end(nlh, nest);
}

/* For looking up expectations the kernel does not regard a zone's direction. */
static void put_zone(struct nlmsghdr *nlh, uint16_t zone)
{
	if (zone)
		mnl_attr_put_u16(nlh, CTA_EXPECT_ZONE, htons(zone));
}

static uint16_t any_zone(const struct nse_expect *e)
{
	return e->zone_orig ? e->zone_orig : e->zone_reply;
}

static struct nlmsghdr *by_tuple(void *buf, uint16_t type, const struct nse_expect *e)
{
	struct nlmsghdr *nlh = begin(buf, type, 0, nse_expect_family(e));

	put_tuple(nlh, CTA_EXPECT_TUPLE, e->l3, e->l4, &e->tuple);
	put_zone(nlh, any_zone(e));
	if (e->id)
		put_u32(nlh, CTA_EXPECT_ID, e->id);
	return nlh;
}

struct nlmsghdr *nse_expect_msg_dump(void *buf)
{
	return begin(buf, IPCTNL_MSG_EXP_GET, NLM_F_DUMP, AF_UNSPEC);
}

struct nlmsghdr *nse_expect_msg_dump_of(void *buf, const struct nse_expect *e)
{
	/* A master without a helper is answered by the ack alone. */
	struct nlmsghdr *nlh = begin(buf, IPCTNL_MSG_EXP_GET, NLM_F_DUMP | NLM_F_ACK,
				     nse_expect_family(e));

	put_tuple(nlh, CTA_EXPECT_MASTER, e->l3, e->master_l4, &e->master);
	put_zone(nlh, e->zone_orig);
	return nlh;
}

struct nlmsghdr *nse_expect_msg_get(void *buf, const struct nse_expect *e)
{
	return by_tuple(buf, IPCTNL_MSG_EXP_GET, e);
}

struct nlmsghdr *nse_expect_msg_delete(void *buf, const struct nse_expect *e)
{
	return by_tuple(buf, IPCTNL_MSG_EXP_DELETE, e);
}

const char *nse_expect_child_helper(const struct nse_expect *e)
{
	/* The kernel reads a class only together with a helper. */
	if (e->class)
		return e->helper;
	if (strncmp(e->helper, "sip", 3) == 0)
		return e->helper;
	if (strcmp(e->helper, "Q.931") == 0)
		return "H.245";
	return NULL;
}

struct nlmsghdr *nse_expect_msg_create(void *buf, const struct nse_expect *e)
{
	struct nlmsghdr *nlh = begin(buf, IPCTNL_MSG_EXP_NEW, NLM_F_CREATE | NLM_F_EXCL,
				     nse_expect_family(e));
	const char *child = nse_expect_child_helper(e);

	put_tuple(nlh, CTA_EXPECT_TUPLE, e->l3, e->l4, &e->tuple);
	put_mask(nlh, e);
	put_tuple(nlh, CTA_EXPECT_MASTER, e->l3, e->master_l4, &e->master);
	/* Here it finds the master by its original tuple. */
	put_zone(nlh, e->zone_orig);
	put_u32(nlh, CTA_EXPECT_FLAGS, e->flags);
	put_u32(nlh, CTA_EXPECT_CLASS, e->class);
	put_nat(nlh, e);
	if (child && *child)
		mnl_attr_put_strz(nlh, CTA_EXPECT_HELP_NAME, child);
	if (*e->function)
		mnl_attr_put_strz(nlh, CTA_EXPECT_FN, e->function);
	return nlh;
}

/* The kernel demands mask and master here too, and looks at neither. */
struct nlmsghdr *nse_expect_msg_timeout(void *buf, const struct nse_expect *e)
{
	struct nlmsghdr *nlh = begin(buf, IPCTNL_MSG_EXP_NEW, 0, nse_expect_family(e));

	put_tuple(nlh, CTA_EXPECT_TUPLE, e->l3, e->l4, &e->tuple);
	put_mask(nlh, e);
	put_tuple(nlh, CTA_EXPECT_MASTER, e->l3, e->master_l4, &e->master);
	put_zone(nlh, any_zone(e));
	put_u32(nlh, CTA_EXPECT_TIMEOUT, e->timeout);
	return nlh;
}
