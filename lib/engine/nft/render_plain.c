/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Records in libnftnl's form. That library ends its process when it does not
 * like an attribute, and the records are foreign: a child process works them
 * off, says at which it is, and another one goes on behind the one that was
 * its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/flowtable.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/nft_engine.h"
#include "lib/engine/nft/private.h"
#include "lib/engine/nft/render_private.h"
#include "lib/engine/nft/rule_list.h"
#include "lib/engine/nft/walk.h"
#include "lib/util/cleanup.h"
#include "lib/util/clock.h"
#include "lib/util/io.h"

#define DEADLINE_US (60 * 1000000LL)
#define TEXT_ROOM   (64u << 10)
#define DEATHS_MAX  100

/* Shared with the children. */
struct plain {
	struct nft_texts *t;
	int fd;	     /* texts: u32 slot, u32 length, bytes */
	uint32_t at; /* the slot that is being worked off */
};

/* Puts the values of the state where the body has zeros. */
static int on_value(void *arg, const struct nft_site *site, struct nse_buf *to)
{
	struct nse_cur *state = arg;
	uint64_t v;

	if (site->kind != NFT_SITE_VALUE || nse_get_u64(state, &v) < 0)
		return 0;
	return (site->data.n == 4 ? nse_buf_put_u32(to, (uint32_t)v)
				  : nse_buf_put_u64(to, v))
		       ?: 1;
}

static int put_attrs(const struct nse_record *rec, const struct nft_key *key,
		     struct nse_buf *b)
{
	struct nse_cur state = nse_cur(rec->state.p, rec->state.n);
	struct nse_bytes attrs = nft_body_attrs(key->type, rec->body);
	size_t start = b->len;
	uint64_t expires;
	uint32_t order;
	uint8_t flags;

	if (nse_get_u8(&state, &flags) < 0)
		flags = 0;
	if ((flags & NFT_STATE_EXPIRES) && nse_get_u64(&state, &expires) == 0 &&
	    nft_put_u64(b, NFTA_SET_ELEM_EXPIRATION, expires) < 0)
		return -EMSGSIZE;
	if (flags & NFT_STATE_ORDER)
		nse_get_u32(&state, &order);
	if (nft_walk(key->type, attrs, NULL, on_value, &state, b) == 0)
		return 0;
	b->len = start;
	return nse_buf_put(b, attrs.p, attrs.n);
}

/* An element as NEWSETELEM has it: its key is an attribute again. */
static int put_element(const struct nse_record *rec, const struct nft_key *key,
		       struct nse_buf *b)
{
	int halves = key->kind == NFT_ELEMENT_RANGE ? 2 : 1;
	size_t n = key->bytes.n / (size_t)halves;
	long list, element, data;
	int rc;

	rc = nft_put_str(b, NFTA_SET_ELEM_LIST_SET, key->name);
	list = nft_nest(b, NFTA_SET_ELEM_LIST_ELEMENTS);
	element = nft_nest(b, NFTA_LIST_ELEM);
	if (rc < 0 || list < 0 || element < 0)
		return -EMSGSIZE;
	for (int half = 0; half < halves && key->bytes.n; half++) {
		data = nft_nest(b, half ? NFTA_SET_ELEM_KEY_END : NFTA_SET_ELEM_KEY);
		rc = nft_put(b, NFTA_DATA_VALUE, key->bytes.p + (size_t)half * n, n);
		if (rc < 0 || data < 0 || nft_nest_end(b, data) < 0)
			return -EMSGSIZE;
	}
	return put_attrs(rec, key, b) ?: nft_nest_end(b, element)
	       ?: nft_nest_end(b, list);
}

/* The record as a message of a dump. */
static int put_message(const struct nse_record *rec, const struct nft_key *key,
		       struct nse_buf *b)
{
	static const uint16_t names[NFT_TYPES] = {
		[NFT_OBJECT] = NFTA_OBJ_NAME,	       [NFT_CHAIN] = NFTA_CHAIN_NAME,
		[NFT_FLOWTABLE] = NFTA_FLOWTABLE_NAME, [NFT_SET] = NFTA_SET_NAME,
		[NFT_RULE] = NFTA_RULE_CHAIN,
	};
	struct nlmsghdr nlh = { .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 };
	struct nfgenmsg nfg = { .nfgen_family = key->family };
	int rc = nse_buf_put(b, &nlh, sizeof(nlh)) ?: nse_buf_put(b, &nfg, sizeof(nfg));

	/* NFTA_*_TABLE is 1 everywhere, and so is the name of a table. */
	rc = rc ?: nft_put_str(b, NFTA_TABLE_NAME, key->table);
	if (rc == 0 && names[key->type])
		rc = nft_put_str(b, names[key->type], key->name);
	if (rc == 0)
		rc = key->type == NFT_ELEMENT ? put_element(rec, key, b)
					      : put_attrs(rec, key, b);
	if (rc < 0)
		return rc;
	nlh.nlmsg_len = (uint32_t)b->len;
	memcpy(b->data, &nlh, sizeof(nlh));
	return 0;
}

/* The text of one sort of object: its length, or below 0. */
#define PRINT(name, what)                                                                \
	static int print_##name(const struct nlmsghdr *nlh, char *text)                  \
	{                                                                                \
		struct nftnl_##what *o = nftnl_##what##_alloc();                         \
		int n = -1;                                                              \
                                                                                         \
		if (o && nftnl_##what##_nlmsg_parse(nlh, o) == 0)                        \
			n = nftnl_##what##_snprintf(text, TEXT_ROOM, o,                  \
						    NFTNL_OUTPUT_DEFAULT, 0);            \
		if (o)                                                                   \
			nftnl_##what##_free(o);                                          \
		return n;                                                                \
	}

PRINT(table, table)
PRINT(chain, chain)
PRINT(object, obj)
PRINT(flowtable, flowtable)
PRINT(set, set)
PRINT(rule, rule)

static int print_element(const struct nlmsghdr *nlh, char *text)
{
	struct nftnl_set *s = nftnl_set_alloc();
	struct nftnl_set_elems_iter *it = NULL;
	struct nftnl_set_elem *e;
	int n = -1;

	if (s && nftnl_set_elems_nlmsg_parse(nlh, s) == 0)
		it = nftnl_set_elems_iter_create(s);
	e = it ? nftnl_set_elems_iter_next(it) : NULL;
	if (e)
		n = nftnl_set_elem_snprintf(text, TEXT_ROOM, e, NFTNL_OUTPUT_DEFAULT, 0);
	if (it)
		nftnl_set_elems_iter_destroy(it);
	if (s)
		nftnl_set_free(s);
	return n;
}

static int (*const printers[NFT_TYPES])(const struct nlmsghdr *, char *) = {
	[NFT_TABLE] = print_table, [NFT_OBJECT] = print_object,
	[NFT_CHAIN] = print_chain, [NFT_FLOWTABLE] = print_flowtable,
	[NFT_SET] = print_set,	   [NFT_ELEMENT] = print_element,
	[NFT_RULE] = print_rule,
};

/*
 * One line of it: of a rule without the first, which has the names again;
 * without the user's data at the end, which are bytes.
 */
static void tidy(enum nft_type type, char *text)
{
	char *from = type == NFT_RULE ? strchr(text, '\n') : text, *to = text, *cut;

	for (from = from ? from : text; *from; from++) {
		bool space = *from == '\n' || *from == ' ' || *from == '\t';

		if (!space)
			*to++ = *from;
		else if (to > text && to[-1] != ' ')
			*to++ = ' ';
	}
	*to = '\0';
	cut = strstr(text, "userdata = {");
	to = cut ? cut : to;
	while (to > text && to[-1] == ' ')
		to--;
	*to = '\0';
}

/* In the child: writes the text of a slot to the file. */
static int print_slot(struct plain *p, uint32_t slot, struct nse_buf *b, char *text)
{
	struct nse_record rec;
	struct nft_key key;
	uint32_t head[2];
	int n;

	nse_buf_reset(b);
	if (!nse_context_at(p->t->ctx, slot, &rec) || nft_check(&rec, NULL) < 0 ||
	    nft_key_decode(&rec, &key, NULL) < 0 || put_message(&rec, &key, b) < 0)
		return 0;
	n = printers[key.type]((const struct nlmsghdr *)b->data, text);
	if (n < 0 || n >= (int)TEXT_ROOM)
		return 0;
	tidy(key.type, text);
	head[0] = slot;
	head[1] = (uint32_t)strlen(text);
	return nse_write_full(p->fd, head, sizeof(head), NSE_FOREVER)
		       ?: nse_write_full(p->fd, text, head[1], NSE_FOREVER);
}

/* The slot of what the key names with another type and name, or none. */
static uint32_t find(const struct nft_texts *t, struct nft_key key, enum nft_type type,
		     struct nse_bytes name)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(NSE_RECORD_MAX);

	key.type = type;
	key.name = name;
	if (nft_key_encode(&key, &b) < 0)
		return NSE_CONTEXT_NONE;
	return nse_context_find(t->ctx,
				key.need ? &nft_need_kinds[type] : &nft_kinds[type],
				(struct nse_bytes){ b.data, b.len });
}

static bool has_text(const struct nft_texts *t, uint32_t slot)
{
	return slot < t->n && t->at[slot].text;
}

/* Is it in the text of another record, by nft(8), or not asked for with it? */
static bool is_inside(const struct nft_texts *t, const struct nft_key *key)
{
	struct nft_key owner = *key;
	uint32_t k, rule;

	if (key->type == NFT_ELEMENT && key->kind == NFT_ELEMENT_END &&
	    has_text(t, find(t, *key, NFT_SET, key->name)))
		return true;
	if (key->type == NFT_FLOWTABLE || key->type == NFT_OBJECT)
		return false;
	while (nft_name_split(owner.name, &owner.name, &owner.rule, &k))
		;
	if (owner.name.p == key->name.p)
		return false;
	rule = find(t, owner, NFT_RULE, owner.name);
	return has_text(t, rule) || (rule < t->n && t->skip[rule]);
}

/* Should it have a text, and has it none? */
static bool is_missing(const struct nft_texts *t, uint32_t slot, struct nft_key *key)
{
	struct nse_record rec;
	bool need;

	return nse_context_at(t->ctx, slot, &rec) && !t->at[slot].text &&
	       !t->skip[slot] && nft_kind_of(rec.kind, &key->type, &need) &&
	       nft_key_decode(&rec, key, NULL) == 0 && !is_inside(t, key);
}

static int in_child(void *arg, struct nse_error *err)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf b = NSE_BUF_INIT(4 * NSE_RECORD_MAX);
	NSE_FREE char *text = malloc(TEXT_ROOM);
	struct plain *p = arg;
	struct nft_key key;
	int rc = text ? 0 : -ENOMEM, null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	/* What the library has to say about foreign bytes is not for the user. */
	if (null < 0 || dup2(null, STDERR_FILENO) < 0)
		rc = -errno;
	for (; rc == 0 && p->at < p->t->n; p->at++)
		if (is_missing(p->t, p->at, &key))
			rc = print_slot(p, p->at, &b, text);
	return rc < 0 ? nse_errno(err, rc, "showing records") : 0;
}

static int take_texts(struct plain *p)
{
	NSE_FREE char *text = malloc(TEXT_ROOM);
	uint32_t head[2];
	int rc = text ? 0 : -ENOMEM;

	if (rc == 0 && lseek(p->fd, 0, SEEK_SET) < 0)
		rc = -errno;
	while (rc == 0 &&
	       nse_read_full(p->fd, head, sizeof(head), NSE_FOREVER) == sizeof(head)) {
		if (head[0] >= p->t->n || head[1] >= TEXT_ROOM ||
		    nse_read_full(p->fd, text, head[1], NSE_FOREVER) != head[1])
			break;
		rc = nft_texts_set(p->t, head[0], text, head[1]);
		p->t->at[head[0]].plain = true;
	}
	return rc;
}

static int print_all(struct plain *p, struct nse_error *err)
{
	int64_t deadline = nse_now_us() + DEADLINE_US;

	for (int deaths = 0; deaths < DEATHS_MAX && p->at < p->t->n; deaths++) {
		int rc = nft_private_fork(in_child, p, deadline, err);

		if (rc < 0)
			return rc;
		if (rc > 0)
			p->at++; /* that one was its end */
	}
	return 0;
}

int nft_render_plain(struct nft_texts *t, struct nse_error *err)
{
	struct plain *p;
	struct nft_key key;
	uint32_t slot = 0;
	int rc;

	while (slot < t->n && !is_missing(t, slot, &key))
		slot++;
	if (slot == t->n)
		return 0;
	p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		 0);
	if (p == MAP_FAILED)
		return nse_errno(err, -errno, "showing records");
	*p = (struct plain){ t, memfd_create("nsemig-texts", MFD_CLOEXEC), slot };
	if (p->fd < 0) {
		rc = nse_errno(err, -errno, "showing records");
	} else {
		rc = print_all(p, err);
		if (rc == 0 && take_texts(p) < 0)
			rc = nse_errno(err, -ENOMEM, "showing records");
		close(p->fd);
	}
	munmap(p, sizeof(*p));
	return rc;
}
