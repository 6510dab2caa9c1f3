/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Selectors of tables and chains.
 */
#include "lib/engine/nft/select.h"

#include <string.h>

#include "lib/engine/nft/object.h"

/* Takes the part up to the next ':' or the end. */
static struct nse_bytes part(const char **text)
{
	struct nse_bytes b = { (const uint8_t *)*text, strcspn(*text, ":") };

	*text += b.n;
	if (**text)
		++*text;
	return b;
}

bool nft_selector_read(const char *text, bool chain, struct nft_selector *s)
{
	struct nse_bytes family;
	int number;

	*s = (struct nft_selector){ .may_miss = *text == '?' };
	text += s->may_miss;
	family = part(&text);
	number = nft_family_parse((const char *)family.p, family.n);
	if (number < 0)
		return false;
	s->family = (uint8_t)number;
	s->table = part(&text);
	if (chain)
		s->chain = part(&text);
	return s->table.n && (s->chain.n || !chain) && !*text;
}

static bool same_table(const struct nft_selector *s, uint8_t family,
		       struct nse_bytes table)
{
	return s->family == family && nse_bytes_equal(s->table, table);
}

bool nft_selects_table(const struct nse_scope *scope, uint8_t family,
		       struct nse_bytes table)
{
	struct nft_selector s;

	for (size_t i = 0; i < scope->ntables; i++)
		if (nft_selector_read(scope->tables[i], false, &s) &&
		    same_table(&s, family, table))
			return true;
	return false;
}

bool nft_selects_chain(const struct nse_scope *scope, uint8_t family,
		       struct nse_bytes table, struct nse_bytes chain)
{
	struct nft_selector s;

	if (nft_selects_table(scope, family, table))
		return true;
	for (size_t i = 0; i < scope->nchains; i++)
		if (nft_selector_read(scope->chains[i], true, &s) &&
		    same_table(&s, family, table) && nse_bytes_equal(s.chain, chain))
			return true;
	return false;
}
