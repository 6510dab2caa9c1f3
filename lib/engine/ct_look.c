/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Looking at what is in the way of an entry: the same flow, another flow with
 * its original tuple, one whose reply direction it is, or one that has taken
 * its reply tuple. It is asked in that order, and never touched. What the commit
 * may find otherwise is no refusal ahead of it.
 */
#include "lib/engine/ct_install.h"

#include <errno.h>
#include <inttypes.h>

#define FRESH_S 5 /* seconds between sending and looking, at most */

void ct_refuse_full(struct ct_install *in, uint32_t slot)
{
	CT_REFUSE(in, slot, -ENOMEM,
		  "the conntrack table is full (%" PRId64 " of max %" PRId64
		  "): raise net.netfilter.nf_conntrack_max",
		  ct_host_sysctl("count"), ct_host_sysctl("max"));
}

void ct_refuse_code(struct ct_install *in, uint32_t slot, int code, const char *text)
{
	struct ct_entry e;
	char name[CT_TEXT];

	if (code == -EPERM) {
		in->rc = code; /* it is about us, not about the record */
		return;
	}
	if (code == -ENOMEM) {
		ct_refuse_full(in, slot);
		return;
	}
	if (!ct_job_load(in->job, slot, NSE_UNTOUCHED, &e))
		return;
	ct_entry_text(&e, name);
	if ((e.present & CT_HAS_HELPER) && (code == -EOPNOTSUPP || code == -EAGAIN))
		CT_REFUSE(in, slot, code,
			  "%s: this host has no helper '%s' for it: modprobe "
			  "nf_conntrack_%s",
			  name, e.helper, e.helper);
	else if ((e.present & CT_HAS_MASTER) && code == -ENOENT)
		CT_REFUSE(in, slot, code, "%s: the entry that expected it is not there",
			  name);
	else if (code == -ENOSPC)
		CT_REFUSE(in, slot, code,
			  "%s: the conntrack table of this host has too many entries for "
			  "its buckets: raise net.netfilter.nf_conntrack_buckets",
			  name);
	else
		nse_job_refuse(in->job, slot, code, "%s: the kernel refused it: %s%s%s",
			       name, strerror(-code), text[0] ? ": " : "", text);
}

/* Did we make it a moment ago? */
static bool fresh(const struct ct_install *in, const struct ct_entry *e,
		  const struct ct_entry *live)
{
	uint32_t given = ct_install_timeout(in, e);

	return ct_alike(e, live, in->liberal) && live->timeout <= given &&
	       live->timeout + FRESH_S >= given;
}

/* What the entry that is in the way looks like. */
static void on_look(void *arg, uint32_t slot, int code, const char *text,
		    const struct ct_entry *live)
{
	struct ct_install *in = arg;
	struct ct_entry e;
	char name[CT_TEXT], other[CT_TEXT];

	if (code == -ENOENT) {
		ct_slots_push(in, &in->reply, slot);
		return;
	}
	if (code == -ENOBUFS)
		in->rc = code;
	else if (!live)
		ct_refuse_code(in, slot, code, text);
	if (!live || !ct_job_load(in->job, slot, NSE_UNTOUCHED, &e))
		return;
	if (ct_same_flow(&e, live)) {
		nse_job_outcome(in->job, slot,
				in->read_back && fresh(in, &e, live) ? NSE_CREATED
								     : NSE_KEPT);
		return;
	}
	ct_entry_text(&e, name);
	if (ct_tuple_equal(&e, &e.orig, &live->orig))
		CT_REFUSE(in, slot, -EEXIST,
			  "%s exists here with other answers (%s): it is "
			  "translated otherwise",
			  name, ct_tuple_text(live, &live->reply, other));
	else
		CT_REFUSE(in, slot, -EEXIST,
			  "%s is the reply direction of an entry that exists here "
			  "(%s)",
			  name, ct_entry_text(live, other));
}

static void nothing_in_the_way(struct ct_install *in, uint32_t slot)
{
	struct ct_entry e;
	char name[CT_TEXT];

	if (!in->dry && !in->again) {
		ct_slots_push(in, &in->gone, slot);
	} else if (!in->dry) {
		if (ct_job_load(in->job, slot, NSE_UNTOUCHED, &e))
			CT_REFUSE(in, slot, -EEXIST,
				  "%s clashes with entries that come and go",
				  ct_entry_text(&e, name));
	} else if (in->room == 0) {
		ct_refuse_full(in, slot);
	} else {
		in->room--;
		nse_job_outcome(in->job, slot, NSE_CREATED);
	}
}

static void on_look_reply(void *arg, uint32_t slot, int code, const char *text,
			  const struct ct_entry *live)
{
	struct ct_install *in = arg;
	struct ct_entry e;
	char name[CT_TEXT], reply[CT_TEXT], other[CT_TEXT];

	if (code == -ENOENT)
		nothing_in_the_way(in, slot);
	else if (code == -ENOBUFS)
		in->rc = code;
	else if (!live)
		ct_refuse_code(in, slot, code, text);
	else if (ct_job_load(in->job, slot, NSE_UNTOUCHED, &e))
		CT_REFUSE(in, slot, -EEXIST,
			  "%s: its answers (%s) are taken by an entry that exists "
			  "here (%s)",
			  ct_entry_text(&e, name), ct_tuple_text(&e, &e.reply, reply),
			  ct_entry_text(live, other));
}

/* Asks for every slot of a list, and empties it. */
static int ask(struct ct_install *in, struct nse_slots *list, bool reply,
	       struct nse_error *err)
{
	struct ct_entry e;
	int rc = 0;

	in->batch.answer = reply ? on_look_reply : on_look;
	for (size_t i = 0; i < list->n && rc == 0; i++) {
		void *room = ct_batch_room(&in->batch);

		if (!ct_job_load(in->job, list->p[i], NSE_UNTOUCHED, &e))
			continue;
		rc = ct_batch_add(&in->batch, list->p[i],
				  ct_msg_get(room, &e, reply ? &e.reply : &e.orig, reply),
				  err);
	}
	list->n = 0;
	return rc ?: ct_install_flush(in, err);
}

int ct_look(struct ct_install *in, struct nse_slots *list, struct nse_error *err)
{
	return ask(in, list, false, err) ?: ask(in, &in->reply, true, err);
}
