/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Installing ahead of the commit, while the domain still runs elsewhere: which
 * entries would come out wrong now and wait, and how long the others may live
 * until they are settled.
 */
#include "lib/engine/ct_install.h"

#include <errno.h>

#include <linux/netfilter/nf_conntrack_common.h>

/*
 * The kernel drops labels in silence while no rule keeps them, and the rules come
 * with the commit. What cannot be found out now waits as well.
 */
static int labels_stay(struct ct_install *in, struct nse_error *err)
{
	struct nse_error unused;
	int rc;

	if (!in->labels) {
		rc = ct_host_labels(&unused);
		if (rc == -EPERM)
			return nse_error(err, rc, "%s", unused.text);
		in->labels = rc > 0 ? 1 : -1;
	}
	return in->labels > 0;
}

int ct_ahead_waits(struct ct_install *in, const struct ct_entry *e, struct nse_error *err)
{
	int rc;

	/* A time that is fixed once cannot be set right later. */
	if (in->full || (e->status & IPS_FIXED_TIMEOUT))
		return 1;
	if (!(e->present & CT_HAS_LABELS))
		return 0;
	rc = labels_stay(in, err);
	return rc < 0 ? rc : !rc;
}

uint32_t ct_install_timeout(const struct ct_install *in, const struct ct_entry *e)
{
	if (in->longer && !(e->status & IPS_FIXED_TIMEOUT))
		return CT_AHEAD_S;
	if (e->timeout < CT_TIMEOUT_MIN)
		return CT_TIMEOUT_MIN;
	return e->timeout < CT_TIMEOUT_MAX ? e->timeout : CT_TIMEOUT_MAX;
}
