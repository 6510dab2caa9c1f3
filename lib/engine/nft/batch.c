/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A transaction as bytes. Messages lie one behind the other, the first being
 * NFNL_MSG_BATCH_BEGIN, which carries the generation that the sender has seen
 * (0: any); sequence numbers and the end are added when it is sent. No message
 * asks for an acknowledgement but the end: what is not answered was done.
 */
#include "lib/engine/nft/batch.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "lib/engine/nft/attr.h"

#define BATCH_MAX (1u << 30) /* bytes; a socket's send buffer takes them */
#define GENID_AT  (NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct nfgenmsg)) + NLA_HDRLEN)

void nft_batch_init(struct nft_batch *b)
{
	*b = (struct nft_batch){ .bytes = NSE_BUF_INIT(BATCH_MAX) };
}

void nft_batch_release(struct nft_batch *b)
{
	if (!b)
		return;
	nse_buf_release(&b->bytes);
	free(b->slots);
	nft_batch_init(b);
}

/* Appends the two headers; the length is set at the end of the message. */
static int put_head(struct nft_batch *b, uint16_t type, uint16_t flags, uint8_t family,
		    uint16_t res_id)
{
	struct nlmsghdr nlh = { .nlmsg_type = type,
				.nlmsg_flags = NLM_F_REQUEST | flags };
	struct nfgenmsg nfg = { .nfgen_family = family,
				.version = NFNETLINK_V0,
				.res_id = htobe16(res_id) };
	size_t at = b->bytes.len;
	int rc = nse_buf_put(&b->bytes, &nlh, sizeof(nlh))
			 ?: nse_buf_put(&b->bytes, &nfg, sizeof(nfg));

	if (rc == 0)
		b->open = at;
	else
		b->bytes.len = at;
	return rc;
}

static void set_length(struct nft_batch *b)
{
	uint32_t n = (uint32_t)(b->bytes.len - b->open);

	memcpy(b->bytes.data + b->open + offsetof(struct nlmsghdr, nlmsg_len), &n,
	       sizeof(n));
}

static int begin(struct nft_batch *b)
{
	int rc = put_head(b, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES)
			 ?: nft_put_u32(&b->bytes, NFNL_BATCH_GENID, 0);

	if (rc < 0)
		b->bytes.len = 0;
	else
		set_length(b);
	return rc;
}

static int grow_slots(struct nft_batch *b)
{
	size_t room = b->room ? b->room * 2 : 64;
	uint32_t *p;

	if (b->n < b->room)
		return 0;
	p = realloc(b->slots, room * sizeof(*p));
	if (!p)
		return -ENOMEM;
	b->slots = p;
	b->room = room;
	return 0;
}

int nft_batch_open(struct nft_batch *b, uint16_t type, uint16_t flags, uint8_t family,
		   uint32_t slot)
{
	int rc = b->bytes.len ? 0 : begin(b);

	rc = rc ?: grow_slots(b);
	rc = rc
		     ?: put_head(b, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags,
				 family, 0);
	if (rc == 0)
		b->slots[b->n++] = slot;
	return rc;
}

int nft_batch_close(struct nft_batch *b)
{
	static const uint8_t zeros[NLMSG_ALIGNTO];
	size_t pad;

	set_length(b);
	pad = NLMSG_ALIGN(b->bytes.len) - b->bytes.len;
	return nse_buf_put(&b->bytes, zeros, pad);
}

/* Adds the end, and numbers the messages from `seq` on. */
static int finish(struct nft_batch *b, uint32_t genid, uint32_t seq)
{
	uint8_t *p;
	int rc = put_head(b, NFNL_MSG_BATCH_END, NLM_F_ACK, AF_UNSPEC,
			  NFNL_SUBSYS_NFTABLES);

	if (rc < 0)
		return rc;
	set_length(b);
	nse_st32(b->bytes.data + GENID_AT, genid);
	for (p = b->bytes.data; p < b->bytes.data + b->bytes.len;) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)p;

		nlh->nlmsg_seq = seq++;
		p += NLMSG_ALIGN(nlh->nlmsg_len);
	}
	return 0;
}

struct answers {
	struct nft_batch *b;
	nft_refused_cb *refused;
	void *arg;
	bool any;  /* a message was refused */
	int whole; /* the transaction itself was */
	char text[256];
};

/* Message 0 is the beginning, the last is the end: they have no slots. */
static void on_answer(void *arg, uint32_t index, int code, const char *text)
{
	struct answers *a = arg;

	if (code == 0)
		return;
	if (index == 0 || index > a->b->n) {
		if (!a->whole)
			snprintf(a->text, sizeof(a->text), "%s", text);
		a->whole = a->whole ?: code;
		return;
	}
	a->any = true;
	if (a->refused)
		a->refused(a->arg, a->b->slots[index - 1], code, text);
}

/* A fault of the link or of the caller, not of what is in the batch. */
static bool is_ours(int code)
{
	return code == -EPERM || code == -ENOMEM || code == -ENOBUFS;
}

static int outcome(const struct answers *a, struct nse_error *err)
{
	if (a->whole == -ERESTART)
		return -ERESTART;
	if (a->whole == -EPERM)
		return nse_error(err, a->whole,
				 "changing nf_tables needs CAP_NET_ADMIN: run as root");
	if (a->whole && is_ours(a->whole))
		return nse_errno(err, a->whole, "a transaction of nf_tables%s%s",
				 a->text[0] ? ": " : "", a->text);
	if (a->whole && !a->any && a->refused)
		a->refused(a->arg, NFT_SLOT_NONE, a->whole, a->text);
	return a->any || a->whole ? -ECANCELED : 0;
}

int nft_batch_send(struct nse_nl *nl, struct nft_batch *b, uint32_t genid,
		   nft_refused_cb *refused, void *arg, struct nse_error *err)
{
	struct answers a = { .b = b, .refused = refused, .arg = arg };
	uint32_t n = (uint32_t)b->n + 2, seq = nse_nl_seq(nl, n);
	size_t len = b->bytes.len;
	int rc;

	if (b->n == 0)
		return 0;
	rc = finish(b, genid, seq);
	if (rc < 0)
		return nse_errno(err, rc, "a transaction of %zu messages", b->n);
	rc = nse_nl_batch(nl, b->bytes.data, b->bytes.len, seq, n, on_answer, NULL, &a,
			  err);
	b->bytes.len = len;
	/* Answers that were lost can only be refusals. */
	if (rc == -ENOBUFS && a.any)
		return -ECANCELED;
	return rc < 0 ? rc : outcome(&a, err);
}
