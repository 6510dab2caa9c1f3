/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The commands that only the shell has.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/shell.h"
#include "lib/context/filter.h"
#include "lib/util/cleanup.h"

static int too_many(const struct shell_words *w)
{
	fprintf(stderr, "nsemig: %s: unexpected operand '%s'\n", w->v[0], w->v[w->n - 1]);
	return CMD_USAGE;
}

static int open_context(struct shell *sh, const struct shell_words *w)
{
	const struct shell_takes *takes = shell_known(sh, "open");

	if (!takes)
		return CMD_FAILED;
	if (w->n == 1)
		return cmd_usage_error("open", "a file, a domain or options are missing");
	return shell_context_open(&sh->context, &sh->signals, takes, w->v, w->n,
				  sh->no_input);
}

static int needs_context(const struct shell *sh, const struct shell_words *w)
{
	if (sh->context.file)
		return CMD_DONE;
	fprintf(stderr, "nsemig: %s: no context is open: 'open FILE' or 'open DOMAIN'\n",
		w->v[0]);
	return CMD_USAGE;
}

static int close_context(struct shell *sh, const struct shell_words *w)
{
	int status = w->n > 1 ? too_many(w) : needs_context(sh, w);

	if (status)
		return status;
	shell_context_close(&sh->context);
	free(nse_take(sh->context.filter));
	return CMD_DONE;
}

static int refresh(struct shell *sh, const struct shell_words *w)
{
	int status = w->n > 1 ? too_many(w) : needs_context(sh, w);
	struct shell_argv again = { NULL, 0 };

	/* A copy: they are replaced on the way. */
	for (size_t i = 0; status == 0 && i < sh->context.nopened; i++)
		if (shell_argv_add(&again, sh->context.opened[i]) < 0)
			status = CMD_FAILED;
	if (status == 0)
		status = shell_context_open(&sh->context, &sh->signals,
					    shell_known(sh, "open"), again.v, again.n,
					    sh->no_input);
	shell_argv_release(&again);
	return status;
}

static int filter(struct shell *sh, const struct shell_words *w)
{
	NSE_CLEANUP(nse_filter_freep) struct nse_filter *f = NULL;
	const char *text = w->n > 1 ? w->v[1] : "";
	struct nse_error err = { 0 };
	char *copy;

	if (!*text) {
		if (sh->context.filter)
			printf("%s\n", sh->context.filter);
		else
			cmd_say(&sh->common, "no filter is set");
		return CMD_DONE;
	}
	if (strcmp(text, "off") == 0) {
		free(nse_take(sh->context.filter));
		return CMD_DONE;
	}
	if (nse_filter_parse(&f, text, &err) < 0)
		return cmd_fail(&err);
	copy = strdup(text);
	if (!copy)
		return CMD_FAILED;
	free(sh->context.filter);
	sh->context.filter = copy;
	return CMD_DONE;
}

static int history(struct shell *sh, const struct shell_words *w)
{
	char *end = NULL;
	unsigned long n = w->n > 1 ? strtoul(w->v[1], &end, 10) : 0;

	if (w->n > 2)
		return too_many(w);
	if (w->n > 1 && (*w->v[1] < '0' || *w->v[1] > '9' || *end))
		return cmd_usage_error("history", "'%s' is not a number", w->v[1]);
	if (sh->interactive)
		shell_input_history(n);
	return CMD_DONE;
}

static void print_builtin(const struct shell_builtin *b)
{
	printf("  %-11s %-26s%s\n", b->name, b->synopsis, b->help);
}

static void overview(void)
{
	printf("Commands of the shell:\n");
	for (const struct shell_builtin *b = shell_builtins; b->name; b++)
		print_builtin(b);
	printf("  %-11s %-26s%s\n", "!COMMAND", "", "Run a command of sh(1)");
	printf("\nWith the current context in the place of the operand:\n"
	       "  show                                  Its records that the filter lets "
	       "through\n"
	       "  explain     RECORD                    A record by number, tuple or filter\n"
	       "  diff        [FILE | DOMAIN]           It against that, or against what is "
	       "there now\n"
	       "\nCommands of nsemig (%% is the file of the current context):\n");
	for (const struct cmd_row *row = cmd_rows; row->name; row++)
		if (!(row->flags & CMD_HIDDEN))
			printf("  %-12s%s\n", row->name, row->help);
	printf("\nBehind a command, '| COMMAND' and '> FILE' go to sh(1); ';' parts commands.\n"
	       "TAB completes, the arrows go through the history, Ctrl-D quits.\n"
	       "'help COMMAND' says more.\n");
}

static int help(struct shell *sh, const struct shell_words *w)
{
	const struct shell_builtin *b = w->n > 1 ? shell_builtin_find(w->v[1]) : NULL;
	struct shell_job job = { (int)w->n, w->v, NULL, NULL, NULL, sh->no_input };

	/* Options of the command as it is elsewhere, as --commands. */
	if (w->n > 2 || (w->n == 2 && !b))
		return shell_run(&sh->signals, &job);
	if (b)
		print_builtin(b);
	else
		overview();
	return fflush(stdout) ? CMD_FAILED : CMD_DONE;
}

static int quit(struct shell *sh, const struct shell_words *w)
{
	if (w->n > 1)
		return too_many(w);
	sh->quit = true;
	return CMD_DONE;
}

const struct shell_builtin shell_builtins[] = {
	{ "open", "[options] FILE | DOMAIN", "Make it the current context", open_context,
	  "any-context", false },
	{ "refresh", "", "Open it again, as it is now", refresh, "none", false },
	{ "close", "", "Forget the context and the filter", close_context, "none",
	  false },
	{ "filter", "[EXPRESSION | off]", "Show, set or clear the filter", filter,
	  "filter", true },
	{ "history", "[N]", "Show the last commands", history, "none", false },
	{ "help", "[COMMAND]", "Say what there is", help, "command-name", false },
	{ "quit", "", "Leave the shell (also exit, Ctrl-D)", quit, "none", false },
	{ "exit", "", "Leave the shell", quit, "none", false },
	{ NULL, NULL, NULL, NULL, NULL, false }
};

const struct shell_builtin *shell_builtin_find(const char *name)
{
	for (const struct shell_builtin *b = shell_builtins; b->name; b++)
		if (strcmp(b->name, name) == 0)
			return b;
	return NULL;
}
