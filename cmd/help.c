/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsemig help: the manual, or, where there is none, the usage text. With one of
 * the options it prints the words that the shells' completions are made of.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/words.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/proc.h"

struct options {
	bool all, commands, topics, domains, engines, fields, columns, hosts;
	const char *of, *platform, *at, *about;
};

static const struct nse_opt opts[] = {
	NSE_OPT_FLAG('a', "all", struct options, all,
		     "list commands, guides and programs on PATH"),
	NSE_OPT_STRING('k', "apropos", "WORD", struct options, about,
		       "say which commands, options and keys are about it"),
	NSE_OPT_FLAG('\0', "commands", struct options, commands,
		     "list the commands, for completion"),
	NSE_OPT_FLAG('\0', "topics", struct options, topics,
		     "list what there is help on, for completion"),
	{ .name = "options",
	  .arg = "COMMAND",
	  .kind = NSE_OPT_K_STRING,
	  .offset = offsetof(struct options, of),
	  .complete = "command-name",
	  .help = "list a command's operands and options, for completion" },
	NSE_OPT_FLAG('\0', "domains", struct options, domains,
		     "list the domains of this host, for completion"),
	NSE_OPT_FLAG('\0', "engines", struct options, engines,
		     "list the engines, for completion"),
	NSE_OPT_FLAG('\0', "fields", struct options, fields,
		     "list the fields of filters and their values, for completion"),
	NSE_OPT_FLAG('\0', "columns", struct options, columns,
		     "list the columns of tables, for completion"),
	NSE_OPT_FLAG(
		'\0', "hosts", struct options, hosts,
		"list the hosts that ssh or the configuration knows, for completion"),
	NSE_OPT_STRING('\0', "platform", "SPEC", struct options, platform,
		       "xen or script:PROGRAM, for --domains"),
	{ .name = "at",
	  .arg = "HOST",
	  .kind = NSE_OPT_K_STRING,
	  .offset = offsetof(struct options, at),
	  .complete = "host",
	  .help = "for --domains: those of another host, if it answers at once" },
	NSE_OPT_END
};

static const char *const synopsis[] = {
	"[COMMAND|GUIDE]",
	"-a",
	"-k WORD",
	"--commands | --topics | --engines | --fields | --columns | --hosts |\n"
	"                   --options COMMAND",
	"--domains [--platform SPEC | --at HOST]",
	NULL
};
static const struct nse_usage usage = {
	.name = "help",
	.synopsis = synopsis,
	.operands = "topic",
	.max = 1,
};

/* In which order they are met; a command in none of these stands at the end. */
static const struct {
	const char *title, *names;
} chapters[] = {
	{ "Look at contexts", " show watch explain diff shell " },
	{ "Keep and restore them", " snapshot apply purge " },
	{ "Move domains", " check migrate recover " },
	{ "Between hosts, without a move", " send receive " },
	{ "About nsemig", " config help " },
};

static bool in_a_chapter(const char *name)
{
	char word[32];

	snprintf(word, sizeof(word), " %s ", name);
	for (size_t i = 0; i < NSE_ARRAY_SIZE(chapters); i++)
		if (strstr(chapters[i].names, word))
			return true;
	return false;
}

static void print_line(const char *name, const char *help)
{
	printf("  %-12s%s\n", name, help);
}

static void print_chapter(const char *title, const char *names)
{
	char word[32];

	printf("\n%s\n", title);
	for (const char *p = names; sscanf(p, " %31s", word) == 1;) {
		const struct cmd_row *row = cmd_find(word);

		if (row)
			print_line(row->name, row->help);
		p = strstr(p, word) + strlen(word);
	}
}

static void print_commands(void)
{
	const char *title = "\nMore\n";

	for (size_t i = 0; i < NSE_ARRAY_SIZE(chapters); i++)
		print_chapter(chapters[i].title, chapters[i].names);
	for (const struct cmd_row *row = cmd_rows; row->name; row++) {
		if (row->flags & CMD_HIDDEN || in_a_chapter(row->name))
			continue;
		fputs(title, stdout);
		title = "";
		print_line(row->name, row->help);
	}
}

static void print_program(void *arg, const char *name)
{
	const char **title = arg;

	printf("%s  %s\n", *title, name);
	*title = "";
}

static void print_all(void)
{
	const char *title = "\nPrograms nsemig-NAME on PATH\n";

	print_commands();
	printf("\nGuides\n");
	for (const struct cmd_guide *g = cmd_guides; g->topic; g++)
		print_line(g->topic, g->help);
	cmd_each_program(print_program, &title);
}

static int overview(bool all)
{
	printf("Usage: nsemig [-v] [-q] [--color WHEN] COMMAND [options] ...\n\n"
	       "Moves a domain's network security context together with the domain.\n");
	if (all)
		print_all();
	else
		print_commands();
	printf("\n'nsemig help COMMAND' shows a command's manual, 'nsemig COMMAND -h' its "
	       "options.\n");
	if (!all)
		printf("'nsemig help tutorial' begins at the beginning, 'nsemig help -a' "
		       "lists all guides.\n");
	printf("'nsemig help -k WORD' finds what has to do with a word.\n");
	return CMD_DONE;
}

/* The page in the source tree that this program was built in, or NULL. */
static char *page_in_tree(const char *section, const char *page)
{
	char exe[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *path, *slash;

	if (n < 0)
		return NULL;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (asprintf(&path, "%.*s/../man/%s.%s", (int)(slash - exe), exe, page, section) <
	    0)
		return NULL;
	if (access(path, R_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static bool page_is_installed(const char *section, const char *page)
{
	char *argv[] = { "man", "-w", (char *)section, (char *)page, NULL };
	NSE_CLOSE int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	const struct nse_spawn s = { .argv = argv, .in = -1, .out = null, .errfd = null };
	pid_t pid = nse_spawn(&s, NULL);

	return pid > 0 && nse_wait_child(pid, NSE_FOREVER) == 0;
}

/* Shows the manual page; false when there is none, or no man(1). */
static bool manual(const char *section, const char *page)
{
	NSE_FREE char *path = page_in_tree(section, page);
	char *in_tree[] = { "man", path, NULL };
	char *argv[] = { "man", (char *)section, (char *)page, NULL };
	const struct nse_spawn s = {
		.argv = path ? in_tree : argv, .in = STDIN_FILENO, .out = -1, .errfd = -1
	};
	pid_t pid;

	if (!path && !page_is_installed(section, page))
		return false;
	fflush(stdout);
	pid = nse_spawn(&s, NULL);
	return pid > 0 && nse_wait_child(pid, NSE_FOREVER) == 0;
}

static int help_on_guide(const struct cmd_guide *g)
{
	if (manual(g->section, g->page))
		return CMD_DONE;
	fprintf(stderr,
		"nsemig: help: %s(%s) cannot be shown: it is not installed, or man(1) is "
		"not\n",
		g->page, g->section);
	return CMD_FAILED;
}

static const char *next_topic(const void *arg, size_t i)
{
	(void)arg;
	for (const struct cmd_guide *g = cmd_guides; g->topic; g++)
		if (i-- == 0)
			return g->topic;
	for (const struct cmd_row *row = cmd_rows; row->name; row++)
		if (!(row->flags & CMD_HIDDEN) && i-- == 0)
			return row->name;
	return NULL;
}

/* full: the manual, else the lines for completion. */
static int help_on(const char *topic, bool full)
{
	const struct cmd_row *row = cmd_find(topic);
	NSE_FREE char *page = NULL;
	const char *near;

	for (const struct cmd_guide *g = cmd_guides; full && g->topic; g++)
		if (strcmp(topic, g->topic) == 0)
			return help_on_guide(g);
	if (asprintf(&page, "nsemig-%s", topic) < 0)
		return CMD_FAILED;
	if (full && manual("8", page))
		return CMD_DONE;
	if (row)
		return row->run(2, (char *[]){ (char *)row->name,
					       full ? "-h" : "--list-options", NULL });
	if (full && !strchr(topic, '/'))
		execlp(page, page, "-h", (char *)NULL);
	near = nse_nearest(topic, next_topic, NULL);
	return cmd_usage_error("help", "there is no help on '%s'%s%s%s", topic,
			       near ? "; did you mean '" : "", near ? near : "",
			       near ? "'?" : "");
}

int cmd_help(int argc, char **argv)
{
	struct options o = { .of = NULL };
	struct nse_opt_group groups[] = { { NULL, opts, &o }, { NULL, NULL, NULL } };
	struct nse_args args;
	int status = nse_opts_parse(&usage, groups, argc, argv, &args);

	if (status >= 0)
		return status;
	if (o.about)
		return cmd_apropos(o.about);
	if (o.commands)
		return cmd_words_commands();
	if (o.topics)
		return cmd_words_topics();
	if (o.engines)
		return cmd_words_engines();
	if (o.fields)
		return cmd_words_fields();
	if (o.columns)
		return cmd_words_columns();
	if (o.hosts)
		return cmd_words_hosts();
	if (o.at && (!o.domains || o.platform))
		return cmd_usage_error("help", "--at stands beside --domains alone");
	if (o.domains)
		return o.at ? cmd_words_domains_at(o.at) : cmd_words_domains(o.platform);
	if (o.of)
		return help_on(o.of, false);
	if (args.words[0])
		return help_on(args.words[0], true);
	return overview(o.all);
}
