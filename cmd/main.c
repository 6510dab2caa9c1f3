/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command table and the way from the command line to a row of it:
 * options in front of the command, preconditions, and programs named
 * nsemig-NAME on PATH.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/options.h"
#include "lib/util/cleanup.h"

const struct cmd_row cmd_rows[] = {
	{ "snapshot", cmd_snapshot, CMD_NEEDS_ROOT, "Collect a context into a file" },
	{ "show", cmd_show, 0, "Print a context" },
	{ "explain", cmd_explain, 0, "Say what a record means" },
	{ "diff", cmd_diff, 0, "Compare two contexts" },
	{ "watch", cmd_watch, CMD_NEEDS_ROOT, "Follow the changes of a live context" },
	{ "apply", cmd_apply, CMD_NEEDS_ROOT, "Install a context on this host" },
	{ "purge", cmd_purge, CMD_NEEDS_ROOT, "Remove exactly a context's records" },
	{ "send", cmd_send, 0, "Ship a context to another host" },
	{ "receive", cmd_receive, 0, "Take a context from a pipe or serve a session" },
	{ "migrate", cmd_migrate, CMD_NEEDS_ROOT, "Move a domain with its context" },
	{ "check", cmd_check, 0, "Say what stands against a move" },
	{ "recover", cmd_recover, CMD_NEEDS_ROOT, "Clean up after killed migrations" },
	{ "config", cmd_config, 0, "Print the configuration, or check a file of it" },
	{ "shell", cmd_shell, 0, "Work with contexts interactively" },
	{ "help", cmd_help, 0, "Show the manual of a command" },
	{ "xl-gate", cmd_xl_gate, CMD_HIDDEN, "Hold xl's READY (run by migrate)" },
	{ NULL, NULL, 0, NULL }
};

const struct cmd_row *cmd_find(const char *name)
{
	for (const struct cmd_row *row = cmd_rows; row->name; row++)
		if (strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

static const char *next_command(const void *arg, size_t i)
{
	for (const struct cmd_row *row = arg; row->name; row++)
		if (!(row->flags & CMD_HIDDEN) && i-- == 0)
			return row->name;
	return NULL;
}

/* Is CAP_NET_ADMIN effective? Root in a namespace of its own will do. */
static bool may_change_network(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &head, caps) < 0)
		return geteuid() == 0;
	return caps[CAP_TO_INDEX(CAP_NET_ADMIN)].effective & CAP_TO_MASK(CAP_NET_ADMIN);
}

/* Text about the command needs no privileges. */
static bool asks_for_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "--list-options") == 0)
			return true;
	return false;
}

static int run_row(const struct cmd_row *row, int argc, char **argv)
{
	if (row->flags & CMD_NEEDS_ROOT && !may_change_network() &&
	    !asks_for_help(argc, argv)) {
		fprintf(stderr,
			"nsemig: %s needs the capability CAP_NET_ADMIN: run it as root\n",
			row->name);
		return CMD_FAILED;
	}
	return row->run(argc, argv);
}

/* nsemig-NAME on PATH, or the complaint that there is no such command. */
static int run_program(char **argv)
{
	NSE_FREE char *name = NULL;
	char *command = argv[0];
	const char *near;

	if (!strchr(command, '/')) {
		if (asprintf(&name, "nsemig-%s", command) < 0)
			return CMD_FAILED;
		argv[0] = name;
		execvp(name, argv);
		if (errno != ENOENT && errno != ENOTDIR) {
			fprintf(stderr, "nsemig: cannot run %s: %s\n", name,
				strerror(errno));
			return CMD_FAILED;
		}
	}
	near = nse_nearest(command, next_command, cmd_rows);
	return cmd_usage_error(NULL, "there is no command '%s'%s%s%s", command,
			       near ? "; did you mean '" : "", near ? near : "",
			       near ? "'?" : "");
}

/* Number of words in front of the command; -1 after an error. */
static int leading_options(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		const char *word = argv[i];

		if (strcmp(word, "--color") == 0 && i + 1 < argc)
			i++;
		else if (strncmp(word, "--color=", 8) && strcmp(word, "--verbose") &&
			 strcmp(word, "--quiet") && strcmp(word, "--no-pager") &&
			 strspn(word + 1, "vq") + 1 != strlen(word))
			return cmd_usage_error(
				       NULL, "unknown option %s in front of the command",
				       word),
			       -1;
	}
	return i - 1;
}

int cmd_run(int argc, char **argv)
{
	const struct cmd_row *row = cmd_find(argv[0]);

	return row ? run_row(row, argc, argv) : run_program(argv);
}

int main(int argc, char **argv)
{
	char *command;
	int lead;

	if (argc > 1 && (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0))
		return cmd_help(1, (char *[]){ "help", NULL });
	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		printf("nsemig %s\n", NSEMIG_VERSION);
		return CMD_DONE;
	}
	lead = leading_options(argc, argv);
	if (lead < 0)
		return CMD_USAGE;
	if (lead + 1 >= argc)
		return cmd_usage_error(NULL, "no command given");
	/* The options in front move behind the command, which parses them. */
	command = argv[lead + 1];
	memmove(argv + 2, argv + 1, (size_t)lead * sizeof(*argv));
	argv[1] = command;
	return cmd_run(argc - 1, argv + 1);
}
