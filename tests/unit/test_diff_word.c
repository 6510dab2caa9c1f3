/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What diff says of two versions of one record: words of a line, and fields.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The program's own, not in the library that tests are linked with. */
#include "cmd/diff_fields.c"
#include "cmd/diff_word.c"
#include "cmd/output.c"

static const struct {
	const char *a, *b, *text;
} lines[] = {
	{ "", "", "" },
	{ "a b", "a b", "a b" },
	{ "", "a b", "{+a b+}" },
	{ "a b", "", "[-a b-]" },
	{ "7", "9", "[-7-]{+9+}" },
	{ "tcp dport { 22, 80 } accept", "tcp dport { 22, 443 } accept",
	  "tcp dport { 22, [-80-]{+443+} } accept" },
	{ "a b c d", "a d", "a [-b c-] d" },
	{ "a d", "a b c d", "a {+b c+} d" },
	{ "seen-reply,assured", "seen-reply,src-nat,assured",
	  "seen-reply,{+src-nat,+}assured" },
	{ "policy accept; }", "policy drop; }", "policy [-accept-]{+drop+}; }" },
	{ "a  b", "a b", "a b" },
	{ "x a", "y a", "[-x-]{+y+} a" },
	{ "abc", "abcd", "[-abc-]{+abcd+}" },
};

static void print(const char *a, const char *b, bool color, char *out, size_t room)
{
	FILE *to = fmemopen(out, room, "w");

	assert_non_null(to);
	out[0] = '\0'; /* nothing at all is not written */
	assert_int_equal(diff_word_print(to, a, b, color), 0);
	assert_int_equal(fclose(to), 0);
}

static void test_words(void **state)
{
	char out[512];

	(void)state;
	for (size_t i = 0; i < NSE_ARRAY_SIZE(lines); i++) {
		print(lines[i].a, lines[i].b, false, out, sizeof(out));
		assert_string_equal(out, lines[i].text);
	}
	print("7", "9", true, out, sizeof(out));
	assert_string_equal(out, "\033[31m[-7-]\033[0m\033[32m{+9+}\033[0m");
}

/* Whatever the lines are: what was there without {+…+} has the words of a. */
static void without(const char *text, char open, char *out)
{
	char close = open == '[' ? ']' : '}';
	size_t n = 0;

	for (const char *s = text; *s; s++) {
		bool begins =
			(s[0] == '[' && s[1] == '-') || (s[0] == '{' && s[1] == '+');
		bool ends = (s[0] == '-' && s[1] == ']') || (s[0] == '+' && s[1] == '}');

		if (begins && *s == open) {
			while (*s != close)
				s++;
			continue;
		}
		if (begins || ends)
			s++;
		else if (*s != ' ')
			out[n++] = *s;
	}
	out[n] = '\0';
}

static void random_line(char *out)
{
	size_t n = (size_t)(rand() % 12), at = 0;

	while (n--) {
		if (at && rand() % 2)
			out[at++] = ' ';
		out[at++] = "abc,"[rand() % 4];
	}
	out[at] = '\0';
}

static void test_random_lines(void **state)
{
	char a[64], b[64], text[512], got[512], want[64];

	(void)state;
	srand(1);
	for (int i = 0; i < 5000; i++) {
		random_line(a);
		random_line(b);
		print(a, b, false, text, sizeof(text));
		without(text, '{', got);
		without(a, '{', want);
		assert_string_equal(got, want);
		without(text, '[', got);
		without(b, '[', want);
		assert_string_equal(got, want);
	}
}

static void test_likeness(void **state)
{
	(void)state;
	assert_int_equal(diff_word_likeness("a b", "a b"), 100);
	assert_int_equal(diff_word_likeness("a b", "c d"), 0);
	assert_int_equal(diff_word_likeness("a b", "a d"), 50);
	assert_int_equal(diff_word_likeness("", ""), 0);
}

static void list_field(void *arg, const char *part, const char *name, const json_t *a,
		       const json_t *b)
{
	char *out = arg;
	size_t n = strlen(out);

	snprintf(out + n, 512 - n, "%s%s.%s%s", n ? " " : "", part, name,
		 !a   ? "+"
		 : !b ? "-"
		      : "~");
}

static void fields(const char *a, const char *b, bool state, const char *want)
{
	json_t *ja = json_loads(a, 0, NULL), *jb = json_loads(b, 0, NULL);
	char out[512] = "";

	assert_non_null(ja);
	assert_non_null(jb);
	assert_int_equal(diff_fields(ja, jb, state, list_field, out), 0);
	assert_string_equal(out, want);
	json_decref(ja);
	json_decref(jb);
}

static void test_fields(void **state)
{
	(void)state;
	fields("{\"body\":{\"mark\":7}}", "{\"body\":{\"mark\":7}}", true, "");
	fields("{\"body\":{\"z\":1,\"mark\":7}}", "{\"body\":{\"mark\":9,\"b\":1}}", true,
	       "body.b+ body.mark~ body.z-");
	fields("{\"body\":{\"r\":{\"x\":1,\"y\":2}}}", "{\"body\":{\"r\":{\"x\":1}}}",
	       false, "body.r.y-");
	fields("{\"body\":{}}", "{\"body\":{\"r\":{\"x\":1}}}", false, "body.r.x+");
	fields("{\"body\":{},\"state\":{\"t\":1}}", "{\"body\":{},\"state\":{\"t\":2}}",
	       false, "");
	fields("{\"body\":{},\"state\":{\"t\":1}}", "{\"body\":{},\"state\":{\"t\":2}}",
	       true, "state.t~");
	fields("{\"body\":{\"e\":[{\"n\":1},{\"n\":2}]}}",
	       "{\"body\":{\"e\":[{\"n\":1},{\"n\":3}]}}", false, "body.e[1].n~");
	fields("{\"body\":{\"e\":[{\"n\":1}]}}",
	       "{\"body\":{\"e\":[{\"n\":1},{\"n\":3}]}}", false, "body.e~");
	fields("{\"body\":{\"f\":[\"a\"]}}", "{\"body\":{\"f\":[\"a\",\"b\"]}}", false,
	       "body.f~");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_random_lines),
		cmocka_unit_test(test_likeness),
		cmocka_unit_test(test_fields),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
