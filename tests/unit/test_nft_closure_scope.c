/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Closures of other scopes than a domain alone: what is selected by name, what
 * cannot be moved, what is carried although others use it, and what sits on a
 * device or was made by iptables-nft.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/engine/nft/guard.h"
#include "tests/unit/nft_closures.h"

static void select_table(const char *spec)
{
	assert_int_equal(nse_scope_add_table(&scope, spec, &err), 0);
}

static void select_chain(const char *spec)
{
	assert_int_equal(nse_scope_add_chain(&scope, spec, &err), 0);
}

#define SELECTED                                                                         \
	"table inet vm {\n"                                                              \
	" set unused { type ipv4_addr; elements = { 10.0.0.6 } }\n"                      \
	" chain in { " BASE "\n  ip saddr 10.0.0.6 drop\n }\n}\n"                        \
	"table ip t {\n"                                                                 \
	" counter hits { }\n"                                                            \
	" chain c { jump d; oifname vif6.0 accept; }\n"                                  \
	" chain d { counter name hits; }\n"                                              \
	" chain e { ip daddr 10.0.0.6 accept; }\n}\n"

static void assert_refused(int code)
{
	nft_closure_release(&c);
	assert_int_equal(nft_closure_find(rs, &scope, false, &c, &err), code);
	assert_null(c.nodes);
}

static void test_selected(void **state)
{
	(void)state;
	load(SELECTED);
	assert_closure("");
	select_table("inet:vm");
	select_table("?inet:absent");
	select_chain("?ip:t:c");
	select_chain("?ip:t:absent");
	select_chain("?ip6:t:c");
	assert_closure("needed table ip t\n"
		       "ours chain inet vm in\n"
		       "ours chain ip t c\n"
		       "ours chain ip t d\n"
		       "ours counter ip t hits\n"
		       "ours rule 0 of chain inet vm in #0\n"
		       "ours rule 0 of chain ip t c #0\n"
		       "ours rule 0 of chain ip t d #0\n"
		       "ours rule 1 of chain ip t c #1\n"
		       "ours set inet vm unused\n"
		       "ours table inet vm\n");
	for (uint32_t i = 0; i < rs->n; i++) {
		if (c.nodes[i].reason == NFT_WHY_SELECTED)
			assert_why(i, NFT_NODE_NONE, "selected by --table");
		if (c.nodes[i].reason == NFT_WHY_PATTERN)
			assert_why(i, NFT_NODE_NONE,
				   "selected by the pattern of chains in nsemig.conf");
		if (rs->nodes[i].type == NFT_SET)
			assert_why(i, NFT_NODE_NONE, "part of table inet vm");
	}
}

static void test_missing(void **state)
{
	(void)state;
	load(SELECTED);
	select_table("ip6:vm");
	assert_refused(-ENOENT);
	assert_string_equal(err.text, "there is no table 'ip6:vm' here");
	assert_int_equal(nse_scope_relax(&scope), 0);
	assert_closure("");
	select_chain("ip:t:f");
	assert_refused(-ENOENT);
	assert_string_equal(err.text, "there is no chain 'ip:t:f' here");
}

static uint32_t table_of(const char *name)
{
	for (uint32_t i = 0; i < rs->ntables; i++)
		if (rs->nodes[i].name.n == strlen(name) &&
		    memcmp(rs->nodes[i].name.p, name, strlen(name)) == 0)
			return i;
	fail_msg("no table %s", name);
	return 0;
}

/* A program that holds its table by its socket, and our own guard. */
static void test_held(void **state)
{
	static char *const argv[] = { "nft", "-i", NULL };
	static const char text[] =
		"table inet held { flags owner; chain f { ip saddr 10.0.0.5 accept; }; }\n"
		"list ruleset\n";
	struct nse_guard *guard = NULL;
	int in[2], out[2];
	char got[64];
	pid_t pid;

	(void)state;
	load("table inet t { chain f { ip saddr 10.0.0.5 accept; }; }\n");
	assert_int_equal(nse_guard_up(&guard, "test", scope.domain.addrs,
				      scope.domain.naddrs, &err),
			 0);
	assert_true(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
	pid = nse_spawn(&(struct nse_spawn){ argv, in[0], out[1], -1, false }, &err);
	assert_true(pid > 0);
	close(out[1]);
	assert_int_equal(write(in[1], text, strlen(text)), strlen(text));
	assert_true(read(out[0], got, sizeof(got)) > 0); /* it lists: it has it */
	read_ruleset();
	assert_closure("needed chain inet t f\n"
		       "needed table inet t\n"
		       "ours rule 0 of chain inet t f #0 behind 0\n"
		       "shared rule 0 of chain inet held f\n");
	assert_why(c.shared[0], NFT_NODE_NONE, "stays: a program holds its table");
	select_table("inet:held");
	assert_refused(-EBUSY);
	assert_non_null(strstr(err.text, "'inet:held'"));
	scope.all = true;
	scope.ntables = 0;
	find();
	assert_int_equal(c.nodes[table_of("t")].part, NFT_OURS);
	assert_int_equal(c.nodes[table_of("held")].part, NFT_NOT_OURS);
	assert_int_equal(c.nodes[table_of("nsemig-guard-test")].part, NFT_NOT_OURS);
	free(scope.tables[0]);
	close(in[1]);
	assert_int_equal(nse_wait_child(pid, nse_now_us() + 10 * 1000000), 0);
	close(in[0]);
	close(out[0]);
	assert_int_equal(nse_guard_down(guard, &err), 0);
}

static void test_all(void **state)
{
	(void)state;
	load(TWO_DOMAINS);
	scope.all = true;
	find();
	assert_int_equal(c.nshared, 0);
	for (uint32_t i = 0; i < rs->n; i++) {
		assert_int_equal(c.nodes[i].part, NFT_OURS);
		assert_null(c.elements[i]);
		assert_why(i, NFT_NODE_NONE, "everything was asked for");
		if (rs->nodes[i].type == NFT_RULE)
			assert_int_equal(c.number[i], rs->nodes[i].number);
		assert_int_equal(c.place[i], NFT_PLACE_NONE);
	}
	assert_why(node_of(NFT_SET, "block", 0), 1, "everything was asked for");
}

/* What everybody uses comes as well, but nothing that is another domain's. */
static void test_carry_shared(void **state)
{
	(void)state;
	scope.carry_shared = true;
	load("table inet filter {\n"
	     " counter hits { }\n counter rare { }\n"
	     " set block { type ipv4_addr;\n"
	     "  elements = { 10.0.0.5, 10.0.0.6, 192.0.2.9 } }\n"
	     " map guests { type ifname : verdict;\n"
	     "  elements = { vif5.0 : jump web1, vif6.0 : jump web2 } }\n"
	     " chain deep { counter name rare; drop; }\n"
	     " chain logged { counter name hits; goto deep; }\n"
	     " chain web1 { goto logged; }\n"
	     " chain web2 { goto logged; }\n"
	     " chain unused { drop; }\n"
	     " chain forward { " BASE "\n"
	     "  iifname vmap @guests\n"
	     "  ip daddr @block tcp dport { 1, 2 } drop\n"
	     "  oifname vif6.0 accept\n"
	     "  iifname { vif5.0, vif6.0 } accept\n"
	     "  oifname vif5.0 accept\n }\n}\n");
	assert_closure("ours chain inet filter deep\n"
		       "ours chain inet filter forward\n"
		       "ours chain inet filter logged\n"
		       "ours chain inet filter web1\n"
		       "ours counter inet filter hits\n"
		       "ours counter inet filter rare\n"
		       "ours element 0001 of __set0\n"
		       "ours element 0002 of __set0\n"
		       "ours element 10.0.0.5 of block\n"
		       "ours element 192.0.2.9 of block\n"
		       "ours element vif5.0 of guests\n"
		       "ours rule 0 of chain inet filter deep #0\n"
		       "ours rule 0 of chain inet filter forward #0\n"
		       "ours rule 0 of chain inet filter logged #0\n"
		       "ours rule 0 of chain inet filter web1 #0\n"
		       "ours rule 1 of chain inet filter deep #1\n"
		       "ours rule 1 of chain inet filter forward #1\n"
		       "ours rule 1 of chain inet filter logged #1\n"
		       "ours rule 4 of chain inet filter forward #2\n"
		       "ours set inet filter __set0\n"
		       "ours set inet filter block\n"
		       "ours set inet filter guests\n"
		       "ours table inet filter\n"
		       "shared rule 3 of chain inet filter forward\n");
	assert_why(node_of(NFT_CHAIN, "logged", 0), NFT_NODE_NONE,
		   "carried for rule 0 of chain inet filter web1: used by others, too");
	assert_why(node_of(NFT_RULE, "logged", 1), NFT_NODE_NONE,
		   "part of chain inet filter logged");
	assert_why(node_of(NFT_SET, "guests", 0), NFT_NODE_NONE,
		   "carried: it has elements of the domain");
}

/* Rules in a block of everybody's rule cannot be taken out of it. */
static void test_blocks(void **state)
{
	(void)state;
	load("table inet filter {\n chain forward { " BASE "\n"
	     "  tcp dport 80 jump { ip saddr 10.0.0.5 accept; }\n"
	     "  iifname vif5.0 jump { ip saddr 10.0.0.6 accept; }\n }\n}\n");
	assert_closure("needed chain inet filter forward\n"
		       "needed table inet filter\n"
		       "ours chain inet filter block\n"
		       "ours rule 0 of chain inet filter block #0\n"
		       "ours rule 1 of chain inet filter forward #0 behind 1\n"
		       "shared rule 0 of chain inet filter block\n"
		       "skeleton rule 0 of chain inet filter forward #0\n");
}

/* Interfaces by number, and chains that sit on a device. */
static void test_devices(void **state)
{
	(void)state;
	for (int i = 5; i < 7; i++)
		assert_int_equal(shell("ip link add vif%d.0 type bridge", i), 0);
	load("table netdev n {\n"
	     " chain mine { type filter hook ingress device vif5.0 priority 0;\n"
	     "  ip saddr 10.0.0.6 drop\n }\n"
	     " chain other { type filter hook ingress device vif6.0 priority 0;\n"
	     "  ip saddr 10.0.0.5 drop\n }\n"
	     " chain both { type filter hook ingress devices = { vif5.0, vif6.0 }"
	     " priority 1; ip saddr 10.0.0.5 drop\n }\n"
	     " chain lone { type filter hook ingress device lo priority 0;\n"
	     "  ip saddr 10.0.0.5 drop\n }\n}\n"
	     "table inet filter {\n"
	     " set nics { type iface_index; elements = { vif5.0, vif6.0 } }\n"
	     " chain forward { " BASE "\n"
	     "  iif vif5.0 accept\n"
	     "  iif vif6.0 accept\n"
	     "  iif lo accept\n"
	     "  iif { vif5.0 } counter\n"
	     "  iif { vif5.0, lo } counter\n }\n}\n");
	assert_closure("needed chain inet filter forward\n"
		       "needed chain netdev n both\n"
		       "needed chain netdev n lone\n"
		       "needed set inet filter nics\n"
		       "needed table inet filter\n"
		       "needed table netdev n\n"
		       "ours chain netdev n mine\n"
		       "ours element INDEX of nics\n"
		       "ours rule 0 of chain inet filter forward #0 behind 0\n"
		       "ours rule 0 of chain netdev n both #0 behind 0\n"
		       "ours rule 0 of chain netdev n lone #0 behind 0\n"
		       "ours rule 0 of chain netdev n mine #0\n"
		       "ours rule 3 of chain inet filter forward #1 behind 1\n"
		       "shared chain netdev n both\n"
		       "shared rule 4 of chain inet filter forward\n"
		       "skeleton rule 2 of chain inet filter forward #0\n"
		       "skeleton rule 4 of chain inet filter forward #1\n");
	for (uint32_t i = 0; i < rs->n; i++)
		if (rs->nodes[i].type == NFT_CHAIN && c.nodes[i].part == NFT_OURS)
			assert_why(i, NFT_NODE_NONE, "its device is vif5.0");
	for (int i = 5; i < 7; i++)
		assert_int_equal(shell("ip link del vif%d.0", i), 0);
}

/* iptables-nft: names as long as they are, and matches of its own. */
static void test_iptables(void **state)
{
	static const char *const rules[] = {
		"-i vif5.0 -j ACCEPT",
		"-i vif5.+ -j ACCEPT",
		"-i vif6.0 -j ACCEPT",
		"-m physdev --physdev-is-bridged --physdev-in vif5.0 -j ACCEPT",
		"-m physdev --physdev-is-bridged --physdev-in vif5.+ -j ACCEPT",
		"-m physdev --physdev-is-bridged ! --physdev-in vif5.0 -j ACCEPT",
		"-m physdev --physdev-is-bridged --physdev-out vif5.0-emu -j ACCEPT",
		"-m physdev --physdev-is-bridged --physdev-in vif6.0 -j ACCEPT",
		"-m mac --mac-source 00:16:3e:00:00:05 -j ACCEPT",
		"-m mac ! --mac-source 00:16:3e:00:00:05 -j ACCEPT",
		"-s 10.0.0.5 -p tcp -j ACCEPT",
		"! -s 10.0.0.5 -j ACCEPT",
	};

	(void)state;
	load("");
	for (size_t i = 0; i < NSE_ARRAY_SIZE(rules); i++)
		if (shell("iptables-nft -A FORWARD %s", rules[i]) != 0) {
			print_message("no iptables-nft here\n");
			skip();
		}
	read_ruleset();
	assert_closure("needed chain ip filter FORWARD\n"
		       "needed table ip filter\n"
		       "ours rule 0 of chain ip filter FORWARD #0 behind 0\n"
		       "ours rule 10 of chain ip filter FORWARD #4 behind 4\n"
		       "ours rule 3 of chain ip filter FORWARD #1 behind 1\n"
		       "ours rule 6 of chain ip filter FORWARD #2 behind 3\n"
		       "ours rule 8 of chain ip filter FORWARD #3 behind 3\n"
		       "skeleton rule 1 of chain ip filter FORWARD #0\n"
		       "skeleton rule 11 of chain ip filter FORWARD #4\n"
		       "skeleton rule 4 of chain ip filter FORWARD #1\n"
		       "skeleton rule 5 of chain ip filter FORWARD #2\n"
		       "skeleton rule 9 of chain ip filter FORWARD #3\n");
}

static void test_general(void **state)
{
	uint8_t general[7];
	uint32_t forward;

	(void)state;
	load(TWO_DOMAINS);
	forward = node_of(NFT_CHAIN, "forward", 0);
	assert_int_equal(rs->nodes[forward].nrules, 7);
	assert_int_equal(nft_closure_general(rs, &scope.others, forward, general), 0);
	/* vif5.0 is somebody's, 10.0.0.5 is not known. */
	assert_memory_equal(general, "\1\1\0\0\1\1\1", 7);
	assert_int_equal(nft_closure_general(rs, NULL, forward, general), 0);
	assert_memory_equal(general, "\1\1\0\0\1\1\1", 7);
	assert_int_equal(nft_closure_general(rs, &scope.domain, forward, general), 0);
	assert_memory_equal(general, "\1\1\0\0\1\0\1", 7);
}

static void test_nothing(void **state)
{
	struct nse_scope nobody;

	(void)state;
	load("");
	assert_closure("");
	load(TWO_DOMAINS);
	nse_scope_init(&nobody);
	nft_closure_release(&c);
	assert_int_equal(nft_closure_find(rs, &nobody, false, &c, &err), 0);
	for (uint32_t i = 0; i < rs->n; i++)
		assert_int_equal(c.nodes[i].part, NFT_NOT_OURS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_selected, domains_setup,
						closure_teardown),
		cmocka_unit_test_setup_teardown(test_missing, domains_setup,
						closure_teardown),
		cmocka_unit_test_setup_teardown(test_held, domains_setup,
						closure_teardown),
		cmocka_unit_test_setup_teardown(test_all, domains_setup,
						closure_teardown),
		cmocka_unit_test_setup_teardown(test_carry_shared, domains_setup,
						closure_teardown),
		cmocka_unit_test_setup_teardown(test_blocks, domains_setup,
						closure_teardown),
		cmocka_unit_test_setup_teardown(test_devices, domains_setup,
						closure_teardown),
		cmocka_unit_test_setup_teardown(test_iptables, domains_setup,
						closure_teardown),
		cmocka_unit_test_setup_teardown(test_general, domains_setup,
						closure_teardown),
		cmocka_unit_test_setup_teardown(test_nothing, domains_setup,
						closure_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!may_unshare())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
