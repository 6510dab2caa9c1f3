/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Filter expressions against records, and the columns of their errors.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/context/filter.h"

static const char tcp[] =
	"{'engine':'conntrack','type':'entry',"
	"'key':{'family':'ipv4','proto':'tcp','src':'10.1.2.3','dst':'192.0.2.80',"
	"'sport':40000,'dport':443,'zone':0},"
	"'body':{'state':'ESTABLISHED','status':['confirmed','assured'],"
	"'mark':16,'reply':{'src':'172.16.0.80','dst':'10.1.2.3'},"
	"'helper':'','liberal':false},"
	"'state':{'timeout':431999}}";

static const char expect6[] =
	"{'engine':'expect','type':'expectation',"
	"'key':{'family':'ipv6','proto':'tcp','src':'::','dst':'2001:db8::5',"
	"'dport':30000,'master':{'src':'2001:db8:1::9','dport':21}},"
	"'body':{'helper':'ftp','flags':['permanent'],'classes':[0,3]},"
	"'state':{'timeout':300}}";

static bool run(const char *expr, const char *record)
{
	struct nse_error err = { 0 };
	struct nse_filter *f = NULL;
	char text[1024];
	json_t *rec;
	bool yes;

	snprintf(text, sizeof(text), "%s", record);
	for (char *p = text; *p; p++)
		if (*p == '\'')
			*p = '"';
	rec = json_loads(text, 0, NULL);
	assert_non_null(rec);
	if (nse_filter_parse(&f, expr, &err) < 0)
		fail_msg("%s: %s", expr, err.text);
	yes = nse_filter_match(f, rec);
	nse_filter_free(f);
	json_decref(rec);
	return yes;
}

#define yes(expr, record)                                                                \
	do {                                                                             \
		if (!run(expr, record))                                                  \
			fail_msg("should match: %s", expr);                              \
	} while (0)
#define no(expr, record)                                                                 \
	do {                                                                             \
		if (run(expr, record))                                                   \
			fail_msg("should not match: %s", expr);                          \
	} while (0)

static void test_equal(void **state)
{
	(void)state;
	yes("proto=tcp", tcp);
	yes("proto = TCP", tcp);
	no("proto=udp", tcp);
	yes("proto!=udp", tcp);
	no("proto!=tcp", tcp);
	yes("engine=conntrack", tcp);
	no("engine=conntrack", expect6);
	yes("helper=''", tcp);
	no("helper=\"\"", expect6);
	yes("liberal=false", tcp);
	no("liberal=true", tcp);
}

static void test_numbers(void **state)
{
	(void)state;
	yes("dport=443", tcp);
	no("dport=44", tcp);
	yes("dport=0x1bb", tcp);
	yes("dport=1-1023", tcp);
	no("dport=444-1023", tcp);
	no("dport!=1-1023", tcp);
	yes("sport>39999", tcp);
	no("sport>40000", tcp);
	yes("sport>=40000", tcp);
	yes("sport<=40000", tcp);
	no("sport<40000", tcp);
	yes("timeout < 0xffffff", tcp);
	no("dport=tcp", tcp);
	no("proto=443", tcp);
	no("proto>1", tcp);
	yes("mark=16", tcp);
}

static void test_addresses(void **state)
{
	(void)state;
	yes("src=10.1.2.3", tcp);
	yes("src=10.0.0.0/8", tcp);
	no("src=10.1.2.0/31", tcp);
	yes("not src=11.0.0.0/8", tcp);
	no("src!=10.0.0.0/8", tcp);
	yes("dst=2001:db8::/32", expect6);
	yes("dst=2001:0db8:0:0::5", expect6);
	no("dst=2001:db8:1::/48", expect6);
	no("src=::/0", tcp);
	no("dst=0.0.0.0/0", expect6);
}

static void test_paths(void **state)
{
	(void)state;
	yes("reply.src=172.16.0.0/12", tcp);
	yes("body.reply.src=172.16.0.80", tcp);
	no("reply.src=10.1.2.3", tcp);
	yes("master.dport=21", expect6);
	yes("key.master.src=2001:db8:1::9", expect6);
	no("dport=21", expect6);
	yes("state=established", tcp);
	yes("state.timeout=431999", tcp);
	yes("timeout=431999", tcp);
	no("state=established", expect6);
	no("reply=172.16.0.80", tcp);
}

static void test_missing(void **state)
{
	(void)state;
	no("nothing=1", tcp);
	yes("nothing!=1", tcp);
	no("nothing~x", tcp);
	no("nothing<1", tcp);
	no("reply.nothing.deep=1", tcp);
	no("proto.deep=tcp", tcp);
}

static void test_arrays(void **state)
{
	(void)state;
	yes("status=assured", tcp);
	yes("body.status=CONFIRMED", tcp);
	no("status=assure", tcp);
	yes("status~assure", tcp);
	no("status!=assured", tcp);
	yes("status!=dying", tcp);
	yes("classes=3", expect6);
	yes("classes=2-9", expect6);
	no("classes=1", expect6);
	yes("classes>2", expect6);
}

static void test_substring(void **state)
{
	(void)state;
	yes("engine~track", tcp);
	yes("engine~'TRACK'", tcp);
	no("engine~expect", tcp);
	yes("dst~db8", expect6);
}

static void test_logic(void **state)
{
	(void)state;
	yes("proto=tcp and dport=443", tcp);
	no("proto=tcp and dport=80", tcp);
	yes("proto=udp or dport=443", tcp);
	/* and binds tighter than or */
	yes("dport=443 or proto=udp and dport=80", tcp);
	no("(dport=443 or proto=udp) and sport=80", tcp);
	yes("not proto=udp and not (dport=80 or dport=81)", tcp);
	no("not not proto=udp", tcp);
	yes("proto=tcp and dport=443 and not src=192.168.0.0/16 or state=NONE", tcp);
	yes("  ( proto=tcp )  ", tcp);
	yes("not(proto=udp)", tcp);
	yes("(proto=tcp)and(dport=443)", tcp);
}

static void test_lists(void **state)
{
	(void)state;
	yes("dport=80,443", tcp);
	no("dport=80,444-500", tcp);
	yes("dport=80,400-500", tcp);
	no("dport!=80,443", tcp);
	yes("dport!=80,81", tcp);
	yes("state in (SYN_SENT, ESTABLISHED)", tcp);
	no("state in (SYN_SENT,NONE)", tcp);
	yes("state not in (SYN_SENT,NONE) and dport=443", tcp);
	yes("dport in 80,443", tcp);
	yes("nothing not in (1)", tcp);
	yes("src=10.9.9.9,10.1.0.0/16", tcp);
	no("helper='a,b'", tcp);
}

static void test_ranges(void **state)
{
	(void)state;
	yes("src=10.1.2.0-10.1.2.9", tcp);
	yes("src=10.1.2.3-10.1.2.3", tcp);
	no("src=10.1.2.4-10.1.2.9", tcp);
	no("src=::-ffff::", tcp);
	yes("dst=2001:db8::1-2001:db8::f", expect6);
	yes("dst=192.0.2.0/25", tcp);
	no("src!=10.1.2.0-10.1.2.9", tcp);
	yes("timeout=0x1-0xffffff", tcp);
}

static void test_either(void **state)
{
	(void)state;
	yes("addr=10.1.2.3", tcp);
	yes("addr=192.0.2.80", tcp);
	yes("addr=172.16.0.0/12", tcp);
	no("addr=172.32.0.0/12", tcp);
	no("addr!=10.0.0.0/8", tcp);
	yes("addr!=11.0.0.0/8", tcp);
	yes("port=443 and port=40000", tcp);
	no("port=80", tcp);
}

static void test_signs(void **state)
{
	(void)state;
	yes("proto==tcp && dport==443", tcp);
	yes("proto=udp || !(dport=80)", tcp);
	yes("!proto=udp", tcp);
	yes("proto=tcp AND NOT dport=80 OR proto=udp", tcp);
	yes("state!~ESTAB or proto=tcp", tcp);
	no("state!~ESTAB", tcp);
}

/* The field of a record by its path: values before objects, never the parts. */
static void test_field(void **state)
{
	json_t *rec = json_pack("{s:{s:s},s:{s:{s:i}},s:{s:i}}", "key", "src", "::1",
				"body", "reply", "sport", 5, "state", "timeout", 7);

	(void)state;
	assert_string_equal(json_string_value(nse_filter_field(rec, "src")), "::1");
	assert_int_equal(json_integer_value(nse_filter_field(rec, "reply.sport")), 5);
	assert_true(json_is_object(nse_filter_field(rec, "reply")));
	assert_null(nse_filter_field(rec, "state"));
	assert_int_equal(json_integer_value(nse_filter_field(rec, "state.timeout")), 7);
	assert_null(nse_filter_field(rec, "src.deep"));
	json_decref(rec);
}

static bool known(void *arg, const char *field, char *why, size_t room)
{
	snprintf(why, room, "no %s here", field);
	return strcmp(field, arg) == 0;
}

static void test_names(void **state)
{
	struct nse_error err = { 0 };
	struct nse_filter *f = NULL;

	(void)state;
	assert_int_equal(nse_filter_parse(&f, "a=1 and not (a=2 or addr=::1)", &err), 0);
	assert_int_equal(nse_filter_check(f, known, "a", &err), 0);
	nse_filter_free(f);
	assert_int_equal(nse_filter_parse(&f, "a=1 and (a=2 or bc=3)", &err), 0);
	assert_int_equal(nse_filter_check(f, known, "a", &err), -EINVAL);
	assert_string_equal(err.text, "filter, column 17: no bc here\n"
				      "a=1 and (a=2 or bc=3)\n"
				      "                ^");
	nse_filter_free(f);
}

static void column(const char *expr, int at)
{
	struct nse_error err = { 0 };
	struct nse_filter *f = NULL;
	char want[64];

	snprintf(want, sizeof(want), "filter, column %d:", at);
	assert_int_equal(nse_filter_parse(&f, expr, &err), -EINVAL);
	assert_null(f);
	assert_int_equal(err.code, -EINVAL);
	if (!strstr(err.text, want))
		fail_msg("'%s' gave '%s', not '%s'", expr, err.text, want);
}

static void test_errors(void **state)
{
	(void)state;
	column("", 1);
	column("   ", 4);
	column("proto", 6);
	column("proto tcp", 7);
	column("=tcp", 1);
	column("proto=", 7);
	column("proto= ", 8);
	column("proto=tcp and", 14);
	column("proto=tcp and ", 15);
	column("proto=tcp dport=1", 11);
	column("(proto=tcp", 11);
	column("proto=tcp)", 10);
	column("(proto=tcp dport=1)", 12);
	column("dport<x", 7);
	column("dport >= 1-5", 10);
	column("a='open", 3);
	column("a=()", 3);
	column("not", 4);
	column("a=1 or or b=2", 8);
	column("proto==tcp and (x", 18);
	column("dport=", 7);
	column("dport=80,", 10);
	column("dport in (80", 13);
	column("dport in (80 81)", 14);
	column("dport in ()", 11);
	column("state not ESTABLISHED", 11);
	column("src=10.0.0.300", 5);
	column("src=10.0.0.0/33", 5);
	column("src=10.0.0.9-10.0.0.1", 5);
	column("dport=443-80", 7);
	column("proto=tcp,'open", 11);
}

static void caret(const char *expr, const char *want)
{
	struct nse_error err = { 0 };
	struct nse_filter *f = NULL;

	assert_int_equal(nse_filter_parse(&f, expr, &err), -EINVAL);
	assert_string_equal(strchr(err.text, '\n'), want);
}

/* The caret stands below the place, also after tabs, letters and a long way. */
static void test_caret(void **state)
{
	char expr[300], want[300];

	(void)state;
	caret("dport<x", "\ndport<x\n      ^");
	caret("a\t=1 b", "\na =1 b\n     ^");
	caret("a='\xc3\xa4' b", "\na='\xc3\xa4' b\n      ^");
	memset(expr, 0, sizeof(expr));
	memset(expr, ' ', 200);
	expr[200] = 'x';
	snprintf(want, sizeof(want), "\n%*sx\n%*s^", 59, "", 60, "");
	caret(expr, want);
}

static void test_limits(void **state)
{
	char text[NSE_FILTER_MAX + 2];
	struct nse_error err = { 0 };
	struct nse_filter *f = NULL;
	json_t *rec;
	size_t n;

	(void)state;
	memset(text, '(', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(nse_filter_parse(&f, text, &err), -EINVAL);
	assert_non_null(strstr(err.text, "longer than"));
	text[NSE_FILTER_MAX] = '\0';
	assert_int_equal(nse_filter_parse(&f, text, &err), -EINVAL);
	assert_non_null(strstr(err.text, "too deep"));
	for (size_t i = 0; i + 4 < NSE_FILTER_MAX; i += 4)
		memcpy(text + i, "not ", 5);
	assert_int_equal(nse_filter_parse(&f, text, NULL), -EINVAL);
	/* A long chain is no depth. */
	n = (size_t)snprintf(text, sizeof(text), "a!=1");
	while (n + 9 <= NSE_FILTER_MAX)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " and a!=1");
	assert_int_equal(nse_filter_parse(&f, text, &err), 0);
	rec = json_pack("{s:{s:i}}", "key", "a", 2);
	assert_true(nse_filter_match(f, rec));
	json_decref(rec);
	nse_filter_free(f);
	nse_filter_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),	  cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_addresses), cmocka_unit_test(test_paths),
		cmocka_unit_test(test_missing),	  cmocka_unit_test(test_arrays),
		cmocka_unit_test(test_substring), cmocka_unit_test(test_logic),
		cmocka_unit_test(test_lists),	  cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_either),	  cmocka_unit_test(test_signs),
		cmocka_unit_test(test_field),	  cmocka_unit_test(test_names),
		cmocka_unit_test(test_caret),	  cmocka_unit_test(test_errors),
		cmocka_unit_test(test_limits),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
