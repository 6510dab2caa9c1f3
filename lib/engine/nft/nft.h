/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The nft engine: tables, chains, rules, sets and maps with their elements,
 * stateful objects and flowtables of nf_tables.
 */
#ifndef NSE_ENGINE_NFT_NFT_H
#define NSE_ENGINE_NFT_NFT_H

#include "lib/engine/engine.h"

extern const struct nse_engine nse_engine_nft;

#endif
