/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Errors: a function returns 0 or -errno, and where it knows what went wrong
 * it sets the text, once. The library never prints; cmd/ prints the text.
 */
#ifndef NSE_UTIL_ERROR_H
#define NSE_UTIL_ERROR_H

#define NSE_ERROR_MAX 1024

struct nse_error {
	int code;		  /* -errno, 0 when nothing is set */
	char text[NSE_ERROR_MAX]; /* one or more lines without a final newline */
};

/*
 * Sets the text and returns code, so that `return nse_error(err, -EPROTO,
 * "record %u: …", n);` is all a caller needs. err may be NULL. code is
 * negative. A text that is too long is cut.
 */
int nse_error(struct nse_error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * As nse_error(), with ": " and strerror(-code) behind the text.
 */
int nse_errno(struct nse_error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Puts context in front of a text that is already set ("reading x: …").
 * Returns err->code. err may be NULL; then -EIO is returned.
 */
int nse_error_prefix(struct nse_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
