/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records of nodes and elements: their keys, the names in them, and the digests
 * of rules.
 */
#include "lib/engine/nft/encode.h"

#include <errno.h>
#include <stdlib.h>

#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/digest.h"
#include "lib/engine/nft/encode_body.h"

#define MAX_DEEP 64 /* bound chains in bound chains; the kernel's own limit is 16 */

int nft_encoder_init(struct nft_encoder *enc, const struct nft_ruleset *rs,
		     const struct nft_numbering *as)
{
	*enc = (struct nft_encoder){
		.rs = rs,
		.key = NSE_BUF_INIT(NSE_RECORD_MAX),
		.body = NSE_BUF_INIT(NSE_RECORD_MAX),
		.state = NSE_BUF_INIT(NSE_RECORD_MAX),
		.kept = NSE_BUF_INIT(NSE_RECORD_MAX),
		.digested = NSE_BUF_INIT(NSE_RECORD_MAX),
		.prefix_of = NFT_NODE_NONE,
	};
	if (as)
		enc->as = *as;
	enc->digests = calloc(rs->n ? rs->n : 1, sizeof(*enc->digests));
	return enc->digests ? 0 : -ENOMEM;
}

void nft_encoder_release(struct nft_encoder *enc)
{
	free(enc->digests);
	enc->digests = NULL;
	nse_buf_release(&enc->key);
	nse_buf_release(&enc->body);
	nse_buf_release(&enc->state);
	nse_buf_release(&enc->kept);
	nse_buf_release(&enc->digested);
}

static uint32_t number_of(const struct nft_encoder *enc, uint32_t node)
{
	return enc->as.number ? enc->as.number[node] : enc->rs->nodes[node].number;
}

/* Puts the number by which something stands among its like into the state. */
static int put_order(struct nse_buf *state, uint32_t number)
{
	size_t at;
	int rc = state->len ? 0 : nse_buf_put_u8(state, 0);

	rc = rc ?: nse_buf_put_u32(state, 0);
	if (rc < 0)
		return rc;
	at = state->data[0] & NFT_STATE_EXPIRES ? 9 : 1;
	memmove(state->data + at + 4, state->data + at, state->len - at - 4);
	nse_st32(state->data + at, number);
	state->data[0] |= NFT_STATE_ORDER;
	return 0;
}

static int name_at(struct nft_encoder *enc, uint32_t node, unsigned int deep, char *to,
		   struct nse_bytes *name)
{
	const struct nft_node *n = &enc->rs->nodes[node];
	char chain[NFT_NAME_MAX];
	struct nse_bytes of;
	int rc;

	if (!nft_node_is_owned(n)) {
		*name = n->name;
		return nft_name_is_ours(n->name) ? -EPROTO : 0;
	}
	if (deep == MAX_DEEP)
		return -EMSGSIZE;
	rc = name_at(enc, enc->rs->nodes[n->owner].chain, deep + 1, chain, &of)
		     ?: nft_name_make(to, of, number_of(enc, n->owner), n->owner_k);
	if (rc == 0)
		*name = (struct nse_bytes){ (const uint8_t *)to, strlen(to) };
	return rc;
}

static int encode_name(struct nft_encoder *enc, uint32_t node, char *to,
		       struct nse_bytes *name)
{
	return name_at(enc, node, 0, to, name);
}

static inline struct nse_bytes digested(const struct nft_encoder *enc)
{
	return (struct nse_bytes){ enc->digested.data, enc->digested.len };
}

/* The key's bytes, as long as they were, and behind them the body. */
static uint64_t digest_element(const struct nft_element *e, struct nse_bytes both)
{
	struct nse_bytes key = { both.p, e->bytes.n };
	struct nse_bytes body = { both.p + key.n, both.n - key.n };

	return nft_digest_element(e->kind, key, body);
}

static int digest_set(struct nft_encoder *enc, uint32_t set, uint64_t *digest)
{
	const struct nft_node *n = &enc->rs->nodes[set];
	int rc;

	if (!n->loaded)
		return -EPROTO;
	nse_buf_reset(&enc->digested);
	rc = nft_body_of_node(enc, set, 0, 0, &enc->digested, NULL);
	*digest = nft_digest_begin(digested(enc));
	for (uint32_t i = 0; i < n->nelements && rc == 0; i++) {
		const struct nft_element *e = &n->elements[i];

		nse_buf_reset(&enc->digested);
		rc = nft_body_of_element(enc, set, e, &enc->digested, &enc->digested,
					 NULL);
		if (rc == 0)
			*digest += digest_element(e, digested(enc));
	}
	return rc;
}

static int digest_rule(struct nft_encoder *enc, uint32_t rule, unsigned int deep,
		       uint64_t *digest);

static int digest_chain(struct nft_encoder *enc, uint32_t chain, unsigned int deep,
			uint64_t *digest)
{
	const struct nft_node *n = &enc->rs->nodes[chain];
	int rc;

	nse_buf_reset(&enc->digested);
	rc = nft_body_of_node(enc, chain, 0, 0, &enc->digested, NULL);
	*digest = nft_digest_begin(digested(enc));
	for (uint32_t i = 0; i < n->nrules && rc == 0; i++) {
		uint32_t rule = n->first_rule + i;
		uint64_t d;

		rc = digest_rule(enc, rule, deep + 1, &d);
		nse_buf_reset(&enc->digested);
		rc = rc
			     ?: nft_body_of_node(enc, rule, d, NFT_PLACE_NONE,
						 &enc->digested, NULL);
		*digest = nft_digest_rule(*digest, digested(enc));
	}
	return rc;
}

static int digest_rule(struct nft_encoder *enc, uint32_t rule, unsigned int deep,
		       uint64_t *digest)
{
	const struct nft_node *n = &enc->rs->nodes[rule];
	uint64_t sum = 0, d;
	uint32_t k = 0;
	int rc = 0;

	*digest = enc->digests[rule];
	if (*digest || n->nrefs == 0)
		return 0;
	if (deep == MAX_DEEP)
		return -EMSGSIZE;
	for (uint32_t i = 0; i < n->nrefs && rc == 0; i++) {
		uint32_t to = enc->rs->refs[n->first_ref + i].to;
		const struct nft_node *named = &enc->rs->nodes[to];

		/* Each counts once, whatever number of times it is named. */
		if (named->owner != rule || named->owner_k != k)
			continue;
		k++;
		rc = named->type == NFT_SET ? digest_set(enc, to, &d)
					    : digest_chain(enc, to, deep, &d);
		sum = rc ? sum : nft_digest_name(sum, d);
	}
	if (rc == 0)
		*digest = enc->digests[rule] = sum;
	return rc;
}

/* The key of a node, or of an element of a set that has no bytes yet. */
static int put_key(struct nft_encoder *enc, uint32_t node, enum nft_type type,
		   struct nse_error *err)
{
	const struct nft_node *n = &enc->rs->nodes[node];
	struct nft_key key = {
		.type = type,
		.family = n->family,
		.table = enc->rs->nodes[n->table].name,
		.objtype = n->objtype,
	};
	char name[NFT_NAME_MAX];
	int rc = 0;

	if (n->type == NFT_RULE) {
		key.rule = number_of(enc, node);
		rc = encode_name(enc, n->chain, name, &key.name);
	} else if (n->type == NFT_CHAIN || n->type == NFT_SET) {
		rc = encode_name(enc, node, name, &key.name);
	} else if (n->type != NFT_TABLE) {
		key.name = n->name;
	}
	nse_buf_reset(&enc->key);
	enc->prefix_of = NFT_NODE_NONE;
	if (rc == -EPROTO)
		return nse_error(err, rc,
				 "table %s %.*s: the name '%.*s' begins with '@', which "
				 "a record cannot have; rename it",
				 nft_family_name(n->family), (int)key.table.n,
				 key.table.p, (int)key.name.n, key.name.p);
	rc = rc ?: nft_key_encode(&key, &enc->key);
	if (rc < 0)
		return nse_errno(err, rc, "table %s %.*s: a name that is too long",
				 nft_family_name(n->family), (int)key.table.n,
				 key.table.p);
	return 0;
}

/* Why the object of enc->key has no record. */
static int refuse(struct nft_encoder *enc, enum nft_type type, int rc,
		  struct nse_error *err)
{
	struct nse_record rec = { .kind = &nft_kinds[type],
				  .key = { enc->key.data, enc->key.len } };
	struct nft_key key;
	char text[512];

	if (nft_key_decode(&rec, &key, NULL) < 0)
		return nse_errno(err, rc, "an object of nf_tables");
	nft_key_text(&key, text, sizeof(text));
	if (rc == -EMSGSIZE)
		return nse_error(err, rc, "%s is larger than a record can be (%u bytes)",
				 text, NSE_RECORD_MAX);
	return nse_errno(err, rc, "%s: what the kernel tells of it", text);
}

static void view(struct nft_encoder *enc, enum nft_type type, bool need,
		 struct nse_record *rec)
{
	*rec = (struct nse_record){
		.kind = need ? &nft_need_kinds[type] : &nft_kinds[type],
		.key = { enc->key.data, enc->key.len },
		.body = { enc->body.data, enc->body.len },
		.state = { enc->state.data, enc->state.len },
	};
}

int nft_encode_node(struct nft_encoder *enc, uint32_t node, bool need,
		    struct nse_record *rec, struct nse_error *err)
{
	const struct nft_node *n = &enc->rs->nodes[node];
	uint32_t place = NFT_PLACE_NONE;
	uint64_t digest = 0;
	int rc;

	rc = put_key(enc, node, n->type, err);
	if (rc < 0)
		return rc;
	nse_buf_reset(&enc->body);
	nse_buf_reset(&enc->state);
	if (n->type == NFT_RULE)
		rc = digest_rule(enc, node, 0, &digest);
	if (n->type == NFT_RULE && enc->as.place && !need)
		place = enc->as.place[node];
	rc = rc
		     ?: nft_body_of_node(enc, node, digest, place, &enc->body,
					 need ? NULL : &enc->state);
	if (rc == 0 && !need && n->type != NFT_RULE && !nft_node_is_owned(n))
		rc = put_order(&enc->state, number_of(enc, node));
	if (rc < 0)
		return refuse(enc, n->type, rc, err);
	view(enc, n->type, need, rec);
	return 0;
}

/* In other sets the kernel has its own order. */
static bool has_order(const struct nft_node *set)
{
	uint32_t both = NFT_SET_INTERVAL | NFT_SET_CONCAT;

	return (set->flags & both) == both;
}

int nft_encode_element(struct nft_encoder *enc, uint32_t set, const struct nft_element *e,
		       bool need, struct nse_record *rec, struct nse_error *err)
{
	int rc = 0;

	if (enc->prefix_of != set) {
		rc = put_key(enc, set, NFT_ELEMENT, err);
		if (rc < 0)
			return rc;
		enc->prefix_of = set;
		enc->prefix = enc->key.len - 1; /* without the kind */
		enc->next = 0;
	}
	enc->key.len = enc->prefix;
	nse_buf_reset(&enc->body);
	nse_buf_reset(&enc->state);
	rc = nft_body_of_element(enc, set, e, &enc->key, &enc->body,
				 need ? NULL : &enc->state);
	rc = rc ?: nse_buf_put_u8(&enc->key, e->kind);
	if (rc == 0 && !need && has_order(&enc->rs->nodes[set]))
		rc = put_order(&enc->state, enc->next++);
	if (rc < 0)
		return refuse(enc, NFT_ELEMENT, rc, err);
	view(enc, NFT_ELEMENT, need, rec);
	return 0;
}
