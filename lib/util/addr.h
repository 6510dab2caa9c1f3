/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * IPv4 and IPv6 addresses with a prefix length.
 */
#ifndef NSE_UTIL_ADDR_H
#define NSE_UTIL_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/util/error.h"

#define NSE_ADDR_STR 64 /* room for the text of any address with its prefix */

struct nse_addr {
	uint8_t family;	   /* AF_INET or AF_INET6 */
	uint8_t prefix;	   /* 0 to 32 or 128; host bits of bytes are zero */
	uint8_t bytes[16]; /* network order; IPv4 uses the first four */
};

/* 4 or 16. */
size_t nse_addr_size(uint8_t family);

/*
 * Reads ADDR[/LEN]; host bits behind LEN are cleared. -EINVAL with a text
 * that names the input otherwise, and *addr is not touched.
 */
int nse_addr_parse(const char *text, struct nse_addr *addr, struct nse_error *err);

/* Writes the address, with "/LEN" only when it is not a whole host. */
const char *nse_addr_format(const struct nse_addr *addr, char out[NSE_ADDR_STR]);

/* Text of a bare address; bytes has 4 or 16 bytes by family. */
const char *nse_addr_text(uint8_t family, const uint8_t *bytes, char out[NSE_ADDR_STR]);

/* Is the host address `bytes` of `family` inside addr/prefix? */
bool nse_addr_covers(const struct nse_addr *addr, uint8_t family, const uint8_t *bytes);

bool nse_addr_equal(const struct nse_addr *a, const struct nse_addr *b);

/* True for a prefix of the full length. */
bool nse_addr_is_host(const struct nse_addr *addr);

/*
 * Calls each() for every address of this host (getifaddrs(3)), as a single address
 * whatever its network's prefix. 0, -errno, or what each() returned other than 0.
 */
int nse_addr_each_own(int (*each)(void *arg, const struct nse_addr *addr), void *arg);

#endif
