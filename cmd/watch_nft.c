/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Changed nft records as lines: the chain or the set, then the rule or the element
 * as a listing has it; a whole chain, set or object with its block on one line.
 */
#include "cmd/watch_nft.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/nft_order.h"
#include "lib/engine/nft/object.h"
#include "lib/engine/nft/render.h"
#include "lib/util/cleanup.h"

struct watch_nft {
	struct nft_texts *texts[2]; /* before, after; owned */
};

void watch_nft_free(struct watch_nft *w)
{
	if (!w)
		return;
	nft_texts_free(w->texts[0]);
	nft_texts_free(w->texts[1]);
	free(w);
}

void watch_nft_freep(struct watch_nft **w)
{
	watch_nft_free(*w);
}

static const struct nse_context *side(const struct nse_watch_news *news, bool after)
{
	return after ? news->b : news->a;
}

static uint32_t slot_of(const struct nse_diff_item *it, bool after)
{
	return after ? it->b : it->a;
}

static bool key_of(const struct nse_watch_news *news, size_t item, bool after,
		   struct nft_key *key)
{
	uint32_t slot = slot_of(&news->diff->items[item], after);
	struct nse_record rec;

	return slot != NSE_CONTEXT_NONE &&
	       nse_context_at(side(news, after), slot, &rec) && cmd_nft_key(&rec, key);
}

static int render(struct watch_nft *w, const struct nse_watch_news *news, bool after,
		  bool state, struct nse_error *err)
{
	const struct nse_context *ctx = side(news, after);
	NSE_FREE uint8_t *wanted = calloc(nse_context_slots(ctx) + 1ul, 1);
	struct nft_key key;
	bool any = false;

	if (!wanted)
		return nse_error(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < news->diff->n; i++) {
		if (!key_of(news, i, after, &key))
			continue;
		wanted[slot_of(&news->diff->items[i], after)] = 1;
		any = true;
	}
	return any ? nft_render_some(ctx, wanted, state ? 0 : NFT_RENDER_STATELESS,
				     &w->texts[after], err)
		   : 0;
}

int watch_nft_new(struct watch_nft **out, const struct nse_watch_news *news, bool state,
		  struct nse_error *err)
{
	NSE_CLEANUP(watch_nft_freep) struct watch_nft *w = calloc(1, sizeof(*w));
	int rc;

	*out = NULL;
	if (!w)
		return nse_error(err, -ENOMEM, "out of memory");
	rc = render(w, news, false, state, err) ?: render(w, news, true, state, err);
	if (rc == 0 && (w->texts[0] || w->texts[1]))
		*out = nse_take(w);
	return rc;
}

/* Several lines as one: "type filter hook forward priority 0; policy accept;". */
static void put_on_one_line(FILE *f, const char *text)
{
	for (const char *s = text; *s; s++) {
		if (*s == '\n' && s > text && !strchr(";{,", s[-1]))
			fputc(';', f);
		if (*s == '\n')
			fputc(' ', f);
		else if (*s != '\t' || (s > text && s[-1] != '\n' && s[-1] != '\t'))
			fputc(*s, f);
	}
}

/* Is the end of an interval told by its beginning, which changes with it? */
static bool has_start(const struct nse_watch_news *news, size_t item, bool after,
		      const struct nft_key *end)
{
	struct nft_key key;

	for (size_t i = 0; i < news->diff->n; i++)
		if (i != item && key_of(news, i, after, &key) &&
		    key.type == NFT_ELEMENT && key.kind == NFT_ELEMENT_PLAIN &&
		    cmd_nft_block_cmp(&key, end) == 0)
			return true;
	return false;
}

static void put_line(FILE *f, struct nft_key key, const struct nft_text *text)
{
	bool inside = cmd_nft_is_inside(&key);
	char block[1024];

	key.type = key.type == NFT_RULE	     ? NFT_CHAIN
		   : key.type == NFT_ELEMENT ? NFT_SET
					     : key.type;
	nft_key_text(&key, block, sizeof(block));
	fprintf(f, "nft %s%s", block, inside ? ": " : *text->text ? " { " : "");
	put_on_one_line(f, text->text);
	fprintf(f, "%s%s", inside || !*text->text ? "" : " }",
		key.need ? "  # needed" : "");
}

char *watch_nft_line(const struct watch_nft *w, const struct nse_watch_news *news,
		     size_t item, bool after)
{
	struct nft_text text = { 0 };
	struct nft_key key;
	char *line = NULL, name[1024];
	size_t n;
	FILE *f;

	if (!key_of(news, item, after, &key))
		return NULL;
	if (!nft_text_at(w->texts[after], slot_of(&news->diff->items[item], after),
			 &text)) {
		if (nft_name_is_ours(key.name) ||
		    (key.type == NFT_ELEMENT && key.kind == NFT_ELEMENT_END &&
		     has_start(news, item, after, &key)))
			return NULL;
		nft_key_text(&key, name, sizeof(name));
		return asprintf(&line, "nft %s", name) < 0 ? NULL : line;
	}
	f = open_memstream(&line, &n);
	if (!f)
		return NULL;
	put_line(f, key, &text);
	fclose(f);
	return line;
}
