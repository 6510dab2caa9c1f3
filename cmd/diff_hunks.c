/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A chain's rules that differ and those around them. Rules that went ahead of
 * others that came are looked through for pairs that were one rule.
 */
#include "cmd/diff_hunks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/diff_lines.h"
#include "cmd/diff_word.h"
#include "lib/util/cleanup.h"

/* Rules of which at least so many of 100 words are the same are one that changed. */
#define ALIKE	   50
#define LOOK_AHEAD 32 /* rules that are compared with one that went */

struct hunks {
	const struct diff_print *p;
	const struct nft_texts *texts[2];
};

/* A rule's text, or its name where there is none. */
static char *rule_text(const struct hunks *h, int side, const struct nft_rule *rule)
{
	char name[1024];
	struct nft_text text;

	if (nft_text_at(h->texts[side], rule->slot, &text))
		return strdup(text.text);
	nft_key_text(&rule->key, name, sizeof(name));
	return strdup(name);
}

static void print_row(const struct hunks *h, const struct diff_row *row)
{
	bool gone = row->sign == '-';
	const struct nft_rule *rule = gone ? row->a : row->b;
	NSE_FREE char *text = rule_text(h, !gone, rule);
	bool moved = row->moved != DIFF_NOT_MOVED;
	char note[80] = "";

	if (moved)
		snprintf(note, sizeof(note), "  # %smoved %s rule %zu",
			 rule->key.need ? "needed, " : "", gone ? "to" : "from",
			 row->moved);
	else if (row->sign != ' ')
		snprintf(note, sizeof(note), "%s", rule->key.need ? "  # needed" : "");
	if (text)
		(moved ? diff_lines_moved : diff_lines)(h->p, row->sign, text, note);
}

/* Are the two what was one rule before? */
static bool is_change(const struct hunks *h, const char *ta, const char *tb)
{
	return strcmp(ta, tb) == 0 || (h->p->word && diff_word_likeness(ta, tb) >= ALIKE);
}

/* Of the rows from `from` on that one of b's rules which a's has become, or end. */
static const struct diff_row *find_partner(const struct hunks *h,
					   const struct diff_row *row,
					   const struct diff_row *from,
					   const struct diff_row *end)
{
	NSE_FREE char *ta = rule_text(h, 0, row->a);
	const struct diff_row *last = end - from > LOOK_AHEAD ? from + LOOK_AHEAD : end;

	for (; ta && row->moved == DIFF_NOT_MOVED && from < last; from++) {
		NSE_FREE char *tb = rule_text(h, 1, from->b);

		if (tb && from->moved == DIFF_NOT_MOVED &&
		    from->b->key.need == row->a->key.need && is_change(h, ta, tb))
			return from;
	}
	return end;
}

static void print_partners(const struct hunks *h, const struct nft_rule *a,
			   const struct nft_rule *b)
{
	NSE_FREE char *ta = rule_text(h, 0, a), *tb = rule_text(h, 1, b);

	if (ta && tb)
		diff_lines_pair(h->p, ta, tb, a->slot, b->slot,
				b->key.need ? "  # needed" : "");
}

/* Rules that went, and right behind them those that came in their place. */
static void print_run(const struct hunks *h, const struct diff_row *gone,
		      const struct diff_row *come, const struct diff_row *end)
{
	const struct diff_row *next = come;

	for (; gone < come; gone++) {
		const struct diff_row *to = find_partner(h, gone, next, end);

		if (to == end) {
			print_row(h, gone);
			continue;
		}
		while (next < to)
			print_row(h, next++);
		print_partners(h, gone->a, to->b);
		next++;
	}
	while (next < end)
		print_row(h, next++);
}

static void print_hunk_heading(const struct hunks *h, const struct diff_chain *c,
			       const struct diff_row *row)
{
	char text[1024], more[40] = "";
	struct nft_key key = c->key;

	key.type = NFT_CHAIN;
	nft_key_text(&key, text, sizeof(text));
	if (row->number)
		snprintf(more, sizeof(more), " rule %zu", row->number);
	diff_print_heading(h->p, text, more);
}

void diff_hunks(const struct diff_print *p, struct nft_texts *const texts[2],
		const struct diff_chain *c, bool headed)
{
	const struct hunks hunks = { p, { texts[0], texts[1] } }, *h = &hunks;
	const struct diff_row *row = c->rows, *end = c->rows + c->n;

	while (row < end) {
		const struct diff_row *come = row, *next;

		if (row->shown && (row == c->rows ? !headed : !row[-1].shown))
			print_hunk_heading(h, c, row);
		while (come < end && come->sign == '-')
			come++;
		for (next = come; next < end && next->sign == '+';)
			next++;
		if (next > row) {
			print_run(h, row, come, next);
		} else {
			if (row->sign == '~')
				print_partners(h, row->a, row->b);
			else if (row->shown)
				print_row(h, row);
			next++;
		}
		row = next;
	}
}
