/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is known of a move by xl: what the gate said, what was asked of it,
 * how xl ended; and what follows from that about the domain's place.
 */
#ifndef NSE_PLATFORM_XL_FACTS_H
#define NSE_PLATFORM_XL_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/platform/lines.h"
#include "lib/util/error.h"

struct nse_xl_facts {
	int64_t ready_at; /* READY is held since; 0: not yet */
	uint64_t bytes;	  /* passed to the target, as far as the gate said */
	bool go, aborted; /* what the controller has said */
	bool failed;	  /* the gate gave up */
	bool released;	  /* READY was passed on */
	bool returned;	  /* the target destroyed its copy, and said so */
	bool cleared;	  /* the target's end has gone */
	int report;	  /* the status that the target reported, -1: none */
	int xl_status;	  /* exit status, 128 + signal */
	char reason[NSE_LINE_MAX];
};

/* Takes in one line of the gate's, after its hello. -EPROTO for garbage. */
int nse_xl_facts_hear(struct nse_xl_facts *f, char *line, struct nse_error *err);

/* Is there nothing to wait for after xl's end, should the gate still be there? */
bool nse_xl_facts_settled(const struct nse_xl_facts *f);

/*
 * Once xl has ended: 0 the domain runs at the target, xl's exit status when it
 * cannot run there (so that it may be resumed here), or NSE_MOVE_UNCLEAR. Sets
 * the reason.
 */
int nse_xl_facts_verdict(struct nse_xl_facts *f);

/* Sets the reason unless one is known already: the first cause counts. */
void nse_xl_facts_reason(struct nse_xl_facts *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
