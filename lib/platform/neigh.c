/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A dump of the neighbour tables through rtnetlink.
 */
#include "lib/platform/neigh.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"

#define ANSWER_US 2000000
#define DUMP_SIZE 32768
#define ATTEMPTS  5 /* a table that changes while it is dumped */

/* States in which the MAC is known: all but INCOMPLETE, FAILED and NOARP. */
#define KNOWN (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)

struct dump {
	int (*each)(void *arg, const struct nse_neigh *n);
	void *arg;
	int rc;
};

static int attribute(const struct nlattr *attr, void *data)
{
	const struct nlattr **tb = data;
	int type = mnl_attr_get_type(attr);

	if (type == NDA_DST || type == NDA_LLADDR)
		tb[type] = attr;
	return MNL_CB_OK;
}

static int on_neigh(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *tb[NDA_LLADDR + 1] = { NULL };
	const struct ndmsg *ndm;
	struct dump *dump = data;
	struct nse_neigh n = { 0 };
	const uint8_t *mac;

	if (nlh->nlmsg_type != RTM_NEWNEIGH ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(*ndm))
		return MNL_CB_OK;
	ndm = mnl_nlmsg_get_payload(nlh);
	if (!(ndm->ndm_state & KNOWN) ||
	    (ndm->ndm_family != AF_INET && ndm->ndm_family != AF_INET6) ||
	    mnl_attr_parse(nlh, sizeof(*ndm), attribute, tb) < 0 || !tb[NDA_DST] ||
	    !tb[NDA_LLADDR] || mnl_attr_get_payload_len(tb[NDA_LLADDR]) != 6)
		return MNL_CB_OK;
	n.ifindex = ndm->ndm_ifindex;
	n.addr.family = ndm->ndm_family;
	n.addr.prefix = (uint8_t)(8 * nse_addr_size(ndm->ndm_family));
	if (mnl_attr_get_payload_len(tb[NDA_DST]) != nse_addr_size(ndm->ndm_family))
		return MNL_CB_OK;
	memcpy(n.addr.bytes, mnl_attr_get_payload(tb[NDA_DST]),
	       nse_addr_size(ndm->ndm_family));
	mac = mnl_attr_get_payload(tb[NDA_LLADDR]);
	snprintf(n.mac, sizeof(n.mac), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		 mac[2], mac[3], mac[4], mac[5]);
	dump->rc = dump->each(dump->arg, &n);
	return dump->rc < 0 ? MNL_CB_ERROR : MNL_CB_OK;
}

static void closesp(struct mnl_socket **nl)
{
	if (*nl)
		mnl_socket_close(*nl);
}

static int exchange(struct mnl_socket *nl, unsigned int seq, struct dump *dump)
{
	int64_t deadline = nse_now_us() + ANSWER_US;
	char buf[DUMP_SIZE];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ndmsg *ndm;
	ssize_t n;
	int rc;

	nlh->nlmsg_type = RTM_GETNEIGH;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = seq;
	ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_family = AF_UNSPEC;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -errno;
	do {
		rc = nse_wait_readable(mnl_socket_get_fd(nl), deadline);
		if (rc < 0)
			return rc;
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		rc = mnl_cb_run(buf, (size_t)n, seq, mnl_socket_get_portid(nl), on_neigh,
				dump);
	} while (rc > 0);
	if (dump->rc < 0)
		return dump->rc;
	return rc < 0 ? -errno : 0;
}

int nse_neigh_dump(int (*each)(void *arg, const struct nse_neigh *n), void *arg,
		   struct nse_error *err)
{
	NSE_CLEANUP(closesp) struct mnl_socket *nl = NULL;
	struct dump dump = { .each = each, .arg = arg };
	int rc = -EINTR;

	/* each() may see an entry twice then, which it must not mind anyway. */
	for (unsigned int i = 1; rc == -EINTR && i <= ATTEMPTS; i++) {
		closesp(&nl);
		nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
		if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
			return nse_errno(err, -errno, "rtnetlink");
		rc = exchange(nl, i, &dump);
	}
	return rc < 0 ? nse_errno(err, rc, "reading the neighbour tables") : 0;
}
