/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A record of an expectation as JSON. The members:
 *
 * key
 *	family		"ipv4", "ipv6"
 *	proto		"tcp", "udp", …, or the protocol's number as text
 *	src, dst	addresses of the expected connection
 *	sport, dport	of protocols with ports
 *	icmp_type, icmp_code, icmp_id	ICMP, ICMPv6
 *	srckey, dstkey	GRE
 *	mask		{"src","sport"}: which bits of src and sport count; the
 *			destination always counts
 *	master		proto, src, dst, … of the entry that expects
 *	zone		of the master, when it is not 0
 *	zone_orig, zone_reply	instead of zone, when the directions differ
 * body
 *	helper		the master's
 *	flags		array of "permanent", "inactive", "userspace", or "0xNN" for
 *			one without a name
 *	class		number
 *	function	that is called for the expected connection, when there is one
 *	nat		{"dir":"original"|"reply","src","sport"}: what the expected
 *			connection is translated to, when it is
 *	master_reply_src	where the master's answers come from
 * state
 *	timeout		remaining seconds
 */
#include "lib/engine/expect_engine.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

#include <linux/netfilter/nf_conntrack_common.h>

#include "lib/util/cleanup.h"

static const struct {
	uint32_t bit;
	const char *name;
} flag_names[] = {
	{ NF_CT_EXPECT_PERMANENT, "permanent" },
	{ NF_CT_EXPECT_INACTIVE, "inactive" },
	{ NF_CT_EXPECT_USERSPACE, "userspace" },
};

static int set(json_t *o, const char *name, json_t *value)
{
	return json_object_set_new(o, name, value) < 0 ? -ENOMEM : 0;
}

static int set_int(json_t *o, const char *name, json_int_t v)
{
	return set(o, name, json_integer(v));
}

static int set_str(json_t *o, const char *name, const char *v)
{
	return set(o, name, json_string(v));
}

static int set_addr(json_t *o, const char *name, const struct nse_expect *e,
		    const uint8_t *addr)
{
	char text[NSE_ADDR_STR];

	return set_str(o, name, nse_addr_text(nse_expect_family(e), addr, text));
}

static int set_tuple(json_t *o, const struct nse_expect *e, uint8_t l4,
		     const struct ct_tuple *t)
{
	unsigned int a = nse_ld16(t->l4), b = nse_ld16(t->l4 + 2);
	char name[8];
	int rc = set_str(o, "proto", ct_proto_name(l4, name)) ?:
		 set_addr(o, "src", e, t->src) ?: set_addr(o, "dst", e, t->dst);

	if (ct_is_icmp(l4))
		return rc ?: set_int(o, "icmp_type", t->l4[2]) ?:
		       set_int(o, "icmp_code", t->l4[3]) ?: set_int(o, "icmp_id", a);
	if (l4 == IPPROTO_GRE)
		return rc ?: set_int(o, "srckey", a) ?: set_int(o, "dstkey", b);
	if (ct_has_ports(l4))
		return rc ?: set_int(o, "sport", a) ?: set_int(o, "dport", b);
	return rc;
}

static int set_zone(json_t *o, const struct nse_expect *e)
{
	if (e->zone_orig != e->zone_reply)
		return set_int(o, "zone_orig", e->zone_orig)
			       ?: set_int(o, "zone_reply", e->zone_reply);
	return e->zone_orig ? set_int(o, "zone", e->zone_orig) : 0;
}

static int describe_key(json_t *key, const struct nse_expect *e)
{
	json_t *mask = json_object(), *master = json_object();
	int rc = set_str(key, "family", e->l3 == 4 ? "ipv4" : "ipv6")
			 ?: set_tuple(key, e, e->l4, &e->tuple);

	/* Both are handed over, whatever went wrong before. */
	rc = set(key, "mask", mask) ?: rc;
	rc = set(key, "master", master) ?: rc;
	return rc ?: set_addr(mask, "src", e, e->mask_src) ?:
	       set_int(mask, "sport", nse_ld16(e->mask_sport)) ?:
	       set_tuple(master, e, e->master_l4, &e->master) ?: set_zone(key, e);
}

static json_t *flags(uint32_t v)
{
	json_t *a = json_array();
	char text[16];

	for (size_t i = 0; a && i < NSE_ARRAY_SIZE(flag_names); i++) {
		if (v & flag_names[i].bit)
			json_array_append_new(a, json_string(flag_names[i].name));
		v &= ~flag_names[i].bit;
	}
	for (uint32_t bit = 1; a && v; bit <<= 1) {
		if (!(v & bit))
			continue;
		snprintf(text, sizeof(text), "0x%02x", bit);
		json_array_append_new(a, json_string(text));
		v &= ~bit;
	}
	return a;
}

static int describe_nat(json_t *body, const struct nse_expect *e)
{
	json_t *nat = json_object();

	return set(body, "nat", nat) ?:
	       set_str(nat, "dir", e->nat_dir ? "reply" : "original") ?:
	       set_addr(nat, "src", e, e->nat_addr) ?:
	       set_int(nat, "sport", nse_ld16(e->nat_port));
}

static int describe_body(json_t *body, const struct nse_expect *e)
{
	int rc = set_str(body, "helper", e->helper) ?:
		 set(body, "flags", flags(e->flags)) ?:
		 set_int(body, "class", e->class) ?:
		 set_addr(body, "master_reply_src", e, e->reply_src);

	if (rc == 0 && *e->function)
		rc = set_str(body, "function", e->function);
	if (rc == 0 && e->nat)
		rc = describe_nat(body, e);
	return rc;
}

int nse_expect_describe(const struct nse_record *rec, json_t *key, json_t *body,
			json_t *state)
{
	struct nse_expect e;

	return nse_expect_decode(rec, &e, NULL) ?: describe_key(key, &e) ?:
	       describe_body(body, &e) ?: set_int(state, "timeout", e.timeout);
}
