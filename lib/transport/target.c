/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * [USER@]HOST[:PORT] as the user writes it. Both names may end up in the
 * argument vector of ssh(1), so neither may begin with '-' or hold characters
 * that have no business in a name.
 */
#include "lib/transport/transport.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_ipv6(const char *host)
{
	char bare[sizeof(((struct nse_target *)0)->host)];
	struct in6_addr addr;

	strncpy(bare, host, sizeof(bare) - 1);
	bare[sizeof(bare) - 1] = '\0';
	bare[strcspn(bare, "%")] = '\0'; /* a link-local address names its interface */
	return inet_pton(AF_INET6, bare, &addr) == 1;
}

static bool host_ok(const char *host)
{
	if (host[0] == '\0' || host[0] == '-')
		return false;
	for (const char *p = host; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return false;
	return true;
}

static bool user_ok(const char *user)
{
	if (user[0] == '-')
		return false;
	for (const char *p = user; *p; p++)
		if (!isgraph((unsigned char)*p) || strchr("'`\"\\;&<>|(){}$", *p))
			return false;
	return true;
}

static int parse_port(const char *text, int *port)
{
	char *end;
	long n;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	n = strtol(text, &end, 10);
	if (*end || n < 1 || n > 65535)
		return -EINVAL;
	*port = (int)n;
	return 0;
}

static int take(char *out, size_t room, const char *from, size_t len)
{
	if (len >= room)
		return -ENAMETOOLONG;
	memcpy(out, from, len);
	out[len] = '\0';
	return 0;
}

/* "[ADDRESS]" or "[ADDRESS]:PORT" */
static int parse_bracketed(const char *text, const char *rest, struct nse_target *t,
			   struct nse_error *err)
{
	const char *close = strchr(rest, ']');

	if (!close || (close[1] != '\0' && close[1] != ':') ||
	    take(t->host, sizeof(t->host), rest + 1, (size_t)(close - rest - 1)) < 0 ||
	    !is_ipv6(t->host))
		return nse_error(err, -EINVAL,
				 "%s: expected [IPV6-ADDRESS] or "
				 "[IPV6-ADDRESS]:PORT",
				 text);
	if (close[1] == ':' && parse_port(close + 2, &t->port) < 0)
		return nse_error(err, -EINVAL,
				 "%s: the port is not a number from 1 to 65535", text);
	return 0;
}

int nse_target_parse(const char *text, struct nse_target *t, struct nse_error *err)
{
	const char *at = strrchr(text, '@');
	const char *rest = at ? at + 1 : text;
	const char *colon = strchr(rest, ':');

	memset(t, 0, sizeof(*t));
	if (at && (at == text ||
		   take(t->user, sizeof(t->user), text, (size_t)(at - text)) < 0 ||
		   !user_ok(t->user)))
		return nse_error(err, -EINVAL,
				 "%s: what stands before the @ is no user name", text);
	if (*rest == '[')
		return parse_bracketed(text, rest, t, err);
	if (colon && strchr(colon + 1, ':'))
		return nse_error(err, -EINVAL,
				 "%s: an IPv6 address is written in brackets, "
				 "as [2001:db8::1] or [2001:db8::1]:22",
				 text);
	if (take(t->host, sizeof(t->host), rest,
		 colon ? (size_t)(colon - rest) : strlen(rest)) < 0 ||
	    !host_ok(t->host))
		return nse_error(err, -EINVAL,
				 "%s: '%s' is no host name (letters, digits, "
				 "'.', '_' and '-', not beginning with '-')",
				 text, t->host);
	if (colon && parse_port(colon + 1, &t->port) < 0)
		return nse_error(err, -EINVAL,
				 "%s: the port is not a number from 1 to 65535", text);
	return 0;
}
