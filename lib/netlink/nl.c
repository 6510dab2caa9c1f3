/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The netlink socket. The kernel works off a request inside sendmsg(), so its
 * answers lie in the receive queue when that returns (a dump is continued by
 * each recvmsg()). Answers are taken until the one that ends the exchange;
 * answers to earlier, abandoned exchanges are known by their sequence numbers
 * and skipped.
 */
#include "lib/netlink/nl.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter/nfnetlink.h>

#include "lib/util/cleanup.h"
#include "lib/util/clock.h"

#define WAIT_US	 (30 * 1000000LL) /* without any answer from the kernel */
#define BUF_SIZE (256u << 10)	  /* above any single datagram of netlink */
#define TEXT_MAX 256		  /* of the kernel's extended ack */

struct nse_nl {
	struct mnl_socket *sock;
	uint32_t portid;
	uint32_t seq;
	uint8_t *buf;
};

/* The limit for all users first needs no privilege, the forced one does. */
static void set_buffer(int fd, int forced, int plain, size_t bytes)
{
	int v = bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int)bytes;

	if (bytes && setsockopt(fd, SOL_SOCKET, forced, &v, sizeof(v)) < 0)
		setsockopt(fd, SOL_SOCKET, plain, &v, sizeof(v));
}

int nse_nl_open(struct nse_nl **out, size_t rcvbuf, size_t sndbuf, struct nse_error *err)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = calloc(1, sizeof(*nl));
	int on = 1, fd;

	if (nl)
		nl->buf = malloc(BUF_SIZE);
	if (!nl || !nl->buf)
		return nse_errno(err, -ENOMEM, "netlink socket");
	nl->sock = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	if (!nl->sock)
		return nse_errno(err, -errno,
				 "netlink socket (is nfnetlink in the kernel?)");
	if (mnl_socket_bind(nl->sock, 0, MNL_SOCKET_AUTOPID) < 0)
		return nse_errno(err, -errno, "binding a netlink socket");
	fd = mnl_socket_get_fd(nl->sock);
	/* Both options are newer than netlink itself: their lack only costs. */
	mnl_socket_setsockopt(nl->sock, NETLINK_CAP_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl->sock, NETLINK_EXT_ACK, &on, sizeof(on));
	set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, rcvbuf);
	set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, sndbuf);
	nl->portid = mnl_socket_get_portid(nl->sock);
	nl->seq = (uint32_t)nse_now_us();
	*out = nse_take(nl);
	return 0;
}

void nse_nl_close(struct nse_nl *nl)
{
	if (!nl)
		return;
	if (nl->sock)
		mnl_socket_close(nl->sock);
	free(nl->buf);
	free(nl);
}

void nse_nl_closep(struct nse_nl **nl)
{
	nse_nl_close(*nl);
}

int nse_nl_fd(const struct nse_nl *nl)
{
	return mnl_socket_get_fd(nl->sock);
}

uint32_t nse_nl_portid(const struct nse_nl *nl)
{
	return nl->portid;
}

uint32_t nse_nl_seq(struct nse_nl *nl, uint32_t n)
{
	uint32_t first = nl->seq;

	nl->seq += n;
	return first;
}

static int send_all(struct nse_nl *nl, const void *p, size_t n)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t rc;

	do
		rc = sendto(nse_nl_fd(nl), p, n, 0, (struct sockaddr *)&kernel,
			    sizeof(kernel));
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : 0;
}

/* One datagram of the kernel, or -EAGAIN when none is queued. */
static ssize_t receive_now(struct nse_nl *nl)
{
	struct sockaddr_nl from = { 0 };
	struct iovec iov = { nl->buf, BUF_SIZE };
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	ssize_t n;

	for (;;) {
		n = recvmsg(nse_nl_fd(nl), &msg, MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (msg.msg_flags & MSG_TRUNC)
			return -EMSGSIZE;
		/* Any process may write to our port; only the kernel is believed. */
		if (from.nl_pid == 0)
			return n;
		msg.msg_namelen = sizeof(from);
	}
}

static ssize_t receive(struct nse_nl *nl)
{
	int64_t deadline = 0;

	for (;;) {
		struct pollfd p = { .fd = nse_nl_fd(nl), .events = POLLIN };
		ssize_t n = receive_now(nl);
		int rc;

		if (n != -EAGAIN)
			return n;
		if (!deadline)
			deadline = nse_now_us() + WAIT_US;
		rc = poll(&p, 1, nse_poll_ms(deadline));
		if (rc == 0)
			return -ETIMEDOUT;
		if (rc < 0 && errno != EINTR)
			return -errno;
	}
}

static void drain(struct nse_nl *nl)
{
	ssize_t n;

	do
		n = receive_now(nl);
	while (n >= 0 || n == -ENOBUFS || n == -EMSGSIZE);
}

/* The code of an NLMSG_ERROR, and the extended ack's text. */
static int parse_error(const struct nlmsghdr *nlh, char text[TEXT_MAX])
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	size_t skip = sizeof(*e);
	const struct nlattr *a;

	text[0] = '\0';
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*e))
		return -EBADMSG;
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return e->error;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED) && e->msg.nlmsg_len > sizeof(e->msg))
		skip += MNL_ALIGN(e->msg.nlmsg_len) - sizeof(e->msg);
	if (skip > mnl_nlmsg_get_payload_len(nlh))
		return e->error;
	mnl_attr_for_each(a, nlh, skip)
	{
		size_t n = mnl_attr_get_payload_len(a);

		if (mnl_attr_get_type(a) != NLMSGERR_ATTR_MSG || n == 0)
			continue;
		n = n < TEXT_MAX ? n : TEXT_MAX;
		memcpy(text, mnl_attr_get_payload(a), n - 1);
		text[n - 1] = '\0';
	}
	return e->error;
}

/* One exchange of nse_nl_talk(). */
struct talk {
	struct nse_nl *nl;
	uint32_t seq;
	bool interrupted, done;
	int rc;
	char text[TEXT_MAX];
	nse_nl_cb *cb;
	void *arg;
};

static void talk_message(struct talk *t, const struct nlmsghdr *nlh)
{
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		t->interrupted = true;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		int code = parse_error(nlh, t->text);

		t->done = true;
		if (!t->rc)
			t->rc = code;
	} else if (nlh->nlmsg_type == NLMSG_DONE) {
		t->done = true;
		if (!t->rc && mnl_nlmsg_get_payload_len(nlh) >= sizeof(int))
			t->rc = *(const int *)mnl_nlmsg_get_payload(nlh);
		if (t->rc > 0)
			t->rc = 0;
	} else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE && t->cb && !t->rc) {
		/* After an error the rest of a dump is taken off unseen: a new
		 * one could not be started before its end. */
		t->rc = t->cb(nlh, t->arg);
	}
}

static int talk_receive(struct talk *t)
{
	while (!t->done) {
		ssize_t got = receive(t->nl);
		const struct nlmsghdr *nlh = (const void *)t->nl->buf;
		int left = (int)got;

		if (got < 0)
			return (int)got;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			if (nlh->nlmsg_seq == t->seq && nlh->nlmsg_pid == t->nl->portid)
				talk_message(t, nlh);
	}
	return 0;
}

int nse_nl_talk(struct nse_nl *nl, struct nlmsghdr *req, nse_nl_cb *cb, void *arg,
		struct nse_error *err)
{
	struct talk t = { .nl = nl, .cb = cb, .arg = arg };
	int rc;

	t.seq = req->nlmsg_seq = nse_nl_seq(nl, 1);
	if ((req->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
		req->nlmsg_flags |= NLM_F_ACK;
	rc = send_all(nl, req, req->nlmsg_len);
	if (rc < 0)
		return nse_errno(err, rc, "sending to the kernel (netlink type 0x%x)",
				 req->nlmsg_type);
	rc = talk_receive(&t);
	if (rc < 0)
		return nse_errno(err, rc, "the kernel's answer to netlink type 0x%x",
				 req->nlmsg_type);
	rc = t.rc;
	if (rc == 0)
		return t.interrupted ? -EINTR : 0;
	if (rc == -ENOENT || rc == -EEXIST || rc == -EBUSY)
		return rc;
	/* The text of a callback's own error stands. */
	if (err && err->code == rc && !t.text[0])
		return rc;
	return nse_errno(err, rc, "the kernel on netlink type 0x%x%s%s", req->nlmsg_type,
			 t.text[0] ? ": " : "", t.text);
}

/* One exchange of nse_nl_batch(). */
struct batch {
	struct nse_nl *nl;
	uint32_t first, n;
	bool transaction; /* begins with NFNL_MSG_BATCH_BEGIN */
	bool last_acks;	  /* the last one has NLM_F_ACK: its data is not the end */
	bool done, failed;
	int rc;
	nse_nl_batch_cb *each;
	nse_nl_cb *data;
	void *arg;
};

/* Looks at the messages that are to be sent; -EINVAL when they are not n. */
static int batch_look(struct batch *b, const void *bytes, size_t len)
{
	const struct nlmsghdr *nlh = bytes;
	uint32_t i = 0;
	int left = (int)len;

	if (len > INT32_MAX || b->n == 0)
		return -EINVAL;
	b->transaction = nlh->nlmsg_type == NFNL_MSG_BATCH_BEGIN;
	for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		b->last_acks = nlh->nlmsg_flags & NLM_F_ACK;
		i++;
	}
	return i == b->n && left == 0 ? 0 : -EINVAL;
}

static void batch_message(struct batch *b, const struct nlmsghdr *nlh)
{
	uint32_t i = nlh->nlmsg_seq - b->first;
	char text[TEXT_MAX];
	int code;

	if (i >= b->n || nlh->nlmsg_pid != b->nl->portid)
		return;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		code = parse_error(nlh, text);
		if (code)
			b->failed = true;
		if (i == b->n - 1)
			b->done = true;
		if (b->each && !b->rc)
			b->each(b->arg, i, code, text);
	} else if (nlh->nlmsg_type == NLMSG_DONE) {
		b->done = true; /* of a dump, which only its beginning is read of */
	} else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE) {
		if (b->data && !b->rc)
			b->rc = b->data(nlh, b->arg);
		if (i == b->n - 1 && !b->last_acks)
			b->done = true;
	}
}

/*
 * All answers are queued when sendmsg() has returned. A transaction's queue is
 * read until it is empty: when it is refused its last message may go without
 * an answer, and kernels before 6.10 never answer its end.
 */
static int batch_receive(struct batch *b)
{
	for (;;) {
		bool at_once = b->transaction || b->done || b->failed;
		ssize_t got = at_once ? receive_now(b->nl) : receive(b->nl);
		const struct nlmsghdr *nlh = (const void *)b->nl->buf;
		int left = (int)got;

		if (got == -EAGAIN && b->transaction)
			return 0;
		if (got == -EAGAIN)
			return -ENOBUFS; /* the last answer got lost */
		if (got < 0) {
			drain(b->nl);
			return (int)got;
		}
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			batch_message(b, nlh);
		if (b->done && !b->transaction)
			return 0;
	}
}

int nse_nl_batch(struct nse_nl *nl, const void *bytes, size_t len, uint32_t first_seq,
		 uint32_t n, nse_nl_batch_cb *each, nse_nl_cb *data, void *arg,
		 struct nse_error *err)
{
	struct batch b = { .nl = nl,
			   .first = first_seq,
			   .n = n,
			   .each = each,
			   .data = data,
			   .arg = arg };
	int rc = batch_look(&b, bytes, len);

	if (rc < 0)
		return nse_error(err, rc, "a netlink batch of %u messages is malformed",
				 n);
	rc = send_all(nl, bytes, len);
	if (rc < 0)
		return nse_errno(err, rc, "sending %u netlink messages to the kernel", n);
	rc = batch_receive(&b);
	if (rc < 0)
		return nse_errno(err, rc, "the kernel's answers to %u netlink messages",
				 n);
	return b.rc;
}

int nse_nl_join(struct nse_nl *nl, unsigned int group, struct nse_error *err)
{
	int g = (int)group;

	if (mnl_socket_setsockopt(nl->sock, NETLINK_ADD_MEMBERSHIP, &g, sizeof(g)) < 0)
		return nse_errno(err, -errno, "listening to netlink group %u", group);
	return 0;
}

int nse_nl_take(struct nse_nl *nl, nse_nl_cb *cb, void *arg)
{
	ssize_t got = receive_now(nl);
	const struct nlmsghdr *nlh = (const void *)nl->buf;
	int left = (int)got, rc = 0;

	if (got == -EAGAIN)
		return 0;
	if (got < 0)
		return (int)got;
	for (; rc == 0 && mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
		if (nlh->nlmsg_type >= NLMSG_MIN_TYPE)
			rc = cb(nlh, arg);
	return rc < 0 ? rc : 1;
}
