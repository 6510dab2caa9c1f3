/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nf_tables by bare netlink, for tests/bench/run: the limit that snapshots and
 * installing are measured against. Times are in µs.
 *
 *	nft_raw text ELEMENTS RULES   a ruleset for nft -f, to stdout: one set of
 *	                              addresses, and rules in chains of 100
 *	nft_raw dump                  the ruleset into memory; prints time and bytes
 *	nft_raw copy                  the same, and from there in one batch into a
 *	                              new network namespace; prints the time of the
 *	                              dump, that of the load, and the bytes of each
 *
 * The copy is for rulesets without anonymous sets and bound chains. What is
 * timed of the load is the kernel's work on a batch that lies ready.
 */
#include <inttypes.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdbool.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "lib/util/buf.h"
#include "lib/util/clock.h"
#include "tests/bench/ct_raw.h"

#define MSG(type)      (NFNL_SUBSYS_NFTABLES << 8 | (type))
#define PER_CHAIN      100
#define RECEIVE	       65536
#define MEMORY	       (1u << 30)
#define NEW_SET_ATTR_A 19 /* what newer kernels tell of a set, and do not take */
#define NEW_SET_ATTR_B 20

/* All messages of a ruleset as they came, datagram behind datagram. */
struct copy {
	struct nse_buf bytes;
	size_t sets, sets_end; /* where the sets' messages are */
};

static uint32_t number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	errno = EINVAL;
	if (*end || end == text || n > 10000000)
		raw_die(text);
	return (uint32_t)n;
}

static int text(char **arg)
{
	uint32_t elements = number(arg[0]), rules = number(arg[1]);

	printf("table inet bench {\n\tset hosts {\n\t\ttype ipv4_addr\n");
	for (uint32_t i = 0; i < elements; i++)
		printf("%s10.%u.%u.%u", i ? ",\n\t\t\t" : "\t\telements = { ", i >> 16,
		       i >> 8 & 255, i & 255);
	printf("%s\t}\n", elements ? " }\n" : "");
	for (uint32_t i = 0; i < rules; i++) {
		if (i % PER_CHAIN == 0)
			printf("%s\tchain c%u {\n", i ? "\t}\n" : "", i / PER_CHAIN);
		printf("\t\tiifname \"vif%u.0\" ip saddr 192.0.2.%u tcp dport %u "
		       "counter accept comment \"rule %u\"\n",
		       i % 1000, i & 255, 1 + i % 65535, i);
	}
	printf("%s\tchain forward {\n\t\ttype filter hook forward priority 0;\n"
	       "\t\tip saddr @hosts drop\n\t}\n}\n",
	       rules ? "\t}\n" : "");
	return ferror(stdout) || fflush(stdout) ? 1 : 0;
}

static void ask(struct mnl_socket *s, uint8_t type, uint8_t family, const char *table,
		const char *set)
{
	uint8_t buf[2048] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));

	nlh->nlmsg_type = MSG(type);
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nfg->nfgen_family = family;
	if (table)
		mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, table);
	if (set)
		mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, set);
	if (mnl_socket_sendto(s, nlh, nlh->nlmsg_len) < 0)
		raw_die("send");
}

/* Adds a datagram that lies behind the buffer's end: is it the dump's last? The
 * end may stand behind data. */
static bool append(struct nse_buf *b, ssize_t n)
{
	const struct nlmsghdr *nlh = (void *)(b->data + b->len);
	int left = (int)n;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_type == NLMSG_DONE)
			return true;
		if (nlh->nlmsg_type == NLMSG_ERROR)
			raw_die("the kernel refuses a dump");
		b->len += NLMSG_ALIGN(nlh->nlmsg_len);
	}
	return false;
}

/* Datagrams straight into memory until the dump's end. */
static void take(struct mnl_socket *s, struct nse_buf *b)
{
	ssize_t n;

	do {
		if (nse_buf_reserve(b, RECEIVE) < 0)
			raw_die("memory");
		n = mnl_socket_recvfrom(s, b->data + b->len, RECEIVE);
		if (n < 0)
			raw_die("receive");
	} while (!append(b, n));
}

static const char *string(const struct nlmsghdr *nlh, uint16_t type)
{
	const struct nlattr *a;

	mnl_attr_for_each(a, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(a) == type)
			return mnl_attr_get_str(a);
	}
	return NULL;
}

static uint8_t family_of(const struct nlmsghdr *nlh)
{
	return ((struct nfgenmsg *)mnl_nlmsg_get_payload(nlh))->nfgen_family;
}

/* The sets are found where their messages lie; the buffer may move meanwhile. */
static void take_elements(struct mnl_socket *s, struct copy *c)
{
	for (size_t at = c->sets; at < c->sets_end;) {
		const struct nlmsghdr *nlh = (void *)(c->bytes.data + at);
		size_t len = nlh->nlmsg_len;

		if (nlh->nlmsg_type == MSG(NFT_MSG_NEWSET)) {
			ask(s, NFT_MSG_GETSETELEM, family_of(nlh),
			    string(nlh, NFTA_SET_TABLE), string(nlh, NFTA_SET_NAME));
			take(s, &c->bytes);
		}
		at += NLMSG_ALIGN(len);
	}
}

static int64_t take_all(struct copy *c)
{
	static const uint8_t types[] = {
		NFT_MSG_GETTABLE,     NFT_MSG_GETOBJ, NFT_MSG_GETCHAIN,
		NFT_MSG_GETFLOWTABLE, NFT_MSG_GETSET, NFT_MSG_GETRULE,
	};
	int64_t start = nse_now_us();
	struct mnl_socket *s = raw_socket();

	c->bytes = (struct nse_buf)NSE_BUF_INIT(MEMORY);
	for (size_t i = 0; i < sizeof(types); i++) {
		c->sets = c->bytes.len;
		ask(s, types[i], NFPROTO_UNSPEC, NULL, NULL);
		take(s, &c->bytes);
		c->sets_end = c->bytes.len;
		if (types[i] == NFT_MSG_GETSET)
			take_elements(s, c);
	}
	mnl_socket_close(s);
	return nse_now_us() - start;
}

static int dump(char **arg)
{
	struct copy c;
	int64_t us = take_all(&c);

	(void)arg;
	printf("%" PRId64 " %zu\n", us, c.bytes.len);
	nse_buf_release(&c.bytes);
	return 0;
}

/* What a kernel tells and another does not take. */
static bool dropped(uint16_t msg, uint16_t attr)
{
	switch (msg) {
	case MSG(NFT_MSG_NEWTABLE):
		return attr == NFTA_TABLE_HANDLE || attr == NFTA_TABLE_USE;
	case MSG(NFT_MSG_NEWOBJ):
		return attr == NFTA_OBJ_HANDLE || attr == NFTA_OBJ_USE;
	case MSG(NFT_MSG_NEWCHAIN):
		return attr == NFTA_CHAIN_HANDLE || attr == NFTA_CHAIN_USE;
	case MSG(NFT_MSG_NEWFLOWTABLE):
		return attr == NFTA_FLOWTABLE_HANDLE || attr == NFTA_FLOWTABLE_USE;
	case MSG(NFT_MSG_NEWSET):
		return attr == NFTA_SET_HANDLE || attr == NEW_SET_ATTR_A ||
		       attr == NEW_SET_ATTR_B;
	case MSG(NFT_MSG_NEWRULE):
		return attr == NFTA_RULE_HANDLE || attr == NFTA_RULE_POSITION;
	default:
		return false;
	}
}

static struct nlmsghdr *open_message(struct nse_buf *b, size_t room, uint16_t type,
				     uint16_t flags, uint8_t family)
{
	struct nlmsghdr *nlh;
	struct nfgenmsg *nfg;

	if (nse_buf_reserve(b, room + 64) < 0)
		raw_die("memory");
	nlh = mnl_nlmsg_put_header(b->data + b->len);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	if (type == NFNL_MSG_BATCH_BEGIN || type == NFNL_MSG_BATCH_END)
		nfg->res_id = htons(NFNL_SUBSYS_NFTABLES);
	return nlh;
}

static void add(struct nse_buf *b, const struct nlmsghdr *from, uint32_t id)
{
	struct nlmsghdr *nlh = open_message(b, from->nlmsg_len, from->nlmsg_type,
					    NLM_F_CREATE | NLM_F_APPEND, family_of(from));
	const struct nlattr *a;

	mnl_attr_for_each(a, from, sizeof(struct nfgenmsg))
	{
		if (dropped(from->nlmsg_type, mnl_attr_get_type(a)))
			continue;
		memcpy(mnl_nlmsg_get_payload_tail(nlh), a, a->nla_len);
		nlh->nlmsg_len += MNL_ALIGN(a->nla_len);
	}
	if (from->nlmsg_type == MSG(NFT_MSG_NEWSET))
		mnl_attr_put_u32(nlh, NFTA_SET_ID, htonl(id));
	b->len += NLMSG_ALIGN(nlh->nlmsg_len);
}

static void build(const struct copy *c, struct nse_buf *b)
{
	const struct nlmsghdr *nlh = (void *)c->bytes.data;
	int left = (int)c->bytes.len;
	uint32_t id = 0;

	open_message(b, 0, NFNL_MSG_BATCH_BEGIN, 0, NFPROTO_UNSPEC);
	b->len += NLMSG_ALIGN(NLMSG_HDRLEN + sizeof(struct nfgenmsg));
	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
		add(b, nlh, ++id);
	open_message(b, 0, NFNL_MSG_BATCH_END, 0, NFPROTO_UNSPEC);
	b->len += NLMSG_ALIGN(NLMSG_HDRLEN + sizeof(struct nfgenmsg));
}

/* sendmsg() returns when the kernel has committed; only refusals are answered. */
static int64_t load(const struct nse_buf *b)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct mnl_socket *s = raw_socket();
	int fd = mnl_socket_get_fd(s), size = 256 << 20;
	uint8_t answers[8192];
	int64_t start;
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	start = nse_now_us();
	if (sendto(fd, b->data, b->len, 0, (struct sockaddr *)&kernel, sizeof(kernel)) <
	    0)
		raw_die("send");
	start = nse_now_us() - start;
	while ((n = recv(fd, answers, sizeof(answers), MSG_DONTWAIT)) > 0)
		raw_check(answers, n);
	mnl_socket_close(s);
	return start;
}

static int copy(char **arg)
{
	struct nse_buf batch = NSE_BUF_INIT(MEMORY);
	struct copy c, again;
	int64_t dumped = take_all(&c), loaded;

	(void)arg;
	build(&c, &batch);
	if (unshare(CLONE_NEWNET) < 0)
		raw_die("a network namespace");
	loaded = load(&batch);
	take_all(&again);
	/* Every handle is as long as another. */
	errno = ENODATA;
	if (again.bytes.len != c.bytes.len)
		raw_die("the copy differs");
	printf("%" PRId64 " %" PRId64 " %zu %zu\n", dumped, loaded, c.bytes.len,
	       batch.len);
	nse_buf_release(&again.bytes);
	nse_buf_release(&c.bytes);
	nse_buf_release(&batch);
	return 0;
}

static const struct {
	const char *name;
	int args;
	int (*fn)(char **arg);
} commands[] = {
	{ "text", 2, text },
	{ "dump", 0, dump },
	{ "copy", 0, copy },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (argc > 1 && strcmp(argv[1], commands[i].name) == 0 &&
		    argc == 2 + commands[i].args)
			return commands[i].fn(argv + 2);
	fprintf(stderr, "usage: nft_raw text ELEMENTS RULES | dump | copy\n");
	return 2;
}
