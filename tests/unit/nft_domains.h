/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two domains that share the tables of a host: web1, which a test is about, and
 * web2. Their rulesets go through nft(8) into the kernel.
 */
#ifndef TESTS_UNIT_NFT_DOMAINS_H
#define TESTS_UNIT_NFT_DOMAINS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/context/scope.h"
#include "lib/engine/nft/ruleset.h"
#include "lib/netlink/nl.h"
#include "lib/util/cleanup.h"
#include "tests/unit/shell.h"

#define UNUSED __attribute__((unused))

static struct nft_ruleset *rs;
static struct nse_scope scope;
static struct nse_error err;

static void add_domain(struct nse_domain *d, const char *vif, const char *mac,
		       const char *const *addrs)
{
	struct nse_vif v = { .devid = 0 };
	struct nse_addr a;

	snprintf(v.name, sizeof(v.name), "%s", vif);
	snprintf(v.mac, sizeof(v.mac), "%s", mac);
	assert_int_equal(nse_domain_add_vif(d, &v), 0);
	for (; *addrs; addrs++) {
		assert_int_equal(nse_addr_parse(*addrs, &a, NULL), 0);
		assert_int_equal(nse_domain_add_addr(d, &a), 0);
	}
}

/* web1 is the domain, web2 is another one of this host. */
static UNUSED int domains_setup(void **state)
{
	static const char *const mine[] = { "10.0.0.5", "10.0.5.0/24", "2001:db8::5",
					    NULL };
	static const char *const other[] = { "10.0.0.6", "2001:db8::6", NULL };

	(void)state;
	nse_scope_init(&scope);
	snprintf(scope.domain.name, sizeof(scope.domain.name), "web1");
	add_domain(&scope.domain, "vif5.0", "00:16:3e:00:00:05", mine);
	add_domain(&scope.others, "vif6.0", "00:16:3e:00:00:06", other);
	memset(&err, 0, sizeof(err));
	return 0;
}

static UNUSED int domains_teardown(void **state)
{
	(void)state;
	nft_ruleset_free(rs);
	rs = NULL;
	nse_scope_release(&scope);
	return 0;
}

static UNUSED void read_ruleset(void)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;

	nft_ruleset_free(rs);
	rs = NULL;
	assert_int_equal(nse_nl_open(&nl, 0, 0, &err), 0);
	if (nft_ruleset_load(nl, NFT_ELEMENTS_ALL, &rs, &err) < 0)
		fail_msg("%s", err.text);
}

/* Replaces the ruleset of the namespace. */
static UNUSED void load(const char *ruleset)
{
	static char *const flush[] = { "nft", "flush", "ruleset", NULL };
	static char *const argv[] = { "nft", "-f", "-", NULL };
	int64_t limit = nse_now_us() + 30 * 1000000;

	assert_int_equal(nse_run(flush, NULL, NULL, 65536, limit, &err), 0);
	if (nse_run(argv, ruleset, NULL, 65536, limit, &err) != 0)
		fail_msg("nft does not take: %s", ruleset);
	read_ruleset();
}

#define BASE "type filter hook forward priority 0; policy accept;"

/* A vmap on the interface, a chain for each domain, and what they use. */
#define TWO_DOMAINS                                                                      \
	"table inet filter {\n"                                                          \
	" counter hits { packets 3 bytes 4 }\n"                                          \
	" counter web1-hits { }\n"                                                       \
	" quota web1-quota { over 10 mbytes }\n"                                         \
	" set web1-ports { type inet_service; elements = { 80, 443 } }\n"                \
	" set shared { type ipv4_addr; elements = { 192.0.2.1 } }\n"                     \
	" set block { type ipv4_addr; flags timeout;\n"                                  \
	"  elements = { 10.0.0.5 timeout 1h, 10.0.0.6 timeout 1h, 192.0.2.9 } }\n"       \
	" map guests { type ifname : verdict;\n"                                         \
	"  elements = { vif5.0 : jump web1, vif6.0 : jump web2 } }\n"                    \
	" chain log-drop { counter drop; }\n"                                            \
	" chain web1 {\n"                                                                \
	"  tcp dport @web1-ports counter name web1-hits accept\n"                        \
	"  ip saddr @shared quota name web1-quota jump web1-more\n"                      \
	"  ip saddr 10.0.0.6 accept\n"                                                   \
	"  counter name hits goto log-drop\n }\n"                                        \
	" chain web1-more { tcp dport { 1, 2 } accept; meta mark 5 jump { drop; }; }\n"  \
	" chain web2 { ip saddr @shared accept; ip saddr 10.0.0.5 accept;\n"             \
	"  counter name hits goto log-drop; }\n"                                         \
	" chain forward { " BASE "\n"                                                    \
	"  ct state established accept\n"                                                \
	"  iifname vmap @guests\n"                                                       \
	"  oifname vif6.0 accept\n"                                                      \
	"  oifname vif5.0 accept\n"                                                      \
	"  ip daddr @block drop\n"                                                       \
	"  ip daddr 10.0.0.5 counter\n"                                                  \
	"  counter\n }\n}\n"

#endif
