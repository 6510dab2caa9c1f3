/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The texts of a rendering, by slot.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/render_private.h"
#include "lib/util/cleanup.h"

void nft_texts_free(struct nft_texts *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->n; i++) {
		free(t->at[i].head);
		free(t->at[i].text);
	}
	free(t->at);
	free(t->skip);
	nse_buf_release(&t->notes);
	free(t);
}

void nft_texts_freep(struct nft_texts **t)
{
	nft_texts_free(*t);
}

/* Those of a set stand one behind the other: what was found last is kept. */
struct last_set {
	struct nft_key key;
	uint32_t slot;
	bool known;
};

/* The slot of an element's set, or none. */
static uint32_t set_of(const struct nft_texts *t, const struct nft_key *key,
		       struct last_set *last)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(NSE_RECORD_MAX);
	struct nft_key set = *key;

	if (last->known && last->key.need == key->need &&
	    last->key.family == key->family &&
	    nse_bytes_equal(last->key.table, key->table) &&
	    nse_bytes_equal(last->key.name, key->name))
		return last->slot;
	set.type = NFT_SET;
	last->known = true;
	last->key = *key;
	last->slot = NSE_CONTEXT_NONE;
	/* A needed set may have elements that are carried. */
	for (int need = 0; need < 2 && last->slot == NSE_CONTEXT_NONE; need++) {
		nse_buf_reset(&b);
		if (nft_key_encode(&set, &b) == 0)
			last->slot = nse_context_find(
				t->ctx,
				need ? &nft_need_kinds[NFT_SET] : &nft_kinds[NFT_SET],
				(struct nse_bytes){ b.data, b.len });
	}
	return last->slot;
}

/* Do the elements' texts depend on one another? */
static bool is_interval(const struct nft_texts *t, uint32_t set)
{
	struct nse_record rec;
	struct nse_bytes attrs;

	if (!nse_context_at(t->ctx, set, &rec))
		return false;
	attrs = nft_body_attrs(NFT_SET, rec.body);
	return nft_attr_u32(nft_attr_find(attrs, NFTA_SET_FLAGS)) & NFT_SET_INTERVAL;
}

static bool is_inside(const struct nft_texts *t, uint32_t slot, struct nft_key *key)
{
	struct nse_record rec;
	bool need;

	return nse_context_at(t->ctx, slot, &rec) &&
	       nft_kind_of(rec.kind, &key->type, &need) &&
	       (key->type == NFT_RULE || key->type == NFT_ELEMENT) &&
	       nft_key_decode(&rec, key, NULL) == 0 && !nft_name_is_ours(key->name);
}

int nft_texts_choose(struct nft_texts *t, const uint8_t *wanted)
{
	NSE_FREE uint8_t *whole = calloc(t->n + 1ul, 1); /* sets */
	struct last_set last = { .known = false };
	struct nft_key key;

	t->skip = calloc(t->n + 1ul, 1);
	if (!t->skip || !whole)
		return -ENOMEM;
	for (uint32_t s = 0; wanted && s < t->n; s++) {
		uint32_t set;

		if (!wanted[s] || !is_inside(t, s, &key) || key.type != NFT_ELEMENT)
			continue;
		set = set_of(t, &key, &last);
		if (set < t->n && is_interval(t, set))
			whole[set] = 1;
	}
	for (uint32_t s = 0; wanted && s < t->n; s++) {
		if (wanted[s] || !is_inside(t, s, &key))
			continue;
		t->skip[s] = 1;
		if (key.type == NFT_ELEMENT) {
			uint32_t set = set_of(t, &key, &last);

			t->skip[s] = set >= t->n || !whole[set];
		}
	}
	return 0;
}

static int set(char **to, const char *text, size_t n)
{
	char *copy;

	if (*to)
		return 0;
	copy = malloc(n + 1);
	if (!copy)
		return -ENOMEM;
	if (n)
		memcpy(copy, text, n);
	copy[n] = '\0';
	*to = copy;
	return 0;
}

int nft_texts_set_head(struct nft_texts *t, uint32_t slot, const char *head, size_t n)
{
	return set(&t->at[slot].head, head, n);
}

int nft_texts_set(struct nft_texts *t, uint32_t slot, const char *text, size_t n)
{
	return set(&t->at[slot].text, text, n);
}

void nft_texts_note(struct nft_texts *t, const char *line, size_t n)
{
	size_t len = t->notes.len;

	if ((len && nse_buf_put_u8(&t->notes, '\n') < 0) ||
	    nse_buf_put(&t->notes, line, n) < 0 || nse_buf_reserve(&t->notes, 1) < 0)
		t->notes.len = len;
	if (t->notes.data && nse_buf_reserve(&t->notes, 1) == 0)
		t->notes.data[t->notes.len] = '\0';
}

bool nft_text_at(const struct nft_texts *t, uint32_t slot, struct nft_text *text)
{
	if (slot >= t->n || !t->at[slot].text)
		return false;
	text->head = t->at[slot].head;
	text->text = t->at[slot].text;
	text->plain = t->at[slot].plain;
	return true;
}

const char *nft_texts_notes(const struct nft_texts *t)
{
	return t->notes.len ? (const char *)t->notes.data : "";
}
