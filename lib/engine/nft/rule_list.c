/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rules of a context in order, and the names that are made of their numbers.
 */
#include "lib/engine/nft/rule_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util/cleanup.h"

static int bytes_cmp(struct nse_bytes a, struct nse_bytes b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

int nft_rule_chain_cmp(const struct nft_rule *a, const struct nft_rule *b)
{
	int c = a->key.family - b->key.family;

	c = c ? c : bytes_cmp(a->key.table, b->key.table);
	return c ? c : bytes_cmp(a->key.name, b->key.name);
}

static int number_cmp(const void *p, const void *q)
{
	const struct nft_rule *a = *(struct nft_rule *const *)p;
	const struct nft_rule *b = *(struct nft_rule *const *)q;
	int c = nft_rule_chain_cmp(a, b);

	c = c ? c : b->key.need - a->key.need;
	return c ? c : (a->key.rule > b->key.rule) - (a->key.rule < b->key.rule);
}

/* The rest of the body that counts: the head without the place, the attributes. */
static int content_cmp(const void *p, const void *q)
{
	const struct nft_rule *a = *(struct nft_rule *const *)p;
	const struct nft_rule *b = *(struct nft_rule *const *)q;
	size_t head = NFT_RULE_HEAD - sizeof(uint32_t);
	int c = a->key.need - b->key.need;

	c = c ? c : memcmp(a->body.p, b->body.p, head);
	return c ? c
		 : bytes_cmp(nft_body_attrs(NFT_RULE, a->body),
			     nft_body_attrs(NFT_RULE, b->body));
}

bool nft_rule_is_listed(const struct nse_record *rec, struct nft_key *key)
{
	bool need;

	return nft_kind_of(rec->kind, &key->type, &need) && key->type == NFT_RULE &&
	       nft_key_decode(rec, key, NULL) == 0 && rec->body.n >= NFT_RULE_HEAD &&
	       !nft_name_is_ours(key->name);
}

bool nft_rule_is_owned(const struct nse_record *rec, struct nft_key *key)
{
	bool need;

	return nft_kind_of(rec->kind, &key->type, &need) &&
	       (key->type == NFT_CHAIN || key->type >= NFT_SET) &&
	       nft_key_decode(rec, key, NULL) == 0 && nft_name_is_ours(key->name);
}

/* Puts the need-rules and the own ones of a chain in their order into `to`. */
static void put_in_order(struct nft_rule **from, size_t n, struct nft_rule **to)
{
	size_t needs = 0, own;
	uint32_t passed = 0;

	while (needs < n && from[needs]->key.need)
		needs++;
	own = needs;
	for (size_t i = 0; i < needs; i++) {
		while (own < n && from[own]->place <= passed)
			*to++ = from[own++];
		*to++ = from[i];
		passed++;
	}
	while (own < n)
		*to++ = from[own++];
}

static size_t end_of(struct nft_rule *const *at, size_t n, size_t first)
{
	size_t end = first;

	while (end < n && nft_rule_chain_cmp(at[first], at[end]) == 0)
		end++;
	return end;
}

size_t nft_rule_chain_end(const struct nft_rule_list *l, size_t first)
{
	return first < l->n ? end_of(l->at, l->n, first) : first;
}

static void fill(struct nft_rule_list *l, const struct nse_context *ctx)
{
	struct nse_record rec;
	struct nft_key key;

	for (uint32_t s = 0; s < nse_context_slots(ctx); s++) {
		if (!nse_context_at(ctx, s, &rec) || !nft_rule_is_listed(&rec, &key))
			continue;
		l->rules[l->n] = (struct nft_rule){ .key = key,
						    .slot = s,
						    .place = nft_rule_place(rec.body),
						    .body = rec.body };
		l->found[l->n] = &l->rules[l->n];
		l->n++;
	}
}

int nft_rule_list_make(struct nft_rule_list *l, const struct nse_context *ctx)
{
	struct nse_record rec;
	struct nft_key key;
	size_t n = 0;

	*l = (struct nft_rule_list){ .n = 0 };
	for (uint32_t s = 0; s < nse_context_slots(ctx); s++)
		n += nse_context_at(ctx, s, &rec) && nft_rule_is_listed(&rec, &key);
	l->rules = calloc(n + 1, sizeof(*l->rules));
	l->at = calloc(n + 1, sizeof(struct nft_rule *));
	l->found = calloc(n + 1, sizeof(struct nft_rule *));
	if (!l->rules || !l->at || !l->found)
		return -ENOMEM;
	fill(l, ctx);
	qsort(l->found, l->n, sizeof(struct nft_rule *), number_cmp);
	for (size_t i = 0, end; i < l->n; i = end) {
		end = end_of(l->found, l->n, i);
		put_in_order(l->found + i, end - i, l->at + i);
	}
	return 0;
}

void nft_rule_list_release(struct nft_rule_list *l)
{
	free(l->rules);
	free(l->at);
	free(l->found);
	*l = (struct nft_rule_list){ .n = 0 };
}

/* A rule and where its class goes. */
struct classed {
	struct nft_rule *rule;
	uint32_t at;
};

static int classed_cmp(const void *p, const void *q)
{
	const struct classed *a = p, *b = q;

	return content_cmp(&a->rule, &b->rule);
}

long nft_rule_classes(struct nft_rule **a, size_t n, struct nft_rule **b, size_t m,
		      uint32_t *classes)
{
	NSE_FREE struct classed *all = calloc(n + m + 1, sizeof(*all));
	uint32_t class = 0;

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < n + m; i++)
		all[i] = (struct classed){ i < n ? a[i] : b[i - n], (uint32_t)i };
	qsort(all, n + m, sizeof(*all), classed_cmp);
	for (size_t i = 0; i < n + m; i++) {
		if (i && classed_cmp(&all[i - 1], &all[i]) != 0)
			class ++;
		classes[all[i].at] = class;
	}
	return n + m ? (long)class + 1 : 0;
}

/* Takes ":NUMBER" off the end. */
static bool take_number(struct nse_bytes *name, uint32_t *number)
{
	uint64_t v = 0, unit = 1;
	size_t n = name->n;

	while (n && name->p[n - 1] >= '0' && name->p[n - 1] <= '9' &&
	       unit <= 10000000000u) {
		v += unit * (uint64_t)(name->p[--n] - '0');
		unit *= 10;
	}
	if (unit == 1 || v > UINT32_MAX || n == 0 || name->p[n - 1] != ':')
		return false;
	*number = (uint32_t)v;
	name->n = n - 1;
	return true;
}

bool nft_name_split(struct nse_bytes name, struct nse_bytes *chain, uint32_t *rule,
		    uint32_t *k)
{
	if (!nft_name_is_ours(name) || !take_number(&name, k) ||
	    !take_number(&name, rule) || name.n < 2)
		return false;
	*chain = (struct nse_bytes){ name.p + 1, name.n - 1 };
	return true;
}

/* The rule of that chain, need and number. */
static const struct nft_rule *find(const struct nft_rule_list *l,
				   const struct nft_key *key)
{
	const struct nft_rule want = { .key = *key }, *p = &want;
	struct nft_rule *const *at =
		bsearch(&p, l->found, l->n, sizeof(struct nft_rule *), number_cmp);

	return at ? *at : NULL;
}

int nft_rule_map_name(const struct nft_rule_list *l, const struct nft_key *key, char *to)
{
	char outer[NFT_NAME_MAX];
	struct nft_key owner = *key;
	const struct nft_rule *rule;
	uint32_t k;
	int rc;

	if (!nft_name_split(key->name, &owner.name, &owner.rule, &k))
		return -ENOENT;
	if (nft_name_is_ours(owner.name)) {
		/* What is inside is the same on both sides, number by number. */
		rc = nft_rule_map_name(l, &owner, outer);
		if (rc < 0)
			return rc;
		owner.name = (struct nse_bytes){ (const uint8_t *)outer, strlen(outer) };
		return nft_name_make(to, owner.name, owner.rule, k);
	}
	rule = find(l, &owner);
	if (!rule || !rule->partner)
		return -ENOENT;
	return nft_name_make(to, owner.name, rule->partner->key.rule, k);
}
