/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of the rendering share.
 */
#ifndef NSE_ENGINE_NFT_RENDER_PRIVATE_H
#define NSE_ENGINE_NFT_RENDER_PRIVATE_H

#include "lib/engine/nft/object.h"
#include "lib/engine/nft/render.h"
#include "lib/util/buf.h"

struct nft_texts {
	const struct nse_context *ctx; /* only while rendering */
	uint8_t *skip;		       /* owned: by slot, what needs no text */
	uint32_t n;		       /* slots */
	struct nft_one {
		char *head, *text; /* owned */
		bool plain;
	} * at;
	struct nse_buf notes;
};

/* Each sets what is not set yet. 0 or -ENOMEM. */
int nft_texts_set_head(struct nft_texts *t, uint32_t slot, const char *head, size_t n);
int nft_texts_set(struct nft_texts *t, uint32_t slot, const char *text, size_t n);

/* Appends a line; what does not fit is dropped. */
void nft_texts_note(struct nft_texts *t, const char *line, size_t n);

/* Sets t->skip: what is neither wanted nor needed for what is. 0 or -ENOMEM. */
int nft_texts_choose(struct nft_texts *t, const uint8_t *wanted);

/*
 * A copy of a context, but for what has skip (may be NULL), in which each rule and
 * element that has a text of its own has the comment `nsemig-NONCE-SLOT` instead of its
 * own, by which its text is found in the listing, and nothing else has a comment.
 */
struct nft_marked {
	struct nse_context *ctx; /* owned */
	uint32_t *origin;  /* owned: by slot of the copy, the slot of the original */
	uint8_t *unmarked; /* owned: by slot of the copy: must not be listed */
	uint64_t nonce;
};

int nft_mark(const struct nse_context *ctx, const uint8_t *skip, struct nft_marked *m);
void nft_marked_release(struct nft_marked *m);

/* The comment in an object's attributes, or {NULL, 0}. */
struct nse_bytes nft_comment(enum nft_type type, struct nse_bytes attrs);

/* Takes the listing of a marked context apart. The text is changed. 0, -ENOMEM. */
int nft_parse_listing(struct nft_texts *t, uint64_t nonce, char *listing);

/* libnftnl's form for each record that should have a text and has none. */
int nft_render_plain(struct nft_texts *t, struct nse_error *err);

#endif
