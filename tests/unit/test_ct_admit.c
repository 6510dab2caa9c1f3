/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which entries a target takes from another host: what a kernel could have made for
 * the domain, but none that reaches for what other domains here have.
 */
#include "tests/unit/ct_zoo.h"

#include "lib/session/policy.h"
#include "lib/util/buf.h"

#define VM	"10.0.0.1"
#define VM6	"2001:db8::1"
#define NEIGH	"10.0.0.3" /* another domain of the target */
#define NEIGH6	"2001:db8:3::7"
#define PEER	"198.51.100.9"
#define PEER6	"2001:db8:9::9"
#define OUTSIDE "192.0.2.7"

static struct nse_scope scope;

static void add_other(const char *addr)
{
	struct nse_addr a;

	assert_int_equal(nse_addr_parse(addr, &a, NULL), 0);
	assert_int_equal(nse_domain_add_addr(&scope.others, &a), 0);
}

static int setup(void **state)
{
	(void)state;
	nse_scope_init(&scope);
	snprintf(scope.domain.name, sizeof(scope.domain.name), "vm1");
	scope_add(&scope, VM);
	scope_add(&scope, VM6);
	add_other(NEIGH);
	add_other("2001:db8:3::/48");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	nse_scope_release(&scope);
	return 0;
}

static void set_addr(const struct ct_entry *e, uint8_t *to, const char *addr)
{
	assert_int_equal(inet_pton(ct_family(e), addr, to), 1);
}

static struct ct_entry entry(uint8_t l4, const char *src, const char *dst, uint16_t sport,
			     uint16_t dport)
{
	struct ct_entry e = { .l3 = strchr(src, ':') ? 6 : 4, .l4 = l4, .timeout = 500 };

	set_addr(&e, e.orig.src, src);
	set_addr(&e, e.orig.dst, dst);
	nse_st16(e.orig.l4, sport);
	nse_st16(e.orig.l4 + 2, dport);
	assert_true(ct_invert(e.l3, e.l4, &e.orig, &e.reply));
	return e;
}

static struct ct_entry tcp(const char *src, const char *dst)
{
	return entry(IPPROTO_TCP, src, dst, 4711, 80);
}

static struct ct_entry source_nat(struct ct_entry e, const char *addr)
{
	e.status |= IPS_SRC_NAT;
	set_addr(&e, e.reply.dst, addr);
	return e;
}

static struct ct_entry destination_nat(struct ct_entry e, const char *addr)
{
	e.status |= IPS_DST_NAT;
	set_addr(&e, e.reply.src, addr);
	return e;
}

static struct ct_entry expected_by(struct ct_entry e, const struct ct_entry *master)
{
	e.present |= CT_HAS_MASTER;
	e.master_l4 = master->l4;
	e.master = master->orig;
	return e;
}

static int admit(const struct ct_entry *e, struct nse_error *err)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *ctx = nse_context_new();
	struct nse_error same = { 0 };
	struct ct_row row;
	int rc;

	ct_row_encode(e, &row);
	assert_int_equal(ct->check(&row.rec, NULL), 0);
	assert_true(ct->in_scope(&scope, &row.rec));
	rc = ct->admit_record(&scope, &row.rec, err);
	/* It is what the target does. */
	assert_int_equal(nse_context_put(ctx, &row.rec, NULL), 0);
	assert_int_equal(nse_policy_records(&scope, ctx, &same), rc);
	if (rc < 0)
		assert_string_equal(same.text, err->text);
	return rc;
}

static void assert_admitted(struct ct_entry e)
{
	struct nse_error err = { 0 };

	if (admit(&e, &err) != 0)
		fail_msg("refused: %s", err.text);
}

static void assert_refused(struct ct_entry e, const char *text)
{
	struct nse_error err = { 0 };
	char name[CT_TEXT];

	ct_entry_text(&e, name);
	if (admit(&e, &err) != -EPERM)
		fail_msg("%s was let in", name);
	if (!strstr(err.text, text) || !strstr(err.text, name) ||
	    strncmp(err.text, "conntrack ", 10) != 0)
		fail_msg("'%s' lacks '%s' or '%s'", err.text, text, name);
}

/* With anybody, other domains of this host among them. */
static void without_nat(void **state)
{
	(void)state;
	assert_admitted(tcp(VM, PEER));
	assert_admitted(tcp(PEER, VM));
	assert_admitted(tcp(VM, NEIGH));
	assert_admitted(tcp(NEIGH, VM));
	assert_admitted(tcp(VM, VM));
	assert_admitted(tcp(VM6, PEER6));
	assert_admitted(tcp(NEIGH6, VM6));
	assert_admitted(entry(IPPROTO_UDP, VM, PEER, 53, 53));
	assert_admitted(entry(IPPROTO_ICMP, VM, PEER, 77, 8 << 8));
	assert_admitted(entry(IPPROTO_ICMPV6, PEER6, VM6, 77, 128 << 8));
	assert_admitted(entry(IPPROTO_GRE, VM, PEER, 1, 2));
	assert_admitted(entry(IPPROTO_ESP, PEER, VM, 0, 0));
}

static void with_nat(void **state)
{
	struct ct_entry e = source_nat(tcp(VM, PEER), OUTSIDE);

	(void)state;
	assert_admitted(e);
	nse_st16(e.reply.l4 + 2, 1024);
	assert_admitted(e);
	assert_admitted(destination_nat(tcp(PEER, OUTSIDE), VM));
	assert_admitted(destination_nat(tcp(NEIGH, OUTSIDE), VM));
	assert_admitted(destination_nat(tcp(VM, OUTSIDE), PEER));
	assert_admitted(source_nat(destination_nat(tcp(PEER, OUTSIDE), VM), OUTSIDE));
	assert_admitted(source_nat(destination_nat(tcp(VM, OUTSIDE), VM), OUTSIDE));
	assert_admitted(source_nat(tcp(VM6, NEIGH6), PEER6));
	/* Of the ports alone. */
	e = tcp(VM, PEER);
	e.status = IPS_SRC_NAT;
	nse_st16(e.reply.l4 + 2, 1024);
	assert_admitted(e);
	e = tcp(PEER, VM);
	e.status = IPS_DST_NAT;
	nse_st16(e.reply.l4, 8080);
	assert_admitted(e);
	/* A status without anything that differs. */
	e = tcp(VM, NEIGH);
	e.status = IPS_SRC_NAT | IPS_DST_NAT;
	assert_admitted(e);
	/* ICMP's id and GRE's keys are no ports. */
	e = source_nat(entry(IPPROTO_ICMP, VM, PEER, 77, 8 << 8), OUTSIDE);
	nse_st16(e.reply.l4, 78);
	assert_admitted(e);
	e = destination_nat(entry(IPPROTO_GRE, PEER, OUTSIDE, 1, 2), VM);
	nse_st16(e.reply.l4 + 2, 3);
	assert_admitted(e);
}

static void status_without_nat(void **state)
{
	static const uint8_t with_ports[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP,
					      IPPROTO_DCCP, IPPROTO_UDPLITE };
	struct ct_entry e;

	(void)state;
	/* Somebody else's connection, answered by the domain. */
	e = destination_nat(tcp(PEER, NEIGH), VM);
	e.status = 0;
	assert_refused(e, "have another destination");
	e.status = IPS_SRC_NAT;
	assert_refused(e, "have another destination");
	e = source_nat(tcp(VM6, PEER6), NEIGH6);
	e.status = IPS_SEEN_REPLY | IPS_ASSURED;
	assert_refused(e, "have another source");
	e.status = IPS_DST_NAT;
	assert_refused(e, "have another source");
	e = source_nat(entry(IPPROTO_ICMP, VM, PEER, 77, 8 << 8), OUTSIDE);
	e.status = 0;
	assert_refused(e, "(icmp 198.51.100.9 -> 192.0.2.7 ");
	for (size_t i = 0; i < sizeof(with_ports); i++) {
		e = entry(with_ports[i], VM, PEER, 4711, 80);
		nse_st16(e.reply.l4 + 2, 4712);
		e.status = IPS_DST_NAT;
		assert_refused(e, "have another source");
		e = entry(with_ports[i], PEER, VM, 4711, 80);
		nse_st16(e.reply.l4, 81);
		e.status = IPS_SRC_NAT;
		assert_refused(e, "have another destination");
	}
}

/* NAT takes what is another domain's, or gives the domain's out for it. */
static void nat_of_others(void **state)
{
	(void)state;
	assert_refused(destination_nat(tcp(PEER, NEIGH), VM),
		       "its destination 10.0.0.3 becomes 10.0.0.1 by NAT, and 10.0.0.3 "
		       "is another domain's on this host");
	assert_refused(source_nat(tcp(VM, PEER), NEIGH),
		       "its source 10.0.0.1 becomes 10.0.0.3 by NAT, and 10.0.0.3 is");
	assert_admitted(source_nat(destination_nat(tcp(NEIGH, PEER), VM), OUTSIDE));
	assert_admitted(destination_nat(tcp(VM, OUTSIDE), NEIGH));
	assert_refused(destination_nat(tcp(PEER6, NEIGH6), VM6), "2001:db8:3::7 is");
	assert_refused(source_nat(entry(IPPROTO_ICMP, VM, PEER, 77, 8 << 8), NEIGH),
		       "10.0.0.3 is another domain's");
	/* An address of the domain's own is not in another one's network. */
	scope_add(&scope, NEIGH6);
	assert_admitted(source_nat(tcp(VM6, PEER6), NEIGH6));
}

static void masters(void **state)
{
	struct ct_entry own = entry(IPPROTO_TCP, VM, PEER, 4711, 21);
	struct ct_entry to_own = entry(IPPROTO_TCP, PEER, VM, 4711, 21);
	struct ct_entry hidden = entry(IPPROTO_TCP, PEER, OUTSIDE, 4711, 21);
	struct ct_entry foreign = entry(IPPROTO_TCP, PEER, NEIGH, 4711, 21);

	(void)state;
	assert_admitted(expected_by(tcp(VM, PEER), &own));
	assert_admitted(expected_by(tcp(PEER, VM), &own));
	assert_admitted(expected_by(tcp(PEER, VM), &to_own));
	assert_admitted(expected_by(source_nat(tcp(VM, PEER), OUTSIDE), &own));
	assert_admitted(expected_by(entry(IPPROTO_GRE, VM, PEER, 1, 2), &own));
	/* The domain is behind NAT, which the master's original tuple knows not. */
	assert_admitted(expected_by(destination_nat(tcp(PEER, OUTSIDE), VM), &hidden));
	assert_admitted(expected_by(source_nat(tcp(VM, PEER), OUTSIDE), &hidden));
	assert_refused(expected_by(tcp(PEER, VM), &hidden), "is not the domain's");
	assert_refused(expected_by(destination_nat(tcp(VM, OUTSIDE), PEER), &foreign),
		       "expected it (tcp 198.51.100.9:4711 -> 10.0.0.3:21)");
	assert_refused(expected_by(entry(IPPROTO_GRE, VM, PEER, 1, 2), &foreign),
		       "expected it (tcp 198.51.100.9:4711 -> 10.0.0.3:21)");
	assert_refused(expected_by(source_nat(tcp(VM, PEER), OUTSIDE), &foreign),
		       "is not the domain's");
	own = entry(IPPROTO_TCP, VM6, PEER6, 4711, 21);
	foreign = entry(IPPROTO_TCP, NEIGH6, PEER6, 4711, 21);
	assert_admitted(expected_by(tcp(VM6, PEER6), &own));
	assert_refused(expected_by(tcp(VM6, PEER6), &foreign), "is not the domain's");
}

static void whole_host(void **state)
{
	struct nse_scope all = scope_all();
	struct ct_entry e = source_nat(tcp(VM, PEER), NEIGH);
	struct ct_row row;

	(void)state;
	ct_row_encode(&e, &row);
	assert_int_equal(ct->admit_record(&all, &row.rec, NULL), 0);
	row.rec.body.n--;
	assert_int_equal(ct->admit_record(&scope, &row.rec, NULL), -EBADMSG);
}

/* Everything that the kernel has made. */
static void real_entries(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *ctx = NULL;
	struct nse_error err = { 0 };
	struct nse_record rec;
	struct ct_entry e;
	size_t nat = 0, expected = 0;

	(void)state;
	NETNS();
	add_everything();
	ctx = collect_scope(&scope);
	assert_int_equal(nse_context_count(ctx), table_count());
	for (uint32_t s = 0; s < nse_context_slots(ctx); s++) {
		if (!nse_context_at(ctx, s, &rec))
			continue;
		if (ct->admit_record(&scope, &rec, &err) != 0)
			fail_msg("refused: %s", err.text);
		assert_int_equal(ct_row_decode(&rec, &e, NULL), 0);
		nat += (e.status & (IPS_SRC_NAT | IPS_DST_NAT)) != 0;
		expected += (e.present & CT_HAS_MASTER) != 0;
	}
	assert_int_equal(nat, 4);
	assert_int_equal(expected, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_nat, setup, teardown),
		cmocka_unit_test_setup_teardown(with_nat, setup, teardown),
		cmocka_unit_test_setup_teardown(status_without_nat, setup, teardown),
		cmocka_unit_test_setup_teardown(nat_of_others, setup, teardown),
		cmocka_unit_test_setup_teardown(masters, setup, teardown),
		cmocka_unit_test_setup_teardown(whole_host, setup, teardown),
		cmocka_unit_test_setup_teardown(real_entries, setup, teardown),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
