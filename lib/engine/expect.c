/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of the engine `expect`, and those of its functions that only need
 * the record: membership of a scope and relocation.
 */
#include "lib/engine/expect.h"

#include <errno.h>

#include <linux/netfilter/nfnetlink.h>

#include "lib/engine/expect_engine.h"
#include "lib/engine/expect_host.h"
#include "lib/util/cleanup.h"

/* The bytes of one record, to be used again and again. */
struct row {
	struct nse_buf key, body, state;
};

#define ROW_INIT                                                                         \
	{                                                                                \
		NSE_BUF_INIT(NSE_RECORD_MAX), NSE_BUF_INIT(NSE_RECORD_MAX),              \
			NSE_BUF_INIT(NSE_RECORD_MAX)                                     \
	}

static void row_release(struct row *r)
{
	nse_buf_release(&r->key);
	nse_buf_release(&r->body);
	nse_buf_release(&r->state);
}

static bool is_set(const uint8_t *p, size_t n)
{
	while (n)
		if (p[--n])
			return true;
	return false;
}

static bool all_set(const uint8_t *p, size_t n)
{
	while (n)
		if (p[--n] != 0xff)
			return false;
	return true;
}

/*
 * Is one end of the expected connection the scope's? An expectation opens the
 * way for a connection; a domain may open it only to and from itself, be it by
 * NAT: the direction says to which end of the master that leads.
 */
static bool leads_here(const struct nse_scope *s, const struct nse_expect *e)
{
	uint8_t family = nse_expect_family(e);

	if (nse_scope_has_addr(s, family, e->tuple.dst))
		return true;
	if (all_set(e->mask_src, nse_expect_addr_size(e)) &&
	    nse_scope_has_addr(s, family, e->tuple.src))
		return true;
	return e->nat && *e->function &&
	       nse_scope_has_addr(s, family, e->nat_dir ? e->master.src : e->reply_src);
}

static bool lies_in(const struct nse_scope *s, const struct nse_expect *e)
{
	uint8_t family = nse_expect_family(e);

	if (s->all)
		return true;
	if (!s->domain.naddrs && !s->nzones)
		return false;
	if (s->nzones && !nse_scope_has_zone(s, e->zone_orig) &&
	    !nse_scope_has_zone(s, e->zone_reply))
		return false;
	if (!s->domain.naddrs)
		return true;
	return (nse_scope_has_addr(s, family, e->master.src) ||
		nse_scope_has_addr(s, family, e->reply_src)) &&
	       leads_here(s, e);
}

static bool in_scope(const struct nse_scope *scope, const struct nse_record *rec)
{
	struct nse_expect e;

	return nse_expect_decode(rec, &e, NULL) == 0 && lies_in(scope, &e);
}

static int put(const struct nse_sink *sink, struct row *row, const struct nse_expect *e)
{
	struct nse_record rec;
	int rc;

	nse_buf_reset(&row->key);
	nse_buf_reset(&row->body);
	nse_buf_reset(&row->state);
	rc = nse_expect_encode(e, &row->key, &row->body, &row->state);
	if (rc < 0)
		return rc;
	rec = (struct nse_record){ &nse_expect_kind,
				   { row->key.data, row->key.len },
				   { row->body.data, row->body.len },
				   { row->state.data, row->state.len } };
	return sink->put(sink->arg, &rec);
}

static int collect(const struct nse_scope *scope, const struct nse_sink *sink,
		   struct nse_error *err)
{
	NSE_CLEANUP(nse_expect_list_release) struct nse_expect_list l = { 0 };
	NSE_CLEANUP(nse_nl_closep) struct nse_nl *nl = NULL;
	NSE_CLEANUP(row_release) struct row row = ROW_INIT;
	int rc;

	if (!scope->all && !scope->domain.naddrs && !scope->nzones)
		return 0;
	rc = nse_expect_open(&nl, err);
	if (rc == 0)
		rc = nse_expect_host_list(nl, scope, &l, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < l.n && rc == 0; i++)
		if (lies_in(scope, &l.items[i]))
			rc = put(sink, &row, &l.items[i]);
	return rc < 0 ? nse_errno(err, rc, "storing an expectation") : 0;
}

static int check(const struct nse_record *rec, struct nse_error *err)
{
	struct nse_expect e;

	return nse_expect_decode(rec, &e, err);
}

/* It stays when its master does. */
static bool shared(const struct nse_record *rec, const struct nse_scope *scope,
		   const struct nse_addr *local, size_t nlocal)
{
	struct nse_expect e;

	return nse_expect_decode(rec, &e, NULL) == 0 &&
	       nse_scope_shares(scope, nse_expect_family(&e), e.master.src, e.reply_src,
				local, nlocal);
}

static void map_expect(const struct nse_map *map, struct nse_expect *e)
{
	bool both = e->zone_orig == e->zone_reply;
	size_t alen = nse_expect_addr_size(e);
	uint8_t family = nse_expect_family(e);

	/* An address of which no bit counts, or of no NAT, is none. */
	if (is_set(e->mask_src, alen))
		nse_map_addr(map, family, e->tuple.src);
	nse_map_addr(map, family, e->tuple.dst);
	nse_map_addr(map, family, e->master.src);
	nse_map_addr(map, family, e->master.dst);
	nse_map_addr(map, family, e->reply_src);
	if (is_set(e->nat_addr, alen))
		nse_map_addr(map, family, e->nat_addr);
	/* As for the master: the other direction's 0 is no zone to be mapped. */
	if (both || e->zone_orig)
		e->zone_orig = nse_map_zone(map, e->zone_orig);
	if (both || e->zone_reply)
		e->zone_reply = nse_map_zone(map, e->zone_reply);
}

static int relocate(const struct nse_map *map, const struct nse_record *rec,
		    struct nse_buf *key, struct nse_buf *body, struct nse_buf *state,
		    struct nse_error *err)
{
	struct nse_expect e;
	int rc = nse_expect_decode(rec, &e, err);

	if (rc < 0)
		return rc;
	map_expect(map, &e);
	nse_buf_reset(key);
	nse_buf_reset(body);
	nse_buf_reset(state);
	rc = nse_expect_encode(&e, key, body, state);
	return rc < 0 ? nse_errno(err, rc, "relocating an expectation") : 0;
}

/* install() has set the remaining time already, and nothing else is
 * preliminary. */
static int settle(struct nse_job *job, struct nse_error *err)
{
	(void)job;
	(void)err;
	return 0;
}

static const char *const types[] = { "expectation", NULL };
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
				      "mask.src",
				      "mask.sport",
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
				      "helper",
				      "flags",
				      "class",
				      "master_reply_src",
				      "function",
				      "nat.dir",
				      "nat.src",
				      "nat.sport",
				      "timeout",
				      NULL };

static const unsigned int news[] = {
	NFNLGRP_CONNTRACK_EXP_NEW,
	NFNLGRP_CONNTRACK_EXP_UPDATE,
	NFNLGRP_CONNTRACK_EXP_DESTROY,
	0,
};

const struct nse_engine nse_engine_expect = {
	.name = "expect",
	.types = types,
	.fields = fields,
	.news = news,
	.facts = nse_expect_facts,
	.preflight = nse_expect_preflight,
	.collect = collect,
	.check = check,
	.in_scope = in_scope,
	.shared = shared,
	.relocate = relocate,
	.install = nse_expect_install,
	.settle = settle,
	.verify = nse_expect_verify,
	.undo = nse_expect_undo,
	.remove = nse_expect_remove,
	.describe = nse_expect_describe,
};
