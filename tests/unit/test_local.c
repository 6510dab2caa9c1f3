/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who has an end of a flow on this host: the domains that run here, those whose
 * journals say that they arrive or have left, and the host itself.
 */
#include "tests/unit/ct_lib.h"

#include "lib/session/journal.h"
#include "lib/session/local.h"

#define SELF	 "10.0.0.1" /* of the domain in question */
#define STAYS	 "10.0.0.2"
#define LEAVES	 "10.0.0.3"
#define RELEASED "10.0.0.4"
#define ARRIVES	 "10.0.0.5"

struct room {
	struct nse_config config;
	struct nse_scope scope;
	struct nse_domain_config domains[4];
};

static struct nse_addr addr_of(const char *text)
{
	struct nse_addr addr;

	assert_int_equal(nse_addr_parse(text, &addr, NULL), 0);
	return addr;
}

static void fill(struct nse_domain *d, const char *addr)
{
	struct nse_addr a = addr_of(addr);

	nse_domain_init(d);
	snprintf(d->name, sizeof(d->name), "at-%s", addr);
	assert_int_equal(nse_domain_add_addr(d, &a), 0);
}

static void write_journal(struct room *r, enum nse_journal_side side, const char *id,
			  const char *addr, enum nse_journal_state state)
{
	NSE_CLEANUP(nse_scope_release) struct nse_scope scope;
	struct nse_journal *j;

	nse_scope_init(&scope);
	fill(&scope.domain, addr);
	assert_int_equal(
		nse_journal_open(&j, r->config.state_dir, side, id, &scope, NULL), 0);
	assert_int_equal(nse_journal_mark(j, state, NULL), 0);
	nse_journal_close(j);
}

/* Without a platform the configured domains are those that run here. */
static int room_up(void **state)
{
	static const char *const here[] = { SELF, STAYS, LEAVES, RELEASED };
	struct room *r = calloc(1, sizeof(*r));

	snprintf(r->config.state_dir, sizeof(r->config.state_dir), "/tmp/nsemig-XXXXXX");
	if (!mkdtemp(r->config.state_dir))
		return -1;
	for (size_t i = 0; i < 4; i++)
		fill(&r->domains[i].domain, here[i]);
	r->config.domains = r->domains;
	r->config.ndomains = 4;
	nse_scope_init(&r->scope);
	fill(&r->scope.domain, SELF);
	write_journal(r, NSE_JOURNAL_MOVE, "1", LEAVES, NSE_JOURNAL_GATHER);
	write_journal(r, NSE_JOURNAL_MOVE, "2", RELEASED, NSE_JOURNAL_RELEASED);
	write_journal(r, NSE_JOURNAL_SESSION, "3", ARRIVES, NSE_JOURNAL_GATHER);
	write_journal(r, NSE_JOURNAL_SESSION, "4", SELF, NSE_JOURNAL_INSTALLING);
	*state = r;
	return 0;
}

static int room_down(void **state)
{
	struct room *r = *state;
	char command[512];

	snprintf(command, sizeof(command), "rm -rf %.400s", r->config.state_dir);
	run_words(command, NULL);
	for (size_t i = 0; i < 4; i++)
		nse_domain_release(&r->domains[i].domain);
	nse_scope_release(&r->scope);
	free(r);
	return 0;
}

/* The ends that there are, one letter for each of the addresses above, and the host's. */
static void ends_are(struct room *r, enum nse_local_which which, const char *wanted)
{
	static const char *const known[] = { SELF,     STAYS,	LEAVES,
					     RELEASED, ARRIVES, "127.0.0.1" };
	NSE_FREE struct nse_addr *addrs = NULL;
	char found[7] = "", *end = found;
	size_t n;

	assert_int_equal(
		nse_local_ends(&r->config, NULL, &r->scope, which, &addrs, &n, NULL), 0);
	for (size_t k = 0; k < 6; k++) {
		struct nse_addr a = addr_of(known[k]);

		for (size_t i = 0; i < n; i++)
			if (nse_addr_equal(&addrs[i], &a)) {
				*end++ = "-slraH"[k];
				break;
			}
	}
	assert_string_equal(found, wanted);
}

static void one_that_leaves_does_not_take_from_others(void **state)
{
	ends_are(*state, NSE_LOCAL_TO_LEAVE, "slraH");
}

static void one_that_arrives_meets_nobody_who_has_left(void **state)
{
	ends_are(*state, NSE_LOCAL_TO_MEET, "slaH");
}

static void what_is_left_here_may_be_of_one_that_goes(void **state)
{
	struct room *r = *state;

	/* The platform lists it no more. */
	r->config.ndomains = 3;
	ends_are(r, NSE_LOCAL_TO_COME, "slraH");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_that_leaves_does_not_take_from_others,
						room_up, room_down),
		cmocka_unit_test_setup_teardown(
			one_that_arrives_meets_nobody_who_has_left, room_up, room_down),
		cmocka_unit_test_setup_teardown(what_is_left_here_may_be_of_one_that_goes,
						room_up, room_down),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
