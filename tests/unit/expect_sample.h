/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tests of expectations share that need no kernel: a sample, its
 * bytes, and scopes.
 */
#ifndef NSE_TESTS_EXPECT_SAMPLE_H
#define NSE_TESTS_EXPECT_SAMPLE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <netinet/in.h>

#include "lib/engine/expect_row.h"
#include "lib/engine/registry.h"

#define UNUSED __attribute__((unused))

static UNUSED void scope_of(struct nse_scope *scope, const char *addr, int zone)
{
	struct nse_addr a;

	nse_scope_init(scope);
	if (addr) {
		assert_int_equal(nse_addr_parse(addr, &a, NULL), 0);
		assert_int_equal(nse_domain_add_addr(&scope->domain, &a), 0);
	}
	if (zone >= 0)
		assert_int_equal(nse_scope_add_zone(scope, (uint16_t)zone, NULL), 0);
	scope->all = !addr && zone < 0;
}

static UNUSED size_t count(const struct nse_context *ctx)
{
	struct nse_record rec;
	size_t n = 0;

	for (uint32_t s = 0; s < nse_context_slots(ctx); s++)
		n += nse_context_at(ctx, s, &rec) && nse_expect_is(&rec);
	return n;
}

/* The only expectation of a context. */
static UNUSED struct nse_expect only(const struct nse_context *ctx)
{
	struct nse_record rec;
	struct nse_expect e = { 0 };

	assert_int_equal(count(ctx), 1);
	for (uint32_t s = 0; s < nse_context_slots(ctx); s++)
		if (nse_context_at(ctx, s, &rec) && nse_expect_is(&rec))
			assert_int_equal(nse_expect_decode(&rec, &e, NULL), 0);
	return e;
}

/* A record without a kernel. */
static UNUSED struct nse_expect sample(void)
{
	struct nse_expect e = { .l3 = 4,
				.l4 = IPPROTO_TCP,
				.master_l4 = IPPROTO_TCP,
				.zone_orig = 7,
				.zone_reply = 7,
				.tuple = { .src = { 10, 0, 0, 1 },
					   .dst = { 10, 0, 0, 2 },
					   .l4 = { 0, 0, 0x75, 0x30 } },
				.master = { .src = { 10, 0, 0, 1 },
					    .dst = { 10, 0, 0, 2 },
					    .l4 = { 0x0f, 0xa0, 0, 21 } },
				.mask_src = { 255, 255, 255, 255 },
				.flags = NF_CT_EXPECT_PERMANENT | 0x40,
				.class = 2,
				.reply_src = { 10, 0, 0, 2 },
				.nat = true,
				.nat_dir = 1,
				.nat_addr = { 10, 0, 0, 9 },
				.nat_port = { 0x4e, 0x20 },
				.helper = "ftp",
				.function = "nat-follow-master",
				.timeout = 300 };
	return e;
}

struct bytes {
	struct nse_buf part[3];
	struct nse_record rec;
};

static UNUSED void pack(struct bytes *b, const struct nse_expect *e)
{
	for (size_t i = 0; i < 3; i++)
		b->part[i] = (struct nse_buf)NSE_BUF_INIT(NSE_RECORD_MAX);
	assert_int_equal(nse_expect_encode(e, &b->part[0], &b->part[1], &b->part[2]), 0);
	b->rec.kind = &nse_expect_kind;
	b->rec.key = (struct nse_bytes){ b->part[0].data, b->part[0].len };
	b->rec.body = (struct nse_bytes){ b->part[1].data, b->part[1].len };
	b->rec.state = (struct nse_bytes){ b->part[2].data, b->part[2].len };
}

static UNUSED void unpack(struct bytes *b)
{
	for (size_t i = 0; i < 3; i++)
		nse_buf_release(&b->part[i]);
}

#endif
