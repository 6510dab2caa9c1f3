/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names of nf_tables objects for people, in messages: from a key alone, so
 * that the bytes of an element are shown by their number (four are an IPv4
 * address, six a MAC address), and not by the type of its set.
 */
#include "lib/engine/nft/key_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/engine/nft/words.h"
#include "lib/util/addr.h"

/* Text that is cut at its end; there is always a NUL. */
struct text {
	char *to;
	size_t n, len;
};

static void add(struct text *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (t->len + 1 >= t->n)
		return;
	va_start(ap, fmt);
	n = vsnprintf(t->to + t->len, t->n - t->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->len += (size_t)n;
}

/* A name may hold any byte but NUL; what is not plain ASCII is shown as \xNN. */
static void add_name(struct text *t, struct nse_bytes name)
{
	for (size_t i = 0; i < name.n; i++)
		add(t, name.p[i] > ' ' && name.p[i] < 0x7f ? "%c" : "\\x%02x", name.p[i]);
}

static void add_hex(struct text *t, struct nse_bytes b)
{
	add(t, "0x");
	for (size_t i = 0; i < b.n; i++)
		add(t, "%02x", b.p[i]);
}

/* 16 bytes that are a name and NULs behind it? Then the name's length. */
static size_t ifname_len(const uint8_t *p)
{
	size_t n = strnlen((const char *)p, 16);

	for (size_t i = 0; i < 16; i++)
		if (i < n ? p[i] <= ' ' || p[i] >= 0x7f : p[i] != 0)
			return 0;
	return n;
}

/* A concatenation: the names of interfaces in it, and the rest in hexadecimal. */
static void add_parts(struct text *t, struct nse_bytes b)
{
	const char *sep = "";
	size_t i = 0;

	while (i < b.n) {
		size_t n = b.n - i >= 16 ? ifname_len(b.p + i) : 0, from = i;

		add(t, "%s", sep);
		sep = " . ";
		if (n) {
			add_name(t, (struct nse_bytes){ b.p + i, n });
			i += 16;
			continue;
		}
		while (i < b.n && !(b.n - i >= 16 && ifname_len(b.p + i)))
			i++;
		add_hex(t, (struct nse_bytes){ b.p + from, i - from });
	}
}

static void add_value(struct text *t, struct nse_bytes b)
{
	char addr[NSE_ADDR_STR];
	size_t n;

	switch (b.n) {
	case 1:
		add(t, "%u", b.p[0]);
		return;
	case 2:
		add(t, "%u", nse_ld16(b.p));
		return;
	case 4:
		add(t, "%s", nse_addr_text(AF_INET, b.p, addr));
		return;
	case 6:
		add(t, "%02x:%02x:%02x:%02x:%02x:%02x", b.p[0], b.p[1], b.p[2], b.p[3],
		    b.p[4], b.p[5]);
		return;
	case 16:
		n = ifname_len(b.p);
		if (n)
			add_name(t, (struct nse_bytes){ b.p, n });
		else
			add(t, "%s", nse_addr_text(AF_INET6, b.p, addr));
		return;
	default:
		add_parts(t, b);
	}
}

static void add_element(struct text *t, const struct nft_key *key)
{
	struct nse_bytes from = { key->bytes.p, key->bytes.n / 2 };
	struct nse_bytes to = { key->bytes.p + from.n, from.n };

	switch (key->kind) {
	case NFT_ELEMENT_CATCHALL:
		add(t, "*");
		return;
	case NFT_ELEMENT_RANGE:
		add_value(t, from);
		add(t, "-");
		add_value(t, to);
		return;
	default:
		add_value(t, key->bytes);
	}
}

void nft_element_text(const struct nft_key *key, char *text, size_t n)
{
	struct text t = { text, n, 0 };

	if (n == 0)
		return;
	text[0] = '\0';
	add_element(&t, key);
}

void nft_key_text(const struct nft_key *key, char *text, size_t n)
{
	struct text t = { text, n, 0 };
	const char *family = nft_family_name(key->family);
	const char *noun = nft_kinds[key->type].type;

	if (n == 0)
		return;
	text[0] = '\0';
	if (key->type == NFT_RULE) {
		add(&t, "rule %u of ", key->rule);
		noun = nft_kinds[NFT_CHAIN].type;
	} else if (key->type == NFT_ELEMENT) {
		add(&t, key->kind == NFT_ELEMENT_END ? "element end " : "element ");
		add_element(&t, key);
		add(&t, " of ");
		noun = nft_kinds[NFT_SET].type;
	} else if (key->type == NFT_OBJECT && nft_word(nft_w_objtype, key->objtype)) {
		noun = nft_word(nft_w_objtype, key->objtype);
	}
	add(&t, "%s %s ", noun, family ? family : "?");
	add_name(&t, key->table);
	if (key->type != NFT_TABLE) {
		add(&t, " ");
		add_name(&t, key->name);
	}
}
