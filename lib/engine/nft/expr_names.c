/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names of expressions, for messages and for what texts do not say.
 */
#include "lib/engine/nft/expr_names.h"

#include <stdio.h>

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>

#include "lib/engine/nft/attr.h"

static void add(char *text, size_t room, size_t *len, struct nse_bytes name,
		struct nse_bytes of)
{
	if (*len < room)
		*len += (size_t)snprintf(text + *len, room - *len, "%s%.*s%s%.*s",
					 *len ? ", " : "", (int)name.n,
					 (const char *)name.p, of.n ? " " : "", (int)of.n,
					 (const char *)of.p);
}

void nft_expr_names(struct nse_bytes attrs, bool xt_only, char *text, size_t room)
{
	const struct nse_bytes none = { (const uint8_t *)"", 0 };
	struct nse_bytes list = nft_attr_find(attrs, NFTA_RULE_EXPRESSIONS);
	struct nse_cur c = nse_cur(list.p, list.n);
	struct nft_attr a;
	size_t len = 0;

	text[0] = '\0';
	while (nft_attr_next(&c, &a) > 0) {
		struct nse_bytes name =
			nft_attr_str(nft_attr_find(a.data, NFTA_EXPR_NAME));
		struct nse_bytes data = nft_attr_find(a.data, NFTA_EXPR_DATA);
		struct nse_bytes xt = none;

		/* A target has its name where a match has it. */
		if (nse_bytes_equal(name, nft_str("match")) ||
		    nse_bytes_equal(name, nft_str("target")))
			xt = nft_attr_str(nft_attr_find(data, NFTA_MATCH_NAME));
		if (!xt.p)
			xt = none;
		if (xt_only && xt.n)
			add(text, room, &len, xt, none);
		else if (!xt_only && name.p)
			add(text, room, &len, name, xt);
	}
}
