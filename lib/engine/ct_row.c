/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Entries to rows and back. Writing trusts the entry, which came from the
 * kernel or from ct_row_decode(); reading trusts nothing.
 */
#include "lib/engine/ct_row.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>

#include "lib/util/buf.h"
#include "lib/util/cleanup.h"

const struct nse_kind ct_kind = { "conntrack", "entry" };

static uint8_t *put(uint8_t *p, const void *bytes, size_t n)
{
	memcpy(p, bytes, n);
	return p + n;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	nse_st32(p, v);
	return p + 4;
}

static uint8_t *put64(uint8_t *p, uint64_t v)
{
	nse_st64(p, v);
	return p + 8;
}

/* Two calls with a constant length each are much faster than one without. */
static inline uint8_t *put_tuple(uint8_t *p, uint8_t l3, const struct ct_tuple *t)
{
	if (l3 == 4) {
		memcpy(p, t->src, 4);
		memcpy(p + 4, t->dst, 4);
		memcpy(p + 8, t->l4, 4);
		return p + 12;
	}
	memcpy(p, t->src, 16);
	memcpy(p + 16, t->dst, 16);
	memcpy(p + 32, t->l4, 4);
	return p + 36;
}

static size_t put_key(uint8_t *p, const struct ct_entry *e, uint8_t l4,
		      const struct ct_tuple *t)
{
	p[0] = e->l3;
	p[1] = l4;
	nse_st16(p + 2, e->zone_orig);
	nse_st16(p + 4, e->zone_reply);
	put_tuple(p + 6, e->l3, t);
	return e->l3 == 4 ? CT_KEY_V4 : CT_KEY_V6;
}

size_t ct_row_key(const struct ct_entry *e, uint8_t key[CT_KEY_V6])
{
	return put_key(key, e, e->l4, &e->orig);
}

size_t ct_row_master_key(const struct ct_entry *e, uint8_t key[CT_KEY_V6])
{
	return put_key(key, e, e->master_l4, &e->master);
}

static uint8_t *put_seqadj(uint8_t *p, const struct ct_seqadj *s)
{
	p = put32(p, s->pos);
	p = put32(p, s->before);
	return put32(p, s->after);
}

/* All but TCP, which nearly every entry has. */
static uint8_t *put_rare(uint8_t *p, const struct ct_entry *e)
{
	if (e->present & CT_HAS_SCTP) {
		*p++ = e->sctp.state;
		p = put32(put32(p, e->sctp.vtag[0]), e->sctp.vtag[1]);
	}
	if (e->present & CT_HAS_DCCP) {
		*p++ = e->dccp.state;
		*p++ = e->dccp.role;
		p = put64(p, e->dccp.seq);
	}
	if (e->present & CT_HAS_SEQADJ_ORIG)
		p = put_seqadj(p, &e->seqadj[0]);
	if (e->present & CT_HAS_SEQADJ_REPLY)
		p = put_seqadj(p, &e->seqadj[1]);
	for (int i = 0; i < 3 && (e->present & CT_HAS_SYNPROXY); i++)
		p = put32(p, e->synproxy[i]);
	if (e->present & CT_HAS_LABELS)
		p = put(p, e->labels, CT_LABELS);
	if (e->present & CT_HAS_MASTER)
		p += ct_row_master_key(e, p);
	if (e->present & CT_HAS_HELPER)
		p = put(p, e->helper, CT_HELPER_NAME);
	if (e->present & CT_HAS_INFO) {
		*p++ = e->info_len;
		p = put(p, e->info, e->info_len);
	}
	return p;
}

static size_t put_body(uint8_t *body, const struct ct_entry *e)
{
	uint16_t has = e->present & ~CT_HAS_REPLY;
	struct ct_tuple inv;
	uint8_t *p = body + 10;

	if (!ct_invert(e->l3, e->l4, &e->orig, &inv) ||
	    !ct_tuple_equal(e, &inv, &e->reply)) {
		has |= CT_HAS_REPLY;
		p = put_tuple(p, e->l3, &e->reply);
	}
	nse_st16(body, has);
	nse_st32(body + 2, e->status & ct_status_body);
	nse_st32(body + 6, e->mark);
	if (has & CT_HAS_TCP) {
		p[0] = e->tcp.state;
		p[1] = e->tcp.wscale[0];
		p[2] = e->tcp.wscale[1];
		p[3] = e->tcp.flags[0] & CT_TCP_FLAGS_BODY;
		p[4] = e->tcp.flags[1] & CT_TCP_FLAGS_BODY;
		p += 5;
	}
	if (has & ~(CT_HAS_TCP | CT_HAS_REPLY))
		p = put_rare(p, e);
	return (size_t)(p - body);
}

static size_t put_state(uint8_t *state, const struct ct_entry *e)
{
	uint8_t *p = put32(state, e->timeout);

	*p++ = e->state;
	for (int d = 0; d < 2 && (e->state & CT_STATE_COUNTERS); d++)
		p = put64(put64(p, e->packets[d]), e->bytes[d]);
	if (e->state & CT_STATE_START)
		p = put64(p, e->start);
	return (size_t)(p - state);
}

void ct_row_encode(const struct ct_entry *e, struct ct_row *row)
{
	row->rec.kind = &ct_kind;
	row->rec.key.p = row->key;
	row->rec.key.n = ct_row_key(e, row->key);
	row->rec.body.p = row->body;
	row->rec.body.n = put_body(row->body, e);
	row->rec.state.p = row->state;
	row->rec.state.n = put_state(row->state, e);
}

static int bad(struct nse_error *err, const char *what)
{
	return nse_error(err, -EBADMSG, "conntrack record: bad %s", what);
}

static int get(struct nse_cur *c, void *out, size_t n)
{
	const uint8_t *p;
	int rc = nse_get_bytes(c, n, &p);

	if (rc == 0)
		memcpy(out, p, n);
	return rc;
}

static int get_tuple(struct nse_cur *c, uint8_t l3, struct ct_tuple *t)
{
	size_t n = l3 == 4 ? 4 : 16;

	if (nse_cur_left(c) < 2 * n + 4)
		return -EBADMSG;
	get(c, t->src, n);
	get(c, t->dst, n);
	return get(c, t->l4, 4);
}

/* ICMP of the other family, an ICMP type without an answer, or ports where
 * the protocol has none cannot come from a kernel. */
static bool l4_ok(uint8_t l3, uint8_t l4, const struct ct_tuple *t)
{
	static const uint8_t none[4];
	struct ct_tuple inv;

	if (ct_is_icmp(l4))
		return l4 == (l3 == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6) &&
		       ct_invert(l3, l4, t, &inv);
	return ct_has_ports(l4) || memcmp(t->l4, none, 4) == 0;
}

static int get_key(struct nse_cur *c, struct ct_entry *e, uint8_t *l4, struct ct_tuple *t)
{
	int rc = nse_get_u8(c, &e->l3) ?: nse_get_u8(c, l4);

	rc = rc ?: nse_get_u16(c, &e->zone_orig) ?: nse_get_u16(c, &e->zone_reply);
	if (rc < 0 || (e->l3 != 4 && e->l3 != 6))
		return -EBADMSG;
	if (e->zone_orig != e->zone_reply && e->zone_orig && e->zone_reply)
		return -EBADMSG;
	rc = get_tuple(c, e->l3, t);
	return rc < 0 || !l4_ok(e->l3, *l4, t) ? -EBADMSG : 0;
}

static int get_tcp(struct nse_cur *c, struct ct_entry *e)
{
	int rc = get(c, &e->tcp, 5);

	if (rc < 0 || e->l4 != IPPROTO_TCP || e->tcp.state > CT_TCP_STATE_MAX)
		return -EBADMSG;
	for (int d = 0; d < 2; d++)
		if (e->tcp.wscale[d] > CT_TCP_WSCALE_MAX ||
		    (e->tcp.flags[d] & ~CT_TCP_FLAGS_BODY))
			return -EBADMSG;
	return 0;
}

static int get_sctp(struct nse_cur *c, struct ct_entry *e)
{
	int rc = nse_get_u8(c, &e->sctp.state) ?: nse_get_u32(c, &e->sctp.vtag[0]) ?:
		 nse_get_u32(c, &e->sctp.vtag[1]);

	return rc < 0 || e->l4 != IPPROTO_SCTP || e->sctp.state > 9 ? -EBADMSG : 0;
}

static int get_dccp(struct nse_cur *c, struct ct_entry *e)
{
	int rc = nse_get_u8(c, &e->dccp.state) ?: nse_get_u8(c, &e->dccp.role) ?:
		 nse_get_u64(c, &e->dccp.seq);

	return rc < 0 || e->l4 != IPPROTO_DCCP || e->dccp.state > 9 || e->dccp.role > 1
		       ? -EBADMSG
		       : 0;
}

static int get_seqadj(struct nse_cur *c, struct ct_seqadj *s)
{
	return nse_get_u32(c, &s->pos) ?: nse_get_u32(c, &s->before) ?:
	       nse_get_u32(c, &s->after);
}

static int get_master(struct nse_cur *c, struct ct_entry *e)
{
	struct ct_entry m;

	if (get_key(c, &m, &e->master_l4, &e->master) < 0 || m.l3 != e->l3 ||
	    m.zone_orig != e->zone_orig || m.zone_reply != e->zone_reply)
		return -EBADMSG;
	return 0;
}

static int get_helper(struct nse_cur *c, struct ct_entry *e)
{
	size_t n;

	if (get(c, e->helper, CT_HELPER_NAME) < 0)
		return -EBADMSG;
	n = strnlen(e->helper, CT_HELPER_NAME);
	if (n == 0 || n == CT_HELPER_NAME)
		return -EBADMSG;
	for (size_t i = 0; i < CT_HELPER_NAME; i++)
		if (i < n ? !isgraph((unsigned char)e->helper[i]) : e->helper[i] != 0)
			return -EBADMSG;
	return 0;
}

static int get_info(struct nse_cur *c, struct ct_entry *e)
{
	if (nse_get_u8(c, &e->info_len) < 0 || e->info_len == 0 ||
	    e->info_len > CT_HELPER_INFO || !(e->present & CT_HAS_HELPER))
		return -EBADMSG;
	return get(c, e->info, e->info_len);
}

static int get_rare(struct nse_cur *c, struct ct_entry *e, struct nse_error *err)
{
	uint16_t has = e->present;

	if ((has & CT_HAS_SCTP) && get_sctp(c, e) < 0)
		return bad(err, "SCTP state");
	if ((has & CT_HAS_DCCP) && get_dccp(c, e) < 0)
		return bad(err, "DCCP state");
	for (int d = 0; d < 2; d++)
		if ((has & (CT_HAS_SEQADJ_ORIG << d)) && get_seqadj(c, &e->seqadj[d]) < 0)
			return bad(err, "sequence adjustment");
	for (int i = 0; i < 3 && (has & CT_HAS_SYNPROXY); i++)
		if (nse_get_u32(c, &e->synproxy[i]) < 0)
			return bad(err, "synproxy state");
	if ((has & CT_HAS_LABELS) && get(c, e->labels, CT_LABELS) < 0)
		return bad(err, "labels");
	if ((has & CT_HAS_MASTER) && get_master(c, e) < 0)
		return bad(err, "master");
	if ((has & CT_HAS_HELPER) && get_helper(c, e) < 0)
		return bad(err, "helper name");
	if ((has & CT_HAS_INFO) && get_info(c, e) < 0)
		return bad(err, "helper data");
	return 0;
}

static int get_body(struct nse_cur c, struct ct_entry *e, struct nse_error *err)
{
	int rc = nse_get_u16(&c, &e->present) ?: nse_get_u32(&c, &e->status) ?:
		 nse_get_u32(&c, &e->mark);

	if (rc < 0 || (e->present & ~CT_HAS_ALL))
		return bad(err, "list of parts");
	if (e->status & ~ct_status_body)
		return bad(err, "status");
	if (!(e->present & CT_HAS_REPLY))
		ct_invert(e->l3, e->l4, &e->orig, &e->reply);
	else if (get_tuple(&c, e->l3, &e->reply) < 0 || !l4_ok(e->l3, e->l4, &e->reply))
		return bad(err, "reply tuple");
	if ((e->present & CT_HAS_TCP) && get_tcp(&c, e) < 0)
		return bad(err, "TCP state");
	if ((e->present & ~(CT_HAS_TCP | CT_HAS_REPLY)) &&
	    (rc = get_rare(&c, e, err)) < 0)
		return rc;
	return nse_cur_left(&c) ? bad(err, "length of the body") : 0;
}

static int get_state(struct nse_cur c, struct ct_entry *e)
{
	int rc = nse_get_u32(&c, &e->timeout) ?: nse_get_u8(&c, &e->state);

	if (rc < 0 || (e->state & ~CT_STATE_ALL))
		return -EBADMSG;
	for (int d = 0; d < 2 && (e->state & CT_STATE_COUNTERS) && rc == 0; d++)
		rc = nse_get_u64(&c, &e->packets[d]) ?: nse_get_u64(&c, &e->bytes[d]);
	if (rc == 0 && (e->state & CT_STATE_START))
		rc = nse_get_u64(&c, &e->start);
	return rc < 0 || nse_cur_left(&c) ? -EBADMSG : 0;
}

int ct_row_decode_key(struct nse_bytes key, struct ct_entry *e)
{
	struct nse_cur c = nse_cur(key.p, key.n);

	if (get_key(&c, e, &e->l4, &e->orig) < 0 || nse_cur_left(&c))
		return -EBADMSG;
	return 0;
}

int ct_row_decode(const struct nse_record *rec, struct ct_entry *e, struct nse_error *err)
{
	int rc;

	if (ct_row_decode_key(rec->key, e) < 0)
		return bad(err, "key");
	rc = get_body(nse_cur(rec->body.p, rec->body.n), e, err);
	if (rc < 0)
		return rc;
	if (get_state(nse_cur(rec->state.p, rec->state.n), e) < 0)
		return bad(err, "state");
	if (!(e->present & CT_HAS_TCP) &&
	    (e->state & (CT_STATE_UNACKED_ORIG | CT_STATE_UNACKED_REPLY)))
		return bad(err, "state");
	e->id = 0;
	return 0;
}

int ct_row_check(const struct nse_record *rec, struct nse_error *err)
{
	struct ct_entry e;
	struct ct_row row;
	int rc = ct_row_decode(rec, &e, err);

	if (rc < 0)
		return rc;
	ct_row_encode(&e, &row);
	if (!nse_bytes_equal(row.rec.key, rec->key) ||
	    !nse_bytes_equal(row.rec.body, rec->body) ||
	    !nse_bytes_equal(row.rec.state, rec->state))
		return bad(err, "encoding");
	return 0;
}
