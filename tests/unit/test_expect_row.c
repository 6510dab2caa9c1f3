/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Expectations as records: hostile bytes, membership of a scope, relocation and
 * their JSON. No kernel is needed.
 */
#include "tests/unit/expect_sample.h"

/* A record is refused, or it is the one encoding of what it says. */
static bool accepted(const struct nse_record *rec)
{
	struct nse_error err = { 0 };
	struct nse_expect e;
	struct bytes again;

	if (nse_engine_find("expect")->check(rec, &err) < 0) {
		assert_int_equal(err.code, -EBADMSG);
		return false;
	}
	assert_int_equal(nse_expect_decode(rec, &e, NULL), 0);
	pack(&again, &e);
	assert_true(nse_bytes_equal(rec->key, again.rec.key));
	assert_true(nse_bytes_equal(rec->body, again.rec.body));
	assert_true(nse_bytes_equal(rec->state, again.rec.state));
	unpack(&again);
	return true;
}

static struct nse_bytes *part(struct nse_record *rec, size_t i)
{
	return i == 0 ? &rec->key : i == 1 ? &rec->body : &rec->state;
}

static void test_hostile(void **state)
{
	struct nse_expect e = sample();
	struct nse_record cut;
	struct bytes b;

	(void)state;
	pack(&b, &e);
	assert_true(accepted(&b.rec));
	for (size_t i = 0; i < 3; i++) {
		struct nse_bytes whole = *part(&b.rec, i);
		uint8_t *longer = calloc(1, whole.n + 1);

		for (size_t n = 0; n < whole.n; n++) {
			/* Of its own size, so that reading past it is seen. */
			uint8_t *copy = malloc(n ? n : 1);

			memcpy(copy, whole.p, n);
			cut = b.rec;
			*part(&cut, i) = (struct nse_bytes){ copy, n };
			assert_false(accepted(&cut));
			free(copy);
		}
		memcpy(longer, whole.p, whole.n);
		cut = b.rec;
		*part(&cut, i) = (struct nse_bytes){ longer, whole.n + 1 };
		assert_false(accepted(&cut));
		*part(&cut, i) = (struct nse_bytes){ longer, whole.n };
		for (size_t n = 0; n < whole.n; n++) {
			for (int v = 0; v < 256; v++) {
				longer[n] = (uint8_t)v;
				accepted(&cut);
			}
			longer[n] = whole.p[n];
		}
		free(longer);
	}
	unpack(&b);
	memcpy(e.helper, "f\033tp", 5);
	pack(&b, &e);
	assert_false(accepted(&b.rec));
	unpack(&b);
	e = sample();
	e.zone_reply = 8;
	pack(&b, &e);
	assert_false(accepted(&b.rec));
	unpack(&b);
}

static bool lies_in(const struct nse_expect *e, const char *addr, int zone)
{
	struct nse_scope scope;
	struct bytes b;
	bool yes;

	scope_of(&scope, addr, zone);
	pack(&b, e);
	yes = nse_engine_find("expect")->in_scope(&scope, &b.rec);
	unpack(&b);
	nse_scope_release(&scope);
	return yes;
}

static void test_scope(void **state)
{
	struct nse_expect e = sample();
	struct nse_scope none;
	struct bytes b;

	(void)state;
	assert_true(lies_in(&e, NULL, -1));
	assert_true(lies_in(&e, "10.0.0.1", -1));
	assert_true(lies_in(&e, "10.0.0.2", -1));
	assert_true(lies_in(&e, "10.0.0.1", 7));
	assert_false(lies_in(&e, "10.0.0.1", 0));
	assert_true(lies_in(&e, NULL, 7));
	assert_false(lies_in(&e, NULL, 8));
	assert_false(lies_in(&e, "10.0.0.3", -1));
	/* A master of ours may not open the way to another's door. */
	e.nat = false;
	e.function[0] = '\0';
	memcpy(e.tuple.dst, "\x0a\x00\x00\x63", 4);
	assert_true(lies_in(&e, "10.0.0.1", -1));
	memset(e.mask_src, 0, sizeof(e.mask_src));
	assert_false(lies_in(&e, "10.0.0.1", -1));
	assert_false(lies_in(&e, "10.0.0.99", -1));
	nse_scope_init(&none);
	pack(&b, &e);
	assert_false(nse_engine_find("expect")->in_scope(&none, &b.rec));
	unpack(&b);
}

static void test_shared(void **state)
{
	const struct nse_engine *engine_expect = nse_engine_find("expect");
	struct nse_expect e = sample();
	struct nse_addr local[2];
	struct nse_scope scope;
	struct bytes b;

	(void)state;
	pack(&b, &e);
	scope_of(&scope, "10.0.0.1", -1);
	nse_addr_parse("10.0.0.77", &local[0], NULL);
	nse_addr_parse("10.0.0.2", &local[1], NULL);
	assert_false(engine_expect->shared(&b.rec, &scope, local, 1));
	assert_true(engine_expect->shared(&b.rec, &scope, local, 2));
	nse_addr_parse("10.0.0.1", &local[1], NULL);
	assert_false(engine_expect->shared(&b.rec, &scope, local, 2));
	nse_scope_release(&scope);
	unpack(&b);
}

static void test_relocate(void **state)
{
	struct nse_map map = NSE_MAP_INIT;
	struct nse_expect e = sample(), moved;
	struct nse_context *from = nse_context_new(), *to = NULL;
	struct nse_error err = { 0 };
	struct bytes b;

	(void)state;
	pack(&b, &e);
	assert_int_equal(nse_context_put(from, &b.rec, NULL), 0);
	assert_int_equal(nse_map_add_addr(&map, "10.0.0.2=172.16.0.2", NULL), 0);
	assert_int_equal(nse_map_add_addr(&map, "0.0.0.0/0=0.0.0.0/0", NULL), 0);
	assert_int_equal(nse_map_add_zone(&map, "7=9", NULL), 0);
	assert_int_equal(nse_engines_relocate(&map, from, &to, &err), 0);
	moved = only(to);
	assert_int_equal(moved.zone_orig, 9);
	assert_int_equal(moved.zone_reply, 9);
	memcpy(e.tuple.dst, "\xac\x10\x00\x02", 4);
	memcpy(e.master.dst, e.tuple.dst, 4);
	memcpy(e.reply_src, e.tuple.dst, 4);
	e.zone_orig = e.zone_reply = 9;
	assert_true(nse_expect_key_equal(&e, &moved));
	assert_true(nse_expect_body_equal(&e, &moved));
	assert_int_equal(moved.timeout, 300);
	nse_context_free(to);
	nse_context_free(from);
	nse_map_release(&map);
	unpack(&b);
}

static void test_describe(void **state)
{
	static const char want[] =
		"{'engine':'expect','type':'expectation','key':{'family':'ipv4',"
		"'proto':'tcp','src':'10.0.0.1','dst':'10.0.0.2','sport':0,"
		"'dport':30000,'mask':{'src':'255.255.255.255','sport':0},"
		"'master':{'proto':'tcp','src':'10.0.0.1','dst':'10.0.0.2',"
		"'sport':4000,'dport':21},'zone':7},'body':{'helper':'ftp',"
		"'flags':['permanent','0x40'],'class':2,"
		"'master_reply_src':'10.0.0.2','function':'nat-follow-master',"
		"'nat':{'dir':'reply','src':'10.0.0.9','sport':20000}},"
		"'state':{'timeout':300}}";
	struct nse_expect e = sample();
	char text[sizeof(want)];
	json_t *json, *wanted;
	struct bytes b;

	(void)state;
	pack(&b, &e);
	json = nse_record_to_json(&b.rec);
	memcpy(text, want, sizeof(want));
	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	wanted = json_loads(text, 0, NULL);
	assert_non_null(wanted);
	if (!json_equal(json, wanted))
		fail_msg("%s", json_dumps(json, JSON_COMPACT));
	json_decref(json);
	json_decref(wanted);
	unpack(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile),	 cmocka_unit_test(test_scope),
		cmocka_unit_test(test_shared),	 cmocka_unit_test(test_relocate),
		cmocka_unit_test(test_describe),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
