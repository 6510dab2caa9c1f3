/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A context: the store of records, by key. Bytes lie in one arena, slots and
 * a hash index beside it; about 24 bytes of overhead per record, so that a
 * million conntrack entries need well under 150 MB.
 *
 * A record has a slot number (0 to nse_context_slots() - 1) that stays valid
 * until the record is deleted; the slot of a deleted record is empty, until a
 * new record takes it.
 */
#ifndef NSE_CONTEXT_CONTEXT_H
#define NSE_CONTEXT_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/context/record.h"

#define NSE_CONTEXT_MAX_KINDS 255
#define NSE_CONTEXT_NONE      UINT32_MAX

struct nse_context;

/* An empty context, or NULL without memory. Freed by nse_context_free(NULL ok). */
struct nse_context *nse_context_new(void);
void nse_context_free(struct nse_context *ctx);
void nse_context_freep(struct nse_context **ctx);

/*
 * Stores a copy; a record with the same kind and key is replaced. *slot (may
 * be NULL) gets its slot. rec may point into this context. 0, -ENOMEM,
 * -EMSGSIZE (a part above NSE_RECORD_MAX), -E2BIG (more kinds or records than
 * a context holds).
 */
int nse_context_put(struct nse_context *ctx, const struct nse_record *rec,
		    uint32_t *slot);

/*
 * Makes room, so that putting every record of `more` here cannot fail.
 * 0, -ENOMEM, -E2BIG.
 */
int nse_context_reserve(struct nse_context *ctx, const struct nse_context *more);

/* Removes the record of that kind and key: 0 or -ENOENT. */
int nse_context_del(struct nse_context *ctx, const struct nse_kind *kind,
		    struct nse_bytes key);

/* Removes every record of an engine. */
void nse_context_del_engine(struct nse_context *ctx, const char *engine);

/* The slot of a record, or NSE_CONTEXT_NONE. */
uint32_t nse_context_find(const struct nse_context *ctx, const struct nse_kind *kind,
			  struct nse_bytes key);

/*
 * Looks at a slot; false when it is empty. The view is valid until the next
 * put or delete.
 */
bool nse_context_at(const struct nse_context *ctx, uint32_t slot, struct nse_record *rec);

/*
 * The slot will be looked at soon. In an order other than that in which the records
 * were put, most of the time goes into waiting for memory.
 */
void nse_context_soon(const struct nse_context *ctx, uint32_t slot);

/* Number of records, and the end of the slot numbers. */
size_t nse_context_count(const struct nse_context *ctx);
uint32_t nse_context_slots(const struct nse_context *ctx);

/* Bytes of memory that the context holds. */
size_t nse_context_memory(const struct nse_context *ctx);

/*
 * The slots in the order of nse_record_cmp_key(), nse_context_count() of
 * them, in memory that the caller frees; NULL without memory.
 */
uint32_t *nse_context_sorted(const struct nse_context *ctx);

/* Sorts n slots of the context in place, likewise. 0 or -ENOMEM. */
int nse_context_sort_slots(const struct nse_context *ctx, uint32_t *slots, size_t n);

/*
 * A digest of all kinds, keys and bodies, and with state = true of the
 * states too. It does not depend on the order in which records were put:
 * equal contexts on two hosts have the same digest. nsemig-stream(5) defines
 * it. Without states it is kept up to date by every change and costs nothing.
 */
uint64_t nse_context_digest(const struct nse_context *ctx, bool state);

/* What one record adds to the digest without states. */
uint64_t nse_record_digest(const struct nse_record *rec);

/* A sink that puts into the context; reset deletes the engine's records. */
struct nse_sink nse_context_sink(struct nse_context *ctx);

#endif
