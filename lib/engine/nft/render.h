/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records as text for people, in nft's own syntax. nft(8) itself says what they
 * look like: they are loaded into a throw-away network namespace, and its
 * listing is taken apart. Where there is no nft(8), no such namespace, or a
 * record that does not go through, libnftnl's form stands for it.
 */
#ifndef NSE_ENGINE_NFT_RENDER_H
#define NSE_ENGINE_NFT_RENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/context/context.h"
#include "lib/util/error.h"

#define NFT_RENDER_STATELESS 0x1 /* without counters and what else moves */
#define NFT_RENDER_PLAIN     0x2 /* do not ask nft(8) */

struct nft_texts;

struct nft_text {
	/*
	 * What stands in front of the braces: "table inet filter", "chain web",
	 * "ct helper ftp"; NULL for rules and elements.
	 */
	const char *head;
	/*
	 * What stands between them, lines without a newline at the end; of a rule
	 * or an element all of it. Bytes of a file, not fit for a terminal.
	 */
	const char *text;
	bool plain; /* libnftnl's form */
};

/*
 * Renders the nft records of a context, which need not be checked. 0, or -errno
 * with a text: a record that cannot be shown is no error. Freed by
 * nft_texts_free(NULL ok).
 */
int nft_render(const struct nse_context *ctx, unsigned int flags, struct nft_texts **out,
	       struct nse_error *err);

/*
 * The same, but of rules and elements only those for which wanted[slot] is not
 * 0, and what their texts need.
 */
int nft_render_some(const struct nse_context *ctx, const uint8_t *wanted,
		    unsigned int flags, struct nft_texts **out, struct nse_error *err);
void nft_texts_free(struct nft_texts *t);
void nft_texts_freep(struct nft_texts **t);

/*
 * The text of a slot; false when it has none: no record of this engine, a part
 * of another record's text (the sets and chains that rules have of their own,
 * the ends of intervals), or one that nothing can show.
 */
bool nft_text_at(const struct nft_texts *t, uint32_t slot, struct nft_text *text);

/* What nft(8) said, and why it could not say more: lines, or "". */
const char *nft_texts_notes(const struct nft_texts *t);

#endif
