/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the tests of following: a context that is kept up to date by what its
 * follower is told, and compared with a fresh collection.
 */
#ifndef TESTS_UNIT_CT_KEPT_H
#define TESTS_UNIT_CT_KEPT_H

#include "tests/unit/ct_lib.h"

#include "lib/engine/ct_batch.h"
#include "lib/engine/follow.h"
#include "lib/engine/registry.h"
#include "lib/util/buf.h"

#define VM    "10.0.0.1"
#define PEER  "10.0.0.2"
#define OTHER "10.9.9.1"

/* One who follows, and the context that he keeps. */
struct kept {
	struct nse_scope scope;
	uint32_t engines;
	struct nse_follow *follow;
	struct nse_context *ctx;
	size_t puts, dels; /* of the last delta */
};

static inline void events(int v)
{
	char command[64];

	snprintf(command, sizeof(command),
		 "sysctl -qw net.netfilter.nf_conntrack_events=%d", v);
	sh(command);
}

static inline void keep_what(struct kept *k, const char *engines, int64_t budget_us)
{
	struct nse_error err = { 0 };

	assert_int_equal(nse_engines_parse(engines, &k->engines, &err), 0);
	if (nse_follow_open(&k->follow, k->engines, &k->scope, budget_us, &err) < 0)
		print_error("open: %s\n", err.text);
	assert_non_null(k->follow);
	assert_int_equal(nse_follow_collect(k->follow, &k->ctx, &err), 0);
}

static inline void keep(struct kept *k, int64_t budget_us)
{
	memset(k, 0, sizeof(*k));
	nse_scope_init(&k->scope);
	scope_add(&k->scope, VM);
	scope_add(&k->scope, "2001:db8::1");
	keep_what(k, "conntrack", budget_us);
}

static inline void drop(struct kept *k)
{
	nse_follow_close(k->follow);
	nse_context_free(k->ctx);
	nse_scope_release(&k->scope);
}

static inline const struct nse_follow_stats *stats(const struct kept *k)
{
	return nse_follow_stats(k->follow);
}

static inline bool is_true(const struct kept *k)
{
	NSE_CLEANUP(nse_context_freep) struct nse_context *now = nse_context_new();
	struct nse_sink sink = nse_context_sink(now);

	assert_int_equal(nse_engines_collect(k->engines, &k->scope, &sink, NULL), 0);
	return nse_context_digest(now, false) == nse_context_digest(k->ctx, false);
}

static inline void step(struct kept *k, bool last)
{
	struct nse_error err = { 0 };
	struct nse_delta d;
	int rc;

	assert_int_equal(nse_delta_init(&d), 0);
	rc = nse_follow_changes(k->follow, k->ctx, last, &d, &err);
	if (rc < 0)
		print_error("changes: %s\n", err.text);
	assert_int_equal(rc, 0);
	k->puts = nse_context_count(d.puts);
	k->dels = nse_context_count(d.dels);
	assert_int_equal(nse_delta_apply(&d, k->ctx), 0);
	nse_delta_release(&d);
}

/* The delta has that many puts and deletions, and afterwards the context is true. */
#define STEP(k, last, nputs, ndels)                                                      \
	do {                                                                             \
		step(k, last);                                                           \
		assert_int_equal((k)->puts, nputs);                                      \
		assert_int_equal((k)->dels, ndels);                                      \
		assert_true(is_true(k));                                                 \
	} while (0)

static inline void add_some(const char *src, uint16_t from, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		add(mk_tcp(src, PEER, (uint16_t)(from + i), 80));
}

static inline void mark(const char *src, uint16_t port, uint32_t v)
{
	struct nf_conntrack *c = mk_tcp(src, PEER, port, 80);

	nfct_set_attr_u32(c, ATTR_MARK, v);
	assert_int_equal(try_query(NFCT_Q_UPDATE, c), 0);
	nfct_destroy(c);
}

static inline void del(const char *src, uint16_t port)
{
	struct nf_conntrack *c = mk_tcp(src, PEER, port, 80);

	assert_int_equal(try_query(NFCT_Q_DESTROY, c), 0);
	nfct_destroy(c);
}

static inline void ignore(void *arg, uint32_t tag, int code, const char *text,
			  const struct ct_entry *live)
{
	(void)arg;
	(void)tag;
	(void)text;
	(void)live;
	assert_int_equal(code, 0);
}

/* Many updates of one entry, in batches. */
static inline void flood(const char *src, uint16_t port, uint32_t n)
{
	struct ct_entry e = { .l3 = 4, .l4 = IPPROTO_TCP };
	struct ct_batch b;

	inet_pton(AF_INET, src, e.orig.src);
	inet_pton(AF_INET, PEER, e.orig.dst);
	nse_st16(e.orig.l4, port);
	nse_st16(e.orig.l4 + 2, 80);
	assert_int_equal(ct_batch_init(&b, ignore, NULL, NULL), 0);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(ct_batch_add(&b, i, ct_msg_touch(ct_batch_room(&b), &e),
					      NULL),
				 0);
	assert_int_equal(ct_batch_flush(&b, NULL), 0);
	ct_batch_release(&b);
}

#endif
