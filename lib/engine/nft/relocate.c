/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rewrites one record by a relocation map: the names in its key, the bytes of
 * an element's key, and every site of its body. What moves by itself is not
 * touched.
 */
#include "lib/engine/nft/relocate.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/ifindex.h"
#include "lib/engine/nft/ifname.h"
#include "lib/engine/nft/nft_engine.h"
#include "lib/engine/nft/object.h"
#include "lib/util/addr.h"
#include "lib/util/cleanup.h"

#define NAME_MAX_KERNEL 255 /* bytes of a name in nf_tables */
#define LOOPBACK	1   /* the one index that is the same everywhere */

struct move {
	const struct nse_map *map;
	struct nft_key key; /* as it was */
	struct nft_ifnames was, now;
	struct nse_error *err;
};

/* Fails, with the object's name ahead of the text. */
static int refuse(struct move *m, int code, const char *what)
{
	char name[512];

	nft_key_text(&m->key, name, sizeof(name));
	return nse_error(m->err, code, "%s: %s", name, what);
}

/* The map's own failures. */
static int map_failed(struct move *m, int rc)
{
	switch (rc) {
	case -ENAMETOOLONG:
		return refuse(m, rc, "an interface's new name has more than 15 bytes");
	case -EINVAL:
		return refuse(m, rc,
			      "it matches all interfaces of one domain by the beginning "
			      "of their names, and the pairs of --map-vif give them "
			      "different ones; map them alike");
	default:
		return nse_errno(m->err, rc, "relocating");
	}
}

static int move_name(struct move *m, struct nse_bytes name, struct nse_buf *to)
{
	size_t at = to->len;
	int rc = nse_map_name(m->map, (const char *)name.p, name.n, to);

	if (rc < 0)
		return map_failed(m, rc);
	if (rc && to->len - at > NAME_MAX_KERNEL)
		return refuse(m, -ENAMETOOLONG, "its new name has more than 255 bytes");
	return rc;
}

/* A reference; "@0" is the rule's own. */
static int move_ref(struct move *m, struct nse_bytes name, struct nse_buf *to)
{
	return nft_name_is_ours(name) ? 0 : move_name(m, name, to);
}

/*
 * Addresses; what ends an interval follows the last one of it.
 */
static void step(uint8_t *p, size_t n, bool up)
{
	while (n--) {
		p[n] = (uint8_t)(p[n] + (up ? 1 : -1));
		if (p[n] != (up ? 0x00 : 0xff))
			return;
	}
}

static int move_addr(struct move *m, const struct nft_site *site, struct nse_buf *to)
{
	uint8_t family = site->kind == NFT_SITE_IP4 ? AF_INET : AF_INET6;
	bool end = m->key.type == NFT_ELEMENT && m->key.kind == NFT_ELEMENT_END &&
		   site->op == NFT_OP_TO;
	uint8_t bytes[16] = { 0 };
	bool moved;

	if (site->data.n > nse_addr_size(family) || site->bits == 0)
		return 0;
	memcpy(bytes, site->data.p, site->data.n);
	if (end)
		step(bytes, site->data.n, false);
	moved = nse_map_prefix(m->map, family, (uint8_t)site->bits, bytes);
	if (end)
		step(bytes, site->data.n, true);
	return moved ? nse_buf_put(to, bytes, site->data.n) ?: 1 : 0;
}

/* A number stands for a name, which may have changed. */
static int move_index(struct move *m, const struct nft_site *site, struct nse_buf *to)
{
	uint32_t v;

	memcpy(&v, site->data.p, sizeof(v));
	for (unsigned int i = 0; i < m->was.n; i++)
		if (v == nft_ifindex_number(m->was.names[i])) {
			v = nft_ifindex_number(m->now.names[i]);
			return nse_buf_put(to, &v, sizeof(v)) ?: 1;
		}
	if (v == 0 || v == LOOPBACK)
		return 0;
	return refuse(m, -EINVAL,
		      "it names an interface by its index, which means something on its "
		      "own host alone, and had no name there");
}

static int move_names(struct move *m)
{
	m->now = m->was;
	for (unsigned int i = 0; i < m->was.n; i++) {
		const char *name = m->was.names[i];
		int rc = nse_map_ifname(m->map, name, strlen(name), m->now.names[i]);

		if (rc < 0)
			return map_failed(m, rc);
	}
	return 0;
}

static int on_site(void *arg, const struct nft_site *site, struct nse_buf *to)
{
	struct move *m = arg;
	int rc = 0;

	switch (site->kind) {
	case NFT_SITE_SET:
	case NFT_SITE_CHAIN:
	case NFT_SITE_OBJECT:
	case NFT_SITE_FLOWTABLE:
		return move_ref(m, site->data, to);
	case NFT_SITE_IFINDEX:
		return move_index(m, site, to);
	case NFT_SITE_IP4:
	case NFT_SITE_IP6:
		return move_addr(m, site, to);
	case NFT_SITE_DEVICE:
		rc = nft_device_relocate(m->map, site, to);
		break;
	case NFT_SITE_IFNAME:
		rc = nft_ifname_relocate(m->map, site,
					 m->key.type == NFT_ELEMENT &&
						 m->key.kind == NFT_ELEMENT_END &&
						 site->op == NFT_OP_TO,
					 to);
		break;
	case NFT_SITE_XT:
	case NFT_SITE_MAC:
	case NFT_SITE_VALUE:
		break;
	}
	return rc < 0 ? map_failed(m, rc) : rc;
}

/* Where the name of the chain ends in "@CHAIN:RULE:K"; 0: nowhere. */
static size_t chain_end(struct nse_bytes name)
{
	int colons = 0;

	for (size_t n = name.n; n-- > 0;)
		if (name.p[n] == ':' && ++colons == 2)
			return n;
	return 0;
}

/* A name of the key; those that stand for a kernel's name have a chain's in them. */
static int put_name(struct move *m, struct nse_bytes name, struct nse_buf *to)
{
	size_t ahead = 0, end = name.n;
	int rc;

	while (end > ahead && name.p[ahead] == '@') {
		size_t at = chain_end((struct nse_bytes){ name.p, end });

		if (at <= ahead + 1)
			break;
		ahead++;
		end = at;
	}
	rc = nse_buf_put(to, name.p, ahead);
	if (rc < 0)
		return nse_errno(m->err, rc, "relocating");
	rc = move_name(m, (struct nse_bytes){ name.p + ahead, end - ahead }, to);
	if (rc < 0)
		return rc;
	rc = nse_buf_put(to, name.p + (rc ? end : ahead), name.n - (rc ? end : ahead));
	return rc < 0 ? nse_errno(m->err, rc, "relocating") : 0;
}

static struct nse_bytes bytes_of(const struct nse_buf *b)
{
	return (struct nse_bytes){ b->data, b->len };
}

/* Does each field of a range still begin at or before its end? */
static bool in_order(const struct nft_layout *l, struct nse_bytes range)
{
	size_t half = range.n / 2;

	for (size_t i = 0; l && half == l->key_len && i < l->nkey; i++) {
		const struct nft_field *f = &l->key[i];

		if (f->offset + f->len <= half &&
		    memcmp(range.p + f->offset, range.p + half + f->offset, f->len) > 0)
			return false;
	}
	return true;
}

static int move_key(struct move *m, const struct nft_layout *layout, struct nse_buf *out)
{
	NSE_CLEANUP(nse_buf_release) struct nse_buf table = NSE_BUF_INIT(NFT_NAME_MAX);
	NSE_CLEANUP(nse_buf_release) struct nse_buf name = NSE_BUF_INIT(NFT_NAME_MAX);
	NSE_CLEANUP(nse_buf_release) struct nse_buf bytes = NSE_BUF_INIT(NSE_RECORD_MAX);
	struct nft_key key = m->key;
	int rc = put_name(m, m->key.table, &table) ?: put_name(m, m->key.name, &name);

	if (rc < 0)
		return rc;
	key.table = bytes_of(&table);
	key.name = bytes_of(&name);
	if (key.type == NFT_ELEMENT && layout) {
		rc = nft_walk_key(layout, key.kind, m->key.bytes, on_site, m, &bytes);
		if (rc < 0)
			return rc;
		key.bytes = bytes_of(&bytes);
		if (key.kind == NFT_ELEMENT_RANGE && !in_order(layout, key.bytes) &&
		    in_order(layout, m->key.bytes))
			return refuse(m, -EINVAL,
				      "the mapping has one end of its range only; map "
				      "both");
	}
	rc = nft_key_encode(&key, out);
	return rc < 0 ? nse_errno(m->err, rc, "relocating") : 0;
}

static int move_body(struct move *m, const struct nft_layout *layout,
		     struct nse_bytes body, struct nse_bytes attrs, struct nse_buf *out)
{
	struct nse_bytes kernel;
	size_t head;
	int rc;

	if (!attrs.p)
		return refuse(m, -EBADMSG, "its body is cut");
	head = (size_t)(attrs.p - body.p);
	rc = nse_buf_put(out, body.p, head);
	if (rc == 0)
		rc = nft_ifindex_split(attrs, &kernel, &m->was);
	if (rc == 0)
		rc = move_names(m);
	if (rc == 0)
		rc = nft_walk_in(m->key.family, m->key.type, kernel, layout, on_site, m,
				 out);
	return rc < 0 ? rc : nft_ifindex_put(&m->now, out);
}

int nft_relocate_record(const struct nse_map *map, const struct nse_record *rec,
			const struct nft_layout *layout, struct nse_buf *key,
			struct nse_buf *body, struct nse_buf *state,
			struct nse_error *err)
{
	struct nse_error why = { 0 };
	struct move m = { .map = map, .err = &why };
	int rc = nft_key_decode(rec, &m.key, err);

	if (rc < 0)
		return rc;
	nse_buf_reset(key);
	nse_buf_reset(body);
	nse_buf_reset(state);
	/* The body first: it has the names that numbers in the key stand for. */
	rc = move_body(&m, layout, rec->body, nft_body_attrs(m.key.type, rec->body),
		       body);
	if (rc == 0)
		rc = move_key(&m, layout, key);
	if (rc == 0)
		rc = nse_buf_put(state, rec->state.p, rec->state.n);
	if (rc < 0 && !why.code) {
		m.err = err;
		return refuse(&m, rc,
			      rc == -EMSGSIZE
				      ? "relocated it is larger than a record can be"
				      : "its body is garbled");
	}
	return rc < 0 ? nse_error(err, rc, "%s", why.text) : 0;
}

int nft_relocate(const struct nse_map *map, const struct nse_record *rec,
		 struct nse_buf *key, struct nse_buf *body, struct nse_buf *state,
		 struct nse_error *err)
{
	return nft_relocate_record(map, rec, NULL, key, body, state, err);
}
