/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A throw-away network namespace of this kernel: a child process makes it,
 * loads the records of a context into it and looks what became of them; the
 * namespace goes with the child. The caller's own namespace is never touched.
 */
#ifndef NSE_ENGINE_NFT_PRIVATE_H
#define NSE_ENGINE_NFT_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/context/context.h"
#include "lib/engine/nft/batch.h"
#include "lib/engine/nft/object.h"
#include "lib/util/error.h"

/* What of a context is loaded. */
struct nft_private {
	const struct nse_context *ctx;
	uint32_t *owners;  /* by slot: of what it belongs to, or none */
	uint8_t *left_out; /* by slot */
	uint32_t nrecords; /* of this engine, good or bad */
	uint32_t last;	   /* slot that the messages have come to */
};

/* 0 or -ENOMEM; released in any case. Bad records are left out. */
int nft_private_init(struct nft_private *p, const struct nse_context *ctx);
void nft_private_release(struct nft_private *p);

/* Leaves a record out, with the rule that it belongs to. */
void nft_private_leave_out(struct nft_private *p, uint32_t slot);

/* Leaves out every need-rule. */
void nft_private_leave_skeleton_out(struct nft_private *p);

/* Is the record, and all that it belongs to, to be loaded? */
bool nft_private_wants(const struct nft_private *p, uint32_t slot);

/*
 * In the child: makes the devices that records name, and loads what is wanted
 * in one batch. 0, -ECANCELED when records were refused (each was told; of the
 * elements of one set that share a message the first), or -errno. What was
 * loaded before is no longer wanted in a namespace: call it again only after
 * -ECANCELED, with less.
 */
int nft_private_load(struct nft_private *p, nft_refused_cb *refused, void *arg,
		     struct nse_error *err);

/*
 * Runs fn in a child with a namespace of its own (as a user without
 * privileges with a user namespace, too, in which it is root); fn may call
 * execvp(). Memory is the child's own, but for what was mapped as shared.
 * What fn returns below 0 is returned with its text. Else the child's exit
 * status (0, or the executed program's; 128 + signal). -EPERM when no
 * namespace can be made, -ETIMEDOUT: the child is killed.
 */
typedef int nft_private_fn(void *arg, struct nse_error *err);
int nft_private_run(nft_private_fn *fn, void *arg, int64_t deadline_us,
		    struct nse_error *err);

/* The same without a namespace: for code that may end its process. */
int nft_private_fork(nft_private_fn *fn, void *arg, int64_t deadline_us,
		     struct nse_error *err);

#endif
