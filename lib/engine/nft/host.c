/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading the host before it is decided what is to be done there. The list of
 * tables is short and read first: most contexts come to a host that has none
 * of theirs, and then nothing else of it matters.
 */
#include "lib/engine/nft/host.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/ruleset_load.h"
#include "lib/util/cleanup.h"

#define ASK_MAX 64 /* elements that are asked for one by one */

struct tables {
	const struct nse_context *ctx;
	bool found;
};

/* Does the context speak of the table? */
static bool has_table(const struct nse_context *ctx, uint8_t family,
		      struct nse_bytes name)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(NSE_RECORD_MAX);
	struct nft_key key = { .type = NFT_TABLE, .family = family, .table = name };
	struct nse_bytes bytes;

	if (nft_key_encode(&key, &b) < 0)
		return false;
	bytes = (struct nse_bytes){ b.data, b.len };
	return nse_context_find(ctx, &nft_kinds[NFT_TABLE], bytes) != NSE_CONTEXT_NONE ||
	       nse_context_find(ctx, &nft_need_kinds[NFT_TABLE], bytes) !=
		       NSE_CONTEXT_NONE;
}

static int on_table(const struct nlmsghdr *nlh, void *arg)
{
	size_t n = mnl_nlmsg_get_payload_len(nlh), head = sizeof(struct nfgenmsg);
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	struct tables *t = arg;
	struct nse_bytes name;

	if (n < head || t->found)
		return 0;
	name = nft_attr_str(
		nft_attr_find((struct nse_bytes){ (const uint8_t *)nfg + head, n - head },
			      NFTA_TABLE_NAME));
	if (name.p && has_table(t->ctx, nfg->nfgen_family, name))
		t->found = true;
	return 0;
}

static int look_for_tables(struct nft_host *h, struct tables *t, struct nse_error *err)
{
	struct {
		struct nlmsghdr nlh;
		struct nfgenmsg nfg;
	} req = { .nlh = { .nlmsg_len = sizeof(req),
			   .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP } };
	int rc = nse_nl_talk(h->nl, &req.nlh, on_table, t, err);

	return rc == -EINTR ? -EAGAIN : rc;
}

static void forget(struct nft_host *h)
{
	if (h->rs)
		nft_encoder_release(&h->enc);
	nft_ruleset_free(h->rs);
	h->rs = NULL;
}

int nft_host_load(struct nft_host *h, const struct nse_context *ctx,
		  struct nse_error *err)
{
	struct tables t = { ctx, false };
	int rc = h->nl ? 0 : nse_nl_open(&h->nl, 0, 0, err);

	forget(h);
	rc = rc ?: nft_dump_generation(h->nl, &h->genid, err);
	if (rc == -EOPNOTSUPP)
		return nse_error(err, rc,
				 "this kernel has no nf_tables: it cannot "
				 "take rules; load the module nf_tables");
	rc = rc ?: look_for_tables(h, &t, err);
	if (rc < 0 || !t.found)
		return rc;
	rc = nft_ruleset_load(h->nl, NFT_ELEMENTS_ANONYMOUS, &h->rs, err);
	if (rc < 0)
		return rc;
	h->genid = h->rs->genid;
	rc = nft_encoder_init(&h->enc, h->rs, NULL);
	if (rc < 0)
		nse_errno(err, rc, "reading nf_tables");
	return rc;
}

void nft_host_release(struct nft_host *h)
{
	forget(h);
	nse_nl_close(h->nl);
	*h = (struct nft_host){ 0 };
}

void nft_host_wait(int try)
{
	poll(NULL, 0, 1 + 2 * try);
}

static bool begins_alike(const struct nse_context *ctx, uint32_t slot,
			 struct nse_bytes prefix)
{
	struct nse_record rec;

	return nse_context_at(ctx, slot, &rec) && rec.key.n >= prefix.n &&
	       memcmp(rec.key.p, prefix.p, prefix.n) == 0;
}

int nft_run_next(const struct nft_order *o, const struct nse_context *ctx,
		 enum nft_type type, bool need, uint32_t first, struct nft_run *run,
		 struct nse_error *err)
{
	struct nse_record rec;

	run->first = run->end = first;
	if (first >= o->first[type][need] + o->count[type][need])
		return 0;
	run->end = o->ends[first];
	nse_context_at(ctx, o->slots[first], &rec);
	return nft_key_decode(&rec, &run->key, err);
}

/* The order of rules: the deepest names first, then by key. */
static int compare(const struct nse_context *ctx, uint32_t slot, unsigned int depth,
		   struct nse_bytes prefix)
{
	struct nse_record rec;
	struct nft_key key;
	unsigned int other;
	size_t n;
	int c;

	if (!nse_context_at(ctx, slot, &rec) || nft_key_decode(&rec, &key, NULL) < 0)
		return -1;
	other = nft_name_depth(key.name);
	if (other != depth)
		return other > depth ? -1 : 1;
	n = rec.key.n < prefix.n ? rec.key.n : prefix.n;
	c = memcmp(rec.key.p, prefix.p, n);
	if (c == 0 && rec.key.n < prefix.n)
		c = -1;
	return c;
}

int nft_run_find(const struct nft_order *o, const struct nse_context *ctx, bool need,
		 const struct nft_key *chain, struct nft_run *run)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(NSE_RECORD_MAX);
	uint32_t low = o->first[NFT_RULE][need], end = low + o->count[NFT_RULE][need];
	uint32_t high = end;
	struct nft_key key = *chain;
	struct nse_bytes prefix;
	int rc;

	key.type = NFT_CHAIN;
	run->key = key;
	rc = nft_key_encode(&key, &b);
	if (rc < 0)
		return rc;
	prefix = (struct nse_bytes){ b.data, b.len };
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (compare(ctx, o->slots[mid], nft_name_depth(key.name), prefix) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	run->first = run->end = low;
	if (low < end && begins_alike(ctx, o->slots[low], prefix))
		run->end = o->ends[low];
	return 0;
}

/* Intervals are answered by what they lie in; numbers of interfaces are others here. */
static bool can_ask(const struct nft_node *set)
{
	const struct nft_layout *l = set->layout;

	for (uint8_t i = 0; i < l->nkey; i++)
		if (l->key[i].kind == NFT_SITE_IFINDEX)
			return false;
	return !(set->flags & NFT_SET_INTERVAL);
}

int nft_host_elements(struct nft_host *h, const struct nse_context *ctx,
		      const struct nft_order *o, const struct nft_run *run, uint32_t set,
		      nft_element_cb *cb, void *arg, struct nse_error *err)
{
	struct nse_record rec;
	struct nft_key key;
	int rc = 0;

	if (run->end - run->first > ASK_MAX || !can_ask(&h->rs->nodes[set]))
		return nft_ruleset_elements(h->nl, h->rs, set, cb, arg, err);
	for (uint32_t i = run->first; i < run->end && rc == 0; i++) {
		nse_context_at(ctx, o->slots[i], &rec);
		rc = nft_key_decode(&rec, &key, err);
		if (rc == 0 &&
		    (key.kind == NFT_ELEMENT_PLAIN || key.kind == NFT_ELEMENT_CATCHALL))
			rc = nft_dump_element(h->nl, h->rs, set, &key, cb, arg, err);
	}
	return rc;
}
