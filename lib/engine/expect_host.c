/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Questions to the kernel about expectations. A dump of them says nothing of
 * zones, and the same tuples may be in several. So each one is looked up again
 * with its id in the zones that come into question: those of the scope, or
 * zone 0 and then those of all entries that look like its master.
 */
#include "lib/engine/expect_host.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include <linux/netfilter/nfnetlink_conntrack.h>

#include "lib/engine/ct_dump.h"
#include "lib/engine/ct_msg.h"
#include "lib/util/cleanup.h"

#define DUMP_TRIES 10

typedef uint8_t message[NSE_EXPECT_MSG_MAX] __attribute__((aligned(4)));

void nse_expect_list_release(struct nse_expect_list *l)
{
	free(l->items);
	*l = (struct nse_expect_list){ 0 };
}

int nse_expect_open(struct nse_nl **nl, struct nse_error *err)
{
	return nse_nl_open(nl, 1u << 20, 0, err);
}

static int append(struct nse_expect_list *l, const struct nse_expect *e)
{
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 16;
		struct nse_expect *items = realloc(l->items, cap * sizeof(*items));

		if (!items)
			return -ENOMEM;
		l->items = items;
		l->cap = cap;
	}
	l->items[l->n++] = *e;
	return 0;
}

static int on_entry(const struct nlmsghdr *nlh, void *arg)
{
	int rc = ct_msg_parse(nlh, arg);

	return rc == -EAGAIN ? -ENOENT : rc;
}

int nse_expect_host_master(struct nse_nl *nl, const struct nse_expect *e,
			   struct ct_entry *master, struct nse_error *err)
{
	uint8_t buf[CT_MSG_MAX] __attribute__((aligned(4)));
	struct ct_entry child;
	int rc;

	nse_expect_child(e, &child);
	*master = (struct ct_entry){ 0 };
	ct_msg_get_master(buf, &child);
	rc = nse_nl_talk(nl, (struct nlmsghdr *)buf, on_entry, master, err);
	if (rc < 0)
		return rc;
	/* The kernel also finds what has the tuple in its reply direction. */
	if (master->l3 != e->l3 || master->l4 != e->master_l4 ||
	    !ct_tuple_equal(master, &master->orig, &e->master))
		return -ENOENT;
	return 0;
}

static int on_expectation(const struct nlmsghdr *nlh, void *arg)
{
	return nse_expect_msg_parse(nlh, arg);
}

/* By tuple, zone, and id if there is one. */
static int look_up(struct nse_nl *nl, const struct nse_expect *e, struct nse_expect *live,
		   struct nse_error *err)
{
	message buf;

	*live = (struct nse_expect){ 0 };
	return nse_nl_talk(nl, nse_expect_msg_get(buf, e), on_expectation, live, err);
}

/* Gives e the zones and the reply source of its master in that zone, if it is
 * there. */
static int complete(struct nse_nl *nl, struct nse_expect *e, uint16_t zone,
		    struct nse_error *err)
{
	struct nse_expect guess = *e, live;
	struct ct_entry master;
	int rc;

	guess.zone_orig = guess.zone_reply = zone;
	rc = nse_expect_host_master(nl, &guess, &master, err);
	if (rc < 0)
		return rc;
	guess.zone_orig = master.zone_orig;
	guess.zone_reply = master.zone_reply;
	rc = look_up(nl, &guess, &live, err);
	if (rc < 0)
		return rc;
	e->zone_orig = master.zone_orig;
	e->zone_reply = master.zone_reply;
	memcpy(e->reply_src, master.reply.src, sizeof(e->reply_src));
	return 0;
}

int nse_expect_host_find(struct nse_nl *nl, const struct nse_expect *e,
			 struct nse_expect *live, struct nse_error *err)
{
	struct nse_expect asked = *e;
	int rc;

	asked.id = 0;
	rc = look_up(nl, &asked, live, err);
	return rc < 0 ? rc : complete(nl, live, e->zone_orig, err);
}

static int on_item(const struct nlmsghdr *nlh, void *arg)
{
	struct nse_expect e;
	int rc = nse_expect_msg_parse(nlh, &e);

	return rc < 0 ? rc : append(arg, &e);
}

int nse_expect_host_all(struct nse_nl *nl, struct nse_expect_list *l,
			struct nse_error *err)
{
	message buf;
	int rc = -EINTR;

	for (int i = 0; rc == -EINTR && i < DUMP_TRIES; i++) {
		l->n = 0;
		rc = nse_nl_talk(nl, nse_expect_msg_dump(buf), on_item, l, err);
	}
	if (rc == -EPERM)
		return nse_error(err, rc,
				 "reading expectations needs CAP_NET_ADMIN: run as root");
	return rc == -EINTR
		       ? nse_error(err, -EAGAIN, "the expectations change all the time")
		       : rc;
}

int nse_expect_host_siblings(struct nse_nl *nl, const struct nse_expect *e,
			     struct nse_expect_list *l, struct nse_error *err)
{
	message buf;
	size_t kept = 0;
	int rc;

	l->n = 0;
	rc = nse_nl_talk(nl, nse_expect_msg_dump_of(buf, e), on_item, l, err);
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	for (size_t i = 0; i < l->n; i++) {
		rc = complete(nl, &l->items[i], e->zone_orig, err);
		if (rc == 0)
			l->items[kept++] = l->items[i];
		else if (rc != -ENOENT)
			return rc;
	}
	l->n = kept;
	return 0;
}

/* Those of a list whose zone is not yet known, while the table is searched. */
struct search {
	struct nse_nl *nl;
	struct nse_expect_list *l;
	bool *known; /* by index in the list */
	struct nse_error *err;
};

static int try_zone(struct search *s, size_t i, uint16_t zone)
{
	int rc = complete(s->nl, &s->l->items[i], zone, s->err);

	if (rc == 0)
		s->known[i] = true;
	return rc == -ENOENT ? 0 : rc;
}

static int try_scope_zones(struct search *s, size_t i, const struct nse_scope *scope)
{
	int rc = 0;

	for (size_t z = 0; z < scope->nzones && rc == 0 && !s->known[i]; z++)
		rc = try_zone(s, i, scope->zones[z]);
	return rc;
}

static int on_candidate(void *arg, const struct ct_entry *master)
{
	struct search *s = arg;
	int rc = 0;

	if (!(master->present & CT_HAS_HELPER))
		return 0;
	for (size_t i = 0; i < s->l->n && rc == 0; i++) {
		const struct nse_expect *e = &s->l->items[i];

		if (!s->known[i] && e->l3 == master->l3 && e->master_l4 == master->l4 &&
		    ct_tuple_equal(master, &master->orig, &e->master))
			rc = try_zone(s, i, master->zone_orig);
	}
	return rc;
}

static int on_again(void *arg)
{
	(void)arg; /* what was found is found */
	return 0;
}

/* Adds the address of the master's source as a whole host. */
static int add_source(struct nse_scope *scope, const struct nse_expect *e)
{
	struct nse_addr a = { .family = nse_expect_family(e),
			      .prefix = (uint8_t)(8 * nse_expect_addr_size(e)) };

	memcpy(a.bytes, e->master.src, nse_expect_addr_size(e));
	return nse_domain_add_addr(&scope->domain, &a);
}

/* Looks for the masters of the rest in all zones. */
static int search_table(struct search *s)
{
	NSE_CLEANUP(nse_scope_release) struct nse_scope sources;
	const struct ct_dump_to to = { on_candidate, on_again, s };
	int rc;

	nse_scope_init(&sources);
	for (size_t i = 0; i < s->l->n; i++) {
		if (s->known[i])
			continue;
		rc = add_source(&sources, &s->l->items[i]);
		if (rc == -E2BIG)
			sources.all = true;
		else if (rc < 0)
			return nse_errno(s->err, rc, "listing expectations");
	}
	return ct_dump(&sources, &to, s->err);
}

static int find_zones(struct search *s, const struct nse_scope *scope)
{
	bool zones_given = !scope->all && scope->nzones;
	size_t unknown = 0;
	int rc = 0;

	for (size_t i = 0; i < s->l->n && rc == 0; i++) {
		rc = zones_given ? try_scope_zones(s, i, scope) : 0;
		if (rc == 0 && !s->known[i])
			rc = try_zone(s, i, 0);
		unknown += !s->known[i];
	}
	return rc < 0 || zones_given || !unknown ? rc : search_table(s);
}

int nse_expect_host_list(struct nse_nl *nl, const struct nse_scope *scope,
			 struct nse_expect_list *l, struct nse_error *err)
{
	NSE_FREE bool *known = NULL;
	struct search s = { .nl = nl, .l = l, .err = err };
	size_t kept = 0;
	int rc = nse_expect_host_all(nl, l, err);

	if (rc < 0 || !l->n)
		return rc;
	s.known = known = calloc(l->n, sizeof(*known));
	if (!known)
		return nse_errno(err, -ENOMEM, "listing expectations");
	rc = find_zones(&s, scope);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < l->n; i++)
		if (known[i])
			l->items[kept++] = l->items[i];
	l->n = kept;
	return 0;
}
