/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The batches. A change that nothing was heard of succeeded, since the
 * kernel always reports failures; when answers were lost nothing is known,
 * and each message is reported so. A question without its answer has lost it.
 */
#include "lib/engine/ct_batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

/* Every message of a batch may fail, with room of its own for each answer. */
#define RCVBUF (8u << 20)
#define SNDBUF (1u << 20)

int ct_batch_init(struct ct_batch *b, ct_answer *answer, void *arg, struct nse_error *err)
{
	int rc;

	memset(b, 0, sizeof(*b));
	b->answer = answer;
	b->arg = arg;
	b->buf = malloc((size_t)CT_BATCH * CT_MSG_MAX);
	if (!b->buf)
		return nse_errno(err, -ENOMEM, "conntrack batch");
	rc = nse_nl_open(&b->nl, RCVBUF, SNDBUF, err);
	if (rc < 0)
		ct_batch_release(b);
	return rc;
}

void ct_batch_release(struct ct_batch *b)
{
	nse_nl_close(b->nl);
	free(b->buf);
	memset(b, 0, sizeof(*b));
}

int ct_batch_add(struct ct_batch *b, uint32_t tag, size_t len, struct nse_error *err)
{
	struct nlmsghdr *nlh = ct_batch_room(b);

	if (b->n == 0)
		b->first_seq = nse_nl_seq(b->nl, CT_BATCH);
	nlh->nlmsg_seq = b->first_seq + b->n;
	b->tags[b->n++] = tag;
	b->last = b->len;
	b->len += len;
	return b->n == CT_BATCH ? ct_batch_flush(b, err) : 0;
}

static void on_code(void *arg, uint32_t i, int code, const char *text)
{
	struct ct_batch *b = arg;

	if (b->answered[i])
		return; /* the ack behind the data of a GET */
	b->answered[i] = true;
	b->answer(b->arg, b->tags[i], code, text, NULL);
}

static int on_data(const struct nlmsghdr *nlh, void *arg)
{
	struct ct_batch *b = arg;
	uint32_t i = nlh->nlmsg_seq - b->first_seq;
	struct ct_entry live;
	int rc;

	if (b->answered[i])
		return 0;
	b->answered[i] = true;
	rc = ct_msg_parse(nlh, &live);
	/* A dying entry is as good as gone. */
	if (rc == -EAGAIN)
		rc = -ENOENT;
	b->answer(b->arg, b->tags[i], rc, "", rc ? NULL : &live);
	return 0;
}

int ct_batch_flush(struct ct_batch *b, struct nse_error *err)
{
	struct nlmsghdr *last = (void *)(b->buf + b->last);
	uint32_t n = b->n;
	bool asks;
	int rc;

	if (n == 0)
		return 0;
	asks = last->nlmsg_type == (NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET);
	if (!asks)
		last->nlmsg_flags |= NLM_F_ACK;
	memset(b->answered, 0, sizeof(b->answered));
	rc = nse_nl_batch(b->nl, b->buf, b->len, b->first_seq, n, on_code, on_data, b,
			  err);
	b->n = 0;
	b->len = 0;
	if (rc < 0 && rc != -ENOBUFS)
		return rc;
	rc = rc == 0 && asks ? -ENOBUFS : rc;
	for (uint32_t i = 0; i < n; i++)
		if (!b->answered[i])
			b->answer(b->arg, b->tags[i], rc, "", NULL);
	return 0;
}
