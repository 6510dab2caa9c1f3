/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsemig help: the manual on a terminal, else the usage text. With one of the
 * options it prints the words that the shells' completions are made of.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/groups.h"
#include "cmd/options.h"
#include "lib/engine/registry.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/proc.h"

struct options {
	bool commands, domains, engines;
	const char *of;
	const char *platform;
};

static const struct nse_opt opts[] = {
	NSE_OPT_FLAG('\0', "commands", struct options, commands,
		     "list the commands, for completion"),
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
	NSE_OPT_STRING('\0', "platform", "SPEC", struct options, platform,
		       "xen or script:PROGRAM, for --domains"),
	NSE_OPT_END
};

static const char *const synopsis[] = {
	"[COMMAND]", "--commands | --domains | --engines | --options COMMAND", NULL
};
static const struct nse_usage usage = {
	.name = "help",
	.synopsis = synopsis,
	.operands = "command-name",
	.max = 1,
};

static int list_commands(void)
{
	for (const struct cmd_row *row = cmd_rows; row->name; row++)
		if (!(row->flags & CMD_HIDDEN))
			printf("%s\t%s\n", row->name, row->help);
	return CMD_DONE;
}

static int list_engines(void)
{
	for (size_t i = 0; nse_engines[i]; i++)
		printf("%s\n", nse_engines[i]->name);
	return CMD_DONE;
}

static int print_domain(void *arg, const struct nse_domain *d)
{
	(void)arg;
	printf("%s\n", d->name);
	return 0;
}

static int list_domains(const char *platform)
{
	NSE_CLEANUP(cmd_env_release) struct cmd_env env = CMD_ENV_INIT;
	struct nse_error err = { 0 };

	if (cmd_env_open(&env, platform, &err) < 0)
		return cmd_fail(&err);
	if (env.platform &&
	    env.platform->ops->list(env.platform, print_domain, NULL, &err) < 0)
		return cmd_fail(&err);
	for (size_t i = 0; i < env.config.ndomains; i++)
		print_domain(NULL, &env.config.domains[i].domain);
	return CMD_DONE;
}

static int overview(void)
{
	printf("Usage: nsemig [-v] [-q] [--color WHEN] [--no-pager] COMMAND [options] ...\n\n"
	       "Moves a domain's network security context together with the domain.\n\n"
	       "Commands:\n");
	for (const struct cmd_row *row = cmd_rows; row->name; row++)
		if (!(row->flags & CMD_HIDDEN))
			printf("  %-12s%s\n", row->name, row->help);
	printf("\n'nsemig help COMMAND' shows a command's manual, 'nsemig COMMAND -h' its "
	       "options.\n"
	       "A program nsemig-NAME on PATH is run as 'nsemig NAME'.\n");
	return CMD_DONE;
}

/* Shows the manual page; false when there is none, or no man(1). */
static bool manual(const char *page)
{
	char *argv[] = { "man", "8", (char *)page, NULL };
	const struct nse_spawn s = { argv, STDIN_FILENO, -1, -1 };
	char *where[] = { "man", "-w", "8", (char *)page, NULL };
	NSE_FREE char *path = NULL;
	pid_t pid;

	if (!isatty(STDOUT_FILENO) ||
	    nse_run(where, NULL, &path, 4096, nse_now_us() + 5000000, NULL) != 0)
		return false;
	pid = nse_spawn(&s, NULL);
	return pid > 0 && nse_wait_child(pid, NSE_FOREVER) == 0;
}

static int help_on(const char *command, bool full)
{
	const struct cmd_row *row = cmd_find(command);
	NSE_FREE char *page = NULL;

	if (asprintf(&page, "nsemig-%s", command) < 0)
		return CMD_FAILED;
	if (full && manual(page))
		return CMD_DONE;
	if (row)
		return row->run(2, (char *[]){ (char *)row->name,
					       full ? "-h" : "--list-options", NULL });
	if (!full || strchr(command, '/'))
		return cmd_usage_error("help", "there is no command '%s'", command);
	execlp(page, page, "-h", (char *)NULL);
	return cmd_usage_error("help", "there is no command '%s'", command);
}

int cmd_help(int argc, char **argv)
{
	struct options o = { .of = NULL };
	struct nse_opt_group groups[] = { { NULL, opts, &o }, { NULL, NULL, NULL } };
	struct nse_args args;
	int status = nse_opts_parse(&usage, groups, argc, argv, &args);

	if (status >= 0)
		return status;
	if (o.commands)
		return list_commands();
	if (o.engines)
		return list_engines();
	if (o.domains)
		return list_domains(o.platform);
	if (o.of)
		return help_on(o.of, false);
	if (args.words[0])
		return help_on(args.words[0], true);
	return manual("nsemig") ? CMD_DONE : overview();
}
