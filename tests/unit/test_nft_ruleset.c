/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading the ruleset of the real kernel: nodes, owners, references and
 * lookups; and a ruleset that changes while it is read.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/nft_engine.h"
#include "lib/util/cleanup.h"

#include "tests/unit/nft_hosts.h"

static const char *const no_devices[] = { NULL };

static const char graph[] =
	"table inet t {\n"
	"	counter hits { packets 3 bytes 300 }\n"
	"	set hosts { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2 }; }\n"
	"	set nets { type ipv4_addr; flags interval; elements = { 10.1.0.0/16 }; }\n"
	"	set pairs { type ipv4_addr . inet_service; flags interval;\n"
	"		elements = { 10.0.0.1-10.0.0.9 . 80-90 }; }\n"
	"	map names { type ipv4_addr : counter; elements = { 10.0.0.1 : \"hits\" }; }\n"
	"	chain a { accept; }\n"
	"	chain b { tcp dport { 22, 80 } tcp sport { 53, 123 } accept;\n"
	"		ip saddr @hosts drop; }\n"
	"	map ways { type ifname : verdict; elements = { \"vif1.0\" : jump a,\n"
	"		\"vif2.0\" : goto b }; }\n"
	"	set every { type ipv4_addr; counter; elements = { *, 10.9.9.9 }; }\n"
	"	chain base { type filter hook input priority 0; policy accept;\n"
	"		iifname vmap @ways;\n"
	"	}\n"
	"}\n"
	"table ip t { chain a { counter; }; }\n"
	"add rule inet t base tcp dport 1 jump { tcp sport { 1, 2 } drop; accept; }\n"
	"add rule inet t base tcp dport 2 jump a\n"
	"add rule inet t base meter m { ip saddr limit rate 5/second } accept\n"
	"add rule inet t base counter name ip saddr map @names\n";

static struct nse_bytes str(const char *s)
{
	return nft_str(s);
}

static uint32_t find(const struct nft_ruleset *rs, enum nft_type type, const char *name)
{
	uint32_t node = nft_ruleset_find(rs, type, NFPROTO_INET, str("t"), str(name), 0);

	assert_int_not_equal(node, NFT_NODE_NONE);
	assert_int_equal(rs->nodes[node].type, type);
	return node;
}

/* Is there one reference, and only one, and is it known at both ends? */
static void assert_ref(const struct nft_ruleset *rs, uint32_t from, uint32_t to)
{
	const struct nft_node *f = &rs->nodes[from], *t = &rs->nodes[to];
	unsigned int out = 0, in = 0;

	for (uint32_t i = 0; i < f->nrefs; i++) {
		assert_int_equal(rs->refs[f->first_ref + i].from, from);
		out += rs->refs[f->first_ref + i].to == to;
	}
	for (uint32_t i = 0; i < t->nusers; i++) {
		const struct nft_ref *r = &rs->refs[rs->users[t->first_user + i]];

		assert_int_equal(r->to, to);
		in += r->from == from;
	}
	assert_int_equal(out, 1);
	assert_int_equal(in, 1);
}

static void test_nodes(void **state)
{
	NSE_CLEANUP(nft_ruleset_freep) struct nft_ruleset *rs = NULL;
	const struct nft_node *n;
	uint32_t base;

	(void)state;
	nft_host_load(no_devices, graph);
	rs = nft_host_ruleset();
	assert_int_equal(rs->ntables, 2);
	for (uint32_t i = 0; i < rs->n; i++) {
		n = &rs->nodes[i];
		assert_true((i < rs->ntables) == (n->type == NFT_TABLE));
		assert_int_equal(rs->nodes[n->table].type, NFT_TABLE);
		assert_true(i == 0 || n->type >= rs->nodes[i - 1].type);
		assert_int_equal(n->loaded, n->type == NFT_SET);
		assert_true(n->handle);
	}
	base = find(rs, NFT_CHAIN, "base");
	n = &rs->nodes[base];
	assert_true(n->base);
	assert_int_equal(n->nrules, 5);
	for (uint32_t i = 0; i < n->nrules; i++) {
		assert_int_equal(rs->nodes[n->first_rule + i].chain, base);
		assert_int_equal(rs->nodes[n->first_rule + i].number, i);
	}
	n = &rs->nodes[find(rs, NFT_CHAIN, "a")];
	assert_false(n->base);
	assert_int_equal(n->nrules, 1);
	n = &rs->nodes[nft_ruleset_find(rs, NFT_CHAIN, NFPROTO_IPV4, str("t"), str("a"),
					0)];
	assert_int_equal(n->family, NFPROTO_IPV4);
	assert_int_equal(nft_ruleset_find(rs, NFT_CHAIN, NFPROTO_IPV4, str("t"), str("b"),
					  0),
			 NFT_NODE_NONE);
	assert_int_equal(nft_ruleset_find(rs, NFT_OBJECT, NFPROTO_INET, str("t"),
					  str("hits"), NFT_OBJECT_QUOTA),
			 NFT_NODE_NONE);
}

static const struct nft_element *element(const struct nft_ruleset *rs, const char *set,
					 uint32_t i, uint32_t of)
{
	const struct nft_node *n = &rs->nodes[find(rs, NFT_SET, set)];

	assert_int_equal(n->nelements, of);
	return &n->elements[i];
}

static void assert_bytes(const struct nft_element *e, uint8_t kind, const void *p,
			 size_t n)
{
	assert_int_equal(e->kind, kind);
	assert_int_equal(e->bytes.n, n);
	assert_memory_equal(e->bytes.p, p, n);
}

static void test_elements(void **state)
{
	NSE_CLEANUP(nft_ruleset_freep) struct nft_ruleset *rs = NULL;
	static const uint8_t range[] = { 10, 0, 0, 1, 0, 80, 0, 0,
					 10, 0, 0, 9, 0, 90, 0, 0 };
	static const uint8_t from[] = { 10, 1, 0, 0 }, to[] = { 10, 2, 0, 0 };
	const struct nft_element *e;
	unsigned int kinds[4] = { 0 };

	(void)state;
	nft_host_load(no_devices, graph);
	rs = nft_host_ruleset();
	assert_bytes(element(rs, "pairs", 0, 1), NFT_ELEMENT_RANGE, range, sizeof(range));
	for (uint32_t i = 0; i < 3; i++) {
		e = element(rs, "nets", i, 3); /* 0.0.0.0 ends what is no interval */
		kinds[e->kind]++;
		if (e->kind == NFT_ELEMENT_PLAIN)
			assert_bytes(e, NFT_ELEMENT_PLAIN, from, 4);
		else if (e->bytes.p[0])
			assert_bytes(e, NFT_ELEMENT_END, to, 4);
	}
	assert_int_equal(kinds[NFT_ELEMENT_PLAIN], 1);
	assert_int_equal(kinds[NFT_ELEMENT_END], 2);
	memset(kinds, 0, sizeof(kinds));
	for (uint32_t i = 0; i < 2; i++)
		kinds[element(rs, "every", i, 2)->kind]++;
	assert_int_equal(kinds[NFT_ELEMENT_CATCHALL], 1);
	assert_int_equal(kinds[NFT_ELEMENT_PLAIN], 1);
}

static void test_references(void **state)
{
	NSE_CLEANUP(nft_ruleset_freep) struct nft_ruleset *rs = NULL;
	uint32_t ways, base, a, b, hits;

	(void)state;
	nft_host_load(no_devices, graph);
	rs = nft_host_ruleset();
	ways = find(rs, NFT_SET, "ways");
	base = rs->nodes[find(rs, NFT_CHAIN, "base")].first_rule;
	a = find(rs, NFT_CHAIN, "a");
	b = find(rs, NFT_CHAIN, "b");
	hits = nft_ruleset_find(rs, NFT_OBJECT, NFPROTO_INET, str("t"), str("hits"),
				NFT_OBJECT_COUNTER);
	assert_ref(rs, ways, a);
	assert_ref(rs, ways, b);
	assert_ref(rs, base, ways);
	assert_ref(rs, base + 2, a);
	assert_ref(rs, base + 3, find(rs, NFT_SET, "m"));
	assert_ref(rs, base + 4, find(rs, NFT_SET, "names"));
	assert_ref(rs, find(rs, NFT_SET, "names"), hits);
	assert_ref(rs, rs->nodes[b].first_rule + 1, find(rs, NFT_SET, "hosts"));
	assert_int_equal(rs->nodes[a].nusers, 2);
	assert_int_equal(rs->nodes[hits].nusers, 1);
	for (uint32_t i = 1; i < rs->nrefs; i++)
		assert_true(rs->refs[i].from >= rs->refs[i - 1].from);
	for (uint32_t i = 0; i < rs->nrefs; i++)
		assert_int_equal(rs->refs[i].element != NFT_NODE_NONE,
				 rs->nodes[rs->refs[i].from].type == NFT_SET);
}

static uint32_t resolve(const struct nft_ruleset *rs, enum nft_type type,
			const char *name, uint32_t rule)
{
	struct nft_key key = { .type = type, .family = NFPROTO_INET, .rule = rule };

	key.table = str("t");
	key.name = str(name);
	return nft_ruleset_resolve(rs, &key);
}

static void test_owners(void **state)
{
	NSE_CLEANUP(nft_ruleset_freep) struct nft_ruleset *rs = NULL;
	uint32_t rule, inner, set;

	(void)state;
	nft_host_load(no_devices, graph);
	rs = nft_host_ruleset();
	assert_int_equal(rs->nodes[find(rs, NFT_SET, "m")].owner, NFT_NODE_NONE);
	rule = rs->nodes[find(rs, NFT_CHAIN, "b")].first_rule;
	for (uint32_t k = 0; k < 2; k++) {
		set = resolve(rs, NFT_SET, k ? "@b:0:1" : "@b:0:0", 0);
		assert_int_not_equal(set, NFT_NODE_NONE);
		assert_int_equal(rs->nodes[set].owner, rule);
		assert_int_equal(rs->nodes[set].owner_k, k);
		assert_int_equal(rs->nodes[set].nelements, 2);
	}
	rule = rs->nodes[find(rs, NFT_CHAIN, "base")].first_rule + 1;
	inner = resolve(rs, NFT_CHAIN, "@base:1:0", 0);
	assert_int_equal(rs->nodes[inner].owner, rule);
	assert_int_equal(rs->nodes[inner].nrules, 2);
	rule = resolve(rs, NFT_RULE, "@base:1:0", 0);
	assert_int_equal(rule, rs->nodes[inner].first_rule);
	set = resolve(rs, NFT_SET, "@@base:1:0:0:0", 0);
	assert_int_equal(rs->nodes[set].owner, rule);
	assert_int_equal(resolve(rs, NFT_SET, "@@base:1:0:1:0", 0), NFT_NODE_NONE);
	/* What is not there, or is something else. */
	assert_int_equal(resolve(rs, NFT_CHAIN, "@b:0:1", 0), NFT_NODE_NONE);
	assert_int_equal(resolve(rs, NFT_SET, "@b:0:2", 0), NFT_NODE_NONE);
	assert_int_equal(resolve(rs, NFT_SET, "@b:1:0", 0), NFT_NODE_NONE);
	assert_int_equal(resolve(rs, NFT_SET, "@b:99999999999:0", 0), NFT_NODE_NONE);
	assert_int_equal(resolve(rs, NFT_SET, "@b", 0), NFT_NODE_NONE);
	assert_int_equal(resolve(rs, NFT_SET, "@:0:0", 0), NFT_NODE_NONE);
	assert_int_equal(resolve(rs, NFT_RULE, "base", 5), NFT_NODE_NONE);
}

static void test_nothing(void **state)
{
	NSE_CLEANUP(nft_ruleset_freep) struct nft_ruleset *rs = NULL;

	(void)state;
	nft_host_load(no_devices, "");
	rs = nft_host_ruleset();
	assert_int_equal(rs->n, 0);
	assert_int_equal(rs->nrefs, 0);
	assert_int_equal(resolve(rs, NFT_SET, "x", 0), NFT_NODE_NONE);
}

static int count_element(void *arg, const struct nft_element *e)
{
	(void)e;
	++*(unsigned int *)arg;
	return 0;
}

static void test_stale(void **state)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	NSE_CLEANUP(nft_ruleset_freep) struct nft_ruleset *rs = NULL;
	struct nse_error err;
	unsigned int n = 0;
	uint32_t ways;

	(void)state;
	nft_host_load(no_devices, graph);
	assert_int_equal(nse_nl_open(&nl, 0, 0, &err), 0);
	assert_int_equal(nft_ruleset_load(nl, NFT_ELEMENTS_ANONYMOUS, &rs, &err), 0);
	assert_int_equal(nft_ruleset_current(nl, rs, &err), 1);
	ways = find(rs, NFT_SET, "ways");
	assert_false(rs->nodes[ways].loaded);
	assert_int_equal(rs->nodes[ways].nrefs, 0);
	assert_int_equal(nft_ruleset_elements(nl, rs, ways, count_element, &n, &err), 0);
	assert_int_equal(n, 2);

	assert_int_equal(shell("nft add chain inet t more"), 0);
	assert_int_equal(nft_ruleset_current(nl, rs, &err), 0);
	assert_int_equal(shell("nft flush ruleset"), 0);
	assert_int_equal(nft_ruleset_elements(nl, rs, ways, count_element, &n, &err),
			 -EAGAIN);
	assert_int_equal(n, 2);
}

/* A child that changes the ruleset for as long as it lives. */
static pid_t changer(const char *commands)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		if (shell("%s", commands) != 0)
			_exit(1);
}

/*
 * Two chains are changed in one transaction each time: whoever reads both in
 * one generation never sees one with another number of rules than the other.
 */
static void test_changing(void **state)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	struct nse_error err;
	unsigned int seen = 0;
	uint32_t first = 0;
	pid_t pid;

	(void)state;
	nft_host_load(no_devices, "table ip t { chain a { }; chain b { }; }");
	assert_int_equal(nse_nl_open(&nl, 0, 0, &err), 0);
	pid = changer("nft 'add rule ip t a accept; add rule ip t b accept' && "
		      "nft 'flush chain ip t b; flush chain ip t a'");
	assert_true(pid > 0);
	for (int i = 0; i < 300; i++) {
		NSE_CLEANUP(nft_ruleset_freep) struct nft_ruleset *rs = NULL;

		if (nft_ruleset_load(nl, NFT_ELEMENTS_ALL, &rs, &err) < 0)
			fail_msg("%s", err.text);
		assert_int_equal(rs->n, 3 + 2 * rs->nodes[1].nrules);
		assert_int_equal(rs->nodes[1].nrules, rs->nodes[2].nrules);
		seen += rs->genid != first;
		first = rs->genid;
	}
	assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(seen > 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nodes),	   cmocka_unit_test(test_elements),
		cmocka_unit_test(test_references), cmocka_unit_test(test_owners),
		cmocka_unit_test(test_nothing),	   cmocka_unit_test(test_stale),
		cmocka_unit_test(test_changing),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!may_unshare())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
