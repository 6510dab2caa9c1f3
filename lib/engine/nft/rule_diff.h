/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Differences of rules by content and order. A rule's key is its number in the
 * chain, so that one rule that is put in front would change all others; here a
 * chain is compared as diff(1) compares the lines of a file, and the sets and
 * chains that rules have of their own go with their rules.
 */
#ifndef NSE_ENGINE_NFT_RULE_DIFF_H
#define NSE_ENGINE_NFT_RULE_DIFF_H

#include "lib/context/context.h"
#include "lib/context/diff.h"
#include "lib/util/error.h"

/*
 * Rewrites the result of nse_diff(a, b, flags, d): rules that stand on both
 * sides in the same order are no difference, whatever their numbers are (with
 * NSE_DIFF_STATE they are changed when their states differ), and others are
 * removed or added. The items of a chain's rules are consecutive and in their
 * order in the chain, those that were removed ahead of those that stand in
 * their place; skeleton rules (need-rule) stand among the chain's own. Records
 * that are no good keep their items. 0 or -ENOMEM, and then d is as it was.
 */
int nft_rule_diff(const struct nse_context *a, const struct nse_context *b,
		  unsigned int flags, struct nse_diff *d, struct nse_error *err);

#endif
