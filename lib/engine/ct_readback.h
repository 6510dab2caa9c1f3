/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading back what a job has created.
 */
#ifndef NSE_ENGINE_CT_READBACK_H
#define NSE_ENGINE_CT_READBACK_H

#include "lib/engine/ct_engine.h"

struct ct_readback {
	/*
	 * Called once for each slot that is CREATED: its record, and the entry of
	 * its tuple, or NULL with -ENOENT (there is none), -ENOBUFS (the answer was
	 * lost) or another error. It must not use the socket that is being read.
	 */
	void (*found)(void *arg, uint32_t slot, const struct ct_entry *e,
		      const struct ct_entry *live, int code);
	void (*again)(void *arg); /* what came is void, it comes again; may be NULL */
	void *arg;
};

/*
 * Asks for each tuple when they are few, and dumps the table when most of it is
 * ours. 0 or -errno with a text.
 */
int ct_read_back(struct nse_job *job, const struct ct_readback *to,
		 struct nse_error *err);

#endif
