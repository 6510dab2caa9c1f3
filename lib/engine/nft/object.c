/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keys of the nft engine's records. Names end with a NUL in the key, so that
 * memcmp() of two keys is the order of their names, and rules of one chain
 * stand in the order of their numbers, elements of one set in the order of
 * their values.
 */
#include "lib/engine/nft/object.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "lib/util/cleanup.h"

#define ENGINE "nft"
#define NEED   "need-"

const struct nse_kind nft_kinds[NFT_TYPES] = {
	[NFT_TABLE] = { ENGINE, "table" }, [NFT_OBJECT] = { ENGINE, "object" },
	[NFT_CHAIN] = { ENGINE, "chain" }, [NFT_FLOWTABLE] = { ENGINE, "flowtable" },
	[NFT_SET] = { ENGINE, "set" },	   [NFT_ELEMENT] = { ENGINE, "element" },
	[NFT_RULE] = { ENGINE, "rule" },
};

const struct nse_kind nft_need_kinds[NFT_TYPES] = {
	[NFT_TABLE] = { ENGINE, "need-table" },
	[NFT_OBJECT] = { ENGINE, "need-object" },
	[NFT_CHAIN] = { ENGINE, "need-chain" },
	[NFT_FLOWTABLE] = { ENGINE, "need-flowtable" },
	[NFT_SET] = { ENGINE, "need-set" },
	[NFT_ELEMENT] = { ENGINE, "need-element" },
	[NFT_RULE] = { ENGINE, "need-rule" },
};

const char *const nft_type_names[] = {
	nft_kinds[NFT_TABLE].type,
	nft_kinds[NFT_OBJECT].type,
	nft_kinds[NFT_CHAIN].type,
	nft_kinds[NFT_FLOWTABLE].type,
	nft_kinds[NFT_SET].type,
	nft_kinds[NFT_ELEMENT].type,
	nft_kinds[NFT_RULE].type,
	nft_need_kinds[NFT_TABLE].type,
	nft_need_kinds[NFT_OBJECT].type,
	nft_need_kinds[NFT_CHAIN].type,
	nft_need_kinds[NFT_FLOWTABLE].type,
	nft_need_kinds[NFT_SET].type,
	nft_need_kinds[NFT_ELEMENT].type,
	nft_need_kinds[NFT_RULE].type,
	NULL,
};

static const struct {
	uint8_t family;
	const char *name;
} families[] = {
	{ NFPROTO_IPV4, "ip" },	      { NFPROTO_IPV6, "ip6" },
	{ NFPROTO_INET, "inet" },     { NFPROTO_ARP, "arp" },
	{ NFPROTO_BRIDGE, "bridge" }, { NFPROTO_NETDEV, "netdev" },
};

const char *nft_family_name(uint8_t family)
{
	for (size_t i = 0; i < NSE_ARRAY_SIZE(families); i++)
		if (families[i].family == family)
			return families[i].name;
	return NULL;
}

int nft_family_parse(const char *name, size_t n)
{
	for (size_t i = 0; i < NSE_ARRAY_SIZE(families); i++)
		if (strlen(families[i].name) == n &&
		    memcmp(families[i].name, name, n) == 0)
			return families[i].family;
	return -EINVAL;
}

bool nft_kind_of(const struct nse_kind *kind, enum nft_type *type, bool *need)
{
	size_t skip = sizeof(NEED) - 1;
	const char *name = kind->type;

	if (strcmp(kind->engine, ENGINE) != 0)
		return false;
	*need = strncmp(name, NEED, skip) == 0;
	if (*need)
		name += skip;
	for (int i = 0; i < NFT_TYPES; i++) {
		/* Each begins with another letter. */
		if (*name != *nft_kinds[i].type || strcmp(name, nft_kinds[i].type) != 0)
			continue;
		*type = i;
		return true;
	}
	return false;
}

static int put_name(struct nse_buf *b, struct nse_bytes name)
{
	if (name.n >= NFT_NAME_MAX)
		return -EMSGSIZE;
	return nse_buf_put(b, name.p, name.n) ?: nse_buf_put_u8(b, 0);
}

int nft_key_encode(const struct nft_key *key, struct nse_buf *b)
{
	int rc = nse_buf_put_u8(b, key->family) ?: put_name(b, key->table);

	if (rc == 0 && key->type != NFT_TABLE)
		rc = put_name(b, key->name);
	if (rc < 0)
		return rc;
	switch (key->type) {
	case NFT_OBJECT:
		return nse_buf_put_u32(b, key->objtype);
	case NFT_RULE:
		return nse_buf_put_u32(b, key->rule);
	case NFT_ELEMENT:
		return nse_buf_put(b, key->bytes.p, key->bytes.n)
			       ?: nse_buf_put_u8(b, key->kind);
	default:
		return 0;
	}
}

/* "@CHAIN:RULE:K", CHAIN being a name of a kernel's or another such name. */
static bool made_name_ok(struct nse_bytes name)
{
	size_t n = name.n;

	for (int number = 0; number < 2; number++) {
		size_t digits = 0;

		while (n && name.p[n - 1] >= '0' && name.p[n - 1] <= '9') {
			n--;
			digits++;
		}
		if (digits == 0 || digits > 10 || n == 0 || name.p[n - 1] != ':')
			return false;
		n--;
	}
	return n >= 2 && name.p[0] == '@';
}

/* Sets and chains alone have names that are made; others are the kernel's. */
static bool name_ok(struct nse_bytes name, bool made)
{
	if (made && nft_name_is_ours(name))
		return name.n < NFT_NAME_MAX && made_name_ok(name);
	return name.n > 0 && name.n < NFT_NAME_MAXLEN;
}

static int get_name(struct nse_cur *c, bool made, struct nse_bytes *name)
{
	const uint8_t *end = memchr(c->p, '\0', nse_cur_left(c));

	if (!end)
		return -EBADMSG;
	name->n = (size_t)(end - c->p);
	name->p = c->p;
	c->p = end + 1;
	return name_ok(*name, made) ? 0 : -EBADMSG;
}

static bool element_ok(const struct nft_key *key)
{
	size_t n = key->bytes.n;

	switch (key->kind) {
	case NFT_ELEMENT_END:
	case NFT_ELEMENT_PLAIN:
		return n > 0 && n <= NFT_DATA_VALUE_MAXLEN;
	case NFT_ELEMENT_RANGE:
		return n > 0 && n % 2 == 0 && n <= 2 * NFT_DATA_VALUE_MAXLEN;
	case NFT_ELEMENT_CATCHALL:
		return n == 0;
	default:
		return false;
	}
}

/* What stands behind the names. */
static int get_tail(struct nse_cur *c, struct nft_key *key)
{
	size_t left = nse_cur_left(c);

	switch (key->type) {
	case NFT_OBJECT:
		return left == 4 && nse_get_u32(c, &key->objtype) == 0 && key->objtype
			       ? 0
			       : -EBADMSG;
	case NFT_RULE:
		return left == 4 ? nse_get_u32(c, &key->rule) : -EBADMSG;
	case NFT_ELEMENT:
		if (left == 0)
			return -EBADMSG;
		key->bytes.n = left - 1;
		nse_get_bytes(c, key->bytes.n, &key->bytes.p);
		nse_get_u8(c, &key->kind);
		return element_ok(key) ? 0 : -EBADMSG;
	default:
		return left == 0 ? 0 : -EBADMSG;
	}
}

int nft_key_decode(const struct nse_record *rec, struct nft_key *key,
		   struct nse_error *err)
{
	struct nse_cur c = nse_cur(rec->key.p, rec->key.n);

	memset(key, 0, sizeof(*key));
	/* What a key does not have is empty, and points somewhere all the same. */
	key->name.p = key->bytes.p = rec->key.p;
	if (!nft_kind_of(rec->kind, &key->type, &key->need))
		return nse_error(err, -EBADMSG, "a %.15s %.15s is no object of nf_tables",
				 rec->kind->engine, rec->kind->type);
	if (nse_get_u8(&c, &key->family) < 0 || !nft_family_name(key->family))
		return nse_error(err, -EBADMSG, "the key of a %s: no family of nf_tables",
				 rec->kind->type);
	if (get_name(&c, false, &key->table) < 0)
		return nse_error(err, -EBADMSG, "the key of a %s: bad name of a table",
				 rec->kind->type);
	if (key->type != NFT_TABLE &&
	    get_name(&c, key->type >= NFT_CHAIN && key->type != NFT_FLOWTABLE,
		     &key->name) < 0)
		return nse_error(err, -EBADMSG, "the key of a %s: bad name",
				 rec->kind->type);
	if (get_tail(&c, key) < 0)
		return nse_error(err, -EBADMSG, "the key of a %s: bad end",
				 rec->kind->type);
	return 0;
}

int nft_key_decode_next(const struct nse_record *rec, struct nft_key *key,
			struct nse_error *err)
{
	const uint8_t *names = key->table.p ? key->table.p - 1 : NULL;
	struct nse_cur c = nse_cur(rec->key.p, rec->key.n);
	size_t n, table;

	/* Only what stands behind a set's or a chain's name is another one. */
	if (!names || (key->type != NFT_ELEMENT && key->type != NFT_RULE))
		return nft_key_decode(rec, key, err);
	table = (size_t)(key->table.p - names);
	n = (size_t)(key->name.p + key->name.n + 1 - names);
	if (rec->key.n < n || memcmp(rec->key.p, names, n) != 0)
		return nft_key_decode(rec, key, err);
	key->name.p = rec->key.p + (key->name.p - names);
	key->table.p = rec->key.p + table;
	key->bytes.p = rec->key.p;
	c.p += n;
	if (get_tail(&c, key) < 0)
		return nse_error(err, -EBADMSG, "the key of a %s: bad end",
				 rec->kind->type);
	return 0;
}

int nft_name_make(char *to, struct nse_bytes chain, uint32_t rule, uint32_t k)
{
	int n = snprintf(to, NFT_NAME_MAX, "@%.*s:%u:%u", (int)chain.n,
			 (const char *)chain.p, rule, k);

	return n < 0 || n >= NFT_NAME_MAX ? -EMSGSIZE : 0;
}

struct nse_bytes nft_body_attrs(enum nft_type type, struct nse_bytes body)
{
	size_t head = type == NFT_RULE ? NFT_RULE_HEAD : NFT_HEAD;

	if (body.n < head)
		return (struct nse_bytes){ NULL, 0 };
	return (struct nse_bytes){ body.p + head, body.n - head };
}

uint64_t nft_rule_digest(struct nse_bytes body)
{
	return nse_ld64(body.p + 1);
}

uint32_t nft_rule_place(struct nse_bytes body)
{
	return nse_ld32(body.p + 9);
}
