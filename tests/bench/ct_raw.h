/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the conntrack benches share: random entries of one VM, prebuilt batches
 * of them, and the bare kernel interface that everything is compared with.
 * Entry i of a seed is always the same one, so that another process can build
 * it again to change or delete it.
 */
#ifndef TESTS_BENCH_CT_RAW_H
#define TESTS_BENCH_CT_RAW_H

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>

#include "lib/engine/ct_msg.h"

#define RAW_BATCH 128 /* messages in one datagram; the last one acks */

struct raw_batches {
	uint32_t n;
	size_t len;    /* of each message */
	uint8_t *msgs; /* owned */
};

static inline void raw_die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
		strerror(errno));
	exit(1);
}

/* splitmix64 */
static inline uint64_t raw_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* An established TCP connection of 10.77.0.10 with a random peer; both ports
 * are random, too. */
static inline void raw_entry(struct ct_entry *e, uint64_t seed, uint32_t i)
{
	static const uint8_t vm[4] = { 10, 77, 0, 10 };
	uint64_t state = seed << 32 | i, r = raw_random(&state);

	memset(e, 0, sizeof(*e));
	e->l3 = 4;
	e->l4 = IPPROTO_TCP;
	e->present = CT_HAS_TCP;
	e->status = IPS_SEEN_REPLY | IPS_ASSURED;
	e->tcp.state = 3;
	e->tcp.wscale[0] = 7;
	e->tcp.flags[0] = e->tcp.flags[1] = 0x03;
	memcpy(e->orig.src, vm, 4);
	memcpy(e->orig.dst, &r, 4);
	memcpy(e->orig.l4, (uint8_t *)&r + 4, 4);
	e->orig.dst[0] = (uint8_t)(11 + e->orig.dst[0] % 200);
	e->orig.l4[0] |= 0x80;
	r = raw_random(&state);
	e->timeout = 86400 + (uint32_t)r % 345600;
	e->tcp.wscale[1] = (uint8_t)(6 + (r >> 32) % 3);
	ct_invert(4, IPPROTO_TCP, &e->orig, &e->reply);
}

/* Puts a message behind the others, all of which are equally long. */
static inline void raw_add(struct raw_batches *b, uint32_t room, void *msg, size_t len)
{
	struct nlmsghdr *nlh = msg;

	nlh->nlmsg_seq = b->n;
	if (b->n % RAW_BATCH == RAW_BATCH - 1 || b->n == room - 1)
		nlh->nlmsg_flags |= NLM_F_ACK;
	if (!b->msgs) {
		b->len = len;
		b->msgs = malloc(len * room);
	}
	if (!b->msgs || len != b->len)
		raw_die("messages");
	memcpy(b->msgs + len * b->n++, msg, len);
}

/* The same entry of another address, or of the VM where that is NULL. */
static inline void raw_entry_of(struct ct_entry *e, uint64_t seed, uint32_t i,
				const uint8_t *addr)
{
	raw_entry(e, seed, i);
	if (!addr)
		return;
	memcpy(e->orig.src, addr, 4);
	ct_invert(4, IPPROTO_TCP, &e->orig, &e->reply);
}

static inline void raw_prebuild(struct raw_batches *b, uint64_t seed, uint32_t n,
				const uint8_t *addr)
{
	uint8_t buf[CT_MSG_MAX] __attribute__((aligned(4)));
	struct ct_entry e;

	for (uint32_t i = 0; i < n; i++) {
		raw_entry_of(&e, seed, i, addr);
		raw_add(b, n, buf, ct_msg_create(buf, &e, false));
	}
}

static inline struct mnl_socket *raw_socket(void)
{
	struct mnl_socket *s = mnl_socket_open(NETLINK_NETFILTER);
	int size = 8 << 20;

	if (!s || mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID) < 0)
		raw_die("netlink");
	setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	setsockopt(mnl_socket_get_fd(s), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return s;
}

/* Every answer of a datagram must be an ack. */
static inline void raw_check(const void *answers, ssize_t got)
{
	const struct nlmsghdr *nlh = answers;
	int left = (int)got;

	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

		if (nlh->nlmsg_type != NLMSG_ERROR || e->error == 0)
			continue;
		errno = -e->error;
		raw_die("the kernel refuses an entry");
	}
}

/* The limit of loading: bytes that lie ready, an ack per batch. */
static inline void raw_load(const struct raw_batches *b)
{
	struct mnl_socket *s = raw_socket();
	char ack[8192];

	for (uint32_t i = 0; i < b->n; i += RAW_BATCH) {
		uint32_t n = b->n - i < RAW_BATCH ? b->n - i : RAW_BATCH;
		ssize_t got;

		if (mnl_socket_sendto(s, b->msgs + b->len * i, b->len * n) < 0)
			raw_die("send");
		got = mnl_socket_recvfrom(s, ack, sizeof(ack));
		if (got < 0)
			raw_die("receive");
		raw_check(ack, got);
	}
	mnl_socket_close(s);
}

/* The limit of dumping: datagrams taken off the socket, unread but for the
 * end. They are written to fd when that is not negative. Returns the bytes. */
static inline uint64_t raw_dump(int fd)
{
	struct mnl_socket *s = raw_socket();
	uint8_t req[CT_MSG_MAX] __attribute__((aligned(4)));
	static char buf[65536] __attribute__((aligned(4)));
	uint64_t bytes = 0;

	if (mnl_socket_sendto(s, req, ct_msg_dump(req, 0)) < 0)
		raw_die("send");
	for (;;) {
		ssize_t n = mnl_socket_recvfrom(s, buf, sizeof(buf));

		if (n < 0)
			raw_die("receive");
		if (((struct nlmsghdr *)buf)->nlmsg_type == NLMSG_DONE)
			break;
		bytes += (uint64_t)n;
		if (fd >= 0 && write(fd, buf, (size_t)n) != n)
			raw_die("write");
	}
	mnl_socket_close(s);
	return bytes;
}

/* Entries in memory anywhere in the machine. */
static inline long raw_entries(void)
{
	char line[512];
	long n = 0, active;
	FILE *f = fopen("/proc/slabinfo", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "nf_conntrack %ld", &active) == 1)
			n = active;
	if (f)
		fclose(f);
	return n;
}

/* Waits until the entries of namespaces that are gone have been freed, too. */
static inline void raw_wait_freed(long most)
{
	struct timespec pause = { 0, 50000000 };

	for (int i = 0; i < 1200 && raw_entries() > most; i++)
		nanosleep(&pause, NULL);
}

#endif
