/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The walk through the structures of xtables' extensions: as iptables-nft and
 * ebtables-nft fill them in, and as nobody does.
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

#include "lib/engine/nft/walk.h"
#include "lib/util/cleanup.h"

#include "tests/unit/nft_hosts.h"
#include "tests/unit/nft_sample.h"
#include "tests/unit/nft_sites.h"

/* A command, and the sites of the rule that it makes. */
static const struct {
	const char *command, *sites;
} cases[] = {
	{ "iptables-nft -A FORWARD -m physdev --physdev-in vif5.0", "ifname==:vif5.0" },
	{ "iptables-nft -A FORWARD -m physdev ! --physdev-in vif5.+ "
	  "--physdev-out vif5.1",
	  "ifname!=:vif5.* ifname==:vif5.1" },
	{ "iptables-nft -A FORWARD -i vif5.+ -o vif5.0",
	  "ifname==:vif5.* ifname==:vif5.0*" },
	{ "iptables-nft -A FORWARD -m mac --mac-source 00:16:3e:00:00:01",
	  "mac==:00163e000001" },
	{ "iptables-nft -A FORWARD -m mac ! --mac-source 00:16:3e:00:00:01",
	  "mac!=:00163e000001" },
	{ "iptables-nft -A FORWARD -m conntrack --ctorigsrc 10.0.0.1 ! "
	  "--ctrepldst 10.6.0.0/16",
	  "ip4==:0a000001 ip4?:0a060000/16" },
	{ "ip6tables-nft -A FORWARD -m conntrack ! --ctorigdst fd00::1",
	  "ip6!=:fd000000000000000000000000000001" },
	{ "iptables-nft -A FORWARD -m conntrack --ctstate NEW", "" },
	{ "iptables-nft -A FORWARD -m iprange --dst-range 10.0.0.3-10.0.0.9",
	  "ip4>=:0a000003 ip4<=:0a000009" },
	{ "iptables-nft -t nat -A PREROUTING -p tcp -j DNAT --to 10.0.0.9:80",
	  "ip4:0a000009 ip4:0a000009" },
	{ "iptables-nft -t nat -A PREROUTING -p tcp -j DNAT --to :80", "" },
	{ "iptables-nft -t nat -A POSTROUTING -j SNAT --to 10.0.0.9-10.0.0.12",
	  "ip4:0a000009 ip4:0a00000c" },
	{ "ip6tables-nft -t nat -A POSTROUTING -j SNAT --to fd00::1",
	  "ip6:fd000000000000000000000000000001 "
	  "ip6:fd000000000000000000000000000001" },
	{ "iptables-nft -t mangle -A PREROUTING -j TEE --gateway 10.0.0.1 "
	  "--oif vif5.0",
	  "ip4:0a000001 ifname:vif5.0" },
	{ "ebtables-nft -A FORWARD -p ip --ip-src 10.0.0.1 --ip-dst ! "
	  "10.6.0.0/16",
	  "ip4==:0a000001 ip4?:0a060000/16" },
	{ "ebtables-nft -A FORWARD -p arp --arp-ip-src 10.0.0.1 --arp-mac-src "
	  "00:16:3e:00:00:01",
	  "ip4==:0a000001 mac==:00163e000001" },
	{ "ebtables-nft -A FORWARD -p ip6 --ip6-dst fd00::1",
	  "ip6==:fd000000000000000000000000000001" },
	{ "ebtables-nft -t nat -A PREROUTING -p arp -j arpreply --arpreply-mac "
	  "00:16:3e:00:00:01",
	  "mac:00163e000001" },
	{ "arptables-nft -A INPUT -s 10.0.0.1 -i vif5.0",
	  "ifname==:vif5.0* ip4==:0a000001" },
	{ "iptables-nft -A FORWARD -m addrtype --dst-type LOCAL", "xt:addrtype" },
};
/* What iptables-nft and ebtables-nft put into structures of xtables. */
static void test_extensions(void **state)
{
	static const char *const devices[] = { NULL };

	(void)state;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(cases); i++) {
		struct nft_ruleset *rs;
		char text[512], *values;

		print_message("%s\n", cases[i].command);
		snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", cases[i].command);
		nft_host_load(devices, text);
		rs = nft_host_ruleset();
		for (uint32_t k = 0; k < rs->n; k++) {
			const struct nft_node *n = &rs->nodes[k];
			struct seen seen = { .n = 0 };

			assert_same(n, n->type, n->attrs);
			if (n->type != NFT_RULE)
				continue;
			nft_walk_in(n->family, NFT_RULE, n->attrs, NULL, on_site, &seen,
				    NULL);
			/* Each rule of theirs has a counter. */
			values = strstr(seen.text, "value value");
			assert_non_null(values);
			if (values > seen.text)
				values[-1] = '\0';
			memmove(values, values + 11, strlen(values + 11) + 1);
			if (values == seen.text && values[0] == ' ')
				memmove(values, values + 1, strlen(values));
			assert_string_equal(seen.text, cases[i].sites);
		}
		nft_ruleset_free(rs);
	}
}

static const char *const names[] = { "physdev",	 "mac", "iprange", "conntrack", "ip",
				     "ip6",	 "arp", "snat",	   "DNAT",	"SNAT",
				     "arpreply", "TEE", "TPROXY",  "no-such" };

/* Every size of each structure, full of ones and of hostile names. */
static void test_hostile(void **state)
{
	static const char *const fill[] = { "\xff", "vif5.0", "vif5.+\xff\xff\xff\xff",
					    "a" };

	(void)state;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(names) * NSE_ARRAY_SIZE(fill); i++)
		for (uint32_t rev = 0; rev < 4; rev++)
			for (size_t n = 0; n < 200; n++) {
				NSE_CLEANUP(nse_buf_release)
				struct nse_buf b = NSE_BUF_INIT(65536);
				NSE_CLEANUP(nse_buf_release)
				struct nse_buf out = NSE_BUF_INIT(65536);
				const char *with = fill[i % NSE_ARRAY_SIZE(fill)];
				long list = nft_nest(&b, NFTA_RULE_EXPRESSIONS), at[2];
				struct seen seen = { .n = 0 };
				uint8_t info[200];

				for (size_t k = 0; k < n; k++)
					info[k] = (uint8_t)with[k % strlen(with)];
				sample_expr(&b, NFTA_LIST_ELEM, "match", at);
				sample_str(&b, 1, names[i / NSE_ARRAY_SIZE(fill)]);
				sample_u32(&b, 2, rev);
				sample_must(nft_put(&b, 3, info, n));
				sample_expr_end(&b, at);
				sample_end(&b, list);
				assert_int_equal(
					nft_walk_in(NFPROTO_IPV6, NFT_RULE,
						    (struct nse_bytes){ b.data, b.len },
						    NULL, on_site, &seen, &out),
					0);
				assert_int_equal(out.len, b.len);
				assert_memory_equal(out.data, b.data, b.len);
			}
}

int main(void)
{
	const struct CMUnitTest made[] = {
		cmocka_unit_test(test_hostile),
	};
	const struct CMUnitTest all[] = {
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_hostile),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (unshare(CLONE_NEWNET) < 0 || shell("iptables-nft -V && ebtables-nft -V") != 0)
		return cmocka_run_group_tests(made, NULL, NULL);
	return cmocka_run_group_tests(all, NULL, NULL);
}
