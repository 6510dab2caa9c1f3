/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The closure of web1 (nft_domains.h) as a text that a test can expect.
 */
#ifndef TESTS_UNIT_NFT_CLOSURES_H
#define TESTS_UNIT_NFT_CLOSURES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/netfilter.h>

#include "lib/engine/nft/closure.h"
#include "lib/util/cleanup.h"
#include "tests/unit/nft_domains.h"

static struct nft_closure c;

static UNUSED int closure_teardown(void **state)
{
	nft_closure_release(&c);
	return domains_teardown(state);
}

/* The kernel never takes the same name for a block twice. */
static struct nse_bytes name_of(uint32_t node)
{
	const struct nft_node *n = &rs->nodes[node];

	if (n->type == NFT_CHAIN && nft_node_is_owned(n))
		return (struct nse_bytes){ (const uint8_t *)"block", 5 };
	return n->name;
}

static void node_key(uint32_t node, struct nft_key *key)
{
	const struct nft_node *n = &rs->nodes[node];

	*key = (struct nft_key){ .type = n->type,
				 .family = n->family,
				 .table = rs->nodes[n->table].name,
				 .name = name_of(node),
				 .objtype = n->objtype,
				 .rule = n->number };
	if (n->type == NFT_RULE)
		key->name = name_of(n->chain);
}

/* The name that a key begins with, the rest in hexadecimal; 4 bytes dotted. */
static void element_text(uint32_t set, const struct nft_element *e, char *text, size_t n)
{
	size_t at = strnlen((const char *)e->bytes.p, e->bytes.n), len;

	at = e->bytes.n >= 16 && e->bytes.p[0] == 'v' && at < 16 ? at : 0;
	/* Numbers of interfaces are another each time. */
	if (rs->nodes[set].layout->key[0].kind == NFT_SITE_IFINDEX) {
		snprintf(text, n, "INDEX");
		return;
	}
	snprintf(text, n, "%s%.*s", e->kind == NFT_ELEMENT_END ? "end " : "", (int)at,
		 (const char *)e->bytes.p);
	len = strlen(text);
	if (e->bytes.n == 4)
		snprintf(text + len, n - len, "%u.%u.%u.%u", e->bytes.p[0], e->bytes.p[1],
			 e->bytes.p[2], e->bytes.p[3]);
	while (at && at < e->bytes.n && at < 16 && e->bytes.p[at] == 0)
		at++;
	for (size_t i = at; i < e->bytes.n && e->bytes.n != 4; i++)
		snprintf(text + len + 2 * (i - at), n - len - 2 * (i - at), "%02x",
			 e->bytes.p[i]);
}

static const char *const parts[] = { "-", "ours", "needed", "skeleton" };

struct lines {
	char *at[400];
	size_t n;
};

static void add_line(struct lines *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add_line(struct lines *l, const char *fmt, ...)
{
	va_list ap;

	assert_true(l->n < 400);
	va_start(ap, fmt);
	assert_true(vasprintf(&l->at[l->n++], fmt, ap) > 0);
	va_end(ap);
}

static void print_node(struct lines *l, uint32_t i)
{
	uint8_t part = c.nodes[i].part;
	struct nft_key key;
	char text[300], where[40] = "";

	node_key(i, &key);
	nft_key_text(&key, text, sizeof(text));
	if (rs->nodes[i].type == NFT_RULE && part == NFT_OURS &&
	    c.place[i] != NFT_PLACE_NONE)
		snprintf(where, sizeof(where), " #%u behind %u", c.number[i], c.place[i]);
	else if (rs->nodes[i].type == NFT_RULE)
		snprintf(where, sizeof(where), " #%u", c.number[i]);
	if (part != NFT_NOT_OURS)
		add_line(l, "%s %s%s", parts[part], text, where);
	for (uint32_t k = 0; c.elements[i] && k < rs->nodes[i].nelements; k++) {
		if (c.elements[i][k].part == NFT_NOT_OURS)
			continue;
		element_text(i, &rs->nodes[i].elements[k], text, sizeof(text));
		add_line(l, "%s element %s of %.*s", parts[c.elements[i][k].part], text,
			 (int)key.name.n, (const char *)key.name.p);
	}
}

static int line_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *joined(struct lines *l)
{
	char *all = calloc(1, 65536);

	qsort(l->at, l->n, sizeof(l->at[0]), line_cmp);
	for (size_t i = 0; i < l->n; i++) {
		strncat(all, l->at[i], 65535 - strlen(all));
		strncat(all, "\n", 65535 - strlen(all));
		free(l->at[i]);
	}
	return all;
}

static UNUSED void find(void)
{
	nft_closure_release(&c);
	if (nft_closure_find(rs, &scope, scope.carry_shared, &c, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(c.n, rs->n);
}

/* The closure, sorted, as one text. */
static UNUSED void assert_closure(const char *want)
{
	struct lines l = { .n = 0 };
	NSE_FREE char *got = NULL;

	find();
	for (uint32_t i = 0; i < rs->n; i++)
		print_node(&l, i);
	for (uint32_t i = 0; i < c.nshared; i++) {
		struct nft_key key;
		char text[300];

		node_key(c.shared[i], &key);
		nft_key_text(&key, text, sizeof(text));
		add_line(&l, "shared %s", text);
	}
	got = joined(&l);
	if (strcmp(got, want) != 0)
		fail_msg("got:\n%swanted:\n%s", got, want);
}

static UNUSED uint32_t node_of(enum nft_type type, const char *name, uint32_t rule)
{
	struct nse_bytes table = { (const uint8_t *)"filter", 6 };
	struct nse_bytes b = { (const uint8_t *)name, strlen(name) };
	uint32_t objtype = strcmp(name, "web1-quota") == 0 ? 2 : 1, n;

	n = nft_ruleset_find(rs, type == NFT_RULE ? NFT_CHAIN : type, NFPROTO_INET, table,
			     b, objtype);
	assert_int_not_equal(n, NFT_NODE_NONE);
	return type == NFT_RULE ? rs->nodes[n].first_rule + rule : n;
}

static UNUSED void assert_why(uint32_t node, uint32_t element, const char *want)
{
	char text[400];

	nft_closure_why(rs, &c, node, element, text, sizeof(text));
	assert_string_equal(text, want);
}

#endif
