/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What `nsemig show` makes of records: columns, order, counts and JSON.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cmd/fields.c"
#include "cmd/json_text.c"
#include "cmd/output.c"
#include "cmd/record.c"
#include "cmd/show_columns.c"
#include "cmd/show_tally.c"
#include "cmd/usage.c"

/* Of cmd/main.c and cmd/options.c, which usage.c needs. */
const struct nse_opt nse_opts_common[] = { NSE_OPT_END };

const struct cmd_row *cmd_find(const char *name)
{
	(void)name;
	return NULL;
}

static json_t *record(const char *text)
{
	char copy[1024];
	json_t *rec;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *p = copy; *p; p++)
		if (*p == '\'')
			*p = '"';
	rec = json_loads(copy, 0, NULL);
	assert_non_null(rec);
	return rec;
}

static const char tcp[] =
	"{'engine':'conntrack','type':'entry',"
	"'key':{'family':'ipv4','proto':'tcp','src':'10.1.2.3','dst':'192.0.2.80',"
	"'sport':40000,'dport':443},"
	"'body':{'state':'ESTABLISHED','status':['seen-reply','assured'],'mark':0,"
	"'reply':{'src':'192.0.2.80','dst':'10.1.2.3','sport':443,'dport':40000},"
	"'tcp':{'wscale':[7,8]}},'state':{'timeout':60}}";
static const char nat[] =
	"{'engine':'conntrack','type':'entry',"
	"'key':{'family':'ipv6','proto':'udp','src':'2001:db8::1','dst':'2001:db8::2',"
	"'sport':1,'dport':53},"
	"'body':{'status':['seen-reply'],'mark':5,"
	"'reply':{'src':'2001:db8::2','dst':'2001:db8::9','sport':53,'dport':1}},"
	"'state':{'timeout':3,'start':'2026-01-01T00:00:00Z'}}";

static void column_is(const char *name, const char *rec_text, const char *want)
{
	struct show_columns c;
	struct nse_error err = { 0 };
	json_t *rec = record(rec_text);
	char text[CMD_TEXT], *full;

	assert_int_equal(show_columns_parse(&c, name, &err), 0);
	assert_string_equal(show_column_text(&c.items[0], rec, text), want);
	full = show_column_full(&c.items[0], rec);
	assert_string_equal(full, want);
	free(full);
	json_decref(rec);
}

static void test_columns(void **state)
{
	(void)state;
	column_is("proto", tcp, "tcp");
	column_is("STATE", tcp, "ESTABLISHED");
	column_is("state", nat, "");
	column_is("timeout", tcp, "60");
	column_is("Source", tcp, "10.1.2.3:40000");
	column_is("destination", nat, "[2001:db8::2]:53");
	column_is("reply", tcp, "");
	column_is("reply", nat, "[2001:db8::2]:53 -> [2001:db8::9]:1");
	column_is("reply.dst", nat, "2001:db8::9");
	column_is("body.reply.dst", nat, "2001:db8::9");
	column_is("mark", tcp, "");
	column_is("mark", nat, "5");
	column_is("status", tcp, "seen-reply,assured");
	column_is("tcp.wscale", tcp, "7,8");
	column_is("tcp", tcp, "{\"wscale\":[7,8]}");
	column_is("helper", tcp, "");
	column_is("engine", tcp, "conntrack");
}

static void column_fails(const char *list, const char *part)
{
	struct nse_error err = { 0 };
	struct show_columns c;

	assert_int_equal(show_columns_parse(&c, list, &err), -EINVAL);
	if (!strstr(err.text, part))
		fail_msg("'%s' gave '%s'", list, err.text);
}

static void test_unknown_columns(void **state)
{
	struct nse_error err = { 0 };

	(void)state;
	column_fails("proto,prot", "'prot'");
	column_fails("prot", "did you mean 'proto'?");
	column_fails("prot", "destination");
	column_fails("", "''");
	column_fails("proto,,src", "''");
	column_fails("reply.nothing", "'reply.nothing'");
	assert_int_equal(show_column_check("dport", &err), 0);
	assert_int_equal(show_column_check("dprt", &err), -EINVAL);
}

static void test_json_text(void **state)
{
	static const char *const texts[] = {
		"{}",
		"[]",
		"{'a':[1,-2,9223372036854775807,-9223372036854775808,0],'b':{'c':null}}",
		"[true,false,null,1.5,{'':''}]",
		"['\\u00e4\\u20ac\\ud834\\udd1e','\\n\\t\\r\\b\\f\\u0001\\u001f/\\u007f']",
	};
	json_t *quotes = json_pack("[s]", "\"\\'x");

	(void)state;
	for (size_t i = 0; i <= NSE_ARRAY_SIZE(texts); i++) {
		json_t *v = i < NSE_ARRAY_SIZE(texts) ? record(texts[i]) : quotes;
		struct nse_buf buf = NSE_BUF_INIT(1 << 20);
		char *want = json_dumps(v, JSON_COMPACT);

		assert_int_equal(cmd_json_text(&buf, v), 0);
		assert_int_equal(buf.len, strlen(want));
		assert_memory_equal(buf.data, want, buf.len);
		nse_buf_release(&buf);
		free(want);
		json_decref(v);
	}
}

/* Two parts that are merged count what one alone counts. */
static void test_tally(void **state)
{
	struct show_tally *one = calloc(2, sizeof(*one)), *two = one + 1;
	json_t *a = record(tcp), *b = record(nat);

	(void)state;
	show_tally_add(one, a);
	show_tally_add(one, a);
	show_tally_add(two, a);
	show_tally_add(two, b);
	assert_false(one->nat || one->marks);
	show_tally_merge(one, two);
	assert_int_equal(one->total, 4);
	assert_int_equal(one->n, 2);
	assert_int_equal(one->items[0].n, 3);
	assert_string_equal(one->items[0].state, "ESTABLISHED");
	assert_string_equal(one->items[1].state, "replied");
	assert_int_equal(one->next_ms, 3000);
	assert_string_equal(one->start, "2026-01-01T00:00:00Z");
	assert_true(one->nat && one->marks);
	assert_false(one->zones);
	json_decref(a);
	json_decref(b);
	free(one);
}

static void test_sets(void **state)
{
	struct show_tally *t = calloc(1, sizeof(*t));
	char text[256];
	json_t *rec;

	(void)state;
	for (int i = 0; i < SHOW_MAX_ITEMS + 2; i++) {
		snprintf(text, sizeof(text),
			 "{'engine':'nft','type':'element','key':{'family':'ip',"
			 "'table':'t','set':'s%d','kind':'plain','element':'::1'},"
			 "'body':{},'state':{'expires_ms':%d}}",
			 i, 9000 - i);
		rec = record(text);
		show_tally_add(t, rec);
		show_tally_add(t, rec);
		json_decref(rec);
	}
	assert_string_equal(t->sets.items[0].name, "ip t s0");
	assert_int_equal(t->sets.items[0].n, 2);
	assert_int_equal(t->sets.n, SHOW_MAX_ITEMS);
	assert_int_equal(t->sets.more, 4);
	assert_string_equal(t->next, "nft element ip t s33 { ::1 }");
	rec = record("{'engine':'nft','type':'rule','key':{'family':'ip','table':'t',"
		     "'chain':'c','number':3},'body':{'expressions':[{'name':'quota',"
		     "'limit':1000}]},'state':{'used':400}}");
	show_tally_add(t, rec);
	json_decref(rec);
	assert_string_equal(t->quotas.items[0].name, "ip t c rule 3");
	assert_int_equal(t->quotas.items[0].n, 400);
	assert_int_equal(t->quotas.items[0].limit, 1000);
	free(t);
}

static void safe_is(const char *text, const char *want)
{
	char out[128];

	assert_string_equal(cmd_safe(text, out, sizeof(out)), want);
}

/* What a name in a file could do to a terminal. */
static void test_safe(void **state)
{
	char small[16];

	(void)state;
	safe_is("web 1", "web 1");
	safe_is("\033[2J\t\x7f", "\\x1b[2J\\x09\\x7f");
	safe_is("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\x92",
		"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x94\x92");
	safe_is("\xc2\x9b"
		"2J",
		"\\xc2\\x9b2J");
	safe_is("\x9b"
		"2J",
		"\\x9b2J");
	safe_is("\xe0\x80\x9b", "\\xe0\\x80\\x9b");
	safe_is("\xe2\x80\xae"
		"a",
		"\\xe2\\x80\\xae"
		"a");
	safe_is("\xc3", "\\xc3");
	safe_is("\xe2\x82", "\\xe2\\x82");
	assert_string_equal(cmd_safe("\xf0\x9f\x94\x92\xf0\x9f\x94\x92"
				     "\xf0\x9f\x94\x92\xf0\x9f\x94\x92",
				     small, sizeof(small)),
			    "\xf0\x9f\x94\x92\xf0\x9f\x94\x92\xf0\x9f\x94\x92");
}

static void span_is(int64_t seconds, const char *want)
{
	char out[CMD_NUMBER];

	assert_string_equal(cmd_span(seconds, out), want);
}

static void test_span(void **state)
{
	(void)state;
	span_is(0, "0 s");
	span_is(59, "59 s");
	span_is(60, "1 min");
	span_is(299, "4 min 59 s");
	span_is(3600 + 59, "1 h");
	span_is(3600 + 60, "1 h 1 min");
	span_is(432000 + 3 * 3600, "5 d 3 h");
	span_is(INT64_MAX, "106751991167300 d 15 h");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),	  cmocka_unit_test(test_unknown_columns),
		cmocka_unit_test(test_json_text), cmocka_unit_test(test_tally),
		cmocka_unit_test(test_sets),	  cmocka_unit_test(test_safe),
		cmocka_unit_test(test_span),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
