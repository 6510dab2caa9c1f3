/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The option parser: every kind of option, every way to write it, and every
 * way to get it wrong.
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

/*
 * The parser is the program's own and not in the library that tests are linked
 * with; main.c, which has the real command table, stays out.
 */
#include "cmd/options.c"
#include "cmd/output.c"
#include "cmd/report.c"
#include "cmd/usage.c"

const struct cmd_row *cmd_find(const char *name)
{
	static const struct cmd_row row = { "fish", NULL, 0, "Catch one" };

	return strcmp(name, "fish") == 0 ? &row : NULL;
}

struct values {
	bool first; /* so that no other member has offset 0 */
	bool dry, sound;
	int loud;
	const char *out;
	struct nse_opt_list names;
	int64_t depth;
	int when;
	int calls;
};

static int call(void *base, const char *value, struct nse_error *err)
{
	struct values *v = base;

	if (strcmp(value, "bad") == 0)
		return nse_error(err, -EINVAL, "'%s' will not do", value);
	v->calls++;
	return 0;
}

static const char *const whens[] = { "now", "later", NULL };
static const struct nse_opt fish_opts[] = {
	NSE_OPT_FLAG('\0', "first", struct values, first, "at offset 0"),
	NSE_OPT_FLAG('n', "dry-run", struct values, dry, "do nothing"),
	{ .name = "sound",
	  .kind = NSE_OPT_K_FLAG,
	  .flags = NSE_OPT_NEGATABLE,
	  .offset = offsetof(struct values, sound),
	  .help = "make a noise" },
	NSE_OPT_STRING('o', "output", "FILE", struct values, out, "there"),
	NSE_OPT_LIST('\0', "name", "NAME", struct values, names, "many"),
	NSE_OPT_INT('d', "depth", "N", struct values, depth, -5, 100, "how deep"),
	NSE_OPT_CHOICE('\0', "when", "WHEN", struct values, when, whens, "time"),
	NSE_OPT_CALL('\0', "call", "X", call, "by function"),
	{ .name = "secret",
	  .kind = NSE_OPT_K_FLAG,
	  .flags = NSE_OPT_HIDDEN,
	  .offset = offsetof(struct values, first),
	  .help = "not told" },
	NSE_OPT_END
};

static const char *const fish_synopsis[] = { "[options] POND [HOOK]", NULL };
static struct nse_usage fish = {
	.name = "fish",
	.synopsis = fish_synopsis,
	.operands = "file none",
	.min = 1,
	.max = 2,
};

static struct values v;
static struct nse_args args;
static char said[8192];	   /* on stderr */
static char printed[8192]; /* on stdout */

/* Swaps a descriptor for a temporary file. */
static int redirect(int fd, FILE *to)
{
	int old = dup(fd);

	assert_true(old >= 0);
	assert_true(dup2(fileno(to), fd) >= 0);
	return old;
}

static void restore(int fd, int old, FILE *from, char *text, size_t room)
{
	size_t n;

	dup2(old, fd);
	close(old);
	rewind(from);
	n = fread(text, 1, room - 1, from);
	text[n] = '\0';
	fclose(from);
}

/* The words end with NULL, as argv does. */
static int parse(char **argv)
{
	struct nse_opt_group groups[] = { { NULL, fish_opts, &v }, { NULL, NULL, NULL } };
	FILE *err = tmpfile(), *out = tmpfile();
	int argc = 0, status, old_err, old_out;

	while (argv[argc])
		argc++;
	memset(&v, 0, sizeof(v));
	fflush(stdout);
	old_err = redirect(STDERR_FILENO, err);
	old_out = redirect(STDOUT_FILENO, out);
	status = nse_opts_parse(&fish, groups, argc, argv, &args);
	fflush(stdout);
	restore(STDERR_FILENO, old_err, err, said, sizeof(said));
	restore(STDOUT_FILENO, old_out, out, printed, sizeof(printed));
	return status;
}

#define PARSE(...) parse((char *[]){ "fish", __VA_ARGS__, NULL })

static void test_kinds(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--first", "-n", "--sound", "-o", "x", "--name=a",
			       "--name", "b", "-d-5", "--when=later", "--call=1",
			       "--call", "2", "-vv", "-q", "--color=never", "pond"),
			 -1);
	assert_true(v.first && v.dry && v.sound);
	assert_string_equal(v.out, "x");
	assert_int_equal(v.names.n, 2);
	assert_string_equal(v.names.items[1], "b");
	assert_int_equal(v.depth, -5);
	assert_int_equal(v.when, 1);
	assert_int_equal(v.calls, 2);
	assert_int_equal(args.common.verbose, 2);
	assert_true(args.common.quiet);
	assert_int_equal(args.common.color, CMD_COLOR_NEVER);
	assert_int_equal(args.n, 1);
	assert_string_equal(args.words[0], "pond");
	assert_null(args.words[1]);
}

static void test_ways_to_write(void **state)
{
	(void)state;
	assert_int_equal(PARSE("pond", "-nofile", "hook"), -1);
	assert_true(v.dry);
	assert_string_equal(v.out, "file");
	assert_int_equal(args.n, 2);
	assert_string_equal(args.words[1], "hook");
	assert_int_equal(PARSE("-o", "-", "-"), -1);
	assert_string_equal(v.out, "-");
	assert_string_equal(args.words[0], "-");
	assert_int_equal(PARSE("--output=", "p"), -1);
	assert_string_equal(v.out, "");
	assert_int_equal(PARSE("--sound", "--no-sound", "p"), -1);
	assert_false(v.sound);
	assert_int_equal(PARSE("-d", "100", "-d7", "p"), -1);
	assert_int_equal(v.depth, 7);
}

static void test_end_of_options(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-n", "a", "--", "-n"), -1);
	assert_int_equal(args.n, 2);
	assert_string_equal(args.words[0], "a");
	assert_string_equal(args.words[1], "-n");
	assert_int_equal(args.nrest, 0);
	fish.rest = true;
	assert_int_equal(PARSE("a", "-n", "--", "-x", "y", "--"), -1);
	fish.rest = false;
	assert_int_equal(args.n, 1);
	assert_null(args.words[1]);
	assert_int_equal(args.nrest, 3);
	assert_string_equal(args.rest[0], "-x");
	assert_string_equal(args.rest[2], "--");
	assert_null(args.rest[3]);
}

static void refuse(int status, const char *text)
{
	assert_int_equal(status, CMD_USAGE);
	assert_string_equal(printed, "");
	assert_non_null(strstr(said, text));
	assert_non_null(strstr(said, "Usage: nsemig fish [options] POND [HOOK]"));
}

static void test_refused(void **state)
{
	(void)state;
	refuse(PARSE("--dry-rum", "p"), "did you mean --dry-run?");
	refuse(PARSE("--dry", "p"), "did you mean --dry-run?");
	refuse(PARSE("--out=x", "p"), "unknown option --out;");
	refuse(PARSE("--zzzzzzzz", "p"), "unknown option --zzzzzzzz\n");
	refuse(PARSE("-nx", "p"), "unknown option -x");
	refuse(PARSE("--no-dry-run", "p"), "unknown option --no-dry-run");
	refuse(PARSE("--dry-run=1", "p"), "takes no value");
	refuse(PARSE("p", "--output"), "option --output needs a FILE");
	refuse(PARSE("p", "-o"), "option -o needs a FILE");
	refuse(PARSE("-d", "101", "p"), "'101' is not a number from -5 to 100");
	refuse(PARSE("-d", "7x", "p"), "'7x'");
	refuse(PARSE("-d", "99999999999999999999", "p"), "is not a number");
	refuse(PARSE("--depth=", "p"), "''");
	refuse(PARSE("--when=then", "p"), "'then' is none of now, later");
	refuse(PARSE("--call=bad", "p"), "option --call: 'bad' will not do");
	refuse(PARSE("-n"), "operands are missing");
	refuse(PARSE("a", "b", "c"), "unexpected operand 'c'");
	assert_null(strstr(said, "secret"));
}

static void test_too_many_in_list(void **state)
{
	char *argv[80] = { "fish" };

	(void)state;
	for (int i = 1; i <= 64; i++)
		argv[i] = "--name=x";
	argv[65] = "p";
	assert_int_equal(parse(argv), -1);
	assert_int_equal(v.names.n, 64);
	for (int i = 1; i <= 65; i++)
		argv[i] = "--name=x";
	argv[66] = "p";
	refuse(parse(argv), "more than 64 times");
}

static void test_help(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--first", "-h", "--nonsense"), CMD_DONE);
	assert_string_equal(said, "");
	assert_non_null(strstr(printed, "Usage: nsemig fish [options] POND [HOOK]\n"));
	assert_non_null(strstr(printed, "\nCatch one.\n"));
	assert_non_null(strstr(printed, "  -o, --output FILE"));
	assert_non_null(strstr(printed, "      --[no-]sound"));
	assert_non_null(strstr(printed, "  -v, --verbose"));
	assert_null(strstr(printed, "secret"));
}

static void test_list_options(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--list-options"), CMD_DONE);
	assert_non_null(strstr(printed, "operands\tfile none\n"));
	assert_non_null(strstr(printed, "option\t--output\t-o\tFILE\tfile\tthere\n"));
	assert_non_null(
		strstr(printed, "option\t--when\t-\tWHEN\twords:now|later\ttime\n"));
	assert_non_null(strstr(printed, "option\t--no-sound\t-\t-\t-\t"));
	assert_null(strstr(printed, "secret"));
}

static const char *next_word(const void *arg, size_t i)
{
	return ((const char *const *)arg)[i];
}

static void test_nearest(void **state)
{
	static const char *const words[] = { "snapshot", "show", "send", NULL };
	char longest[200];

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_string_equal(nse_nearest("snapsot", next_word, words), "snapshot");
	assert_string_equal(nse_nearest("snap", next_word, words), "snapshot");
	assert_string_equal(nse_nearest("sned", next_word, words), "send");
	assert_null(nse_nearest("migrate", next_word, words));
	assert_null(nse_nearest(longest, next_word, words));
	assert_null(nse_nearest("", next_word, words + 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_ways_to_write),
		cmocka_unit_test(test_end_of_options),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_too_many_in_list),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_list_options),
		cmocka_unit_test(test_nearest),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
