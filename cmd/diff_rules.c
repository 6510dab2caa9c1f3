/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The comparison tells which rules differ. All others stand on both sides in
 * one order, so that going through both chains at a time brings them together.
 */
#include "cmd/diff_rules.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/util/cleanup.h"

/* A chain's rules on both sides, and what became of each slot. */
struct pair {
	struct nft_rule **at[2];
	size_t n[2];
	const uint8_t *changes[2]; /* by slot: 1 + enum nse_change, 0: none; CHOSEN */
};

#define CHOSEN 0x80 /* the filter lets it through */

void diff_rules_release(struct diff_rules *r)
{
	for (size_t i = 0; i < r->n; i++)
		free(r->chains[i].rows);
	free(r->chains);
	nft_rule_list_release(&r->lists[0]);
	nft_rule_list_release(&r->lists[1]);
}

static uint8_t change_of(const struct pair *p, int side, size_t i)
{
	return i < p->n[side] ? p->changes[side][p->at[side][i]->slot] & ~CHOSEN : 0;
}

static bool is_chosen(const struct pair *p, int side, const struct nft_rule *rule)
{
	return rule && p->changes[side][rule->slot] & CHOSEN;
}

static bool differs(const struct pair *p)
{
	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < p->n[side]; i++)
			if (is_chosen(p, side, p->at[side][i]))
				return true;
	return false;
}

static void fill(const struct pair *p, struct diff_chain *c)
{
	size_t i = 0, j = 0;

	while (i < p->n[0] || j < p->n[1]) {
		struct diff_row *row = &c->rows[c->n++];
		uint8_t ca = change_of(p, 0, i), cb = change_of(p, 1, j);

		*row = (struct diff_row){ .number = j, .moved = DIFF_NOT_MOVED };
		row->sign = ca == 1 + NSE_REMOVED || j == p->n[1] ? '-'
			    : cb == 1 + NSE_ADDED || i == p->n[0] ? '+'
			    : ca == 1 + NSE_CHANGED		  ? '~'
								  : ' ';
		if (row->sign != '+')
			row->a = p->at[0][i++];
		if (row->sign != '-')
			row->b = p->at[1][j++];
	}
}

/* A rule that went and one that came, of the same content, are one that moved. */
static int find_moved(const struct pair *p, struct diff_chain *c)
{
	size_t n = p->n[0] + p->n[1], i = 0, j = 0;
	NSE_FREE uint32_t *classes = calloc(n + 1, sizeof(*classes));
	NSE_FREE struct diff_row **gone = calloc(n + 1, sizeof(struct diff_row *));
	NSE_FREE size_t *numbers = calloc(n + 1, sizeof(*numbers));

	if (!classes || !gone || !numbers ||
	    nft_rule_classes(p->at[0], p->n[0], p->at[1], p->n[1], classes) < 0)
		return -ENOMEM;
	for (struct diff_row *row = c->rows; row < c->rows + c->n; i += row++->a != NULL)
		if (row->sign == '-') {
			gone[classes[i]] = row;
			numbers[classes[i]] = i;
		}
	for (struct diff_row *row = c->rows; row < c->rows + c->n;
	     j += row++->b != NULL) {
		struct diff_row *from;

		if (row->sign != '+' || !gone[classes[p->n[0] + j]])
			continue;
		from = gone[classes[p->n[0] + j]];
		gone[classes[p->n[0] + j]] = NULL;
		row->moved = numbers[classes[p->n[0] + j]];
		from->moved = j;
	}
	return 0;
}

/* What the filter keeps back is on neither side, or as if it had not changed. */
static void drop_others(const struct pair *p, struct diff_chain *c)
{
	size_t kept = 0;

	for (size_t i = 0; i < c->n; i++) {
		struct diff_row row = c->rows[i];
		bool chosen = is_chosen(p, 0, row.a) || is_chosen(p, 1, row.b);

		if (row.sign == '~' && !chosen)
			row.sign = ' ';
		if (row.sign == ' ' || chosen)
			c->rows[kept++] = row;
	}
	c->n = kept;
}

static void show(struct diff_chain *c, size_t context)
{
	size_t first, last = 0;
	bool any = false;

	for (size_t i = 0; i < c->n; i++) {
		if (c->rows[i].sign == ' ') {
			c->rows[i].shown = any && i - last <= context;
			continue;
		}
		first = i < context ? 0 : i - context;
		for (size_t k = any && first <= last ? last + 1 : first; k <= i; k++)
			c->rows[k].shown = true;
		last = i;
		any = true;
	}
}

static int add_chain(struct diff_rules *r, const struct pair *p, size_t context)
{
	struct diff_chain *c;
	int rc;

	if (r->n == r->room) {
		size_t room = r->room ? 2 * r->room : 16;
		struct diff_chain *chains = realloc(r->chains, room * sizeof(*chains));

		if (!chains)
			return -ENOMEM;
		r->chains = chains;
		r->room = room;
	}
	c = &r->chains[r->n];
	*c = (struct diff_chain){ .key = (p->n[0] ? p->at[0][0] : p->at[1][0])->key };
	c->rows = calloc(p->n[0] + p->n[1], sizeof(*c->rows));
	if (!c->rows)
		return -ENOMEM;
	r->n++;
	fill(p, c);
	rc = find_moved(p, c);
	drop_others(p, c);
	show(c, context);
	return rc;
}

static int add_chains(struct diff_rules *r, const uint8_t *const changes[2],
		      size_t context)
{
	struct nft_rule_list *l = r->lists;
	size_t i = 0, j = 0;
	int rc = 0;

	while (rc == 0 && (i < l[0].n || j < l[1].n)) {
		size_t n = nft_rule_chain_end(&l[0], i) - i;
		size_t m = nft_rule_chain_end(&l[1], j) - j;
		int order = !n ? 1 : !m ? -1 : nft_rule_chain_cmp(l[0].at[i], l[1].at[j]);
		struct pair p = { .at = { l[0].at + i, l[1].at + j },
				  .n = { order > 0 ? 0 : n, order < 0 ? 0 : m },
				  .changes = { changes[0], changes[1] } };

		if (differs(&p))
			rc = add_chain(r, &p, context);
		i += p.n[0];
		j += p.n[1];
	}
	return rc;
}

static void mark(const struct nse_diff *d, uint8_t more, uint8_t *a, uint8_t *b)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct nse_diff_item *it = &d->items[i];

		if (it->change != NSE_ADDED)
			a[it->a] = (uint8_t)(1 + it->change) | more;
		if (it->change != NSE_REMOVED)
			b[it->b] = (uint8_t)(1 + it->change) | more;
	}
}

int diff_rules_make(struct diff_rules *r, const struct diff_print *p)
{
	const struct nse_context *ctx[2] = { p->a->ctx, p->b->ctx };
	NSE_FREE uint8_t *a = calloc(nse_context_slots(ctx[0]) + 1ul, 1);
	NSE_FREE uint8_t *b = calloc(nse_context_slots(ctx[1]) + 1ul, 1);
	int rc;

	*r = (struct diff_rules){ .n = 0 };
	if (!a || !b)
		return -ENOMEM;
	mark(p->all, 0, a, b);
	mark(p->diff, CHOSEN, a, b);
	rc = nft_rule_list_make(&r->lists[0], ctx[0]);
	if (rc == 0)
		rc = nft_rule_list_make(&r->lists[1], ctx[1]);
	return rc < 0 ? rc : add_chains(r, (const uint8_t *[]){ a, b }, p->context);
}

static int chain_cmp(const void *key, const void *chain)
{
	const struct nft_rule a = { .key = *(const struct nft_key *)key };
	const struct nft_rule b = { .key = ((const struct diff_chain *)chain)->key };

	return nft_rule_chain_cmp(&a, &b);
}

const struct diff_chain *diff_rules_find(const struct diff_rules *r,
					 const struct nft_key *key)
{
	return r->n ? bsearch(key, r->chains, r->n, sizeof(*r->chains), chain_cmp) : NULL;
}

void diff_rules_wanted(const struct diff_rules *r, int side, uint8_t *slots)
{
	for (size_t i = 0; i < r->n; i++)
		for (size_t k = 0; k < r->chains[i].n; k++) {
			const struct diff_row *row = &r->chains[i].rows[k];
			const struct nft_rule *rule = side ? row->b : row->a;

			/* What both have is shown as b has it. */
			if (row->shown && rule && (side || row->sign != ' '))
				slots[rule->slot] = 1;
		}
}
