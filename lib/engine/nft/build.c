/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The builder: one message for each record, but for elements, which fill
 * messages of up to 32 KiB. The state is put back into the attributes first;
 * then names that are "@…" become numbers of this transaction, since the
 * kernel gives such sets and chains names of its own.
 */
#include "lib/engine/nft/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/build_fix.h"
#include "lib/engine/nft/build_names.h"
#include "lib/engine/nft/encode_body.h"
#include "lib/engine/nft/ifindex.h"
#include "lib/engine/nft/walk.h"
#include "lib/util/cleanup.h"

#define ELEMENTS_FULL (32u << 10) /* bytes of one message */
#define WORK_MAX      (1u << 17)  /* above any record */

/* What of a batch is whole. */
struct mark {
	size_t len, n;
};

struct nft_builder {
	struct nft_batch *batch;
	struct nft_build_names names;
	struct nse_buf work; /* attributes with their state */
	struct nse_buf here; /* attributes and key with this host's indexes */
	uint32_t last_id;
	bool singly;
	/* The message of elements that is open. */
	bool open;
	bool open_need;
	uint8_t open_family;
	struct nse_buf open_names; /* table, NUL, set */
	struct nft_id open_id;	   /* of the set */
	long list;		   /* its list of elements */
};

int nft_builder_new(struct nft_builder **out, struct nft_batch *batch)
{
	struct nft_builder *bd = calloc(1, sizeof(*bd));

	if (!bd)
		return -ENOMEM;
	bd->batch = batch;
	bd->work = (struct nse_buf)NSE_BUF_INIT(WORK_MAX);
	bd->here = (struct nse_buf)NSE_BUF_INIT(WORK_MAX);
	bd->open_names = (struct nse_buf)NSE_BUF_INIT(2 * NFT_NAME_MAX);
	nft_build_names_init(&bd->names);
	*out = bd;
	return 0;
}

void nft_builder_free(struct nft_builder *bd)
{
	if (!bd)
		return;
	nft_build_names_release(&bd->names);
	nse_buf_release(&bd->work);
	nse_buf_release(&bd->here);
	nse_buf_release(&bd->open_names);
	free(bd);
}

void nft_builder_singly(struct nft_builder *bd)
{
	bd->singly = true;
}

/* A record that is being built. */
struct item {
	struct nft_builder *bd;
	const struct nft_key *key;
	struct nse_bytes attrs; /* with the state, and this host's indexes */
	struct nse_bytes bytes; /* of an element's key, likewise */
	struct nse_cur values;	/* of the state */
	bool expires;
	uint64_t expiration;
	uint32_t slot;
	uint64_t after, before;
	struct mark mark;
};

static void set_mark(struct item *it)
{
	const struct nft_batch *b = it->bd->batch;

	it->mark = (struct mark){ b->bytes.len, b->n };
}

/* Puts back a value that is zero in the body. */
static int give_back(void *arg, const struct nft_site *site, struct nse_buf *to)
{
	struct item *it = arg;
	uint64_t v;
	int rc;

	if (site->kind != NFT_SITE_VALUE || nse_cur_left(&it->values) == 0)
		return 0;
	rc = nse_get_u64(&it->values, &v);
	if (rc == 0 && site->data.n == 8)
		rc = nse_buf_put_u64(to, v);
	else if (rc == 0 && site->data.n == 4)
		rc = nse_buf_put_u32(to, (uint32_t)v);
	else if (rc == 0)
		return 0;
	return rc < 0 ? rc : 1;
}

static int read_state(struct item *it, struct nse_bytes state)
{
	uint32_t order;
	uint8_t flags;
	int rc;

	it->values = nse_cur(state.p, state.n);
	if (state.n == 0)
		return 0;
	rc = nse_get_u8(&it->values, &flags);
	if (rc == 0 && (flags & NFT_STATE_EXPIRES)) {
		it->expires = true;
		rc = nse_get_u64(&it->values, &it->expiration);
	}
	if (rc == 0 && (flags & NFT_STATE_ORDER))
		rc = nse_get_u32(&it->values, &order);
	if (rc < 0 || nse_cur_left(&it->values) == 0)
		return rc;
	nse_buf_reset(&it->bd->work);
	rc = it->key->type == NFT_ELEMENT ? nft_walk(NFT_ELEMENT, it->attrs, NULL,
						     give_back, it, &it->bd->work)
					  : nft_walk_names(it->key->type, it->attrs,
							   give_back, it, &it->bd->work);
	it->attrs = (struct nse_bytes){ it->bd->work.data, it->bd->work.len };
	return rc;
}

/* Interfaces that are named by a number have another one on each host. */
static int resolve(struct item *it, struct nse_error *err)
{
	struct nse_buf *b = &it->bd->here;
	size_t at;
	int rc;

	nse_buf_reset(b);
	it->bytes = it->key->bytes;
	if (!nft_attr_find(it->attrs, NFT_BODY_IFNAMES).p &&
	    (it->key->type != NFT_RULE || !nft_rule_has_index(it->attrs)))
		return 0;
	rc = nft_ifindex_resolve(it->key->type, it->attrs, b, err);
	if (rc < 0)
		return rc;
	at = b->len;
	if (it->key->type == NFT_ELEMENT) {
		int changed = nft_ifindex_resolve_key(it->attrs, it->key->kind, it->bytes,
						      b, err);

		if (changed < 0)
			return changed;
		if (changed)
			it->bytes = (struct nse_bytes){ b->data + at, b->len - at };
	}
	if (rc)
		it->attrs = (struct nse_bytes){ b->data, at };
	return 0;
}

/* The number in this transaction of what the rule calls "@K". */
static int find_own(void *arg, enum nft_type type, struct nse_bytes name,
		    struct nft_id *id)
{
	const struct item *it = arg;
	char text[NFT_NAME_MAX], digits[12], *end;
	unsigned long k;

	if (name.n < 2 || name.n > sizeof(digits))
		return -EBADMSG;
	memcpy(digits, name.p + 1, name.n - 1);
	digits[name.n - 1] = '\0';
	k = strtoul(digits, &end, 10);
	if (*end || digits[0] < '0' || digits[0] > '9' || k > UINT32_MAX)
		return -EBADMSG;
	if (nft_name_make(text, it->key->name, it->key->rule, (uint32_t)k) < 0 ||
	    nft_build_names_find(&it->bd->names, type, it->key, nft_str(text), id) < 0)
		return -EBADMSG;
	return 0;
}

/* A set or chain that the kernel names gets a number, and is known by it. */
static int new_id(struct item *it, uint32_t map, struct nft_id *id)
{
	*id = (struct nft_id){ .id = ++it->bd->last_id, .map = map };
	if (it->key->type == NFT_SET)
		id->timeout = nft_attr_u64(nft_attr_find(it->attrs, NFTA_SET_TIMEOUT));
	return nft_name_is_ours(it->key->name) || id->timeout
		       ? nft_build_names_add(&it->bd->names, it->key, id)
		       : 0;
}

int nft_builder_know_set(struct nft_builder *bd, const struct nft_key *key,
			 const struct nse_record *rec)
{
	struct nft_key ours = *key;
	struct item it = { .bd = bd, .key = &ours };
	struct nft_id id;

	if (nft_name_is_ours(key->name))
		return 0;
	/* Elements that are ours go into sets that are needed, too. */
	ours.need = false;
	it.attrs = nft_body_attrs(NFT_SET, rec->body);
	return new_id(&it, 0, &id);
}

/* Table and name of what a message makes. */
static int put_names(struct item *it, uint16_t table_type, uint16_t name_type)
{
	struct nse_buf *b = &it->bd->batch->bytes;

	return nft_put_str(b, table_type, it->key->table)
		       ?: nft_put_str(b, name_type, it->key->name);
}

static int put_attrs(struct item *it)
{
	return nse_buf_put(&it->bd->batch->bytes, it->attrs.p, it->attrs.n);
}

static int build_table(struct item *it)
{
	struct nft_fix fix = { .out = &it->bd->batch->bytes };

	return nft_put_str(fix.out, NFTA_TABLE_NAME, it->key->table)
		       ?: nft_fix_table(&fix, it->attrs);
}

static int build_object(struct item *it)
{
	return put_names(it, NFTA_OBJ_TABLE, NFTA_OBJ_NAME) ?: put_attrs(it);
}

static int build_chain(struct item *it)
{
	struct nse_buf *b = &it->bd->batch->bytes;
	struct nft_id id;
	int rc;

	if (!nft_name_is_ours(it->key->name))
		return put_names(it, NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME) ?: put_attrs(it);
	rc = new_id(it, 0, &id);
	return rc ?: nft_put_str(b, NFTA_CHAIN_TABLE, it->key->table) ?:
	       nft_put_u32(b, NFTA_CHAIN_ID, id.id) ?: put_attrs(it);
}

static int build_flowtable(struct item *it)
{
	return put_names(it, NFTA_FLOWTABLE_TABLE, NFTA_FLOWTABLE_NAME) ?: put_attrs(it);
}

static int build_set(struct item *it)
{
	uint32_t flags = nft_attr_u32(nft_attr_find(it->attrs, NFTA_SET_FLAGS));
	struct nse_buf *b = &it->bd->batch->bytes;
	bool own = nft_name_is_ours(it->key->name);
	struct nft_id id;
	int rc = new_id(it, flags & (NFT_SET_MAP | NFT_SET_OBJECT), &id);

	return rc ?: nft_put_str(b, NFTA_SET_TABLE, it->key->table) ?:
	       nft_put_str(b, NFTA_SET_NAME, own ? nft_fix_pattern(&id) : it->key->name) ?:
	       nft_put_u32(b, NFTA_SET_ID, id.id) ?: put_attrs(it);
}

static int build_rule(struct item *it)
{
	struct nft_fix fix = { .out = &it->bd->batch->bytes,
			       .find = find_own,
			       .arg = it,
			       .family = it->key->family };
	struct nft_id id;
	int rc = nft_put_str(fix.out, NFTA_RULE_TABLE, it->key->table);

	if (rc == 0 && nft_name_is_ours(it->key->name)) {
		if (nft_build_names_find(&it->bd->names, NFT_CHAIN, it->key,
					 it->key->name, &id) < 0)
			return -EBADMSG;
		rc = nft_put_u32(fix.out, NFTA_RULE_CHAIN_ID, id.id);
	} else if (rc == 0) {
		rc = nft_put_str(fix.out, NFTA_RULE_CHAIN, it->key->name);
	}
	if (rc == 0 && (it->after || it->before))
		rc = nft_put_u64(fix.out, NFTA_RULE_POSITION,
				 it->before ? it->before : it->after);
	return rc ?: nft_fix_rule(&fix, it->attrs);
}

/* Is the open message about this element's set? */
static bool is_open(const struct nft_builder *bd, const struct nft_key *key)
{
	const uint8_t *p = bd->open_names.data;

	return bd->open && bd->open_need == key->need && bd->open_family == key->family &&
	       bd->open_names.len == key->table.n + 1 + key->name.n &&
	       memcmp(p, key->table.p, key->table.n) == 0 && p[key->table.n] == '\0' &&
	       memcmp(p + key->table.n + 1, key->name.p, key->name.n) == 0;
}

static int open_set(struct item *it)
{
	struct nse_bytes name = it->key->name;
	struct nft_builder *bd = it->bd;
	struct nse_buf *b = &bd->batch->bytes;
	int rc = nft_batch_open(bd->batch, NFT_MSG_NEWSETELEM, NLM_F_CREATE,
				it->key->family, it->slot);

	nse_buf_reset(&bd->open_names);
	rc = rc ?: nse_buf_put(&bd->open_names, it->key->table.p, it->key->table.n) ?:
	     nse_buf_put_u8(&bd->open_names, 0) ?:
	     nse_buf_put(&bd->open_names, name.p, name.n) ?:
	     nft_put_str(b, NFTA_SET_ELEM_LIST_TABLE, it->key->table);
	if (rc < 0)
		return rc;
	rc = nft_build_names_find(&bd->names, NFT_SET, it->key, name, &bd->open_id);
	if (nft_name_is_ours(name)) {
		if (rc < 0)
			return -EBADMSG;
		name = nft_fix_pattern(&bd->open_id);
		rc = nft_put_u32(b, NFTA_SET_ELEM_LIST_SET_ID, bd->open_id.id);
	} else if (rc < 0) {
		bd->open_id.timeout = 0;
		rc = rc == -ENOENT ? 0 : rc;
	}
	rc = rc ?: nft_put_str(b, NFTA_SET_ELEM_LIST_SET, name);
	if (rc < 0)
		return rc;
	bd->list = nft_nest(b, NFTA_SET_ELEM_LIST_ELEMENTS);
	bd->open_need = it->key->need;
	bd->open_family = it->key->family;
	bd->open = bd->list >= 0;
	return bd->open ? 0 : (int)bd->list;
}

static int put_value(struct nse_buf *b, uint16_t type, const uint8_t *p, size_t n)
{
	long at = nft_nest(b, type);

	return at < 0 ? (int)at
		      : nft_put(b, NFTA_DATA_VALUE, p, n) ?: nft_nest_end(b, at);
}

int nft_build_element_key(struct nse_buf *b, uint8_t kind, struct nse_bytes bytes)
{
	bool range = kind == NFT_ELEMENT_RANGE;
	size_t half = range ? bytes.n / 2 : bytes.n;
	int rc = 0;

	if (kind != NFT_ELEMENT_CATCHALL)
		rc = put_value(b, NFTA_SET_ELEM_KEY, bytes.p, half);
	if (rc == 0 && range)
		rc = put_value(b, NFTA_SET_ELEM_KEY_END, bytes.p + half, half);
	return rc;
}

static int put_element(struct item *it)
{
	struct nse_buf *b = &it->bd->batch->bytes;
	long at = nft_nest(b, NFTA_LIST_ELEM);
	int rc = at < 0 ? (int)at : nft_build_element_key(b, it->key->kind, it->bytes);

	if (rc == 0 && it->expires)
		rc = nft_fix_element(b, it->attrs, it->expiration,
				     it->bd->open_id.timeout);
	else if (rc == 0)
		rc = put_attrs(it);
	return rc ?: nft_nest_end(b, at);
}

static int build_element(struct item *it)
{
	struct nft_builder *bd = it->bd;
	size_t len = bd->batch->bytes.len - bd->batch->open;
	int rc = 0;

	if (bd->open && (bd->singly || !is_open(bd, it->key) ||
			 len + it->key->bytes.n + it->attrs.n > ELEMENTS_FULL))
		rc = nft_build_flush(bd);
	if (rc == 0 && !bd->open) {
		set_mark(it);
		rc = open_set(it);
	}
	if (rc == 0)
		set_mark(it);
	return rc ?: put_element(it);
}

int nft_build_flush(struct nft_builder *bd)
{
	if (!bd->open)
		return 0;
	bd->open = false;
	return nft_nest_end(&bd->batch->bytes, bd->list) ?: nft_batch_close(bd->batch);
}

static const struct {
	uint16_t msg, flags;
	int (*build)(struct item *it);
} builds[NFT_TYPES] = {
	[NFT_TABLE] = { NFT_MSG_NEWTABLE, NLM_F_CREATE | NLM_F_EXCL, build_table },
	[NFT_OBJECT] = { NFT_MSG_NEWOBJ, NLM_F_CREATE | NLM_F_EXCL, build_object },
	[NFT_CHAIN] = { NFT_MSG_NEWCHAIN, NLM_F_CREATE | NLM_F_EXCL, build_chain },
	[NFT_FLOWTABLE] = { NFT_MSG_NEWFLOWTABLE, NLM_F_CREATE | NLM_F_EXCL,
			    build_flowtable },
	[NFT_SET] = { NFT_MSG_NEWSET, NLM_F_CREATE | NLM_F_EXCL, build_set },
	[NFT_RULE] = { NFT_MSG_NEWRULE, NLM_F_CREATE, build_rule },
};

static int build_message(struct item *it)
{
	enum nft_type type = it->key->type;
	/* Without APPEND a rule goes to the beginning, or ahead of POSITION. */
	uint16_t append = type == NFT_RULE && !it->before ? NLM_F_APPEND : 0;
	int rc = nft_build_flush(it->bd);

	rc = rc
		     ?: nft_batch_open(it->bd->batch, builds[type].msg,
				       builds[type].flags | append, it->key->family,
				       it->slot);
	return rc ?: builds[type].build(it) ?: nft_batch_close(it->bd->batch);
}

int nft_build_key(struct nft_builder *bd, const struct nft_key *key,
		  const struct nse_record *rec, uint32_t slot, uint64_t after,
		  uint64_t before, struct nse_error *err)
{
	struct item it = { .bd = bd,
			   .key = key,
			   .slot = slot,
			   .attrs = nft_body_attrs(key->type, rec->body),
			   .after = after,
			   .before = before };
	struct nse_error why; /* not cleared for each of a million records */
	char name[256];
	int rc;

	why.code = 0;
	set_mark(&it);
	if (!it.attrs.p || rec->body.p[0] != NFT_LAYOUT)
		rc = -EBADMSG;
	else
		rc = read_state(&it, rec->state);
	rc = rc ?: resolve(&it, &why);
	if (rc == 0)
		rc = key->type == NFT_ELEMENT ? build_element(&it) : build_message(&it);
	if (rc == 0)
		return 0;
	bd->batch->bytes.len = it.mark.len;
	bd->batch->n = it.mark.n;
	nft_key_text(key, name, sizeof(name));
	if (why.code == rc)
		return nse_error(err, rc, "%s: %s", name, why.text);
	if (rc == -EBADMSG)
		return nse_error(err, rc,
				 "%s cannot be made of its record: it is damaged, or the "
				 "host that wrote it has another byte order",
				 name);
	return nse_errno(err, rc, "%s", name);
}

int nft_build(struct nft_builder *bd, const struct nse_record *rec, uint32_t slot,
	      uint64_t after, uint64_t before, struct nse_error *err)
{
	struct nft_key key;
	int rc = nft_key_decode(rec, &key, err);

	return rc ?: nft_build_key(bd, &key, rec, slot, after, before, err);
}
