/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tables and chains that a scope chooses by name, and those tables that
 * nobody can move: of programs that hold them, and of our own guard.
 */
#include <errno.h>
#include <string.h>

#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/closure_private.h"
#include "lib/engine/nft/select.h"

#define GUARD "nsemig-guard-"

/* Gives a colour to a table with all that is in it. */
static void color_table(struct nft_finder *f, uint32_t table, uint8_t bits,
			enum nft_reason reason)
{
	for (uint32_t i = 0; i < f->rs->n; i++) {
		if (f->rs->nodes[i].table != table)
			continue;
		f->colors[i] |= bits | NFT_CHOSEN;
		if (reason != NFT_WHY_NONE)
			f->c->nodes[i] = (struct nft_member){
				.reason = (uint8_t)(i == table ? reason : NFT_WHY_PART),
				.by = i == table ? NFT_NODE_NONE : table,
			};
	}
}

static void color_held(struct nft_finder *f)
{
	for (uint32_t i = 0; i < f->rs->ntables; i++) {
		const struct nft_node *n = &f->rs->nodes[i];
		size_t len = strlen(GUARD);

		if (n->name.n > len && memcmp(n->name.p, GUARD, len) == 0)
			color_table(f, i, NFT_OTHERS | NFT_HELD | NFT_INVISIBLE,
				    NFT_WHY_NONE);
		else if (n->flags & NFT_TABLE_F_OWNER)
			color_table(f, i, NFT_OTHERS | NFT_HELD, NFT_WHY_NONE);
	}
}

static int missing(struct nft_finder *f, const struct nft_selector *s, const char *text)
{
	if (s->may_miss)
		return 0;
	return nse_error(f->err, -ENOENT, "there is no %s '%s' here",
			 s->chain.n ? "chain" : "table", text);
}

static int select_one(struct nft_finder *f, const char *text, bool chain)
{
	struct nft_selector s;
	enum nft_reason reason;
	uint32_t table, node;

	if (!nft_selector_read(text, chain, &s))
		return nse_error(f->err, -EINVAL, "'%s' is not a table or chain", text);
	reason = s.may_miss ? NFT_WHY_PATTERN : NFT_WHY_SELECTED;
	table = nft_ruleset_find(f->rs, NFT_TABLE, s.family, s.table, s.table, 0);
	if (table == NFT_NODE_NONE || f->colors[table] & NFT_INVISIBLE)
		return missing(f, &s, text);
	if (f->colors[table] & NFT_HELD)
		return nse_error(f->err, -EBUSY,
				 "the table of '%s' belongs to a program that runs here "
				 "(it has the flag 'owner'), and cannot be moved",
				 text);
	if (!chain) {
		color_table(f, table, NFT_MINE, reason);
		return 0;
	}
	node = nft_ruleset_find(f->rs, NFT_CHAIN, s.family, s.table, s.chain, 0);
	if (node == NFT_NODE_NONE)
		return missing(f, &s, text);
	f->colors[node] |= NFT_MINE | NFT_CHOSEN;
	if (f->c->nodes[node].reason == NFT_WHY_NONE)
		f->c->nodes[node] = (struct nft_member){ .reason = (uint8_t)reason,
							 .by = NFT_NODE_NONE };
	return 0;
}

int nft_find_selected(struct nft_finder *f)
{
	const struct nse_scope *s = f->scope;
	int rc = 0;

	color_held(f);
	for (size_t i = 0; i < s->ntables && rc == 0; i++)
		rc = select_one(f, s->tables[i], false);
	for (size_t i = 0; i < s->nchains && rc == 0; i++)
		rc = select_one(f, s->chains[i], true);
	return rc;
}
