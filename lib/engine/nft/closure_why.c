/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The reasons of a closure in words.
 */
#include <stdio.h>
#include <string.h>

#include "lib/engine/nft/closure_private.h"

#define NAME_MAX_TEXT 512

/* A node by its name; what one rule has to itself is named after the rule. */
static const char *node_text(const struct nft_ruleset *rs, const struct nft_closure *c,
			     uint32_t node, char text[NAME_MAX_TEXT])
{
	const struct nft_node *n = &rs->nodes[node];
	struct nft_key key = { .type = n->type,
			       .family = n->family,
			       .table = rs->nodes[n->table].name,
			       .name = n->name,
			       .objtype = n->objtype };
	char rule[NAME_MAX_TEXT];

	if (nft_node_is_owned(n) && n->owner != node) {
		snprintf(text, NAME_MAX_TEXT, "the %s of %.480s",
			 n->type == NFT_CHAIN ? "block" : "set",
			 node_text(rs, c, n->owner, rule));
		return text;
	}
	if (n->type == NFT_RULE) {
		key.name = rs->nodes[n->chain].name;
		key.rule = c->number[node];
		if (nft_node_is_owned(&rs->nodes[n->chain])) {
			snprintf(text, NAME_MAX_TEXT, "rule %u of %.480s", key.rule,
				 node_text(rs, c, n->chain, rule));
			return text;
		}
	}
	nft_key_text(&key, text, NAME_MAX_TEXT);
	return text;
}

/* The name or address of the domain by which the node or element is in. */
static void matched(const struct nft_ruleset *rs, const struct nft_closure *c,
		    uint32_t node, uint32_t element, char text[NSE_ADDR_STR])
{
	const struct nft_node *n = &rs->nodes[node];
	struct nft_set_finder sets = { rs, node };
	struct nft_match m = { 0 };

	if (element != NFT_NODE_NONE && n->layout)
		nft_match_key(c->owners, n->layout, &n->elements[element], &m);
	else if (n->type == NFT_RULE)
		nft_match_rule(c->owners, n->family, n->attrs, nft_find_own_set, &sets,
			       &m);
	else
		nft_match_devices(c->owners, n->attrs, &m);
	if (m.mine)
		nft_value_text(&m.what, text, NSE_ADDR_STR);
	else
		snprintf(text, NSE_ADDR_STR, "the domain");
}

static bool is_ours(const struct nft_closure *c, const struct nft_ref *ref)
{
	if (ref->element != NFT_NODE_NONE && c->elements[ref->from])
		return c->elements[ref->from][ref->element].part == NFT_OURS;
	return c->nodes[ref->from].part == NFT_OURS;
}

/* Has it users besides `by`, of the domain or others? */
static void users(const struct nft_ruleset *rs, const struct nft_closure *c,
		  const struct nft_node *n, uint32_t by, bool *ours, bool *others)
{
	*ours = *others = false;
	for (uint32_t i = 0; i < n->nusers; i++) {
		const struct nft_ref *ref = &rs->refs[rs->users[n->first_user + i]];

		if (!is_ours(c, ref))
			*others = true;
		else if (ref->from != by)
			*ours = true;
	}
}

static void why_used(const struct nft_ruleset *rs, const struct nft_closure *c,
		     uint32_t node, const struct nft_member *m, char *text, size_t n)
{
	const struct nft_node *by = &rs->nodes[m->by];
	char name[NAME_MAX_TEXT];
	const char *of = "";
	bool ours, others;

	node_text(rs, c, m->by, name);
	if (by->type == NFT_SET && c->elements[m->by])
		of = "the domain's elements of ";
	users(rs, c, &rs->nodes[node], m->by, &ours, &others);
	if (m->part == NFT_NEEDED)
		snprintf(text, n, "needed by %s%s: used by others, too", of, name);
	else if (others)
		snprintf(text, n, "carried for %s%s: used by others, too", of, name);
	else
		snprintf(text, n, "used only by %s%s%s", of, name,
			 ours ? " and other parts of the domain" : "");
}

static void why_contains(const struct nft_ruleset *rs, const struct nft_closure *c,
			 uint32_t node, const struct nft_member *m, char *text, size_t n)
{
	char name[NAME_MAX_TEXT];

	if (m->by == node)
		snprintf(text, n, "%s: it has elements of the domain",
			 m->part == NFT_NEEDED ? "needed" : "carried");
	else if (rs->nodes[node].type == NFT_CHAIN && rs->nodes[m->by].type == NFT_SET)
		snprintf(text, n, "%s: its rules look into %s",
			 m->part == NFT_NEEDED ? "needed" : "carried",
			 node_text(rs, c, m->by, name));
	else
		snprintf(text, n, "%s: it has %s",
			 m->part == NFT_NEEDED ? "needed" : "carried",
			 node_text(rs, c, m->by, name));
}

static void why_part(const struct nft_ruleset *rs, const struct nft_closure *c,
		     const struct nft_member *m, char *text, size_t n)
{
	char name[NAME_MAX_TEXT];

	node_text(rs, c, m->by, name);
	if (m->part == NFT_SKELETON)
		snprintf(text, n, "needed: stands for all in %s", name);
	else
		snprintf(text, n, "part of %s", name);
}

static void why_selected(const struct nft_node *node, bool pattern, char *text, size_t n)
{
	const char *what = node->type == NFT_TABLE ? "table" : "chain";

	if (pattern)
		snprintf(text, n, "selected by the pattern of %ss in nsemig.conf", what);
	else
		snprintf(text, n, "selected by --%s", what);
}

/* What is not by itself what its set is. */
static struct nft_member member_of(const struct nft_closure *c, uint32_t node,
				   uint32_t element)
{
	struct nft_member m = c->nodes[node];

	if (element == NFT_NODE_NONE)
		return m;
	if (c->elements[node])
		return c->elements[node][element];
	if (m.reason != NFT_WHY_ALL) {
		m.reason = m.part == NFT_OURS ? NFT_WHY_PART : NFT_WHY_NONE;
		m.by = node;
	}
	return m;
}

void nft_closure_why(const struct nft_ruleset *rs, const struct nft_closure *c,
		     uint32_t node, uint32_t element, char *text, size_t n)
{
	struct nft_member m = member_of(c, node, element);
	char what[NSE_ADDR_STR];

	switch (m.reason) {
	case NFT_WHY_NONE:
		snprintf(text, n, "not of the domain");
		break;
	case NFT_WHY_ALL:
		snprintf(text, n, "everything was asked for");
		break;
	case NFT_WHY_SELECTED:
	case NFT_WHY_PATTERN:
		why_selected(&rs->nodes[node], m.reason == NFT_WHY_PATTERN, text, n);
		break;
	case NFT_WHY_VIF:
	case NFT_WHY_MAC:
	case NFT_WHY_ADDRESS:
		matched(rs, c, node, element, what);
		snprintf(text, n,
			 element != NFT_NODE_NONE	     ? "its key has %s"
			 : rs->nodes[node].type == NFT_CHAIN ? "its device is %s"
							     : "matches %s",
			 what);
		break;
	case NFT_WHY_USED:
		why_used(rs, c, node, &m, text, n);
		break;
	case NFT_WHY_CONTAINS:
		why_contains(rs, c, node, &m, text, n);
		break;
	case NFT_WHY_PART:
		why_part(rs, c, &m, text, n);
		break;
	case NFT_WHY_SHARED:
		snprintf(text, n, "stays: it names others together with the domain");
		break;
	case NFT_WHY_HELD:
		snprintf(text, n, "stays: a program holds its table");
		break;
	}
}
