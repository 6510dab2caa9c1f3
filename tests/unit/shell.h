/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a test has to say to ip(8) and nft(8).
 */
#ifndef NSE_TESTS_SHELL_H
#define NSE_TESTS_SHELL_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/util/clock.h"
#include "lib/util/proc.h"

/* Runs a command line; what it prints is dropped. Its exit status, or -errno. */
static __attribute__((unused, format(printf, 1, 2))) int shell(const char *fmt, ...)
{
	char line[1024], *argv[] = { "sh", "-c", line, NULL };
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	return nse_run(argv, NULL, NULL, 1u << 20, nse_now_us() + 30 * 1000000, NULL);
}

#endif
