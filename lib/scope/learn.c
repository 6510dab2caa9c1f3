/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the kernel knows of the addresses behind an interface, asked through
 * rtnetlink: host routes out of it (a routed vif), neighbours on it, and for
 * a bridge port the neighbours whose MAC address the bridge has learnt there.
 */
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <libmnl/libmnl.h>

#include "lib/scope/resolve.h"
#include "lib/util/cleanup.h"

#define MAX_MACS     256
#define ANSWER_LIMIT 5 /* seconds to wait for the kernel */

struct learner {
	unsigned int ifindex;
	uint8_t macs[MAX_MACS][6]; /* behind the bridge port */
	size_t nmacs;
	struct nse_domain *domain;
	int rc;
};

static void close_socket(struct mnl_socket **nl)
{
	if (*nl)
		mnl_socket_close(*nl);
}

/* Neither link-local nor multicast nor unspecified: those name no guest. */
static bool usable(uint8_t family, const uint8_t *a)
{
	if (family == AF_INET)
		return a[0] && a[0] < 224 && a[0] != 127 && !(a[0] == 169 && a[1] == 254);
	return a[0] && a[0] != 0xff && !(a[0] == 0xfe && (a[1] & 0xc0) == 0x80);
}

static void add(struct learner *l, uint8_t family, const struct nlattr *attr)
{
	size_t size = nse_addr_size(family);
	struct nse_addr addr = { .family = family, .prefix = (uint8_t)(size * 8) };

	if (mnl_attr_get_payload_len(attr) != size ||
	    !usable(family, mnl_attr_get_payload(attr)))
		return;
	memcpy(addr.bytes, mnl_attr_get_payload(attr), size);
	if (l->rc == 0)
		l->rc = nse_domain_add_addr(l->domain, &addr);
}

static int on_fdb(const struct nlmsghdr *nlh, void *arg)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;
	struct learner *l = arg;

	/* Permanent entries are the port's own addresses. */
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*nd) ||
	    (unsigned int)nd->ndm_ifindex != l->ifindex ||
	    nd->ndm_state & NUD_PERMANENT || l->nmacs == MAX_MACS)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*nd))
	{
		if (mnl_attr_get_type(attr) == NDA_LLADDR &&
		    mnl_attr_get_payload_len(attr) == 6)
			memcpy(l->macs[l->nmacs++], mnl_attr_get_payload(attr), 6);
		if (l->nmacs == MAX_MACS)
			break;
	}
	return MNL_CB_OK;
}

static bool behind(const struct learner *l, const struct nlattr *mac)
{
	for (size_t i = 0; mac && mnl_attr_get_payload_len(mac) == 6 && i < l->nmacs; i++)
		if (memcmp(l->macs[i], mnl_attr_get_payload(mac), 6) == 0)
			return true;
	return false;
}

static int on_neighbour(const struct nlmsghdr *nlh, void *arg)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr, *dst = NULL, *mac = NULL;
	struct learner *l = arg;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*nd) ||
	    nd->ndm_state & (NUD_FAILED | NUD_INCOMPLETE | NUD_NOARP) ||
	    (nd->ndm_family != AF_INET && nd->ndm_family != AF_INET6))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*nd))
	{
		if (mnl_attr_get_type(attr) == NDA_DST)
			dst = attr;
		else if (mnl_attr_get_type(attr) == NDA_LLADDR)
			mac = attr;
	}
	if (dst && ((unsigned int)nd->ndm_ifindex == l->ifindex || behind(l, mac)))
		add(l, nd->ndm_family, dst);
	return MNL_CB_OK;
}

static int on_route(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr, *dst = NULL;
	struct learner *l = arg;
	unsigned int oif = 0;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*rt) ||
	    (rt->rtm_family != AF_INET && rt->rtm_family != AF_INET6) ||
	    rt->rtm_type != RTN_UNICAST ||
	    rt->rtm_dst_len != nse_addr_size(rt->rtm_family) * 8)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*rt))
	{
		if (mnl_attr_get_type(attr) == RTA_DST)
			dst = attr;
		else if (mnl_attr_get_type(attr) == RTA_OIF &&
			 mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			oif = mnl_attr_get_u32(attr);
	}
	if (dst && oif == l->ifindex)
		add(l, rt->rtm_family, dst);
	return MNL_CB_OK;
}

static int dump(struct mnl_socket *nl, uint16_t type, uint8_t family, mnl_cb_t cb,
		struct learner *l)
{
	static const size_t room = 32768;
	NSE_FREE uint8_t *buf = calloc(1, room);
	struct nlmsghdr *nlh;
	unsigned int seq = 1u + type + family;
	ssize_t n;
	int rc;

	if (!buf)
		return -ENOMEM;
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = seq;
	/* Both requests begin with the family and are zero else. */
	if (type == RTM_GETROUTE)
		*(uint8_t *)mnl_nlmsg_put_extra_header(nlh, sizeof(struct rtmsg)) =
			family;
	else
		*(uint8_t *)mnl_nlmsg_put_extra_header(nlh, sizeof(struct ndmsg)) =
			family;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		n = mnl_socket_recvfrom(nl, buf, room);
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		rc = mnl_cb_run(buf, (size_t)n, seq, mnl_socket_get_portid(nl), cb, l);
	} while (rc > MNL_CB_STOP);
	return rc < 0 ? -errno : l->rc;
}

static int ask(struct mnl_socket *nl, struct learner *l)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	int rc = dump(nl, RTM_GETNEIGH, AF_BRIDGE, on_fdb, l);

	/* A kernel without bridges has no forwarding table. */
	if (rc == -EOPNOTSUPP)
		rc = 0;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(families) && rc == 0; i++) {
		rc = dump(nl, RTM_GETNEIGH, families[i], on_neighbour, l);
		if (rc == 0)
			rc = dump(nl, RTM_GETROUTE, families[i], on_route, l);
	}
	return rc;
}

int nse_scope_learn_vif(const char *ifname, struct nse_domain *d, struct nse_error *err)
{
	const struct timeval limit = { .tv_sec = ANSWER_LIMIT };
	NSE_CLEANUP(close_socket) struct mnl_socket *nl = NULL;
	struct learner l = { .domain = d };
	int rc;

	l.ifindex = if_nametoindex(ifname);
	if (!l.ifindex)
		return nse_error(err, -ENODEV, "there is no interface '%s' here", ifname);
	nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return nse_errno(err, -errno, "cannot open a netlink socket");
	setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	rc = ask(nl, &l);
	return rc < 0 ? nse_errno(err, rc, "asking for the addresses behind %s", ifname)
		      : 0;
}
