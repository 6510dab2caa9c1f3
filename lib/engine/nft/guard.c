/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The guard's life: up in one transaction, counted while it stands, down in
 * one transaction. Its socket stays open in between, since it owns the tables:
 * when it closes, however that comes, the kernel removes them. A transaction's
 * answers alone prove nothing (a refused one acknowledges its other messages
 * all the same), so the tables are read back.
 */
#include "lib/engine/nft/guard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/table.h>
#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/guard_rules.h"
#include "lib/netlink/nl.h"
#include "lib/util/cleanup.h"

#define LABEL_MAX    64
#define SNDBUF	     (4u << 20)
#define REQUEST_ROOM 4096
#define DUMP_TRIES   20 /* any change in the namespace disturbs a dump */

struct nse_guard {
	struct nse_nl *nl;
	char table[sizeof("nsemig-guard-") + LABEL_MAX];
	bool lifted; /* the tables are gone */
};

static void guard_free(struct nse_guard *g)
{
	if (!g)
		return;
	nse_nl_close(g->nl);
	free(g);
}

static void guard_freep(struct nse_guard **g)
{
	guard_free(*g);
}

static int check_label(const char *label, struct nse_error *err)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t n = strnlen(label, LABEL_MAX + 1);

	if (n == 0 || n > LABEL_MAX || strspn(label, good) != n)
		return nse_error(err, -EINVAL,
				 "the label of a guard has 1 to %d letters, digits, '-', "
				 "'_' or '.'",
				 LABEL_MAX);
	return 0;
}

/* The first refusal of a transaction. */
struct refusal {
	uint32_t index;
	int code;
	char text[256];
};

static void note_refusal(void *arg, uint32_t index, int code, const char *text)
{
	struct refusal *r = arg;

	if (!code || r->code)
		return;
	r->index = index;
	r->code = code;
	snprintf(r->text, sizeof(r->text), "%s", text);
}

static int refused(const struct nse_guard *g, const struct refusal *r,
		   struct nse_error *err)
{
	if (r->index == 0 && r->code == -EPERM)
		return nse_error(err, r->code,
				 "no permission to put up a guard: CAP_NET_ADMIN is "
				 "needed");
	if (r->code == -EEXIST || r->code == -EPERM)
		return nse_error(err, -EEXIST,
				 "there is a guard '%s' of another process already: has "
				 "an earlier migration not ended?",
				 g->table);
	if (r->index == 1 && (r->code == -EINVAL || r->code == -EOPNOTSUPP))
		return nse_error(err, -EOPNOTSUPP,
				 "this kernel knows no nf_tables with an owner (Linux "
				 "5.12 and later do): the guard cannot be put up");
	return nse_errno(err, r->code, "the guard '%s', message %u%s%s", g->table,
			 r->index, r->text[0] ? ": " : "", r->text);
}

static int commit(struct nse_guard *g, const struct nse_guard_batch *b,
		  struct nse_error *err)
{
	struct refusal r = { 0 };
	int rc = nse_nl_batch(g->nl, b->bytes, b->len, b->first_seq, b->n, note_refusal,
			      NULL, &r, err);

	if (rc < 0)
		return rc;
	return r.code ? refused(g, &r, err) : 0;
}

static int read_flags(const struct nlmsghdr *nlh, void *arg)
{
	struct nftnl_table *t = nftnl_table_alloc();

	if (!t)
		return -ENOMEM;
	if (nftnl_table_nlmsg_parse(nlh, t) == 0)
		*(uint32_t *)arg = nftnl_table_get_u32(t, NFTNL_TABLE_FLAGS);
	nftnl_table_free(t);
	return 0;
}

/* The flags of the guard's table in a family, or -ENOENT. */
static int table_flags(struct nse_guard *g, uint16_t family, uint32_t *flags,
		       struct nse_error *err)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_ROOM];
	struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETTABLE, family, 0, 0);

	*flags = 0;
	mnl_attr_put_strz(nlh, NFTA_TABLE_NAME, g->table);
	return nse_nl_talk(g->nl, nlh, read_flags, flags, err);
}

static int read_back(struct nse_guard *g, struct nse_error *err)
{
	for (size_t i = 0; i < NSE_GUARD_FAMILIES; i++) {
		uint32_t flags;
		int rc = table_flags(g, nse_guard_families[i], &flags, err);

		if (rc == -ENOENT)
			return nse_error(err, -EIO,
					 "the kernel took the guard '%s' and does not "
					 "have it",
					 g->table);
		if (rc < 0)
			return rc;
		if (!(flags & NFT_TABLE_F_OWNER))
			return nse_error(err, -EOPNOTSUPP,
					 "this kernel ignores the owner of nf_tables "
					 "tables (5.12 and later know it)");
	}
	return 0;
}

/* Tables without an owner would outlive the socket. */
static void remove_tables(struct nse_guard *g)
{
	struct nse_guard_batch b;
	struct nse_error unused;
	uint32_t seq = nse_nl_seq(g->nl, 2 + NSE_GUARD_FAMILIES);

	if (nse_guard_build_down(&b, seq, g->table) == 0)
		commit(g, &b, &unused);
	nse_guard_batch_release(&b);
}

static int open_guard(struct nse_guard **out, const char *what, const char *label,
		      size_t naddrs, struct nse_error *err)
{
	struct nse_guard *g;
	int rc = check_label(label, err);

	if (rc < 0)
		return rc;
	if (!naddrs)
		return nse_error(err, -EINVAL, "a %s needs at least one address", what);
	*out = g = calloc(1, sizeof(*g));
	if (!g)
		return nse_errno(err, -ENOMEM, "the %s", what);
	snprintf(g->table, sizeof(g->table), "nsemig-%s-%s", what, label);
	return nse_nl_open(&g->nl, SNDBUF, SNDBUF, err);
}

/* Sends what was built, and looks whether it is there. */
static int put_up(struct nse_guard *g, const struct nse_guard_batch *b, int built,
		  struct nse_error *err)
{
	int rc = built;

	if (rc < 0)
		return nse_errno(err, rc, "the guard");
	rc = commit(g, b, err);
	if (rc < 0)
		return rc;
	rc = read_back(g, err);
	if (rc < 0)
		remove_tables(g);
	return rc;
}

int nse_guard_up(struct nse_guard **out, const char *label, const struct nse_addr *addrs,
		 size_t naddrs, struct nse_error *err)
{
	NSE_CLEANUP(nse_guard_batch_release) struct nse_guard_batch b = { 0 };
	NSE_CLEANUP(guard_freep) struct nse_guard *g = NULL;
	int rc = open_guard(&g, "guard", label, naddrs, err);

	if (rc < 0)
		return rc;
	rc = nse_guard_build_up(&b, nse_nl_seq(g->nl, nse_guard_up_max(naddrs)), g->table,
				addrs, naddrs);
	rc = put_up(g, &b, rc, err);
	if (rc == 0)
		*out = nse_take(g);
	return rc;
}

int nse_guard_watch(struct nse_guard **out, const char *label,
		    const struct nse_addr *addrs, size_t naddrs,
		    const struct nse_addr *others, size_t nothers, struct nse_error *err)
{
	NSE_CLEANUP(nse_guard_batch_release) struct nse_guard_batch b = { 0 };
	NSE_CLEANUP(guard_freep) struct nse_guard *g = NULL;
	int rc = open_guard(&g, "watch", label, naddrs, err);

	if (rc < 0)
		return rc;
	rc = nse_guard_build_watch(&b,
				   nse_nl_seq(g->nl, nse_guard_up_max(naddrs + nothers)),
				   g->table, addrs, naddrs, others, nothers);
	rc = put_up(g, &b, rc, err);
	if (rc == 0)
		*out = nse_take(g);
	return rc;
}

int nse_guard_lift(struct nse_guard *g, struct nse_error *err)
{
	NSE_CLEANUP(nse_guard_batch_release) struct nse_guard_batch b = { 0 };
	uint32_t flags;
	int rc;

	if (!g || g->lifted)
		return 0;
	rc = nse_guard_build_down(&b, nse_nl_seq(g->nl, 2 + NSE_GUARD_FAMILIES),
				  g->table);
	if (rc < 0)
		return nse_errno(err, rc, "taking down the guard '%s'", g->table);
	rc = commit(g, &b, err);
	for (size_t i = 0; rc == 0 && i < NSE_GUARD_FAMILIES; i++) {
		rc = table_flags(g, nse_guard_families[i], &flags, err);
		if (rc == 0)
			return nse_error(err, -EIO,
					 "the guard '%s' still stands after its removal",
					 g->table);
		rc = rc == -ENOENT ? 0 : rc;
	}
	g->lifted = rc == 0;
	return rc;
}

int nse_guard_down(struct nse_guard *g, struct nse_error *err)
{
	int rc = nse_guard_lift(g, err);

	guard_freep(&g);
	return rc;
}

static int add_counter(struct nftnl_expr *e, void *arg)
{
	if (strcmp(nftnl_expr_get_str(e, NFTNL_EXPR_NAME), "counter") == 0)
		*(uint64_t *)arg += nftnl_expr_get_u64(e, NFTNL_EXPR_CTR_PACKETS);
	return 0;
}

static int add_rule(const struct nlmsghdr *nlh, void *arg)
{
	struct nftnl_rule *r = nftnl_rule_alloc();
	int rc;

	if (!r)
		return -ENOMEM;
	rc = nftnl_rule_nlmsg_parse(nlh, r) < 0 ? -EBADMSG : 0;
	if (rc == 0)
		nftnl_expr_foreach(r, add_counter, arg);
	nftnl_rule_free(r);
	return rc;
}

/* Adds up the counters of the guard's rules in one family. */
static int count(struct nse_guard *g, uint16_t family, uint64_t *packets,
		 struct nse_error *err)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_ROOM];
	int rc = -EINTR;

	for (int i = 0; rc == -EINTR && i < DUMP_TRIES; i++) {
		struct nlmsghdr *nlh = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETRULE, family,
							     NLM_F_DUMP, 0);

		mnl_attr_put_strz(nlh, NFTA_RULE_TABLE, g->table);
		*packets = 0;
		rc = nse_nl_talk(g->nl, nlh, add_rule, packets, err);
	}
	if (rc == -EINTR)
		return nse_error(err, rc,
				 "the rules of the guard '%s' cannot be read: the "
				 "ruleset changes all the time",
				 g->table);
	return rc;
}

int nse_guard_dropped(struct nse_guard *g, uint64_t *packets, struct nse_error *err)
{
	*packets = 0;
	for (size_t i = 0; i < NSE_GUARD_FAMILIES; i++) {
		uint64_t n;
		int rc = count(g, nse_guard_families[i], &n, err);

		if (rc < 0)
			return rc;
		*packets += n;
	}
	return 0;
}
