/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Addresses with a prefix: parsing, text and membership.
 */
#include "lib/util/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t nse_addr_size(uint8_t family)
{
	return family == AF_INET6 ? 16 : 4;
}

static void clear_host_bits(struct nse_addr *addr)
{
	size_t i, size = nse_addr_size(addr->family);

	for (i = 0; i < size; i++) {
		int bits = (int)addr->prefix - (int)i * 8;

		if (bits <= 0)
			addr->bytes[i] = 0;
		else if (bits < 8)
			addr->bytes[i] &= (uint8_t)(0xff << (8 - bits));
	}
}

int nse_addr_parse(const char *text, struct nse_addr *out, struct nse_error *err)
{
	char host[INET6_ADDRSTRLEN];
	struct nse_addr addr = { 0 };
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	unsigned long prefix, full;
	char *end;

	if (len == 0 || len >= sizeof(host))
		goto bad;
	memcpy(host, text, len);
	host[len] = '\0';
	if (inet_pton(AF_INET, host, addr.bytes) == 1)
		addr.family = AF_INET;
	else if (inet_pton(AF_INET6, host, addr.bytes) == 1)
		addr.family = AF_INET6;
	else
		goto bad;
	full = nse_addr_size(addr.family) * 8;
	prefix = full;
	if (slash) {
		if (slash[1] < '0' || slash[1] > '9')
			goto bad;
		prefix = strtoul(slash + 1, &end, 10);
		if (*end || prefix > full)
			goto bad;
	}
	addr.prefix = (uint8_t)prefix;
	clear_host_bits(&addr);
	*out = addr;
	return 0;
bad:
	return nse_error(err, -EINVAL,
			 "'%s' is not an address: write 192.0.2.1, 192.0.2.0/24, "
			 "2001:db8::1 or 2001:db8::/64",
			 text);
}

/* As inet_ntop(), which takes ten times as long: millions of flows have four each. */
static const char *ipv4_text(const uint8_t *bytes, char *out)
{
	char *to = out;

	for (int i = 0; i < 4; i++) {
		if (i)
			*to++ = '.';
		if (bytes[i] >= 100)
			*to++ = (char)('0' + bytes[i] / 100);
		if (bytes[i] >= 10)
			*to++ = (char)('0' + bytes[i] / 10 % 10);
		*to++ = (char)('0' + bytes[i] % 10);
	}
	*to = '\0';
	return out;
}

const char *nse_addr_text(uint8_t family, const uint8_t *bytes, char out[NSE_ADDR_STR])
{
	if (family == AF_INET)
		return ipv4_text(bytes, out);
	if (!inet_ntop(family, bytes, out, NSE_ADDR_STR))
		snprintf(out, NSE_ADDR_STR, "?");
	return out;
}

const char *nse_addr_format(const struct nse_addr *addr, char out[NSE_ADDR_STR])
{
	size_t len;

	nse_addr_text(addr->family, addr->bytes, out);
	if (nse_addr_is_host(addr))
		return out;
	len = strlen(out);
	snprintf(out + len, NSE_ADDR_STR - len, "/%u", addr->prefix);
	return out;
}

bool nse_addr_covers(const struct nse_addr *addr, uint8_t family, const uint8_t *bytes)
{
	unsigned int whole = addr->prefix / 8, rest = addr->prefix % 8;
	uint8_t mask = (uint8_t)(0xff << (8 - rest));

	if (addr->family != family || memcmp(addr->bytes, bytes, whole) != 0)
		return false;
	return rest == 0 || ((addr->bytes[whole] ^ bytes[whole]) & mask) == 0;
}

bool nse_addr_equal(const struct nse_addr *a, const struct nse_addr *b)
{
	return a->family == b->family && a->prefix == b->prefix &&
	       memcmp(a->bytes, b->bytes, nse_addr_size(a->family)) == 0;
}

bool nse_addr_is_host(const struct nse_addr *addr)
{
	return addr->prefix == nse_addr_size(addr->family) * 8;
}

static bool of_socket(struct nse_addr *addr, const struct sockaddr *sa)
{
	const void *bytes;

	if (!sa || (sa->sa_family != AF_INET && sa->sa_family != AF_INET6))
		return false;
	bytes = sa->sa_family == AF_INET
			? (const void *)&((const struct sockaddr_in *)sa)->sin_addr
			: (const void *)&((const struct sockaddr_in6 *)sa)->sin6_addr;
	memset(addr, 0, sizeof(*addr));
	addr->family = (uint8_t)sa->sa_family;
	addr->prefix = (uint8_t)(8 * nse_addr_size(addr->family));
	memcpy(addr->bytes, bytes, nse_addr_size(addr->family));
	return true;
}

int nse_addr_each_own(int (*each)(void *arg, const struct nse_addr *addr), void *arg)
{
	struct ifaddrs *list;
	struct nse_addr addr;
	int rc = 0;

	if (getifaddrs(&list) < 0)
		return -errno;
	for (const struct ifaddrs *i = list; i && rc == 0; i = i->ifa_next)
		if (of_socket(&addr, i->ifa_addr))
			rc = each(arg, &addr);
	freeifaddrs(list);
	return rc;
}
