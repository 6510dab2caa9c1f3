/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a walk finds, as text.
 */
#ifndef TESTS_UNIT_NFT_SITES_H
#define TESTS_UNIT_NFT_SITES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/engine/nft/ruleset.h"
#include "lib/engine/nft/walk.h"
#include "lib/util/cleanup.h"

static const char *const nft_site_kinds[] = {
	[NFT_SITE_SET] = "set",		[NFT_SITE_CHAIN] = "chain",
	[NFT_SITE_OBJECT] = "object",	[NFT_SITE_FLOWTABLE] = "flowtable",
	[NFT_SITE_DEVICE] = "device",	[NFT_SITE_IFNAME] = "ifname",
	[NFT_SITE_IFINDEX] = "ifindex", [NFT_SITE_MAC] = "mac",
	[NFT_SITE_IP4] = "ip4",		[NFT_SITE_IP6] = "ip6",
	[NFT_SITE_XT] = "xt",		[NFT_SITE_VALUE] = "value",
};
static const char *const nft_site_ops[] = {
	[NFT_OP_NONE] = "",   [NFT_OP_EQ] = "==",   [NFT_OP_NEQ] = "!=",
	[NFT_OP_OTHER] = "?", [NFT_OP_FROM] = ">=", [NFT_OP_TO] = "<=",
};

/* Sites as text: "ip4==0a000001", or with "/24" behind when bits are masked. */
struct seen {
	char text[2048];
	size_t n;
};

static inline int on_site(void *arg, const struct nft_site *s, struct nse_buf *to)
{
	struct seen *seen = arg;
	FILE *f = fmemopen(seen->text + seen->n, sizeof(seen->text) - seen->n, "w");

	(void)to;
	fprintf(f, "%s%s%s", seen->n ? " " : "", nft_site_kinds[s->kind],
		nft_site_ops[s->op]);
	if (s->kind <= NFT_SITE_DEVICE || s->kind == NFT_SITE_IFNAME) {
		fprintf(f, ":");
		/* The kernel counts its own chains through all tests. */
		for (size_t i = 0; i < s->data.n; i++)
			if (s->kind == NFT_SITE_CHAIN && s->data.p[0] == '_' && i > 6)
				break;
			else if (s->data.p[i] > ' ' && s->data.p[i] < 127)
				fprintf(f, "%c", s->data.p[i]);
		if (s->kind == NFT_SITE_IFNAME && s->data.n != 16)
			fprintf(f, "*");
	} else if (s->kind == NFT_SITE_XT) {
		fprintf(f, ":%.*s", (int)s->name.n, s->name.p);
	} else if (s->kind != NFT_SITE_VALUE && s->kind != NFT_SITE_IFINDEX) {
		fprintf(f, ":");
		for (size_t i = 0; i < s->data.n; i++)
			fprintf(f, "%02x", s->data.p[i]);
	}
	if (s->kind >= NFT_SITE_IFNAME && s->kind <= NFT_SITE_IP6 &&
	    s->bits != s->data.n * 8)
		fprintf(f, "/%u", s->bits);
	fclose(f);
	seen->n = strlen(seen->text);
	return 0;
}

static inline void assert_sites(uint8_t family, enum nft_type type,
				struct nse_bytes attrs, const struct nft_layout *layout,
				const char *expected)
{
	struct seen seen = { .n = 0 };

	assert_int_equal(nft_walk_in(family, type, attrs, layout, on_site, &seen, NULL),
			 0);
	assert_string_equal(seen.text, expected);
}

/* A walk that changes nothing gives the same bytes. */
static inline void assert_same(const struct nft_node *n, enum nft_type type,
			       struct nse_bytes attrs)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf out = NSE_BUF_INIT(1u << 20);
	struct seen seen = { .n = 0 };

	assert_int_equal(
		nft_walk_in(n->family, type, attrs, n->layout, on_site, &seen, &out), 0);
	assert_int_equal(out.len, attrs.n);
	assert_memory_equal(out.data, attrs.p, attrs.n);
}

#endif
