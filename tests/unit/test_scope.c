/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scopes and the domains in them: building, membership, JSON both ways, and
 * JSON that somebody else made.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include <cmocka.h>

#include "lib/context/scope.h"

static void add_addr(struct nse_scope *s, const char *text)
{
	struct nse_addr addr;

	assert_int_equal(nse_addr_parse(text, &addr, NULL), 0);
	assert_int_equal(nse_domain_add_addr(&s->domain, &addr), 0);
}

static bool has(const struct nse_scope *s, const char *text)
{
	struct nse_addr addr;

	assert_int_equal(nse_addr_parse(text, &addr, NULL), 0);
	return nse_scope_has_addr(s, addr.family, addr.bytes);
}

static void test_membership(void **state)
{
	struct nse_scope s;

	(void)state;
	nse_scope_init(&s);
	assert_true(nse_scope_empty(&s));
	assert_false(has(&s, "10.0.0.1")); /* nothing chosen: nothing in scope */
	assert_int_equal(nse_scope_add_zone(&s, 5, NULL), 0);
	assert_false(nse_scope_empty(&s));
	assert_true(has(&s, "10.0.0.1")); /* a zone alone: any address in it */
	assert_true(nse_scope_has_zone(&s, 5));
	assert_false(nse_scope_has_zone(&s, 6));
	add_addr(&s, "192.0.2.0/24");
	add_addr(&s, "2001:db8::1");
	add_addr(&s, "2001:db8::1");
	assert_int_equal(s.domain.naddrs, 2);
	assert_true(has(&s, "192.0.2.9"));
	assert_true(has(&s, "2001:db8::1"));
	assert_false(has(&s, "10.0.0.1"));
	s.all = true;
	assert_true(has(&s, "10.0.0.1"));
	assert_true(nse_scope_has_zone(&s, 6));
	nse_scope_release(&s);
	nse_scope_release(NULL);
	nse_scope_init(&s);
	add_addr(&s, "10.0.0.1");
	assert_true(nse_scope_has_zone(&s, 6)); /* no zone: any */
	nse_scope_release(&s);
}

static void test_selectors(void **state)
{
	static const char *const tables[] = { "inet:filter", "ip:nat", "ip6:a",
					      "bridge:b",    "arp:c",  "netdev:d" };
	static const char *const bad[] = {
		"",	    "inet",  "inet:",  ":x",	   "inet::x",	 "inet:x:",
		"inet:x:y", "ipx:x", "INET:x", "inet:a b", "inet:a\x1b", "inet:a\n"
	};
	struct nse_scope s;
	struct nse_error err;
	char spec[600];

	(void)state;
	nse_scope_init(&s);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		assert_int_equal(nse_scope_add_table(&s, tables[i], &err), 0);
	assert_int_equal(nse_scope_add_table(&s, tables[0], &err), 0);
	assert_int_equal(s.ntables, 6);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(nse_scope_add_table(&s, bad[i], &err), -EINVAL);
		assert_non_null(strstr(err.text, "FAMILY:TABLE"));
	}
	assert_int_equal(nse_scope_add_chain(&s, "inet:filter:vif5.0", &err), 0);
	assert_int_equal(nse_scope_add_chain(&s, "inet:filter", &err), -EINVAL);
	assert_int_equal(nse_scope_add_chain(&s, "inet::filter:x", &err), -EINVAL);
	memset(spec, 'x', sizeof(spec));
	memcpy(spec, "ip:", 3);
	spec[NSE_SCOPE_SELECTOR_MAX + 1] = '\0';
	assert_int_equal(nse_scope_add_table(&s, spec, &err), -EINVAL);
	spec[NSE_SCOPE_SELECTOR_MAX] = '\0';
	assert_int_equal(nse_scope_add_table(&s, spec, &err), 0);
	for (int i = 7; i < NSE_SCOPE_MAX_SELECTORS; i++) {
		snprintf(spec, sizeof(spec), "ip:t%d", i);
		assert_int_equal(nse_scope_add_table(&s, spec, &err), 0);
	}
	assert_int_equal(nse_scope_add_table(&s, "ip:more", &err), -E2BIG);
	assert_int_equal(nse_scope_add_table(&s, tables[0], &err), 0);
	for (int i = 0; i < NSE_SCOPE_MAX_ZONES; i++)
		assert_int_equal(nse_scope_add_zone(&s, (uint16_t)i, &err), 0);
	assert_int_equal(nse_scope_add_zone(&s, 9999, &err), -E2BIG);
	nse_scope_release(&s);
}

/* '?': may be missing; the same one without it is stronger. */
static void test_may_miss(void **state)
{
	struct nse_scope s, back;
	struct nse_error err;
	json_t *json;

	(void)state;
	nse_scope_init(&s);
	nse_scope_init(&back);
	assert_int_equal(nse_scope_add_table(&s, "?inet:a", &err), 0);
	assert_int_equal(nse_scope_add_table(&s, "inet:b", &err), 0);
	assert_int_equal(nse_scope_add_table(&s, "?inet:b", &err), 0);
	assert_int_equal(nse_scope_add_chain(&s, "?inet:f:a", &err), 0);
	assert_int_equal(nse_scope_add_chain(&s, "inet:f:a", &err), 0);
	assert_true(s.ntables == 2 && s.nchains == 1);
	assert_string_equal(s.tables[0], "?inet:a");
	assert_string_equal(s.tables[1], "inet:b");
	assert_string_equal(s.chains[0], "inet:f:a");
	assert_int_equal(nse_scope_add_table(&s, "??inet:a", &err), -EINVAL);
	assert_int_equal(nse_scope_add_table(&s, "?", &err), -EINVAL);
	json = nse_scope_to_json(&s);
	assert_int_equal(nse_scope_from_json(json, &back, &err), 0);
	json_decref(json);
	assert_string_equal(back.tables[0], "?inet:a");
	assert_int_equal(nse_scope_relax(&back), 0);
	assert_string_equal(back.tables[0], "?inet:a");
	assert_string_equal(back.tables[1], "?inet:b");
	assert_string_equal(back.chains[0], "?inet:f:a");
	nse_scope_release(&s);
	nse_scope_release(&back);
}

/* More interfaces than one domain may have: those of all others. */
static void test_copy_of_many(void **state)
{
	struct nse_scope s, copy;

	(void)state;
	nse_scope_init(&s);
	nse_scope_init(&copy);
	s.others.vifs = calloc(1000, sizeof(*s.others.vifs));
	assert_non_null(s.others.vifs);
	s.others.nvifs = 1000;
	snprintf(s.others.vifs[999].name, IFNAMSIZ, "vif999.0");
	s.carry_shared = true;
	assert_int_equal(nse_scope_copy(&copy, &s), 0);
	nse_scope_release(&s);
	assert_int_equal(copy.others.nvifs, 1000);
	assert_string_equal(copy.others.vifs[999].name, "vif999.0");
	assert_true(copy.carry_shared);
	nse_scope_release(&copy);
}

static void full_scope(struct nse_scope *s)
{
	struct nse_vif vif = { 1, "vif5.1", "00:16:3e:00:00:0a", "xenbr0" };

	nse_scope_init(s);
	s->all = true;
	snprintf(s->domain.name, sizeof(s->domain.name), "web1");
	snprintf(s->domain.uuid, sizeof(s->domain.uuid),
		 "0123abcd-0123-0123-0123-0123456789ab");
	s->domain.id = 5;
	assert_int_equal(nse_domain_add_vif(&s->domain, &vif), 0);
	add_addr(s, "192.0.2.0/24");
	add_addr(s, "2001:db8::1");
	assert_int_equal(nse_scope_add_zone(s, 65535, NULL), 0);
	assert_int_equal(nse_scope_add_table(s, "inet:filter", NULL), 0);
	assert_int_equal(nse_scope_add_chain(s, "inet:filter:in", NULL), 0);
}

static void check_full(const struct nse_scope *s)
{
	char text[NSE_ADDR_STR];

	assert_true(s->all);
	assert_string_equal(s->domain.name, "web1");
	assert_string_equal(s->domain.uuid, "0123abcd-0123-0123-0123-0123456789ab");
	assert_int_equal(s->domain.id, 5);
	assert_int_equal(s->domain.nvifs, 1);
	assert_int_equal(s->domain.vifs[0].devid, 1);
	assert_string_equal(s->domain.vifs[0].name, "vif5.1");
	assert_string_equal(s->domain.vifs[0].mac, "00:16:3e:00:00:0a");
	assert_string_equal(s->domain.vifs[0].bridge, "xenbr0");
	assert_int_equal(s->domain.naddrs, 2);
	assert_string_equal(nse_addr_format(&s->domain.addrs[0], text), "192.0.2.0/24");
	assert_true(s->nzones == 1 && s->zones[0] == 65535);
	assert_true(s->ntables == 1 && s->nchains == 1);
	assert_string_equal(s->chains[0], "inet:filter:in");
}

static void test_copy_and_json(void **state)
{
	struct nse_scope s, copy, back;
	struct nse_error err;
	json_t *json;

	(void)state;
	full_scope(&s);
	nse_scope_init(&copy);
	assert_int_equal(nse_scope_copy(&copy, &s), 0);
	json = nse_scope_to_json(&s);
	assert_non_null(json);
	nse_scope_release(&s);
	check_full(&copy);
	full_scope(&back); /* what was in it before is replaced */
	assert_int_equal(nse_scope_from_json(json, &back, &err), 0);
	check_full(&back);
	json_decref(json);
	nse_scope_release(&copy);
	nse_scope_release(&back);
}

/* Nothing may get lost silently because of its spelling. */
static void test_not_utf8(void **state)
{
	struct nse_vif vif = { 0, "vif5.0", "", "\xff" };
	struct nse_scope s;

	(void)state;
	nse_scope_init(&s);
	assert_int_equal(nse_domain_add_vif(&s.domain, &vif), 0);
	assert_null(nse_domain_to_json(&s.domain));
	assert_null(nse_scope_to_json(&s));
	nse_scope_release(&s);
	assert_int_equal(nse_scope_add_table(&s, "ip:\xff", NULL), 0);
	assert_null(nse_scope_to_json(&s));
	nse_scope_release(&s);
}

static int from_text(const char *text, struct nse_scope *s, struct nse_error *err)
{
	json_t *json = json_loads(text, 0, NULL);
	int rc;

	assert_non_null(json);
	rc = nse_scope_from_json(json, s, err);
	json_decref(json);
	return rc;
}

static void test_hostile_json(void **state)
{
	static const char *const bad[] = {
		"[]",
		"{\"all\":1}",
		"{\"zones\":{}}",
		"{\"zones\":[65536]}",
		"{\"zones\":[-1]}",
		"{\"zones\":[1.0]}",
		"{\"zones\":[\"1\"]}",
		"{\"tables\":\"ip:x\"}",
		"{\"tables\":[1]}",
		"{\"tables\":[\"ip\"]}",
		"{\"chains\":[\"ip:x\"]}",
		"{\"domain\":[]}",
		"{\"domain\":{\"name\":1}}",
		"{\"domain\":{\"name\":\"a\\nb\"}}",
		"{\"domain\":{\"name\":\"\\u001b[2J\"}}",
		"{\"domain\":{\"uuid\":\"0123\"}}",
		"{\"domain\":{\"uuid\":\"0123abcd-0123-0123-0123-0123456789az\"}}",
		"{\"domain\":{\"id\":-2}}",
		"{\"domain\":{\"id\":4294967296}}",
		"{\"domain\":{\"id\":\"5\"}}",
		"{\"domain\":{\"vifs\":{}}}",
		"{\"domain\":{\"vifs\":[1]}}",
		"{\"domain\":{\"vifs\":[{}]}}",
		"{\"domain\":{\"vifs\":[{\"name\":\"a/b\"}]}}",
		"{\"domain\":{\"vifs\":[{\"name\":\"..\"}]}}",
		"{\"domain\":{\"vifs\":[{\"name\":\"sixteen-bytes-xx\"}]}}",
		"{\"domain\":{\"vifs\":[{\"name\":\"a\",\"devid\":-1}]}}",
		"{\"domain\":{\"vifs\":[{\"name\":\"a\",\"bridge\":\"b c\"}]}}",
		"{\"domain\":{\"vifs\":[{\"name\":\"a\",\"mac\":\"00:16:3e:00:00\"}]}}",
		"{\"domain\":{\"vifs\":[{\"name\":\"a\",\"mac\":\"00:16:3e:00:00:0g\"}]}}",
		"{\"domain\":{\"addresses\":{}}}",
		"{\"domain\":{\"addresses\":[1]}}",
		"{\"domain\":{\"addresses\":[\"192.0.2.1/33\"]}}",
	};
	struct nse_scope s;
	struct nse_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		full_scope(&s);
		err = (struct nse_error){ 0 };
		if (from_text(bad[i], &s, &err) != -EPROTO)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(err.code, -EPROTO);
		assert_true(err.text[0]);
		check_full(&s); /* untouched */
		nse_scope_release(&s);
	}
}

static void test_lenient_json(void **state)
{
	struct nse_scope s;
	struct nse_error err;

	(void)state;
	assert_int_equal(nse_scope_from_json(NULL, &s, &err), -EPROTO);
	nse_scope_init(&s);
	assert_int_equal(from_text("{}", &s, &err), 0);
	assert_int_equal(s.domain.id, -1);
	assert_true(nse_scope_empty(&s));
	assert_int_equal(from_text("{\"domain\":{\"uuid\":\"0123ABCD-0123-0123-0123-"
				   "0123456789AB\",\"vifs\":[{\"name\":\"v\",\"mac\":"
				   "\"00:16:3E:00:00:0A\"}]},\"new\":1}",
				   &s, &err),
			 0);
	assert_string_equal(s.domain.uuid, "0123abcd-0123-0123-0123-0123456789ab");
	assert_string_equal(s.domain.vifs[0].mac, "00:16:3e:00:00:0a");
	nse_scope_release(&s);
}

/* More of everything than may be. */
static void test_too_much_json(void **state)
{
	json_t *json, *vifs = json_array(), *addrs = json_array();
	struct nse_scope s;
	struct nse_error err;
	char text[32];

	(void)state;
	for (int i = 0; i <= NSE_DOMAIN_MAX_VIFS; i++) {
		snprintf(text, sizeof(text), "vif%d", i);
		json_array_append_new(vifs, json_pack("{s:s}", "name", text));
	}
	for (int i = 0; i <= NSE_DOMAIN_MAX_ADDRS; i++) {
		snprintf(text, sizeof(text), "10.0.%d.%d", i / 256, i % 256);
		json_array_append_new(addrs, json_string(text));
	}
	nse_scope_init(&s);
	json = json_pack("{s:{s:O}}", "domain", "vifs", vifs);
	assert_int_equal(nse_scope_from_json(json, &s, &err), -EPROTO);
	assert_non_null(strstr(err.text, "more than 64 vifs"));
	json_decref(json);
	json = json_pack("{s:{s:O}}", "domain", "addresses", addrs);
	assert_int_equal(nse_scope_from_json(json, &s, &err), -EPROTO);
	assert_non_null(strstr(err.text, "more than 1024 addresses"));
	json_decref(json);
	json_array_remove(vifs, 0);
	json_array_remove(addrs, 0);
	json = json_pack("{s:{s:o, s:o}}", "domain", "vifs", vifs, "addresses", addrs);
	assert_int_equal(nse_scope_from_json(json, &s, &err), 0);
	assert_int_equal(s.domain.nvifs, NSE_DOMAIN_MAX_VIFS);
	assert_int_equal(s.domain.naddrs, NSE_DOMAIN_MAX_ADDRS);
	json_decref(json);
	nse_scope_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_membership),    cmocka_unit_test(test_selectors),
		cmocka_unit_test(test_copy_and_json), cmocka_unit_test(test_not_utf8),
		cmocka_unit_test(test_hostile_json),  cmocka_unit_test(test_lenient_json),
		cmocka_unit_test(test_too_much_json), cmocka_unit_test(test_may_miss),
		cmocka_unit_test(test_copy_of_many),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
