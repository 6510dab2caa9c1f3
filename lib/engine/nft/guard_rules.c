/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the guard looks like: for each of the families inet and bridge a table
 * of its own with the sets `v4` and `v6`, and chains far ahead of connection
 * tracking whose rules count and drop every packet with a source or
 * destination in the sets. In inet the chain `forward` catches what only
 * became the domain's in between, by the reverse translation of NAT.
 */
#include "lib/engine/nft/guard_rules.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter_bridge.h>

#include "lib/engine/nft/guard_expr.h"
#include "lib/util/cleanup.h"

#define PRIORITY      (-450) /* ahead of defragmentation (-400), the earliest */
#define MESSAGE_ROOM  8192   /* above any message that is built here */
#define ELEMS_PER_MSG 64     /* attributes are limited to 64 KiB */
#define TYPE_IPV4     7	     /* nft's own numbers of data types, for its listing */
#define TYPE_IPV6     8

const uint16_t nse_guard_families[NSE_GUARD_FAMILIES] = { NFPROTO_INET, NFPROTO_BRIDGE };

struct hook {
	const char *name;
	uint32_t num;
};

static const struct hook inet_hooks[] = {
	{ "prerouting", NF_INET_PRE_ROUTING },
	{ "forward", NF_INET_FORWARD },
	{ "output", NF_INET_LOCAL_OUT },
	{ NULL, 0 },
};

static const struct hook bridge_hooks[] = {
	{ "prerouting", NF_BR_PRE_ROUTING },
	{ "output", NF_BR_LOCAL_OUT },
	{ NULL, 0 },
};

/* One address family's set and how its packets are known. */
struct side {
	const char *set;
	uint32_t id; /* of the set within the batch */
	uint8_t family;
	uint32_t type, len;
	uint8_t nfproto;
	uint16_t ethertype;
	uint32_t saddr, daddr; /* offsets in the network header */
};

static const struct side sides[] = {
	{ "v4", 1, AF_INET, TYPE_IPV4, 4, NFPROTO_IPV4, ETH_P_IP, 12, 16 },
	{ "v6", 2, AF_INET6, TYPE_IPV6, 16, NFPROTO_IPV6, ETH_P_IPV6, 8, 24 },
};

/* The addresses of others, whose packets a watch does not count. */
static const struct side others[] = {
	{ "others4", 3, AF_INET, TYPE_IPV4, 4, NFPROTO_IPV4, ETH_P_IP, 12, 16 },
	{ "others6", 4, AF_INET6, TYPE_IPV6, 16, NFPROTO_IPV6, ETH_P_IPV6, 8, 24 },
};

static void free_table(struct nftnl_table **t)
{
	if (*t)
		nftnl_table_free(*t);
}

static void free_chain(struct nftnl_chain **c)
{
	if (*c)
		nftnl_chain_free(*c);
}

static void free_set(struct nftnl_set **s)
{
	if (*s)
		nftnl_set_free(*s);
}

static void free_rule(struct nftnl_rule **r)
{
	if (*r)
		nftnl_rule_free(*r);
}

void nse_guard_batch_release(struct nse_guard_batch *b)
{
	free(b->bytes);
	*b = (struct nse_guard_batch){ 0 };
}

/* Room for one more message, or NULL after a failure. */
static char *place(struct nse_guard_batch *b)
{
	if (!b->rc && b->len + MESSAGE_ROOM > b->room) {
		size_t room = b->room * 2 + MESSAGE_ROOM;
		uint8_t *p = realloc(b->bytes, room);

		if (!p) {
			b->rc = -ENOMEM;
		} else {
			b->bytes = p;
			b->room = room;
		}
	}
	return b->rc ? NULL : (char *)b->bytes + b->len;
}

static struct nlmsghdr *begin(struct nse_guard_batch *b, uint16_t type, uint16_t family,
			      uint16_t flags)
{
	char *at = place(b);

	if (!at)
		return NULL;
	return nftnl_nlmsg_build_hdr(at, type, family, flags, b->first_seq + b->n);
}

static void end(struct nse_guard_batch *b, const struct nlmsghdr *nlh)
{
	b->len += NLMSG_ALIGN(nlh->nlmsg_len);
	b->n++;
}

static void put_begin(struct nse_guard_batch *b)
{
	char *at = place(b);

	if (at)
		end(b, nftnl_batch_begin(at, b->first_seq + b->n));
}

/* The end of a transaction is answered since Linux 6.10 only. */
static void put_end(struct nse_guard_batch *b)
{
	char *at = place(b);
	struct nlmsghdr *nlh;

	if (!at)
		return;
	nlh = nftnl_batch_end(at, b->first_seq + b->n);
	nlh->nlmsg_flags |= NLM_F_ACK;
	end(b, nlh);
}

static void put_table(struct nse_guard_batch *b, uint16_t family, const char *name)
{
	NSE_CLEANUP(free_table) struct nftnl_table *t = nftnl_table_alloc();
	struct nlmsghdr *nlh =
		begin(b, NFT_MSG_NEWTABLE, family, NLM_F_CREATE | NLM_F_EXCL);

	if (!t || !nlh)
		return nse_guard_no_memory(b);
	nftnl_table_set_str(t, NFTNL_TABLE_NAME, name);
	nftnl_table_set_u32(t, NFTNL_TABLE_FLAGS, NFT_TABLE_F_OWNER);
	nftnl_table_nlmsg_build_payload(nlh, t);
	end(b, nlh);
}

static void delete_table(struct nse_guard_batch *b, uint16_t family, const char *name)
{
	NSE_CLEANUP(free_table) struct nftnl_table *t = nftnl_table_alloc();
	struct nlmsghdr *nlh = begin(b, NFT_MSG_DELTABLE, family, 0);

	if (!t || !nlh)
		return nse_guard_no_memory(b);
	nftnl_table_set_str(t, NFTNL_TABLE_NAME, name);
	nftnl_table_nlmsg_build_payload(nlh, t);
	end(b, nlh);
}

static void put_chain(struct nse_guard_batch *b, uint16_t family, const char *table,
		      const struct hook *hook)
{
	NSE_CLEANUP(free_chain) struct nftnl_chain *c = nftnl_chain_alloc();
	struct nlmsghdr *nlh =
		begin(b, NFT_MSG_NEWCHAIN, family, NLM_F_CREATE | NLM_F_EXCL);

	if (!c || !nlh)
		return nse_guard_no_memory(b);
	nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, table);
	nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, hook->name);
	nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, "filter");
	nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, hook->num);
	nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, PRIORITY);
	nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	nftnl_chain_nlmsg_build_payload(nlh, c);
	end(b, nlh);
}

static void add_elem(struct nftnl_set *s, const uint8_t *key, uint32_t len,
		     uint32_t flags, struct nse_guard_batch *b)
{
	struct nftnl_set_elem *e = nftnl_set_elem_alloc();

	if (!e)
		return nse_guard_no_memory(b);
	nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, key, len);
	if (flags)
		nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_FLAGS, flags);
	nftnl_set_elem_add(s, e);
}

/* The first address behind the prefix; false when there is none. */
static bool behind(const struct nse_addr *a, uint32_t len, uint8_t key[16])
{
	uint32_t bit = a->prefix;

	memcpy(key, a->bytes, len);
	while (bit-- > 0) {
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		key[bit / 8] ^= mask;
		if (key[bit / 8] & mask)
			return true; /* no carry */
	}
	return false;
}

/* Is it inside another one of the list, or the second of two equal ones? */
static bool redundant(const struct nse_addr *addrs, size_t naddrs, size_t i)
{
	for (size_t k = 0; k < naddrs; k++)
		if (k != i && addrs[k].prefix <= addrs[i].prefix &&
		    nse_addr_covers(&addrs[k], addrs[i].family, addrs[i].bytes) &&
		    (addrs[k].prefix < addrs[i].prefix || k < i))
			return true;
	return false;
}

static void flush_elems(struct nse_guard_batch *b, uint16_t family, struct nftnl_set *s)
{
	struct nlmsghdr *nlh = begin(b, NFT_MSG_NEWSETELEM, family, NLM_F_CREATE);

	if (!nlh)
		return;
	nftnl_set_elems_nlmsg_build_payload(nlh, s);
	end(b, nlh);
}

static struct nftnl_set *set_of(const char *table, const struct side *side)
{
	struct nftnl_set *s = nftnl_set_alloc();

	if (!s)
		return NULL;
	nftnl_set_set_str(s, NFTNL_SET_TABLE, table);
	nftnl_set_set_str(s, NFTNL_SET_NAME, side->set);
	nftnl_set_set_u32(s, NFTNL_SET_ID, side->id);
	return s;
}

static void put_elems(struct nse_guard_batch *b, uint16_t family, const char *table,
		      const struct side *side, bool interval,
		      const struct nse_addr *addrs, size_t naddrs)
{
	size_t i = 0;

	while (i < naddrs && !b->rc) {
		NSE_CLEANUP(free_set) struct nftnl_set *s = set_of(table, side);
		unsigned int n = 0;
		uint8_t key[16];

		if (!s)
			return nse_guard_no_memory(b);
		for (; i < naddrs && n < ELEMS_PER_MSG; i++) {
			if (addrs[i].family != side->family ||
			    redundant(addrs, naddrs, i))
				continue;
			add_elem(s, addrs[i].bytes, side->len, 0, b);
			if (interval && behind(&addrs[i], side->len, key))
				add_elem(s, key, side->len, NFT_SET_ELEM_INTERVAL_END, b);
			n++;
		}
		if (n)
			flush_elems(b, family, s);
	}
}

static void put_set(struct nse_guard_batch *b, uint16_t family, const char *table,
		    const struct side *side, bool interval)
{
	NSE_CLEANUP(free_set) struct nftnl_set *s = set_of(table, side);
	struct nlmsghdr *nlh =
		begin(b, NFT_MSG_NEWSET, family, NLM_F_CREATE | NLM_F_EXCL);

	if (!s || !nlh)
		return nse_guard_no_memory(b);
	nftnl_set_set_u32(s, NFTNL_SET_FLAGS, interval ? NFT_SET_INTERVAL : 0);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, side->type);
	nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, side->len);
	nftnl_set_nlmsg_build_payload(nlh, s);
	end(b, nlh);
}

static void expr_verdict(struct nftnl_rule *r, uint32_t verdict,
			 struct nse_guard_batch *b)
{
	struct nftnl_expr *e = nse_guard_add_expr(r, "immediate", b);

	if (!e)
		return;
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, verdict);
}

/*
 * A guard counts and drops; a watch counts, but not what is of others, nor what is
 * for many and comes wherever the bridge goes.
 */
static void expr_end(struct nftnl_rule *r, const struct side *side,
		     struct nse_guard_batch *b)
{
	static const uint8_t many[] = { PACKET_BROADCAST, PACKET_MULTICAST };

	if (b->watch && side->id <= NSE_ARRAY_SIZE(sides)) {
		nse_guard_expr_meta(r, NFT_META_PKTTYPE, b);
		for (size_t i = 0; i < NSE_ARRAY_SIZE(many); i++)
			nse_guard_expr_differs(r, &many[i], sizeof(many[i]), b);
		nse_guard_add_expr(r, "counter", b);
	} else if (b->watch) {
		expr_verdict(r, NF_ACCEPT, b);
	} else if (nse_guard_add_expr(r, "counter", b)) {
		expr_verdict(r, NF_DROP, b);
	}
}

/* The bridge sees frames: there the ethertype says what the payload is. */
static void expr_protocol(struct nftnl_rule *r, uint16_t family, const struct side *side,
			  struct nse_guard_batch *b)
{
	uint16_t ethertype = htons(side->ethertype);

	if (family == NFPROTO_BRIDGE) {
		nse_guard_expr_meta(r, NFT_META_PROTOCOL, b);
		nse_guard_expr_equal(r, &ethertype, sizeof(ethertype), b);
	} else {
		nse_guard_expr_meta(r, NFT_META_NFPROTO, b);
		nse_guard_expr_equal(r, &side->nfproto, sizeof(side->nfproto), b);
	}
}

static void put_rule(struct nse_guard_batch *b, uint16_t family, const char *table,
		     const char *chain, const struct side *side, uint32_t offset)
{
	NSE_CLEANUP(free_rule) struct nftnl_rule *r = nftnl_rule_alloc();
	struct nlmsghdr *nlh =
		begin(b, NFT_MSG_NEWRULE, family, NLM_F_CREATE | NLM_F_APPEND);

	if (!r || !nlh)
		return nse_guard_no_memory(b);
	nftnl_rule_set_str(r, NFTNL_RULE_TABLE, table);
	nftnl_rule_set_str(r, NFTNL_RULE_CHAIN, chain);
	expr_protocol(r, family, side, b);
	nse_guard_expr_payload(r, offset, side->len, b);
	nse_guard_expr_lookup(r, side->set, side->id, b);
	expr_end(r, side, b);
	nftnl_rule_nlmsg_build_payload(nlh, r);
	end(b, nlh);
}

/* Has the family any address, and is one of them a prefix? */
static bool has_family(uint8_t family, const struct nse_addr *addrs, size_t naddrs,
		       bool *interval)
{
	bool any = false;

	*interval = false;
	for (size_t i = 0; i < naddrs; i++) {
		if (addrs[i].family != family)
			continue;
		any = true;
		if (!nse_addr_is_host(&addrs[i]))
			*interval = true;
	}
	return any;
}

/* The sets of one list of addresses, and the rules that look into them. */
static void put_sides(struct nse_guard_batch *b, uint16_t family, const char *table,
		      const struct side *two, const struct nse_addr *addrs, size_t naddrs)
{
	const struct hook *hooks = family == NFPROTO_BRIDGE ? bridge_hooks : inet_hooks;
	bool interval;

	for (size_t i = 0; i < NSE_ARRAY_SIZE(sides); i++) {
		if (!has_family(two[i].family, addrs, naddrs, &interval))
			continue;
		put_set(b, family, table, &two[i], interval);
		put_elems(b, family, table, &two[i], interval, addrs, naddrs);
		for (const struct hook *h = hooks; h->name; h++) {
			put_rule(b, family, table, h->name, &two[i], two[i].saddr);
			put_rule(b, family, table, h->name, &two[i], two[i].daddr);
		}
	}
}

static void put_tables(struct nse_guard_batch *b, uint16_t family, const char *table)
{
	const struct hook *hooks = family == NFPROTO_BRIDGE ? bridge_hooks : inet_hooks;

	put_table(b, family, table);
	for (const struct hook *h = hooks; h->name; h++)
		put_chain(b, family, table, h);
}

uint32_t nse_guard_up_max(size_t naddrs)
{
	/* begin, end; per family a table, 3 chains, 4 sets, 24 rules, elements */
	return (uint32_t)(2 + NSE_GUARD_FAMILIES * (34 + naddrs));
}

int nse_guard_build_up(struct nse_guard_batch *b, uint32_t first_seq, const char *table,
		       const struct nse_addr *addrs, size_t naddrs)
{
	*b = (struct nse_guard_batch){ .first_seq = first_seq };
	put_begin(b);
	for (size_t i = 0; i < NSE_GUARD_FAMILIES; i++) {
		put_tables(b, nse_guard_families[i], table);
		put_sides(b, nse_guard_families[i], table, sides, addrs, naddrs);
	}
	put_end(b);
	return b->rc;
}

int nse_guard_build_watch(struct nse_guard_batch *b, uint32_t first_seq,
			  const char *table, const struct nse_addr *addrs, size_t naddrs,
			  const struct nse_addr *spared, size_t nspared)
{
	*b = (struct nse_guard_batch){ .first_seq = first_seq, .watch = true };
	put_begin(b);
	for (size_t i = 0; i < NSE_GUARD_FAMILIES; i++) {
		put_tables(b, nse_guard_families[i], table);
		put_sides(b, nse_guard_families[i], table, others, spared, nspared);
		put_sides(b, nse_guard_families[i], table, sides, addrs, naddrs);
	}
	put_end(b);
	return b->rc;
}

int nse_guard_build_down(struct nse_guard_batch *b, uint32_t first_seq, const char *table)
{
	*b = (struct nse_guard_batch){ .first_seq = first_seq };
	put_begin(b);
	for (size_t i = 0; i < NSE_GUARD_FAMILIES; i++)
		delete_table(b, nse_guard_families[i], table);
	put_end(b);
	return b->rc;
}
