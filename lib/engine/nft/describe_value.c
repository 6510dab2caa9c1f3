/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Values in JSON. What the bytes of a comparison mean, and which zeros of the
 * body are values of the state, is what the walk tells: it is done first, and
 * its findings are looked up by their place.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/netfilter/nf_tables.h>

#include "lib/engine/nft/attr.h"
#include "lib/engine/nft/describe_private.h"
#include "lib/engine/nft/words.h"
#include "lib/util/addr.h"

int nft_describe_site(void *arg, const struct nft_site *site, struct nse_buf *to)
{
	struct nft_describer *d = arg;
	struct nft_told *told;

	(void)to;
	if (d->ntold == d->room) {
		size_t room = d->room ? 2 * d->room : 64;

		told = reallocarray(d->told, room, sizeof(*told));
		if (!told)
			return -ENOMEM;
		d->told = told;
		d->room = room;
	}
	told = &d->told[d->ntold++];
	*told = (struct nft_told){ site->data, 0, site->bits, site->kind, false };
	if (site->kind == NFT_SITE_VALUE)
		told->known = nse_get_u64(&d->state, &told->value) == 0;
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct nft_told *x = a, *y = b;

	return (x->data.p > y->data.p) - (x->data.p < y->data.p);
}

/* What the walk told of the bytes that begin at p, or NULL. */
static const struct nft_told *told_of(const struct nft_describer *d, const uint8_t *p)
{
	struct nft_told key = { .data = { p, 0 } };

	if (d->ntold == 0)
		return NULL;
	return bsearch(&key, d->told, d->ntold, sizeof(key), by_place);
}

uint64_t nft_host_number(struct nse_bytes b)
{
	uint16_t v16;
	uint32_t v32;

	if (b.n == sizeof(v16)) {
		memcpy(&v16, b.p, sizeof(v16));
		return v16;
	}
	if (b.n != sizeof(v32))
		return 0;
	memcpy(&v32, b.p, sizeof(v32));
	return v32;
}

const char *nft_ifname_of(const struct nft_ifnames *names, struct nse_bytes number)
{
	uint32_t v = nft_host_number(number);

	for (unsigned int i = 0; i < names->n && number.n == 4; i++)
		if (nft_ifindex_number(names->names[i]) == v)
			return names->names[i];
	return NULL;
}

/* Appends one field of a value as text. */
static int put_field(const struct nft_describer *d, const struct nft_told *t,
		     struct nse_buf *b)
{
	static const char *const sep[] = { "", ":" };
	size_t full = t->kind == NFT_SITE_IP4 ? 4 : 16, n = t->data.n;
	uint8_t addr[16] = { 0 };
	char text[NSE_ADDR_STR] = "";
	const char *name;
	int len;

	switch (t->kind) {
	case NFT_SITE_IFNAME:
		len = (int)strnlen((const char *)t->data.p, n);
		return nse_buf_put(b, t->data.p, (size_t)len)
			       ?: nse_buf_put(b, "*", n < 16 && (size_t)len == n);
	case NFT_SITE_IFINDEX:
		name = nft_ifname_of(&d->names, t->data);
		len = snprintf(text, sizeof(text), "%u",
			       (uint32_t)nft_host_number(t->data));
		return name ? nse_buf_put(b, name, strlen(name))
			    : nse_buf_put(b, text, (size_t)len);
	case NFT_SITE_MAC:
		for (size_t i = 0; i < n; i++) {
			len = snprintf(text, sizeof(text), "%s%02x", sep[i > 0],
				       t->data.p[i]);
			if (nse_buf_put(b, text, (size_t)len) < 0)
				return -ENOMEM;
		}
		return 0;
	default:
		memcpy(addr, t->data.p, n < full ? n : full);
		nse_addr_text(full == 4 ? AF_INET : AF_INET6, addr, text);
		if (t->bits < 8 * full)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "/%u",
				 t->bits);
		return nse_buf_put(b, text, strlen(text));
	}
}

static bool has_text(const struct nft_told *t, size_t left)
{
	return t && t->kind >= NFT_SITE_IFNAME && t->kind <= NFT_SITE_IP6 &&
	       t->data.n > 0 && t->data.n <= left;
}

/* Bytes of which parts have a meaning: "10.0.0.1 . 0x0016". */
static int put_value(const struct nft_describer *d, struct nse_bytes v, struct nse_buf *b)
{
	bool in_hex = false;
	char text[8];

	for (size_t i = 0; i < v.n;) {
		const struct nft_told *t = told_of(d, v.p + i);
		bool hex = !has_text(t, v.n - i);
		int rc = 0;

		if (i > 0 && !(hex && in_hex))
			rc = nse_buf_put(b, " . ", 3);
		if (hex && rc == 0) {
			snprintf(text, sizeof(text), in_hex ? "%02x" : "0x%02x", v.p[i]);
			rc = nse_buf_put(b, text, strlen(text));
			i++;
		} else if (rc == 0) {
			rc = put_field(d, t, b);
			i += t->data.n;
		}
		if (rc < 0)
			return rc;
		in_hex = hex;
	}
	return 0;
}

static int set_verdict(json_t *o, struct nse_bytes verdict)
{
	struct nse_bytes code = nft_attr_find(verdict, NFTA_VERDICT_CODE);
	struct nse_bytes chain = nft_attr_str(nft_attr_find(verdict, NFTA_VERDICT_CHAIN));
	uint32_t v = nft_attr_u32(code);
	int rc = nft_json_word(o, "verdict", nft_word(nft_w_verdict, v), v);

	return rc == 0 && chain.p ? nft_json_text(o, "chain", chain) : rc;
}

int nft_describe_data(struct nft_describer *d, json_t *o, const char *name,
		      struct nse_bytes data)
{
	struct nse_buf b = NSE_BUF_INIT(4096);
	struct nse_bytes at[NFTA_DATA_VERDICT + 1];
	int rc;

	nft_attr_index(data, at, NFTA_DATA_VERDICT + 1);
	if (at[NFTA_DATA_VERDICT].p)
		return set_verdict(o, at[NFTA_DATA_VERDICT]);
	rc = put_value(d, at[NFTA_DATA_VALUE], &b);
	if (rc == 0)
		rc = nft_json_text(o, name, (struct nse_bytes){ b.data, b.len });
	nse_buf_release(&b);
	return rc;
}

int nft_describe_value(struct nft_describer *d, const char *name, struct nse_bytes zero)
{
	const struct nft_told *t = told_of(d, zero.p);

	if (!t || t->kind != NFT_SITE_VALUE || !t->known)
		return 0;
	return nft_json_number(d->values, name, t->value);
}
