/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where the records of a job are on this host by now: by their names, and
 * rules by their content, wherever they stand in their chain.
 */
#ifndef NSE_ENGINE_NFT_LOCATE_H
#define NSE_ENGINE_NFT_LOCATE_H

#include <stdint.h>

#include "lib/engine/engine.h"
#include "lib/engine/nft/build_order.h"
#include "lib/engine/nft/host.h"

enum nft_found {
	NFT_ABSENT,
	NFT_ALIKE,   /* there, with the record's body */
	NFT_DIFFERS, /* there, and another one by now */
};

struct nft_located {
	struct nse_job *job;
	const struct nse_context *ctx; /* of the job */
	enum nse_outcome which;	       /* records of that outcome are looked for */
	struct nft_order order;
	struct nft_host host;
	uint32_t *node; /* owned; by slot, NFT_NODE_NONE. Of elements: the set */
	uint8_t *found; /* owned; by slot, enum nft_found */
};

/* 0 or -ENOMEM; released in any case. */
int nft_locate_init(struct nft_located *l, struct nse_job *job, enum nse_outcome which,
		    struct nse_error *err);
void nft_locate_release(struct nft_located *l);

/*
 * Reads the host and finds everything but the elements of sets that have a
 * name. 0, -EAGAIN (it changed meanwhile), -errno.
 */
int nft_locate(struct nft_located *l, struct nse_error *err);

/*
 * Finds the elements of a run; each that is there, with the record's data or
 * other data, is handed to the callback (may be NULL).
 */
typedef int nft_located_cb(void *arg, uint32_t slot, const struct nft_element *e);
int nft_locate_elements(struct nft_located *l, const struct nft_run *run,
			nft_located_cb *cb, void *arg, struct nse_error *err);

static inline bool nft_is_wanted(const struct nft_located *l, uint32_t slot)
{
	return l->job->outcome[slot] == l->which;
}

#endif
