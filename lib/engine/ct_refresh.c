/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Making entries anew that stray packets have met while they were ahead of their
 * domain: a switch that forgets where the domain is floods its packets. From the
 * first of them the kernel learns the windows of a TCP connection, liberal or not,
 * and when the next ones come much later it has lost the connection for good.
 */
#include "lib/engine/ct_engine.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/engine/ct_readback.h"

struct refresh {
	uint32_t *slots; /* owned */
	size_t n, room;
	int rc;
};

static void push(struct refresh *r, uint32_t slot)
{
	if (r->n == r->room) {
		size_t room = r->room ? 2 * r->room : 256;
		uint32_t *p = realloc(r->slots, room * sizeof(*p));

		if (!p) {
			r->rc = -ENOMEM;
			return;
		}
		r->slots = p;
		r->room = room;
	}
	r->slots[r->n++] = slot;
}

static void on_found(void *arg, uint32_t slot, const struct ct_entry *e,
		     const struct ct_entry *live, int code)
{
	struct refresh *r = arg;

	if (!(e->present & CT_HAS_TCP))
		return;
	if (live ? !ct_unmet(live) : code == -ENOENT)
		push(r, slot);
	else if (!live)
		r->rc = code;
}

static void again(void *arg)
{
	struct refresh *r = arg;

	r->n = 0;
}

int ct_refresh(struct nse_job *job, struct nse_error *err)
{
	struct refresh r = { 0 };
	const struct ct_readback to = { on_found, again, &r };
	int rc = ct_read_back(job, &to, err);

	if (rc == 0 && r.rc < 0)
		rc = nse_errno(err, r.rc, "reading conntrack entries back");
	if (rc == 0 && r.n) {
		job->slots = r.slots;
		job->nslots = r.n;
		rc = ct_undo(job, err) ?: ct_install(job, err);
		job->slots = NULL;
		job->nslots = 0;
	}
	free(r.slots);
	return rc;
}
