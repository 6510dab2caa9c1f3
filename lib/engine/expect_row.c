/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Expectations to and from the bytes of records. The form is canonical: one
 * expectation has one encoding, so that equal bytes are equal expectations,
 * and the decoder accepts nothing else.
 */
#include "lib/engine/expect_row.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include <linux/netfilter/nf_conntrack_common.h>

const struct nse_kind nse_expect_kind = { "expect", "expectation" };

uint8_t nse_expect_family(const struct nse_expect *e)
{
	return e->l3 == 4 ? AF_INET : AF_INET6;
}

/* Room for the longest key and body: what is put below it cannot fail. */
#define KEY_ROOM  (7 + 5 * 16 + 4 + 2 + 4)
#define BODY_ROOM (8 + 2 * 16 + 3 + 2 + CT_HELPER_NAME + NSE_EXPECT_FUNCTION)

static void put_tuple(struct nse_buf *b, size_t alen, const struct ct_tuple *t)
{
	nse_buf_put(b, t->src, alen);
	nse_buf_put(b, t->dst, alen);
	nse_buf_put(b, t->l4, sizeof(t->l4));
}

static void put_key(struct nse_buf *b, size_t alen, const struct nse_expect *e)
{
	nse_buf_put_u8(b, e->l3);
	nse_buf_put_u8(b, e->l4);
	nse_buf_put_u8(b, e->master_l4);
	nse_buf_put_u16(b, e->zone_orig);
	nse_buf_put_u16(b, e->zone_reply);
	put_tuple(b, alen, &e->tuple);
	nse_buf_put(b, e->mask_src, alen);
	nse_buf_put(b, e->mask_sport, sizeof(e->mask_sport));
	put_tuple(b, alen, &e->master);
}

static void put_name(struct nse_buf *b, const char *name)
{
	size_t n = strlen(name);

	nse_buf_put_u8(b, (uint8_t)n);
	nse_buf_put(b, name, n);
}

static void put_body(struct nse_buf *b, size_t alen, const struct nse_expect *e)
{
	nse_buf_put_u32(b, e->flags);
	nse_buf_put_u32(b, e->class);
	nse_buf_put(b, e->reply_src, alen);
	nse_buf_put_u8(b, e->nat ? e->nat_dir + 1 : 0);
	if (e->nat) {
		nse_buf_put(b, e->nat_addr, alen);
		nse_buf_put(b, e->nat_port, sizeof(e->nat_port));
	}
	put_name(b, e->helper);
	put_name(b, e->function);
}

int nse_expect_encode(const struct nse_expect *e, struct nse_buf *key,
		      struct nse_buf *body, struct nse_buf *state)
{
	size_t alen = nse_expect_addr_size(e);
	int rc = nse_buf_reserve(key, KEY_ROOM);

	if (rc == 0)
		rc = nse_buf_reserve(body, BODY_ROOM);
	if (rc == 0)
		rc = nse_buf_reserve(state, sizeof(e->timeout));
	if (rc < 0)
		return rc;
	put_key(key, alen, e);
	put_body(body, alen, e);
	return nse_buf_put_u32(state, e->timeout);
}

static int get_raw(struct nse_cur *c, size_t n, uint8_t *out)
{
	const uint8_t *p;

	if (nse_get_bytes(c, n, &p) < 0)
		return -EBADMSG;
	memcpy(out, p, n);
	return 0;
}

static bool is_zero(const uint8_t *p, size_t n)
{
	while (n)
		if (p[--n])
			return false;
	return true;
}

static int get_tuple(struct nse_cur *c, size_t alen, uint8_t l4, struct ct_tuple *t)
{
	int rc = get_raw(c, alen, t->src) ?: get_raw(c, alen, t->dst) ?:
		 get_raw(c, sizeof(t->l4), t->l4);

	if (rc == 0 && !ct_has_ports(l4) && !ct_is_icmp(l4) && !is_zero(t->l4, 4))
		return -EBADMSG;
	return rc;
}

static int bad(struct nse_error *err, const char *what)
{
	return nse_error(err, -EBADMSG, "expectation: %s", what);
}

static int get_key(struct nse_cur *c, struct nse_expect *e)
{
	size_t alen;
	int rc = nse_get_u8(c, &e->l3);

	if (rc < 0 || (e->l3 != 4 && e->l3 != 6))
		return -EBADMSG;
	alen = nse_expect_addr_size(e);
	return nse_get_u8(c, &e->l4) ?: nse_get_u8(c, &e->master_l4) ?:
	       nse_get_u16(c, &e->zone_orig) ?: nse_get_u16(c, &e->zone_reply) ?:
	       get_tuple(c, alen, e->l4, &e->tuple) ?: get_raw(c, alen, e->mask_src) ?:
	       get_raw(c, sizeof(e->mask_sport), e->mask_sport) ?:
	       get_tuple(c, alen, e->master_l4, &e->master);
}

/* Names go to the kernel and to terminals: visible ASCII only. */
static int get_name(struct nse_cur *c, size_t room, char *out)
{
	const uint8_t *p;
	uint8_t n;

	if (nse_get_u8(c, &n) < 0 || n >= room || nse_get_bytes(c, n, &p) < 0)
		return -EBADMSG;
	for (uint8_t i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] > '~')
			return -EBADMSG;
	memcpy(out, p, n);
	out[n] = '\0';
	return 0;
}

static int get_nat(struct nse_cur *c, size_t alen, struct nse_expect *e)
{
	uint8_t nat;

	if (nse_get_u8(c, &nat) < 0 || nat > 2)
		return -EBADMSG;
	if (!nat)
		return 0;
	e->nat = true;
	e->nat_dir = nat - 1;
	if (get_raw(c, alen, e->nat_addr) < 0 ||
	    get_raw(c, sizeof(e->nat_port), e->nat_port) < 0)
		return -EBADMSG;
	/* The kernel means "no NAT" by zeros. */
	return is_zero(e->nat_addr, alen) && is_zero(e->nat_port, 2) ? -EBADMSG : 0;
}

int nse_expect_decode(const struct nse_record *rec, struct nse_expect *e,
		      struct nse_error *err)
{
	struct nse_cur key = nse_cur(rec->key.p, rec->key.n);
	struct nse_cur body = nse_cur(rec->body.p, rec->body.n);
	struct nse_cur state = nse_cur(rec->state.p, rec->state.n);
	size_t alen;

	*e = (struct nse_expect){ 0 };
	if (get_key(&key, e) < 0 || nse_cur_left(&key))
		return bad(err, "the key is not that of IPv4 or IPv6");
	if (e->zone_orig != e->zone_reply && e->zone_orig && e->zone_reply)
		return bad(err, "two zones");
	alen = nse_expect_addr_size(e);
	if (nse_get_u32(&body, &e->flags) < 0 || nse_get_u32(&body, &e->class) < 0 ||
	    get_raw(&body, alen, e->reply_src) < 0)
		return bad(err, "the body is too short");
	if (get_nat(&body, alen, e) < 0)
		return bad(err, "its NAT is not valid");
	if (get_name(&body, sizeof(e->helper), e->helper) < 0)
		return bad(err, "the helper's name is not valid");
	if (get_name(&body, sizeof(e->function), e->function) < 0)
		return bad(err, "the function's name is not valid");
	if (nse_cur_left(&body))
		return bad(err, "bytes are left behind the body");
	if (nse_get_u32(&state, &e->timeout) < 0 || nse_cur_left(&state))
		return bad(err, "the state is not four bytes");
	return 0;
}

static bool tuple_equal(size_t alen, const struct ct_tuple *a, const struct ct_tuple *b)
{
	return memcmp(a->src, b->src, alen) == 0 && memcmp(a->dst, b->dst, alen) == 0 &&
	       memcmp(a->l4, b->l4, sizeof(a->l4)) == 0;
}

bool nse_expect_key_equal(const struct nse_expect *a, const struct nse_expect *b)
{
	size_t alen = nse_expect_addr_size(a);

	return a->l3 == b->l3 && a->l4 == b->l4 && a->master_l4 == b->master_l4 &&
	       a->zone_orig == b->zone_orig && a->zone_reply == b->zone_reply &&
	       memcmp(a->mask_src, b->mask_src, alen) == 0 &&
	       memcmp(a->mask_sport, b->mask_sport, sizeof(a->mask_sport)) == 0 &&
	       tuple_equal(alen, &a->tuple, &b->tuple) &&
	       tuple_equal(alen, &a->master, &b->master);
}

static bool nat_equal(const struct nse_expect *a, const struct nse_expect *b)
{
	if (a->nat != b->nat)
		return false;
	return !a->nat ||
	       (a->nat_dir == b->nat_dir &&
		memcmp(a->nat_port, b->nat_port, sizeof(a->nat_port)) == 0 &&
		memcmp(a->nat_addr, b->nat_addr, nse_expect_addr_size(a)) == 0);
}

bool nse_expect_body_equal(const struct nse_expect *a, const struct nse_expect *b)
{
	/* The kernel lets nobody set the flag of a helper in user space. */
	return !((a->flags ^ b->flags) & ~(uint32_t)NF_CT_EXPECT_USERSPACE) &&
	       a->class == b->class && nat_equal(a, b) &&
	       memcmp(a->reply_src, b->reply_src, nse_expect_addr_size(a)) == 0 &&
	       strcmp(a->helper, b->helper) == 0 && strcmp(a->function, b->function) == 0;
}

void nse_expect_child(const struct nse_expect *e, struct ct_entry *child)
{
	*child = (struct ct_entry){ .l3 = e->l3,
				    .l4 = e->l4,
				    .zone_orig = e->zone_orig,
				    .zone_reply = e->zone_reply,
				    .orig = e->tuple,
				    .master_l4 = e->master_l4,
				    .master = e->master };
}

void nse_expect_master(const struct nse_expect *e, struct ct_entry *master)
{
	*master = (struct ct_entry){ .l3 = e->l3,
				     .l4 = e->master_l4,
				     .zone_orig = e->zone_orig,
				     .zone_reply = e->zone_reply,
				     .orig = e->master };
}

const char *nse_expect_text(const struct nse_expect *e, char out[NSE_EXPECT_TEXT])
{
	char child_text[CT_TEXT], master_text[CT_TEXT];
	struct ct_entry child, master;

	nse_expect_child(e, &child);
	nse_expect_master(e, &master);
	snprintf(out, NSE_EXPECT_TEXT, "%s, expected by %s",
		 ct_tuple_text(&child, &child.orig, child_text),
		 ct_entry_text(&master, master_text));
	return out;
}
