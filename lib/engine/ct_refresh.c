/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Making entries anew that stray packets have met while they were ahead of their
 * domain: a switch that forgets where the domain is floods its packets. From the
 * first of them the kernel learns the windows of a TCP connection, liberal or not,
 * and when the next ones come much later it has lost the connection for good. An
 * entry of another protocol gets its usual time, and ends before the domain comes.
 */
#include "lib/engine/ct_engine.h"

#include <errno.h>

#include "lib/engine/ct_readback.h"
#include "lib/util/slots.h"

struct refresh {
	struct nse_slots slots;
	int rc;
};

static void on_found(void *arg, uint32_t slot, const struct ct_entry *e,
		     const struct ct_entry *live, int code)
{
	struct refresh *r = arg;

	(void)e;
	if (live ? !ct_unmet(live) : code == -ENOENT)
		code = nse_slots_push(&r->slots, slot);
	else if (live)
		code = 0;
	if (code < 0)
		r->rc = code;
}

static void again(void *arg)
{
	struct refresh *r = arg;

	r->slots.n = 0;
}

int ct_refresh(struct nse_job *job, struct nse_error *err)
{
	struct refresh r = { 0 };
	const struct ct_readback to = { on_found, again, &r };
	int rc = ct_read_back(job, &to, err);

	if (rc == 0 && r.rc < 0)
		rc = nse_errno(err, r.rc, "reading conntrack entries back");
	if (rc == 0 && r.slots.n) {
		job->slots = r.slots.p;
		job->nslots = r.slots.n;
		rc = ct_undo(job, err) ?: ct_install(job, err);
		job->slots = NULL;
		job->nslots = 0;
	}
	nse_slots_release(&r.slots);
	return rc;
}
