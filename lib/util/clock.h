/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Time. Durations and deadlines are microseconds of CLOCK_MONOTONIC.
 */
#ifndef NSE_UTIL_CLOCK_H
#define NSE_UTIL_CLOCK_H

#include <stdint.h>
#include <time.h>

/* A deadline that never comes. */
#define NSE_FOREVER INT64_MAX

static inline int64_t nse_now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* The timeout for poll(2) until the deadline: milliseconds, rounded up. */
static inline int nse_poll_ms(int64_t deadline_us)
{
	int64_t left;

	if (deadline_us == NSE_FOREVER)
		return -1;
	left = deadline_us - nse_now_us();
	if (left <= 0)
		return 0;
	left = (left + 999) / 1000;
	return left > 3600000 ? 3600000 : (int)left;
}

#endif
