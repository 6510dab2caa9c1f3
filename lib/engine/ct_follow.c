/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Listening for what happens to entries, and finding out which of them tell.
 *
 * The kernel decides at an entry's creation whether it will ever tell: with
 * nf_conntrack_events=2 only if somebody listens at that moment. Nothing shows it
 * afterwards, so each entry gets an update that changes nothing: those that tell
 * are heard. These events carry our port id and are not taken for news.
 */
#include "lib/engine/ct_follow.h"

#include <errno.h>

#include <linux/netfilter/nfnetlink.h>

#include "lib/engine/ct_dump.h"
#include "lib/engine/ct_host.h"
#include "lib/engine/ct_row.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"

#define RCVBUF	  (64u << 20) /* holds 105,000 events */
#define TAKE_MAX  (1u << 18)  /* events in one go: more than that buffer holds */
#define DIRTY_MAX (1u << 22)  /* keys; with more, collecting anew is cheaper */
#define DUMP_FROM 2000	      /* silent entries, below which no dump pays */

/* Puts a key alone into a set of keys. */
static int put_key(struct nse_context *set, struct nse_bytes key)
{
	const struct nse_record rec = { .kind = &ct_kind, .key = key };

	return nse_context_put(set, &rec, NULL);
}

static int on_event(const struct nlmsghdr *nlh, void *arg)
{
	struct ct_follow *f = arg;
	uint8_t bytes[CT_KEY_V6];
	struct nse_bytes key = { bytes, 0 };
	uint32_t slot;

	if (NFNL_SUBSYS_ID(nlh->nlmsg_type) != NFNL_SUBSYS_CTNETLINK ||
	    ct_msg_parse_key(nlh, &f->e) < 0 || !ct_in_scope(f->scope, &f->e))
		return 0;
	key.n = ct_row_key(&f->e, bytes);
	if (f->heard) {
		slot = nse_context_find(f->asked, &ct_kind, key);
		if (slot != NSE_CONTEXT_NONE)
			f->heard[slot] = 1;
	}
	if (nlh->nlmsg_pid == nse_nl_portid(f->batch.nl))
		return 0;
	f->events++;
	nse_context_del(f->silent, &ct_kind, key);
	if (nse_context_count(f->dirty) >= DIRTY_MAX) {
		f->lost = true;
		return 0;
	}
	return put_key(f->dirty, key);
}

/* Takes all events that are there now; lost ones are noted. */
static int listen_now(struct ct_follow *f, struct nse_error *err)
{
	int rc = 1;

	for (unsigned int i = 0; i < TAKE_MAX && rc > 0; i++) {
		rc = nse_nl_take(f->nl, on_event, f);
		if (rc == -ENOBUFS) {
			f->lost = true;
			rc = 1;
		}
	}
	return rc < 0 ? nse_errno(err, rc, "listening for conntrack events") : 0;
}

static void close_follow(void *state)
{
	struct ct_follow *f = state;

	if (!f)
		return;
	nse_nl_close(f->nl);
	ct_batch_release(&f->batch);
	nse_context_free(f->dirty);
	nse_context_free(f->silent);
	free(f);
}

static void close_followp(struct ct_follow **f)
{
	close_follow(*f);
}

static int join(struct nse_nl *nl, struct nse_error *err)
{
	static const unsigned int groups[] = {
		NFNLGRP_CONNTRACK_NEW,
		NFNLGRP_CONNTRACK_UPDATE,
		NFNLGRP_CONNTRACK_DESTROY,
	};
	int rc = 0;

	for (size_t i = 0; i < NSE_ARRAY_SIZE(groups) && rc == 0; i++)
		rc = nse_nl_join(nl, groups[i], err);
	if (rc == -EPERM)
		return nse_error(err, rc,
				 "following the conntrack table needs CAP_NET_ADMIN: "
				 "run as root");
	return rc;
}

int ct_follow_open(const struct nse_scope *scope, size_t rcvbuf, void **state,
		   struct nse_error *err)
{
	NSE_CLEANUP(close_followp) struct ct_follow *f = calloc(1, sizeof(*f));
	int rc;

	if (!f)
		return nse_errno(err, -ENOMEM, "following conntrack entries");
	f->scope = scope;
	f->opened_us = nse_now_us();
	f->dirty = nse_context_new();
	f->silent = nse_context_new();
	if (!f->dirty || !f->silent)
		return nse_errno(err, -ENOMEM, "following conntrack entries");
	/* Its answers are of no use before it is asked something. */
	rc = ct_batch_init(&f->batch, NULL, NULL, err);
	rc = rc ?: nse_nl_open(&f->nl, rcvbuf, 0, err);
	rc = rc ?: join(f->nl, err);
	if (rc == 0)
		*state = nse_take(f);
	return rc;
}

static int open_follow(const struct nse_scope *scope, void **state, struct nse_error *err)
{
	return ct_follow_open(scope, RCVBUF, state, err);
}

struct touch {
	struct ct_follow *f;
	int rc;
};

/* Success says nothing: whether the entry tells is heard, or not. */
static void on_touched(void *arg, uint32_t slot, int code, const char *text,
		       const struct ct_entry *live)
{
	struct touch *t = arg;
	struct nse_record rec;
	int rc = code;

	(void)text;
	(void)live;
	if (code == -ENOENT) {
		/* It has ended, and it will be asked for. */
		t->f->heard[slot] = 1;
		nse_context_at(t->f->asked, slot, &rec);
		rc = put_key(t->f->dirty, rec.key);
	}
	if ((rc == -EPERM || rc == -ENOMEM || rc == -E2BIG) && t->rc == 0)
		t->rc = rc;
}

static int touch(struct ct_follow *f, uint32_t slot, struct nse_error *err)
{
	struct nse_record rec;
	struct ct_entry e;
	int rc;

	if (!nse_context_at(f->asked, slot, &rec) || !ct_row_is(&rec) ||
	    ct_row_decode_key(rec.key, &e) < 0)
		return 0;
	rc = ct_batch_add(&f->batch, slot, ct_msg_touch(ct_batch_room(&f->batch), &e),
			  err);
	/* After each batch, so that our own events never fill the buffer. */
	if (rc == 0 && f->batch.n == 0)
		rc = listen_now(f, err);
	return rc;
}

static int touch_all(struct ct_follow *f, struct nse_error *err)
{
	struct touch t = { .f = f };
	int rc = listen_now(f, err);

	f->batch.answer = on_touched;
	f->batch.arg = &t;
	for (uint32_t s = 0; s < nse_context_slots(f->asked) && rc == 0; s++)
		rc = touch(f, s, err) ?: t.rc;
	rc = rc ?: ct_batch_flush(&f->batch, err) ?: t.rc;
	if (t.rc < 0)
		nse_errno(err, t.rc,
			  "finding out which conntrack entries tell of changes");
	return rc ?: listen_now(f, err);
}

static int find_silent(struct ct_follow *f, const struct nse_context *ctx,
		       const uint8_t *heard, struct nse_error *err)
{
	struct nse_record rec;
	int rc = 0;

	nse_context_free(f->silent);
	f->next = 0;
	f->silent = nse_context_new();
	if (!f->silent)
		rc = -ENOMEM;
	for (uint32_t s = 0; rc == 0 && s < nse_context_slots(ctx); s++)
		if (!heard[s] && nse_context_at(ctx, s, &rec) && ct_row_is(&rec))
			rc = put_key(f->silent, rec.key);
	return rc < 0 ? nse_errno(err, rc, "following conntrack entries") : 0;
}

static int begin(void *state, const struct nse_context *ctx, struct nse_error *err)
{
	struct ct_follow *f = state;
	NSE_FREE uint8_t *heard = calloc(nse_context_slots(ctx) + 1, 1);
	int rc = 0;

	if (!heard)
		return nse_errno(err, -ENOMEM, "following conntrack entries");
	f->deaf = ct_host_sysctl("events") <= 0;
	if (!f->deaf && !f->quiet) {
		f->asked = ctx;
		f->heard = heard;
		rc = touch_all(f, err);
		f->asked = NULL;
		f->heard = NULL;
	}
	rc = rc ?: find_silent(f, ctx, heard, err);
	f->dump_us = 0;
	if (rc == 0 && !f->deaf && nse_context_count(f->silent) >= DUMP_FROM)
		f->dump_us = ct_follow_time_dump(f, ctx);
	return rc;
}

/* Is a dump the better way to see all there is, now that nothing changes? */
static bool dump_pays(const struct ct_follow *f, int64_t budget_us)
{
	size_t n = nse_context_count(f->silent) + nse_context_count(f->dirty);

	/* Who is not told of new entries finds them in no other way. */
	if (f->deaf)
		return true;
	return f->dump_us && f->dump_us < ct_follow_cost(f, n) &&
	       (budget_us <= 0 || f->dump_us <= budget_us);
}

static int look(struct ct_follow *f, const struct nse_context *ctx, int64_t budget_us,
		struct nse_delta *d, struct nse_follow_stats *stats,
		struct nse_error *err)
{
	uint64_t silent, looked = 0;
	int64_t until;
	int rc = ct_follow_look_dirty(f, ctx, d, err);

	if (rc < 0)
		return rc;
	silent = nse_context_count(f->silent);
	until = budget_us > 0 ? nse_now_us() + budget_us : NSE_FOREVER;
	rc = ct_follow_look_silent(f, ctx, until, d, &looked, err);
	stats->checked += looked;
	stats->left += silent - looked;
	return rc;
}

static int dump(struct ct_follow *f, const struct nse_context *ctx, struct nse_delta *d,
		struct nse_follow_stats *stats, struct nse_error *err)
{
	stats->checked += nse_context_count(f->silent);
	return ct_follow_dump(f, ctx, d, err);
}

static int forget_dirty(struct ct_follow *f, struct nse_error *err)
{
	struct nse_context *empty;

	if (nse_context_slots(f->dirty) == 0)
		return 0;
	empty = nse_context_new();
	if (!empty)
		return nse_errno(err, -ENOMEM, "following conntrack entries");
	nse_context_free(f->dirty);
	f->dirty = empty;
	return 0;
}

static int changes(void *state, const struct nse_context *ctx, bool last,
		   int64_t budget_us, struct nse_delta *d, struct nse_follow_stats *stats,
		   struct nse_error *err)
{
	struct ct_follow *f = state;
	int rc = listen_now(f, err);

	stats->events += f->events;
	f->events = 0;
	if (rc < 0)
		return rc;
	if (f->lost) {
		f->lost = false;
		return -ENOBUFS;
	}
	/* Somebody may have switched them off meanwhile. */
	f->deaf = f->deaf || ct_host_sysctl("events") <= 0;
	if (last && dump_pays(f, budget_us))
		rc = dump(f, ctx, d, stats, err);
	else
		rc = look(f, ctx, budget_us, d, stats, err);
	stats->silent += nse_context_count(f->silent);
	return rc ?: forget_dirty(f, err);
}

static int follow_fd(const void *state)
{
	const struct ct_follow *f = state;

	return nse_nl_fd(f->nl);
}

static void be_quiet(void *state)
{
	struct ct_follow *f = state;

	f->quiet = true;
}

const struct nse_follow_ops ct_follow_ops = {
	.open = open_follow,
	.close = close_follow,
	.fd = follow_fd,
	.quiet = be_quiet,
	.begin = begin,
	.changes = changes,
};
