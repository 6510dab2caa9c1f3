/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a target lets in of another host's rules. The scope's own tables and
 * chains, and in chains and sets of everybody what matches the domain: these
 * are in by themselves. What they refer to is in as well, and so is what lies
 * in something that is in. Nothing else may be there, and nothing may refer to
 * what is not.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/admit_index.h"
#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/match.h"
#include "lib/engine/nft/nft_engine.h"
#include "lib/engine/nft/select.h"
#include "lib/util/cleanup.h"

struct admission {
	const struct nse_scope *scope;
	struct nft_items items;
	struct nft_owners owners;
	uint32_t *queue; /* of items that are in */
	uint32_t head, tail;
	uint32_t from; /* whose references are looked at */
	struct nse_error *err;
};

static void admission_release(struct admission *a)
{
	nft_items_release(&a->items);
	nft_owners_release(&a->owners);
	free(a->queue);
}

static int refuse(const struct admission *a, uint32_t i, const char *why)
{
	char text[400];

	nft_key_text(&a->items.at[i].key, text, sizeof(text));
	return nse_error(a->err, -EPERM, "%s %s", text, why);
}

static void enter(struct admission *a, uint32_t i)
{
	struct nft_item *item = &a->items.at[i];

	if (item->in || item->key.need)
		return;
	item->in = true;
	a->queue[a->tail++] = i;
}

/* Names for numbers of interfaces, where two have the same: no proof. */
static int note_indexes(struct admission *a, const struct nse_context *ctx)
{
	struct nft_ifnames names;
	struct nse_bytes kernel;
	struct nse_record rec;

	for (uint32_t i = 0; i < a->items.n; i++) {
		const struct nft_item *item = &a->items.at[i];

		if (!nse_context_at(ctx, item->slot, &rec))
			continue;
		if (nft_ifindex_split(nft_body_attrs(item->key.type, rec.body), &kernel,
				      &names) < 0)
			return -EBADMSG;
		for (unsigned int k = 0; k < names.n; k++)
			nft_owners_note_index(&a->owners, names.names[k]);
	}
	return 0;
}

/* "@K" in a rule is called after the rule. */
static int full_name(const struct nft_item *from, struct nse_bytes *name, char *to)
{
	uint32_t k = 0;
	int rc;

	if (from->key.type != NFT_RULE || !nft_name_is_ours(*name))
		return 0;
	for (size_t i = 1; i < name->n; i++) {
		if (name->p[i] < '0' || name->p[i] > '9' || k > 100000)
			return -EBADMSG;
		k = 10 * k + (uint32_t)(name->p[i] - '0');
	}
	rc = nft_name_make(to, from->key.name, from->key.rule, k);
	*name = nft_str(to);
	return rc;
}

static uint32_t find_named(const struct admission *a, const struct nft_item *from,
			   enum nft_type type, struct nse_bytes name, uint32_t objtype)
{
	char full[NFT_NAME_MAX];

	if (full_name(from, &name, full) < 0)
		return NFT_ITEM_NONE;
	return nft_items_find(&a->items, type, from->key.family, from->key.table, name,
			      objtype);
}

static int on_reference(void *arg, const struct nft_site *site, struct nse_buf *to)
{
	static const uint8_t types[] = {
		[NFT_SITE_SET] = NFT_SET,
		[NFT_SITE_CHAIN] = NFT_CHAIN,
		[NFT_SITE_OBJECT] = NFT_OBJECT,
		[NFT_SITE_FLOWTABLE] = NFT_FLOWTABLE,
	};
	struct admission *a = arg;
	const struct nft_item *from = &a->items.at[a->from];
	uint32_t objtype = site->objtype, found;
	char why[400];

	(void)to;
	if (site->kind > NFT_SITE_FLOWTABLE)
		return 0;
	if (from->key.type == NFT_ELEMENT && !objtype)
		objtype = a->items.layouts[a->items.at[from->container].layout].objtype;
	found = find_named(a, from, types[site->kind], site->data, objtype);
	if (found != NFT_ITEM_NONE) {
		enter(a, found);
		return 0;
	}
	snprintf(why, sizeof(why), "refers to the %s '%.*s', which is not there",
		 nft_kinds[types[site->kind]].type, (int)site->data.n,
		 (const char *)site->data.p);
	return refuse(a, a->from, why);
}

static int follow(struct admission *a, uint32_t i)
{
	const struct nft_item *item = &a->items.at[i];
	const struct nft_layout *layout = NULL;

	a->from = i;
	if (item->key.type == NFT_CHAIN || item->key.type == NFT_SET)
		for (uint32_t k = 0; k < item->n; k++)
			enter(a, a->items.children[item->first + k]);
	if (item->key.type == NFT_ELEMENT)
		layout = &a->items.layouts[a->items.at[item->container].layout];
	return nft_walk_in(item->key.family, item->key.type, item->attrs, layout,
			   on_reference, a, NULL);
}

struct own_sets {
	const struct admission *a;
	const struct nft_item *rule;
};

static int find_own_set(void *arg, struct nse_bytes name, struct nft_own_set *set)
{
	const struct own_sets *s = arg;
	const struct nft_items *items = &s->a->items;
	const struct nft_item *item;
	uint32_t found;

	if (!nft_name_is_ours(name))
		return 0;
	found = find_named(s->a, s->rule, NFT_SET, name, 0);
	if (found == NFT_ITEM_NONE || items->at[found].key.need)
		return 0;
	item = &items->at[found];
	*set = (struct nft_own_set){ &items->layouts[item->layout],
				     items->elements + item->first, item->n };
	return 1;
}

static int admit_anchors(struct admission *a, const struct nft_item *chain)
{
	for (uint32_t k = 0; k < chain->n; k++) {
		uint32_t i = a->items.children[chain->first + k];
		const struct nft_item *rule = &a->items.at[i];
		struct own_sets sets = { a, rule };
		struct nft_match m = { 0 };
		int rc = nft_match_rule(&a->owners, rule->key.family, rule->attrs,
					find_own_set, &sets, &m);

		if (rc < 0)
			return rc;
		if (nft_match_whose(&m) != NFT_MINE)
			return refuse(
				a, i,
				"is in a chain of everybody, and does not match the "
				"domain alone");
		enter(a, i);
	}
	return 0;
}

static int admit_elements(struct admission *a, const struct nft_item *set)
{
	NSE_FREE uint8_t *claims = malloc(set->n + 1u);

	if (!claims)
		return -ENOMEM;
	if (nft_match_elements(&a->owners, &a->items.layouts[set->layout],
			       a->items.elements + set->first, set->n, claims) < 0)
		return -ENOMEM;
	for (uint32_t k = 0; k < set->n; k++) {
		uint32_t i = a->items.children[set->first + k];

		if (NFT_CLAIM_WHOSE(claims[k]) != NFT_MINE)
			return refuse(a, i,
				      "is in a set of everybody, and its key is not the "
				      "domain's alone");
		enter(a, i);
	}
	return 0;
}

/* A base chain of devices that are all the domain's sees nothing else. */
static bool has_own_devices(struct admission *a, const struct nft_item *chain)
{
	struct nft_match m = { 0 };

	return nft_match_devices(&a->owners, chain->attrs, &m) == 0 &&
	       nft_match_whose(&m) == NFT_MINE;
}

static bool is_base(const struct nft_item *chain)
{
	return nft_attr_find(chain->attrs, NFTA_CHAIN_HOOK).p;
}

/* What is in by itself. */
static int start(struct admission *a, uint32_t i)
{
	const struct nft_item *item = &a->items.at[i];
	const struct nft_key *k = &item->key;

	if (k->need)
		return k->type == NFT_CHAIN ? admit_anchors(a, item)
		       : k->type == NFT_SET ? admit_elements(a, item)
					    : 0;
	if (k->type == NFT_RULE || k->type == NFT_ELEMENT)
		return 0;
	if (nft_selects_table(a->scope, k->family, k->table) ||
	    (k->type == NFT_CHAIN &&
	     (nft_selects_chain(a->scope, k->family, k->table, k->name) ||
	      (is_base(item) && has_own_devices(a, item)))))
		enter(a, i);
	else if (k->type == NFT_TABLE || (k->type == NFT_CHAIN && is_base(item)))
		return refuse(a, i, "is not selected by the announced scope");
	return 0;
}

static int admit(struct admission *a)
{
	int rc = 0;

	for (uint32_t i = 0; i < a->items.n && rc == 0; i++)
		rc = start(a, i);
	while (rc == 0 && a->head < a->tail)
		rc = follow(a, a->queue[a->head++]);
	for (uint32_t i = 0; i < a->items.n && rc == 0; i++)
		if (!a->items.at[i].in && !a->items.at[i].key.need)
			rc = refuse(
				a, i,
				"is neither selected nor referred to by anything that "
				"is the domain's");
	return rc;
}

int nft_admit(const struct nse_scope *scope, const struct nse_context *ctx,
	      struct nse_error *err)
{
	NSE_CLEANUP(admission_release)
	struct admission a = { .scope = scope, .err = err };
	int rc;

	if (scope->all)
		return 0;
	rc = nft_items_read(&a.items, ctx, err);
	if (rc < 0)
		return rc;
	a.queue = calloc((size_t)a.items.n + 1, sizeof(*a.queue));
	rc = a.queue ? nft_owners_init(&a.owners, &scope->domain, NULL, false) : -ENOMEM;
	if (rc == 0)
		rc = note_indexes(&a, ctx);
	if (rc == 0)
		rc = admit(&a);
	if (rc < 0 && rc != -EPERM)
		return nse_errno(err, rc, "the nft records of a context");
	return rc;
}
