/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What of entries belongs to a host and not to the domain: the outside address
 * of NAT, zones and marks. The kernel takes such entries anywhere; whether they
 * do something there depends on the host's addresses and rules.
 */
#include "lib/engine/ct_preflight.h"

#include <errno.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include <linux/netfilter/nf_conntrack_common.h>

#include "lib/engine/ct_row.h"
#include "lib/engine/nft/uses.h"
#include "lib/util/addr.h"
#include "lib/util/cleanup.h"

#define AREA	    "conntrack"
#define OUTSIDE_MAX 64 /* addresses */
#define FLOWS_MAX   10 /* flows that are told one by one, for each address */
#define NUMBERS_MAX 8  /* zones, or marks, that are told */

/* An address that flows are translated to, and which is not the domain's. */
struct outside {
	uint64_t flows;
	char text[FLOWS_MAX * (CT_TEXT + 8)]; /* of the first flows, a line each */
};

struct numbers {
	uint64_t entries;
	uint32_t list[NUMBERS_MAX];
	size_t n;
	bool more;
};

struct local {
	const struct nse_scope *scope;
	struct nse_addr addrs[OUTSIDE_MAX];
	bool named[OUTSIDE_MAX];
	struct outside outside[OUTSIDE_MAX];
	size_t n;
	uint64_t untold; /* flows of addresses beyond these */
	struct numbers zones, marks;
};

static void add_number(struct numbers *to, uint32_t v)
{
	for (size_t i = 0; i < to->n; i++)
		if (to->list[i] == v)
			return;
	if (to->n < NUMBERS_MAX)
		to->list[to->n++] = v;
	else
		to->more = true;
}

static const char *list_of(const struct numbers *n, bool hex, char *out, size_t room)
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < n->n && len + 16 < room; i++)
		len += (size_t)snprintf(out + len, room - len, hex ? "%s0x%x" : "%s%u",
					i ? ", " : "", n->list[i]);
	if (n->more)
		snprintf(out + len, room - len, " and others");
	return out;
}

static void add_flow(struct outside *o, const struct ct_entry *e)
{
	size_t len = strlen(o->text);
	char name[CT_TEXT];

	if (o->flows++ < FLOWS_MAX)
		snprintf(o->text + len, sizeof(o->text) - len, "\n  %s",
			 ct_entry_text(e, name));
}

static void add_outside(struct local *l, const struct ct_entry *e, const uint8_t *bytes)
{
	uint8_t family = ct_family(e), size = (uint8_t)ct_addr_size(e);
	size_t i;

	/* The domain's own addresses come with it. */
	if (nse_scope_has_addr(l->scope, family, bytes))
		return;
	for (i = 0; i < l->n; i++)
		if (l->addrs[i].family == family &&
		    memcmp(l->addrs[i].bytes, bytes, size) == 0)
			break;
	if (i == OUTSIDE_MAX) {
		l->untold++;
		return;
	}
	if (i == l->n) {
		l->addrs[i] = (struct nse_addr){ .family = family,
						 .prefix = (uint8_t)(8 * size) };
		memcpy(l->addrs[i].bytes, bytes, size);
		l->n++;
	}
	add_flow(&l->outside[i], e);
}

static void look_at(struct local *l, const struct ct_entry *e)
{
	uint16_t zone = e->zone_orig ? e->zone_orig : e->zone_reply;

	if (zone) {
		l->zones.entries++;
		add_number(&l->zones, zone);
	}
	if (e->mark) {
		l->marks.entries++;
		add_number(&l->marks, e->mark);
	}
	if (!l->scope || l->scope->all)
		return;
	/* Answers come to the first, new packets to the second. */
	if (e->status & IPS_SRC_NAT)
		add_outside(l, e, e->reply.dst);
	else if ((e->status & IPS_DST_NAT) &&
		 nse_scope_has_addr(l->scope, ct_family(e), e->reply.src))
		add_outside(l, e, e->orig.dst);
}

static int find(struct local *l, const struct nse_context *ctx, struct nse_error *err)
{
	struct nse_record rec;
	struct ct_entry e;
	int rc = 0;

	for (uint32_t s = 0; rc == 0 && s < nse_context_slots(ctx); s++) {
		if (!nse_context_at(ctx, s, &rec) || !ct_row_is(&rec))
			continue;
		rc = ct_row_decode(&rec, &e, err);
		if (rc == 0)
			look_at(l, &e);
	}
	return rc;
}

static const uint8_t *bytes_of(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return (const uint8_t *)&((const struct sockaddr_in *)sa)->sin_addr;
	return (const uint8_t *)&((const struct sockaddr_in6 *)sa)->sin6_addr;
}

/* Is it an address of this host? */
static bool is_here(const struct ifaddrs *all, const struct nse_addr *addr)
{
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		if (i->ifa_addr && i->ifa_addr->sa_family == addr->family &&
		    nse_addr_covers(addr, addr->family, bytes_of(i->ifa_addr)))
			return true;
	return false;
}

static int tell_outside(const struct local *l, size_t i, struct nse_problems *p)
{
	const struct outside *o = &l->outside[i];
	char addr[NSE_ADDR_STR], mend[512], more[48] = "";

	nse_addr_format(&l->addrs[i], addr);
	if (o->flows > FLOWS_MAX)
		snprintf(more, sizeof(more), "\n  and %" PRIu64 " more",
			 o->flows - FLOWS_MAX);
	if (l->named[i])
		return nse_problem_add(
			p, NSE_NOTE, AREA, NULL,
			"%s is none of this host's addresses yet, though its rules speak "
			"of it: what is translated by it lives only if it comes with the "
			"domain (flows: %" PRIu64 ")%s%s",
			addr, o->flows, o->text, more);
	snprintf(mend, sizeof(mend),
		 "ip address add %s dev lo (there, with a route to it); or, if it moves "
		 "with the domain: `addresses` of [domain %s] in nsemig.conf, here",
		 addr, l->scope->domain.name[0] ? l->scope->domain.name : "NAME");
	return nse_problem_add(p, NSE_LOSS, AREA, mend,
			       "%s is neither an address of this host nor in its rules: "
			       "the packets of what is translated by it would not come "
			       "here (flows: %" PRIu64 ")%s%s",
			       addr, o->flows, o->text, more);
}

static int nat_problems(struct local *l, struct nse_problems *p)
{
	struct ifaddrs *all = NULL;
	int rc = 0;

	if (l->n && getifaddrs(&all) < 0)
		return -errno;
	for (size_t i = 0; i < l->n && rc == 0; i++)
		if (!is_here(all, &l->addrs[i]))
			rc = tell_outside(l, i, p);
	if (l->n)
		freeifaddrs(all);
	if (rc == 0 && l->untold)
		rc = nse_problem_add(
			p, NSE_NOTE, AREA, NULL,
			"flows that are translated by further addresses, which "
			"were not looked at: %" PRIu64,
			l->untold);
	return rc;
}

static int zone_problems(const struct local *l, bool set, struct nse_problems *p)
{
	char list[128];

	if (!l->zones.entries)
		return 0;
	list_of(&l->zones, false, list, sizeof(list));
	if (!set)
		return nse_problem_add(
			p, NSE_LOSS, AREA,
			"load there the rules by which packets get their zones, `ct zone "
			"set` (nft list ruleset shows them)",
			"no rule of this host gives packets a zone: none would find an "
			"entry in one (zones: %s; entries: %" PRIu64 ")",
			list, l->zones.entries);
	return nse_problem_add(p, NSE_NOTE, AREA, NULL,
			       "zones are a host's own numbers, and rules here have to "
			       "mean the same by them (zones: %s; entries: %" PRIu64 ")",
			       list, l->zones.entries);
}

static int mark_problems(const struct local *l, bool used, struct nse_problems *p)
{
	char list[160];

	if (!l->marks.entries)
		return 0;
	list_of(&l->marks, true, list, sizeof(list));
	return nse_problem_add(p, NSE_NOTE, AREA, NULL,
			       "marks are carried as they are, and %s (marks: %s; "
			       "entries: %" PRIu64 ")",
			       used ? "rules here have to mean the same by them"
				    : "no rule here looks at them",
			       list, l->marks.entries);
}

int ct_preflight_local(const struct nse_context *ctx, const struct nse_arrival *as,
		       struct nse_problems *p, struct nse_error *err)
{
	NSE_FREE struct local *l = calloc(1, sizeof(*l));
	struct nft_uses uses = { 0 };
	int rc;

	if (!l)
		return nse_errno(err, -ENOMEM, "the preflight of entries");
	l->scope = as ? as->scope : NULL;
	rc = find(l, ctx, err);
	if (rc < 0 || (!l->n && !l->zones.entries && !l->marks.entries))
		return rc;
	uses.addrs = l->addrs;
	uses.named = l->named;
	uses.naddrs = l->n;
	nft_uses_of_context(&uses, ctx);
	rc = nft_uses_of_host(&uses, err);
	if (rc < 0)
		return rc;
	rc = nat_problems(l, p) ?: zone_problems(l, uses.zone, p) ?:
	     mark_problems(l, uses.mark, p);
	return rc < 0 ? nse_errno(err, rc, "the preflight of entries") : 0;
}
