/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How a walk passes over attributes: it copies them as they are, opens nested
 * ones, and asks at each site what shall stand there. Types keep their two top
 * bits and paddings are zero, so that a walk that changes nothing gives the
 * same bytes again.
 */
#include <errno.h>
#include <string.h>

#include <linux/netlink.h>

#include "lib/engine/nft/walk_private.h"

int nft_walk_next(struct nse_cur *c, struct nft_in *a)
{
	struct nse_cur head = *c;
	struct nft_attr attr;
	int rc = nft_attr_next(c, &attr);

	if (rc <= 0)
		return rc;
	memcpy(&a->raw, head.p + offsetof(struct nlattr, nla_type), sizeof(a->raw));
	a->type = attr.type;
	a->data = attr.data;
	return 1;
}

/* Opens an attribute: its offset, or -errno. */
static long begin(struct nft_walker *w, uint16_t raw)
{
	long at = (long)w->out->len;
	struct nlattr nla = { .nla_len = NLA_HDRLEN, .nla_type = raw };
	int rc = nse_buf_put(w->out, &nla, sizeof(nla));

	return rc < 0 ? rc : at;
}

static int end(struct nft_walker *w, long at)
{
	static const uint8_t zeros[NLA_ALIGNTO];
	size_t n = w->out->len - (size_t)at;
	uint16_t len = (uint16_t)n;

	if (n > UINT16_MAX)
		return -EMSGSIZE;
	memcpy(w->out->data + at, &len, sizeof(len));
	return nse_buf_put(w->out, zeros, NLA_ALIGN(n) - n);
}

int nft_walk_copy(struct nft_walker *w, const struct nft_in *a)
{
	long at;
	int rc;

	if (!w->out)
		return 0;
	at = begin(w, a->raw);
	if (at < 0)
		return (int)at;
	rc = nse_buf_put(w->out, a->data.p, a->data.n);
	return rc < 0 ? rc : end(w, at);
}

int nft_walk_list(struct nft_walker *w, struct nse_bytes list, nft_in_fn *fn,
		  const void *ctx)
{
	struct nse_cur c = nse_cur(list.p, list.n);
	struct nft_in a;
	int rc;

	while ((rc = nft_walk_next(&c, &a)) > 0) {
		rc = fn(w, &a, ctx);
		if (rc < 0)
			return rc;
	}
	return rc;
}

int nft_walk_nested(struct nft_walker *w, const struct nft_in *a, nft_in_fn *fn,
		    const void *ctx)
{
	long at;
	int rc;

	if (!w->out)
		return nft_walk_list(w, a->data, fn, ctx);
	at = begin(w, a->raw);
	if (at < 0)
		return (int)at;
	rc = nft_walk_list(w, a->data, fn, ctx);
	return rc < 0 ? rc : end(w, at);
}

/* Writes what shall stand for the site. */
static int ask(struct nft_walker *w, const struct nft_site *site, bool sizes)
{
	size_t at = w->out ? w->out->len : 0;
	int rc = w->cb(w->arg, site, w->out);

	if (rc < 0 || !w->out)
		return rc < 0 ? rc : 0;
	if (rc == 0) {
		w->out->len = at;
		return nse_buf_put(w->out, site->data.p, site->data.n);
	}
	return sizes || w->out->len - at == site->data.n ? 0 : -EINVAL;
}

int nft_walk_site(struct nft_walker *w, const struct nft_in *a, struct nft_site *site)
{
	bool sizes = site->kind != NFT_SITE_VALUE;
	struct nse_bytes tail;
	long at = 0;
	int rc;

	tail.p = site->data.p + site->data.n;
	tail.n = a->data.n - (size_t)(tail.p - a->data.p);
	if (w->out) {
		at = begin(w, a->raw);
		if (at < 0)
			return (int)at;
	}
	rc = ask(w, site, sizes);
	if (rc < 0 || !w->out)
		return rc;
	rc = nse_buf_put(w->out, tail.p, tail.n);
	return rc < 0 ? rc : end(w, at);
}

int nft_walk_name(struct nft_walker *w, const struct nft_in *a, enum nft_site_kind kind)
{
	struct nft_site site = { .kind = kind, .data = a->data };

	if (site.data.n && site.data.p[site.data.n - 1] == '\0')
		site.data.n--;
	if (site.data.n == 0 || memchr(site.data.p, '\0', site.data.n))
		return -EBADMSG;
	return nft_walk_site(w, a, &site);
}

static size_t field_size(uint8_t kind)
{
	switch (kind) {
	case NFT_SITE_IFNAME:
	case NFT_SITE_IP6:
	case MEAN_ADDR:
	case MEAN_MAYBE_NAME:
		return 16;
	case NFT_SITE_IFINDEX:
	case NFT_SITE_IP4:
		return 4;
	case NFT_SITE_MAC:
		return 6;
	case MEAN_ETHERTYPE:
		return 2;
	default:
		return 1;
	}
}

size_t nft_mean_run(const struct nft_mean *mean, size_t n)
{
	size_t max = field_size(mean->kind), k;

	if (max > n)
		max = n;
	for (k = 1; k < max; k++)
		if (mean[k].kind != mean->kind || mean[k].off != mean->off + k)
			break;
	return k;
}

/* How many of the first bits count; 0 for a mask with holes. */
static uint16_t leading_bits(const struct nft_mean *mean, size_t n)
{
	uint16_t bits = 0;
	bool over = false;

	for (size_t i = 0; i < n; i++)
		for (int bit = 7; bit >= 0; bit--) {
			bool set = mean[i].mask >> bit & 1;

			if (set && over)
				return 0;
			over |= !set;
			bits += set;
		}
	return bits;
}

/* Bytes of a name: printable, then NULs up to the end. */
static bool looks_like_name(struct nse_bytes b)
{
	size_t n = b.n == 16 ? strnlen((const char *)b.p, 16) : 0;

	if (n == 0 || n == 16)
		return false;
	for (size_t i = 0; i < 16; i++)
		if (i < n ? b.p[i] <= ' ' || b.p[i] >= 127 || b.p[i] == '/' : b.p[i])
			return false;
	return true;
}

/* The site's kind, or MEAN_NONE when there is none to tell. */
static uint8_t site_kind(const struct nft_mean *mean, struct nse_bytes data)
{
	if (mean->off != 0)
		return MEAN_NONE;
	switch (mean->kind) {
	case MEAN_ADDR:
		return data.n == 4    ? NFT_SITE_IP4
		       : data.n == 16 ? NFT_SITE_IP6
				      : MEAN_NONE;
	case MEAN_MAYBE_NAME:
		return looks_like_name(data) ? NFT_SITE_IFNAME : MEAN_NONE;
	case NFT_SITE_IFINDEX:
		return data.n == 4 ? NFT_SITE_IFINDEX : MEAN_NONE;
	case MEAN_NFPROTO:
	case MEAN_ETHERTYPE:
		return MEAN_NONE;
	default:
		return mean->kind;
	}
}

/*
 * The index of an interface as a key of intervals: in network order, and an
 * interval's end is one more than the last index in it.
 */
static int ask_index(struct nft_walker *w, struct nft_site *site)
{
	const struct nse_bytes key = site->data;
	bool end = site->op == NFT_OP_TO && w->layout && w->layout->interval;
	size_t at = w->out ? w->out->len : 0;
	uint32_t v = nse_ld32(key.p) - end;
	int rc = 0;

	site->data.p = (const uint8_t *)&v;
	if (!end || v != UINT32_MAX)
		rc = w->cb(w->arg, site, w->out);
	if (rc < 0 || !w->out)
		return rc < 0 ? rc : 0;
	if (rc == 0) {
		w->out->len = at;
		return nse_buf_put(w->out, key.p, key.n);
	}
	if (w->out->len - at != sizeof(v))
		return -EINVAL;
	memcpy(&v, w->out->data + at, sizeof(v));
	nse_st32(w->out->data + at, v + end);
	return 0;
}

static int walk_run(struct nft_walker *w, struct nse_bytes data,
		    const struct nft_mean *mean, enum nft_site_op op, bool sizes)
{
	struct nft_site site = { .op = op, .data = data };
	uint8_t kind = site_kind(mean, data);

	if (kind == MEAN_NONE)
		return w->out ? nse_buf_put(w->out, data.p, data.n) : 0;
	site.kind = kind;
	site.bits = leading_bits(mean, data.n);
	if (site.bits != data.n * 8 && (op == NFT_OP_EQ || op == NFT_OP_NEQ))
		site.op = NFT_OP_OTHER;
	if (kind == NFT_SITE_IFINDEX && w->ordered)
		return ask_index(w, &site);
	return ask(w, &site, sizes);
}

/* Is a field the same at both ends of the range? */
static bool alike(const struct nft_walker *w, struct nse_bytes bytes, size_t at, size_t n)
{
	return w->other.n == bytes.n && memcmp(bytes.p + at, w->other.p + at, n) == 0;
}

int nft_walk_bytes(struct nft_walker *w, struct nse_bytes bytes,
		   const struct nft_mean *mean, enum nft_site_op op, bool sizes)
{
	int rc = 0;

	for (size_t i = 0, n; i < bytes.n && rc == 0; i += n) {
		n = nft_mean_run(mean + i, bytes.n - i);
		rc = walk_run(w, (struct nse_bytes){ bytes.p + i, n }, mean + i,
			      alike(w, bytes, i, n) ? NFT_OP_EQ : op,
			      sizes && n == bytes.n);
	}
	return rc;
}

int nft_walk_value(struct nft_walker *w, const struct nft_in *a,
		   const struct nft_mean *mean, enum nft_site_op op, bool sizes)
{
	long at = 0;
	int rc;

	if (w->out) {
		at = begin(w, a->raw);
		if (at < 0)
			return (int)at;
	}
	rc = nft_walk_bytes(w, a->data, mean, op, sizes);
	if (rc < 0 || !w->out)
		return rc;
	return end(w, at);
}
