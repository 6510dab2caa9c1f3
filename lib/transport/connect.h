/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A TCP connection to a host by name, with a deadline over everything.
 */
#ifndef NSE_TRANSPORT_CONNECT_H
#define NSE_TRANSPORT_CONNECT_H

#include <signal.h>
#include <stdint.h>

#include "lib/util/error.h"

/*
 * Tries every address of the host in turn. Returns a non-blocking socket, or
 * -EHOSTUNREACH (no such host, no way to it), -ECONNREFUSED or -ETIMEDOUT with
 * a text that names each address and its failure. -EINTR once *interrupted (which
 * may be NULL) is not 0.
 */
int nse_connect(const char *host, int port, int64_t deadline_us,
		const volatile sig_atomic_t *interrupted, struct nse_error *err);

#endif
