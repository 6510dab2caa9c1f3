/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Installing entries that others expected (an FTP data connection, say). The
 * kernel takes them only when the other one is there, so they come last, one
 * generation after another. Ahead of the commit they wait for it.
 */
#include "lib/engine/ct_install.h"

#include <errno.h>

#include "lib/engine/ct_row.h"

#define GENERATIONS 8  /* an expected entry may itself expect one, and so on */
#define STAND_IN_S  10 /* its time, should we be killed before we remove it */

bool ct_is_child(const struct nse_job *job, uint32_t slot)
{
	struct nse_record rec;

	return nse_context_at(job->ctx, slot, &rec) && ct_row_is(&rec) &&
	       rec.body.n >= 2 && (ct_row_present(&rec) & CT_HAS_MASTER);
}

/* The outcome of a child's master: CREATED or KEPT when it is there. */
static enum nse_outcome master_outcome(struct ct_install *in, const struct ct_entry *e,
				       bool *in_context)
{
	uint8_t key[CT_KEY_V6];
	struct nse_bytes k = { key, ct_row_master_key(e, key) };
	uint32_t slot = nse_context_find(in->job->ctx, &ct_kind, k);

	*in_context = slot != NSE_CONTEXT_NONE;
	return *in_context ? in->job->outcome[slot] : NSE_UNTOUCHED;
}

static int install_child(struct ct_install *in, uint32_t slot, const struct ct_entry *e,
			 bool *waiting, struct nse_error *err)
{
	bool in_context;
	enum nse_outcome master = master_outcome(in, e, &in_context);
	char name[CT_TEXT];

	if (!in_context) {
		ct_slots_push(in, &in->orphan, slot);
		return 0;
	}
	if (master == NSE_CREATED || master == NSE_KEPT)
		return ct_install_one(in, slot, e, err);
	if (master == NSE_UNTOUCHED) {
		*waiting = true;
		return 0;
	}
	nse_job_refuse(in->job, slot, -ENOENT,
		       "%s: the entry that expected it was refused",
		       ct_entry_text(e, name));
	return 0;
}

static void on_master(void *arg, uint32_t slot, int code, const char *text,
		      const struct ct_entry *live)
{
	struct ct_install *in = arg;
	struct ct_entry e;
	char name[CT_TEXT], other[CT_TEXT];

	if (code == -ENOBUFS)
		in->rc = code;
	if (!ct_job_load(in->job, slot, NSE_UNTOUCHED, &e))
		return;
	/* Found by its reply tuple it is another one. */
	if (live && ct_tuple_equal(&e, &live->orig, &e.master)) {
		ct_slots_push(in, &in->gone, slot);
		return;
	}
	if (code == -ENOENT) {
		ct_slots_push(in, &in->alone, slot);
		return;
	}
	if (!live) {
		ct_refuse_code(in, slot, code, text);
		return;
	}
	ct_entry_text(&e, name);
	CT_REFUSE(in, slot, -EEXIST,
		  "%s: the entry that expected it exists here in the other "
		  "direction (%s)",
		  name, ct_entry_text(live, other));
}

static int take_entry(const struct nlmsghdr *nlh, void *arg)
{
	return ct_msg_parse(nlh, arg);
}

/* An entry that looks like the one that expected e, for a moment. */
static struct ct_entry stand_in(const struct ct_entry *e)
{
	struct ct_entry m = { .l3 = e->l3, .l4 = e->master_l4, .timeout = STAND_IN_S };

	m.zone_orig = e->zone_orig;
	m.zone_reply = e->zone_reply;
	m.orig = e->master;
	ct_invert(m.l3, m.l4, &m.orig, &m.reply);
	return m;
}

/* Takes the stand-in away; the child keeps it, out of the table. */
static int remove_stand_in(struct nse_nl *nl, const struct ct_entry *m,
			   struct nse_error *err)
{
	uint8_t buf[CT_MSG_MAX] __attribute__((aligned(4)));
	struct ct_entry live;
	int rc;

	ct_msg_get(buf, m, &m->orig, false);
	rc = nse_nl_talk(nl, (struct nlmsghdr *)buf, take_entry, &live, err);
	if (rc == 0) {
		ct_msg_delete(buf, m, live.id);
		rc = nse_nl_talk(nl, (struct nlmsghdr *)buf, NULL, NULL, err);
	}
	return rc == -ENOENT ? 0 : rc;
}

/*
 * A child whose master has ended lives on with it at the source: the kernel
 * keeps the master in memory for the child, but in no table, and asks for one
 * in the table when the child is made. So one is put there for that moment.
 */
static int install_alone(struct ct_install *in, uint32_t slot, struct nse_error *err)
{
	uint8_t buf[CT_MSG_MAX] __attribute__((aligned(4)));
	struct ct_entry e, m;
	char name[CT_TEXT];
	int rc, made, removed;

	if (!ct_job_load(in->job, slot, NSE_UNTOUCHED, &e))
		return 0;
	m = stand_in(&e);
	ct_msg_create(buf, &m, false);
	made = nse_nl_talk(in->batch.nl, (struct nlmsghdr *)buf, NULL, NULL, NULL);
	if (made < 0 && made != -EEXIST) {
		nse_job_refuse(
			in->job, slot, made,
			"%s: the entry that expected it has ended, and nothing can "
			"stand in for it: %s",
			ct_entry_text(&e, name), strerror(-made));
		return 0;
	}
	rc = ct_install_one(in, slot, &e, err);
	rc = rc ?: ct_install_resolve(in, err);
	/* Whatever happened: it is nobody's. The first error is the one to tell. */
	removed = made == 0 ? remove_stand_in(in->batch.nl, &m, rc ? NULL : err) : 0;
	return rc ?: removed;
}

/* Children whose master is not in the context: is it on the host? */
static int install_orphans(struct ct_install *in, struct nse_error *err)
{
	struct ct_entry e;
	int rc = 0;

	in->batch.answer = on_master;
	for (size_t i = 0; i < in->orphan.n && rc == 0; i++)
		if (ct_job_load(in->job, in->orphan.p[i], NSE_UNTOUCHED, &e))
			rc = ct_batch_add(
				&in->batch, in->orphan.p[i],
				ct_msg_get_master(ct_batch_room(&in->batch), &e), err);
	in->orphan.n = 0;
	rc = rc ?: ct_install_flush(in, err);
	in->batch.answer = ct_on_create;
	if (in->dry) {
		for (size_t i = 0; i < in->gone.n; i++)
			ct_slots_push(in, &in->look, in->gone.p[i]);
		for (size_t i = 0; i < in->alone.n; i++)
			ct_slots_push(in, &in->look, in->alone.p[i]);
		in->gone.n = in->alone.n = 0;
	}
	rc = rc ?: ct_install_resolve(in, err);
	/* Ahead of the commit the master may still come. */
	for (size_t i = 0; i < in->alone.n && !in->ahead && rc == 0; i++)
		rc = install_alone(in, in->alone.p[i], err);
	in->alone.n = 0;
	return rc;
}

/* Installs those whose master is there; `waiting`: there are others. */
static int install_generation(struct ct_install *in, bool *waiting, struct nse_error *err)
{
	struct ct_entry e;
	int rc = 0;

	*waiting = false;
	in->orphan.n = 0;
	for (size_t i = 0; i < in->child.n && rc == 0; i++)
		if (ct_job_load(in->job, in->child.p[i], NSE_UNTOUCHED, &e))
			rc = install_child(in, in->child.p[i], &e, waiting, err);
	rc = rc ?: ct_install_resolve(in, err);
	return rc ?: install_orphans(in, err);
}

static uint64_t decided(const struct nse_job *job)
{
	return job->created + job->kept + job->refused;
}

int ct_install_children(struct ct_install *in, struct nse_error *err)
{
	struct ct_entry e;
	bool waiting = true;
	uint64_t before;
	int rc = 0;

	for (int i = 0; i < GENERATIONS && waiting && rc == 0; i++) {
		before = decided(in->job);
		rc = install_generation(in, &waiting, err);
		if (decided(in->job) == before)
			break; /* nor would the next one get on */
	}
	for (size_t i = 0; i < in->child.n && waiting && rc == 0; i++)
		if (ct_job_load(in->job, in->child.p[i], NSE_UNTOUCHED, &e))
			CT_REFUSE(in, in->child.p[i], -ELOOP,
				  "its chain of expectations has no beginning");
	return rc;
}
