/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A growable byte buffer with a hard maximum, and a bounded cursor to read
 * bytes that are not trusted. Integers are big endian (network order), so
 * that memcmp() of encoded keys is also their numeric order.
 */
#ifndef NSE_UTIL_BUF_H
#define NSE_UTIL_BUF_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nse_buf {
	uint8_t *data; /* owned by the buffer */
	size_t len;
	size_t cap;
	size_t max; /* bytes; growing past it fails with -EMSGSIZE */
};

#define NSE_BUF_INIT(maximum)                                                            \
	{                                                                                \
		.max = (maximum)                                                         \
	}

/* Frees the bytes; the buffer can be used again. NULL is accepted. */
void nse_buf_release(struct nse_buf *b);

/* Forgets the content and keeps the memory. */
static inline void nse_buf_reset(struct nse_buf *b)
{
	b->len = 0;
}

/*
 * Makes room for n more bytes. Returns 0, -EMSGSIZE past the maximum or
 * -ENOMEM.
 */
int nse_buf_reserve(struct nse_buf *b, size_t n);

/* Appends; 0, -EMSGSIZE or -ENOMEM, and then nothing was appended. */
int nse_buf_put(struct nse_buf *b, const void *p, size_t n);
int nse_buf_put_u8(struct nse_buf *b, uint8_t v);
int nse_buf_put_u16(struct nse_buf *b, uint16_t v);
int nse_buf_put_u32(struct nse_buf *b, uint32_t v);
int nse_buf_put_u64(struct nse_buf *b, uint64_t v);

/* Drops n bytes from the front (n at most b->len). */
void nse_buf_consume(struct nse_buf *b, size_t n);

/* A cursor over foreign bytes; it never moves past the end. */
struct nse_cur {
	const uint8_t *p;
	const uint8_t *end;
};

static inline struct nse_cur nse_cur(const void *p, size_t n)
{
	return (struct nse_cur){ .p = p, .end = n ? (const uint8_t *)p + n : p };
}

static inline size_t nse_cur_left(const struct nse_cur *c)
{
	return (size_t)(c->end - c->p);
}

/* Each returns 0, or -EBADMSG when fewer bytes are left than asked for. */
int nse_get_u8(struct nse_cur *c, uint8_t *v);
int nse_get_u16(struct nse_cur *c, uint16_t *v);
int nse_get_u32(struct nse_cur *c, uint32_t *v);
int nse_get_u64(struct nse_cur *c, uint64_t *v);
/* *p points into the cursor's bytes. */
int nse_get_bytes(struct nse_cur *c, size_t n, const uint8_t **p);

/* Unchecked conversions for memory of known size. */
static inline void nse_st16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v;
}

static inline void nse_st32(uint8_t *p, uint32_t v)
{
	v = htobe32(v);
	__builtin_memcpy(p, &v, 4);
}

static inline void nse_st64(uint8_t *p, uint64_t v)
{
	v = htobe64(v);
	__builtin_memcpy(p, &v, 8);
}

static inline uint16_t nse_ld16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t nse_ld32(const uint8_t *p)
{
	uint32_t v;

	__builtin_memcpy(&v, p, 4);
	return htobe32(v);
}

static inline uint64_t nse_ld64(const uint8_t *p)
{
	uint64_t v;

	__builtin_memcpy(&v, p, 8);
	return htobe64(v);
}

#endif
