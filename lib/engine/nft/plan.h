/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is to be done with each record of a job that installs, decided by what
 * the host has. Everything is done or nothing: when one record is refused none
 * is made.
 */
#ifndef NSE_ENGINE_NFT_PLAN_H
#define NSE_ENGINE_NFT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/engine/engine.h"
#include "lib/engine/nft/build_order.h"
#include "lib/engine/nft/host.h"

enum nft_todo {
	NFT_UNDECIDED,
	NFT_CREATE,
	NFT_KEEP,
	NFT_REFUSE, /* the reason is in the job */
};

struct nft_plan {
	struct nse_job *job;
	const struct nse_context *ctx; /* of the job */
	struct nft_order order;
	struct nft_host host;
	uint8_t *todo;	  /* owned; enum nft_todo by slot */
	uint64_t *before; /* owned; by slot: handle of the rule in front of which a
			     rule goes; NULL: all go to the end of their chain */
	bool refused;
};

/* Sorts the job's records. 0 or -ENOMEM; released in any case. */
int nft_plan_init(struct nft_plan *p, struct nse_job *job, struct nse_error *err);
void nft_plan_release(struct nft_plan *p);

/*
 * Reads the host and decides anew about every record. 0 (see refused), -EAGAIN
 * when the host's ruleset changed meanwhile, -errno.
 */
int nft_plan_decide(struct nft_plan *p, struct nse_error *err);

/* What the files of the plan share. */

/* Refuses a record in the job, too; the object's name is put ahead. */
void nft_plan_refuse(struct nft_plan *p, uint32_t slot, int code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* All records of a run. */
void nft_plan_set(struct nft_plan *p, const struct nft_run *run, enum nft_todo todo);

/* The slot of the record of that type (ours or needed) with the key's names. */
uint32_t nft_plan_find(const struct nft_plan *p, enum nft_type type, bool need,
		       const struct nft_key *key);

/* plan_element.c: elements of sets that have a name. */
int nft_plan_elements(struct nft_plan *p, struct nse_error *err);
/* plan_rule.c: rules of chains that have a name. */
int nft_plan_rules(struct nft_plan *p, struct nse_error *err);

#endif
