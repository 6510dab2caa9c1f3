/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one place where errors become lines on stderr, and the flag that
 * signals set.
 */
#include "cmd/cmd.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

volatile sig_atomic_t cmd_signal;

int cmd_fail(const struct nse_error *err)
{
	const char *p = err->text, *end;

	if (!*p)
		p = strerror(err->code ? -err->code : EIO);
	fflush(stdout);
	fputs("nsemig: ", stderr);
	for (; (end = strchr(p, '\n')); p = end + 1)
		fprintf(stderr, "%.*s\n        ", (int)(end - p), p);
	fprintf(stderr, "%s\n", p);
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
	fprintf(stderr, "\nTry 'nsemig %s%s-h'.\n", command ? command : "",
		command ? " " : "");
	return CMD_USAGE;
}

static void on_signal(int sig)
{
	cmd_signal = sig;
}

void cmd_catch_signals(void)
{
	static const int which[] = { SIGINT, SIGTERM, SIGHUP };
	/* No SA_RESTART: a blocked call has to return and see the flag. */
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };

	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < sizeof(which) / sizeof(which[0]); i++)
		sigaction(which[i], &sa, NULL);
}
