/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A far program's stderr, line by line, with the host's name in front.
 */
#ifndef NSE_TRANSPORT_FAR_STDERR_H
#define NSE_TRANSPORT_FAR_STDERR_H

#include <stddef.h>

#define NSE_FAR_STDERR_LINE 1024 /* a longer line is broken */

struct nse_far_stderr {
	int fd;		  /* where the lines go */
	char prefix[264]; /* "HOST: " */
	size_t len;
	char line[NSE_FAR_STDERR_LINE];
};

void nse_far_stderr_init(struct nse_far_stderr *r, int fd, const char *host);

/*
 * Takes bytes and writes every line that is whole, each with one write(2) so
 * that lines of two hosts do not mix. Control characters, which a hostile
 * host could use against a terminal, are shown as '?'.
 */
void nse_far_stderr_put(struct nse_far_stderr *r, const char *p, size_t n);

/* Writes what is left of a line that never ended. */
void nse_far_stderr_flush(struct nse_far_stderr *r);

#endif
