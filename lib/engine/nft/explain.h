/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Why the objects of a live domain are in its context.
 */
#ifndef NSE_ENGINE_NFT_EXPLAIN_H
#define NSE_ENGINE_NFT_EXPLAIN_H

#include "lib/context/record.h"
#include "lib/context/scope.h"
#include "lib/util/error.h"

/*
 * Called for each record with the reason ("matches vif5.0"), and with rec NULL
 * for what names the domain and is not in: then the text is a whole sentence
 * that begins with the object's name. 0, or -errno to stop.
 */
typedef int nft_explain_cb(void *arg, const struct nse_record *rec, const char *why);

/*
 * Finds the closure of the scope in this host's ruleset as it is now. Nothing
 * is told of a scope that has everything. 0, -errno with a text, or what the
 * callback returned.
 */
int nft_explain(const struct nse_scope *scope, nft_explain_cb *cb, void *arg,
		struct nse_error *err);

#endif
