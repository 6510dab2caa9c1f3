/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Relocation against the kernel: a ruleset is loaded as it is on one host and
 * as it shall be on the other; the records of the first, relocated, must be
 * those of the second, byte for byte.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/engine/nft/ifindex.h"
#include "lib/engine/nft/relocate.h"
#include "lib/util/cleanup.h"

#include "tests/unit/nft_hosts.h"

/* What stands in a text for the first host, and for the second one. */
struct word {
	const char *from, *to;
};
static const struct word words[] = {
	{ "vif5.0", "vif19.0" },      { "vif5.1", "vif19.1" },
	{ "vif5.*", "vif19.*" },      { "vif5.+", "vif19.+" },
	{ "10.5.0.", "10.9.0." },     { "fd00:5::", "fd00:9::" },
	{ "old-name", "a-new-name" }, { "old-table", "another-table" },
};

static const char *const pairs[] = { "vif5.0=vif19.0", "vif5.1=vif19.1" };
static const char *const addr_pairs[] = { "10.5.0.0/24=10.9.0.0/24",
					  "fd00:5::/64=fd00:9::/64" };
static const char *const name_pairs[] = { "old-name=a-new-name",
					  "old-table=another-table" };

static char *translate(const char *text)
{
	char *out = calloc(1, strlen(text) * 2 + 1), *p = out;
	size_t w;

	assert_non_null(out);
	while (*text) {
		for (w = 0; w < NSE_ARRAY_SIZE(words); w++) {
			size_t n = strlen(words[w].from);

			/* vif5.1 of vif5.10 is no vif5.1. */
			if (strncmp(text, words[w].from, n) == 0 &&
			    (strchr(".:", text[n - 1]) || text[n] < '0' || text[n] > '9'))
				break;
		}
		if (w == NSE_ARRAY_SIZE(words)) {
			*p++ = *text++;
			continue;
		}
		p = stpcpy(p, words[w].to);
		text += strlen(words[w].from);
	}
	return out;
}

static void make_map(struct nse_map *map)
{
	struct nse_error err;

	for (size_t i = 0; i < NSE_ARRAY_SIZE(pairs); i++)
		assert_int_equal(nse_map_add_vif(map, pairs[i], &err), 0);
	for (size_t i = 0; i < NSE_ARRAY_SIZE(addr_pairs); i++)
		assert_int_equal(nse_map_add_addr(map, addr_pairs[i], &err), 0);
	for (size_t i = 0; i < NSE_ARRAY_SIZE(name_pairs); i++)
		assert_int_equal(nse_map_add_name(map, name_pairs[i], &err), 0);
}

static void hex(const char *what, struct nse_bytes b)
{
	char line[1024];
	size_t n = 0;

	for (size_t i = 0; i < b.n && n + 4 < sizeof(line); i++)
		n += (size_t)snprintf(line + n, sizeof(line) - n, "%02x%s", b.p[i],
				      i % 4 == 3 ? " " : "");
	print_message("  %s %s\n", what, line);
}

/* Each record of a is in b with the same body. */
static void assert_in(const struct nse_context *a, const struct nse_context *b)
{
	struct nse_record rec, there;
	size_t bad = 0;

	for (uint32_t s = 0; s < nse_context_slots(a); s++) {
		char name[512] = "";
		struct nft_key key;
		uint32_t at;

		if (!nse_context_at(a, s, &rec))
			continue;
		at = nse_context_find(b, rec.kind, rec.key);
		if (at != NSE_CONTEXT_NONE && nse_context_at(b, at, &there) &&
		    nse_bytes_equal(rec.body, there.body))
			continue;
		bad++;
		if (nft_key_decode(&rec, &key, NULL) == 0)
			nft_key_text(&key, name, sizeof(name));
		print_message("%s %s\n", name,
			      at == NSE_CONTEXT_NONE ? "is not there" : "differs");
		hex("key ", rec.key);
		hex("body", rec.body);
		if (at != NSE_CONTEXT_NONE)
			hex("for ", there.body);
	}
	assert_int_equal(bad, 0);
}

/* The text, relocated, is its translation. */
static void check_text(const char *text)
{
	static const char *const here[] = { "vif5.0", "vif5.1", "vif5.10", NULL };
	/* In another order, so that their indexes are others, too. */
	static const char *const there[] = { "vif5.10", "vif19.1", "vif19.0", NULL };
	NSE_CLEANUP(nse_map_release) struct nse_map map = NSE_MAP_INIT;
	struct nse_context *from, *to, *moved = nse_context_new();
	char *translated = translate(text);
	struct nse_error err = { 0 };

	make_map(&map);
	nft_host_load(here, text);
	from = nft_host_context();
	nft_host_load(there, translated);
	to = nft_host_context();
	free(translated);
	if (nft_relocate_context(&map, from, moved, &err) < 0)
		fail_msg("%s", err.text);
	assert_in(moved, to);
	assert_in(to, moved);
	assert_true(nse_context_count(to) > 1);
	nse_context_free(from);
	nse_context_free(to);
	nse_context_free(moved);
}

#define TABLE(content) "table inet t {\n" content "\n}\n"
#define RULES(rules)   TABLE("chain c {\ntype filter hook input priority 0;\n" rules "\n}")

static void test_compared_names(void **state)
{
	(void)state;
	check_text(RULES("iifname vif5.0 accept\n"
			 "iifname != vif5.1 accept\n"
			 "oifname vif5.10 accept\n"
			 "iifname \"vif5.0-emu\" accept\n"
			 "iifname \"vif5.*\" accept\n"
			 "iifname \"vif50.0\" oifname \"vif5\" accept\n"
			 "fib saddr oifname vif5.1 accept\n"
			 "oifname \"eth*\" iifname eth0 accept\n"
			 "iifname vif5.0 ip saddr 10.5.0.7 counter packets 3 bytes 5\n"));
}

static void test_set_names(void **state)
{
	(void)state;
	check_text(
		TABLE("set a { type ifname; elements = { vif5.0, vif5.1, vif5.10, "
		      "\"vif5.0-emu\", eth0 }\n}\n"
		      "set b { type ipv4_addr . ifname . inet_service; elements = { "
		      "10.5.0.1 . vif5.0 . 80, 10.6.0.1 . vif5.10 . 81 }\n}\n"
		      "set c { type ether_addr . ifname; elements = { "
		      "00:16:3e:00:00:01 . vif5.0 }\n}\n"
		      "map d { type ipv4_addr : ifname; elements = { 10.5.0.1 : vif5.0, "
		      "10.5.0.2 : vif5.10 }\n}\n"
		      "chain c { }\nmap e { type ifname : verdict; elements = { "
		      "vif5.0 : jump c, vif5.10 : drop }\n}\n"));
}

static void test_interval_names(void **state)
{
	(void)state;
	check_text(
		TABLE("set a { type ifname; flags interval; elements = { \"vif5.*\", "
		      "vif7.0, \"eth*\" }\n}\n"
		      "set b { type ifname; flags interval; elements = { vif5.0, vif5.1, "
		      "vif5.10 }\n}\n"
		      "set c { type ifname . ipv4_addr; flags interval; elements = { "
		      "vif5.0 . 10.5.0.0/25, \"vif5.*\" . 10.5.0.129-10.5.0.140, "
		      "\"eth*\" . 10.6.0.0/16 }\n}\n"));
}

static void test_anonymous(void **state)
{
	(void)state;
	check_text(RULES("iifname { vif5.0, vif5.1 } accept\n"
			 "iifname { vif5.10, eth0 } accept\n"
			 "iifname vmap { vif5.0 : accept, vif5.10 : drop }\n"
			 "jump { iifname vif5.0 accept; oifname { vif5.1 } drop; }\n"
			 "ip saddr { 10.5.0.1, 10.6.0.1 } ip daddr != { 10.5.0.2 } drop\n"
			 "iifname . ip saddr { vif5.0 . 10.5.0.1 } accept\n"));
}

static void test_addresses(void **state)
{
	(void)state;
	check_text(RULES("ip saddr 10.5.0.1 ip daddr 10.6.0.1 accept\n"
			 "ip saddr 10.5.0.1 ip daddr 10.5.0.2 accept\n"
			 "ip saddr 10.5.0.0/24 accept\n"
			 "ip saddr 10.5.0.128/25 accept\n"
			 "ip saddr 10.5.0.3-10.5.0.9 accept\n"
			 "ip saddr != 10.5.0.3-10.5.0.9 accept\n"
			 "ip6 saddr fd00:5::1 accept\n"
			 "ip6 saddr fd00:5::/64 ip6 daddr fd00:6::/64 accept\n"
			 "ct original ip saddr 10.5.0.1 accept\n"
			 "ct reply ip6 daddr fd00:5::2 accept\n"
			 "ip daddr set 10.5.0.9\n"
			 "meta mark 0x0a050001 tcp dport 22 accept\n"));
	check_text(TABLE("chain c { type nat hook prerouting priority -100;\n"
			 "ip daddr 10.5.0.1 tcp dport 80 dnat ip to 10.5.0.2:8080\n"
			 "ip daddr 10.5.0.1 dnat ip to 10.5.0.2-10.5.0.9\n"
			 "dnat ip6 to fd00:5::1\n"
			 "dnat ip to ip daddr map { 10.5.0.1 : 10.5.0.2 }\n}"));
	check_text("table arp t {\nchain c { type filter hook input priority 0;\n"
		   "arp saddr ip 10.5.0.1 drop\narp daddr ip 10.5.0.2 drop\n}\n}\n");
}

static void test_address_sets(void **state)
{
	(void)state;
	check_text(
		TABLE("set a { type ipv4_addr; flags interval; elements = { 10.5.0.1, "
		      "10.5.0.0-10.5.0.0, 10.5.0.16/28, 10.6.0.0/16 }\n}\n"
		      "set b { type ipv6_addr; flags interval; elements = { "
		      "fd00:5::/96, fd00:6::1 }\n}\n"
		      "set c { type ipv4_addr . mark; elements = { 10.5.0.1 . 0x0a050001 "
		      "}\n}\n"
		      "map d { type mark : interval ipv4_addr; elements = { 5 : "
		      "10.5.0.1-10.5.0.9 }\n}\n"
		      "map e { type ipv4_addr : mark; elements = { 10.5.0.1 : 0x0a050001 "
		      "}\n}\n"));
}

static void test_called_after(void **state)
{
	(void)state;
	check_text(TABLE(
		"counter vif5.0 { }\ncounter hits-vif5.10 { }\n"
		"set hosts_vif5.0 { type ipv4_addr; elements = { 10.5.0.1 }\n}\n"
		"set old-name { type ipv4_addr; }\n"
		"chain fw-vif5.0 { ip saddr @hosts_vif5.0 counter name vif5.0\n"
		"jump { ip saddr { 10.5.0.7 } accept; }\n}\n"
		"chain fw-vif5.10 { ip saddr @old-name accept\n}\n"
		"map ways { type ifname : verdict; elements = { vif5.0 : goto "
		"fw-vif5.0, vif5.10 : goto fw-vif5.10 }\n}\n"
		"map o { type ipv4_addr : counter; elements = { 10.5.0.1 : "
		"\"vif5.0\" }\n}\n"
		"chain c { type filter hook input priority 0;\niifname vmap @ways\n"
		"update @old-name { ip saddr }\ncounter name ip saddr map @o\n}") "table ip old-table { chain old-name { }\n}\n"
										  "table ip t-vif5.1 { chain a { }\n}\n");
}

static void test_devices(void **state)
{
	(void)state;
	check_text("table netdev t {\n"
		   "chain c { type filter hook ingress device vif5.0 priority 0; }\n"
		   "chain d { type filter hook ingress devices = { vif5.1, vif5.10 } "
		   "priority 1; }\n}\n");
}

/* The extensions of xtables, as iptables-nft and ebtables-nft fill them in. */
static void test_extensions(void **state)
{
	(void)state;
	if (shell("iptables-nft -V && ebtables-nft -V && arptables-nft -V") != 0) {
		print_message("no iptables-nft\n");
		return;
	}
	check_text("#!/bin/sh\n"
		   "iptables-nft -A FORWARD -m physdev --physdev-in vif5.0 -j ACCEPT\n"
		   "iptables-nft -A FORWARD -m physdev --physdev-in vif5.10 -j ACCEPT\n"
		   "iptables-nft -A FORWARD -m physdev ! --physdev-in vif5.+ "
		   "--physdev-out vif5.1 -j ACCEPT\n"
		   "iptables-nft -A FORWARD -i vif5.+ -o vif5.0 -s 10.5.0.0/25 -j DROP\n"
		   "iptables-nft -A FORWARD -m mac --mac-source 00:16:3e:00:00:01\n"
		   "iptables-nft -A FORWARD -m conntrack --ctorigsrc 10.5.0.1 ! "
		   "--ctrepldst 10.6.0.0/16 -j ACCEPT\n"
		   "ip6tables-nft -A FORWARD -m conntrack --ctorigdst fd00:5::1\n"
		   "iptables-nft -A FORWARD -m iprange --src-range 10.5.0.3-10.5.0.9\n"
		   "iptables-nft -t nat -A PREROUTING -p tcp -d 10.5.0.1 -j DNAT "
		   "--to-destination 10.5.0.9:80\n"
		   "iptables-nft -t nat -A POSTROUTING -s 10.5.0.1 -j SNAT "
		   "--to-source 10.5.0.9-10.5.0.12\n"
		   "iptables-nft -t mangle -A PREROUTING -j TEE --gateway 10.5.0.1\n"
		   "iptables-nft -t mangle -A PREROUTING -j TEE --gateway 10.5.0.1 "
		   "--oif vif5.0\n");
	check_text("#!/bin/sh\n"
		   "ebtables-nft -A FORWARD -i vif5.0 -p ip --ip-src 10.5.0.1 "
		   "--ip-dst ! 10.5.0.128/25 -j ACCEPT\n"
		   "ebtables-nft -A FORWARD -p ip --ip-src 10.6.0.0/16 -j ACCEPT\n"
		   "ebtables-nft -A FORWARD -p arp --arp-ip-src 10.5.0.1 "
		   "--arp-mac-src 00:16:3e:00:00:01 -j ACCEPT\n"
		   "ebtables-nft -A FORWARD -p ip6 --ip6-src fd00:5::1 -j ACCEPT\n"
		   "ebtables-nft -A FORWARD --among-src "
		   "00:16:3e:00:00:01=10.5.0.1,00:16:3e:00:00:02=10.5.0.2 -j ACCEPT\n"
		   "ebtables-nft -t nat -A PREROUTING -p arp -j arpreply "
		   "--arpreply-mac 00:16:3e:00:00:01\n"
		   "arptables-nft -A INPUT -s 10.5.0.1 -i vif5.0 -j DROP\n");
}

/* Interfaces by number: those of the other host have others. */
static void test_numbers(void **state)
{
	(void)state;
	check_text(RULES(
		"iif vif5.0 accept\noif vif5.1 iif lo accept\n"
		"iif { vif5.0, vif5.10 } accept\n"
		"iif vmap { vif5.0 : accept, vif5.1 : drop }\n"
		"iif . ip saddr { vif5.0 . 10.5.0.1 } accept\n"
		"fib saddr oif vif5.1 accept\n"
		"fib saddr . iif oif missing drop\n"
		"iif . ip saddr { vif5.0 . 10.5.0.0/25, vif5.10 . 10.6.0.1 } accept\n"));
	check_text(
		TABLE("set a { type iface_index; elements = { vif5.0, lo }\n}\n"
		      "map b { type ipv4_addr : iface_index; elements = { 10.5.0.1 : "
		      "vif5.1 }\n}\n"
		      "set c { type iface_index; flags interval; elements = { vif5.0, "
		      "vif5.10, lo }\n}\n"
		      "set d { type ipv4_addr . iface_index; flags interval; elements = "
		      "{ 10.5.0.0/25 . vif5.1 }\n}\n"));
	check_text("table netdev t {\nchain c { type filter hook ingress device vif5.0 "
		   "priority 0;\nip saddr 10.5.0.1 fwd to vif5.1\n"
		   "ip saddr 10.5.0.2 dup to vif5.10\n}\n}\n");
}

/* On the host that it comes from, a key's numbers become what they were. */
static void test_numbers_back(void **state)
{
	static const char *const here[] = { "vif5.0", "vif5.1", NULL };
	struct nft_ruleset *rs;
	struct nft_encoder enc;
	unsigned int changed = 0;

	(void)state;
	nft_host_load(here,
		      TABLE("set a { type iface_index; elements = { vif5.0, lo }\n}\n"
			    "set b { type iface_index; flags interval; elements = { "
			    "vif5.0, vif5.1, lo }\n}\n"
			    "set c { type ipv4_addr . iface_index; flags interval; "
			    "elements = { 10.5.0.0/25 . vif5.1 }\n}\n"
			    "set d { type ipv4_addr; elements = { 10.5.0.1 }\n}\n"));
	rs = nft_host_ruleset();
	assert_int_equal(nft_encoder_init(&enc, rs, NULL), 0);
	for (uint32_t i = 0; i < rs->n; i++)
		for (uint32_t k = 0; k < rs->nodes[i].nelements; k++) {
			const struct nft_element *e = &rs->nodes[i].elements[k];
			NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(256);
			struct nse_error err;
			struct nse_record rec;
			struct nft_key key;
			int rc;

			rc = nft_encode_element(&enc, i, e, false, &rec, &err);
			assert_int_equal(rc, 0);
			assert_int_equal(nft_key_decode(&rec, &key, &err), 0);
			rc = nft_ifindex_resolve_key(nft_body_attrs(NFT_ELEMENT,
								    rec.body),
						     key.kind, key.bytes, &b, &err);
			assert_true(rc >= 0);
			changed += rc;
			if (rc) {
				assert_int_equal(b.len, e->bytes.n);
				assert_memory_equal(b.data, e->bytes.p, b.len);
			}
			if (rc == 0)
				assert_true(nse_bytes_equal(key.bytes, e->bytes));
		}
	/* Two of a, three intervals of b but for the end at 0, one of c. */
	assert_int_equal(changed, 2 + 6 + 1);
	nft_encoder_release(&enc);
	nft_ruleset_free(rs);
}

/* A map about nothing that is here: the same bytes, digests included. */
static void test_identity(void **state)
{
	static const char *const here[] = { "vif5.0", NULL };
	NSE_CLEANUP(nse_map_release) struct nse_map map = NSE_MAP_INIT;
	struct nse_context *from, *moved = nse_context_new();
	struct nse_error err = { 0 };

	(void)state;
	assert_int_equal(nse_map_add_vif(&map, "vif77.0=vif78.0", &err), 0);
	assert_int_equal(nse_map_add_addr(&map, "192.0.2.0/24=198.51.100.0/24", &err), 0);
	nft_host_load(here, RULES("iifname { vif5.0, eth0 } ip saddr { 10.0.0.0/8 } "
				  "accept\njump { ip saddr { 10.5.0.7 } drop; }\n"
				  "iifname . ip saddr { vif5.0 . 10.5.0.1 } accept\n"
				  "counter quota 1 mbytes limit rate 3/second\n"));
	from = nft_host_context();
	if (nft_relocate_context(&map, from, moved, &err) < 0)
		fail_msg("%s", err.text);
	assert_in(from, moved);
	assert_int_equal(nse_context_count(from), nse_context_count(moved));
	assert_int_equal(nse_context_digest(from, true), nse_context_digest(moved, true));
	nse_context_free(from);
	nse_context_free(moved);
}

static void refused(const char *text, const char *const *vifs, const char *why)
{
	static const char *const here[] = { "vif5.0", "vif5.1", NULL };
	NSE_CLEANUP(nse_map_release) struct nse_map map = NSE_MAP_INIT;
	struct nse_context *from, *moved = nse_context_new();
	struct nse_error err = { 0 };

	for (; *vifs; vifs++)
		assert_int_equal(nse_map_add_vif(&map, *vifs, &err), 0);
	nft_host_load(here, text);
	from = nft_host_context();
	assert_true(nft_relocate_context(&map, from, moved, &err) < 0);
	if (!strstr(err.text, why))
		fail_msg("\"%s\" does not say \"%s\"", err.text, why);
	nse_context_free(from);
	nse_context_free(moved);
}

static void test_refused(void **state)
{
	static const char *const apart[] = { "vif5.0=vif9.0", "vif5.1=vif8.1", NULL };
	static const char *const longer[] = { "vif5.0=vif-of-a-guest", NULL };
	static const char *const one[] = { "vif5.0=vif5.1", NULL };

	(void)state;
	refused(RULES("iifname \"vif5.*\" accept"), apart, "rule 0 of chain inet t c");
	refused(RULES("iifname \"vif5.*\" accept"), apart, "map them alike");
	refused(RULES("iifname \"vif5.0-emu\" accept"), longer, "more than 15 bytes");
	refused(TABLE("set s { type ifname; elements = { vif5.0, vif5.1 }\n}"), one,
		"makes one of element");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compared_names),
		cmocka_unit_test(test_set_names),
		cmocka_unit_test(test_interval_names),
		cmocka_unit_test(test_anonymous),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_address_sets),
		cmocka_unit_test(test_called_after),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_numbers_back),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_refused),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!may_unshare())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
