/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Indexes of interfaces become numbers of their names, and indexes again.
 */
#include "lib/engine/nft/ifindex.h"

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"

#define NAME  1		  /* in NFT_BODY_IFNAMES */
#define NAMED 0x80000000u /* in every number */

uint32_t nft_ifindex_number(const char *name)
{
	return (uint32_t)XXH3_64bits(name, strlen(name)) | NAMED;
}

static uint32_t load(struct nse_bytes data)
{
	uint32_t v;

	memcpy(&v, data.p, sizeof(v));
	return v;
}

/* The name that a number stands for, or NULL. */
static const char *name_of(const struct nft_ifnames *names, uint32_t number)
{
	for (unsigned int i = 0; i < names->n; i++)
		if (nft_ifindex_number(names->names[i]) == number)
			return names->names[i];
	return NULL;
}

static int note(struct nft_ifnames *names, const char *name)
{
	const char *known = name_of(names, nft_ifindex_number(name));

	/* Two names of one number: as likely as a broken disk. */
	if (known)
		return strcmp(known, name) == 0 ? 0 : -EEXIST;
	if (names->n == NFT_IFNAMES_MAX)
		return -E2BIG;
	memset(names->names[names->n], 0, IFNAMSIZ);
	memcpy(names->names[names->n++], name, strnlen(name, IFNAMSIZ - 1));
	return 0;
}

int nft_ifindex_note_site(struct nft_ifnames *names, const struct nft_site *site,
			  struct nse_buf *to)
{
	char name[IFNAMSIZ];
	uint32_t number;
	int rc;

	if (site->kind != NFT_SITE_IFINDEX || site->data.n != 4)
		return 0;
	number = load(site->data);
	if (number == 0 || (number & NAMED) || !if_indextoname(number, name))
		return 0;
	rc = note(names, name);
	if (rc < 0)
		return rc;
	number = nft_ifindex_number(name);
	return to ? nse_buf_put(to, &number, sizeof(number)) ?: 1 : 1;
}

int nft_ifindex_put(const struct nft_ifnames *names, struct nse_buf *body)
{
	long at;
	int rc = 0;

	if (names->n == 0)
		return 0;
	at = nft_nest(body, NFT_BODY_IFNAMES);
	if (at < 0)
		return (int)at;
	for (unsigned int i = 0; i < names->n && rc == 0; i++)
		rc = nft_put_str(body, NAME, nft_str(names->names[i]));
	return rc < 0 ? rc : nft_nest_end(body, at);
}

static int note_cb(void *arg, const struct nft_site *site, struct nse_buf *to)
{
	return nft_ifindex_note_site(arg, site, to);
}

int nft_ifindex_note_key(const struct nft_layout *layout, uint8_t kind,
			 struct nse_bytes bytes, struct nft_ifnames *names,
			 struct nse_buf *out)
{
	size_t at = out->len;
	unsigned int before = names->n;
	int rc = nft_walk_key(layout, kind, bytes, note_cb, names, out);

	if (rc < 0 || names->n == before)
		out->len = at;
	return rc < 0 ? rc : names->n > before;
}

static int read_names(struct nse_bytes list, struct nft_ifnames *names)
{
	struct nse_cur c = nse_cur(list.p, list.n);
	struct nft_attr a;
	int rc;

	while ((rc = nft_attr_next(&c, &a)) > 0) {
		struct nse_bytes s = nft_attr_str(a.data);
		char name[IFNAMSIZ] = "";

		if (a.type != NAME || !s.p || s.n >= IFNAMSIZ)
			return -EBADMSG;
		memcpy(name, s.p, s.n);
		if (note(names, name) < 0)
			return -EBADMSG;
	}
	return rc;
}

int nft_ifindex_split(struct nse_bytes attrs, struct nse_bytes *kernel,
		      struct nft_ifnames *names)
{
	struct nse_cur c = nse_cur(attrs.p, attrs.n);
	const uint8_t *before = c.p;
	struct nft_attr a;
	int rc;

	names->n = 0;
	*kernel = attrs;
	for (; (rc = nft_attr_next(&c, &a)) > 0; before = c.p) {
		if (a.type != NFT_BODY_IFNAMES)
			continue;
		kernel->n = (size_t)(before - attrs.p);
		/* They are the last. */
		return nse_cur_left(&c) ? -EBADMSG : read_names(a.data, names);
	}
	return rc;
}

struct resolving {
	const struct nft_ifnames *names;
	struct nse_error *err;
};

/* This host's index of a name; 0 with an error set. */
static uint32_t index_here(const struct resolving *r, const char *name)
{
	uint32_t index = if_nametoindex(name);

	if (index == 0)
		nse_error(r->err, -ENODEV,
			  "it names the interface %s by its number, and there is no such "
			  "interface here",
			  name);
	return index;
}

static int resolve_cb(void *arg, const struct nft_site *site, struct nse_buf *to)
{
	struct resolving *r = arg;
	const char *name;
	uint32_t number;

	if (site->kind != NFT_SITE_IFINDEX)
		return 0;
	number = load(site->data);
	if (number == 0)
		return 0;
	name = name_of(r->names, number);
	if (!name)
		return nse_error(r->err, -ENODEV,
				 "it names an interface by the number %u, which had no "
				 "name where it comes from",
				 number);
	number = index_here(r, name);
	if (number == 0)
		return -ENODEV;
	return to ? nse_buf_put(to, &number, sizeof(number)) ?: 1 : 1;
}

/*
 * Of an element's set nothing is known here, and any word may be a number: as
 * it is, in network order as a key of intervals, or one less than an end.
 */
static int resolve_word(void *arg, const struct nft_site *site, struct nse_buf *to)
{
	bool end = site->op == NFT_OP_TO;
	struct resolving *r = arg;
	uint32_t number = load(site->data);
	const char *name = name_of(r->names, number);
	bool swapped = !name;
	uint32_t index;

	if (!name)
		name = name_of(r->names, be32toh(number));
	if (!name && end)
		name = name_of(r->names, be32toh(number) - 1);
	else
		end = false;
	if (!name)
		return 0;
	index = index_here(r, name);
	if (index == 0)
		return -ENODEV;
	number = swapped ? htobe32(index + end) : index;
	return to ? nse_buf_put(to, &number, sizeof(number)) ?: 1 : 1;
}

static uint8_t words(size_t len, struct nft_field *f)
{
	uint8_t n = 0;

	for (size_t at = 0; at + 4 <= len && n < NFT_FIELDS_MAX; at += 4)
		f[n++] = (struct nft_field){ NFT_SITE_IFINDEX, (uint8_t)at, 4 };
	return n;
}

static void any_word(size_t key_len, size_t data_len, struct nft_layout *layout)
{
	memset(layout, 0, sizeof(*layout));
	layout->key_len = (uint8_t)(key_len <= 64 ? key_len : 0);
	layout->data_len = (uint8_t)(data_len <= 64 ? data_len : 0);
	layout->nkey = words(layout->key_len, layout->key);
	layout->ndata = words(layout->data_len, layout->data);
}

static size_t value_len(struct nse_bytes attrs, uint16_t type)
{
	return nft_attr_find(nft_attr_find(attrs, type), NFTA_DATA_VALUE).n;
}

int nft_ifindex_resolve(enum nft_type type, struct nse_bytes attrs, struct nse_buf *out,
			struct nse_error *err)
{
	struct nft_ifnames names;
	struct resolving r = { &names, err };
	struct nft_layout layout;
	struct nse_bytes kernel;
	size_t at = out->len;
	int rc = nft_ifindex_split(attrs, &kernel, &names);

	if (rc < 0)
		return nse_error(err, rc, "its names of interfaces are garbled");
	/* Without names there may still be an index; but in rules alone. */
	if (names.n == 0 && type != NFT_RULE)
		return 0;
	any_word(value_len(kernel, NFTA_SET_ELEM_KEY),
		 value_len(kernel, NFTA_SET_ELEM_DATA), &layout);
	rc = nft_walk(type, kernel, &layout,
		      type == NFT_ELEMENT ? resolve_word : resolve_cb, &r,
		      names.n ? out : NULL);
	if (rc < 0)
		out->len = at;
	return rc < 0 ? rc : names.n > 0;
}

int nft_ifindex_resolve_key(struct nse_bytes attrs, uint8_t kind, struct nse_bytes bytes,
			    struct nse_buf *out, struct nse_error *err)
{
	struct nft_ifnames names;
	struct resolving r = { &names, err };
	struct nft_layout layout;
	struct nse_bytes kernel;
	size_t at = out->len;
	int rc = nft_ifindex_split(attrs, &kernel, &names);

	if (rc < 0)
		return nse_error(err, rc, "its names of interfaces are garbled");
	if (names.n == 0)
		return 0;
	any_word(kind == NFT_ELEMENT_RANGE ? bytes.n / 2 : bytes.n, 0, &layout);
	rc = nft_walk_key(&layout, kind, bytes, resolve_word, &r, out);
	if (rc < 0)
		out->len = at;
	return rc < 0 ? rc : 1;
}
