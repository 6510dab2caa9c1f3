/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A hash of names. Those of dependencies are apart: their rules are counted
 * apart, too.
 */
#include "lib/engine/nft/build_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define NAMES_MAX (1u << 30) /* bytes of all names */
#define FIRST	  64

void nft_build_names_init(struct nft_build_names *t)
{
	*t = (struct nft_build_names){ .bytes = NSE_BUF_INIT(NAMES_MAX),
				       .scratch = NSE_BUF_INIT(4 * NFT_NAME_MAX) };
}

void nft_build_names_release(struct nft_build_names *t)
{
	free(t->entries);
	nse_buf_release(&t->bytes);
	nse_buf_release(&t->scratch);
	nft_build_names_init(t);
}

/* What is hashed and compared, into the scratch buffer. */
static int make(struct nft_build_names *t, enum nft_type type, const struct nft_key *key,
		struct nse_bytes name)
{
	nse_buf_reset(&t->scratch);
	return nse_buf_put_u8(&t->scratch, (uint8_t)type) ?:
	       nse_buf_put_u8(&t->scratch, key->need) ?:
	       nse_buf_put_u8(&t->scratch, key->family) ?:
	       nse_buf_put(&t->scratch, key->table.p, key->table.n) ?:
	       nse_buf_put_u8(&t->scratch, 0) ?:
	       nse_buf_put(&t->scratch, name.p, name.n);
}

static struct nft_names_entry *look(const struct nft_build_names *t, uint64_t hash)
{
	for (uint32_t i = (uint32_t)hash;; i++) {
		struct nft_names_entry *e = &t->entries[i & (t->room - 1)];

		if (e->n == 0 ||
		    (e->hash == hash && e->n == t->scratch.len &&
		     memcmp(t->bytes.data + e->at, t->scratch.data, e->n) == 0))
			return e;
	}
}

static int grow(struct nft_build_names *t)
{
	uint32_t room = t->room ? t->room * 2 : FIRST;
	struct nft_names_entry *old = t->entries, *p = calloc(room, sizeof(*p));

	if (!p)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->room; i++) {
		uint32_t at = (uint32_t)old[i].hash & (room - 1);

		if (old[i].n == 0)
			continue;
		while (p[at].n)
			at = (at + 1) & (room - 1);
		p[at] = old[i];
	}
	free(old);
	t->entries = p;
	t->room = room;
	return 0;
}

int nft_build_names_add(struct nft_build_names *t, const struct nft_key *key,
			const struct nft_id *id)
{
	struct nft_names_entry *e;
	uint64_t hash;
	int rc = make(t, key->type, key, key->name);

	if (rc == 0 && t->count * 2 >= t->room)
		rc = grow(t);
	if (rc < 0)
		return rc;
	hash = XXH3_64bits(t->scratch.data, t->scratch.len);
	e = look(t, hash);
	if (e->n == 0) {
		e->at = (uint32_t)t->bytes.len;
		rc = nse_buf_put(&t->bytes, t->scratch.data, t->scratch.len);
		if (rc < 0)
			return rc;
		e->hash = hash;
		e->n = (uint32_t)t->scratch.len;
		t->count++;
	}
	e->id = *id;
	return 0;
}

int nft_build_names_find(struct nft_build_names *t, enum nft_type type,
			 const struct nft_key *key, struct nse_bytes name,
			 struct nft_id *id)
{
	const struct nft_names_entry *e;
	int rc = make(t, type, key, name);

	if (rc < 0 || t->room == 0)
		return rc < 0 ? rc : -ENOENT;
	e = look(t, XXH3_64bits(t->scratch.data, t->scratch.len));
	if (e->n == 0)
		return -ENOENT;
	*id = e->id;
	return 0;
}
