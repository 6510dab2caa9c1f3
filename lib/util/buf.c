/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bounded bytes: everything that came from a file or a peer passes through
 * the getters here.
 */
#include "lib/util/buf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void nse_buf_release(struct nse_buf *b)
{
	if (!b)
		return;
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
}

int nse_buf_reserve(struct nse_buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 256;
	uint8_t *p;

	if (n > b->max || b->len > b->max - n)
		return -EMSGSIZE;
	if (b->len + n <= b->cap)
		return 0;
	while (cap < b->len + n && cap <= b->max / 2)
		cap *= 2;
	if (cap < b->len + n || cap > b->max)
		cap = b->max;
	p = realloc(b->data, cap);
	if (!p)
		return -ENOMEM;
	b->data = p;
	b->cap = cap;
	return 0;
}

int nse_buf_put(struct nse_buf *b, const void *p, size_t n)
{
	int rc = nse_buf_reserve(b, n);

	if (rc < 0)
		return rc;
	if (n)
		memcpy(b->data + b->len, p, n);
	b->len += n;
	return 0;
}

int nse_buf_put_u8(struct nse_buf *b, uint8_t v)
{
	return nse_buf_put(b, &v, 1);
}

int nse_buf_put_u16(struct nse_buf *b, uint16_t v)
{
	uint8_t raw[2];

	nse_st16(raw, v);
	return nse_buf_put(b, raw, sizeof(raw));
}

int nse_buf_put_u32(struct nse_buf *b, uint32_t v)
{
	uint8_t raw[4];

	nse_st32(raw, v);
	return nse_buf_put(b, raw, sizeof(raw));
}

int nse_buf_put_u64(struct nse_buf *b, uint64_t v)
{
	uint8_t raw[8];

	nse_st64(raw, v);
	return nse_buf_put(b, raw, sizeof(raw));
}

void nse_buf_consume(struct nse_buf *b, size_t n)
{
	if (n == 0)
		return;
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
}

int nse_get_bytes(struct nse_cur *c, size_t n, const uint8_t **p)
{
	if (nse_cur_left(c) < n)
		return -EBADMSG;
	*p = c->p;
	if (n)
		c->p += n;
	return 0;
}

int nse_get_u8(struct nse_cur *c, uint8_t *v)
{
	const uint8_t *p;

	if (nse_get_bytes(c, 1, &p) < 0)
		return -EBADMSG;
	*v = *p;
	return 0;
}

int nse_get_u16(struct nse_cur *c, uint16_t *v)
{
	const uint8_t *p;

	if (nse_get_bytes(c, 2, &p) < 0)
		return -EBADMSG;
	*v = nse_ld16(p);
	return 0;
}

int nse_get_u32(struct nse_cur *c, uint32_t *v)
{
	const uint8_t *p;

	if (nse_get_bytes(c, 4, &p) < 0)
		return -EBADMSG;
	*v = nse_ld32(p);
	return 0;
}

int nse_get_u64(struct nse_cur *c, uint64_t *v)
{
	const uint8_t *p;

	if (nse_get_bytes(c, 8, &p) < 0)
		return -EBADMSG;
	*v = nse_ld64(p);
	return 0;
}
