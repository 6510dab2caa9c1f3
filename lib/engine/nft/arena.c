/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A ruleset's memory. Messages are copied one behind the other into blocks that
 * never move, so that views into them stay good; the index is a hash table of
 * node numbers with open addressing.
 */
#include "lib/engine/nft/arena.h"

#include <errno.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define BLOCK	  (256u << 10)
#define ALIGN	  8
#define MIN_INDEX 64

struct block {
	struct block *next;
	size_t used, size;
	_Alignas(ALIGN) uint8_t bytes[];
};

struct nft_arena {
	struct block *blocks; /* the one that is being filled is the first */
};

struct nft_arena *nft_arena_new(void)
{
	return calloc(1, sizeof(struct nft_arena));
}

void nft_arena_free(struct nft_arena *a)
{
	if (!a)
		return;
	while (a->blocks) {
		struct block *b = a->blocks;

		a->blocks = b->next;
		free(b);
	}
	free(a);
}

void *nft_arena_alloc(struct nft_arena *a, size_t n)
{
	size_t size = (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	struct block *b = a->blocks;

	if (size < n)
		return NULL;
	if (!b || b->size - b->used < size) {
		size_t room = size > BLOCK / 4 ? size : BLOCK;

		b = malloc(sizeof(*b) + room);
		if (!b)
			return NULL;
		*b = (struct block){ .size = room };
		if (a->blocks && room == size) {
			/* A big piece has its own block behind the one being filled. */
			b->next = a->blocks->next;
			a->blocks->next = b;
		} else {
			b->next = a->blocks;
			a->blocks = b;
		}
	}
	b->used += size;
	return b->bytes + b->used - size;
}

int nft_arena_copy(struct nft_arena *a, struct nse_bytes from, struct nse_bytes *to)
{
	uint8_t *p = nft_arena_alloc(a, from.n ? from.n : 1);

	if (!p)
		return -ENOMEM;
	if (from.n)
		memcpy(p, from.p, from.n);
	*to = (struct nse_bytes){ p, from.n };
	return 0;
}

struct nft_names {
	uint32_t *index; /* node + 1, 0: empty */
	uint32_t mask, count;
};

struct nft_names *nft_names_new(void)
{
	struct nft_names *names = calloc(1, sizeof(*names));

	if (!names)
		return NULL;
	names->index = calloc(MIN_INDEX, sizeof(*names->index));
	names->mask = MIN_INDEX - 1;
	if (!names->index) {
		free(names);
		return NULL;
	}
	return names;
}

void nft_names_free(struct nft_names *names)
{
	if (!names)
		return;
	free(names->index);
	free(names);
}

/* What a node is looked up by. */
struct name {
	enum nft_type type;
	uint32_t table, sort; /* sort: family of a table, type of an object */
	struct nse_bytes bytes;
};

static struct name name_of(const struct nft_ruleset *rs, uint32_t node)
{
	const struct nft_node *n = &rs->nodes[node];

	return (struct name){
		.type = n->type,
		.table = n->type == NFT_TABLE ? NFT_NODE_NONE : n->table,
		.sort = n->type == NFT_TABLE	? n->family
			: n->type == NFT_OBJECT ? n->objtype
						: 0,
		.bytes = n->name,
	};
}

static uint32_t hash(const struct name *name)
{
	uint64_t seed = (uint64_t)name->table << 32 | name->sort << 4 | name->type;

	return (uint32_t)XXH3_64bits_withSeed(name->bytes.p, name->bytes.n, seed);
}

static bool same(const struct name *a, const struct name *b)
{
	return a->type == b->type && a->table == b->table && a->sort == b->sort &&
	       nse_bytes_equal(a->bytes, b->bytes);
}

static void insert(struct nft_names *names, const struct nft_ruleset *rs, uint32_t node)
{
	struct name name = name_of(rs, node);
	uint32_t at = hash(&name) & names->mask;

	while (names->index[at])
		at = (at + 1) & names->mask;
	names->index[at] = node + 1;
}

static int grow(struct nft_names *names, const struct nft_ruleset *rs)
{
	uint32_t *old = names->index, size = names->mask + 1;
	uint32_t *index = calloc(2 * (size_t)size, sizeof(*index));

	if (!index)
		return -ENOMEM;
	names->index = index;
	names->mask = 2 * size - 1;
	for (uint32_t i = 0; i < size; i++)
		if (old[i])
			insert(names, rs, old[i] - 1);
	free(old);
	return 0;
}

int nft_names_add(struct nft_ruleset *rs, uint32_t node)
{
	struct nft_names *names = rs->names;

	if (names->count >= names->mask / 2 && grow(names, rs) < 0)
		return -ENOMEM;
	insert(names, rs, node);
	names->count++;
	return 0;
}

uint32_t nft_names_find(const struct nft_ruleset *rs, enum nft_type type, uint8_t family,
			uint32_t table, struct nse_bytes name, uint32_t objtype)
{
	struct name wanted = {
		.type = type,
		.table = type == NFT_TABLE ? NFT_NODE_NONE : table,
		.sort = type == NFT_TABLE    ? family
			: type == NFT_OBJECT ? objtype
					     : 0,
		.bytes = name,
	};
	const struct nft_names *names = rs->names;

	for (uint32_t at = hash(&wanted) & names->mask; names->index[at];
	     at = (at + 1) & names->mask) {
		uint32_t node = names->index[at] - 1;
		struct name found = name_of(rs, node);

		if (same(&wanted, &found))
			return node;
	}
	return NFT_NODE_NONE;
}
