/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Asking what has become of entries: of those that events have named, of those
 * that tell nothing, or of all by a dump. Whatever happened in whatever order, what
 * the kernel has now is the truth, and the difference to the context is the delta.
 */
#include "lib/engine/ct_follow.h"

#include <errno.h>

#include "lib/engine/ct_dump.h"
#include "lib/engine/ct_row.h"
#include "lib/util/buf.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"

#define TRIES	6    /* of a batch whose answers get lost */
#define LOOK_NS 3500 /* a guess, until it is known from here */

/*
 * Does the state tell of more than that time has passed? The rest of it is not
 * worth a message: the remaining time goes down by itself at the other end too.
 */
static bool state_moved(const struct ct_follow *f, struct nse_bytes before,
			struct nse_bytes now)
{
	int64_t age = (nse_now_us() - f->opened_us) / 1000000 + 1;
	uint32_t had, has;

	if (before.n != now.n || now.n < 4 ||
	    memcmp(before.p + 4, now.p + 4, now.n - 4) != 0)
		return true;
	had = nse_ld32(before.p);
	has = nse_ld32(now.p);
	return has > had || had - has > age;
}

/* The entry lives: appends it unless ctx knows it so. */
static int lives(const struct ct_follow *f, const struct nse_context *ctx, uint32_t slot,
		 const struct nse_record *rec, struct nse_delta *d)
{
	struct nse_record before;

	if (slot != NSE_CONTEXT_NONE && nse_context_at(ctx, slot, &before) &&
	    nse_bytes_equal(before.body, rec->body) &&
	    !state_moved(f, before.state, rec->state))
		return 0;
	return nse_delta_put(d, rec);
}

/* The entry is gone. The key may be a view of f->silent, and is void afterwards. */
static int gone(struct ct_follow *f, const struct nse_context *ctx, struct nse_bytes key,
		struct nse_delta *d)
{
	int rc = 0;

	if (nse_context_find(ctx, &ct_kind, key) != NSE_CONTEXT_NONE)
		rc = nse_delta_del(d, &ct_kind, key);
	nse_context_del(f->silent, &ct_kind, key);
	return rc;
}

struct look {
	struct ct_follow *f;
	const struct nse_context *ctx;
	const struct nse_context *keys; /* whose slots are asked for */
	struct nse_delta *d;
	struct nse_error *err;
	uint32_t slots[CT_BATCH]; /* to be asked for */
	uint32_t n;
	int rc; /* of the callback */
};

/*
 * What is found may be another entry: one whose reply direction has that tuple, or
 * one that differs in a zone. Then ours is gone, and the other has its own news.
 */
static void on_look(void *arg, uint32_t slot, int code, const char *text,
		    const struct ct_entry *live)
{
	struct look *l = arg;
	struct nse_record key;
	struct ct_row row;
	int rc;

	if (code == -ENOBUFS || (!live && code == 0)) {
		l->slots[l->n++] = slot; /* the answer got lost: once more */
		return;
	}
	if (l->rc < 0)
		return;
	if (!live && code != -ENOENT) {
		l->rc = nse_errno(l->err, code, "the kernel on a conntrack entry%s%s",
				  text[0] ? ": " : "", text);
		return;
	}
	nse_context_at(l->keys, slot, &key);
	if (live)
		ct_row_encode(live, &row);
	if (live && nse_bytes_equal(row.rec.key, key.key) &&
	    ct_in_scope(l->f->scope, live))
		rc = lives(l->f, l->ctx, nse_context_find(l->ctx, &ct_kind, key.key),
			   &row.rec, l->d);
	else
		rc = gone(l->f, l->ctx, key.key, l->d);
	if (rc < 0)
		l->rc = nse_errno(l->err, rc, "following conntrack entries");
}

static int ask_once(struct look *l)
{
	struct ct_batch *b = &l->f->batch;
	uint32_t slots[CT_BATCH], n = l->n;
	struct nse_record rec;
	struct ct_entry e;
	int rc = 0;

	memcpy(slots, l->slots, sizeof(slots));
	l->n = 0;
	for (uint32_t i = 0; i < n && rc == 0; i++) {
		nse_context_at(l->keys, slots[i], &rec);
		if (ct_row_decode_key(rec.key, &e) < 0)
			return nse_error(l->err, -EBADMSG,
					 "a conntrack event names no entry");
		rc = ct_batch_add(b, slots[i],
				  ct_msg_get(ct_batch_room(b), &e, &e.orig, false),
				  l->err);
	}
	return rc ?: ct_batch_flush(b, l->err) ?: l->rc;
}

/*
 * Asks for what is in l->slots. Answers that get lost again and again are as bad as
 * lost events: -ENOBUFS.
 */
static int ask(struct look *l)
{
	struct ct_follow *f = l->f;
	int64_t since = nse_now_us();
	uint32_t n = l->n;
	int rc = 0;

	f->batch.answer = on_look;
	f->batch.arg = l;
	for (int i = 0; i < TRIES && l->n && rc == 0; i++)
		rc = ask_once(l);
	f->look_us += nse_now_us() - since;
	f->looks += n;
	return rc < 0 ? rc : l->n ? -ENOBUFS : 0;
}

int64_t ct_follow_cost(const struct ct_follow *f, size_t n)
{
	if (f->looks < CT_BATCH)
		return (int64_t)n * LOOK_NS / 1000;
	return (int64_t)((double)n * (double)f->look_us / (double)f->looks);
}

int ct_follow_look_dirty(struct ct_follow *f, const struct nse_context *ctx,
			 struct nse_delta *d, struct nse_error *err)
{
	struct look l = { .f = f, .ctx = ctx, .keys = f->dirty, .d = d, .err = err };
	uint32_t slots = nse_context_slots(f->dirty);
	struct nse_record key;
	int rc = 0;

	for (uint32_t s = 0; s < slots && rc == 0; s++) {
		if (nse_context_at(f->dirty, s, &key))
			l.slots[l.n++] = s;
		if (l.n == CT_BATCH)
			rc = ask(&l);
	}
	return rc ?: ask(&l);
}

int ct_follow_look_silent(struct ct_follow *f, const struct nse_context *ctx,
			  int64_t until_us, struct nse_delta *d, uint64_t *looked,
			  struct nse_error *err)
{
	struct look l = { .f = f, .ctx = ctx, .keys = f->silent, .d = d, .err = err };
	uint32_t slots = nse_context_slots(f->silent);
	struct nse_record key;
	int rc = 0;

	for (uint32_t i = 0; i < slots && rc == 0; i++) {
		if (f->next >= slots)
			f->next = 0;
		if (nse_context_at(f->silent, f->next, &key)) {
			l.slots[l.n++] = f->next;
			(*looked)++;
		}
		f->next++;
		if (l.n < CT_BATCH)
			continue;
		rc = ask(&l);
		if (nse_now_us() >= until_us)
			break;
	}
	return rc ?: ask(&l);
}

struct dumped {
	struct ct_follow *f;
	const struct nse_context *ctx;
	struct nse_delta *d; /* NULL: it is only measured */
	uint8_t *seen;	     /* by slot of ctx; owned */
};

static int on_entry(void *arg, const struct ct_entry *e)
{
	struct dumped *u = arg;
	struct ct_row row;
	uint32_t slot;

	ct_row_encode(e, &row);
	slot = nse_context_find(u->ctx, &ct_kind, row.rec.key);
	if (slot != NSE_CONTEXT_NONE)
		u->seen[slot] = 1;
	return u->d ? lives(u->f, u->ctx, slot, &row.rec, u->d) : 0;
}

static int on_reset(void *arg)
{
	struct dumped *u = arg;

	memset(u->seen, 0, nse_context_slots(u->ctx));
	if (u->d)
		nse_context_del_engine(u->d->puts, ct_kind.engine);
	return 0;
}

int ct_follow_dump(struct ct_follow *f, const struct nse_context *ctx,
		   struct nse_delta *d, struct nse_error *err)
{
	NSE_FREE uint8_t *seen = calloc(nse_context_slots(ctx) + 1, 1);
	struct dumped u = { f, ctx, d, seen };
	struct ct_dump_to to = { on_entry, on_reset, &u };
	struct nse_record rec;
	int rc;

	if (!seen)
		return nse_errno(err, -ENOMEM, "following conntrack entries");
	rc = ct_dump(f->scope, &to, err);
	for (uint32_t s = 0; s < nse_context_slots(ctx) && rc == 0; s++)
		if (!seen[s] && nse_context_at(ctx, s, &rec) && ct_row_is(&rec))
			rc = gone(f, ctx, rec.key, d);
	return rc;
}

int64_t ct_follow_time_dump(const struct ct_follow *f, const struct nse_context *ctx)
{
	NSE_FREE uint8_t *seen = calloc(nse_context_slots(ctx) + 1, 1);
	struct dumped u = { NULL, ctx, NULL, seen };
	struct ct_dump_to to = { on_entry, on_reset, &u };
	int64_t since = nse_now_us(), took;

	if (!seen || ct_dump(f->scope, &to, NULL) < 0)
		return 0;
	took = nse_now_us() - since;
	return took > 0 ? took : 1;
}
