/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading the table is a number of passes. One or two IPv4 addresses are asked
 * for one by one, as original and as reply source, where the kernel filters;
 * anything else is one dump of a family or of all. Whatever the kernel
 * promises, each entry is judged here again, and only the first pass that an
 * entry belongs to hands it over.
 */
#include "lib/engine/ct_dump.h"

#include <errno.h>
#include <sys/socket.h>

#include "lib/engine/ct_host.h"
#include "lib/engine/ct_msg.h"
#include "lib/util/cleanup.h"
#include "lib/util/io.h"

#define TRIES	   5
#define HOSTS_MAX  2 /* two filtered passes each; four cost as much as one of all */
#define MAX_PASSES (2 * HOSTS_MAX + 1)
#define BUCKETS	   "/proc/sys/net/netfilter/nf_conntrack_buckets"

struct pass {
	uint8_t family;	     /* 0: all */
	const uint8_t *addr; /* NULL: the whole family */
	bool reply;
};

struct dump {
	const struct nse_scope *scope;
	const struct ct_dump_to *to;
	struct pass passes[MAX_PASSES];
	unsigned int npasses, current;
	struct ct_entry e; /* scratch, too big to be cleared for each message */
};

static bool zone_in_scope(const struct nse_scope *s, const struct ct_entry *e)
{
	return s->nzones == 0 || nse_scope_has_zone(s, e->zone_orig) ||
	       nse_scope_has_zone(s, e->zone_reply);
}

bool ct_in_scope(const struct nse_scope *s, const struct ct_entry *e)
{
	uint8_t family = ct_family(e);

	if (s->all)
		return true;
	if (s->domain.naddrs == 0 && s->nzones == 0)
		return false;
	if (s->domain.naddrs && !nse_scope_has_addr(s, family, e->orig.src) &&
	    !nse_scope_has_addr(s, family, e->reply.src))
		return false;
	return zone_in_scope(s, e);
}

static bool in_pass(const struct pass *p, const struct ct_entry *e)
{
	const uint8_t *src = p->reply ? e->reply.src : e->orig.src;

	if (p->family && p->family != ct_family(e))
		return false;
	return !p->addr || memcmp(p->addr, src, ct_addr_size(e)) == 0;
}

static int on_message(const struct nlmsghdr *nlh, void *arg)
{
	struct dump *d = arg;
	int rc = ct_msg_parse(nlh, &d->e);

	if (rc == -EAGAIN)
		return 0;
	if (rc < 0)
		return rc;
	if (!d->scope->all && !ct_in_scope(d->scope, &d->e))
		return 0;
	for (unsigned int i = 0; i < d->current; i++)
		if (in_pass(&d->passes[i], &d->e))
			return 0;
	return d->to->entry(d->to->arg, &d->e);
}

static int run_passes(struct dump *d, struct nse_nl *nl, struct nse_error *err)
{
	uint8_t buf[CT_MSG_MAX] __attribute__((aligned(4)));
	int rc, worst = 0;

	for (d->current = 0; d->current < d->npasses; d->current++) {
		const struct pass *p = &d->passes[d->current];

		if (p->addr)
			ct_msg_dump_source(buf, p->family, p->addr, p->reply);
		else
			ct_msg_dump(buf, p->family);
		rc = nse_nl_talk(nl, (struct nlmsghdr *)buf, on_message, d, err);
		if (rc == -EINTR)
			worst = rc;
		else if (rc == -EPERM)
			return nse_error(err, rc,
					 "reading the conntrack table needs "
					 "CAP_NET_ADMIN: run as root");
		else if (rc < 0)
			return rc;
	}
	return worst;
}

/*
 * Up to HOSTS_MAX IPv4 addresses are asked for one by one. IPv6 never is: on
 * Linux 6.18 the kernel's comparison of IPv6 addresses is inverted, and the
 * filter lets pass exactly what does not match.
 */
static int plan_ipv4(struct dump *d, size_t n, struct nse_error *err)
{
	const struct nse_scope *s = d->scope;
	int rc = n <= HOSTS_MAX;

	for (size_t i = 0; i < s->domain.naddrs && rc; i++)
		if (s->domain.addrs[i].family == AF_INET)
			rc = nse_addr_is_host(&s->domain.addrs[i]);
	if (rc)
		rc = ct_dump_filters(err);
	if (rc < 0)
		return rc;
	if (!rc) {
		d->passes[d->npasses++] = (struct pass){ AF_INET, NULL, false };
		return 0;
	}
	for (size_t i = 0; i < s->domain.naddrs; i++) {
		const struct nse_addr *a = &s->domain.addrs[i];

		if (a->family != AF_INET)
			continue;
		d->passes[d->npasses++] = (struct pass){ AF_INET, a->bytes, false };
		d->passes[d->npasses++] = (struct pass){ AF_INET, a->bytes, true };
	}
	return 0;
}

/*
 * Each pass walks the whole hash, empty buckets too. Where these cost more
 * than the entries (1.5 us for an entry, a 32nd of that for a bucket), one pass
 * over everything is cheaper than some that the kernel filters.
 */
static bool nearly_empty(size_t passes)
{
	int64_t count = ct_host_sysctl("count"), buckets = ct_host_sysctl("buckets");

	return count >= 0 && buckets > 0 && count * 32 <= (int64_t)(passes - 1) * buckets;
}

static int plan(struct dump *d, struct nse_error *err)
{
	const struct nse_scope *s = d->scope;
	size_t n = s->domain.naddrs, v4 = 0;

	for (size_t i = 0; i < n; i++)
		v4 += s->domain.addrs[i].family == AF_INET;
	if (s->all || n == 0 || nearly_empty(2 * v4 + (v4 < n))) {
		d->passes[d->npasses++] = (struct pass){ 0, NULL, false };
		return 0;
	}
	if (v4 < n)
		d->passes[d->npasses++] = (struct pass){ AF_INET6, NULL, false };
	return v4 ? plan_ipv4(d, v4, err) : 0;
}

/* "" where the kernel does not show it. */
static void read_buckets(char out[32])
{
	if (nse_read_text(BUCKETS, out, 32) < 0)
		out[0] = '\0';
}

int ct_dump(const struct nse_scope *scope, const struct ct_dump_to *to,
	    struct nse_error *err)
{
	struct dump d = { .scope = scope, .to = to };
	char before[32], after[32];
	int rc;

	if (!scope->all && scope->domain.naddrs == 0 && scope->nzones == 0)
		return 0;
	rc = plan(&d, err);
	for (int i = 0; rc == 0 && i < TRIES; i++) {
		NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;

		rc = nse_nl_open(&nl, 1u << 20, 0, err);
		if (rc < 0)
			return rc;
		read_buckets(before);
		rc = run_passes(&d, nl, err);
		read_buckets(after);
		if (rc == 0 && strcmp(before, after) == 0)
			return 0;
		if (rc < 0 && rc != -EINTR)
			return rc;
		rc = to->reset(to->arg);
	}
	if (rc < 0)
		return rc;
	return nse_error(err, -EAGAIN,
			 "the conntrack table did not keep still: %d dumps in a row "
			 "were disturbed (is nf_conntrack_buckets being changed?)",
			 TRIES);
}

struct probe {
	int code;
};

static void on_probe(void *arg, uint32_t index, int code, const char *text)
{
	struct probe *p = arg;

	(void)index;
	(void)text;
	p->code = code;
}

/*
 * The socket is closed at once: a kernel that does not know the filter has
 * started a dump of everything.
 */
int ct_dump_filters(struct nse_error *err)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	uint8_t buf[CT_MSG_MAX] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = (void *)buf;
	struct probe p = { 0 };
	size_t len = ct_msg_dump_probe(buf);
	int rc = nse_nl_open(&nl, 0, 0, err);

	if (rc < 0)
		return rc;
	nlh->nlmsg_seq = nse_nl_seq(nl, 1);
	rc = nse_nl_batch(nl, buf, len, nlh->nlmsg_seq, 1, on_probe, NULL, &p, err);
	if (rc < 0)
		return rc;
	return p.code == -EINVAL || p.code == -EOPNOTSUPP;
}
