/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The functions of the nft engine's table (engine.h says what each must do),
 * shared between its files.
 */
#ifndef NSE_ENGINE_NFT_NFT_ENGINE_H
#define NSE_ENGINE_NFT_NFT_ENGINE_H

#include "lib/engine/engine.h"

int nft_facts(json_t *facts, struct nse_error *err);
int nft_preflight(const struct nse_context *ctx, const struct nse_arrival *as,
		  struct nse_problems *problems, struct nse_error *err);
int nft_collect(const struct nse_scope *scope, const struct nse_sink *sink,
		struct nse_error *err);
int nft_check(const struct nse_record *rec, struct nse_error *err);
bool nft_in_scope(const struct nse_scope *scope, const struct nse_record *rec);
int nft_relocate(const struct nse_map *map, const struct nse_record *rec,
		 struct nse_buf *key, struct nse_buf *body, struct nse_buf *state,
		 struct nse_error *err);
int nft_install(struct nse_job *job, struct nse_error *err);
int nft_verify(struct nse_job *job, struct nse_error *err);
int nft_undo(struct nse_job *job, struct nse_error *err);
int nft_remove(struct nse_job *job, struct nse_error *err);
int nft_describe(const struct nse_record *rec, json_t *key, json_t *body, json_t *state);

/*
 * Is everything in the context part of the closure of the announced scope
 * (whose tables and chains the caller has allowed)? Rules of chains that are
 * needed and elements of sets that are needed match the domain, every other
 * object is selected or referred to by what is in. -EPERM names the first
 * object that is not.
 */
int nft_admit(const struct nse_scope *scope, const struct nse_context *ctx,
	      struct nse_error *err);

#endif
