/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The texts of a rendering, by slot.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/engine/nft/render_private.h"

void nft_texts_free(struct nft_texts *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->n; i++) {
		free(t->at[i].head);
		free(t->at[i].text);
	}
	free(t->at);
	nse_buf_release(&t->notes);
	free(t);
}

void nft_texts_freep(struct nft_texts **t)
{
	nft_texts_free(*t);
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
