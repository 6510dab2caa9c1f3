/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a target lets in of another host's entries, beyond that one end of each is the
 * domain's. The other end may be anybody; but where there is no NAT both tuples must
 * tell of the same two ends, NAT may neither take what is for another domain of this
 * host nor pass for it, and what has expected the entry must be the domain's as well.
 * That another domain is behind an address of NAT, or asks there, is no harm: it meets
 * its own rules.
 */
#include <errno.h>
#include <netinet/in.h>

#include <linux/netfilter/nf_conntrack_common.h>

#include "lib/engine/ct_engine.h"
#include "lib/engine/ct_row.h"

/* One end of a connection as its two tuples have it, original and reply. */
struct end {
	const char *name;
	uint32_t nat; /* IPS_…: what makes the two differ */
	const uint8_t *addr[2];
	const uint8_t *port[2];
	int shown; /* which of the two the other end sees */
};

#define ENDS 2

static void find_ends(const struct ct_entry *e, struct end ends[ENDS])
{
	ends[0] = (struct end){ "source",
				IPS_SRC_NAT,
				{ e->orig.src, e->reply.dst },
				{ e->orig.l4, e->reply.l4 + 2 },
				1 };
	ends[1] = (struct end){ "destination",
				IPS_DST_NAT,
				{ e->orig.dst, e->reply.src },
				{ e->orig.l4 + 2, e->reply.l4 },
				0 };
}

/*
 * Are the tuples' last four bytes the two ends' ports? ICMP has one id for both and
 * a type that answers another one; the keys of GRE come from its helper.
 */
static bool has_ports(uint8_t l4)
{
	return ct_has_ports(l4) && l4 != IPPROTO_GRE;
}

static bool same_addr(const struct ct_entry *e, const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, ct_addr_size(e)) == 0;
}

static bool is_others(const struct nse_scope *scope, uint8_t family, const uint8_t *addr)
{
	if (nse_scope_has_addr(scope, family, addr))
		return false;
	for (size_t i = 0; i < scope->others.naddrs; i++)
		if (nse_addr_covers(&scope->others.addrs[i], family, addr))
			return true;
	return false;
}

static int check_end(const struct nse_scope *scope, const struct ct_entry *e,
		     const struct end *end, struct nse_error *err)
{
	bool moved = !same_addr(e, end->addr[0], end->addr[1]);
	char name[CT_TEXT], reply[CT_TEXT], was[NSE_ADDR_STR], is[NSE_ADDR_STR];
	uint8_t family = ct_family(e);

	if (!(e->status & end->nat)) {
		if (has_ports(e->l4) && memcmp(end->port[0], end->port[1], 2) != 0)
			moved = true;
		if (!moved)
			return 0;
		return nse_error(err, -EPERM,
				 "conntrack %s: its replies (%s) have another %s, but "
				 "its status tells of no NAT there",
				 ct_entry_text(e, name),
				 ct_tuple_text(e, &e->reply, reply), end->name);
	}
	if (!moved || !is_others(scope, family, end->addr[end->shown]))
		return 0;
	return nse_error(err, -EPERM,
			 "conntrack %s: its %s %s becomes %s by NAT, and %s is another "
			 "domain's on this host",
			 ct_entry_text(e, name), end->name,
			 nse_addr_text(family, end->addr[0], was),
			 nse_addr_text(family, end->addr[1], is), end->shown ? is : was);
}

/* Is it what the outside sees in the place of the domain, by the entry's NAT? */
static bool stands_for_domain(const struct nse_scope *scope, const struct ct_entry *e,
			      const struct end ends[ENDS], const uint8_t *addr)
{
	for (int k = 0; k < ENDS; k++)
		for (int i = 0; i < 2; i++)
			if (nse_scope_has_addr(scope, ct_family(e), ends[k].addr[i]) &&
			    same_addr(e, ends[k].addr[!i], addr))
				return true;
	return false;
}

/*
 * The master is known by its original tuple alone, which has the domain's address
 * unless NAT has yet to put it there.
 */
static int check_master(const struct nse_scope *scope, const struct ct_entry *e,
			const struct end ends[ENDS], struct nse_error *err)
{
	const struct ct_entry m = { .l3 = e->l3, .l4 = e->master_l4, .orig = e->master };
	char name[CT_TEXT], master[CT_TEXT];
	uint8_t family = ct_family(e);

	if (!(e->present & CT_HAS_MASTER) || !scope->domain.naddrs ||
	    nse_scope_has_addr(scope, family, m.orig.src) ||
	    nse_scope_has_addr(scope, family, m.orig.dst) ||
	    stands_for_domain(scope, e, ends, m.orig.dst))
		return 0;
	return nse_error(err, -EPERM,
			 "conntrack %s: the entry that expected it (%s) is not the "
			 "domain's",
			 ct_entry_text(e, name), ct_tuple_text(&m, &m.orig, master));
}

int ct_admit_record(const struct nse_scope *scope, const struct nse_record *rec,
		    struct nse_error *err)
{
	struct end ends[ENDS];
	struct ct_entry e;
	int rc;

	if (scope->all)
		return 0;
	rc = ct_row_decode(rec, &e, err);
	if (rc < 0)
		return rc;
	find_ends(&e, ends);
	for (int k = 0; k < ENDS && rc == 0; k++)
		rc = check_end(scope, &e, &ends[k], err);
	return rc ?: check_master(scope, &e, ends, err);
}
