/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The trial: would this host's kernel take the rules of a context?
 */
#ifndef NSE_ENGINE_NFT_TRIAL_H
#define NSE_ENGINE_NFT_TRIAL_H

#include "lib/context/context.h"
#include "lib/context/problem.h"
#include "lib/util/error.h"

/*
 * Loads all nft records of a (checked) context, the needed ones too but for
 * the rules of needed chains, into a throw-away network namespace, and appends
 * a problem for each message that the kernel refuses, with its own words and
 * the object's name; a note when there can be no trial (no right to make a
 * namespace, no answer in time). Nothing outside of that namespace is touched.
 * 0, or -errno when the context cannot be made into messages.
 */
int nft_trial(const struct nse_context *ctx, struct nse_problems *problems,
	      struct nse_error *err);

#endif
