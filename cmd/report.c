/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one place where errors become lines on stderr, and the flag that
 * signals set.
 */
#include "cmd/cmd.h"
#include "cmd/output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

volatile sig_atomic_t cmd_signal, cmd_signals;

#define INDENT "        " /* as wide as "nsemig: " */

/*
 * The lines of a text, the first behind `lead`. A peer's words are part of some
 * errors: nothing for the terminal in them.
 */
static void print_lines(const char *lead, const char *lines)
{
	char text[NSE_ERROR_MAX], safe[4 * NSE_ERROR_MAX];

	snprintf(text, sizeof(text), "%s", lines);
	for (char *line, *rest = text; (line = strsep(&rest, "\n")); lead = INDENT)
		fprintf(stderr, "%s%s\n", lead, cmd_safe(line, safe, sizeof(safe)));
}

int cmd_fail(const struct nse_error *err)
{
	fflush(stdout);
	print_lines("nsemig: ",
		    err->text[0] ? err->text : strerror(err->code ? -err->code : EIO));
	if (err->state[0])
		print_lines(INDENT, err->state);
	if (err->advice[0])
		print_lines(INDENT "To do: ", err->advice);
	if (err->code == -EINVAL)
		return CMD_USAGE;
	/* An undo that failed leaves what nobody can know from here. */
	return err->code == -EUCLEAN ? CMD_UNCLEAR : CMD_FAILED;
}

int cmd_usage_error(const char *command, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "nsemig: %s%s", command ? command : "", command ? ": " : "");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nTry 'nsemig help%s%s', or 'nsemig %s%s-h' for the options.\n",
		command ? " " : "", command ? command : "", command ? command : "",
		command ? " " : "");
	return CMD_USAGE;
}

static void on_signal(int sig)
{
	cmd_signal = sig;
	cmd_signals++;
}

static void catch_signals(int flags)
{
	static const int which[] = { SIGINT, SIGTERM, SIGHUP };
	/* No SA_RESTART: a blocked call has to return and see the flag. */
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags };

	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < sizeof(which) / sizeof(which[0]); i++)
		sigaction(which[i], &sa, NULL);
}

void cmd_catch_signals(void)
{
	catch_signals(SA_RESETHAND);
}

void cmd_hold_signals(void)
{
	catch_signals(0);
}

bool cmd_signal_again(int *told)
{
	int now = cmd_signals;

	if (now == *told)
		return false;
	*told = now;
	return true;
}
