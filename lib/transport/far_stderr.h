/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A far program's stderr, line by line, with the host's name in front.
 */
#ifndef NSE_TRANSPORT_FAR_STDERR_H
#define NSE_TRANSPORT_FAR_STDERR_H

#include <stddef.h>

#define NSE_FAR_STDERR_LINE 1024 /* a longer line is broken */
#define NSE_FAR_STDERR_LAST 160

struct nse_far_stderr {
	int fd;		  /* where the lines go */
	char prefix[264]; /* "HOST: " */
	size_t len;
	char line[NSE_FAR_STDERR_LINE];
	char last[NSE_FAR_STDERR_LAST]; /* the beginning of the last line that was written
					 */
};

void nse_far_stderr_init(struct nse_far_stderr *r, int fd, const char *host);

/*
 * Takes bytes and writes every line that is whole, each with one write(2) so
 * that lines of two hosts do not mix. Control characters, which a hostile
 * host could use against a terminal, are shown as '?'.
 */
void nse_far_stderr_put(struct nse_far_stderr *r, const char *p, size_t n);

/*
 * How the program ended, in words: by the signal of that name ("SIGKILL"), or with
 * NULL by itself with that status; what it said last is quoted. `who` begins the text.
 */
void nse_far_stderr_ending(const struct nse_far_stderr *r, const char *who,
			   const char *signal, int status, char *out, size_t room);

/* Writes what is left of a line that never ended. */
void nse_far_stderr_flush(struct nse_far_stderr *r);

#endif
