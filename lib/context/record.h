/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A record: what one engine knows of one object. The key identifies the
 * object on any host, the body is what must be equal, the state is what moves
 * by itself (remaining time, counters). All three are bytes that only the
 * engine of that name understands.
 */
#ifndef NSE_CONTEXT_RECORD_H
#define NSE_CONTEXT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define NSE_KIND_NAME  16    /* bytes of an engine's or type's name with its NUL */
#define NSE_RECORD_MAX 65535 /* bytes in each of key, body and state */

/* Which engine and which type of object; names are [a-z][a-z0-9-]*. */
struct nse_kind {
	char engine[NSE_KIND_NAME];
	char type[NSE_KIND_NAME];
};

struct nse_bytes {
	const uint8_t *p;
	size_t n;
};

/* A view: it owns nothing, and lives as long as what it points into. */
struct nse_record {
	const struct nse_kind *kind;
	struct nse_bytes key;
	struct nse_bytes body;
	struct nse_bytes state;
};

static inline bool nse_kind_equal(const struct nse_kind *a, const struct nse_kind *b)
{
	return a == b ||
	       (strcmp(a->engine, b->engine) == 0 && strcmp(a->type, b->type) == 0);
}

static inline bool nse_bytes_equal(struct nse_bytes a, struct nse_bytes b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Names are hostile until this says true. */
bool nse_kind_name_ok(const char *name);

/* Order by engine, type, then key as memcmp(); <0, 0, >0. */
int nse_record_cmp_key(const struct nse_record *a, const struct nse_record *b);

/*
 * A consumer of records. put() gets each record; reset() says that all
 * records of an engine that were put before are void, since they are going
 * to be put again. Both return 0 or -errno, which stops the producer.
 */
struct nse_sink {
	int (*put)(void *arg, const struct nse_record *rec);
	int (*reset)(void *arg, const char *engine);
	void *arg;
};

#endif
