/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Is NAT in force on this host? An entry with NAT is accepted anywhere, but
 * packets are translated only while a nat base chain of the family exists, in
 * nf_tables (iptables-nft included) or in iptables' own tables.
 */
#include "lib/engine/ct_host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "lib/netlink/nl.h"
#include "lib/util/cleanup.h"

#define CHAINS_MAX 64 /* nat chains that are looked at */
#define NAME_ROOM  256

struct nat_chain {
	uint8_t family;
	char table[NAME_ROOM];
};

struct chains {
	struct nat_chain items[CHAINS_MAX];
	size_t n;
};

static struct nlmsghdr *request(void *buf, uint16_t type, uint16_t flags, uint8_t family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	return nlh;
}

static const char *text_of(const struct nlattr *a)
{
	return mnl_attr_validate(a, MNL_TYPE_NUL_STRING) < 0 ? "" : mnl_attr_get_str(a);
}

static int on_chain(const struct nlmsghdr *nlh, void *arg)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	const char *table = "", *type = "";
	struct chains *c = arg;
	const struct nlattr *a;

	mnl_attr_for_each(a, nlh, sizeof(*nfg))
	{
		if (mnl_attr_get_type(a) == NFTA_CHAIN_TABLE)
			table = text_of(a);
		else if (mnl_attr_get_type(a) == NFTA_CHAIN_TYPE)
			type = text_of(a);
	}
	if (strcmp(type, "nat") != 0 || strlen(table) >= NAME_ROOM || c->n == CHAINS_MAX)
		return 0;
	c->items[c->n].family = nfg->nfgen_family;
	memcpy(c->items[c->n++].table, table, strlen(table) + 1);
	return 0;
}

static int on_table(const struct nlmsghdr *nlh, void *arg)
{
	const struct nlattr *a;
	uint32_t *flags = arg;

	mnl_attr_for_each(
		a, nlh,
		sizeof(struct nfgenmsg)) if (mnl_attr_get_type(a) == NFTA_TABLE_FLAGS &&
					     mnl_attr_validate(a, MNL_TYPE_U32) ==
						     0) *flags =
		be32toh(mnl_attr_get_u32(a));
	return 0;
}

/* The chains of a dormant table are not registered. */
static bool dormant(struct nse_nl *nl, const struct nat_chain *c)
{
	char buf[512] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = request(buf, NFT_MSG_GETTABLE, 0, c->family);
	uint32_t flags = 0;

	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, c->table);
	if (nse_nl_talk(nl, nlh, on_table, &flags, NULL) < 0)
		return true; /* it went away meanwhile */
	return flags & NFT_TABLE_F_DORMANT;
}

static bool legacy(const char *path)
{
	char name[64];
	bool found = false;
	FILE *f = fopen(path, "re");

	if (!f)
		return false;
	while (!found && fscanf(f, "%63s", name) == 1)
		found = strcmp(name, "nat") == 0;
	fclose(f);
	return found;
}

int ct_host_nat(struct ct_nat *nat, struct nse_error *err)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	NSE_FREE struct chains *c = calloc(1, sizeof(*c));
	char buf[64] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = request(buf, NFT_MSG_GETCHAIN, NLM_F_DUMP, 0);
	int rc;

	nat->v4 = legacy("/proc/thread-self/net/ip_tables_names");
	nat->v6 = legacy("/proc/thread-self/net/ip6_tables_names");
	if (!c)
		return nse_errno(err, -ENOMEM, "listing nat chains");
	rc = nse_nl_open(&nl, 0, 0, err);
	for (int i = 0; rc == 0 && i < 10; i++) {
		c->n = 0;
		rc = nse_nl_talk(nl, nlh, on_chain, c, err);
		if (rc != -EINTR)
			break;
		rc = 0; /* the ruleset changed: again */
	}
	if (rc == -EINVAL || rc == -EOPNOTSUPP)
		return 0; /* a kernel without nf_tables */
	for (size_t i = 0; rc == 0 && i < c->n; i++) {
		uint8_t family = c->items[i].family;

		if (dormant(nl, &c->items[i]))
			continue;
		nat->v4 |= family == NFPROTO_IPV4 || family == NFPROTO_INET;
		nat->v6 |= family == NFPROTO_IPV6 || family == NFPROTO_INET;
	}
	return rc;
}
