/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Netlink attributes in bytes that are aligned to nothing: a record's body has
 * them behind a head of 1 or 13 bytes. All reading passes through the cursor,
 * so that a length that lies is an error and never a read behind the end.
 */
#include "lib/engine/nft/attr.h"

#include <errno.h>
#include <string.h>

#include <linux/netlink.h>

#define ATTR_MAX 65535 /* nla_len is a u16 */

static size_t padding(size_t len)
{
	return NLA_ALIGN(len) - len;
}

int nft_attr_index(struct nse_bytes list, struct nse_bytes *at, size_t max)
{
	struct nse_cur c = nse_cur(list.p, list.n);
	struct nft_attr a;
	int rc;

	for (size_t i = 0; i < max; i++)
		at[i] = (struct nse_bytes){ NULL, 0 };
	while ((rc = nft_attr_next(&c, &a)) > 0)
		if (a.type < max)
			at[a.type] = a.data;
	return rc;
}

struct nse_bytes nft_attr_find(struct nse_bytes list, uint16_t type)
{
	struct nse_cur c = nse_cur(list.p, list.n);
	struct nft_attr a;

	while (nft_attr_next(&c, &a) > 0)
		if (a.type == type)
			return a.data;
	return (struct nse_bytes){ NULL, 0 };
}

uint32_t nft_attr_u32(struct nse_bytes payload)
{
	return payload.n == 4 ? nse_ld32(payload.p) : 0;
}

uint64_t nft_attr_u64(struct nse_bytes payload)
{
	return payload.n == 8 ? nse_ld64(payload.p) : 0;
}

struct nse_bytes nft_attr_str(struct nse_bytes payload)
{
	if (payload.n && payload.p[payload.n - 1] == '\0')
		payload.n--;
	if (payload.n == 0 || payload.n > 255 || memchr(payload.p, '\0', payload.n))
		return (struct nse_bytes){ NULL, 0 };
	return payload;
}

/* Makes room for an attribute of n bytes and writes its head: the payload. */
static int put_head(struct nse_buf *b, uint16_t type, size_t n, uint8_t **payload)
{
	struct nlattr nla = { .nla_type = type };
	int rc;

	if (n > ATTR_MAX - NLA_HDRLEN)
		return -EMSGSIZE;
	nla.nla_len = (uint16_t)(NLA_HDRLEN + n);
	rc = nse_buf_reserve(b, NLA_ALIGN(NLA_HDRLEN + n));
	if (rc < 0)
		return rc;
	memcpy(b->data + b->len, &nla, sizeof(nla));
	*payload = b->data + b->len + NLA_HDRLEN;
	memset(*payload + n, 0, padding(NLA_HDRLEN + n));
	b->len += NLA_ALIGN(NLA_HDRLEN + n);
	return 0;
}

int nft_put(struct nse_buf *b, uint16_t type, const void *p, size_t n)
{
	uint8_t *payload;
	int rc = put_head(b, type, n, &payload);

	if (rc == 0 && n)
		memcpy(payload, p, n);
	return rc;
}

int nft_put_u8(struct nse_buf *b, uint16_t type, uint8_t v)
{
	return nft_put(b, type, &v, 1);
}

int nft_put_u32(struct nse_buf *b, uint16_t type, uint32_t v)
{
	uint8_t raw[4];

	nse_st32(raw, v);
	return nft_put(b, type, raw, sizeof(raw));
}

int nft_put_u64(struct nse_buf *b, uint16_t type, uint64_t v)
{
	uint8_t raw[8];

	nse_st64(raw, v);
	return nft_put(b, type, raw, sizeof(raw));
}

int nft_put_str(struct nse_buf *b, uint16_t type, struct nse_bytes s)
{
	uint8_t *payload;
	int rc;

	if (s.n >= ATTR_MAX)
		return -EMSGSIZE;
	rc = put_head(b, type, s.n + 1, &payload);
	if (rc < 0)
		return rc;
	if (s.n)
		memcpy(payload, s.p, s.n);
	payload[s.n] = '\0';
	return 0;
}

long nft_nest(struct nse_buf *b, uint16_t type)
{
	uint8_t *payload;
	long at = (long)b->len;
	int rc = put_head(b, type | NLA_F_NESTED, 0, &payload);

	return rc < 0 ? rc : at;
}

int nft_nest_end(struct nse_buf *b, long at)
{
	size_t n = b->len - (size_t)at;
	uint16_t len = (uint16_t)n;

	if (n > ATTR_MAX)
		return -EMSGSIZE;
	/* nla_len is the first field of the head. */
	memcpy(b->data + at, &len, sizeof(len));
	return 0;
}
