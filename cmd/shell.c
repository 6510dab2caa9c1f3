/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nsemig shell: commands one after the other with a current context, typed at a
 * terminal or read from a script.
 */
#include "cmd/shell.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "lib/util/cleanup.h"

struct options {
	const char *commands;
};

static const struct nse_opt opts[] = {
	NSE_OPT_STRING('c', "command", "COMMANDS", struct options, commands,
		       "run these, parted by ; or lines, and exit"),
	NSE_OPT_END
};

static const char *const synopsis[] = { "[-c COMMANDS] [FILE | DOMAIN]", NULL };
static const struct nse_usage usage = {
	.name = "shell",
	.synopsis = synopsis,
	.notes =
		"Commands come from the terminal, from -c or, where stdin is no terminal,\n"
		"from there; then the first error ends the shell with its exit status.",
	.operands = "any-context",
	.max = 1,
};

/* One line of a script; false: it ends here. */
static bool script_line(struct shell *sh, const char *line, unsigned int number,
			int *status)
{
	*status = shell_execute(sh, line);
	if (sh->signals.ended)
		return false;
	if (*status >= CMD_USAGE) {
		fprintf(stderr, "nsemig: line %u: the script ends here, with status %d\n",
			number, *status);
		return false;
	}
	return !sh->quit;
}

/* Waits for the script or for a signal, which ends it. */
static ssize_t read_script(void *arg, char *to, size_t n)
{
	struct shell *sh = arg;
	struct pollfd p[] = { { .fd = STDIN_FILENO, .events = POLLIN },
			      { .fd = sh->signals.fd, .events = POLLIN } };

	while (!sh->signals.ended) {
		if (poll(p, 2, -1) < 0)
			return -1;
		if (p[1].revents && shell_signals_next(&sh->signals) == SIGINT)
			sh->signals.ended = SIGINT;
		else if (p[0].revents)
			return read(STDIN_FILENO, to, n);
	}
	return 0;
}

static int run_stdin(struct shell *sh)
{
	cookie_io_functions_t io = { .read = read_script };
	NSE_FREE char *line = NULL;
	FILE *script = fopencookie(sh, "r", io);
	unsigned int number = 0;
	int status = CMD_DONE;
	size_t room = 0;
	ssize_t n;

	/* The commands' stdin is another one: what is read ahead is not theirs. */
	sh->no_input = true;
	while (script && (n = getline(&line, &room, script)) >= 0) {
		if (n && line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (!script_line(sh, line, ++number, &status))
			break;
	}
	if (script)
		fclose(script);
	return script ? status : CMD_FAILED;
}

static int run_text(struct shell *sh, const char *text)
{
	NSE_FREE char *copy = strdup(text);
	unsigned int number = 0;
	int status = CMD_DONE;
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n")))
		if (!script_line(sh, line, ++number, &status))
			break;
	return copy ? status : CMD_FAILED;
}

static int run_terminal(struct shell *sh)
{
	struct nse_error err = { 0 };
	char *line;

	if (shell_input_open(sh, &err) < 0)
		return cmd_fail(&err);
	while (!sh->quit && !sh->signals.ended && (line = shell_input_line(sh))) {
		shell_execute(sh, line);
		free(line);
	}
	shell_input_close(sh);
	return CMD_DONE;
}

static int open_first(struct shell *sh, char *what)
{
	char *argv[] = { "open", "--", what, NULL };
	const struct shell_takes *takes = shell_known(sh, "open");

	if (!takes)
		return CMD_FAILED;
	return shell_context_open(&sh->context, &sh->signals, takes, argv, 3, false);
}

static int run(struct shell *sh, const struct options *o, char *what)
{
	int status = what ? open_first(sh, what) : CMD_DONE;

	sh->interactive = !o->commands && isatty(STDIN_FILENO);
	if (sh->signals.ended || (status && !sh->interactive))
		return status;
	if (o->commands)
		return run_text(sh, o->commands);
	return sh->interactive ? run_terminal(sh) : run_stdin(sh);
}

int cmd_shell(int argc, char **argv)
{
	struct shell sh = { .signals = SHELL_SIGNALS_INIT,
			    .context = SHELL_CONTEXT_INIT };
	struct options o = { .commands = NULL };
	struct nse_opt_group groups[] = { { NULL, opts, &o }, { NULL, NULL, NULL } };
	struct nse_error err = { 0 };
	struct nse_args args;
	int status = nse_opts_parse(&usage, groups, argc, argv, &args);

	if (status >= 0)
		return status;
	sh.common = args.common;
	if (shell_signals_open(&sh.signals, &err) < 0)
		return cmd_fail(&err);
	status = run(&sh, &o, args.words[0]);
	shell_context_release(&sh.context);
	shell_known_release(&sh);
	free(sh.fields);
	shell_signals_close(&sh.signals);
	/* As the signal would have done it, now that nothing is left behind. */
	if (sh.signals.ended)
		raise(sh.signals.ended);
	return status;
}
