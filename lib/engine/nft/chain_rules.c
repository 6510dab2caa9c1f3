/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A chain's rules in a hash by content. Equal ones are found in the order in
 * which they stand in the chain.
 */
#include "lib/engine/nft/chain_rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define PLACE_AT   9 /* in the head of a rule's body */
#define BODIES_MAX (1u << 31)
#define NONE	   UINT32_MAX

bool nft_rule_alike(struct nse_bytes a, struct nse_bytes b)
{
	return a.n == b.n && a.n >= NFT_RULE_HEAD && memcmp(a.p, b.p, PLACE_AT) == 0 &&
	       memcmp(a.p + NFT_RULE_HEAD, b.p + NFT_RULE_HEAD, a.n - NFT_RULE_HEAD) == 0;
}

static uint64_t hash_of(struct nse_bytes body)
{
	uint64_t head;

	if (body.n < NFT_RULE_HEAD)
		return 0;
	head = XXH3_64bits(body.p, PLACE_AT);
	return XXH3_64bits_withSeed(body.p + NFT_RULE_HEAD, body.n - NFT_RULE_HEAD, head);
}

struct nse_bytes nft_chain_rules_body(const struct nft_chain_rules *c, uint32_t i)
{
	return (struct nse_bytes){ c->bodies.data + c->rules[i].at, c->rules[i].n };
}

static int read_rule(struct nft_chain_rules *c, struct nft_encoder *enc, uint32_t i,
		     struct nse_error *err)
{
	struct nft_chain_rule *r = &c->rules[i];
	struct nse_record rec;
	int rc = nft_encode_node(enc, c->first + i, true, &rec, err);

	if (rc < 0)
		return rc;
	r->at = (uint32_t)c->bodies.len;
	r->n = (uint32_t)rec.body.n;
	r->hash = hash_of(rec.body);
	return nse_buf_put(&c->bodies, rec.body.p, rec.body.n);
}

/* From the last to the first, so that the first stands first in its bucket. */
static void fill_buckets(struct nft_chain_rules *c)
{
	memset(c->buckets, 0xff, ((size_t)c->mask + 1) * sizeof(*c->buckets));
	for (uint32_t i = c->n; i-- > 0;) {
		uint32_t *bucket = &c->buckets[c->rules[i].hash & c->mask];

		c->rules[i].next = *bucket;
		*bucket = i;
	}
}

int nft_chain_rules_read(struct nft_chain_rules *c, struct nft_encoder *enc,
			 uint32_t chain, struct nse_error *err)
{
	const struct nft_node *node = &enc->rs->nodes[chain];
	int rc = 0;

	*c = (struct nft_chain_rules){ .n = node->nrules,
				       .first = node->first_rule,
				       .mask = 15,
				       .bodies = NSE_BUF_INIT(BODIES_MAX) };
	while (c->mask < c->n)
		c->mask = c->mask * 2 + 1;
	c->rules = calloc((size_t)c->n + 1, sizeof(*c->rules));
	c->buckets = malloc(((size_t)c->mask + 1) * sizeof(*c->buckets));
	if (!c->rules || !c->buckets)
		return nse_errno(err, -ENOMEM, "the rules of a chain");
	for (uint32_t i = 0; i < c->n && rc == 0; i++)
		rc = read_rule(c, enc, i, err);
	if (rc == 0)
		fill_buckets(c);
	return rc;
}

void nft_chain_rules_release(struct nft_chain_rules *c)
{
	free(c->rules);
	free(c->buckets);
	nse_buf_release(&c->bodies);
	*c = (struct nft_chain_rules){ 0 };
}

uint32_t nft_chain_rules_find(const struct nft_chain_rules *c, struct nse_bytes body,
			      uint32_t from)
{
	uint64_t hash = hash_of(body);
	uint32_t early = c->n;

	if (c->n == 0)
		return c->n;
	for (uint32_t i = c->buckets[hash & c->mask]; i != NONE; i = c->rules[i].next) {
		const struct nft_chain_rule *r = &c->rules[i];

		if (r->used || r->hash != hash ||
		    !nft_rule_alike(nft_chain_rules_body(c, i), body))
			continue;
		if (i >= from)
			return i;
		if (early == c->n)
			early = i;
	}
	return early;
}
