/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The walk through expressions: what it finds in what nft(8) and the kernel
 * have made, and that it gives back the same bytes.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/walk.h"
#include "lib/util/cleanup.h"

#include "tests/unit/nft_hosts.h"
#include "tests/unit/nft_sites.h"

/* Loads a table with one chain of these rules: a rule and its sites. */
struct rule {
	const char *text, *sites;
};

static void check_rules(const char *family, const char *ahead, const char *hook,
			const struct rule *rules, size_t n)
{
	static const char *const devices[] = { "vif5.0", "vif5.1", NULL };
	struct nft_ruleset *rs;
	char text[16384];
	size_t len, at = 0;

	len = (size_t)snprintf(text, sizeof(text), "table %s t {\n%s\nchain c {\n%s\n",
			       family, ahead, hook);
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s\n",
					rules[i].text);
	snprintf(text + len, sizeof(text) - len, "}\n}\n");
	nft_host_load(devices, text);
	rs = nft_host_ruleset();
	for (uint32_t i = 0; i < rs->n; i++) {
		const struct nft_node *node = &rs->nodes[i];

		assert_same(node, node->type, node->attrs);
		for (uint32_t k = 0; k < node->nelements; k++)
			assert_same(node, NFT_ELEMENT, node->elements[k].attrs);
		if (node->type != NFT_RULE ||
		    !nse_bytes_equal(rs->nodes[node->chain].name, nft_str("c")))
			continue;
		assert_true(at < n);
		print_message("%s\n", rules[at].text);
		assert_sites(node->family, NFT_RULE, node->attrs, NULL, rules[at].sites);
		at++;
	}
	assert_int_equal(at, n);
	nft_ruleset_free(rs);
}

#define FILTER "type filter hook input priority 0;"
#define NAT    "type nat hook prerouting priority -100;"

static void test_names(void **state)
{
	static const struct rule rules[] = {
		{ "iifname vif5.0 accept", "ifname==:vif5.0" },
		{ "oifname != vif5.0 accept", "ifname!=:vif5.0" },
		{ "iifname \"vif5.*\" accept", "ifname==:vif5.*" },
		{ "iifname { vif5.0, vif5.1 } accept", "set:__set0" },
		{ "iifname . ip saddr @pairs accept", "set:pairs" },
		{ "iifname vmap @ways", "set:ways" },
		{ "iif vif5.0 accept", "ifindex==" },
		{ "iif lo oif vif5.1 accept", "ifindex== ifindex==" },
		{ "meta sdifname \"vif5.0\" accept", "ifname==:vif5.0" },
		{ "meta iifkind \"bridge\" accept", "" },
		{ "iifgroup 0 iiftype ether accept", "" },
		{ "fib saddr oifname vif5.0 accept", "ifname==:vif5.0" },
		{ "fib daddr oif vif5.0 accept", "ifindex==" },
		{ "fib saddr . iif oif missing drop", "" },
		{ "fib daddr type local accept", "" },
		{ "goto other", "chain:other" },
		{ "jump { iifname vif5.1 accept; }", "chain:__chain" },
		{ "counter name hits quota name most", "object:hits object:most" },
		{ "counter name ip saddr map @which", "set:which" },
		{ "meta mark set 5 iifname vif5.0", "ifname==:vif5.0" },
	};

	(void)state;
	check_rules("inet",
		    "set pairs { type ifname . ipv4_addr; }\n"
		    "map ways { type ifname : verdict; }\n"
		    "counter hits { }\nquota most { 1 mbytes }\n"
		    "map which { type ipv4_addr : counter; }\n"
		    "chain other { }",
		    FILTER, rules, NSE_ARRAY_SIZE(rules));
}

static void test_addresses(void **state)
{
	static const struct rule rules[] = {
		{ "ip saddr 10.0.0.1 accept", "ip4==:0a000001" },
		{ "ip saddr 10.0.0.1 ip daddr != 10.0.0.2 accept",
		  "ip4==:0a000001 ip4!=:0a000002" },
		{ "ip saddr 10.0.0.1 ip daddr 10.0.0.2 accept",
		  "ip4==:0a000001 ip4==:0a000002" },
		{ "ip saddr 10.0.0.0/24 accept", "ip4==:0a0000" },
		{ "ip saddr 10.0.0.0/25 accept", "ip4?:0a000000/25" },
		{ "ip saddr 10.0.0.0/8 ip ttl 1 accept", "ip4==:0a" },
		{ "ip saddr 10.0.0.1-10.0.0.9 accept", "ip4?:0a000001 ip4?:0a000009" },
		{ "ip saddr != 10.0.0.1-10.0.0.9 accept",
		  "ip4>=:0a000001 ip4<=:0a000009" },
		{ "ip6 saddr fd00::1 accept", "ip6==:fd000000000000000000000000000001" },
		{ "ip6 saddr fd00::/16 ip6 daddr fd00::/8 accept",
		  "ip6==:fd00 ip6==:fd" },
		{ "ip6 daddr fd00::/127 accept",
		  "ip6?:fd000000000000000000000000000000/127" },
		{ "ether saddr 00:16:3e:00:00:01 accept", "mac==:00163e000001" },
		{ "ether daddr 00:16:3e:00:00:02 ether saddr 00:16:3e:00:00:01 accept",
		  "mac==:00163e000002 mac==:00163e000001" },
		{ "ether saddr & ff:ff:ff:00:00:00 == 00:16:3e:00:00:00 accept",
		  "mac?:00163e000000/24" },
		{ "ct original ip saddr 10.0.0.5 accept", "ip4==:0a000005" },
		{ "ct reply ip6 daddr fd00::9 accept",
		  "ip6==:fd000000000000000000000000000009" },
		{ "rt ip nexthop 10.0.0.7 accept", "ip4==:0a000007" },
		{ "rt ip6 nexthop fd00::7 accept",
		  "ip6==:fd000000000000000000000000000007" },
		{ "ip saddr . ip daddr { 10.0.0.1 . 10.0.0.2 } accept", "set:__set0" },
		{ "ip daddr set 10.0.0.77", "ip4:0a00004d" },
		{ "@nh,96,32 0x0a000001 accept", "ip4==:0a000001" },
		{ "tcp dport 22 tcp sport 1024-65535 accept", "" },
		{ "ct mark 0x0a000001 meta mark 0x0a000001 accept", "" },
	};

	(void)state;
	check_rules("inet", "", FILTER, rules, NSE_ARRAY_SIZE(rules));
}

static void test_families(void **state)
{
	static const struct rule arp[] = {
		{ "arp saddr ip 10.0.0.1 arp saddr ether 00:16:3e:00:00:01 accept",
		  "mac==:00163e000001 ip4==:0a000001" },
		{ "arp daddr ip 10.0.0.2 drop", "ip4==:0a000002" },
	};
	static const struct rule ip6[] = {
		{ "ip6 saddr 2001:db8::/32 accept", "ip6==:20010db8" },
		{ "ip6 daddr 2001:db8::/32 accept", "ip6==:20010db8" },
		{ "ip6 daddr 2001:db8::/40 accept", "ip6==:20010db800" },
		{ "ip6 daddr fd00::/8 accept", "ip6==:fd" },
	};
	static const struct rule ip[] = {
		{ "ip ttl 64 ip protocol 6 ip saddr 10.0.0.0/8 accept", "ip4==:0a" },
		{ "ct original saddr 10.0.0.9 accept", "ip4==:0a000009" },
	};
	static const struct rule bridge[] = {
		{ "ether type arp arp saddr ip 10.0.0.1 accept", "ip4==:0a000001" },
		{ "ether saddr 00:16:3e:00:00:01 ip saddr 10.0.0.2 accept",
		  "mac==:00163e000001 ip4==:0a000002" },
		{ "ether saddr 00:16:3e:00:00:01 ip6 saddr fd00::1 accept",
		  "mac==:00163e000001 ip6==:fd000000000000000000000000000001" },
		{ "ip6 daddr 2001:db8::/32 accept", "ip6==:20010db8" },
		{ "vlan id 5 ip saddr 10.0.0.1 accept", "ip4==:0a000001" },
		{ "ether saddr . ip saddr { 00:16:3e:00:00:01 . 10.0.0.1 } accept",
		  "set:__set0" },
	};

	(void)state;
	check_rules("arp", "", FILTER, arp, NSE_ARRAY_SIZE(arp));
	check_rules("ip6", "", FILTER, ip6, NSE_ARRAY_SIZE(ip6));
	check_rules("ip", "", FILTER, ip, NSE_ARRAY_SIZE(ip));
	check_rules("bridge", "", FILTER, bridge, NSE_ARRAY_SIZE(bridge));
}

static void test_statements(void **state)
{
	static const struct rule nat[] = {
		{ "ip daddr 10.0.0.1 tcp dport 80 dnat ip to 10.0.0.2:8080",
		  "ip4==:0a000001 ip4:0a000002" },
		{ "ip daddr 10.0.0.1 dnat ip to 10.0.0.2-10.0.0.5",
		  "ip4==:0a000001 ip4:0a000002 ip4:0a000005" },
		{ "ip6 daddr fd00::1 dnat ip6 to fd00::2",
		  "ip6==:fd000000000000000000000000000001 "
		  "ip6:fd000000000000000000000000000002" },
		{ "tcp dport 80 redirect to :8080", "" },
		{ "dnat ip to ip saddr map @to", "set:to" },
	};
	static const struct rule netdev[] = {
		{ "fwd to vif5.1", "ifindex" },
		{ "ip saddr 10.0.0.1 dup to vif5.1", "ip4==:0a000001 ifindex" },
	};
	static const struct rule filter[] = {
		{ "counter accept", "value value" },
		{ "quota over 3 mbytes used 1 mbytes drop", "value" },
		{ "limit rate 3/second accept", "" },
		{ "ct count over 3 accept", "" },
		{ "update @seen { ip saddr counter }", "set:seen value value" },
		{ "add @names { ip saddr : vif5.0 }", "ifname:vif5.0 set:names" },
		{ "ip saddr @seen counter log prefix \"x\" drop",
		  "set:seen value value" },
		{ "reject with icmpx admin-prohibited", "" },
		{ "numgen inc mod 2 0 accept", "" },
		{ "jhash ip saddr mod 2 0 accept", "" },
		{ "synproxy mss 1460 wscale 7", "" },
		{ "tcp option maxseg size set 1400", "" },
		{ "socket transparent 1 accept", "" },
	};

	(void)state;
	check_rules("inet", "map to { type ipv4_addr : ipv4_addr; }", NAT, nat,
		    NSE_ARRAY_SIZE(nat));
	check_rules("netdev", "", "type filter hook ingress device vif5.0 priority 0;",
		    netdev, NSE_ARRAY_SIZE(netdev));
	check_rules("inet",
		    "set seen { type ipv4_addr; size 100; flags dynamic; }\n"
		    "map names { type ipv4_addr : ifname; size 100; flags dynamic; }",
		    FILTER, filter, NSE_ARRAY_SIZE(filter));
}

/* A set, one element of it, and what the walk says of the element and its key. */
static const struct {
	const char *type, *element, *attrs, *key;
} sets[] = {
	{ "type ifname;", "vif5.0", "ifname==:vif5.0", "ifname==:vif5.0" },
	{ "type ifname . ipv4_addr . inet_service;", "vif5.0 . 10.0.0.1 . 80",
	  "ifname==:vif5.0 ip4==:0a000001", "ifname==:vif5.0 ip4==:0a000001" },
	{ "type ipv4_addr . ifname;", "10.0.0.1 . vif5.0",
	  "ip4==:0a000001 ifname==:vif5.0", "ip4==:0a000001 ifname==:vif5.0" },
	{ "type ether_addr . ipv6_addr;", "00:16:3e:00:00:01 . fd00::1",
	  "mac==:00163e000001 ip6==:fd000000000000000000000000000001",
	  "mac==:00163e000001 ip6==:fd000000000000000000000000000001" },
	{ "type ifname . ipv4_addr; flags interval;", "vif5.0 . 10.0.0.0/24",
	  "ifname==:vif5.0 ip4>=:0a000000 ifname==:vif5.0 ip4<=:0a0000ff",
	  "ifname==:vif5.0 ip4>=:0a000000 ifname==:vif5.0 ip4<=:0a0000ff" },
	{ "type ifname . ipv4_addr; flags interval;", "\"vif5.*\" . 10.0.0.1",
	  "ifname>=:vif5. ip4==:0a000001 ifname<=:vif5. ip4==:0a000001",
	  "ifname>=:vif5. ip4==:0a000001 ifname<=:vif5. ip4==:0a000001" },
	{ "typeof ip saddr;", "10.0.0.1", "ip4==:0a000001", "ip4==:0a000001" },
	{ "typeof iifname . meta mark;", "vif5.0 . 5", "ifname==:vif5.0",
	  "ifname==:vif5.0" },
	{ "type iface_index;", "vif5.0", "ifindex==", "ifindex==" },
	{ "type mark;", "0x0a000001", "", "" },
	{ "type ipv4_addr . mark;", "10.0.0.1 . 5", "ip4==:0a000001", "ip4==:0a000001" },
};

static void test_elements(void **state)
{
	static const char *const devices[] = { "vif5.0", NULL };

	(void)state;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(sets); i++) {
		struct seen seen = { .n = 0 };
		struct nft_ruleset *rs;
		const struct nft_node *set;
		char text[512];

		print_message("%s %s\n", sets[i].type, sets[i].element);
		snprintf(text, sizeof(text),
			 "table inet t { \nset s { %s elements = { %s }\n}\n}\n",
			 sets[i].type, sets[i].element);
		nft_host_load(devices, text);
		rs = nft_host_ruleset();
		set = &rs->nodes[1];
		assert_int_equal(set->type, NFT_SET);
		assert_int_equal(set->nelements, 1);
		assert_same(set, NFT_ELEMENT, set->elements[0].attrs);
		assert_sites(NFPROTO_INET, NFT_ELEMENT, set->elements[0].attrs,
			     set->layout, sets[i].attrs);
		assert_int_equal(nft_walk_key(set->layout, set->elements[0].kind,
					      set->elements[0].bytes, on_site, &seen,
					      NULL),
				 0);
		assert_string_equal(seen.text, sets[i].key);
		nft_ruleset_free(rs);
	}
}

static void test_maps(void **state)
{
	static const struct {
		const char *type, *element, *attrs;
	} maps[] = {
		{ "type ifname : verdict;", "vif5.0 : jump c",
		  "ifname==:vif5.0 chain:c" },
		{ "type ipv4_addr : ifname;", "10.0.0.1 : vif5.0",
		  "ip4==:0a000001 ifname:vif5.0" },
		{ "type mark : ipv4_addr . inet_service;", "5 : 10.0.0.1 . 80",
		  "ip4:0a000001" },
		{ "type ipv4_addr : ipv6_addr;", "10.0.0.1 : fd00::1",
		  "ip4==:0a000001 ip6:fd000000000000000000000000000001" },
		{ "type ipv4_addr : mark;", "10.0.0.1 : 7", "ip4==:0a000001" },
		{ "type ipv4_addr : counter;", "10.0.0.1 : \"k\"",
		  "ip4==:0a000001 object:k" },
		{ "type ifname . ipv4_addr : ipv4_addr; flags interval;",
		  "vif5.0 . 10.0.0.1 : 10.0.0.9",
		  "ifname==:vif5.0 ip4==:0a000001 ifname==:vif5.0 ip4==:0a000001 "
		  "ip4:0a000009" },
	};
	static const char *const devices[] = { NULL };

	(void)state;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(maps); i++) {
		struct nft_ruleset *rs;
		uint32_t m;
		char text[512];

		print_message("%s %s\n", maps[i].type, maps[i].element);
		snprintf(text, sizeof(text),
			 "table inet t { \ncounter k { }\nchain c { }\n"
			 "map s { %s elements = { %s }\n}\n}\n",
			 maps[i].type, maps[i].element);
		nft_host_load(devices, text);
		rs = nft_host_ruleset();
		m = nft_ruleset_find(rs, NFT_SET, NFPROTO_INET, nft_str("t"),
				     nft_str("s"), 0);
		assert_int_equal(rs->nodes[m].nelements, 1);
		assert_same(&rs->nodes[m], NFT_ELEMENT, rs->nodes[m].elements[0].attrs);
		assert_sites(NFPROTO_INET, NFT_ELEMENT, rs->nodes[m].elements[0].attrs,
			     rs->nodes[m].layout, maps[i].attrs);
		nft_ruleset_free(rs);
	}
}

static void test_interval(void **state)
{
	static const char *const devices[] = { NULL };
	static const char text[] =
		"table inet t { \nset s { type ipv4_addr; flags interval;"
		"elements = { 10.0.0.1, 10.1.0.0/16 }\n}\n"
		"map m { type mark : interval ipv4_addr;"
		"elements = { 5 : 10.0.0.1-10.0.0.9 }\n}\n}\n";
	static const char *const keys[] = { "ip4>=:0a000001", "ip4<=:0a000002",
					    "ip4>=:0a010000", "ip4<=:0a020000",
					    "ip4<=:00000000" };
	unsigned int found = 0;
	struct nft_ruleset *rs;
	uint32_t s, m;

	(void)state;
	nft_host_load(devices, text);
	rs = nft_host_ruleset();
	s = nft_ruleset_find(rs, NFT_SET, NFPROTO_INET, nft_str("t"), nft_str("s"), 0);
	m = nft_ruleset_find(rs, NFT_SET, NFPROTO_INET, nft_str("t"), nft_str("m"), 0);
	assert_true(rs->nodes[s].layout->interval);
	for (uint32_t i = 0; i < rs->nodes[s].nelements; i++) {
		const struct nft_element *e = &rs->nodes[s].elements[i];
		struct seen seen = { .n = 0 };

		assert_int_equal(nft_walk_key(rs->nodes[s].layout, e->kind, e->bytes,
					      on_site, &seen, NULL),
				 0);
		for (size_t k = 0; k < NSE_ARRAY_SIZE(keys); k++)
			if (strcmp(seen.text, keys[k]) == 0)
				found |= 1u << k;
	}
	assert_int_equal(found, (1u << NSE_ARRAY_SIZE(keys)) - 1);
	assert_sites(NFPROTO_INET, NFT_ELEMENT, rs->nodes[m].elements[0].attrs,
		     rs->nodes[m].layout, "ip4:0a000001 ip4:0a000009");
	nft_ruleset_free(rs);
}

/* What the kernel says of itself, and does not take. */
static void check_quota(const struct nft_node *node, struct nse_bytes walked)
{
	struct nse_bytes old = nft_attr_find(node->attrs, NFTA_OBJ_DATA);
	struct nse_bytes new = nft_attr_find(walked, NFTA_OBJ_DATA);

	assert_int_equal(nft_attr_u32(nft_attr_find(old, NFTA_QUOTA_FLAGS)),
			 NFT_QUOTA_F_DEPLETED);
	assert_int_equal(nft_attr_u32(nft_attr_find(new, NFTA_QUOTA_FLAGS)), 0);
}

static void test_objects(void **state)
{
	static const char *const devices[] = { "vif5.0", "vif5.1", NULL };
	static const char text[] =
		"table inet t { \ncounter a { packets 3 bytes 4 }\n"
		"quota b { 1 mbytes used 1 mbytes }\nlimit c { rate 3/second }\n}\n"
		"table netdev d { \nchain c { type filter hook ingress devices = "
		"{ vif5.0, vif5.1 } priority 0; }\n}\n";
	struct nft_ruleset *rs;
	unsigned int n = 0;

	(void)state;
	nft_host_load(devices, text);
	rs = nft_host_ruleset();
	for (uint32_t i = 0; i < rs->n; i++) {
		NSE_CLEANUP(nse_buf_release) struct nse_buf out = NSE_BUF_INIT(65536);
		const struct nft_node *node = &rs->nodes[i];
		struct seen seen = { .n = 0 };

		assert_int_equal(
			nft_walk(node->type, node->attrs, NULL, on_site, &seen, &out), 0);
		if (node->type == NFT_CHAIN) {
			assert_non_null(strstr(seen.text, "device:vif5.0"));
			assert_non_null(strstr(seen.text, "device:vif5.1"));
			n++;
		} else if (node->objtype == NFT_OBJECT_COUNTER) {
			assert_string_equal(seen.text, "value value");
			n++;
		} else if (node->objtype == NFT_OBJECT_QUOTA) {
			check_quota(node, (struct nse_bytes){ out.data, out.len });
			assert_string_equal(seen.text, "value");
			n++;
		} else if (node->objtype == NFT_OBJECT_LIMIT) {
			assert_string_equal(seen.text, "");
			n++;
		}
	}
	assert_int_equal(n, 4);
	nft_ruleset_free(rs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	 cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_families), cmocka_unit_test(test_statements),
		cmocka_unit_test(test_elements), cmocka_unit_test(test_maps),
		cmocka_unit_test(test_interval), cmocka_unit_test(test_objects),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!may_unshare())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
