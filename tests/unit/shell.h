/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tests in network namespaces: may they, and what they have to say to ip(8) and
 * nft(8).
 */
#ifndef NSE_TESTS_SHELL_H
#define NSE_TESTS_SHELL_H

#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
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

/*
 * For main(): false when this process may not make network namespaces, and
 * then the whole program is skipped as TAP wants it (prove takes what cmocka's
 * skip() prints for a failure).
 */
static __attribute__((unused)) bool may_unshare(void)
{
	if (unshare(CLONE_NEWNET) == 0)
		return true;
	puts("1..0 # SKIP no permission to make network namespaces");
	return false;
}

#endif
