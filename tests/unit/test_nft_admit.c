/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a target lets in: the closure of the announced domain, and not one
 * record more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/engine/nft/closure.h"
#include "lib/engine/nft/encode.h"
#include "tests/unit/nft_admits.h"

/* As a target knows the scope: without what is of the source alone. */
static void announce(void)
{
	json_t *json = nse_scope_to_json(&scope);
	struct nse_scope there;

	nse_scope_init(&there);
	assert_int_equal(nse_scope_from_json(json, &there, &err), 0);
	json_decref(json);
	nse_scope_release(&scope);
	scope = there;
	assert_int_equal(scope.others.nvifs, 0);
}

static void test_own(void **state)
{
	(void)state;
	load(TWO_DOMAINS);
	collect();
	assert_in_range(nse_context_count(ctx), 25, 40);
	announce();
	assert_admitted();
	scope.domain.vifs[0].name[3] = '7';
	assert_refused("rule 0 of chain inet filter forward is in a chain of everybody");
	scope.domain.vifs[0].name[3] = '5';
	memset(scope.domain.addrs, 0, sizeof(scope.domain.addrs[0]));
	assert_refused("of everybody");
	scope.all = true;
	assert_admitted();
}

static void test_of_another(void **state)
{
	struct nse_domain d;

	(void)state;
	load(TWO_DOMAINS);
	collect();
	d = scope.domain;
	scope.domain = scope.others;
	scope.others = d;
	assert_refused("of everybody");
}

static bool is_in(uint32_t node, const struct nft_closure *c, uint32_t element)
{
	if (element != NFT_NODE_NONE && c->elements[node])
		return c->elements[node][element].part == NFT_OURS;
	return c->nodes[node].part == NFT_OURS;
}

/* Puts the node or element into the context as if it were the domain's. */
static void put_forced(struct nft_encoder *enc, uint32_t node, uint32_t element)
{
	struct nse_record rec;
	int rc = element == NFT_NODE_NONE
			 ? nft_encode_node(enc, node, false, &rec, &err)
			 : nft_encode_element(enc, node,
					      &rs->nodes[node].elements[element], false,
					      &rec, &err);

	assert_int_equal(rc, 0);
	assert_int_equal(nse_context_put(ctx, &rec, NULL), 0);
}

/* Every single thing more is one too many. */
static void test_one_more(void **state)
{
	struct nft_closure c;
	struct nft_encoder enc;
	struct nft_numbering as;
	unsigned int tried = 0;

	(void)state;
	load(TWO_DOMAINS);
	assert_int_equal(nft_closure_find(rs, &scope, false, &c, &err), 0);
	as = (struct nft_numbering){ c.number, c.place };
	assert_int_equal(nft_encoder_init(&enc, rs, &as), 0);
	for (uint32_t i = 0; i < rs->n; i++) {
		uint32_t n = rs->nodes[i].type == NFT_SET ? rs->nodes[i].nelements : 0;

		for (uint32_t k = 0; k <= n; k++) {
			uint32_t element = k < n ? k : NFT_NODE_NONE;

			if (is_in(i, &c, element))
				continue;
			collect();
			put_forced(&enc, i, element);
			assert_refused("");
			tried++;
		}
	}
	assert_in_range(tried, 20, 40);
	nft_encoder_release(&enc);
	nft_closure_release(&c);
}

/* Nothing may be missing to which something refers, or in which it lies. */
static void test_one_less(void **state)
{
	struct nse_record rec;
	enum nft_type type;
	unsigned int tried = 0;
	bool need;

	(void)state;
	load(TWO_DOMAINS);
	collect();
	for (uint32_t s = 0; s < nse_context_slots(ctx); s++) {
		collect();
		assert_true(nse_context_at(ctx, s, &rec));
		assert_true(nft_kind_of(rec.kind, &type, &need));
		if (type == NFT_RULE || type == NFT_ELEMENT)
			continue;
		assert_int_equal(nse_context_del(ctx, rec.kind, rec.key), 0);
		assert_refused("not there");
		tried++;
	}
	assert_in_range(tried, 12, 20);
}

/* The names by which the source chose are those that the scope announces. */
static void test_selected(void **state)
{
	(void)state;
	load("table inet vm {\n set unused { type ipv4_addr; }\n"
	     " chain in { " BASE "\n  ip saddr 10.0.0.6 drop\n }\n}\n"
	     "table ip t {\n"
	     " chain out { type filter hook output priority 0; tcp dport 80 jump {\n"
	     "  ip daddr { 192.0.2.1, 192.0.2.2 } drop; }; }\n"
	     " chain c { drop; }\n}\n");
	nse_scope_add_table(&scope, "inet:vm", NULL);
	nse_scope_add_chain(&scope, "ip:t:out", NULL);
	nse_scope_add_chain(&scope, "?ip:t:c", NULL);
	collect();
	announce();
	assert_admitted();
	memcpy(scope.chains[0], "ip:t:xyz", 8);
	assert_refused("chain ip t out is not selected");
	memcpy(scope.chains[0], "ip:t:out", 8);
	memcpy(scope.chains[1], "?ip:x", 5);
	assert_refused("chain ip t c is neither selected nor referred to");
	memcpy(scope.chains[1], "?ip:t", 5);
	memcpy(scope.tables[0], "inet:xy", 7);
	assert_refused("table inet vm is not selected");
}

static void test_intervals(void **state)
{
	static const char rules[] =
		"table inet filter {\n set hosts { type ipv4_addr; flags interval;\n"
		"  elements = { 10.0.0.5, 10.0.0.6, 192.0.2.0/24 } }\n"
		" set pairs { type ipv4_addr . inet_service; flags interval;\n"
		"  elements = { 10.0.0.5 . 1-5, 10.0.0.0/24 . 7 } }\n}\n";
	struct nse_record rec;
	struct nft_key k;
	bool found = false;

	(void)state;
	load(rules);
	collect();
	announce();
	assert_admitted();
	/* Without its end the interval is all the addresses behind. */
	for (uint32_t s = 0; s < nse_context_slots(ctx) && !found; s++) {
		assert_true(nse_context_at(ctx, s, &rec));
		assert_int_equal(nft_key_decode(&rec, &k, &err), 0);
		found = k.type == NFT_ELEMENT && k.kind == NFT_ELEMENT_END;
	}
	assert_true(found);
	nse_context_del(ctx, rec.kind, rec.key);
	assert_refused(
		"element 10.0.0.5 of set inet filter hosts is in a set of everybody");
}

static void test_devices(void **state)
{
	(void)state;
	assert_int_equal(shell("ip link add vif5.0 type bridge"), 0);
	load("table netdev n {\n"
	     " chain mine { type filter hook ingress device vif5.0 priority 0;\n"
	     "  ip saddr 10.0.0.6 drop\n }\n}\n"
	     "table inet filter {\n chain forward { " BASE "\n"
	     "  iif vif5.0 tcp dport { 80, 81 } accept\n }\n}\n");
	collect();
	announce();
	assert_admitted();
	snprintf(scope.domain.vifs[0].name, IFNAMSIZ, "vif5.1");
	assert_refused("chain netdev n mine is not selected");
	load("table inet filter {\n chain forward { " BASE "\n"
	     "  iif vif5.0 accept\n }\n}\n");
	snprintf(scope.domain.vifs[0].name, IFNAMSIZ, "vif5.0");
	collect();
	assert_admitted();
	snprintf(scope.domain.vifs[0].name, IFNAMSIZ, "vif5.1");
	assert_refused("rule 0 of chain inet filter forward is in a chain of everybody");
	assert_int_equal(shell("ip link del vif5.0"), 0);
}

static void test_in_scope(void **state)
{
	struct nse_record rec;
	unsigned int in = 0;

	(void)state;
	load(TWO_DOMAINS);
	collect();
	for (uint32_t s = 0; s < nse_context_slots(ctx); s++)
		if (nse_context_at(ctx, s, &rec))
			in += nft_in_scope(&scope, &rec);
	/* Two anchor rules and two elements match by themselves. */
	assert_int_equal(in, 4);
	nse_scope_add_chain(&scope, "inet:filter:web1-more", NULL);
	for (uint32_t s = 0; s < nse_context_slots(ctx); s++)
		if (nse_context_at(ctx, s, &rec))
			in += nft_in_scope(&scope, &rec);
	/* And the chain with two rules, a set of two, and a block of one. */
	assert_int_equal(in, 4 + 4 + 8);
	scope.all = true;
	assert_true(nft_in_scope(&scope, &rec));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_own, domains_setup, admit_teardown),
		cmocka_unit_test_setup_teardown(test_of_another, domains_setup,
						admit_teardown),
		cmocka_unit_test_setup_teardown(test_one_more, domains_setup,
						admit_teardown),
		cmocka_unit_test_setup_teardown(test_one_less, domains_setup,
						admit_teardown),
		cmocka_unit_test_setup_teardown(test_selected, domains_setup,
						admit_teardown),
		cmocka_unit_test_setup_teardown(test_intervals, domains_setup,
						admit_teardown),
		cmocka_unit_test_setup_teardown(test_devices, domains_setup,
						admit_teardown),
		cmocka_unit_test_setup_teardown(test_in_scope, domains_setup,
						admit_teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!may_unshare())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
