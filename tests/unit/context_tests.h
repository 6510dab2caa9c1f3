/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of contexts and streams share: random records, a naive model
 * of a context, and streams in memory.
 */
#ifndef NSE_TESTS_CONTEXT_TESTS_H
#define NSE_TESTS_CONTEXT_TESTS_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/context/context.h"
#include "lib/context/snapshot.h"
#include "lib/util/buf.h"

#define UNUSED __attribute__((unused))

static const struct nse_kind test_kinds[] = {
	{ "conntrack", "entry" },
	{ "expect", "entry" },
	{ "conntrack", "extra" },
	{ "a", "b" },
};

static uint64_t test_random_state = 1;

static UNUSED uint32_t test_random(uint32_t below)
{
	test_random_state ^= test_random_state << 13;
	test_random_state ^= test_random_state >> 7;
	test_random_state ^= test_random_state << 17;
	return (uint32_t)(test_random_state >> 20) % below;
}

/* A record with memory of its own. */
struct own_record {
	struct nse_record r;
	uint8_t bytes[3][64];
};

static UNUSED void make_key(struct own_record *o, uint32_t number)
{
	size_t n = 4 + number % 3;

	memset(o->bytes[0], (int)(number % 5), n);
	nse_st32(o->bytes[0] + n - 4, number);
	o->r.kind = &test_kinds[number % 4];
	o->r.key = (struct nse_bytes){ o->bytes[0], n };
}

/* A record of the key with that number; body and state are random. */
static UNUSED void make_record(struct own_record *o, uint32_t number)
{
	size_t body = test_random(3) * 9, state = test_random(2) * 5;

	make_key(o, number);
	for (size_t i = 0; i < body; i++)
		o->bytes[1][i] = (uint8_t)test_random(256);
	for (size_t i = 0; i < state; i++)
		o->bytes[2][i] = (uint8_t)test_random(256);
	o->r.body = (struct nse_bytes){ o->bytes[1], body };
	o->r.state = (struct nse_bytes){ o->bytes[2], state };
}

/* The model: by number of the key, a record or none. */
#define MODEL_KEYS 600

struct model {
	struct {
		uint8_t there, body[64], state[64];
		size_t nbody, nstate;
	} at[MODEL_KEYS];
};

static UNUSED void model_put(struct model *m, uint32_t number, const struct own_record *o)
{
	m->at[number].there = 1;
	m->at[number].nbody = o->r.body.n;
	m->at[number].nstate = o->r.state.n;
	memcpy(m->at[number].body, o->bytes[1], o->r.body.n);
	memcpy(m->at[number].state, o->bytes[2], o->r.state.n);
}

/* The model's record of a number; false when it has none. */
static UNUSED bool model_at(const struct model *m, uint32_t number, struct own_record *o)
{
	make_key(o, number);
	if (!m->at[number].there)
		return false;
	o->r.body = (struct nse_bytes){ m->at[number].body, m->at[number].nbody };
	o->r.state = (struct nse_bytes){ m->at[number].state, m->at[number].nstate };
	return true;
}

static UNUSED void assert_record(const struct nse_record *a, const struct nse_record *b)
{
	assert_true(nse_kind_equal(a->kind, b->kind));
	assert_true(nse_bytes_equal(a->key, b->key));
	assert_true(nse_bytes_equal(a->body, b->body));
	assert_true(nse_bytes_equal(a->state, b->state));
}

static UNUSED void assert_model(const struct nse_context *ctx, const struct model *m)
{
	struct nse_context *fresh = nse_context_new();
	size_t count = 0;

	for (uint32_t k = 0; k < MODEL_KEYS; k++) {
		struct own_record want;
		struct nse_record got;
		bool there = model_at(m, k, &want);
		uint32_t slot = nse_context_find(ctx, want.r.kind, want.r.key);

		assert_int_equal(there, slot != NSE_CONTEXT_NONE);
		if (!there)
			continue;
		count++;
		assert_true(nse_context_at(ctx, slot, &got));
		assert_record(&got, &want.r);
		assert_int_equal(nse_context_put(fresh, &want.r, NULL), 0);
	}
	assert_int_equal(nse_context_count(ctx), count);
	assert_true(nse_context_digest(ctx, false) == nse_context_digest(fresh, false));
	assert_true(nse_context_digest(ctx, true) == nse_context_digest(fresh, true));
	nse_context_free(fresh);
}

/* A stream in memory; reads are as short as they may be. */
struct mem {
	struct nse_buf buf;
	size_t at;
	size_t most;	   /* bytes of one read */
	size_t fail_after; /* writing more fails with -ENOSPC; 0: never */
};

#define MEM_INIT                                                                         \
	{                                                                                \
		.buf = NSE_BUF_INIT(1u << 30), .most = SIZE_MAX                          \
	}

static UNUSED int mem_write(void *arg, const void *p, size_t n)
{
	struct mem *m = arg;

	if (m->fail_after && m->buf.len + n > m->fail_after)
		return -ENOSPC;
	return nse_buf_put(&m->buf, p, n);
}

static UNUSED ssize_t mem_read(void *arg, void *p, size_t n)
{
	struct mem *m = arg;

	if (n > m->most)
		n = m->most;
	if (n > m->buf.len - m->at)
		n = m->buf.len - m->at;
	if (n)
		memcpy(p, m->buf.data + m->at, n);
	m->at += n;
	return (ssize_t)n;
}

static UNUSED struct nse_stream_header test_header(enum nse_stream_kind kind)
{
	struct nse_stream_header h;

	nse_stream_header_init(&h);
	h.kind = kind;
	snprintf(h.host, sizeof(h.host), "hostA");
	snprintf(h.kernel, sizeof(h.kernel), "6.18.0");
	snprintf(h.version, sizeof(h.version), "0.1.0");
	h.taken_us = 1700000000000000;
	return h;
}

#endif
