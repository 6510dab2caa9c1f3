/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the files of an installation share: ct_install.c creates, ct_look.c
 * looks at what is in the way, ct_child.c does the entries that others
 * expected, ct_ahead.c knows what has to wait for the commit.
 */
#ifndef NSE_ENGINE_CT_INSTALL_H
#define NSE_ENGINE_CT_INSTALL_H

#include "lib/engine/ct_batch.h"
#include "lib/engine/ct_engine.h"
#include "lib/engine/ct_host.h"
#include "lib/util/slots.h"

struct ct_install {
	struct nse_job *job;
	struct ct_batch batch;
	struct ct_nat nat;
	bool nat_known; /* nat is filled */
	int labels;	/* ahead: do labels stay here? 0: not asked yet, -1: no */
	bool dry, liberal;
	bool ahead;	/* the domain still runs elsewhere */
	bool longer;	/* the entries get CT_AHEAD_S */
	bool full;	/* ahead: there is no room for any more */
	bool again;	/* what vanished is not tried once more */
	bool read_back; /* looking for what we may have created */
	uint64_t room;
	struct nse_slots lost;	 /* sent, and the answers did not come */
	struct nse_slots look;	 /* to be looked at by original tuple */
	struct nse_slots reply;	 /* … and by reply tuple */
	struct nse_slots gone;	 /* existed, but was not there when looked for */
	struct nse_slots half;	 /* half-open TCP: see put_tcp() in ct_build.c */
	struct nse_slots child;	 /* those that others expected */
	struct nse_slots orphan; /* children whose master is not in the context */
	struct nse_slots alone;	 /* … and which is not on the host either */
	int rc;			 /* of a callback */
};

/* Appends; without memory in->rc is set. */
void ct_slots_push(struct ct_install *in, struct nse_slots *s, uint32_t slot);

/* Sends the batch, with the error of a callback. */
int ct_install_flush(struct ct_install *in, struct nse_error *err);

/* Creates (or, dry, will look for) one entry; the answer comes later. */
int ct_install_one(struct ct_install *in, uint32_t slot, const struct ct_entry *e,
		   struct nse_error *err);

/* Sends what waits, and finds out about everything that was in the way. */
int ct_install_resolve(struct ct_install *in, struct nse_error *err);

/*
 * Refuses a slot for a cause that may be gone at the commit: ahead of it the slot is
 * left as it is.
 */
#define CT_REFUSE(in, ...)                                                               \
	do {                                                                             \
		if (!(in)->ahead)                                                        \
			nse_job_refuse((in)->job, __VA_ARGS__);                          \
	} while (0)

/* Refuses a slot because the table is full, or for the kernel's reason. */
void ct_refuse_full(struct ct_install *in, uint32_t slot);
void ct_refuse_code(struct ct_install *in, uint32_t slot, int code, const char *text);

/*
 * Asks for the original, then the reply tuple of every slot of a list, which
 * is empty afterwards: the slot is KEPT, REFUSED, or (nothing found) in
 * in->gone; when dry, CREATED.
 */
int ct_look(struct ct_install *in, struct nse_slots *list, struct nse_error *err);

/* Must the entry wait for the commit? 1, 0 or -errno. Only asked ahead. */
int ct_ahead_waits(struct ct_install *in, const struct ct_entry *e,
		   struct nse_error *err);

/* The seconds to live that an entry is created with. */
uint32_t ct_install_timeout(const struct ct_install *in, const struct ct_entry *e);

/* Is the record one of an expected entry? */
bool ct_is_child(const struct nse_job *job, uint32_t slot);

/* Installs in->child, after all others. */
int ct_install_children(struct ct_install *in, struct nse_error *err);

/* ct_answer for created entries. */
void ct_on_create(void *arg, uint32_t slot, int code, const char *text,
		  const struct ct_entry *live);

#endif
