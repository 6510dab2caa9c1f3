/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How the shell splits lines into words, and what it says of what it does not take.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The program's own, not in the library. */
#include "cmd/shell_words.c"

/* "[one][two]|TAIL;NEXT" and a mark for what is open at the end */
static const char *split(const char *line)
{
	static char out[512];
	struct shell_words w;
	static struct nse_error err;
	size_t n = 0;

	if (shell_words_split(&w, line, &err) < 0) {
		assert_int_equal(err.code, -EINVAL);
		assert_null(w.v);
		return err.text;
	}
	out[0] = '\0';
	for (size_t i = 0; i < w.n; i++)
		n += (size_t)snprintf(out + n, sizeof(out) - n, "[%s]", w.v[i]);
	assert_null(w.v[w.n]);
	snprintf(out + n, sizeof(out) - n, "%s%s%s%.1s%s", w.tail ? w.tail : "",
		 w.next ? " ; " : "", w.next ? w.next : "", &w.quote,
		 w.growing ? "_" : "");
	shell_words_release(&w);
	return out;
}

static void words(void **state)
{
	(void)state;
	assert_string_equal(split(""), "");
	assert_string_equal(split("  \t "), "");
	assert_string_equal(split("show"), "[show]_");
	assert_string_equal(split("show "), "[show]");
	assert_string_equal(split(" show\t-s  web1 "), "[show][-s][web1]");
}

static void quotes(void **state)
{
	(void)state;
	assert_string_equal(split("a 'b c' d "), "[a][b c][d]");
	assert_string_equal(split("a 'b\\c\"' "), "[a][b\\c\"]");
	assert_string_equal(split("a \"b 'c' \\\" \\\\ \\n\" "), "[a][b 'c' \" \\ \\n]");
	assert_string_equal(split("a b\\ c \\' "), "[a][b c][']");
	assert_string_equal(split("--f='x y'z\"w\" "), "[--f=x yzw]");
	assert_string_equal(split("a '' \"\" "), "[a][][]");
	assert_string_equal(split("a\\"), "[a\\]_");
}

static void open_quotes(void **state)
{
	(void)state;
	assert_string_equal(split("a 'b c"), "[a][b c]'_");
	assert_string_equal(split("a \"b ; c | d"), "[a][b ; c | d]\"_");
	assert_string_equal(split("a '"), "[a][]'_");
}

static void ends(void **state)
{
	(void)state;
	assert_string_equal(split("a b; c d"), "[a][b] ;  c d");
	assert_string_equal(split(";"), " ; ");
	assert_string_equal(split("a # b"), "[a]");
	assert_string_equal(split("a#b # c ; d"), "[a#b]");
	assert_string_equal(split("# a"), "");
	assert_string_equal(split("a '#' \\; \\| "), "[a][#][;][|]");
}

static void tails(void **state)
{
	(void)state;
	assert_string_equal(split("show | grep 443"), "[show]| grep 443");
	assert_string_equal(split("show|wc -l"), "[show]|wc -l");
	assert_string_equal(split("show > f"), "[show]> f");
	assert_string_equal(split("show >> f 2>&1 | cat"), "[show]>> f 2>&1 | cat");
	assert_string_equal(split("show | sed 's/;//'; quit"),
			    "[show]| sed 's/;//' ;  quit");
	assert_string_equal(split("| x"), "| x");
}

static void refused(void **state)
{
	(void)state;
	assert_non_null(strstr(split("show --filter dport>100"), "put quotes"));
	assert_non_null(strstr(split("show 2> f"), "right behind a word"));
	assert_non_null(strstr(split("show < f"), "'<' has no meaning"));
	assert_non_null(strstr(split("show &"), "'&' has no meaning"));
	assert_non_null(strstr(split("show || x"), "'||' has no meaning"));
}

static void raw(void **state)
{
	const char *next;

	(void)state;
	assert_int_equal(shell_words_raw("dport>100 ; show", &next), 9);
	assert_string_equal(next, " show");
	assert_int_equal(shell_words_raw("a='x;y'  # no", &next), 7);
	assert_null(next);
	assert_int_equal(shell_words_raw("a=b#c", &next), 5);
	assert_int_equal(shell_words_raw("", &next), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),       cmocka_unit_test(quotes),
		cmocka_unit_test(open_quotes), cmocka_unit_test(ends),
		cmocka_unit_test(tails),       cmocka_unit_test(refused),
		cmocka_unit_test(raw),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
