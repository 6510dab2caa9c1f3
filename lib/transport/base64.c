/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Base64: host keys in known_hosts files, fingerprints, private key files.
 */
#include "lib/transport/base64.h"

#include <string.h>

static const char digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void nse_base64_encode(const uint8_t *p, size_t n, char *out)
{
	for (size_t i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16;

		if (i + 1 < n)
			v |= (uint32_t)p[i + 1] << 8;
		if (i + 2 < n)
			v |= p[i + 2];
		*out++ = digits[v >> 18];
		*out++ = digits[v >> 12 & 63];
		*out++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
		*out++ = i + 2 < n ? digits[v & 63] : '=';
	}
	*out = '\0';
}

size_t nse_base64_decode(const char *text, size_t len, uint8_t *out, size_t room)
{
	uint32_t acc = 0;
	int bits = 0;
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		const char *d;

		if (text[i] == '\n' || text[i] == '\r')
			continue;
		d = text[i] ? strchr(digits, text[i]) : NULL;
		if (!d)
			break;
		acc = acc << 6 | (uint32_t)(d - digits);
		bits += 6;
		if (bits < 8)
			continue;
		bits -= 8;
		if (n == room)
			break;
		out[n++] = acc >> bits & 0xff;
	}
	return n;
}
