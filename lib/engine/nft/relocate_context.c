/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Relocates the engine's records of a context: elements with the layout of
 * their set at hand, and in the end the digests of rules, since those of
 * anonymous sets may have changed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/engine/nft/digest.h"
#include "lib/engine/nft/object.h"
#include "lib/engine/nft/relocate.h"
#include "lib/util/cleanup.h"

#define MAX_DEEP 64 /* bound chains in bound chains */

/*
 * A set's, chain's or rule's record. A dependency and a part of the domain may
 * have the same key, since their rules are numbered apart: first comes what is
 * as the one that asks, then the other, for an element in a set of others.
 */
static uint32_t find(const struct nse_context *ctx, enum nft_type type, bool need,
		     struct nse_bytes key)
{
	const struct nse_kind *own = &nft_kinds[type], *needed = &nft_need_kinds[type];
	uint32_t slot = nse_context_find(ctx, need ? needed : own, key);

	return slot != NSE_CONTEXT_NONE ? slot
					: nse_context_find(ctx, need ? own : needed, key);
}

/* An element's or rule's key begins with that of its set or chain. */
static struct nse_bytes parent_key(const struct nse_record *rec,
				   const struct nft_key *key)
{
	return (struct nse_bytes){ rec->key.p, 1 + key->table.n + 1 + key->name.n + 1 };
}

/* The set whose elements came last: they come one behind the other. */
struct last_set {
	struct nse_bytes key; /* a view into the context that is read */
	bool need;
	uint32_t slot;
	struct nft_layout layout;
};

static void look_up(const struct nse_context *ctx, struct nse_bytes key, bool need,
		    struct last_set *last)
{
	struct nse_record rec;

	if (last->key.p && last->need == need && nse_bytes_equal(last->key, key))
		return;
	last->key = key;
	last->need = need;
	last->slot = find(ctx, NFT_SET, need, key);
	if (last->slot != NSE_CONTEXT_NONE && nse_context_at(ctx, last->slot, &rec))
		nft_layout_of(nft_body_attrs(NFT_SET, rec.body), &last->layout);
}

struct rewritten {
	struct nse_buf key, body, state;
};

static void rewritten_release(struct rewritten *w)
{
	nse_buf_release(&w->key);
	nse_buf_release(&w->body);
	nse_buf_release(&w->state);
}

static int put(struct nse_context *to, const struct nse_record *rec,
	       const struct nft_key *key, const struct rewritten *w,
	       struct nse_error *err)
{
	const struct nse_record moved = {
		rec->kind,
		{ w->key.data, w->key.len },
		{ w->body.data, w->body.len },
		{ w->state.data, w->state.len },
	};
	size_t before = nse_context_count(to);
	char name[512];
	int rc = nse_context_put(to, &moved, NULL);

	if (rc < 0)
		return nse_errno(err, rc, "storing a relocated record");
	if (nse_context_count(to) != before)
		return 0;
	nft_key_text(key, name, sizeof(name));
	return nse_error(err, -EEXIST,
			 "the mapping makes one of %s and another one; choose other "
			 "names or addresses",
			 name);
}

static int move_all(const struct nse_map *map, const struct nse_context *from,
		    struct nse_context *to, struct nse_error *err)
{
	NSE_CLEANUP(rewritten_release)
	struct rewritten w = {
		NSE_BUF_INIT(NSE_RECORD_MAX),
		NSE_BUF_INIT(NSE_RECORD_MAX),
		NSE_BUF_INIT(NSE_RECORD_MAX),
	};
	struct last_set set = { .slot = NSE_CONTEXT_NONE };
	struct nse_record rec;
	struct nft_key key;
	enum nft_type type;
	bool need;
	int rc = 0;

	for (uint32_t s = 0; s < nse_context_slots(from) && rc == 0; s++) {
		const struct nft_layout *layout = NULL;

		if (!nse_context_at(from, s, &rec) ||
		    !nft_kind_of(rec.kind, &type, &need))
			continue;
		rc = nft_key_decode(&rec, &key, err);
		if (rc < 0)
			return rc;
		if (type == NFT_ELEMENT) {
			look_up(from, parent_key(&rec, &key), need, &set);
			layout = set.slot == NSE_CONTEXT_NONE ? NULL : &set.layout;
		}
		rc = nft_relocate_record(map, &rec, layout, &w.key, &w.body, &w.state,
					 err);
		rc = rc ?: put(to, &rec, &key, &w, err);
	}
	return rc;
}

/* What the digests are made of. */
struct redigest {
	struct nse_context *ctx;
	uint64_t *sums; /* of a set's elements, by its slot */
	struct nse_buf key, body;
};

static int sum_elements(struct redigest *r, bool *any)
{
	struct last_set set = { .slot = NSE_CONTEXT_NONE };
	struct nse_record rec;
	struct nft_key key;
	enum nft_type type;
	bool need;
	int rc;

	*any = false;
	for (uint32_t s = 0; s < nse_context_slots(r->ctx); s++) {
		if (!nse_context_at(r->ctx, s, &rec) ||
		    !nft_kind_of(rec.kind, &type, &need))
			continue;
		rc = nft_key_decode(&rec, &key, NULL);
		if (rc < 0)
			return rc;
		*any |= type != NFT_TABLE && nft_name_is_ours(key.name);
		if (type != NFT_ELEMENT || !nft_name_is_ours(key.name))
			continue;
		look_up(r->ctx, parent_key(&rec, &key), need, &set);
		if (set.slot != NSE_CONTEXT_NONE)
			r->sums[set.slot] +=
				nft_digest_element(key.kind, key.bytes, rec.body);
	}
	return 0;
}

static int fix_rule(struct redigest *r, uint32_t slot, unsigned int deep);

/* The slot of the thing `key` with a name of its rule's own, or of a rule. */
static int slot_of(struct redigest *r, const struct nft_key *key, uint32_t *slot)
{
	int rc;

	nse_buf_reset(&r->key);
	rc = nft_key_encode(key, &r->key);
	*slot = rc < 0 ? NSE_CONTEXT_NONE
		       : find(r->ctx, key->type, key->need,
			      (struct nse_bytes){ r->key.data, r->key.len });
	return rc;
}

static int digest_chain(struct redigest *r, struct nft_key key, uint32_t slot,
			unsigned int deep, uint64_t *digest)
{
	struct nse_record rec;
	int rc = 0;

	nse_context_at(r->ctx, slot, &rec);
	*digest = nft_digest_begin(rec.body);
	key.type = NFT_RULE;
	for (key.rule = 0;; key.rule++) {
		rc = slot_of(r, &key, &slot);
		if (rc < 0 || slot == NSE_CONTEXT_NONE)
			return rc;
		rc = fix_rule(r, slot, deep + 1);
		if (rc < 0)
			return rc;
		nse_context_at(r->ctx, slot, &rec);
		*digest = nft_digest_rule(*digest, rec.body);
	}
}

/* The digest of what the rule of this key has; 0: nothing that is here. */
static int digest_rule(struct redigest *r, const struct nft_key *rule, unsigned int deep,
		       uint64_t *digest)
{
	char name[NFT_NAME_MAX];
	struct nse_record rec;
	uint32_t slot;
	int rc = 0;

	*digest = 0;
	for (uint32_t k = 0; rc == 0; k++) {
		struct nft_key key = *rule;
		uint64_t d = 0;

		rc = nft_name_make(name, rule->name, rule->rule, k);
		if (rc < 0)
			return rc;
		key.name = (struct nse_bytes){ (const uint8_t *)name, strlen(name) };
		key.type = NFT_SET;
		rc = slot_of(r, &key, &slot);
		if (rc == 0 && slot != NSE_CONTEXT_NONE) {
			nse_context_at(r->ctx, slot, &rec);
			d = nft_digest_begin(rec.body) + r->sums[slot];
		} else if (rc == 0) {
			key.type = NFT_CHAIN;
			rc = slot_of(r, &key, &slot);
			if (rc < 0 || slot == NSE_CONTEXT_NONE)
				return rc;
			rc = digest_chain(r, key, slot, deep, &d);
		}
		*digest = nft_digest_name(*digest, d);
	}
	return rc;
}

static int fix_rule(struct redigest *r, uint32_t slot, unsigned int deep)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf bytes = NSE_BUF_INIT(NSE_RECORD_MAX);
	struct nse_record rec;
	struct nft_key key;
	uint64_t digest = 0;
	int rc;

	if (deep == MAX_DEEP || !nse_context_at(r->ctx, slot, &rec))
		return -EMSGSIZE;
	if (rec.body.n < NFT_RULE_HEAD || nft_rule_digest(rec.body) == 0)
		return 0;
	/* Digesting a bound chain puts records, which moves the bytes of this one. */
	rc = nse_buf_put(&bytes, rec.key.p, rec.key.n);
	rec.key.p = bytes.data;
	rc = rc ?: nft_key_decode(&rec, &key, NULL);
	rc = rc ?: digest_rule(r, &key, deep, &digest);
	if (rc < 0 || digest == 0 || !nse_context_at(r->ctx, slot, &rec) ||
	    digest == nft_rule_digest(rec.body))
		return rc;
	nse_buf_reset(&r->body);
	rc = nse_buf_put(&r->body, rec.body.p, rec.body.n);
	if (rc < 0)
		return rc;
	nse_st64(r->body.data + NFT_HEAD, digest);
	rec.body.p = r->body.data;
	return nse_context_put(r->ctx, &rec, NULL);
}

static void redigest_release(struct redigest *r)
{
	free(r->sums);
	nse_buf_release(&r->key);
	nse_buf_release(&r->body);
}

/* Makes the digests of all rules anew, from the records in the context. */
static int redigest(struct nse_context *ctx, struct nse_error *err)
{
	uint32_t slots = nse_context_slots(ctx);
	NSE_CLEANUP(redigest_release)
	struct redigest r = {
		.ctx = ctx,
		.sums = calloc(slots ? slots : 1, sizeof(*r.sums)),
		.key = NSE_BUF_INIT(NSE_RECORD_MAX),
		.body = NSE_BUF_INIT(NSE_RECORD_MAX),
	};
	struct nse_record rec;
	enum nft_type type;
	bool need, any = false;
	int rc = r.sums ? sum_elements(&r, &any) : -ENOMEM;

	for (uint32_t s = 0; any && s < slots && rc == 0; s++)
		if (nse_context_at(ctx, s, &rec) && nft_kind_of(rec.kind, &type, &need) &&
		    type == NFT_RULE)
			rc = fix_rule(&r, s, 0);
	return rc < 0 ? nse_errno(err, rc, "the digests of relocated rules") : 0;
}

int nft_relocate_context(const struct nse_map *map, const struct nse_context *from,
			 struct nse_context *to, struct nse_error *err)
{
	int rc = move_all(map, from, to, err);

	return rc < 0 ? rc : redigest(to, err);
}
