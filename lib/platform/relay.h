/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A one-way relay between two descriptors that moves pages with splice(2)
 * where the kernel can, and copies where it cannot.
 */
#ifndef NSE_PLATFORM_RELAY_H
#define NSE_PLATFORM_RELAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nse_relay {
	int in, out;   /* O_NONBLOCK, the caller's; out -1: closed */
	bool wait_out; /* blocked on out, not on in */
	bool copy;     /* splice(2) is not possible here */
	bool eof;      /* in is at its end and all of it is written */
	char *buf;     /* of copy mode; owned */
	size_t off, have;
	uint64_t bytes; /* moved so far */
};

/*
 * Takes over two non-blocking descriptors (not their ownership), and makes
 * pipes as large as the system allows.
 */
void nse_relay_init(struct nse_relay *r, int in, int out);
void nse_relay_release(struct nse_relay *r);

/* The one descriptor and event whose readiness lets the relay go on. */
struct pollfd nse_relay_poll(const struct nse_relay *r);

/*
 * Moves what can be moved now, at most about 16 MiB. Returns 1 when something
 * was moved or the end was seen, 0 when it would block, -EPIPE when out does
 * not take it any more, or -errno.
 */
int nse_relay_run(struct nse_relay *r);

#endif
