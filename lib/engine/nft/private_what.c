/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What of a context is loaded. What belongs to a rule (its own sets, elements
 * and chains; the set of a meter, which has a name, but lives with its rule) is
 * loaded with it or not at all, since the kernel takes neither without the
 * other.
 */
#include <errno.h>
#include <stdlib.h>

#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/private.h"
#include "lib/engine/nft/rule_list.h"
#include "lib/engine/nft/walk.h"
#include "lib/util/cleanup.h"

/* The slot of the rule that a name of its own points at, or none. */
static uint32_t owner_of(const struct nse_context *ctx, const struct nft_key *key)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(NSE_RECORD_MAX);
	struct nft_key owner = *key;
	uint32_t k;

	owner.type = NFT_RULE;
	if (!nft_name_split(key->name, &owner.name, &owner.rule, &k) ||
	    nft_key_encode(&owner, &b) < 0)
		return NSE_CONTEXT_NONE;
	return nse_context_find(
		ctx, key->need ? &nft_need_kinds[NFT_RULE] : &nft_kinds[NFT_RULE],
		(struct nse_bytes){ b.data, b.len });
}

/* The slot of a set by its name, be it carried or needed, or none. */
static uint32_t find_set(const struct nse_context *ctx, const struct nft_key *key,
			 struct nse_bytes name)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(NSE_RECORD_MAX);
	struct nft_key set = *key;
	struct nse_bytes bytes;
	uint32_t slot;

	set.type = NFT_SET;
	set.name = name;
	if (nft_key_encode(&set, &b) < 0)
		return NSE_CONTEXT_NONE;
	bytes = (struct nse_bytes){ b.data, b.len };
	slot = nse_context_find(ctx, &nft_kinds[NFT_SET], bytes);
	if (slot == NSE_CONTEXT_NONE)
		slot = nse_context_find(ctx, &nft_need_kinds[NFT_SET], bytes);
	return slot;
}

/* A set without a name of its own in the kernel, that has one all the same. */
static bool is_meter(const struct nse_context *ctx, uint32_t slot)
{
	struct nse_bytes attrs;
	struct nse_record rec;
	struct nft_key key;

	if (!nse_context_at(ctx, slot, &rec) || nft_key_decode(&rec, &key, NULL) < 0 ||
	    key.type != NFT_SET || nft_name_is_ours(key.name))
		return false;
	attrs = nft_body_attrs(key.type, rec.body);
	return nft_attr_u32(nft_attr_find(attrs, NFTA_SET_FLAGS)) & NFT_SET_ANONYMOUS;
}

struct looking {
	struct nft_private *p;
	struct nft_key rule;
	uint32_t slot; /* of the rule */
};

static int on_set(void *arg, const struct nft_site *site, struct nse_buf *to)
{
	struct looking *l = arg;
	uint32_t set;

	(void)to;
	if (site->kind != NFT_SITE_SET || nft_name_is_ours(site->data))
		return 0;
	set = find_set(l->p->ctx, &l->rule, site->data);
	if (is_meter(l->p->ctx, set)) {
		l->p->owners[set] = l->slot;
		l->p->left_out[set] = 0;
	}
	return 0;
}

/* Meters belong to the rules that look into them, and their elements to them. */
static void find_meters(struct nft_private *p)
{
	uint32_t n = nse_context_slots(p->ctx);
	struct looking l = { .p = p };
	struct nse_record rec;
	struct nft_key key;
	bool any = false;

	for (uint32_t s = 0; s < n; s++) {
		if (!is_meter(p->ctx, s))
			continue;
		p->left_out[s] = 1; /* until its rule is found */
		any = true;
	}
	for (l.slot = 0; any && l.slot < n; l.slot++)
		if (nse_context_at(p->ctx, l.slot, &rec) &&
		    nft_key_decode(&rec, &l.rule, NULL) == 0 && l.rule.type == NFT_RULE)
			nft_walk(NFT_RULE, nft_body_attrs(NFT_RULE, rec.body), NULL,
				 on_set, &l, NULL);
	for (uint32_t s = 0; any && s < n; s++)
		if (nse_context_at(p->ctx, s, &rec) &&
		    nft_key_decode(&rec, &key, NULL) == 0 && key.type == NFT_ELEMENT &&
		    !nft_name_is_ours(key.name)) {
			uint32_t set = find_set(p->ctx, &key, key.name);

			if (is_meter(p->ctx, set))
				p->owners[s] = set;
		}
}

int nft_private_init(struct nft_private *p, const struct nse_context *ctx)
{
	uint32_t n = nse_context_slots(ctx);
	struct nse_record rec;
	struct nft_key key;
	bool need;

	*p = (struct nft_private){ .ctx = ctx };
	p->owners = malloc((n + 1) * sizeof(*p->owners));
	p->left_out = calloc(n + 1, 1);
	if (!p->owners || !p->left_out)
		return -ENOMEM;
	for (uint32_t s = 0; s < n; s++) {
		p->owners[s] = NSE_CONTEXT_NONE;
		if (!nse_context_at(ctx, s, &rec) ||
		    !nft_kind_of(rec.kind, &key.type, &need))
			continue;
		p->nrecords++;
		if (nft_key_decode(&rec, &key, NULL) < 0) {
			p->left_out[s] = 1;
		} else if (nft_name_is_ours(key.name) && nft_rule_is_owned(&rec, &key)) {
			p->owners[s] = owner_of(ctx, &key);
			p->left_out[s] = p->owners[s] == NSE_CONTEXT_NONE;
		}
	}
	find_meters(p);
	return 0;
}

void nft_private_release(struct nft_private *p)
{
	free(p->owners);
	free(p->left_out);
	*p = (struct nft_private){ .ctx = NULL };
}

/* Names of owners are shorter than those of what they own: this comes to an end. */
void nft_private_leave_out(struct nft_private *p, uint32_t slot)
{
	for (; slot < nse_context_slots(p->ctx); slot = p->owners[slot])
		p->left_out[slot] = 1;
}

bool nft_private_wants(const struct nft_private *p, uint32_t slot)
{
	for (; slot < nse_context_slots(p->ctx); slot = p->owners[slot])
		if (p->left_out[slot])
			return false;
	return true;
}

void nft_private_leave_skeleton_out(struct nft_private *p)
{
	struct nse_record rec;
	enum nft_type type;
	bool need;

	for (uint32_t s = 0; s < nse_context_slots(p->ctx); s++)
		if (nse_context_at(p->ctx, s, &rec) &&
		    nft_kind_of(rec.kind, &type, &need) && need && type == NFT_RULE)
			p->left_out[s] = 1;
}
