/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Installing rules: what is decided goes to the kernel in one transaction that
 * is only taken in the generation in which it was decided. Everything is
 * installed or nothing: half a firewall is none.
 */
#include <errno.h>
#include <string.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/build.h"
#include "lib/engine/nft/nft_engine.h"
#include "lib/engine/nft/plan.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"

#define BUF_SPARE  (64u << 10)
#define ANSWER	   1024 /* bytes that a refusal takes of the receive buffer */
#define RCVBUF_MAX (64u << 20)

struct sending {
	struct nft_plan *plan;
	bool singly;  /* each element has a message of its own */
	bool several; /* a message of several elements was refused */
	int whole;    /* the transaction was refused as a whole */
	char text[256];
};

static bool wants(const struct nft_plan *p, uint32_t slot)
{
	return p->todo[slot] == NFT_CREATE && p->job->outcome[slot] == NSE_UNTOUCHED;
}

/* A record that cannot be built here is refused; the others are tried as well. */
static int build_one(struct nft_plan *p, struct nft_builder *bd, uint32_t slot,
		     struct nft_key *key, struct nse_error *err)
{
	struct nse_error why; /* set when building fails */
	struct nse_record rec;
	int rc;

	nse_context_at(p->ctx, slot, &rec);
	rc = nft_key_decode_next(&rec, key, err);
	if (rc < 0)
		return rc;
	if (!wants(p, slot))
		return nft_builder_know_set(bd, key, &rec);
	rc = nft_build_key(bd, key, &rec, slot, 0, p->before ? p->before[slot] : 0, &why);
	if (rc == 0 || rc == -ENOMEM)
		return rc < 0 ? nse_errno(err, rc, "installing rules") : 0;
	nse_job_refuse(p->job, slot, rc, "%s", why.text);
	p->todo[slot] = NFT_REFUSE;
	p->refused = true;
	return 0;
}

static int build(struct nft_plan *p, struct nft_builder *bd, struct nse_error *err)
{
	uint32_t i = 0, end;
	int rc = 0;

	for (int k = 0; k < 2 * NFT_TYPES; k++) {
		struct nft_key key = { 0 };

		end = i + p->order.count[k / 2][!(k % 2)];
		for (; i < end && rc == 0; i++) {
			nft_order_go(&p->order, p->ctx, i);
			if (k / 2 == NFT_SET || wants(p, p->order.slots[i]))
				rc = build_one(p, bd, p->order.slots[i], &key, err);
		}
	}
	if (rc == 0 && (rc = nft_build_flush(bd)) < 0)
		nse_errno(err, rc, "installing rules");
	return rc;
}

static const char *hint(int code)
{
	switch (code) {
	case -ENOENT:
		return " (the kernel lacks an expression or extension that it uses, or "
		       "what it refers to is not there)";
	case -EOPNOTSUPP:
		return " (the kernel does not support what it uses)";
	case -EPERM:
		return " (a program holds the table, or CAP_NET_ADMIN is missing)";
	case -ENFILE:
		return " (the set is full)";
	default:
		return "";
	}
}

static void on_refused(void *arg, uint32_t slot, int code, const char *text)
{
	struct sending *s = arg;
	struct nse_record rec;
	enum nft_type type;
	bool need;

	if (slot == NFT_SLOT_NONE) {
		s->whole = code;
		snprintf(s->text, sizeof(s->text), "%s", text);
		return;
	}
	if (!s->singly && nse_context_at(s->plan->ctx, slot, &rec) &&
	    nft_kind_of(rec.kind, &type, &need) && type == NFT_ELEMENT)
		s->several = true;
	if (s->plan->todo[slot] == NFT_REFUSE)
		return;
	nft_plan_refuse(s->plan, slot, code, "is refused by the kernel: %s%s%s%s",
			strerror(-code), text[0] ? ": " : "", text, hint(code));
}

/* Before the same is sent once more with other messages. */
static void forget_refusals(struct nft_plan *p)
{
	for (uint32_t i = 0; i < p->order.n; i++) {
		uint32_t slot = p->order.slots[i];

		if (p->todo[slot] != NFT_REFUSE)
			continue;
		nse_job_outcome(p->job, slot, NSE_UNTOUCHED);
		p->todo[slot] = NFT_CREATE;
	}
	p->refused = false;
}

static int send_batch(struct sending *s, struct nft_batch *batch, struct nse_error *err)
{
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	size_t answers = batch->n * (size_t)ANSWER;
	int rc;

	answers = answers < RCVBUF_MAX ? answers : RCVBUF_MAX;
	rc = nse_nl_open(&nl, answers + BUF_SPARE, batch->bytes.len + BUF_SPARE, err);
	return rc ?: nft_batch_send(nl, batch, s->plan->host.genid, on_refused, s, err);
}

static void builder_freep(struct nft_builder **bd)
{
	nft_builder_free(*bd);
}

/* 0: done, or refused (see plan->refused). */
static int send_once(struct sending *s, struct nse_error *err)
{
	NSE_CLEANUP(nft_batch_release) struct nft_batch batch;
	NSE_CLEANUP(builder_freep) struct nft_builder *bd = NULL;
	struct nft_plan *p = s->plan;
	int rc;

	nft_batch_init(&batch);
	rc = nft_builder_new(&bd, &batch);
	if (rc < 0)
		return nse_errno(err, rc, "installing rules");
	if (s->singly)
		nft_builder_singly(bd);
	rc = build(p, bd, err);
	if (rc < 0 || p->refused || (p->job->flags & NSE_JOB_DRY_RUN))
		return rc;
	rc = send_batch(s, &batch, err);
	return rc == -ECANCELED ? 0 : rc;
}

/*
 * A message has many elements, and the kernel does not say which of them it
 * does not like: then they are sent one by one, to be refused once more.
 */
static int send_it(struct nft_plan *p, struct nse_error *err)
{
	struct sending s = { .plan = p };
	int rc = send_once(&s, err);

	if (rc == 0 && s.several) {
		forget_refusals(p);
		s.singly = true;
		rc = send_once(&s, err);
	}
	if (rc == 0 && s.whole && !p->refused)
		rc = nse_errno(err, s.whole,
			       "the kernel takes every object and refuses the ruleset as "
			       "a whole (do chains jump in a circle, or too deep?)%s%s",
			       s.text[0] ? ": " : "", s.text);
	return rc;
}

static void publish_one(struct nft_plan *p, uint32_t slot)
{
	if (p->job->outcome[slot] != NSE_UNTOUCHED)
		return;
	if (p->todo[slot] == NFT_KEEP)
		nse_job_outcome(p->job, slot, NSE_KEPT);
	else if (p->todo[slot] == NFT_CREATE && !p->refused)
		nse_job_outcome(p->job, slot, NSE_CREATED);
}

/* What is only needed is neither made nor kept. */
static void publish(struct nft_plan *p)
{
	for (int type = 0; type < NFT_TYPES; type++) {
		uint32_t i = p->order.first[type][0];

		for (uint32_t end = i + p->order.count[type][0]; i < end; i++)
			publish_one(p, p->order.slots[i]);
	}
}

static int try_once(struct nft_plan *p, struct nse_error *err)
{
	int rc = nft_plan_decide(p, err);

	if (rc < 0 || p->refused)
		return rc;
	rc = send_it(p, err);
	return rc == -ERESTART ? -EAGAIN : rc;
}

int nft_install(struct nse_job *job, struct nse_error *err)
{
	NSE_CLEANUP(nft_plan_release) struct nft_plan p;
	int rc = nft_plan_init(&p, job, err);

	if (rc < 0 || p.order.n == 0)
		return rc;
	if (!job->installed_us)
		job->installed_us = nse_now_us();
	rc = -EAGAIN;
	for (int try = 0; try < NFT_HOST_TRIES && rc == -EAGAIN; try++) {
		if (try)
			nft_host_wait(try);
		rc = try_once(&p, err);
	}
	if (rc == -EAGAIN)
		return nse_error(err, rc,
				 "the nf_tables ruleset of this host changed each of "
				 "%d times that rules were to be put into it; stop what "
				 "changes it, or try again",
				 NFT_HOST_TRIES);
	if (rc == 0)
		publish(&p);
	return rc;
}
