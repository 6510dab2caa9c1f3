/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Changes entries of ct_raw's VM as traffic would, RATE times a second: of ten
 * changes six are of a TCP state, two of a mark, one entry comes and one goes, so
 * that there are always N. It ends when FILE no longer says one of the WORDs, as
 * the domain's phase in the lab does.
 *
 *	ct_churn N SEED RATE FILE WORD...
 *
 * At the end it prints seconds, changes, and how many of them the kernel refused.
 */
#include <inttypes.h>
#include <stdbool.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "lib/util/clock.h"
#include "lib/util/io.h"
#include "tests/bench/ct_raw.h"

#define BURST	64 /* changes in one datagram */
#define TICK_NS 1000000

struct churn {
	struct mnl_socket *s;
	uint32_t n;
	uint32_t first,
		next; /* those from first to next - 1 may go, the n/2 first stay */
	uint64_t seed, random;
	uint64_t done, refused;
	bool came; /* so one has to go now */
};

static uint32_t number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	errno = EINVAL;
	if (*end || end == text || n > UINT32_MAX)
		raw_die(text);
	return (uint32_t)n;
}

static size_t update(struct churn *c, void *buf, bool mark)
{
	static const uint8_t states[] = { 3, 4, 5 }; /* as TCP_CONNTRACK_ESTABLISHED */
	uint64_t r = raw_random(&c->random);
	struct nlmsghdr *nlh = buf;
	struct ct_entry e;
	size_t len;

	raw_entry(&e, c->seed, (uint32_t)(r % (c->n / 2)));
	if (mark)
		e.mark = (uint32_t)(r >> 32) | 1;
	else
		e.tcp.state = states[(r >> 32) % sizeof(states)];
	len = ct_msg_create(buf, &e, false);
	nlh->nlmsg_flags &= (uint16_t) ~(NLM_F_CREATE | NLM_F_EXCL);
	return len;
}

static size_t come_or_go(struct churn *c, void *buf)
{
	struct nlmsghdr *nlh = buf;
	struct ct_entry e;
	size_t len;

	c->came = !c->came;
	raw_entry(&e, c->seed, c->came ? c->next++ : c->first++);
	if (c->came)
		return ct_msg_create(buf, &e, false);
	len = ct_msg_get(buf, &e, &e.orig, false);
	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
	return len;
}

static size_t change(struct churn *c, void *buf)
{
	uint64_t what = raw_random(&c->random) % 10;

	return what < 8 ? update(c, buf, what < 2) : come_or_go(c, buf);
}

/* What is refused always answers, the last message in any case. */
static void take_answers(struct churn *c, uint32_t last)
{
	uint8_t buf[8192] __attribute__((aligned(4)));

	for (bool ended = false; !ended;) {
		ssize_t got = mnl_socket_recvfrom(c->s, buf, sizeof(buf));
		const struct nlmsghdr *nlh = (void *)buf;
		int left = (int)got;

		if (got < 0)
			raw_die("receive");
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

			c->refused += nlh->nlmsg_type == NLMSG_ERROR && e->error != 0;
			ended = ended || nlh->nlmsg_seq == last;
		}
	}
}

static void burst(struct churn *c, uint32_t changes)
{
	static uint8_t buf[BURST * CT_MSG_MAX] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = (void *)buf;
	size_t len = 0;

	for (uint32_t i = 0; i < changes; i++) {
		nlh = (void *)(buf + len);
		len += change(c, nlh);
		nlh->nlmsg_seq = (uint32_t)++c->done;
	}
	nlh->nlmsg_flags |= NLM_F_ACK;
	if (mnl_socket_sendto(c->s, buf, len) < 0)
		raw_die("send");
	take_answers(c, nlh->nlmsg_seq);
}

static bool goes_on(const char *file, char **words)
{
	char text[64];

	if (nse_read_text(file, text, sizeof(text)) < 0)
		raw_die(file);
	for (; *words; words++)
		if (strncmp(text, *words, strlen(*words)) == 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct timespec tick = { 0, TICK_NS };
	struct churn c = { .random = 1 };
	int64_t start = nse_now_us();
	uint64_t rate;

	if (argc < 6 || (c.n = number(argv[1])) < 2) {
		fprintf(stderr, "usage: ct_churn N SEED RATE FILE WORD...\n");
		return 2;
	}
	c.seed = number(argv[2]);
	rate = number(argv[3]);
	c.first = c.n / 2;
	c.next = c.n;
	c.s = raw_socket();
	while (goes_on(argv[4], argv + 5)) {
		uint64_t due = (uint64_t)(nse_now_us() - start) * rate / 1000000 - c.done;

		if (due)
			burst(&c, due < BURST ? (uint32_t)due : BURST);
		nanosleep(&tick, NULL);
	}
	printf("%.3f %" PRIu64 " %" PRIu64 "\n", (double)(nse_now_us() - start) / 1e6,
	       c.done, c.refused);
	mnl_socket_close(c.s);
	return 0;
}
