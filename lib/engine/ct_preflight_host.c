/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a host's connection tracking is set up, whatever would come to it or go
 * from it; and the one entry that is in another's way.
 */
#include "lib/engine/ct_preflight.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>

#include "lib/engine/ct_host.h"
#include "lib/engine/ct_msg.h"
#include "lib/netlink/nl.h"
#include "lib/util/addr.h"
#include "lib/util/cleanup.h"

#define AREA   "conntrack"
#define SYSCTL "sysctl -w net.netfilter.nf_conntrack_"

static const struct {
	const char *name;
	int64_t value;
	const char *mend, *means;
} notes[] = {
	{ "events", 0, SYSCTL "events=1",
	  "nothing reports its changes, and a migration from here has to look at every "
	  "entry, during the freeze, too" },
	{ "events", 2, SYSCTL "events=1",
	  "entries made while nobody listened never report a change, and a migration from "
	  "here has to look at each of them; with 1 none is missed and the freeze stays "
	  "short" },
	{ "tcp_loose", 1, SYSCTL "tcp_loose=0",
	  "a stray segment makes an entry of its own, and a lost context goes unnoticed" },
	{ "tcp_be_liberal", 1, SYSCTL "tcp_be_liberal=0",
	  "segments outside of the window pass in all connections of this host" },
};

int ct_preflight_host(struct nse_problems *p)
{
	int rc = 0;

	if (ct_host_sysctl("max") < 0)
		return nse_problem_add(p, NSE_FAIL, AREA, "modprobe nf_conntrack",
				       "the kernel has no connection tracking");
	for (size_t i = 0; i < NSE_ARRAY_SIZE(notes) && rc == 0; i++)
		if (ct_host_sysctl(notes[i].name) == notes[i].value)
			rc = nse_problem_add(p, NSE_NOTE, AREA, notes[i].mend,
					     "nf_conntrack_%s is %" PRId64 ": %s",
					     notes[i].name, notes[i].value,
					     notes[i].means);
	return rc;
}

static int take(const struct nlmsghdr *nlh, void *arg)
{
	return ct_msg_parse(nlh, arg);
}

static bool look(struct nse_nl *nl, const struct ct_entry *e, const struct ct_tuple *t,
		 bool reply, struct ct_entry *live)
{
	uint8_t buf[CT_MSG_MAX] __attribute__((aligned(4)));

	*live = (struct ct_entry){ 0 };
	ct_msg_get(buf, e, t, reply);
	return nse_nl_talk(nl, (struct nlmsghdr *)buf, take, live, NULL) == 0;
}

/* By the tuple in the direction that opened it, as conntrack(8) takes it. */
static void format(const struct ct_entry *live, char out[CT_MEND])
{
	char src[NSE_ADDR_STR], dst[NSE_ADDR_STR], proto[8], ports[48] = "",
							     zone[16] = "";

	nse_addr_text(ct_family(live), live->orig.src, src);
	nse_addr_text(ct_family(live), live->orig.dst, dst);
	if (ct_has_ports(live->l4))
		snprintf(ports, sizeof(ports), " --sport %u --dport %u",
			 live->orig.l4[0] << 8 | live->orig.l4[1],
			 live->orig.l4[2] << 8 | live->orig.l4[3]);
	if (live->zone_orig)
		snprintf(zone, sizeof(zone), " -w %u", live->zone_orig);
	snprintf(out, CT_MEND, "conntrack -D -f ipv%u -p %s -s %s -d %s%s%s", live->l3,
		 ct_proto_name(live->l4, proto), src, dst, ports, zone);
}

const char *ct_preflight_mend_clash(const struct ct_entry *e, char out[CT_MEND])
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	struct ct_entry live;

	out[0] = '\0';
	if (nse_nl_open(&nl, 0, 0, NULL) == 0 &&
	    (look(nl, e, &e->orig, false, &live) || look(nl, e, &e->reply, true, &live)))
		format(&live, out);
	return out;
}
