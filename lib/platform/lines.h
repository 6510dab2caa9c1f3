/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Short text lines from a descriptor that does not block: what a script or
 * the gate says, read without trust in its length.
 */
#ifndef NSE_PLATFORM_LINES_H
#define NSE_PLATFORM_LINES_H

#include <stdbool.h>
#include <stddef.h>

#define NSE_LINE_MAX 512 /* bytes of a line with its newline */

struct nse_lines {
	char buf[NSE_LINE_MAX];
	size_t len;
	bool eof; /* the writer is gone; an unfinished last line is dropped */
};

/*
 * The next line, without its newline, NUL bytes replaced by '?'. Returns 1, 0
 * when there is none yet (or no more: see eof), -EMSGSIZE when a line is too
 * long (line holds its beginning), or -errno. fd is O_NONBLOCK.
 */
int nse_lines_next(struct nse_lines *l, int fd, char line[NSE_LINE_MAX]);

/* Rewrites text for a message: what is not printable ASCII becomes '?'. */
char *nse_line_printable(char *text);

/* write(2) of a whole short text that never raises SIGPIPE: 0 or -errno. */
int nse_line_write(int fd, const char *text);

#endif
