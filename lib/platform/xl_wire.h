/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The words that the target's xl says to the source's xl during a migration
 * (Xen 4.x, `xl migrate-receive`), read one by one. The other direction is
 * bulk and is not looked at.
 *
 *   T->S  banner                    the receiver runs
 *   T->S  READY                     the whole image is there, guest paused
 *   T->S  report and a status byte  after GO: 0 the guest runs at T
 *   T->S  GO                        only after a status that is not 0: T has
 *                                   destroyed its copy, S may have it back
 */
#ifndef NSE_PLATFORM_XL_WIRE_H
#define NSE_PLATFORM_XL_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/util/error.h"

/* The banner has no NUL on the wire, all others do. */
#define NSE_XL_BANNER "xl migration receiver ready, send binary domain data.\n"
#define NSE_XL_READY  "domain received, ready to unpause"
#define NSE_XL_GO     "domain is yours, you are cleared to unpause"
#define NSE_XL_REPORT "my copy unpause results are as follows"

#define NSE_XL_WORD_MAX 64

/* What is expected next; also what has just been read. */
enum nse_xl_word {
	NSE_XL_W_BANNER,
	NSE_XL_W_READY,
	NSE_XL_W_REPORT, /* with its status byte */
	NSE_XL_W_RETURN, /* GO, back to the source */
	NSE_XL_W_NONE,	 /* nothing more may come */
};

struct nse_xl_wire {
	enum nse_xl_word expect;
	uint8_t buf[NSE_XL_WORD_MAX]; /* the bytes of the word so far */
	size_t have;
	int status; /* of the report, -1 before it */
};

void nse_xl_wire_init(struct nse_xl_wire *w);

/* Bytes that are missing of the word that is expected; 0 for none. */
size_t nse_xl_wire_want(const struct nse_xl_wire *w);

/*
 * Takes n bytes, 1 to want. Returns 1 when they complete the word, which is
 * then in buf[0 … have), 0 when more is needed, -EPROTO with a text when they
 * are not that word.
 */
int nse_xl_wire_feed(struct nse_xl_wire *w, const void *p, size_t n,
		     struct nse_error *err);

/* Goes on to the next word, once feed() returned 1. */
void nse_xl_wire_next(struct nse_xl_wire *w);

/* "the banner", "READY", … for messages. */
const char *nse_xl_word_name(enum nse_xl_word word);

#endif
