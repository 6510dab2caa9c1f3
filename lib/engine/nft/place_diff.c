/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The diff of two skeletons. The rules are shown in nft's own words: those that
 * are needed out of the context, those of this host out of records made of its
 * chain, both with what they refer to.
 */
#include "lib/engine/nft/place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/engine/nft/render.h"
#include "lib/util/cleanup.h"
#include "lib/util/lcs.h"

#define LINES_MAX 30
#define DIFF_MAX  (64u << 10) /* bytes */

struct diff {
	const struct nft_place *pl;
	struct nse_context *theirs, *here;
	struct nft_texts *their_texts, *here_texts;
	uint32_t *classes; /* of both skeletons, one behind the other */
	uint8_t *keep;	   /* likewise */
	uint32_t n, m;
	struct nse_buf text;
	unsigned int lines;
};

static void release(struct diff *d)
{
	nft_texts_free(d->their_texts);
	nft_texts_free(d->here_texts);
	nse_context_free(d->theirs);
	nse_context_free(d->here);
	free(d->classes);
	free(d->keep);
	nse_buf_release(&d->text);
}

static void record_at(const struct diff *d, uint32_t i, struct nse_record *rec)
{
	const struct nft_plan *p = d->pl->plan;

	nse_context_at(p->ctx, p->order.slots[d->pl->need->first + i], rec);
}

/* The body of the i-th thing of both sequences together. */
static struct nse_bytes body_at(const struct diff *d, uint32_t i)
{
	struct nse_record rec;

	if (i >= d->n)
		return nft_chain_rules_body(&d->pl->rules, d->pl->skeleton[i - d->n]);
	record_at(d, i, &rec);
	return rec.body;
}

struct sorted {
	uint32_t i;
	struct nse_bytes body;
};

/* By content; the place in a rule's head (bytes 9 to 12) aside. */
static int by_body(const void *p, const void *q)
{
	const struct sorted *a = p, *b = q;
	int c;

	if (nft_rule_alike(a->body, b->body))
		return 0;
	if (a->body.n != b->body.n)
		return a->body.n < b->body.n ? -1 : 1;
	c = memcmp(a->body.p, b->body.p, 9);
	return c ? c
		 : memcmp(a->body.p + NFT_RULE_HEAD, b->body.p + NFT_RULE_HEAD,
			  a->body.n - NFT_RULE_HEAD);
}

static int compare(struct diff *d)
{
	uint32_t all = d->n + d->m, number = 0;
	NSE_FREE struct sorted *s = calloc((size_t)all + 1, sizeof(*s));

	d->classes = calloc((size_t)all + 1, sizeof(*d->classes));
	d->keep = calloc((size_t)all + 1, 1);
	if (!s || !d->classes || !d->keep)
		return -ENOMEM;
	for (uint32_t i = 0; i < all; i++) {
		s[i] = (struct sorted){ i, body_at(d, i) };
		if (s[i].body.n < NFT_RULE_HEAD)
			return -EBADMSG;
	}
	qsort(s, all, sizeof(*s), by_body);
	for (uint32_t i = 0; i < all; i++) {
		number += i && by_body(&s[i - 1], &s[i]) != 0;
		d->classes[s[i].i] = number;
	}
	return nse_lcs(d->classes, d->n, d->classes + d->n, d->m, number + 1, d->keep,
		       d->keep + d->n);
}

/* The chain whose rule a node belongs to in the end, or none. */
static uint32_t chain_of(const struct nft_ruleset *rs, uint32_t i)
{
	uint32_t chain = NFT_NODE_NONE;

	for (int deep = 0; deep < 32; deep++) {
		const struct nft_node *n = &rs->nodes[i];

		if (n->type == NFT_RULE)
			chain = i = n->chain;
		else if (nft_node_is_owned(n))
			i = n->owner;
		else
			return chain;
	}
	return chain;
}

static int put_node(struct diff *d, struct nse_context *to, uint32_t node)
{
	struct nft_encoder *enc = &d->pl->plan->host.enc;
	const struct nft_node *n = &enc->rs->nodes[node];
	struct nse_record rec;
	int rc = nft_encode_node(enc, node, true, &rec, NULL);

	if (rc == 0)
		rc = nse_context_put(to, &rec, NULL);
	for (uint32_t i = 0; n->type == NFT_SET && i < n->nelements && rc == 0; i++) {
		rc = nft_encode_element(enc, node, &n->elements[i], true, &rec, NULL);
		if (rc == 0)
			rc = nse_context_put(to, &rec, NULL);
	}
	return rc;
}

/* The table, and what has a name in it. */
static int take_named(struct diff *d, struct nse_context *to)
{
	const struct nft_ruleset *rs = d->pl->plan->host.rs;
	uint32_t table = rs->nodes[d->pl->node].table;
	int rc = 0;

	for (uint32_t i = 0; i < rs->n && rc == 0; i++)
		if (rs->nodes[i].table == table && rs->nodes[i].type != NFT_RULE &&
		    !nft_node_is_owned(&rs->nodes[i]))
			rc = put_node(d, to, i);
	return rc;
}

/*
 * Of the context: the dependencies in this chain's table. What rules of the
 * skeleton refer to is not always among them: then this host's must do.
 */
static int take_theirs(struct diff *d, const struct nft_key *chain)
{
	const struct nft_plan *p = d->pl->plan;
	struct nse_record rec;
	struct nft_key key;
	int rc = take_named(d, d->theirs);

	for (uint32_t i = 0; i < p->order.n && rc == 0; i++) {
		nse_context_at(p->ctx, p->order.slots[i], &rec);
		if (nft_key_decode(&rec, &key, NULL) < 0 || !key.need ||
		    key.family != chain->family ||
		    !nse_bytes_equal(key.table, chain->table))
			continue;
		if (key.type != NFT_ELEMENT || nft_name_is_ours(key.name))
			rc = nse_context_put(d->theirs, &rec, NULL);
	}
	return rc;
}

/* Of this host what has a name, and this chain's rules. */
static int take_here(struct diff *d)
{
	const struct nft_ruleset *rs = d->pl->plan->host.rs;
	int rc = take_named(d, d->here);

	for (uint32_t i = 0; i < rs->n && rc == 0; i++)
		if (chain_of(rs, i) == d->pl->node)
			rc = put_node(d, d->here, i);
	return rc;
}

/* The slot of a rule in the context that was rendered. */
static uint32_t slot_of(const struct diff *d, uint32_t i)
{
	struct nft_encoder *enc = &d->pl->plan->host.enc;
	struct nse_record rec;

	if (i < d->n) {
		record_at(d, i, &rec);
		return nse_context_find(d->theirs, rec.kind, rec.key);
	}
	if (nft_encode_node(enc, d->pl->rules.first + d->pl->skeleton[i - d->n], true,
			    &rec, NULL) < 0)
		return NSE_CONTEXT_NONE;
	return nse_context_find(d->here, rec.kind, rec.key);
}

static int render_side(struct diff *d, bool here, struct nft_texts **texts)
{
	const struct nse_context *ctx = here ? d->here : d->theirs;
	NSE_FREE uint8_t *wanted = calloc((size_t)nse_context_slots(ctx) + 1, 1);
	uint32_t first = here ? d->n : 0, end = here ? d->n + d->m : d->n;

	if (!wanted)
		return -ENOMEM;
	for (uint32_t i = first, lines = 0; i < end && lines < LINES_MAX; i++) {
		uint32_t slot = d->keep[i] ? NSE_CONTEXT_NONE : slot_of(d, i);

		if (slot != NSE_CONTEXT_NONE)
			wanted[slot] = 1;
		lines += !d->keep[i];
	}
	return nft_render_some(ctx, wanted, NFT_RENDER_STATELESS, texts, NULL);
}

static int render(struct diff *d)
{
	struct nse_record rec;
	struct nft_key key;
	int rc;

	nse_context_at(d->pl->plan->ctx, d->pl->slot, &rec);
	rc = nft_key_decode(&rec, &key, NULL);
	d->theirs = nse_context_new();
	d->here = nse_context_new();
	if (!d->theirs || !d->here)
		return -ENOMEM;
	rc = rc ?: take_theirs(d, &key) ?: take_here(d);
	return rc ?: render_side(d, false, &d->their_texts) ?:
	       render_side(d, true, &d->here_texts);
}

/* A rule may have come from anywhere: what steers a terminal is left out. */
static void add_text(struct diff *d, const char *text)
{
	for (; *text; text++) {
		bool odd = (unsigned char)*text < ' ' || *text == 127;

		if (*text == '\n')
			nse_buf_put(&d->text, "\n  ", 3);
		else
			nse_buf_put(&d->text, *text == '\t' ? " " : odd ? "?" : text, 1);
	}
}

static void add_line(struct diff *d, uint32_t i)
{
	bool here = i >= d->n;
	const struct nft_texts *texts = here ? d->here_texts : d->their_texts;
	uint32_t slot = texts ? slot_of(d, i) : NSE_CONTEXT_NONE;
	struct nft_text text;
	char plain[64];

	if (d->lines++ >= LINES_MAX)
		return;
	if (slot == NSE_CONTEXT_NONE || !nft_text_at(texts, slot, &text)) {
		snprintf(plain, sizeof(plain), "rule %u%s", here ? i - d->n : i,
			 here ? " of those that are nobody's own" : "");
		text.text = plain;
	}
	nse_buf_put(&d->text, here ? "+ " : "- ", 2);
	add_text(d, text.text);
	nse_buf_put(&d->text, "\n", 1);
}

static void add_lines(struct diff *d)
{
	uint32_t i = 0, j = 0;

	while (i < d->n || j < d->m) {
		if (i < d->n && !d->keep[i]) {
			add_line(d, i++);
		} else if (j < d->m && !d->keep[d->n + j]) {
			add_line(d, d->n + j++);
		} else {
			i++;
			j++;
		}
	}
}

char *nft_place_diff(const struct nft_place *pl)
{
	NSE_CLEANUP(release)
	struct diff d = { .pl = pl,
			  .n = pl->need->end - pl->need->first,
			  .m = pl->nskeleton,
			  .text = NSE_BUF_INIT(DIFF_MAX) };
	char more[64];

	if (compare(&d) < 0)
		return NULL;
	/* Without their texts rules are told by their numbers. */
	if (render(&d) < 0) {
		nft_texts_freep(&d.their_texts);
		nft_texts_freep(&d.here_texts);
		d.their_texts = d.here_texts = NULL;
	}
	add_lines(&d);
	if (d.lines > LINES_MAX) {
		int n = snprintf(more, sizeof(more), "and %u more\n",
				 d.lines - LINES_MAX);

		nse_buf_put(&d.text, more, (size_t)n);
	}
	/* The last newline ends the string. */
	if (d.text.len == 0)
		return strdup("");
	d.text.data[d.text.len - 1] = '\0';
	return strdup((const char *)d.text.data);
}
