/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Comments as marks. nft(8) sorts elements, joins the ends of intervals and
 * breaks lines as it likes; but a comment stays with its rule or element. Its
 * number cannot be guessed, so that no text in a foreign context can pass for
 * a mark.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/render_private.h"
#include "lib/util/cleanup.h"

#define NO_USERDATA 0

/* Where each type has its comment: the attribute, and the entry in it. */
static const struct place {
	uint16_t attr;
	uint8_t entry;
} places[NFT_TYPES] = {
	[NFT_TABLE] = { NFTA_TABLE_USERDATA, NFTNL_UDATA_TABLE_COMMENT },
	[NFT_OBJECT] = { NFTA_OBJ_USERDATA, NFTNL_UDATA_OBJ_COMMENT },
	[NFT_CHAIN] = { NFTA_CHAIN_USERDATA, NFTNL_UDATA_CHAIN_COMMENT },
	[NFT_FLOWTABLE] = { NO_USERDATA, 0 },
	[NFT_SET] = { NFTA_SET_USERDATA, NFTNL_UDATA_SET_COMMENT },
	[NFT_ELEMENT] = { NFTA_SET_ELEM_USERDATA, NFTNL_UDATA_SET_ELEM_COMMENT },
	[NFT_RULE] = { NFTA_RULE_USERDATA, NFTNL_UDATA_RULE_COMMENT },
};

/* Takes an entry off the user's data: u8 type, u8 length, bytes. 1, 0, -EBADMSG. */
static int next_entry(struct nse_cur *c, uint8_t *type, struct nse_bytes *value)
{
	uint8_t n;

	if (nse_cur_left(c) == 0)
		return 0;
	if (nse_get_u8(c, type) < 0 || nse_get_u8(c, &n) < 0 ||
	    nse_get_bytes(c, n, &value->p) < 0)
		return -EBADMSG;
	value->n = n;
	return 1;
}

struct nse_bytes nft_comment(enum nft_type type, struct nse_bytes attrs)
{
	struct nse_bytes data = { NULL, 0 }, value;
	struct nse_cur c;
	uint8_t entry;

	if (places[type].attr != NO_USERDATA)
		data = nft_attr_find(attrs, places[type].attr);
	c = nse_cur(data.p, data.n);
	while (next_entry(&c, &entry, &value) > 0)
		if (entry == places[type].entry)
			return nft_attr_str(value);
	return (struct nse_bytes){ NULL, 0 };
}

static int put_entry(struct nse_buf *b, uint8_t type, const void *p, size_t n)
{
	return nse_buf_put_u8(b, type) ?: nse_buf_put_u8(b, (uint8_t)n)
	       ?: nse_buf_put(b, p, n);
}

/* The user's data with another comment, or none. */
static int remake(enum nft_type type, struct nse_bytes old, const char *mark,
		  struct nse_buf *out)
{
	struct nse_cur c = nse_cur(old.p, old.n);
	struct nse_bytes value;
	uint8_t entry;
	int rc;

	while ((rc = next_entry(&c, &entry, &value)) > 0) {
		if (entry != places[type].entry)
			rc = put_entry(out, entry, value.p, value.n);
		if (rc < 0)
			return rc;
	}
	if (rc == 0 && mark)
		rc = put_entry(out, places[type].entry, mark, strlen(mark) + 1);
	return rc;
}

/*
 * Appends the attributes with another comment. The user's data come first: the
 * last place is that of what is no attribute of the kernel's (NFT_BODY_*).
 */
static int rewrite(enum nft_type type, struct nse_bytes attrs, const char *mark,
		   struct nse_buf *out)
{
	NSE_CLEANUP(nse_buf_release)
	struct nse_buf data = NSE_BUF_INIT(NFT_USERDATA_MAXLEN);
	static const uint8_t zeros[4]; /* for padding that was cut off */
	struct nse_cur c = nse_cur(attrs.p, attrs.n);
	uint16_t attr = places[type].attr;
	const uint8_t *from;
	struct nft_attr a;
	size_t n;
	int rc = remake(type, nft_attr_find(attrs, attr), mark, &data);

	if (rc == 0 && data.len)
		rc = nft_put(out, attr, data.data, data.len);
	if (rc < 0)
		return rc;
	for (from = c.p; (rc = nft_attr_next(&c, &a)) > 0; from = c.p) {
		if (a.type == attr)
			continue;
		n = (size_t)(c.p - from);
		rc = nse_buf_put(out, from, n) ?: nse_buf_put(out, zeros, -n & 3);
		if (rc < 0)
			return rc;
	}
	return rc;
}

/* Does the record get a mark? What belongs to rules is part of their texts. */
static bool is_marked(const struct nft_key *key)
{
	if (key->type == NFT_RULE)
		return !nft_name_is_ours(key->name);
	return key->type == NFT_ELEMENT && !nft_name_is_ours(key->name) &&
	       key->kind != NFT_ELEMENT_END;
}

/* Is there a comment that has to go, or to come? */
static bool is_rewritten(const struct nft_key *key)
{
	if (key->type == NFT_RULE || key->type == NFT_ELEMENT)
		return is_marked(key);
	return key->type != NFT_FLOWTABLE;
}

/* Makes the body in `b`; false when the record has to stay as it is. */
static bool mark_body(struct nft_marked *m, const struct nse_record *rec,
		      const struct nft_key *key, uint32_t slot, struct nse_buf *b)
{
	struct nse_bytes attrs = nft_body_attrs(key->type, rec->body);
	char mark[64];

	snprintf(mark, sizeof(mark), "nsemig-%016llx-%u", (unsigned long long)m->nonce,
		 slot);
	nse_buf_reset(b);
	return attrs.p && nse_buf_put(b, rec->body.p, rec->body.n - attrs.n) == 0 &&
	       rewrite(key->type, attrs, is_marked(key) ? mark : NULL, b) == 0;
}

static int put_marked(struct nft_marked *m, struct nse_record rec, uint32_t slot,
		      struct nse_buf *body)
{
	struct nft_key key;
	uint32_t to;
	bool done;
	int rc;

	if (nft_key_decode(&rec, &key, NULL) < 0)
		return 0;
	done = is_rewritten(&key) && mark_body(m, &rec, &key, slot, body);
	if (done)
		rec.body = (struct nse_bytes){ body->data, body->len };
	rc = nse_context_put(m->ctx, &rec, &to);
	/* A comment too many in a set is no harm; without a mark there is one. */
	if (rc == 0 && to < nse_context_slots(m->ctx)) {
		m->origin[to] = slot;
		m->unmarked[to] = is_marked(&key) && !done;
	}
	return rc;
}

int nft_mark(const struct nse_context *ctx, const uint8_t *skip, struct nft_marked *m)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf body = NSE_BUF_INIT(NSE_RECORD_MAX);
	uint32_t n = nse_context_slots(ctx);
	struct nse_record rec;
	enum nft_type type;
	bool need;
	int rc = 0;

	m->ctx = nse_context_new();
	m->origin = calloc(n + 1, sizeof(*m->origin));
	m->unmarked = calloc(n + 1, 1);
	if (!m->ctx || !m->origin || !m->unmarked)
		return -ENOMEM;
	if (getrandom(&m->nonce, sizeof(m->nonce), 0) != sizeof(m->nonce))
		return -errno;
	for (uint32_t s = 0; rc == 0 && s < n; s++)
		if (!(skip && skip[s]) && nse_context_at(ctx, s, &rec) &&
		    nft_kind_of(rec.kind, &type, &need))
			rc = put_marked(m, rec, s, &body);
	return rc;
}

void nft_marked_release(struct nft_marked *m)
{
	nse_context_free(m->ctx);
	free(m->origin);
	free(m->unmarked);
	*m = (struct nft_marked){ .ctx = NULL };
}
