/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rules of the chains in which some differ, as both sides together have
 * them, for hunks in the manner of diff -u.
 */
#ifndef NSE_CMD_DIFF_RULES_H
#define NSE_CMD_DIFF_RULES_H

#include <stdbool.h>

#include "cmd/diff_print.h"
#include "lib/engine/nft/rule_list.h"

#define DIFF_NOT_MOVED SIZE_MAX

struct diff_row {
	char sign;  /* ' ' on both sides, '-' in a, '+' in b, '~' changed */
	bool shown; /* differs, or is near to one that does */
	const struct nft_rule *a, *b; /* the one that there is */
	size_t number; /* in b, from 0; of '-' that of the next one there */
	size_t moved;  /* number on the other side, where it stands too */
};

struct diff_chain {
	struct nft_key key; /* of one of its rules; views into a context */
	struct diff_row *rows;
	size_t n;
};

struct diff_rules {
	struct nft_rule_list lists[2];
	struct diff_chain *chains; /* owned: in the order of nft_rule_chain_cmp() */
	size_t n, room;
};

/* 0 or -ENOMEM; released in any case. */
int diff_rules_make(struct diff_rules *r, const struct diff_print *p);
void diff_rules_release(struct diff_rules *r);

/* The chain of that rule's key, NULL: none of its rules differs. */
const struct diff_chain *diff_rules_find(const struct diff_rules *r,
					 const struct nft_key *key);

/* Marks the slots of a side (0: a, 1: b) whose rules are shown. */
void diff_rules_wanted(const struct diff_rules *r, int side, uint8_t *slots);

#endif
