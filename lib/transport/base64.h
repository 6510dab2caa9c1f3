/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Base64 as key files and fingerprints use it.
 */
#ifndef NSE_TRANSPORT_BASE64_H
#define NSE_TRANSPORT_BASE64_H

#include <stddef.h>
#include <stdint.h>

/* Bytes that the text of n bytes needs, with '=' and the final NUL. */
#define NSE_BASE64_ROOM(n) (((n) + 2) / 3 * 4 + 1)

/* Writes the text of n bytes, padded with '=', and a NUL. */
void nse_base64_encode(const uint8_t *p, size_t n, char *out);

/*
 * Decodes up to len characters, skips newlines, ends at '=' or at any other
 * foreign character. Writes at most room bytes; returns how many.
 */
size_t nse_base64_decode(const char *text, size_t len, uint8_t *out, size_t room);

#endif
