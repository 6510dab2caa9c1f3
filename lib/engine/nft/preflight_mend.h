/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command that mends a refusal.
 */
#ifndef NSE_ENGINE_NFT_PREFLIGHT_MEND_H
#define NSE_ENGINE_NFT_PREFLIGHT_MEND_H

#include "lib/engine/engine.h"

#define NFT_MEND 1024

/* For one of the job's refusals; "" when no command is known. Returns out. */
const char *nft_preflight_mend(const struct nse_job *job, const struct nse_refusal *r,
			       char out[NFT_MEND]);

#endif
