/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The conntrack engine's table, and those of its functions that need neither
 * kernel nor JSON: membership of a scope and relocation.
 */
#include "lib/engine/conntrack.h"

#include <errno.h>

#include "lib/engine/ct_dump.h"
#include "lib/engine/ct_engine.h"
#include "lib/engine/ct_follow.h"
#include "lib/engine/ct_row.h"

static int on_entry(void *arg, const struct ct_entry *e)
{
	const struct nse_sink *sink = arg;
	struct ct_row row;

	ct_row_encode(e, &row);
	return sink->put(sink->arg, &row.rec);
}

static int on_reset(void *arg)
{
	const struct nse_sink *sink = arg;

	return sink->reset(sink->arg, ct_kind.engine);
}

static int collect(const struct nse_scope *scope, const struct nse_sink *sink,
		   struct nse_error *err)
{
	struct ct_dump_to to = { on_entry, on_reset, (void *)sink };

	return ct_dump(scope, &to, err);
}

static bool in_scope(const struct nse_scope *scope, const struct nse_record *rec)
{
	struct ct_entry e;

	return ct_row_decode(rec, &e, NULL) == 0 && ct_in_scope(scope, &e);
}

/* The domain is where the packets of one direction really come from, its peer
 * is where those of the other one do. */
static bool shared(const struct nse_record *rec, const struct nse_scope *scope,
		   const struct nse_addr *local, size_t nlocal)
{
	struct ct_entry e;

	return ct_row_decode(rec, &e, NULL) == 0 &&
	       nse_scope_shares(scope, ct_family(&e), e.orig.src, e.reply.src, local,
				nlocal);
}

static void map_tuple(const struct nse_map *map, const struct ct_entry *e,
		      struct ct_tuple *t)
{
	nse_map_addr(map, ct_family(e), t->src);
	nse_map_addr(map, ct_family(e), t->dst);
}

/* A zone of one direction stays one: the other's 0 is no zone to be mapped. */
static void map_zones(const struct nse_map *map, struct ct_entry *e)
{
	bool both = e->zone_orig == e->zone_reply;

	if (both || e->zone_orig)
		e->zone_orig = nse_map_zone(map, e->zone_orig);
	if (both || e->zone_reply)
		e->zone_reply = nse_map_zone(map, e->zone_reply);
}

static int relocate(const struct nse_map *map, const struct nse_record *rec,
		    struct nse_buf *key, struct nse_buf *body, struct nse_buf *state,
		    struct nse_error *err)
{
	struct ct_entry e;
	struct ct_row row;
	int rc = ct_row_decode(rec, &e, err);

	if (rc < 0)
		return rc;
	map_tuple(map, &e, &e.orig);
	map_tuple(map, &e, &e.reply);
	if (e.present & CT_HAS_MASTER)
		map_tuple(map, &e, &e.master);
	map_zones(map, &e);
	ct_row_encode(&e, &row);
	nse_buf_reset(key);
	nse_buf_reset(body);
	nse_buf_reset(state);
	rc = nse_buf_put(key, row.rec.key.p, row.rec.key.n) ?:
	     nse_buf_put(body, row.rec.body.p, row.rec.body.n) ?:
	     nse_buf_put(state, row.rec.state.p, row.rec.state.n);
	return rc < 0 ? nse_errno(err, rc, "relocating a conntrack record") : 0;
}

bool ct_job_load(struct nse_job *job, uint32_t slot, enum nse_outcome outcome,
		 struct ct_entry *e)
{
	struct nse_error err;
	struct nse_record rec;
	int rc;

	if (job->outcome[slot] != outcome || !nse_context_at(job->ctx, slot, &rec) ||
	    !ct_row_is(&rec))
		return false;
	rc = ct_row_decode(&rec, e, &err);
	if (rc < 0)
		nse_job_refuse(job, slot, rc, "%s", err.text);
	return rc == 0;
}

static const char *const types[] = { "entry", NULL };
static const char *const fields[] = { "family",
				      "proto",
				      "src",
				      "dst",
				      "sport",
				      "dport",
				      "icmp_type",
				      "icmp_code",
				      "icmp_id",
				      "srckey",
				      "dstkey",
				      "zone",
				      "zone_orig",
				      "zone_reply",
				      "state",
				      "status",
				      "mark",
				      "reply.src",
				      "reply.dst",
				      "reply.sport",
				      "reply.dport",
				      "reply.icmp_type",
				      "reply.icmp_code",
				      "reply.icmp_id",
				      "reply.srckey",
				      "reply.dstkey",
				      "tcp.wscale",
				      "tcp.flags",
				      "sctp.vtag",
				      "dccp.role",
				      "dccp.handshake_seq",
				      "nat.src",
				      "nat.dst",
				      "seqadj.orig.pos",
				      "seqadj.orig.before",
				      "seqadj.orig.after",
				      "seqadj.reply.pos",
				      "seqadj.reply.before",
				      "seqadj.reply.after",
				      "synproxy.isn",
				      "synproxy.its",
				      "synproxy.tsoff",
				      "labels",
				      "helper",
				      "helper_info",
				      "master.proto",
				      "master.src",
				      "master.dst",
				      "master.sport",
				      "master.dport",
				      "master.icmp_type",
				      "master.icmp_code",
				      "master.icmp_id",
				      "master.srckey",
				      "master.dstkey",
				      "timeout",
				      "packets.orig",
				      "packets.reply",
				      "bytes.orig",
				      "bytes.reply",
				      "start",
				      "unacknowledged.orig",
				      "unacknowledged.reply",
				      NULL };

const struct nse_engine nse_engine_conntrack = {
	.name = "conntrack",
	.types = types,
	.fields = fields,
	.ahead = true,
	.follow = &ct_follow_ops,
	.facts = ct_facts,
	.preflight = ct_preflight,
	.losses = ct_losses,
	.collect = collect,
	.check = ct_row_check,
	.in_scope = in_scope,
	.admit_record = ct_admit_record,
	.shared = shared,
	.relocate = relocate,
	.install = ct_install,
	.settle = ct_settle,
	.refresh = ct_refresh,
	.verify = ct_verify,
	.undo = ct_undo,
	.remove = ct_remove,
	.describe = ct_describe,
};
