/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For the tests of installing in rounds: entries to put into a context, and a look
 * at what the kernel has of each.
 */
#ifndef TESTS_UNIT_CT_ROUNDS_H
#define TESTS_UNIT_CT_ROUNDS_H

#include "tests/unit/ct_zoo.h"

#include "lib/engine/ct_install.h"

#define AT_COMMIT (NSE_JOB_LIBERAL | NSE_JOB_LONG)

static inline struct ct_entry flow(uint8_t l4, uint16_t sport, uint32_t timeout)
{
	struct ct_entry e = { .l3 = 4, .l4 = l4, .timeout = timeout };

	memcpy(e.orig.src, "\x0a\x00\x00\x01", 4);
	memcpy(e.orig.dst, "\x0a\x00\x00\x02", 4);
	e.orig.l4[0] = (uint8_t)(sport >> 8);
	e.orig.l4[1] = (uint8_t)sport;
	e.orig.l4[3] = 80;
	ct_invert(4, l4, &e.orig, &e.reply);
	if (l4 == IPPROTO_TCP) {
		e.status = IPS_SEEN_REPLY | IPS_ASSURED;
		e.present = CT_HAS_TCP;
		e.tcp.state = 3;
		e.tcp.wscale[0] = 7;
		e.tcp.wscale[1] = 9;
		e.tcp.flags[0] = e.tcp.flags[1] = 0x03;
	}
	return e;
}

static inline uint32_t put(struct nse_context *ctx, const struct ct_entry *e)
{
	struct ct_row row;
	uint32_t slot;

	ct_row_encode(e, &row);
	assert_int_equal(ct->check(&row.rec, NULL), 0);
	assert_int_equal(nse_context_put(ctx, &row.rec, &slot), 0);
	return slot;
}

static inline void drop(struct nse_context *ctx, const struct ct_entry *e)
{
	struct ct_row row;

	ct_row_encode(e, &row);
	assert_int_equal(nse_context_del(ctx, row.rec.kind, row.rec.key), 0);
}

static inline int take_entry(const struct nlmsghdr *nlh, void *arg)
{
	return ct_msg_parse(nlh, arg);
}

static inline int talk(uint8_t *msg, struct ct_entry *live)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;

	assert_int_equal(nse_nl_open(&nl, 0, 0, NULL), 0);
	return nse_nl_talk(nl, (struct nlmsghdr *)msg, live ? take_entry : NULL, live,
			   NULL);
}

/* What the kernel has of the entry; false when it has none. */
static inline bool look(const struct ct_entry *e, struct ct_entry *live)
{
	uint8_t buf[CT_MSG_MAX] __attribute__((aligned(4)));

	ct_msg_get(buf, e, &e->orig, false);
	return talk(buf, live) == 0;
}

/* The entry is there, and had that time to live at some moment after `start`. */
static inline void assert_lives(const struct ct_entry *e, uint32_t seconds, int64_t start)
{
	struct ct_entry live;
	uint32_t passed;

	assert_true(look(e, &live));
	passed = (uint32_t)((nse_now_us() - start) / 1000000) + 2;
	assert_in_range(live.timeout, passed < seconds ? seconds - passed : 0, seconds);
}

/* As a packet that meets the entry does. */
static inline void meet(const struct ct_entry *e, uint32_t timeout)
{
	uint8_t buf[CT_MSG_MAX] __attribute__((aligned(4)));
	const uint8_t mask[2] = { 0, 0 };

	ct_msg_settle(buf, e, timeout, mask);
	assert_int_equal(talk(buf, NULL), 0);
}

static inline void on_slots(int (*run)(struct nse_job *, struct nse_error *),
			    struct nse_job *job, const uint32_t *slots, size_t n)
{
	struct nse_error err = { 0 };
	int rc;

	job->slots = slots;
	job->nslots = n;
	rc = run(job, &err);
	if (rc < 0)
		print_error("%s\n", err.text);
	assert_int_equal(rc, 0);
	job->slots = NULL;
	job->nslots = 0;
}

static inline void settle(struct nse_job *job)
{
	struct nse_error err = { 0 };
	int rc = ct->settle(job, &err);

	if (rc < 0)
		print_error("settle: %s\n", err.text);
	assert_int_equal(rc, 0);
	assert_int_equal(job->flags, 0);
}

/* Entries that differ in their destination; 10.0.0.1:7 is the source. */
static inline void put_many(struct nse_context *a, uint32_t n, uint32_t timeout)
{
	struct ct_entry e = flow(IPPROTO_UDP, 7, timeout);

	for (uint32_t i = 0; i < n; i++) {
		memcpy(e.orig.dst, &i, 3);
		e.orig.dst[3] = 1;
		ct_invert(4, IPPROTO_UDP, &e.orig, &e.reply);
		put(a, &e);
	}
	assert_int_equal(nse_context_count(a), n);
}

#endif
