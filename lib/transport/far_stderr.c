/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Passes on what a program on another host prints on its stderr.
 */
#include "lib/transport/far_stderr.h"

#include <stdio.h>
#include <string.h>

#include "lib/util/clock.h"
#include "lib/util/io.h"

/* A stderr that nobody reads must not hold up the link for ever. */
#define RELAY_PATIENCE_US 1000000

void nse_far_stderr_init(struct nse_far_stderr *r, int fd, const char *host)
{
	r->fd = fd;
	r->len = 0;
	r->last[0] = '\0';
	snprintf(r->prefix, sizeof(r->prefix), "%s: ", host);
}

void nse_far_stderr_flush(struct nse_far_stderr *r)
{
	char out[sizeof(r->prefix) + NSE_FAR_STDERR_LINE + 1];
	size_t n = strlen(r->prefix);

	if (r->len == 0)
		return;
	memcpy(out, r->prefix, n);
	memcpy(out + n, r->line, r->len);
	snprintf(r->last, sizeof(r->last), "%.*s", (int)r->len, r->line);
	n += r->len;
	out[n++] = '\n';
	r->len = 0;
	/* Where our own stderr is gone there is nobody to tell. */
	(void)nse_write_full(r->fd, out, n, nse_now_us() + RELAY_PATIENCE_US);
}

void nse_far_stderr_ending(const struct nse_far_stderr *r, const char *who,
			   const char *signal, int status, char *out, size_t room)
{
	int n;

	if (signal)
		n = snprintf(out, room, "%s was killed by %s", who, signal);
	else
		n = snprintf(out, room, "%s ended with status %d", who, status);
	if (r->last[0] && n >= 0 && (size_t)n < room)
		snprintf(out + n, room - (size_t)n, "; its last words: '%s'", r->last);
}

void nse_far_stderr_put(struct nse_far_stderr *r, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == '\n' || c == '\r') {
			nse_far_stderr_flush(r);
			continue;
		}
		if ((c < ' ' && c != '\t') || c == 0x7f)
			c = '?';
		r->line[r->len++] = (char)c;
		if (r->len == NSE_FAR_STDERR_LINE)
			nse_far_stderr_flush(r);
	}
}
