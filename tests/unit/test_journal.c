/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Journals, and what recovery makes of them: each state of each side against
 * every fact that a platform may tell, with the real kernel's table in a
 * network namespace of its own.
 */
#include "tests/unit/ct_lib.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "lib/session/recover.h"

#define ID    "12345678-0000-4000-8000-123456789abc"
#define UUID  "7d1c5a52-0f3b-4a54-9a55-0000006e7365"
#define GUEST "10.0.0.1"

/* What the platform tells; a negative number is its error. */
static struct facts {
	int running, listed, by_id, incoming;
	const char *uuid; /* of the domain that it describes */
} facts;

static int fake_running(struct nse_platform *p, const char *name, struct nse_error *err)
{
	(void)p;
	assert_string_equal(name, "web1");
	return facts.running < 0 ? nse_error(err, facts.running, "no answer")
				 : facts.running;
}

static int fill(struct nse_domain *d, const char *name)
{
	nse_domain_init(d);
	snprintf(d->name, sizeof(d->name), "%s", name);
	snprintf(d->uuid, sizeof(d->uuid), "%s", facts.uuid);
	return 0;
}

static int fake_list(struct nse_platform *p,
		     int (*each)(void *arg, const struct nse_domain *d), void *arg,
		     struct nse_error *err)
{
	struct nse_addr local;
	struct nse_domain d;
	int rc;

	(void)p;
	if (facts.listed < 0)
		return nse_error(err, facts.listed, "no list");
	/* Another domain of this host, with an address of its own. */
	nse_domain_init(&d);
	snprintf(d.name, sizeof(d.name), "db");
	assert_int_equal(nse_addr_parse("10.0.0.7", &local, NULL), 0);
	assert_int_equal(nse_domain_add_addr(&d, &local), 0);
	rc = each(arg, &d);
	nse_domain_release(&d);
	if (rc < 0 || !facts.listed)
		return rc;
	fill(&d, "web1");
	return each(arg, &d);
}

static int fake_describe(struct nse_platform *p, const char *domain, struct nse_domain *d,
			 struct nse_error *err)
{
	(void)p;
	assert_string_equal(domain, "5");
	if (facts.by_id < 0)
		return nse_error(err, facts.by_id, "no answer");
	return facts.by_id ? fill(d, "web1--leaving") : nse_error(err, -ENOENT, "none");
}

static int fake_incoming(struct nse_platform *p, const char *domain, struct nse_domain *d,
			 struct nse_error *err)
{
	(void)p;
	assert_string_equal(domain, "web1");
	return facts.incoming ? fill(d, "web1") : nse_error(err, -ENOENT, "none");
}

static const struct nse_platform_ops fake_ops = {
	.name = "fake",
	.running = fake_running,
	.list = fake_list,
	.describe = fake_describe,
	.incoming = fake_incoming,
};

/* One test's state directory, scope and what recovery said last. */
struct room {
	struct nse_config config;
	struct nse_scope scope;
	struct nse_platform platform;
	bool no_platform;
	unsigned int seen;
	enum nse_recovered_how how;
	uint64_t removed, kept;
	char text[NSE_ERROR_MAX];
	struct nse_recovery sum;
	struct nse_error err;
};

static int room_up(void **state)
{
	struct room *r = calloc(1, sizeof(*r));

	snprintf(r->config.state_dir, sizeof(r->config.state_dir), "/tmp/nsemig-XXXXXX");
	if (!mkdtemp(r->config.state_dir))
		return -1;
	r->platform.ops = &fake_ops;
	nse_scope_init(&r->scope);
	snprintf(r->scope.domain.name, sizeof(r->scope.domain.name), "web1");
	snprintf(r->scope.domain.uuid, sizeof(r->scope.domain.uuid), UUID);
	r->scope.domain.id = 5;
	scope_add(&r->scope, GUEST);
	facts = (struct facts){ .uuid = UUID };
	*state = r;
	return 0;
}

static int room_down(void **state)
{
	struct room *r = *state;
	char command[512];

	snprintf(command, sizeof(command), "rm -rf %.400s", r->config.state_dir);
	run_words(command, NULL);
	nse_scope_release(&r->scope);
	free(r);
	return 0;
}

static void remember(void *arg, const struct nse_recovered *what)
{
	struct room *r = arg;

	r->seen++;
	r->how = what->how;
	r->removed = what->removed;
	r->kept = what->kept;
	snprintf(r->text, sizeof(r->text), "%s", what->text);
	assert_string_equal(what->id, ID);
}

/* Recovers; exactly one session must come to that. */
static void recovers(struct room *r, enum nse_recovered_how how, int rc)
{
	struct nse_recover_spec spec = { &r->config, r->no_platform ? NULL : &r->platform,
					 remember, r };

	r->seen = 0;
	r->err = (struct nse_error){ 0 };
	assert_int_equal(nse_recover(&spec, &r->sum, &r->err), rc);
	assert_int_equal(r->seen, 1);
	if (r->how != how)
		print_error("%s: %s %s\n", nse_recovered_name(r->how), r->text,
			    r->err.text);
	assert_int_equal(r->how, how);
	assert_int_equal(r->sum.n[how], 1);
}

static bool left(const struct room *r, const char *side)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s/%s", r->config.state_dir, side, ID);
	return access(path, F_OK) == 0;
}

static int append(void *j, const void *p, size_t n)
{
	return nse_journal_append(j, p, n);
}

static void put_round(struct nse_journal *j, const struct nse_context *from,
		      const struct nse_context *ctx)
{
	struct nse_stream_header h;

	nse_stream_header_init(&h);
	assert_int_equal(nse_journal_round(j, NULL), 0);
	if (from)
		assert_int_equal(nse_delta_write(from, ctx, NSE_DIFF_STATE, &h, append, j,
						 NULL, NULL),
				 0);
	else
		assert_int_equal(nse_snapshot_write(ctx, &h, append, j, NULL, NULL), 0);
	nse_stream_header_release(&h);
}

/* As a source that has died at `state`, with the table as it is now. */
static void dead_source(struct room *r, enum nse_journal_state state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *first = nse_context_new();
	NSE_CLEANUP(nse_context_freep)
	struct nse_context *last = collect_scope(&r->scope);
	struct nse_journal *j;

	assert_int_equal(nse_journal_open(&j, r->config.state_dir, NSE_JOURNAL_MOVE, ID,
					  &r->scope, NULL),
			 0);
	put_round(j, NULL, first);
	put_round(j, first, last);
	assert_int_equal(nse_journal_mark(j, state, NULL), 0);
	nse_journal_close(j);
}

/* Two of the guest alone, one with a domain of this host, one of others. */
static void add_four(void)
{
	add(mk_tcp(GUEST, "192.0.2.8", 1001, 80));
	add(mk_tcp("192.0.2.8", GUEST, 1002, 22));
	add(mk_tcp(GUEST, "10.0.0.7", 1003, 80));
	add(mk_tcp("10.0.0.7", "192.0.2.8", 1004, 80));
	assert_int_equal(table_count(), 4);
}

static void what_has_left_is_cleaned(void **state)
{
	struct room *r = *state;

	NETNS();
	add_four();
	dead_source(r, NSE_JOURNAL_RELEASED);
	add(mk_tcp("192.0.2.8", GUEST, 1005, 22)); /* came later */
	recovers(r, NSE_RECOVERED_CLEANED, 0);
	assert_int_equal(r->removed, 2);
	assert_int_equal(r->kept, 1);
	assert_int_equal(table_count(), 3);
	assert_false(left(r, "moves"));
}

static void what_came_back_is_kept(void **state)
{
	struct room *r = *state;

	NETNS();
	add_four();
	dead_source(r, NSE_JOURNAL_RELEASED);
	facts.running = 1;
	recovers(r, NSE_RECOVERED_RETURNED, 0);
	assert_int_equal(table_count(), 4);
	assert_false(left(r, "moves"));
}

static void what_is_not_known_is_left_alone(void **state)
{
	static const struct {
		struct facts facts;
		const char *text;
	} cases[] = {
		{ { .listed = 1, .uuid = UUID }, "still on this host" },
		{ { .by_id = 1, .uuid = UUID }, "still on this host" },
		{ { .running = -EIO, .uuid = UUID }, "no answer" },
		{ { .listed = -EIO, .uuid = UUID }, "no list" },
		{ { .by_id = -EIO, .uuid = UUID }, "no answer" },
	};
	struct room *r = *state;
	int lock;

	NETNS();
	add_four();
	dead_source(r, NSE_JOURNAL_RELEASED);
	for (size_t i = 0; i < NSE_ARRAY_SIZE(cases); i++) {
		facts = cases[i].facts;
		recovers(r, NSE_RECOVERED_PENDING, 0);
		assert_non_null(strstr(r->text, cases[i].text));
	}
	facts = (struct facts){ .uuid = UUID };
	r->no_platform = true;
	recovers(r, NSE_RECOVERED_PENDING, 0);
	assert_non_null(strstr(r->text, "--platform"));
	r->no_platform = false;
	assert_int_equal(nse_lock_domain(r->config.state_dir, "web1", &lock, NULL), 0);
	recovers(r, NSE_RECOVERED_PENDING, 0);
	close(lock);
	assert_int_equal(table_count(), 4);
	/* Somebody else has the id by now. */
	facts = (struct facts){ .by_id = 1,
				.uuid = "00000000-0000-4000-8000-000000000000" };
	recovers(r, NSE_RECOVERED_CLEANED, 0);
}

static void before_the_release_nothing_is_done(void **state)
{
	struct room *r = *state;
	struct nse_journal *j;

	assert_int_equal(nse_journal_open(&j, r->config.state_dir, NSE_JOURNAL_MOVE, ID,
					  &r->scope, NULL),
			 0);
	recovers(r, NSE_RECOVERED_ALIVE, 0);
	assert_true(left(r, "moves"));
	/* Released, and taken back. */
	assert_int_equal(nse_journal_mark(j, NSE_JOURNAL_RELEASED, NULL), 0);
	assert_int_equal(nse_journal_mark(j, NSE_JOURNAL_GATHER, NULL), 0);
	nse_journal_close(j);
	facts.running = -EIO; /* is not even asked */
	recovers(r, NSE_RECOVERED_NOTHING, 0);
	assert_false(left(r, "moves"));
}

static void damage_is_told_and_hinders_nobody(void **state)
{
	struct room *r = *state;
	char path[600];
	int fd;

	NETNS();
	add_four();
	dead_source(r, NSE_JOURNAL_RELEASED);
	snprintf(path, sizeof(path), "%s/moves/%s/round-1.nsc", r->config.state_dir, ID);
	fd = open(path, O_WRONLY);
	assert_int_equal(ftruncate(fd, lseek(fd, 0, SEEK_END) - 1), 0);
	close(fd);
	recovers(r, NSE_RECOVERED_FAILED, -EBADMSG);
	assert_non_null(strstr(r->err.text, "round-1.nsc"));
	assert_non_null(strstr(r->err.text, "web1"));
	assert_int_equal(table_count(), 4);
	assert_true(left(r, "moves"));
	snprintf(path, sizeof(path), "%s/moves/%s/state", r->config.state_dir, ID);
	fd = open(path, O_WRONLY | O_TRUNC);
	assert_int_equal(write(fd, "tomorrow", 8), 8);
	close(fd);
	recovers(r, NSE_RECOVERED_FAILED, -EBADMSG);
	assert_non_null(strstr(r->err.text, "tomorrow"));
	/* Nobody got as far as a state. */
	assert_int_equal(unlink(path), 0);
	recovers(r, NSE_RECOVERED_NOTHING, 0);
	assert_false(left(r, "moves"));
}

/* As a receiver that has died at `state`: `had` was here before. */
static void dead_target(struct room *r, enum nse_journal_state state,
			const struct nse_context *had)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *all = collect_scope(&r->scope);
	struct nse_journal *j;

	assert_int_equal(nse_journal_open(&j, r->config.state_dir, NSE_JOURNAL_SESSION,
					  ID, &r->scope, NULL),
			 0);
	assert_int_equal(nse_journal_before(j, had, NULL), 0);
	put_round(j, NULL, all);
	assert_int_equal(nse_journal_mark(j, state, NULL), 0);
	nse_journal_close(j);
	assert_true(nse_journal_exists(r->config.state_dir, ID));
}

static void a_target_goes_by_where_it_runs(void **state)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *had = NULL;
	struct room *r = *state;

	NETNS();
	add(mk_tcp(GUEST, "192.0.2.8", 1001, 80));
	had = collect_scope(&r->scope);
	add(mk_tcp("192.0.2.8", GUEST, 1002, 22));
	dead_target(r, NSE_JOURNAL_COMMITTED, had);
	facts.running = -EIO;
	recovers(r, NSE_RECOVERED_PENDING, 0);
	facts = (struct facts){ .incoming = 1, .uuid = UUID };
	recovers(r, NSE_RECOVERED_PENDING, 0);
	facts = (struct facts){ .running = 1, .uuid = UUID };
	recovers(r, NSE_RECOVERED_FINISHED, 0);
	assert_int_equal(table_count(), 2);
	assert_false(left(r, "sessions"));
	/* Not all was installed: whatever runs here, it cannot be this one. */
	dead_target(r, NSE_JOURNAL_INSTALLING, had);
	recovers(r, NSE_RECOVERED_UNDONE, 0);
	assert_int_equal(table_count(), 1);
	add(mk_tcp("192.0.2.8", GUEST, 1002, 22));
	facts.running = 0;
	dead_target(r, NSE_JOURNAL_COMMITTED, had);
	recovers(r, NSE_RECOVERED_UNDONE, 0);
	assert_int_equal(table_count(), 1);
	assert_false(left(r, "sessions"));
}

static void a_journal_is_one_session_s(void **state)
{
	struct room *r = *state;
	struct nse_journal *j, *k;

	assert_int_equal(nse_journal_open(&j, r->config.state_dir, NSE_JOURNAL_MOVE, "..",
					  &r->scope, NULL),
			 -EPROTO);
	assert_int_equal(nse_journal_reopen(&j, r->config.state_dir, NSE_JOURNAL_MOVE, ID,
					    NULL),
			 -ENOENT);
	assert_int_equal(nse_journal_open(&j, r->config.state_dir, NSE_JOURNAL_MOVE, ID,
					  &r->scope, NULL),
			 0);
	assert_int_equal(nse_journal_open(&k, r->config.state_dir, NSE_JOURNAL_MOVE, ID,
					  &r->scope, NULL),
			 -EBUSY);
	assert_true(left(r, "moves"));
	assert_false(nse_journal_exists(r->config.state_dir, ID)); /* of the other side */
	nse_journal_forget(j);
	assert_false(left(r, "moves"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, room_up, room_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_journal_is_one_session_s),
		TEST(before_the_release_nothing_is_done),
		TEST(what_has_left_is_cleaned),
		TEST(what_came_back_is_kept),
		TEST(what_is_not_known_is_left_alone),
		TEST(damage_is_told_and_hinders_nobody),
		TEST(a_target_goes_by_where_it_runs),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
