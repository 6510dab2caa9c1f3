/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Errors: a function returns 0 or -errno, and where it knows what went wrong
 * it sets the text, once. The library never prints; cmd/ prints the text.
 */
#ifndef NSE_UTIL_ERROR_H
#define NSE_UTIL_ERROR_H

#define NSE_ERROR_MAX 1024
#define NSE_STATE_MAX 768

/* The texts are one or more lines each, without a final newline. */
struct nse_error {
	int code;		    /* -errno, 0 when nothing is set */
	char text[NSE_ERROR_MAX];   /* what failed, where, and why */
	char state[NSE_STATE_MAX];  /* what has become of what it was about, or "" */
	char advice[NSE_STATE_MAX]; /* what to do now, or "" */
};

/*
 * Sets the text and returns code, so that `return nse_error(err, -EPROTO,
 * "record %u: …", n);` is all a caller needs. err may be NULL. code is
 * negative. A text that is too long is cut. State and advice of an earlier
 * error go.
 */
int nse_error(struct nse_error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * As nse_error(), with ": " and strerror(-code) behind the text.
 */
int nse_errno(struct nse_error *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts something behind a text that is already set. err may be NULL. */
void nse_error_add(struct nse_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Adds what to do about an error that is already set; whoever knows it first
 * knows it best, and is not overruled. Returns err->code. err may be NULL; then
 * -EIO is returned.
 */
int nse_advise(struct nse_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Puts context in front of a text that is already set ("reading x: …").
 * Returns err->code. err may be NULL; then -EIO is returned.
 */
int nse_error_prefix(struct nse_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
