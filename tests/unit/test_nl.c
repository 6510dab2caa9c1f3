/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The netlink socket against the real kernel: answers, refusals with the
 * kernel's text, dumps, batches with failures in the middle, lost answers.
 */
#include "tests/unit/ct_lib.h"

#include <linux/netfilter/nfnetlink_conntrack.h>

#include "lib/engine/ct_msg.h"

struct seen {
	int data, codes[512], answers, stop_at;
	char text[256];
};

static int on_data(const struct nlmsghdr *nlh, void *arg)
{
	struct seen *s = arg;

	(void)nlh;
	s->data++;
	return s->stop_at && s->data == s->stop_at ? -ECANCELED : 0;
}

static void on_answer(void *arg, uint32_t i, int code, const char *text)
{
	struct seen *s = arg;

	assert_true(i < 512);
	s->codes[i] = code;
	s->answers++;
	snprintf(s->text, sizeof(s->text), "%s", text);
}

static struct ct_entry entry(uint16_t port)
{
	struct ct_entry e = { .l3 = 4, .l4 = IPPROTO_UDP, .timeout = 100 };

	memcpy(e.orig.src, "\x0a\x00\x00\x01", 4);
	memcpy(e.orig.dst, "\x0a\x00\x00\x02", 4);
	e.orig.l4[0] = (uint8_t)(port >> 8);
	e.orig.l4[1] = (uint8_t)port;
	e.orig.l4[3] = 53;
	ct_invert(4, IPPROTO_UDP, &e.orig, &e.reply);
	return e;
}

static struct nse_nl *open_nl(size_t rcvbuf)
{
	struct nse_nl *nl = NULL;
	struct nse_error err = { 0 };

	assert_int_equal(nse_nl_open(&nl, rcvbuf, 1 << 20, &err), 0);
	assert_true(nse_nl_fd(nl) >= 0);
	return nl;
}

/* n creations; with_ack: of every one. Returns nse_nl_batch()'s code. */
static int create_many(struct nse_nl *nl, uint16_t from, uint32_t n, bool with_ack,
		       struct seen *s)
{
	NSE_FREE uint8_t *buf = malloc((size_t)n * CT_MSG_MAX);
	uint32_t seq = nse_nl_seq(nl, n);
	size_t len = 0;

	for (uint32_t i = 0; i < n; i++) {
		struct ct_entry e = entry((uint16_t)(from + i));
		struct nlmsghdr *nlh = (void *)(buf + len);

		len += ct_msg_create(nlh, &e, false);
		nlh->nlmsg_seq = seq + i;
		if (with_ack || i == n - 1)
			nlh->nlmsg_flags |= NLM_F_ACK;
	}
	return nse_nl_batch(nl, buf, len, seq, n, on_answer, on_data, s, NULL);
}

static int dump(struct nse_nl *nl, struct seen *s, struct nse_error *err)
{
	uint8_t buf[CT_MSG_MAX] __attribute__((aligned(4)));

	ct_msg_dump(buf, 0);
	return nse_nl_talk(nl, (struct nlmsghdr *)buf, on_data, s, err);
}

static void requests_and_answers(void **state)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	uint8_t buf[CT_MSG_MAX] __attribute__((aligned(4)));
	struct ct_entry e = entry(1);
	struct nse_error err = { 0 };
	struct seen s = { 0 };

	(void)state;
	NETNS();
	nl = open_nl(0);
	ct_msg_create(buf, &e, false);
	assert_int_equal(nse_nl_talk(nl, (void *)buf, NULL, NULL, &err), 0);
	/* What the caller knows the meaning of has no text. */
	assert_int_equal(nse_nl_talk(nl, (void *)buf, NULL, NULL, &err), -EEXIST);
	assert_int_equal(err.code, 0);
	ct_msg_get(buf, &e, &e.orig, false);
	assert_int_equal(nse_nl_talk(nl, (void *)buf, on_data, &s, &err), 0);
	assert_int_equal(s.data, 1);
	e = entry(2);
	ct_msg_get(buf, &e, &e.orig, false);
	assert_int_equal(nse_nl_talk(nl, (void *)buf, on_data, &s, &err), -ENOENT);
	assert_int_equal(err.code, 0);
	e.l3 = 4;
	e.timeout = 0;
	((struct nlmsghdr *)buf)->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | 0xee;
	assert_true(nse_nl_talk(nl, (void *)buf, NULL, NULL, &err) < 0);
	assert_true(err.text[0]);
}

static void the_kernels_own_words(void **state)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	uint8_t buf[CT_MSG_MAX] __attribute__((aligned(4)));
	struct ct_entry e = entry(1);
	struct nlmsghdr *nlh = (void *)buf;
	struct nse_error err = { 0 };

	(void)state;
	NETNS();
	nl = open_nl(0);
	ct_msg_create(buf, &e, false);
	mnl_attr_put_u8(nlh, CTA_MARK, 1); /* a mark has four bytes */
	assert_int_equal(nse_nl_talk(nl, nlh, NULL, NULL, &err), -ERANGE);
	assert_non_null(strstr(err.text, "policy"));
}

static void dumps(void **state)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	struct seen s = { 0 }, stopped = { .stop_at = 10 };
	struct nse_error err = { 0 };

	(void)state;
	NETNS();
	nl = open_nl(4 << 20);
	assert_int_equal(dump(nl, &s, &err), 0);
	assert_int_equal(s.data, 0);
	for (uint16_t i = 0; i < 20; i++)
		assert_int_equal(create_many(nl, (uint16_t)(1 + i * 100), 100, false, &s),
				 0);
	/* A callback that stops does not leave a dump in the way. */
	assert_int_equal(dump(nl, &stopped, &err), -ECANCELED);
	assert_int_equal(stopped.data, 10);
	memset(&s, 0, sizeof(s));
	assert_int_equal(dump(nl, &s, &err), 0);
	assert_int_equal(s.data, 2000);
}

static void batches(void **state)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	struct seen s = { 0 };

	(void)state;
	NETNS();
	nl = open_nl(4 << 20);
	assert_int_equal(create_many(nl, 10, 5, false, &s), 0);
	assert_int_equal(s.answers, 1); /* the ack */
	assert_int_equal(s.codes[4], 0);
	memset(&s, 0, sizeof(s));
	/* The first five exist; the next five are made all the same. */
	assert_int_equal(create_many(nl, 10, 10, false, &s), 0);
	assert_int_equal(s.answers, 6);
	for (int i = 0; i < 5; i++)
		assert_int_equal(s.codes[i], -EEXIST);
	assert_int_equal(s.codes[9], 0);
	assert_int_equal(table_count(), 10);
}

static void gets_in_a_batch(void **state)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	uint8_t buf[16 * CT_MSG_MAX] __attribute__((aligned(4)));
	struct seen s = { 0 };
	size_t len = 0;
	uint32_t seq;

	(void)state;
	NETNS();
	nl = open_nl(4 << 20);
	assert_int_equal(create_many(nl, 10, 5, false, &s), 0);
	memset(&s, 0, sizeof(s));
	seq = nse_nl_seq(nl, 8);
	for (uint16_t i = 0; i < 8; i++) {
		struct ct_entry e = entry((uint16_t)(8 + i)); /* 10 to 14 exist */
		struct nlmsghdr *nlh = (void *)(buf + len);

		len += ct_msg_get(nlh, &e, &e.orig, false);
		nlh->nlmsg_seq = seq + i;
	}
	assert_int_equal(nse_nl_batch(nl, buf, len, seq, 8, on_answer, on_data, &s, NULL),
			 0);
	assert_int_equal(s.data, 5);
	assert_int_equal(s.answers, 3);
	assert_int_equal(s.codes[0], -ENOENT);
	assert_int_equal(s.codes[7], -ENOENT);
}

static void lost_answers_are_told(void **state)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	struct seen s = { 0 };

	(void)state;
	NETNS();
	nl = open_nl(1); /* the kernel makes it its minimum, a few answers */
	assert_int_equal(create_many(nl, 1, 200, true, &s), -ENOBUFS);
	assert_int_equal(table_count(), 200);
	/* The socket is good again afterwards. */
	memset(&s, 0, sizeof(s));
	assert_int_equal(create_many(nl, 1000, 2, false, &s), 0);
	assert_int_equal(s.answers, 1);
}

static int from_whom(const struct nlmsghdr *nlh, void *arg)
{
	*(uint32_t *)arg = nlh->nlmsg_pid;
	return 0;
}

static void what_the_kernel_tells(void **state)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL, *ear = NULL;
	struct seen s = { 0 };
	uint32_t who = 0;
	int rc, told = 0;

	(void)state;
	NETNS();
	nl = open_nl(4 << 20);
	ear = open_nl(8192);
	assert_int_equal(nse_nl_join(ear, NFNLGRP_CONNTRACK_NEW, NULL), 0);
	assert_int_equal(nse_nl_join(ear, 12345, NULL), -EINVAL);
	assert_int_equal(nse_nl_take(ear, from_whom, &who), 0);
	assert_int_equal(create_many(nl, 1, 2, false, &s), 0);
	assert_int_equal(nse_nl_take(ear, from_whom, &who), 1);
	assert_int_equal(who, nse_nl_portid(nl));
	assert_int_equal(nse_nl_take(ear, on_data, &s), 1);
	assert_int_equal(nse_nl_take(ear, on_data, &s), 0);
	/* What there is no room for is told of, and the rest is there. */
	assert_int_equal(create_many(nl, 100, 200, false, &s), 0);
	assert_int_equal(nse_nl_take(ear, on_data, &s), -ENOBUFS);
	while ((rc = nse_nl_take(ear, on_data, &s)) == 1)
		told++;
	assert_int_equal(rc, 0);
	assert_in_range(told, 1, 199);
	assert_int_equal(create_many(nl, 400, 1, false, &s), 0);
	s.data = 0;
	s.stop_at = 1;
	assert_int_equal(nse_nl_take(ear, on_data, &s), -ECANCELED);
	assert_int_equal(nse_nl_take(ear, on_data, &s), 0);
}

static void malformed_batches(void **state)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	uint8_t buf[CT_MSG_MAX] __attribute__((aligned(4)));
	struct ct_entry e = entry(1);
	struct nse_error err = { 0 };
	size_t len = ct_msg_create(buf, &e, false);

	(void)state;
	NETNS();
	nl = open_nl(0);
	assert_int_equal(nse_nl_batch(nl, buf, len, 1, 2, NULL, NULL, NULL, &err),
			 -EINVAL);
	assert_int_equal(nse_nl_batch(nl, buf, len - 4, 1, 1, NULL, NULL, NULL, &err),
			 -EINVAL);
	assert_int_equal(nse_nl_batch(nl, buf, len, 1, 0, NULL, NULL, NULL, &err),
			 -EINVAL);
	assert_int_equal(table_count(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_and_answers),
		cmocka_unit_test(the_kernels_own_words),
		cmocka_unit_test(dumps),
		cmocka_unit_test(batches),
		cmocka_unit_test(gets_in_a_batch),
		cmocka_unit_test(lost_answers_are_told),
		cmocka_unit_test(what_the_kernel_tells),
		cmocka_unit_test(malformed_batches),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
