/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Deciding which addresses are a domain's.
 */
#include "lib/platform/claims.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

int nse_claims_configured(struct nse_domain *d, const char *ip)
{
	struct nse_addr net, host;
	char words[1024], *save = NULL;
	int rc;

	if (strlen(ip) >= sizeof(words))
		return -E2BIG;
	memcpy(words, ip, strlen(ip) + 1);
	for (char *w = strtok_r(words, ", \t", &save); w;
	     w = strtok_r(NULL, ", \t", &save)) {
		if (nse_addr_parse(w, &net, NULL) < 0)
			continue;
		w[strcspn(w, "/")] = '\0';
		if (nse_addr_parse(w, &host, NULL) < 0)
			continue;
		if (memcmp(host.bytes, net.bytes, sizeof(host.bytes)) == 0)
			host = net;
		rc = nse_domain_add_addr(d, &host);
		if (rc < 0)
			return rc;
	}
	return 0;
}

void nse_claims_init(struct nse_claims *c)
{
	nse_domain_init(&c->wanted);
	nse_domain_init(&c->taken);
}

void nse_claims_release(struct nse_claims *c)
{
	nse_domain_release(&c->wanted);
	nse_domain_release(&c->taken);
}

static bool unicast(const struct nse_addr *a)
{
	struct in6_addr in6;
	uint32_t in4;

	if (!nse_addr_is_host(a))
		return false;
	if (a->family == AF_INET) {
		memcpy(&in4, a->bytes, 4);
		in4 = ntohl(in4);
		return !IN_MULTICAST(in4) && !IN_BADCLASS(in4) && in4 >> 24 != 0 &&
		       in4 >> 24 != 127;
	}
	memcpy(&in6, a->bytes, 16);
	return !IN6_IS_ADDR_MULTICAST(&in6) && !IN6_IS_ADDR_LOOPBACK(&in6) &&
	       !IN6_IS_ADDR_UNSPECIFIED(&in6) && !IN6_IS_ADDR_V4MAPPED(&in6);
}

static bool is_taken(const struct nse_claims *c, const struct nse_addr *a)
{
	for (size_t i = 0; i < c->taken.naddrs; i++)
		if (nse_addr_covers(&c->taken.addrs[i], a->family, a->bytes))
			return true;
	return false;
}

static int take(void *arg, const struct nse_addr *addr)
{
	struct nse_claims *c = arg;

	return nse_domain_add_addr(&c->taken, addr);
}

struct learnt {
	struct nse_claims *claims;
	const struct nse_domain *d;
};

/* Is it at a MAC of the domain's, on the bridge of that vif? */
static bool is_ours(const struct nse_domain *d, const struct nse_neigh *n)
{
	const struct nse_vif *v;

	for (size_t i = 0; i < d->nvifs; i++) {
		v = &d->vifs[i];
		if (!v->mac[0] || strcmp(v->mac, n->mac) != 0)
			continue;
		if ((v->bridge[0] && (int)if_nametoindex(v->bridge) == n->ifindex) ||
		    (int)if_nametoindex(v->name) == n->ifindex)
			return true;
	}
	return false;
}

static int want(void *arg, const struct nse_neigh *n)
{
	struct learnt *l = arg;
	int rc = is_ours(l->d, n) ? nse_domain_add_addr(&l->claims->wanted, &n->addr) : 0;

	/* A guest that answers for more than there is room for gets no more. */
	return rc == -E2BIG ? 0 : rc;
}

/* Somebody else answers for an address that is wanted. */
static int contest(void *arg, const struct nse_neigh *n)
{
	struct learnt *l = arg;
	const struct nse_domain *wanted = &l->claims->wanted;

	if (is_ours(l->d, n))
		return 0;
	for (size_t i = 0; i < wanted->naddrs; i++)
		if (nse_addr_equal(&wanted->addrs[i], &n->addr))
			return nse_domain_add_addr(&l->claims->taken, &n->addr);
	return 0;
}

int nse_claims_settle(struct nse_claims *c, struct nse_domain *d, struct nse_error *err)
{
	struct learnt l = { .claims = c, .d = d };
	int rc = nse_addr_each_own(take, c);

	if (rc == 0)
		rc = nse_neigh_dump(want, &l, err);
	if (rc == 0)
		rc = nse_neigh_dump(contest, &l, err);
	for (size_t i = 0; rc == 0 && i < c->wanted.naddrs; i++) {
		if (unicast(&c->wanted.addrs[i]) && !is_taken(c, &c->wanted.addrs[i]))
			rc = nse_domain_add_addr(d, &c->wanted.addrs[i]);
	}
	return rc < 0 ? nse_errno(err, rc, "finding the domain's addresses") : 0;
}
