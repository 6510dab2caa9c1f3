/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The socket between the gate (a child of xl) and the controller (nsemig
 * migrate). It has an abstract name, so that nothing is left behind by a
 * process that is killed; each end insists that the other belongs to the same
 * user (SO_PEERCRED), which is root.
 *
 *   gate -> controller   hello 2
 *   controller -> gate   start BANNER STALL HOLD REPORT   limits, microseconds
 *   gate -> controller   banner AT
 *   gate -> controller   bytes BYTES        passed to the target so far, now and then
 *   gate -> controller   ready AT BYTES     READY is held back from here on
 *   controller -> gate   go | abort         end of file means abort
 *   gate -> controller   released AT        READY was passed on
 *   gate -> controller   report N AT        what the target said after GO
 *   gate -> controller   returned           the target has destroyed its copy
 *   gate -> controller   failed TEXT        why the gate gave up
 *   gate -> controller   cleared            the target's end has gone, too
 *
 * AT is CLOCK_MONOTONIC in microseconds, the same clock for both.
 */
#ifndef NSE_PLATFORM_XL_CONTROL_H
#define NSE_PLATFORM_XL_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/util/error.h"

#define NSE_XL_CONTROL_VERSION 2
#define NSE_XL_SOCKET_MAX      64

/* How long each part of xl's handshake may take, microseconds. */
struct nse_xl_limits {
	int64_t banner; /* from the start of the remote shell to the banner */
	int64_t stall;	/* without a byte in either direction before READY */
	int64_t hold;	/* READY held without go or abort */
	int64_t report; /* from READY's release, or from an abort, to the report */
};

/*
 * Generous: a password may be typed before the banner, a guest may take a
 * minute to suspend, hotplug scripts may take 40 s each.
 */
#define NSE_XL_LIMITS_DEFAULT                                                            \
	{                                                                                \
		.banner = 120000000, .stall = 180000000, .hold = 300000000,              \
		.report = 60000000                                                       \
	}

/* Listens; *name gets what the gate connects to, as "@nsemig-xl-…". */
int nse_xl_listen(char name[NSE_XL_SOCKET_MAX], struct nse_error *err);

/*
 * The next connection of our own user, O_NONBLOCK; others are turned away.
 * -EAGAIN when there is none now.
 */
int nse_xl_accept(int fd);

/* The gate's side; blocking until the deadline. A descriptor or -errno. */
int nse_xl_connect(const char *name, struct nse_error *err);

/* Sends one line (printf-like, the newline is added); 0 or -errno. */
int nse_xl_say(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * Can a line be sent without waiting for the other end to read? What is only
 * nice to know is not said to one that does not listen.
 */
bool nse_xl_can_say(int fd);

#endif
