/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The closure of a domain, in rulesets that nft(8) has loaded into the kernel:
 * what is ours, needed or skeleton, with which numbers, and why.
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

#include "tests/unit/nft_closures.h"

static void test_two_domains(void **state)
{
	(void)state;
	load(TWO_DOMAINS);
	assert_closure("needed chain inet filter forward\n"
		       "needed chain inet filter log-drop\n"
		       "needed counter inet filter hits\n"
		       "needed set inet filter block\n"
		       "needed set inet filter guests\n"
		       "needed set inet filter shared\n"
		       "needed table inet filter\n"
		       "ours chain inet filter block\n"
		       "ours chain inet filter web1\n"
		       "ours chain inet filter web1-more\n"
		       "ours counter inet filter web1-hits\n"
		       "ours element 10.0.0.5 of block\n"
		       "ours element vif5.0 of guests\n"
		       "ours quota inet filter web1-quota\n"
		       "ours rule 0 of chain inet filter block #0\n"
		       "ours rule 0 of chain inet filter web1 #0\n"
		       "ours rule 0 of chain inet filter web1-more #0\n"
		       "ours rule 1 of chain inet filter web1 #1\n"
		       "ours rule 1 of chain inet filter web1-more #1\n"
		       "ours rule 2 of chain inet filter web1 #2\n"
		       "ours rule 3 of chain inet filter forward #0 behind 2\n"
		       "ours rule 3 of chain inet filter web1 #3\n"
		       "ours rule 5 of chain inet filter forward #1 behind 3\n"
		       "ours set inet filter __set0\n"
		       "ours set inet filter web1-ports\n"
		       "skeleton rule 0 of chain inet filter forward #0\n"
		       "skeleton rule 0 of chain inet filter log-drop #0\n"
		       "skeleton rule 1 of chain inet filter forward #1\n"
		       "skeleton rule 4 of chain inet filter forward #2\n"
		       "skeleton rule 6 of chain inet filter forward #3\n");
}

/* No object is in the closures of both. */
static void test_nothing_in_common(void **state)
{
	struct nft_closure first;
	struct nse_domain d;
	uint32_t both = 0, ours = 0;

	(void)state;
	load(TWO_DOMAINS);
	find();
	first = c;
	memset(&c, 0, sizeof(c));
	d = scope.domain;
	scope.domain = scope.others;
	scope.others = d;
	find();
	for (uint32_t i = 0; i < rs->n; i++) {
		ours += first.nodes[i].part == NFT_OURS;
		ours += c.nodes[i].part == NFT_OURS;
		both += first.nodes[i].part == NFT_OURS && c.nodes[i].part == NFT_OURS;
		for (uint32_t k = 0; c.elements[i] && k < rs->nodes[i].nelements; k++) {
			assert_true(c.elements[i][k].part != NFT_OURS ||
				    first.elements[i][k].part != NFT_OURS);
			ours += c.elements[i][k].part == NFT_OURS;
		}
	}
	nft_closure_release(&first);
	assert_int_equal(both, 0);
	assert_in_range(ours, 20, 30);
}

static void test_reasons(void **state)
{
	uint32_t guests, block, i;

	(void)state;
	load(TWO_DOMAINS);
	find();
	assert_why(node_of(NFT_RULE, "forward", 3), NFT_NODE_NONE, "matches vif5.0");
	assert_why(node_of(NFT_RULE, "forward", 5), NFT_NODE_NONE, "matches 10.0.0.5");
	assert_why(node_of(NFT_RULE, "forward", 1), NFT_NODE_NONE,
		   "needed: stands for all in chain inet filter forward");
	assert_why(node_of(NFT_RULE, "forward", 2), NFT_NODE_NONE, "not of the domain");
	assert_why(node_of(NFT_CHAIN, "forward", 0), NFT_NODE_NONE,
		   "needed: it has rule 0 of chain inet filter forward");
	assert_why(node_of(NFT_CHAIN, "web1", 0), NFT_NODE_NONE,
		   "used only by the domain's elements of set inet filter guests");
	assert_why(node_of(NFT_RULE, "web1", 2), NFT_NODE_NONE,
		   "part of chain inet filter web1");
	assert_why(node_of(NFT_SET, "web1-ports", 0), NFT_NODE_NONE,
		   "used only by rule 0 of chain inet filter web1");
	assert_why(node_of(NFT_SET, "web1-ports", 0), 0,
		   "part of set inet filter web1-ports");
	assert_why(node_of(NFT_CHAIN, "log-drop", 0), NFT_NODE_NONE,
		   "needed by rule 3 of chain inet filter web1: used by others, too");
	assert_why(node_of(NFT_SET, "__set0", 0), NFT_NODE_NONE,
		   "used only by rule 0 of chain inet filter web1-more");
	for (i = 0; i < rs->n; i++)
		if (rs->nodes[i].type == NFT_CHAIN && nft_node_is_owned(&rs->nodes[i]))
			assert_why(rs->nodes[i].first_rule, NFT_NODE_NONE,
				   "part of the block of rule 1 of chain inet filter "
				   "web1-more");
	assert_why(node_of(NFT_OBJECT, "web1-quota", 0), NFT_NODE_NONE,
		   "used only by rule 1 of chain inet filter web1");
	guests = node_of(NFT_SET, "guests", 0);
	assert_why(guests, NFT_NODE_NONE, "needed: it has elements of the domain");
	for (i = 0; i < 2; i++)
		if (c.elements[guests][i].part == NFT_OURS)
			assert_why(guests, i, "its key has vif5.0");
		else
			assert_why(guests, i, "not of the domain");
	block = node_of(NFT_SET, "block", 0);
	for (i = 0; i < 3; i++)
		if (c.elements[block][i].part == NFT_OURS)
			assert_why(block, i, "its key has 10.0.0.5");
}

/* By equality alone, and names as a whole. */
static void test_equality(void **state)
{
	(void)state;
	snprintf(scope.domain.vifs[0].name, IFNAMSIZ, "vif5.1");
	load("table inet filter {\n chain forward { " BASE "\n"
	     "  iifname vif5.1 counter\n"	/* 0: ours */
	     "  iifname vif5.10 counter\n"	/* another one's */
	     "  iifname \"vif5.*\" counter\n"	/* 2 */
	     "  iifname != vif5.1 counter\n"	/* 3 */
	     "  oifname vif5.1-emu counter\n"	/* 4: ours */
	     "  oifname tap7.0-emu counter\n"	/* another one's */
	     "  ip saddr 10.0.0.5 counter\n"	/* 6: ours */
	     "  ip saddr 10.0.0.0/24 counter\n" /* 7 */
	     "  ip saddr 10.0.5.0/24 counter\n" /* 8 */
	     "  ip saddr 10.0.0.4-10.0.0.5 counter\n"
	     "  ip saddr >= 10.0.0.5 counter\n"			/* 10 */
	     "  ip6 daddr 2001:db8::5 counter\n"		/* 11: ours */
	     "  ether saddr 00:16:3e:00:00:05 counter\n"	/* 12: ours */
	     "  ether saddr 00:16:3e:00:00:06 counter\n"	/* another one's */
	     "  ip saddr 192.0.2.1 ip daddr 10.0.0.5 counter\n" /* 14: ours */
	     "  counter ip saddr 10.0.0.5 drop\n"		/* 15: ours */
	     "  meta mark set 1 ip saddr 10.0.0.5 drop\n"	/* 16: acts on all */
	     "  ct original ip saddr 10.0.0.5 counter\n"	/* 17: ours */
	     "  meta mark 0x0a000005 counter\n"			/* 18 */
	     "  meta mark { 0x0a000005 } counter\n }\n}\n");
	assert_closure("needed chain inet filter forward\n"
		       "needed table inet filter\n"
		       "ours rule 0 of chain inet filter forward #0 behind 0\n"
		       "ours rule 11 of chain inet filter forward #3 behind 6\n"
		       "ours rule 12 of chain inet filter forward #4 behind 6\n"
		       "ours rule 14 of chain inet filter forward #5 behind 6\n"
		       "ours rule 15 of chain inet filter forward #6 behind 6\n"
		       "ours rule 17 of chain inet filter forward #7 behind 7\n"
		       "ours rule 4 of chain inet filter forward #1 behind 2\n"
		       "ours rule 6 of chain inet filter forward #2 behind 2\n"
		       "skeleton rule 10 of chain inet filter forward #5\n"
		       "skeleton rule 16 of chain inet filter forward #6\n"
		       "skeleton rule 18 of chain inet filter forward #7\n"
		       "skeleton rule 19 of chain inet filter forward #8\n"
		       "skeleton rule 2 of chain inet filter forward #0\n"
		       "skeleton rule 3 of chain inet filter forward #1\n"
		       "skeleton rule 7 of chain inet filter forward #2\n"
		       "skeleton rule 8 of chain inet filter forward #3\n"
		       "skeleton rule 9 of chain inet filter forward #4\n");
}

/* Sets of a rule's own: all keys, some keys, others' keys. */
static void test_anonymous_sets(void **state)
{
	(void)state;
	load("table inet filter {\n chain a { accept; }\n chain b { accept; }\n"
	     " chain forward { " BASE "\n"
	     "  iifname { vif5.0, vif5.0-emu } counter\n"	     /* 0: ours */
	     "  iifname { vif5.0, eth0 } counter\n"		     /* 1: shared */
	     "  iifname != { vif5.0, vif5.0-emu } counter\n"	     /* 2 */
	     "  iifname vmap { vif5.0 : jump a, vif6.0 : jump b }\n" /* 3: shared */
	     "  iifname . tcp dport { vif5.0 . 80, vif5.0 . 443 } counter\n" /* 4 */
	     "  iifname vif5.0 ip saddr { 10.0.0.5, 10.9.9.9 } counter\n"    /* 5 */
	     "  ip daddr { 10.0.0.5, 10.1.0.0/16 } counter\n"		  /* 6: shared */
	     "  ip daddr { 10.0.0.5, 10.0.0.6 } counter\n"		  /* 7: shared */
	     "  iifname vif5.0 ip daddr { 10.0.0.6, 10.9.9.9 } counter\n" /* 8: ours */
	     "  iifname vif6.0 ip daddr 10.0.0.5 counter\n"		  /* vif6.0's */
	     "  iifname vif5.0 oifname vif6.0 counter\n"		  /* 10: shared */
	     "  ip saddr 10.0.0.6 ip daddr 10.0.0.5 counter\n"		  /* 11: shared */
	     "  tcp dport vmap { 80 : jump a }\n"
	     "  ip daddr . tcp dport { 10.0.0.5 . 1-7 } counter\n }\n}\n"); /* 13 */
	assert_closure("needed chain inet filter forward\n"
		       "needed table inet filter\n"
		       "ours rule 0 of chain inet filter forward #0 behind 0\n"
		       "ours rule 13 of chain inet filter forward #4 behind 4\n"
		       "ours rule 4 of chain inet filter forward #1 behind 2\n"
		       "ours rule 5 of chain inet filter forward #2 behind 2\n"
		       "ours rule 8 of chain inet filter forward #3 behind 3\n"
		       "ours set inet filter __set0\n"
		       "ours set inet filter __set3\n"
		       "ours set inet filter __set4\n"
		       "ours set inet filter __set7\n"
		       "ours set inet filter __set8\n"
		       "shared rule 1 of chain inet filter forward\n"
		       "shared rule 10 of chain inet filter forward\n"
		       "shared rule 11 of chain inet filter forward\n"
		       "shared rule 3 of chain inet filter forward\n"
		       "shared rule 6 of chain inet filter forward\n"
		       "shared rule 7 of chain inet filter forward\n"
		       "skeleton rule 1 of chain inet filter forward #0\n"
		       "skeleton rule 12 of chain inet filter forward #3\n"
		       "skeleton rule 2 of chain inet filter forward #1\n"
		       "skeleton rule 6 of chain inet filter forward #2\n");
	assert_why(c.shared[0], NFT_NODE_NONE,
		   "needed: stands for all in chain inet filter forward");
	assert_why(c.shared[1], NFT_NODE_NONE,
		   "stays: it names others together with the domain");
}

/* Keys of every form; an interval is two elements. */
static void test_elements(void **state)
{
	(void)state;
	load("table inet filter {\n"
	     " set hosts { type ipv4_addr; flags interval;\n"
	     "  elements = { 10.0.0.5, 10.0.0.6, 10.0.0.8/29, 10.9.0.0/16 } }\n"
	     " set names { type ifname; flags interval;\n"
	     "  elements = { vif5.0, vif6.0, \"eth*\" } }\n"
	     " set wide { type ipv4_addr; flags interval;\n"
	     "  elements = { 10.0.0.4-10.0.0.5, 10.0.0.6 } }\n"
	     " set pairs { type ipv4_addr . inet_service; flags interval;\n"
	     "  elements = { 10.0.0.5 . 1-5, 10.0.0.0/24 . 7, 10.0.0.6 . 9 } }\n"
	     " set both { type ipv4_addr . ipv4_addr;\n"
	     "  elements = { 10.0.0.5 . 10.0.0.6, 10.0.0.5 . 192.0.2.1 } }\n"
	     " set macs { typeof iifname . ether saddr . ip saddr;\n"
	     "  elements = { vif5.0 . 00:16:3e:00:00:05 . 10.0.0.5,\n"
	     "   vif5.0 . 00:16:3e:00:00:05 . 10.0.0.6,\n"
	     "   vif6.0 . 00:16:3e:00:00:06 . 10.0.0.5 } }\n"
	     " set v6 { type ipv6_addr; elements = { 2001:db8::5, 2001:db8::7 } }\n"
	     " map ports { type inet_service : ipv4_addr;\n"
	     "  elements = { 80 : 10.0.0.5 } }\n"
	     " map byname { type ipv4_addr : ipv4_addr;\n"
	     "  elements = { 10.0.0.5 : 192.0.2.7, 10.0.0.7 : 10.0.0.5 } }\n"
	     " map rest { type ipv4_addr : verdict;\n"
	     "  elements = { 10.0.0.5 : accept, * : drop } }\n"
	     "}\n");
	assert_closure("needed set inet filter both\n"
		       "needed set inet filter byname\n"
		       "needed set inet filter hosts\n"
		       "needed set inet filter macs\n"
		       "needed set inet filter names\n"
		       "needed set inet filter pairs\n"
		       "needed set inet filter rest\n"
		       "needed set inet filter v6\n"
		       "needed table inet filter\n"
		       "ours element 0a000005000100000a00000500050000 of pairs\n"
		       "ours element 0a000005c0000201 of both\n"
		       "ours element 10.0.0.5 of byname\n"
		       "ours element 10.0.0.5 of hosts\n"
		       "ours element 10.0.0.5 of rest\n"
		       "ours element 20010db8000000000000000000000005 of v6\n"
		       "ours element end 10.0.0.6 of hosts\n"
		       "ours element end vif5.001 of names\n"
		       "ours element vif5.0 of names\n"
		       "ours element vif5.000163e00000500000a000005 of macs\n"
		       "ours element vif5.000163e00000500000a000006 of macs\n"
		       "shared set inet filter both\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_two_domains, domains_setup,
						closure_teardown),
		cmocka_unit_test_setup_teardown(test_nothing_in_common, domains_setup,
						closure_teardown),
		cmocka_unit_test_setup_teardown(test_reasons, domains_setup,
						closure_teardown),
		cmocka_unit_test_setup_teardown(test_equality, domains_setup,
						closure_teardown),
		cmocka_unit_test_setup_teardown(test_anonymous_sets, domains_setup,
						closure_teardown),
		cmocka_unit_test_setup_teardown(test_elements, domains_setup,
						closure_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!may_unshare())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
