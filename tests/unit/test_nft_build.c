/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages made of records: what the kernel does not take as it dumps it is
 * mended, names of its own become numbers, and a record that is no good leaves
 * the batch as it was. Rulesets come from nft(8) and iptables-nft.
 */
#include <errno.h>

#include <linux/netfilter/nf_tables.h>

#include "tests/unit/nft_jobs.h"

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/build.h"
#include "lib/engine/nft/build_order.h"

/* Loads the text, and what comes of its records in another namespace is alike. */
static void same_again(const char *text)
{
	struct nse_context *ctx, *again;
	struct nse_job job;

	new_host();
	add_rules(text);
	ctx = collect_all();
	new_host();
	job = job_of(ctx, 0);
	install_new(&job);
	again = collect_all();
	if (nse_context_digest(ctx, false) != nse_context_digest(again, false))
		fail_msg("not the same again:\n%s", text);
	nse_job_release(&job);
	nse_context_free(ctx);
	nse_context_free(again);
}

static void test_expressions(void **state)
{
	(void)state;
	/* dynset with no timeout, with several expressions */
	same_again("table ip t { set a { type ipv4_addr; flags dynamic; size 9; };\n"
		   "set b { type ipv4_addr; flags dynamic; counter; quota 5 bytes; };\n"
		   "chain c { add @a { ip saddr }; update @b { ip saddr }; }; }");
	same_again("table ip t { chain c { osf name \"Linux\" accept; }; }");
	same_again("table ip t { chain c { osf version \"Linux:4.19\" accept; }; }");
	/* exthdr that reads, writes and removes */
	same_again("table inet t { chain c { tcp option maxseg exists accept;\n"
		   "tcp option maxseg size 1-99 drop; tcp option maxseg size set 1400;\n"
		   "tcp option maxseg size set rt mtu; reset tcp option sack-perm;\n"
		   "exthdr frag exists drop; }; }");
	/* spent quotas */
	same_again("table ip t { quota q { over 10 bytes used 10 bytes; };\n"
		   "chain c { quota over 5 bytes used 5 bytes drop; }; }");
}

static void test_own_names(void **state)
{
	(void)state;
	same_again("table ip t { counter x { }; chain a { drop; };\n"
		   "chain c { ip saddr { 1.1.1.1, 2.2.2.2 } accept;\n"
		   "ip saddr . tcp dport { 1.1.1.1 . 1-9 } drop;\n"
		   "ip saddr != { 3.3.3.0/24, 4.4.4.4-4.4.4.9 } drop;\n"
		   "tcp dport vmap { 1 : accept, 2 : jump a };\n"
		   "meta mark set ip saddr map { 1.1.1.1 : 1 };\n"
		   "counter name tcp dport map { 1 : \"x\" };\n"
		   "ip daddr 1.1.1.1 jump { counter; tcp dport { 5, 6 } drop; };\n"
		   "ip daddr 1.1.1.2 goto { accept; };\n"
		   "meter m size 9 { ip saddr limit rate 1/second } drop; }; }");
	/* Names that look like the kernel's stay theirs. */
	same_again("table ip t { set __set0 { type ipv4_addr; };\n"
		   "map __map0 { type ipv4_addr : mark; }; chain __chain9 { accept; };\n"
		   "chain c { ip saddr { 1.1.1.1, 2.2.2.2 } jump __chain9;\n"
		   "meta mark set ip saddr map { 1.1.1.1 : 1 };\n"
		   "ip saddr @__set0 drop; }; }");
}

/* More of a set than goes into one message, and into several sets by turns. */
static void test_many_elements(void **state)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(1u << 24);
	char text[64];
	int n;

	(void)state;
	nse_buf_put(&b, "table ip t {\n", 13);
	for (int set = 0; set < 3; set++) {
		n = snprintf(text, sizeof(text), "set s%d { type ipv4_addr;%s ", set,
			     set == 2 ? " flags interval;" : "");
		nse_buf_put(&b, text, (size_t)n);
		nse_buf_put(&b, "elements = { ", 13);
		for (int i = 0; i < 3000; i++) {
			n = snprintf(text, sizeof(text), "%s10.%d.%d.%d%s", i ? ", " : "",
				     set, i >> 6, (i & 63) * 4, set == 2 ? "/31" : "");
			nse_buf_put(&b, text, (size_t)n);
		}
		nse_buf_put(&b, " }; }\n", 6);
	}
	nse_buf_put(&b, "}\n", 3);
	same_again((const char *)b.data);
}

static void iptables_again(const char *commands, const char *list)
{
	NSE_FREE char *out = NULL, *copy = NULL;
	char *argv[] = { "sh", "-c", (char *)list, NULL };
	struct nse_context *ctx;
	struct nse_job job;

	new_host();
	assert_int_equal(shell("%s", commands), 0);
	ctx = collect_all();
	nse_run(argv, NULL, &out, 1u << 20, nse_now_us() + 30 * 1000000, NULL);
	new_host();
	job = job_of(ctx, 0);
	install_new(&job);
	nse_run(argv, NULL, &copy, 1u << 20, nse_now_us() + 30 * 1000000, NULL);
	assert_non_null(strstr(out, "dport"));
	assert_string_equal(out, copy);
	nse_job_release(&job);
	nse_context_free(ctx);
}

/* The protocol, which the kernel asks for and never tells. */
static void test_xtables(void **state)
{
	(void)state;
	if (shell("iptables-nft -V") != 0)
		skip();
	iptables_again(
		"iptables-nft -A INPUT -p tcp -m multiport --dports 22,80 -j ACCEPT && "
		"iptables-nft -A INPUT ! -p udp -m addrtype --dst-type LOCAL "
		"-j ACCEPT && "
		"iptables-nft -A INPUT -p sctp -m sctp --dport 5 -j ACCEPT && "
		"iptables-nft -A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS "
		"--clamp-mss-to-pmtu",
		"iptables-nft -S");
	iptables_again(
		"ip6tables-nft -A INPUT -p tcp -m multiport --dports 22 -j ACCEPT && "
		"ip6tables-nft -A INPUT -p icmpv6 -m icmp6 --icmpv6-type 128 "
		"-j ACCEPT",
		"ip6tables-nft -S");
}

/* Everything in the order in which it was made, not in that of its name. */
static void test_order(void **state)
{
	NSE_FREE char *before = NULL;
	struct nse_context *ctx;
	struct nse_job job;

	(void)state;
	new_host();
	add_rules("table ip z { chain y { type filter hook input priority 0; };\n"
		  "chain b { type filter hook input priority 0; }; chain m { }; };\n"
		  "table inet q { set u { type mark; }; set c { type mark; };\n"
		  "counter w { }; quota v { 5 bytes; }; counter a { }; };\n"
		  "table ip a { map p { type ipv4_addr . inet_service : mark;\n"
		  "flags interval; elements = { 10.0.0.1 . 80 : 1,\n"
		  "10.0.0.0/24 . 1-100 : 2, 0.0.0.0/0 . 1-65535 : 3 }; }; };");
	before = listing("-s");
	ctx = collect_all();
	new_host();
	job = job_of(ctx, 0);
	install_new(&job);
	assert_listing("-s", before);
	nse_job_release(&job);
	nse_context_free(ctx);
}

static void test_no_good(void **state)
{
	struct nse_context *ctx = context_of("table ip t { chain a { counter; }; "
					     "chain c { ip saddr { 1.1.1.1, 2.2.2.2 } "
					     "jump a; }; }");
	NSE_CLEANUP(nft_batch_release) struct nft_batch b;
	struct nft_builder *bd = NULL;
	struct nse_error err = { 0 };
	struct nse_record rec, bad;
	uint8_t body[4096];
	size_t len, n;

	(void)state;
	nft_batch_init(&b);
	assert_int_equal(nft_builder_new(&bd, &b), 0);
	/* The set that it names is none of this transaction. */
	nse_context_at(ctx, slot_of(ctx, "rule 0 of chain ip t c"), &rec);
	assert_int_equal(nft_build(bd, &rec, 3, 0, 0, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "rule 0 of chain ip t c"));
	assert_int_equal(b.n, 0);
	nse_context_at(ctx, slot_of(ctx, "table ip t"), &rec);
	assert_int_equal(nft_build(bd, &rec, 1, 0, 0, &err), 0);
	len = b.bytes.len;
	n = b.n;
	/* Cut short, of another byte order, or empty. */
	nse_context_at(ctx, slot_of(ctx, "rule 0 of chain ip t a"), &rec);
	memcpy(body, rec.body.p, rec.body.n);
	for (int i = 0; i < 3; i++) {
		bad = rec;
		bad.body = (struct nse_bytes){ body, rec.body.n };
		if (i == 0)
			bad.state.n--;
		else if (i == 1)
			body[0] = NFT_LAYOUT ^ 3;
		else
			bad.body.n = 5;
		assert_int_equal(nft_build(bd, &bad, 2, 0, 0, &err), -EBADMSG);
		assert_int_equal(b.bytes.len, len);
		assert_int_equal(b.n, n);
	}
	nft_builder_free(bd);
	nse_context_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expressions),   cmocka_unit_test(test_own_names),
		cmocka_unit_test(test_many_elements), cmocka_unit_test(test_xtables),
		cmocka_unit_test(test_order),	      cmocka_unit_test(test_no_good),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!may_unshare())
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
